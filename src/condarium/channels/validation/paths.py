"""Paths within a package: relative, normal, and the same on every client."""

import re

from condarium.channels.validation.refusal import Fault

_DRIVE = re.compile(r"[A-Za-z]:([\\/]|$)")
_ON_UNIX = ("linux-", "osx-", "freebsd-", "zos-")
_LONGEST_PART, _LONGEST = 255, 1024
_LONGEST_WAY = 2000
"""How many steps a link may take to its end, by way of others."""


def normal_path(text: str) -> str:
    """Give a path as paths.json writes it; `./` is taken off, and the root is empty.

    Raises Fault where it is absolute, has `..`, or could mean two things.
    """
    if text.isascii():
        if "\0" in text:
            raise _form(text, "a NUL character")
    elif any("\ud800" <= character <= "\udfff" for character in text):
        raise Fault("member-encoding", ascii(text), found="a name not in UTF-8", expected="UTF-8")
    path = text[2:] if text.startswith("./") else text
    if path in ("", "."):
        return ""
    if path.startswith(("/", "\\")) or _DRIVE.match(path):
        raise Fault("absolute-path", text, found="an absolute path", expected="a relative one")
    parts = path.split("/")
    if ".." in parts:
        raise Fault("path-leaves-package", text, found="'..'", expected="a path without it")
    if "" in parts or "." in parts:
        raise _form(text, "an empty part or '.'")
    if len(path) > _LONGEST or (len(path) > _LONGEST_PART and max(map(len, parts)) > _LONGEST_PART):
        raise _form(text[:80] + "…", "a name too long for file systems")
    return path


def check_for_subdir(path: str, subdir: str) -> None:
    """Refuse what is a file's name on Unix, and on Windows a path that leads elsewhere.

    A backslash divides folders on Windows; on Unix some files have one in their name.
    """
    if "\\" in path and not subdir.startswith(_ON_UNIX):
        raise _form(path, "a backslash")


def _form(path: str, found: str) -> Fault:
    return Fault(
        "path-form", path, found=found, expected="names of at most 255 characters between single /"
    )


def inside(path: str, target: str, links: dict[str, str]) -> bool:
    """Whether a link at `path` stays in the package, with all links on its way followed.

    `links` has the target of each link of the package. A way without an end is not inside.
    """
    todo = [*path.split("/")[:-1], *target.split("/")][::-1]
    place: list[str] = []
    for _ in range(_LONGEST_WAY):
        if not todo:
            return True
        part = todo.pop()
        if part in ("", "."):
            continue
        if part == "..":
            if not place:
                return False
            place.pop()
            continue
        place.append(part)
        further = links.get("/".join(place)) if todo else None
        if further is not None:
            if further.startswith("/"):
                return False
            place.pop()
            todo += further.split("/")[::-1]
    return False
