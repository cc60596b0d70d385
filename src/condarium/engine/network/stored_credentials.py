"""Credentials where rattler looks for them, for the few requests that do not go through rattler.

The keyring is left out: to open it takes longer than what these requests are there to save.
"""

import json
import netrc
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from condarium.model.channels import Credentials
from condarium.model.secret import Secret


def stored_credentials(host: str, environ: Mapping[str, str], home: Path) -> Credentials | None:
    """Find the user or the conda token that is stored for a host; None where there is none."""
    for content in _files(environ, home):
        for name in (host, *_wildcards(host)):
            if isinstance(entry := content.get(name), dict):
                return _read(entry)
    return _from_netrc(host, environ, home)


def _files(environ: Mapping[str, str], home: Path) -> Iterator[dict[str, Any]]:
    named = environ.get("RATTLER_AUTH_FILE")
    for path in (*([Path(named)] if named else []), home / ".rattler" / "credentials.json"):
        try:
            content = json.loads(path.read_text())
        except (OSError, ValueError):
            continue
        if isinstance(content, dict):
            yield content


def _wildcards(host: str) -> Iterator[str]:
    pieces = host.split(".")
    for start in range(1, len(pieces)):
        yield f"*.{'.'.join(pieces[start:])}"


def _read(entry: dict[str, Any]) -> Credentials | None:
    basic, token = entry.get("BasicHTTP"), entry.get("CondaToken")
    if isinstance(basic, dict):
        return Credentials(
            username=Secret(str(basic.get("username", ""))),
            password=Secret(str(basic.get("password", ""))),
        )
    return Credentials(token=Secret(token)) if isinstance(token, str) else None


def _from_netrc(host: str, environ: Mapping[str, str], home: Path) -> Credentials | None:
    try:
        found = netrc.netrc(environ.get("NETRC") or home / ".netrc").authenticators(host)
    except (OSError, netrc.NetrcParseError):
        return None
    if found is None:
        return None
    return Credentials(username=Secret(found[0] or ""), password=Secret(found[2] or ""))
