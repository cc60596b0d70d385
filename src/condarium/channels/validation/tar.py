"""Tar archives as a stream, read more strictly than clients do, because clients differ.

Not by `tarfile`: it takes a damaged header for the end of the archive, and what is behind that for
nothing. (It is also slow, which counts where files are many and small.)
"""

import hashlib
import struct
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum

from condarium.channels.validation.paths import normal_path
from condarium.channels.validation.refusal import Fault

BLOCK = 512
_ZEROS = bytes(BLOCK)
_LAYOUT = struct.Struct("<100s24x12s12x8sc100s6s82x155s12x")
_BLANK_CHECKSUM = 8 * ord(" ")
_POSIX = b"ustar\0"
_LONGEST_EXTENSION = 1 << 20
_LONGEST_TARGET = 1024


class Kind(Enum):
    FILE = "a file"
    HARD_LINK = "a hard link"
    LINK = "a symbolic link"
    FOLDER = "a folder"


_KINDS = {
    tarfile.REGTYPE: Kind.FILE,
    tarfile.AREGTYPE: Kind.FILE,
    tarfile.CONTTYPE: Kind.FILE,
    tarfile.LNKTYPE: Kind.HARD_LINK,
    tarfile.SYMTYPE: Kind.LINK,
    tarfile.DIRTYPE: Kind.FOLDER,
}
_OTHER = {
    tarfile.CHRTYPE: "a character device",
    tarfile.BLKTYPE: "a block device",
    tarfile.FIFOTYPE: "a FIFO",
    tarfile.GNUTYPE_SPARSE: "a sparse file",
}


@dataclass(frozen=True, slots=True)
class Member:
    """A member: its normal path; of a file its size and SHA-256 (hex); of a link its target.

    `content` is there for files that were asked for.
    """

    path: str
    kind: Kind
    size: int = 0
    sha256: str = ""
    target: str = ""
    content: bytes | None = None


class _Stream:
    """Chunks of bytes, taken in other sizes."""

    def __init__(self, chunks: Iterator[bytes], name: str | None) -> None:
        self._chunks, self.name = chunks, name
        self._chunk, self._at = b"", 0

    def at_end(self) -> bool:
        while self._at == len(self._chunk):
            chunk = next(self._chunks, None)
            if chunk is None:
                return True
            self._chunk, self._at = chunk, 0
        return False

    def pieces(self, size: int) -> Iterator[memoryview]:
        """Give the next `size` bytes, a piece at a time. Raises Fault where there are fewer."""
        while size:
            if self.at_end():
                raise _bad_tar(self.name, "an end in the midst of a member")
            piece = memoryview(self._chunk)[self._at : self._at + size]
            self._at += len(piece)
            size -= len(piece)
            yield piece

    def take(self, size: int) -> bytes:
        end = self._at + size
        if end <= len(self._chunk):
            content, self._at = self._chunk[self._at : end], end
            return content
        return b"".join(self.pieces(size))

    def rest(self) -> Iterator[bytes]:
        while not self.at_end():
            yield self.take(len(self._chunk) - self._at)


def read_members(
    chunks: Iterator[bytes], *, name: str | None, kept: Callable[[str, int], bool]
) -> Iterator[Member]:
    """Read the members of the archive `name`, which has to end with zeros. Raises Fault.

    `kept(path, size)` says of which files the content is wanted.
    """
    stream = _Stream(chunks, name)
    extended: dict[str, str] = {}
    while (block := stream.take(BLOCK)) != _ZEROS:
        header = _header(block, name)
        if header.type in _EXTENSIONS:
            extended |= _EXTENSIONS[header.type](_extension(stream, header))
        else:
            yield _member(stream, _extend(header, extended), kept)
            extended = {}
    if any(chunk.strip(b"\0") for chunk in stream.rest()):
        raise Fault("tar-ends", name, found="data after the last member", expected="zeros")


@dataclass(slots=True)
class _Header:
    """What a header says; what stands before it may say otherwise."""

    name: str
    target: str
    type: bytes
    size: int


def _header(block: bytes, archive: str | None) -> _Header:
    """Parse a header of POSIX, of GNU, or of the tar before both."""
    name, size, checksum, kind, target, magic, prefix = _LAYOUT.unpack(block)
    if _number(checksum, archive) != sum(block) - sum(checksum) + _BLANK_CHECKSUM:
        raise _bad_tar(archive, "a damaged header (its checksum is another)")
    name = name.partition(b"\0")[0]
    prefix = prefix.partition(b"\0")[0]
    if prefix and magic != _POSIX and kind not in _EXTENSIONS:
        raise _bad_tar(archive, "a header that conda and rattler read as different names")
    if prefix and magic == _POSIX:
        name = prefix + b"/" + name
    if kind == tarfile.AREGTYPE and name.endswith(b"/"):
        kind = tarfile.DIRTYPE
    target = target.partition(b"\0")[0]
    return _Header(_decoded(name), _decoded(target), kind, _number(size, archive))


