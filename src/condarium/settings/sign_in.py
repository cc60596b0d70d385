"""Who may sign in, how, and for how long."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Self

from condarium.model.secret import Secret, redact_url
from condarium.settings import reading
from condarium.settings.reading import BadSetting

Network = IPv4Network | IPv6Network

_ISSUER = re.compile(
    r"https://[^\s?#@]+|http://(localhost|127\.0\.0\.1|\[::1\])(:\d{1,5})?[^\s?#@]*"
)


@dataclass(frozen=True, kw_only=True)
class OidcSettings:
    """An OpenID provider, and what its claims mean here.

    Whoever is in none of `allowed_groups` is turned away; without any, nobody is. `groups_claim`
    is empty where groups are not taken over. Claims put nobody into a group with a role on the
    platform that is not in `admin_groups`.
    """

    issuer: str
    client_id: str
    client_secret: Secret | None = None
    scopes: tuple[str, ...] = ("openid", "profile", "email")
    name_claim: str = "preferred_username"
    groups_claim: str = "groups"
    allowed_groups: tuple[str, ...] = ()
    admin_groups: tuple[str, ...] = ()

    @classmethod
    def read(cls, environ: Mapping[str, str]) -> Self | None:
        """Take CONDARIUM_OIDC_ISSUER and its like; None without an issuer. Raises BadSetting."""
        issuer = environ.get("CONDARIUM_OIDC_ISSUER", "").strip()
        if not issuer:
            return None
        if not _ISSUER.fullmatch(issuer):
            expected = "an https:// URL; http:// only on this machine"
            raise BadSetting("CONDARIUM_OIDC_ISSUER", redact_url(issuer), expected)
        client = environ.get("CONDARIUM_OIDC_CLIENT_ID", "").strip()
        if not client:
            raise BadSetting("CONDARIUM_OIDC_CLIENT_ID", "", "the id that the provider gave")
        scopes = _words("CONDARIUM_OIDC_SCOPES", environ) or cls.scopes
        return cls(
            issuer=issuer,
            client_id=client,
            client_secret=reading.secret("CONDARIUM_OIDC_CLIENT_SECRET", environ),
            scopes=tuple(dict.fromkeys(("openid", *scopes))),
            name_claim=environ.get("CONDARIUM_OIDC_NAME_CLAIM") or cls.name_claim,
            groups_claim=environ.get("CONDARIUM_OIDC_GROUPS_CLAIM", cls.groups_claim),
            allowed_groups=_words("CONDARIUM_OIDC_ALLOWED_GROUPS", environ),
            admin_groups=_words("CONDARIUM_OIDC_ADMIN_GROUPS", environ),
        )


@dataclass(frozen=True, kw_only=True)
class SignInSettings:
    """How people sign in to `condarium serve`.

    A session ends when it was not used for `idle`, and `whole` after its beginning whatever
    happens. What a proxy among `trusted_proxies` says of where a request came from is believed.
    """

    idle: timedelta = timedelta(hours=12)
    whole: timedelta = timedelta(days=7)
    passwords: bool = True
    trusted_proxies: tuple[Network, ...] = ()
    oidc: OidcSettings | None = None

    @classmethod
    def read(cls, environ: Mapping[str, str]) -> Self:
        """Take CONDARIUM_SESSION_IDLE, _SESSION_AGE, _PASSWORDS, _TRUSTED_PROXIES and _OIDC_….

        Raises BadSetting.
        """
        idle = reading.seconds("CONDARIUM_SESSION_IDLE", environ, int(cls.idle.total_seconds()))
        whole = reading.seconds("CONDARIUM_SESSION_AGE", environ, int(cls.whole.total_seconds()))
        return cls(
            idle=timedelta(seconds=idle),
            whole=timedelta(seconds=whole),
            passwords=reading.flag("CONDARIUM_PASSWORDS", environ, default=True) is not False,
            trusted_proxies=_networks("CONDARIUM_TRUSTED_PROXIES", environ),
            oidc=OidcSettings.read(environ),
        )


def _words(name: str, environ: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(re.split(r"[\s,]+", text)) if (text := environ.get(name, "").strip(" ,")) else ()


def _networks(name: str, environ: Mapping[str, str]) -> tuple[Network, ...]:
    try:
        return tuple(ip_network(word) for word in _words(name, environ))
    except ValueError as error:
        found = environ.get(name, "")
        raise BadSetting(name, found, "addresses or networks such as 10.0.0.0/8") from error
