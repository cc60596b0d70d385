"""An HTTP client of our own, for the requests that rattler does not make.

httpx is slow to import: whoever needs this module imports it late.
"""

import ipaddress
import ssl
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any, Self

import httpx

from condarium.engine.network.clients import find_certificates, find_proxies
from condarium.model.condarc import Condarc


def make_http(condarc: Condarc, environ: Mapping[str, str]) -> httpx.Client:
    """Make a client that follows redirects and honours the condarc. Raises BadCondarc."""
    verify = _tls(condarc)
    proxies = find_proxies(condarc, environ)
    mounts: dict[str, httpx.HTTPTransport | None] = {}
    if proxies is not None and "*" not in proxies.direct:
        for scheme, proxy in (("http://", proxies.http), ("https://", proxies.https)):
            if proxy:
                mounts[scheme] = httpx.HTTPTransport(proxy=proxy, verify=verify)
        mounts |= {_pattern(host): None for host in proxies.direct}
    return httpx.Client(
        verify=verify,
        mounts=mounts,
        trust_env=proxies is None,
        follow_redirects=True,
        headers={"User-Agent": "condarium", "Accept-Encoding": "identity"},
        timeout=httpx.Timeout(
            condarc.remote_read_timeout_secs, connect=condarc.remote_connect_timeout_secs
        ),
    )


class _WhenNeeded(ssl.SSLContext):
    """A TLS context that is made at the first connection that needs it.

    To read the machine's certificates takes twice as long as to ask a server without TLS.
    """

    def __new__(cls, make: Callable[[], ssl.SSLContext]) -> Self:
        return super().__new__(cls, ssl.PROTOCOL_TLS_CLIENT)

    def __init__(self, make: Callable[[], ssl.SSLContext]) -> None:
        self._make = make

    @cached_property
    def _whole(self) -> ssl.SSLContext:
        return self._make()

    def set_alpn_protocols(self, *args: Any, **kwargs: Any) -> None:
        self._whole.set_alpn_protocols(*args, **kwargs)

    def wrap_socket(self, *args: Any, **kwargs: Any) -> ssl.SSLSocket:
        return self._whole.wrap_socket(*args, **kwargs)

    def wrap_bio(self, *args: Any, **kwargs: Any) -> ssl.SSLObject:
        return self._whole.wrap_bio(*args, **kwargs)


def _tls(condarc: Condarc) -> ssl.SSLContext:
    if condarc.ssl_verify is False:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return context
    path = find_certificates(condarc)
    if path is not None:
        place = str(path)
        folder = path.is_dir()
        return _WhenNeeded(
            lambda: ssl.create_default_context(
                cafile=None if folder else place, capath=place if folder else None
            )
        )
    return _WhenNeeded(system_tls)


def system_tls() -> ssl.SSLContext:
    """Trust what the machine trusts: an organisation's own authority is there, not in certifi's."""
    places = ssl.get_default_verify_paths()
    if places.cafile or places.capath:  # those that exist; a folder is read as it is needed
        return ssl.create_default_context()
    return httpx.create_ssl_context()  # a machine without certificates: httpx brings some


def _pattern(host: str) -> str:
    """How httpx writes what NO_PROXY says: a name stands for all names below it as well."""
    if "://" in host:
        return host
    try:
        address = ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return f"all://*{host}" if host != "localhost" else "all://localhost"
    return f"all://[{address}]" if address.version == 6 else f"all://{address}"
