"""ID tokens (OpenID Connect Core 3.1.3.7): believed when everything about them is right."""

import hmac
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from condarium.errors import Refused

ALGORITHMS = (
    *("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
    *("ES256", "ES384", "ES512", "EdDSA"),
)
"""Signatures with a private key of the provider's alone: neither none nor a shared secret."""
_KINDS = ("RSA", "EC", "OKP")
_LEEWAY = 60
"""How many seconds clocks may differ."""
_LONGEST = 255


class BadIdToken(Refused):
    """The provider's ID token cannot be believed."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(f"what the provider says of you cannot be believed: {reason}")


class UnknownKey(BadIdToken):
    """The token is signed with a key that is not among those known of the provider."""


def read_id_token(
    token: str,
    keys: Mapping[str, Any],
    *,
    issuer: str,
    client_id: str,
    nonce: str,
    now: datetime,
) -> Mapping[str, Any]:
    """Give the claims of a token that the provider signed for us, just now, for this sign-in.

    Raises BadIdToken; UnknownKey where new keys may help.
    """
    claims = _signed_claims(token, keys)
    at = now.timestamp()
    audience = claims.get("aud")
    audiences = [audience] if isinstance(audience, str) else audience
    if claims.get("iss") != issuer:
        raise BadIdToken("it is of another issuer")
    if not isinstance(audiences, list) or client_id not in audiences:
        raise BadIdToken("it is for another client")
    if claims.get("azp", client_id if len(audiences) == 1 else None) != client_id:
        raise BadIdToken("it was given to another client")
    if not _number(claims, "exp") > at - _LEEWAY:
        raise BadIdToken("it has expired")
    if _number(claims, "iat") > at + _LEEWAY or _number(claims, "nbf", 0) > at + _LEEWAY:
        raise BadIdToken("it is of the future")
    if not hmac.compare_digest(str(claims.get("nonce", "")).encode(), nonce.encode()):
        raise BadIdToken("it belongs to another sign-in")
    subject = claims.get("sub")
    if not isinstance(subject, str) or not 0 < len(subject) <= _LONGEST:
        raise BadIdToken("it does not say whom it is about")
    return claims


def _signed_claims(token: str, keys: Mapping[str, Any]) -> Mapping[str, Any]:
    from joserfc import jws, jwt
    from joserfc.errors import JoseError

    try:
        header = jws.extract_compact(token.encode()).headers()
        if header.get("alg") not in ALGORITHMS:
            raise BadIdToken("it is signed in a way that proves nothing")
        key = _key(keys, header.get("kid"))
        return dict(jwt.decode(token, key, algorithms=list(ALGORITHMS)).claims)
    except (JoseError, ValueError, TypeError, KeyError) as error:
        raise BadIdToken("its signature is not right") from error


def _key(keys: Mapping[str, Any], identifier: object) -> Any:
    """The public key of an id, or the only one there is. Raises UnknownKey."""
    from joserfc.jwk import import_key

    found = [
        each
        for each in keys.get("keys", [])
        if isinstance(each, dict)
        and each.get("kty") in _KINDS
        and each.get("use", "sig") == "sig"
        and identifier in (None, each.get("kid"))
    ]
    if len(found) != 1:
        raise UnknownKey("its key is not known")
    return import_key(found[0])


def _number(claims: Mapping[str, Any], name: str, default: float | None = None) -> float:
    found = claims.get(name, default)
    if isinstance(found, bool) or not isinstance(found, int | float):
        raise BadIdToken(f"it says no {name}")
    return float(found)
