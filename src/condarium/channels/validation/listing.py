"""info/paths.json (CEP 34) against the archive, both ways; or `info/files`, which was before it."""

import re
from collections.abc import Mapping
from typing import Any

from condarium.channels.validation.contents import Contents
from condarium.channels.validation.paths import check_for_subdir, normal_path
from condarium.channels.validation.refusal import Fault
from condarium.channels.validation.strict_json import check_text, parse
from condarium.channels.validation.tar import Kind, Member

PATHS, FILES, HAS_PREFIX, NO_LINK = (
    f"info/{name}" for name in ("paths.json", "files", "has_prefix", "no_link")
)
_KINDS = {
    "hardlink": (Kind.FILE, Kind.HARD_LINK),
    "softlink": (Kind.LINK,),
    "directory": (Kind.FOLDER,),
}
_VALUES = 64
"""How many values paths.json may have for each member; today's have six or seven."""
_SHA256 = re.compile(r"[0-9a-fA-F]{64}")
_PREFIX_LINE = re.compile(r"""("[^"]*"|'[^']*'|\S+) (text|binary) ("[^"]*"|'[^']*'|.+)""")


def check_listing(contents: Contents, *, subdir: str, legacy: bool) -> None:
    """Refuse a package that lists other members than it has. Raises Fault.

    `legacy` says whether it may be of a conda-build that had no paths.json.
    """
    payload = contents.payload
    for path in payload:
        check_for_subdir(path, subdir)
    if PATHS in contents.info:
        listed = _listed(contents.info[PATHS], payload, contents.folders)
    elif legacy and FILES in contents.info:
        listed = _listed_as_lines(contents.info, payload)
    else:
        raise Fault("metadata-missing", PATHS, found="no such member", expected="it")
    if left_out := sorted(payload.keys() - listed):
        more = f" and {len(left_out) - 1:,} more" if len(left_out) > 1 else ""
        raise Fault(
            "paths-lists-all",
            left_out[0],
            found=f"it{more} in the archive, but not in the list of paths",
            expected="every member listed",
        )


def _listed(content: bytes, payload: Mapping[str, Member], folders: set[str]) -> set[str]:
    """Check each path of paths.json; give all."""
    _check_amount(content, len(payload) + len(folders))
    document = parse(content, PATHS)
    version, entries = document.get("paths_version"), document.get("paths")
    if version != 1 or isinstance(version, bool):
        raise Fault("paths-version", PATHS, found=f"paths_version: {version!r}", expected="1")
    if not isinstance(entries, list):
        raise Fault("json-type", PATHS, found=f"paths: {entries!r:.40}", expected="a list")
    listed: set[str] = set()
    for entry in entries:
        path = _path(entry)
        if path in listed:
            raise Fault("paths-twice", path, found="it twice in the list", expected="each once")
        listed.add(path)
        _check_entry(entry, path, payload.get(path), folder=path in folders)
    return listed


def _check_amount(content: bytes, members: int) -> None:
    """Refuse values without end before they are parsed: a few bytes of JSON take many in memory."""
    found, most = content.count(b","), _VALUES * (members + 1000)
    if found > most:
        raise Fault("metadata-size", PATHS, found=f"{found:,} values", expected=f"at most {most:,}")


def _path(entry: Any) -> str:
    path = entry.get("_path") if isinstance(entry, dict) else None
    if not isinstance(path, str):
        raise Fault("json-type", PATHS, found=f"{entry!r:.80}", expected="an object with a _path")
    check_text(path, PATHS)
    if normal_path(path) != path or not path:
        raise Fault(
            "path-form", path or PATHS, found=f"the path {path!r}", expected="it without ./"
        )
    return path


def _check_entry(entry: dict[str, Any], path: str, member: Member | None, *, folder: bool) -> None:
    wanted = entry.get("path_type") or "hardlink"
    if not isinstance(wanted, str) or wanted not in _KINDS:
        raise Fault("paths-type", path, found=f"{wanted!r}", expected=" or ".join(_KINDS))
    kind = member.kind if member else Kind.FOLDER if folder else None
    if kind is None:
        raise Fault("paths-all-there", path, found="it only in the list", expected="it archived")
    if kind not in _KINDS[wanted]:
        raise Fault(
            "paths-type", path, found=f"{kind.value} listed as {wanted}", expected="one kind"
        )
    _check_bytes(entry, path, member)
    _check_placeholder(entry, path, kind)


def _check_bytes(entry: dict[str, Any], path: str, member: Member | None) -> None:
    """Compare hash and size. Those of a link are of what it leads to, maybe in another package."""
    digest, size = entry.get("sha256"), entry.get("size_in_bytes")
    file = member if member and member.kind is not Kind.LINK else None
    if digest is not None:
        if not isinstance(digest, str) or not _SHA256.fullmatch(digest):
            raise Fault("paths-sha256", path, found=f"sha256: {digest!r}", expected="64 hex digits")
        if file and digest.lower() != file.sha256:
            raise Fault("paths-sha256", path, found=f"the SHA-256 {file.sha256}", expected=digest)
    if size is not None:
        if not isinstance(size, int) or isinstance(size, bool) or size < 0:
            raise Fault("paths-size", path, found=f"size_in_bytes: {size!r}", expected="bytes")
        if file and size != file.size:
            raise Fault(
                "paths-size", path, found=f"{file.size:,} bytes", expected=f"{size:,}, as listed"
            )


def _check_placeholder(entry: dict[str, Any], path: str, kind: Kind) -> None:
    placeholder, mode = entry.get("prefix_placeholder"), entry.get("file_mode")
    if not isinstance(entry.get("no_link"), bool | None):
        raise Fault(
            "paths-type", path, found=f"no_link: {entry['no_link']!r}", expected="true or false"
        )
    if mode not in (None, "text", "binary"):
        raise Fault(
            "paths-placeholder", path, found=f"file_mode: {mode!r}", expected="text or binary"
        )
    if placeholder in (None, ""):
        return
    if not isinstance(placeholder, str) or not placeholder.isprintable():
        found = f"prefix_placeholder: {placeholder!r}"
    elif kind not in _KINDS["hardlink"]:
        found = f"a placeholder in {kind.value}"
    else:
        return
    raise Fault("paths-placeholder", path, found=found, expected="text, in a file")


def _listed_as_lines(info: Mapping[str, bytes], payload: Mapping[str, Member]) -> set[str]:
    """Check the lists that were before paths.json; give all paths."""
    listed: set[str] = set()
    for path in _lines(info, FILES):
        if path in listed:
            raise Fault("paths-twice", path, found="it twice in info/files", expected="each once")
        listed.add(path)
        if path not in payload:
            raise Fault(
                "paths-all-there", path, found="it only in the list", expected="it archived"
            )
    for line in _lines(info, HAS_PREFIX):
        match = _PREFIX_LINE.fullmatch(line)
        _check_listed(match[3].strip("\"'") if match else line, listed, HAS_PREFIX)
    for path in _lines(info, NO_LINK):
        _check_listed(path, listed, NO_LINK)
    return listed


def _lines(info: Mapping[str, bytes], name: str) -> list[str]:
    try:
        text = info.get(name, b"").decode("utf-8")
    except UnicodeDecodeError as error:
        raise Fault("member-encoding", name, found="text not in UTF-8", expected="UTF-8") from error
    return [line for line in map(str.rstrip, text.split("\n")) if line]


def _check_listed(path: str, listed: set[str], name: str) -> None:
    if path not in listed:
        raise Fault("paths-placeholder", name, found=f"{path!r}", expected="a path of info/files")