def _number(field: bytes, archive: str | None) -> int:
    """Read an octal number, or what GNU writes where that has no room: base 256."""
    if field[0] == 0x80:
        return int.from_bytes(field[1:], "big")
    digits = field.partition(b"\0")[0].strip(b" ")
    if digits.strip(b"01234567"):
        raise _bad_tar(archive, f"a damaged header (the number {digits!r})")
    return int(digits or b"0", 8)


def _decoded(name: bytes) -> str:
    return name.decode("utf-8", "surrogateescape")


def _member(stream: _Stream, header: _Header, kept: Callable[[str, int], bool]) -> Member:
    kind = _KINDS.get(header.type)
    if kind is None:
        found = _OTHER.get(header.type, f"a member of the type {header.type!r}")
        raise Fault("member-type", header.name, found=found, expected="a file, link or folder")
    folder = kind is Kind.FOLDER
    path = normal_path(header.name.rstrip("/") if folder and header.name != "/" else header.name)
    if kind is Kind.FILE:
        return _file(stream, path, header.size, keep=kept(path, header.size))
    if header.size:
        raise _bad_tar(path, f"{kind.value} with {header.size:,} bytes of its own")
    _check_target(path, header.target)
    return Member(path, kind, target=header.target)


def _check_target(path: str, target: str) -> None:
    if len(target) > _LONGEST_TARGET:
        raise _bad_tar(path, f"a target of {len(target):,} characters")
    if target.isascii() and "\0" not in target:
        return
    if "\0" in target or any("\ud800" <= character <= "\udfff" for character in target):
        raise Fault("member-encoding", path, found=f"a target {target!a}", expected="UTF-8")


def _file(stream: _Stream, path: str, size: int, *, keep: bool) -> Member:
    if not path:
        raise Fault("path-form", None, found="a file without a name", expected="a name")
    padding = -size % BLOCK
    if keep or size < BLOCK:
        content = stream.take(size)
        digest = hashlib.sha256(content)
    else:
        content, digest = b"", hashlib.sha256()
        for piece in stream.pieces(size):
            digest.update(piece)
    stream.take(padding)
    return Member(path, Kind.FILE, size, digest.hexdigest(), content=content if keep else None)


def _extension(stream: _Stream, header: _Header) -> bytes:
    """Read what a member says about the one behind it."""
    if header.size > _LONGEST_EXTENSION:
        raise _bad_tar(header.name, f"{header.size:,} bytes about the next member")
    content = stream.take(header.size)
    stream.take(-header.size % BLOCK)
    return content


def _text(content: bytes) -> str:
    return _decoded(content.removesuffix(b"\0"))


def _pax(content: bytes) -> dict[str, str]:
    """Read the records of a pax header, `LENGTH KEY=VALUE` and a line's end."""
    found: dict[str, str] = {}
    while content:
        digits, _, rest = content.partition(b" ")
        length = int(digits) if digits.isdigit() and len(digits) < 8 else 0
        key, separator, value = rest[: length - len(digits) - 2].partition(b"=")
        if length > len(content) or not separator or content[length - 1 : length] != b"\n":
            raise _bad_tar(None, "a damaged pax header")
        found[_decoded(key)] = _decoded(value)
        content = content[length:]
    return found


def _global_pax(content: bytes) -> dict[str, str]:
    """Let comments be, and refuse what would rename every member behind it."""
    if meant := _pax(content).keys() & {"path", "linkpath", "size"}:
        raise _bad_tar(None, f"a global pax header with {', '.join(sorted(meant))}")
    return {}


_EXTENSIONS: dict[bytes, Callable[[bytes], dict[str, str]]] = {
    tarfile.GNUTYPE_LONGNAME: lambda content: {"path": _text(content)},
    tarfile.GNUTYPE_LONGLINK: lambda content: {"linkpath": _text(content)},
    tarfile.XHDTYPE: _pax,
    tarfile.XGLTYPE: _global_pax,
}


def _extend(header: _Header, extended: dict[str, str]) -> _Header:
    """Put in what stood before a header."""
    if not extended:
        return header
    header.name = extended.get("path", header.name)
    header.target = extended.get("linkpath", header.target)
    size = extended.get("size", str(header.size))
    if not (size.isascii() and size.isdigit() and len(size) < 19):
        raise _bad_tar(header.name, f"a size of {size!r}")
    header.size = int(size)
    if any(key.startswith("GNU.sparse") for key in extended):
        header.type = tarfile.GNUTYPE_SPARSE
    return header


def _bad_tar(member: str | None, found: str) -> Fault:
    return Fault("tar-readable", member, found=found, expected="a whole tar archive")
