"""What a server's users may have it reach beside public addresses."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from ipaddress import ip_network
from pathlib import PurePath
from urllib.parse import urlsplit

from condarium.model.reach import EVERYWHERE, Reach
from condarium.settings import reading
from condarium.settings.reading import BadSetting
from condarium.settings.store import Settings

VARIABLE = "CONDARIUM_ALLOW_PRIVATE_CHANNELS"
LINK_SCRIPTS = "CONDARIUM_LINK_SCRIPTS"
_ENTRY = re.compile(
    r"(?P<host>\[[0-9A-Fa-f:.]+(?:/\d+)?\]|[^\s:/\[]+(?:/\d+)?)(?::(?P<port>\d{1,5}))?"
)


def read_reach(environ: Mapping[str, str]) -> Reach:
    """Take CONDARIUM_ALLOW_PRIVATE_CHANNELS; where nothing is said, all may be reached.

    That is a command line's case, whose user can reach it all anyway; servers and workers always
    say something. Raises BadSetting.
    """
    text = environ.get(VARIABLE)
    if text is None:
        return EVERYWHERE
    return parse_reach(text)


def runs_link_scripts(environ: Mapping[str, str]) -> bool:
    """Whether packages' link scripts may be run: CONDARIUM_LINK_SCRIPTS, on a command line yes."""
    return reading.flag(LINK_SCRIPTS, environ, default=True) is not False


def parse_reach(text: str) -> Reach:
    """Read `*`, or hosts, addresses, networks (each perhaps with a port) and folders.

    >>> parse_reach("conda.corp.example, 10.2.0.0/16, [fd00::/8]:8080, /srv/channels").folders
    (PurePosixPath('/srv/channels'),)
    """
    hosts, networks, folders = [], [], []
    for entry in re.split(r"[,\s]+", text.strip()):
        if entry == "*":
            return EVERYWHERE
        if entry.startswith("/"):
            folders.append(PurePath(entry))
        elif entry:
            host, port = _host_and_port(entry)
            try:
                networks.append((ip_network(host.replace("[", "").replace("]", "")), port))
            except ValueError:
                if "/" in host or "[" in host:
                    raise _bad(entry) from None
                hosts.append((host.lower(), port))
    return Reach(hosts=tuple(hosts), networks=tuple(networks), folders=tuple(folders))


def guarded(environ: Mapping[str, str], own: Iterable[str] = ()) -> dict[str, str]:
    """The environment of what works for others: it reaches what is allowed, and itself.

    `own` are URLs at which the server is reached. Raises BadSetting.
    """
    said = [environ.get(VARIABLE, ""), *map(_place_of, own)]
    text = ",".join(dict.fromkeys(filter(None, ",".join(said).split(","))))
    parse_reach(text)
    scripts = environ.get(LINK_SCRIPTS, "0")
    return {**environ, VARIABLE: text, LINK_SCRIPTS: scripts}


def serves_others(environ: Mapping[str, str]) -> bool:
    """Whether it is the environment of a server or a worker."""
    return VARIABLE in environ


def for_others(settings: Settings, *own: str) -> Settings:
    """The settings of a server or a worker, which does what its users ask. Raises BadSetting."""
    public = reading.url("CONDARIUM_PUBLIC_URL", settings.environ)
    urls = filter(None, (*own, public))
    return replace(settings, environ=guarded(settings.environ, urls))


def _place_of(url: str) -> str:
    """The entry that allows what is at a URL."""
    parts = urlsplit(url)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    return f"{host}:{parts.port or (443 if parts.scheme == 'https' else 80)}"


def _host_and_port(entry: str) -> tuple[str, int | None]:
    if entry.count(":") > 1 and "[" not in entry:
        return entry, None  # an address or a network of IPv6
    found = _ENTRY.fullmatch(entry)
    if not found:
        raise _bad(entry)
    return found["host"], int(found["port"]) if found["port"] else None


def _bad(entry: str) -> BadSetting:
    expected = "*, or hosts, addresses, networks (10.0.0.0/8) and folders, with commas between"
    return BadSetting(VARIABLE, entry, expected)
