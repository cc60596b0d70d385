"""rattler's HTTP client and gateway, made from a condarc.

rattler takes credentials by host only, and from a file; certificates only from the environment.
Both are read while a client is made, and not again: so they are put there for that moment.
"""

import json
import math
import os
import tempfile
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from condarium.engine.network.addresses import check_reach
from condarium.engine.network.guard import guard_for
from condarium.errors import BadCondarc, BadInput
from condarium.model.channels import ChannelUrl, Credentials, known_credentials
from condarium.model.condarc import Condarc

if TYPE_CHECKING:
    from rattler import Gateway
    from rattler.networking import Client

_USER_AGENT = "condarium"
# A whole request may take this many times as long as the server may keep silent.
_PATIENCE = 10
_process_environment = threading.Lock()


class CredentialsDisagree(BadInput):
    """Two channels on one host have different users."""

    def __init__(self, host: str) -> None:
        self.host = host
        super().__init__(
            f"two channels on {host} have different users or passwords",
            hint="Use one user for all channels of a host, or tokens (https://…/t/TOKEN/…), which "
            "may differ from channel to channel.",
        )


@dataclass(frozen=True, kw_only=True)
class Proxies:
    """The proxies to use instead of those of the environment; `direct` hosts go without."""

    http: str | None
    https: str | None
    direct: tuple[str, ...]


def make_client(
    condarc: Condarc,
    channels: Sequence[ChannelUrl] = (),
    *,
    environ: Mapping[str, str] | None = None,
    timeout: float | None = None,
) -> "Client":
    """Make an HTTP client that may use `channels` and every place whose credentials condarc has.

    `timeout` bounds a whole request, in seconds; without one it is ten times the condarc's
    remote_read_timeout_secs, because rattler has no limit of its own and a server that stalls
    would be waited for without end. Where the condarc has no credentials for a host, rattler looks
    for them as it always does: RATTLER_AUTH_FILE, the keyring, ~/.rattler, ~/.netrc.

    Raises BadCondarc where `ssl_verify` names nothing; CredentialsDisagree where two of `channels`
    would need different users on one host; PlaceRefused where one may not be asked.
    """
    from rattler.config import Config
    from rattler.networking import Client

    check_reach((each.url for each in channels), environ)
    known = known_credentials(condarc)
    users = _users_by_host(known, strict=False) | _users_by_host(channels, strict=True)
    limit = math.ceil(timeout or _PATIENCE * condarc.remote_read_timeout_secs)
    with _for_rattler(_certificates(condarc), users):
        return Client.from_config(
            Config.from_toml(_configuration(condarc, [*known, *channels], environ)),
            max_retries=condarc.remote_max_retries,
            user_agent=_USER_AGENT,
            timeout=limit,
        )


def make_gateway(
    client: "Client", cache_dir: Path, *, refresh: bool = False, offline: bool = False
) -> "Gateway":
    """Make what reads the indexes of channels, through a cache in `cache_dir`.

    `refresh` asks for every index again: when the state of a channel is known to have changed, an
    answer that its server allowed to be kept for a while must not be used. `offline` uses nothing
    but the cache.
    """
    from rattler import Gateway, SourceConfig

    source = SourceConfig(bz2_enabled=False)
    if refresh:
        source.cache_action = "no-cache"
    if offline:
        source.cache_action = "force-cache-only"
    return Gateway(cache_dir=cache_dir, client=client, default_config=source)


def find_proxies(condarc: Condarc, environ: Mapping[str, str]) -> Proxies | None:
    """Take the condarc's proxies; None where it has none, and the environment's are used as ever.

    A scheme that the condarc leaves out, and the hosts that go without, are the environment's.
    Where nobody names a proxy, a server that may not go everywhere goes through its guard.
    """
    said = dict(condarc.proxy_servers)
    said |= {
        scheme: said["all"] for scheme in ("http", "https") if scheme not in said and "all" in said
    }
    if not ("http" in said or "https" in said):
        guard = guard_for(environ)
        return Proxies(http=guard, https=guard, direct=()) if guard else None
    direct = _variable(environ, "no_proxy") or ""
    return Proxies(
        http=_with_scheme(said.get("http") or _variable(environ, "http_proxy")),
        https=_with_scheme(said.get("https") or _variable(environ, "https_proxy")),
        direct=tuple(host.strip() for host in direct.split(",") if host.strip()),
    )


