"""An OpenID provider: what it says of itself, its keys, and a code that becomes an ID token."""

from collections.abc import Mapping
from dataclasses import dataclass
from threading import Lock
from time import monotonic
from typing import Any
from urllib.parse import quote, urlsplit

import httpx

from condarium.engine.network.http import system_tls
from condarium.errors import Failed
from condarium.model.secret import Secret

_LASTING = 3600.0
"""How many seconds what a provider says of itself, and its keys, are believed."""
_AGAIN = 10.0
"""How many seconds lie at least between two requests for keys, whatever tokens name."""
_LARGEST = 1 << 20
_ENDPOINTS = ("authorization_endpoint", "token_endpoint", "jwks_uri")


class ProviderFailed(Failed):
    """The OpenID provider did not answer as it should."""

    def __init__(self, issuer: str, reason: str) -> None:
        self.issuer, self.reason = issuer, reason
        super().__init__(
            f"the sign-in provider at {urlsplit(issuer).netloc} {reason}",
            hint="Try again; if it stays so, whoever runs this server finds more in its log.",
        )


@dataclass(frozen=True, kw_only=True)
class Tokens:
    """What a provider gives for a code."""

    id_token: str
    access_token: Secret | None


class Provider:
    """Asks one provider; what it said is kept for an hour. May be used by several threads."""

    def __init__(self, issuer: str, client_id: str, client_secret: Secret | None) -> None:
        self.issuer = issuer
        self._client_id, self._client_secret = client_id, client_secret
        self._http = httpx.Client(verify=system_tls(), timeout=10, follow_redirects=False)
        self._lock = Lock()
        self._kept: dict[str, tuple[float, Mapping[str, Any]]] = {}
        self._asked_anew = -_AGAIN

    def close(self) -> None:
        self._http.close()

    def configuration(self) -> Mapping[str, Any]:
        """What the provider says of itself. Raises ProviderFailed."""
        with self._lock:
            return self._configuration()

    def keys(self, *, anew: bool = False) -> Mapping[str, Any]:
        """Its keys as a JWK set; `anew` where a token names one that is not among those kept.

        Raises ProviderFailed.
        """
        with self._lock:
            place = self._configuration()["jwks_uri"]
            if anew and monotonic() - self._asked_anew >= _AGAIN:
                self._asked_anew = monotonic()
                self._kept.pop(place, None)
            return self._get(place)

    def exchange(self, code: str, *, verifier: str, redirect_uri: str) -> Tokens:
        """Give a code back for tokens. Raises ProviderFailed."""
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_uri,
            "code_verifier": verifier,
        }
        configuration = self.configuration()
        basic, proof = self._proof(configuration)
        said = self._ask(
            httpx.Request("POST", configuration["token_endpoint"], data=form | proof, headers=basic)
        )
        id_token, access_token = said.get("id_token"), said.get("access_token")
        if not isinstance(id_token, str):
            raise ProviderFailed(self.issuer, "gave no ID token")
        secret = Secret(access_token) if isinstance(access_token, str) else None
        return Tokens(id_token=id_token, access_token=secret)

    def user_info(self, access_token: Secret) -> Mapping[str, Any]:
        """More claims; none where the provider has no such endpoint. Raises ProviderFailed."""
        place = self.configuration().get("userinfo_endpoint")
        if not isinstance(place, str) or not self._is_safe(place):
            return {}
        bearer = {"Authorization": f"Bearer {access_token.reveal()}"}
        return self._ask(httpx.Request("GET", place, headers=bearer))

    def _proof(self, configuration: Mapping[str, Any]) -> tuple[dict[str, str], dict[str, str]]:
        """How we show who we are: as headers, and as fields of the form."""
        secret = self._client_secret
        if secret is None:
            return {}, {"client_id": self._client_id}
        ways = configuration.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
        if "client_secret_basic" not in ways:
            return {}, {"client_id": self._client_id, "client_secret": secret.reveal()}
        user, password = quote(self._client_id, safe=""), quote(secret.reveal(), safe="")
        auth = httpx.BasicAuth(user, password)
        request = next(auth.auth_flow(httpx.Request("POST", self.issuer)))
        return {"Authorization": request.headers["Authorization"]}, {}

    def _configuration(self) -> Mapping[str, Any]:
        place = f"{self.issuer.rstrip('/')}/.well-known/openid-configuration"
        found = self._get(place)
        if found.get("issuer") != self.issuer:
            raise ProviderFailed(self.issuer, "says that it is another issuer")
        if not all(self._is_safe(found.get(name)) for name in _ENDPOINTS):
            raise ProviderFailed(self.issuer, f"names no https:// URL for {', '.join(_ENDPOINTS)}")
        return found

    def _is_safe(self, place: object) -> bool:
        """Whether an address of the provider's is over TLS, as it is itself."""
        schemes = ("https",) if self.issuer.startswith("https:") else ("https", "http")
        return isinstance(place, str) and urlsplit(place).scheme in schemes

    def _get(self, place: str) -> Mapping[str, Any]:
        at, found = self._kept.get(place, (0.0, None))
        if found is None or monotonic() - at >= _LASTING:
            found = self._ask(httpx.Request("GET", place))
            self._kept[place] = monotonic(), found
        return found

    def _ask(self, request: httpx.Request) -> Mapping[str, Any]:
        request.headers["Accept"] = "application/json"
        try:
            answer = self._http.send(request, stream=True)
            try:
                content = self._content(answer)
            finally:
                answer.close()
        except httpx.HTTPError as error:
            raise ProviderFailed(self.issuer, "does not answer") from error
        if answer.status_code != 200:
            raise ProviderFailed(self.issuer, f"answers with status {answer.status_code}")
        return self._object(httpx.Response(200, content=content))

    def _content(self, answer: httpx.Response) -> bytes:
        content = b""
        for piece in answer.iter_bytes():
            content += piece
            if len(content) > _LARGEST:
                raise ProviderFailed(self.issuer, "says too much")
        return content

    def _object(self, answer: httpx.Response) -> Mapping[str, Any]:
        try:
            said = answer.json()
        except ValueError as error:
            raise ProviderFailed(self.issuer, "does not answer with JSON") from error
        if not isinstance(said, dict):
            raise ProviderFailed(self.issuer, "does not answer with a JSON object")
        return said
