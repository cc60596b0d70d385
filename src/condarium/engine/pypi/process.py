"""Run uv as a program, so that only what condarium decided alters its results."""

import re
import ssl
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from uv import find_uv_bin

from condarium.engine.network.guard import guard_for
from condarium.engine.programs import told
from condarium.settings.reach import serves_others

TIMEOUT = 1800.0
"""Seconds: building a large source distribution is the longest that uv does for us."""

_KEPT = re.compile(
    r"UV_(DEFAULT_INDEX|INDEX|INDEX_URL|EXTRA_INDEX_URL|FIND_LINKS|INDEX_STRATEGY"
    r"|INDEX_\w+_(USERNAME|PASSWORD)|KEYRING_PROVIDER|CREDENTIALS_DIR|HTTP_\w+|REQUEST_TIMEOUT"
    r"|UPLOAD_HTTP_TIMEOUT|CONCURRENT_\w+|SYSTEM_CERTS|NATIVE_TLS|INSECURE_HOST|OFFLINE)"
)
"""uv's own variables that say how to reach an index; all others could change what is chosen."""

_DROPPED = re.compile(
    r"UV_.*|VIRTUAL_ENV|CONDA_PREFIX|CONDA_DEFAULT_ENV|PYTHON(PATH|HOME)|PIP_.*|CONDARIUM_.*"
)
"""What would change the answer, and what is condarium's own: a store's database, a token."""


Log = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class UvDone:
    """How a run of uv ended; `said` is what it wrote to its standard error."""

    code: int
    output: str
    said: str


def run_uv(
    arguments: Sequence[str],
    *,
    cache_dir: Path,
    environ: Mapping[str, str],
    folder: Path,
    log: Log | None = None,
) -> UvDone:
    """Run uv in `folder` with its cache at `cache_dir`; its user's configuration is not read.

    `log` is told what uv said, line by line, without credentials.
    """
    command = [
        find_uv_bin(),
        *arguments,
        "--no-config",
        "--no-python-downloads",
        "--no-progress",
        "--color=never",
        "--cache-dir",
        str(cache_dir),
    ]
    try:
        done = subprocess.run(
            command,
            env={**_machine_certificates(), **uv_environment(environ), **_guard(environ)},
            cwd=folder,
            capture_output=True,
            timeout=TIMEOUT,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except subprocess.TimeoutExpired:
        return UvDone(code=1, output="", said=f"uv did not finish in {TIMEOUT:.0f} s")
    said = done.stderr.decode(errors="replace")
    if log:
        for line in _without_credentials(said).splitlines():
            log(f"uv: {line.rstrip()}")
    return UvDone(code=done.returncode, output=done.stdout.decode(errors="replace"), said=said)


def uv_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """Keep what says how to reach an index (addresses, credentials, proxies, certificates).

    What builds a source distribution sees it too: of a server's environment little else is kept.
    """
    if serves_others(environ):
        reaching = {key: value for key, value in environ.items() if _KEPT.fullmatch(key)}
        return {**told(environ), **reaching, "GIT_ALLOW_PROTOCOL": "https:http"}
    return {
        key: value
        for key, value in environ.items()
        if _KEPT.fullmatch(key) or not _DROPPED.fullmatch(key)
    }


def _machine_certificates() -> dict[str, str]:
    """Let uv trust what the machine trusts, as everywhere here, unless a variable says it."""
    places = ssl.get_default_verify_paths()
    return {"UV_SYSTEM_CERTS": "1"} if places.cafile or places.capath else {}


def _guard(environ: Mapping[str, str]) -> dict[str, str]:
    guard = guard_for(environ)
    if guard is None:
        return {}
    names = ("http_proxy", "https_proxy", "all_proxy")
    return {**dict.fromkeys(names, guard), "no_proxy": "", "NO_PROXY": ""}


def tidy(said: str) -> tuple[str, str | None]:
    """Turn what uv wrote into an explanation and, where it gave one, a hint."""
    said = re.sub(r" @ file://\S*?-([0-9][^-\s]*)-py3-none-any\.whl", r"==\1", said)
    said = _without_credentials(said)
    text, *hints = re.split(r"^hint: ", said, flags=re.MULTILINE)
    lines = [_tidy_line(line) for line in text.splitlines() if line.strip()]
    kept = [line for line in lines if not _NOISE.match(line.strip())]
    cut = ["  …"] if len(kept) > _LONGEST else []
    explanation = "\n".join([*cut, *(f"  {line}" for line in kept[-_LONGEST:])])
    hint = " ".join(hints[0].split()) if hints else None
    return explanation, hint


def _without_credentials(said: str) -> str:
    return re.sub(r"(?<=://)[^/@\s]+@", "", said)


_LONGEST = 30

_NOISE = re.compile(
    r"(Using |Resolved |Prepared |Installed |Downloading |Building |Downloaded |Built |Updat"
    r"|warning: |No solution found when resolving)"
)


def _tidy_line(line: str) -> str:
    line = re.sub(r"^\s*(?:error|cause): |^\s*\u00d7 |^\s*╰─▶ |^\s*[├│]─?▶?", "", line)
    return re.sub(r"^ {1,9}", "", line)
