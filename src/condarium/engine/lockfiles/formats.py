"""Which format a lock has; and those that rattler does not read, or reads in part only."""

import re
from collections.abc import Sequence
from typing import Literal

from rattler import PackageRecord, RepoDataRecord, Subdir
from rattler.exceptions import (
    InvalidPackageNameError,
    InvalidVersionError,
    ParseSubdirError,
)
from rattler.package.build_string import BuildString

from condarium.errors import BadLock
from condarium.model.secret import redact_url

_AGAIN = "Restore the file from where it came, or lock again."


def check_text(data: bytes, source: str) -> tuple[str, str]:
    """Decode a lock and tell its format: `pixi`, `conda-lock` or `explicit`. Raises BadLock."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise BadLock(source, "is not a text file (UTF-8)", line=line, hint=_AGAIN) from error
    text = text.replace("\r\n", "\n")
    _refuse_conflicts(text, source)
    if re.search(r"^@EXPLICIT\s*$", text, re.MULTILINE):
        return text, "explicit"
    if re.search(r"^package:", text, re.MULTILINE) and re.search(r"^metadata:", text, re.MULTILINE):
        return text, "conda-lock"
    if not re.search(r"^version:\s*\d+\s*$", text, re.MULTILINE):
        raise BadLock(
            source,
            f"is not a lock: {_guess(text)}",
            hint="A pixi.lock, a conda-lock.yml or an explicit list (@EXPLICIT) can be installed.",
        )
    return text, "pixi"


def _guess(text: str) -> str:
    if not text.strip():
        return "it is empty"
    if re.search(r"^dependencies:", text, re.MULTILINE):
        return "it looks like an environment.yml, which must be solved first"
    if re.search(r"^\[(workspace|project|dependencies)", text, re.MULTILINE):
        return "it looks like a manifest (TOML), which must be solved first"
    if re.search(r"^\[\[package", text, re.MULTILINE):
        return "it looks like a uv.lock, poetry.lock or pylock.toml, which have no conda packages"
    return "it says no `version:`"


def _refuse_conflicts(text: str, source: str) -> None:
    if found := re.search(r"^(<{7}|>{7}|={7}$|\|{7})", text, re.MULTILINE):
        line = text.count("\n", 0, found.start()) + 1
        raise BadLock(
            source,
            f"has the mark of a merge conflict, {found[1]}",
            line=line,
            hint="Take one side of the conflict whole, or lock again.",
        )


def unreadable(text: str, source: str, said: str) -> BadLock:
    """Say what is wrong with a pixi.lock that rattler does not take: it speaks of its own types."""
    if newer := re.search(r"format version (\d+).*version (\d+)", said):
        reason = f"is a lock of format {newer[1]}; this condarium reads up to {newer[2]}"
        hint = "Use a newer condarium, or lock again with this one."
        return BadLock(source, reason, hint=hint)
    end = len(text.rstrip().splitlines())
    if not text.endswith("\n"):
        return BadLock(
            source, "is cut short: it ends in the middle of a line", line=end, hint=_AGAIN
        )
    if not re.search(r"^packages:", text, re.MULTILINE):
        return BadLock(source, "is cut short: it ends before `packages:`", line=end, hint=_AGAIN)
    if lost := re.search(r"a package that does not exist: (\S+)", said):
        line = text.count("\n", 0, text.find(lost[1])) + 1
        reason = (
            f"lists {redact_url(lost[1])}, which `packages:` does not have: it may be cut short"
        )
        return BadLock(source, reason, line=line, hint=_AGAIN)
    where = re.search(r"\bat line (\d+)", said)
    return BadLock(source, _in_words(said), line=int(where[1]) if where else None, hint=_AGAIN)


def _in_words(said: str) -> str:
    if lacking := re.search(r"missing fields?(?:/fields)? ['`](\w+)", said):
        return f"an entry has no `{lacking[1]}:`"
    if re.search(r"did not match any variant|expected at least `conda` or `pypi`", said):
        return "an entry is none of a lock: a package begins with `- conda:` or `- pypi:`"
    if another := re.search(r"invalid type: (.+?), expected", said):
        return f"found {another[1]} where a lock has something else"
    return said


def read_explicit(text: str, source: str) -> tuple[str, tuple[str, ...], list[RepoDataRecord]]:
    """Read an `@EXPLICIT` list (CEP 23): its subdir, its channels and its packages.

    Each line is a URL with `#` and a hash, MD5 (32 digits) or SHA-256 (64, or after `sha256:`).
    """
    records = [
        _record(line.strip(), source, number)
        for number, line in enumerate(text.splitlines(), start=1)
        if line.strip() and not line.lstrip().startswith(("#", "@EXPLICIT"))
    ]
    said = re.search(r"^#\s*platform:\s*(\S+)\s*$", text, re.MULTILINE)
    subdirs = {record.subdir for record in records} - {"noarch"}
    if said:
        subdirs = {said[1]}
    if len(subdirs) != 1:
        found = ", ".join(sorted(subdirs)) or "none"
        raise BadLock(
            source,
            f"does not say its platform, and its packages are of {found}",
            hint="Add the line `# platform: linux-64`, or whichever it is.",
        )
    channels = tuple(dict.fromkeys(record.channel for record in records))
    return subdirs.pop(), channels, sorted(records, key=lambda record: record.name.normalized)


def _record(line: str, source: str, number: int) -> RepoDataRecord:
    url, _, digest = line.partition("#")
    digest = digest.removeprefix("sha256:").removeprefix("md5:").lower()
    if not re.fullmatch(r"[0-9a-f]{32}|[0-9a-f]{64}", digest):
        raise BadLock(
            source,
            f"{url} has no hash; expected #, then an MD5 or a SHA-256",
            line=number,
            hint="`conda list --explicit --sha256` writes the hashes.",
        )
    sha256, md5 = (digest, None) if len(digest) == 64 else (None, digest)
    try:
        return record_of(url, sha256=sha256, md5=md5)
    except ValueError as error:
        raise BadLock(source, str(error), line=number) from error


def record_of(
    url: str, *, sha256: str | None, md5: str | None, depends: Sequence[str] = ()
) -> RepoDataRecord:
    """Make a record from what the URL of a package says; raises ValueError where it says none."""
    channel, _, file = url.rpartition("/")
    channel, _, subdir = channel.rpartition("/")
    stem = re.sub(r"\.(conda|tar\.bz2)$", "", file)
    parts = stem.rsplit("-", 2)
    if len(parts) != 3 or stem == file or "://" not in channel:
        raise ValueError(f"found {url!r}; expected the URL of a .conda or .tar.bz2 package")
    name, version, build = parts
    try:
        package = PackageRecord(
            name=name,
            version=version,
            build=BuildString.new_unchecked(build),
            build_number=_build_number(build),
            subdir=Subdir(subdir),
            noarch=_noarch(subdir, build),
            depends=list(depends),
            sha256=bytes.fromhex(sha256) if sha256 else None,
            md5=bytes.fromhex(md5) if md5 else None,
        )
    except (InvalidPackageNameError, InvalidVersionError, ParseSubdirError) as error:
        raise ValueError(f"{file}: {error}") from error
    return RepoDataRecord(package, file_name=file, url=url, channel=f"{channel}/")


def _build_number(build: str) -> int:
    found = re.search(r"(?:^|_)(\d+)$", build)
    return int(found[1]) if found else 0


def _noarch(subdir: str, build: str) -> Literal["python", "generic"] | None:
    """Guess from the build string: the file does not say, and the package itself does later."""
    if subdir != "noarch":
        return None
    return "python" if build.startswith("py") else "generic"
