"""An OpenID provider of one's own on the loopback, which signs in whomever it is told to.

    with running_provider() as provider:
        provider.person = {"sub": "4711", "preferred_username": "ada", "groups": ["fitters"]}
        provider.rotate()                              # another key from now on
        provider.claims = {"aud": "another-client"}    # tell a lie

It checks what a provider has to: the client and its secret, PKCE, and that a code is used once.
"""

import base64
import json
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey

CLIENT, SECRET = "condarium", "the-client's-secret/+"

Sign = Callable[["Provider", dict[str, Any]], str]


def _signed(provider: "Provider", claims: dict[str, Any]) -> str:
    header = {"alg": "RS256", "kid": provider.key.kid}
    return jwt.encode(header, claims, provider.key, algorithms=["RS256"])


@dataclass
class Provider:
    """`claims` are put over those that are right; None takes one away."""

    url: str
    person: dict[str, Any] = field(default_factory=lambda: {"sub": "4711"})
    claims: dict[str, Any] = field(default_factory=dict)
    more: dict[str, Any] = field(default_factory=dict)
    sign: Sign = _signed
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    key: RSAKey = field(default_factory=lambda: _key())
    shown: list[RSAKey] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.shown = [self.key]

    @property
    def settings(self) -> dict[str, str]:
        """What a server needs to know of it."""
        return {
            "CONDARIUM_OIDC_ISSUER": self.url,
            "CONDARIUM_OIDC_CLIENT_ID": CLIENT,
            "CONDARIUM_OIDC_CLIENT_SECRET": SECRET,
        }

    def rotate(self, *, shown: bool = True) -> None:
        """Sign with another key, which is `shown` to whoever asks."""
        self.key = _key()
        if shown:
            self.shown = [self.key]

    def code_for(self, query: dict[str, str]) -> str:
        code = secrets.token_urlsafe(16)
        self.codes[code] = query
        return code

    def redeem(self, form: dict[str, str], basic: str) -> dict[str, Any] | None:
        """Tokens for a code; None where anything about the request is wrong."""
        begun = self.codes.pop(form.get("code", ""), None)
        if begun is None or basic != f"{CLIENT}:{SECRET}":
            return None
        digest = sha256(form.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).decode().rstrip("=")
        if challenge != begun["code_challenge"] or form["redirect_uri"] != begun["redirect_uri"]:
            return None
        now = int(time.time())
        claims = {
            "iss": self.url,
            "aud": CLIENT,
            "iat": now,
            "exp": now + 300,
            "nonce": begun["nonce"],
            **self.person,
            **self.claims,
        }
        right = {name: value for name, value in claims.items() if value is not None}
        return {"id_token": self.sign(self, right), "access_token": "access", "token_type": "b"}


@contextmanager
def running_provider() -> Iterator[Provider]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.provider = Provider(f"http://127.0.0.1:{server.server_address[1]}")  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield server.provider  # type: ignore[attr-defined]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _key() -> RSAKey:
    key = RSAKey.generate_key(2048, {"use": "sig", "alg": "RS256"}, auto_kid=True)
    assert key.kid
    return key


class _Handler(BaseHTTPRequestHandler):
    @property
    def _provider(self) -> Provider:
        found: Provider = self.server.provider  # type: ignore[attr-defined]
        return found

    def do_GET(self) -> None:
        provider, path = self._provider, urlsplit(self.path)
        provider.asked.append(path.path)
        match path.path:
            case "/.well-known/openid-configuration":
                self._say(
                    {
                        "issuer": provider.url,
                        "authorization_endpoint": f"{provider.url}/authorize",
                        "token_endpoint": f"{provider.url}/token",
                        "userinfo_endpoint": f"{provider.url}/userinfo",
                        "jwks_uri": f"{provider.url}/keys",
                    }
                )
            case "/keys":
                keys = [key.as_dict(private=False) for key in provider.shown]
                self._say({"keys": keys})
            case "/userinfo":
                self._say({"sub": provider.person.get("sub"), **provider.more})
            case "/authorize":
                query = {name: values[0] for name, values in parse_qs(path.query).items()}
                back = {"code": provider.code_for(query), "state": query["state"]}
                self.send_response(302)
                self.send_header("Location", f"{query['redirect_uri']}?{urlencode(back)}")
                self.send_header("Content-Length", "0")
                self.end_headers()

    def do_POST(self) -> None:
        self._provider.asked.append(self.path)
        length = int(self.headers["Content-Length"])
        form = {key: each[0] for key, each in parse_qs(self.rfile.read(length).decode()).items()}
        basic = self.headers.get("Authorization", "Basic ").removeprefix("Basic ")
        user, _, password = base64.b64decode(basic).decode().partition(":")
        found = self._provider.redeem(form, f"{unquote(user)}:{unquote(password)}")
        self._say(found or {"error": "invalid_grant"}, status=200 if found else 400)

    def _say(self, said: dict[str, Any], *, status: int = 200) -> None:
        content = json.dumps(said).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: Any) -> None:
        pass
