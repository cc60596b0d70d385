"""Where a request comes from, whatever it says itself."""

from ipaddress import ip_network

import pytest

from condarium.server.doors.origins import address_of, is_https
from condarium.settings import BadSetting
from condarium.settings.sign_in import SignInSettings

PROXIES = (ip_network("10.0.0.0/8"), ip_network("fd00::/8"))


@pytest.mark.parametrize(
    ("peer", "said", "address"),
    [
        ("192.0.2.1", "", "192.0.2.1"),
        ("192.0.2.1", "203.0.113.9", "192.0.2.1"),
        ("10.0.0.1", "203.0.113.9", "203.0.113.9"),
        ("10.0.0.1", "127.0.0.1, 203.0.113.9", "203.0.113.9"),
        ("10.0.0.1", "203.0.113.9, 10.0.0.2", "203.0.113.9"),
        ("10.0.0.1", "10.0.0.3, 10.0.0.2", "10.0.0.3"),
        ("10.0.0.1", "203.0.113.9:4711", "203.0.113.9"),
        ("10.0.0.1", "[2001:db8::1]:4711", "2001:db8::1"),
        ("fd00::1", "2001:db8::1", "2001:db8::1"),
        ("10.0.0.1", "nonsense", "10.0.0.1"),
        ("10.0.0.1", "203.0.113.9, nonsense", "10.0.0.1"),
    ],
)
def test_only_trusted_proxies_are_believed(peer: str, said: str, address: str) -> None:
    headers = {b"x-forwarded-for": said.encode()} if said else {}
    assert address_of({"client": (peer, 4711)}, headers, PROXIES) == address
    assert address_of({"client": (peer, 4711)}, headers, ()) == peer


@pytest.mark.parametrize(
    ("scheme", "peer", "said", "public_url", "https"),
    [
        ("https", "192.0.2.1", "", None, True),
        ("http", "192.0.2.1", "https", None, False),
        ("http", "10.0.0.1", "https", None, True),
        ("http", "10.0.0.1", "http", None, False),
        ("http", "192.0.2.1", "", "https://conda.example.org", True),
        ("http", "192.0.2.1", "", "http://conda.example.org", False),
    ],
)
def test_whether_a_browser_talks_tls(
    scheme: str, peer: str, said: str, public_url: str | None, https: bool
) -> None:
    scope = {"client": (peer, 4711), "scheme": scheme}
    headers = {b"x-forwarded-proto": said.encode()}
    assert is_https(scope, headers, PROXIES, public_url) is https


@pytest.mark.parametrize(
    "environ",
    [
        {"CONDARIUM_TRUSTED_PROXIES": "proxy.example.org"},
        {"CONDARIUM_TRUSTED_PROXIES": "10.0.0.1/8"},
        {"CONDARIUM_SESSION_IDLE": "long"},
        {"CONDARIUM_PASSWORDS": "maybe"},
        {"CONDARIUM_OIDC_ISSUER": "http://login.example.org", "CONDARIUM_OIDC_CLIENT_ID": "x"},
        {"CONDARIUM_OIDC_ISSUER": "https://login.example.org"},
        {
            "CONDARIUM_OIDC_ISSUER": "https://login.example.org",
            "CONDARIUM_OIDC_CLIENT_ID": "x",
            "CONDARIUM_OIDC_CLIENT_SECRET_FILE": "/nowhere",
        },
    ],
)
def test_settings_that_say_nothing_useful_are_refused(environ: dict[str, str]) -> None:
    with pytest.raises(BadSetting):
        SignInSettings.read(environ)


def test_settings_of_a_provider() -> None:
    read = SignInSettings.read(
        {
            "CONDARIUM_OIDC_ISSUER": "https://login.example.org/",
            "CONDARIUM_OIDC_CLIENT_ID": "condarium",
            "CONDARIUM_OIDC_CLIENT_SECRET": "s3cret",
            "CONDARIUM_OIDC_SCOPES": "profile,groups",
            "CONDARIUM_OIDC_GROUPS_CLAIM": "",
        }
    )
    assert read.oidc
    assert read.oidc.scopes == ("openid", "profile", "groups")
    assert read.oidc.groups_claim == ""
    assert "s3cret" not in repr(read)