def find_certificates(condarc: Condarc) -> Path | None:
    """Give the file or folder of certificates that `ssl_verify` names. Raises BadCondarc."""
    if isinstance(condarc.ssl_verify, bool) or condarc.ssl_verify == "truststore":
        return None
    path = Path(condarc.ssl_verify)
    if not path.exists():
        raise BadCondarc(
            "the .condarc", key="ssl_verify", found=f"{path}, which does not exist",
            expected="true, false, truststore, or a file or folder of certificates",
        )  # fmt: skip
    return path


def _configuration(
    condarc: Condarc, secrets: Iterable[ChannelUrl], environ: Mapping[str, str] | None
) -> str:
    """rattler's own configuration, as TOML; a JSON text is a TOML text."""
    lines = []
    if condarc.ssl_verify is False:
        lines.append("tls-no-verify = true")
    elif condarc.ssl_verify is not True:
        lines.append('tls-root-certs = "system"')
    lines += _proxy_lines(find_proxies(condarc, os.environ if environ is None else environ))
    # A token goes into the path by way of a "mirror": the URLs of records stay clean, each channel
    # may have a token of its own, and the longest beginning decides.
    tokens = {f"{each.url}/": f"{each.with_token()}/" for each in secrets if _has_token(each)}
    if tokens:
        lines += ["[mirrors]", *(f"{_quote(to)} = [{_quote(at)}]" for to, at in tokens.items())]
    return "\n".join(lines)


def _proxy_lines(proxies: Proxies | None) -> Iterator[str]:
    if proxies is None:
        return
    yield "[proxy-config]"
    if proxies.http:
        yield f"http = {_quote(proxies.http)}"
    if proxies.https:
        yield f"https = {_quote(proxies.https)}"
    yield f"non-proxy-hosts = [{', '.join(map(_quote, proxies.direct))}]"


def _has_token(channel: ChannelUrl) -> bool:
    return channel.credentials is not None and bool(channel.credentials.token)


def _quote(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _with_scheme(proxy: str | None) -> str | None:
    return f"http://{proxy}" if proxy and "://" not in proxy else proxy


def _variable(environ: Mapping[str, str], name: str) -> str | None:
    return environ.get(name) or environ.get(name.upper()) or None


def _certificates(condarc: Condarc) -> dict[str, str]:
    path = find_certificates(condarc)
    if path is None:
        return {}
    return {"SSL_CERT_DIR" if path.is_dir() else "SSL_CERT_FILE": str(path.absolute())}


def _users_by_host(channels: Iterable[ChannelUrl], *, strict: bool) -> dict[str, Credentials]:
    found: dict[str, Credentials] = {}
    for channel in channels:
        credentials = channel.credentials
        if credentials is None or credentials.username is None:
            continue
        host = urlsplit(channel.url).hostname or ""
        before = found.setdefault(host, credentials)
        same = (before.username, before.password) == (credentials.username, credentials.password)
        if strict and not same:
            raise CredentialsDisagree(host)
    return found


@contextmanager
def _for_rattler(variables: dict[str, str], users: dict[str, Credentials]) -> Iterator[None]:
    """Have the process's environment say what rattler should read, while a client is made."""
    if not variables and not users:
        yield
        return
    with _process_environment, tempfile.TemporaryDirectory(prefix="condarium-") as folder:
        if users:
            path = Path(folder, "credentials.json")
            path.touch(mode=0o600)
            path.write_text(json.dumps(_own_file() | _as_rattler(users)))
            variables = variables | {"RATTLER_AUTH_FILE": str(path)}
        before = {name: os.environ.get(name) for name in variables}
        os.environ.update(variables)
        try:
            yield
        finally:
            for name, value in before.items():
                if value is None:
                    os.environ.pop(name, None)
                else:
                    os.environ[name] = value


def _own_file() -> dict[str, Any]:
    """What the user's own RATTLER_AUTH_FILE says, which ours stands in for."""
    try:
        content = json.loads(Path(os.environ["RATTLER_AUTH_FILE"]).read_text())
    except (KeyError, OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def _as_rattler(users: dict[str, Credentials]) -> dict[str, Any]:
    return {
        host: {
            "BasicHTTP": {
                "username": each.username.reveal() if each.username else "",
                "password": each.password.reveal() if each.password else "",
            }
        }
        for host, each in users.items()
    }
