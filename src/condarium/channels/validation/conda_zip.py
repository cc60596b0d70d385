"""The ZIP around a `.conda` package (CEP 35): three stored members and not a byte more.

conda finds members by the directory at the end, rattler by the headers before each of them. Only
where both agree, and leave no gap, do all clients unpack the same.
"""

import struct
import zipfile
import zlib
from typing import BinaryIO

from condarium.channels.validation.refusal import Fault

_LOCAL = struct.Struct("<4s5H3L2H")
_END = struct.Struct("<4s4H2LH")
_ENCRYPTED, _DESCRIPTOR = 1 << 0, 1 << 3
_ZIP64 = 0xFFFFFFFF


class StoredMember:
    """The bytes of a member, read once from its begin to its end, and its checksum at the end."""

    def __init__(self, file: BinaryIO, info: zipfile.ZipInfo, start: int) -> None:
        self.name = info.filename
        self._file, self._left, self._sum, self._expected = file, info.file_size, 0, info.CRC
        file.seek(start)

    def read(self, size: int, /) -> bytes:
        """Read up to `size` bytes. Raises Fault at an end with another checksum."""
        content = self._file.read(min(size, self._left))
        self._left -= len(content)
        self._sum = zlib.crc32(content, self._sum)
        if not self._left and self._sum != self._expected:
            raise Fault(
                "zip-checksum",
                self.name,
                found=f"the CRC-32 {self._sum:08x}",
                expected=f"{self._expected:08x}",
            )
        return content


class CondaZip:
    """The members of a `.conda` file of `size` bytes whose name has this stem."""

    def __init__(self, file: BinaryIO, *, size: int, stem: str) -> None:
        self._file, self._size = file, size
        self.pkg, self.info = f"pkg-{stem}.tar.zst", f"info-{stem}.tar.zst"
        self._members = self._checked()

    def open(self, name: str) -> StoredMember:
        info, start = self._members[name]
        return StoredMember(self._file, info, start)

    def size(self, name: str) -> int:
        return self._members[name][0].file_size

    def _checked(self) -> dict[str, tuple[zipfile.ZipInfo, int]]:
        """Give each member and where its bytes start. Raises Fault."""
        try:
            archive = zipfile.ZipFile(self._file)
        except (zipfile.BadZipFile, NotImplementedError, ValueError, EOFError) as error:
            raise self._unreadable(str(error)) from error
        infos = sorted(archive.infolist(), key=lambda info: info.header_offset)
        self._check_names(infos)
        members, position = {}, 0
        for info in infos:
            self._check_stored(info)
            start = self._start(info, position)
            members[info.filename] = (info, start)
            position = self._after(info, start)
        self._check_tail(infos, position, directory=archive.start_dir)
        return members

    def _unreadable(self, found: str) -> Fault:
        return Fault("zip-readable", None, found=f"no ZIP file ({found})", expected="a ZIP file")

    def _check_names(self, infos: list[zipfile.ZipInfo]) -> None:
        expected = {"metadata.json", self.pkg, self.info}
        names = [info.orig_filename for info in infos]
        for name in names:
            if name not in expected or names.count(name) > 1:
                twice = "it twice" if name in expected else "it"
                raise Fault("zip-members", name, found=twice, expected=_listed(expected))
        if missing := sorted(expected.difference(names)):
            raise Fault("zip-members", missing[0], found="no such member", expected="it")

    def _check_stored(self, info: zipfile.ZipInfo) -> None:
        packed = info.compress_type != zipfile.ZIP_STORED or info.compress_size != info.file_size
        if packed or info.flag_bits & _ENCRYPTED:
            encrypted = info.flag_bits & _ENCRYPTED
            found = "it encrypted" if encrypted else f"it packed (method {info.compress_type})"
            raise Fault("zip-stored", info.filename, found=found, expected="it stored as it is")

    def _start(self, info: zipfile.ZipInfo, position: int) -> int:
        """Where a member's bytes start, whose header has to stand at `position`."""
        if info.header_offset != position:
            what = "a gap before" if info.header_offset > position else "a member that overlaps"
            raise Fault(
                "zip-gapless",
                info.filename,
                found=f"{what} byte {info.header_offset:,}",
                expected=f"it at byte {position:,}",
            )
        self._file.seek(position)
        header = self._file.read(_LOCAL.size)
        if len(header) != _LOCAL.size:
            raise self._unreadable("a header is cut")
        magic, _, flags, method, _, _, crc, packed, size, name_size, extra_size = _LOCAL.unpack(
            header
        )
        name = self._file.read(name_size)
        sizes = {0} if flags & _DESCRIPTOR else {info.file_size}
        agrees = (
            (magic, method, name) == (b"PK\x03\x04", zipfile.ZIP_STORED, info.filename.encode())
            and flags == info.flag_bits
            and (crc == info.CRC or flags & _DESCRIPTOR)
            and {packed, size} <= sizes | {_ZIP64, info.file_size}
        )
        extra = self._file.read(extra_size)
        if not agrees or (_ZIP64 in (packed, size) and not _zip64_agrees(extra, info.file_size)):
            raise Fault(
                "zip-headers-agree",
                info.filename,
                found="other values in the header before it",
                expected="those of the directory at the end",
            )
        return int(position + _LOCAL.size + name_size + extra_size)

    def _after(self, info: zipfile.ZipInfo, start: int) -> int:
        """Where a member ends, with the descriptor that some writers put behind it."""
        end = start + info.file_size
        if not info.flag_bits & _DESCRIPTOR:
            return end
        self._file.seek(end)
        behind = self._file.read(24)
        for layout in ("<LLL", "<LQQ"):
            plain = struct.pack(layout, info.CRC, info.file_size, info.file_size)
            for descriptor in (b"PK\x07\x08" + plain, plain):
                if behind.startswith(descriptor):
                    return end + len(descriptor)
        raise Fault(
            "zip-headers-agree",
            info.filename,
            found="another descriptor behind it",
            expected="the values of the directory at the end",
        )

    def _check_tail(self, infos: list[zipfile.ZipInfo], position: int, *, directory: int) -> None:
        """After the members come the directory and its end, without a comment."""
        self._file.seek(self._size - _END.size)
        magic, _, _, _, count, _, offset, comment = _END.unpack(self._file.read(_END.size))
        if magic != b"PK\x05\x06" or comment or directory != position:
            raise Fault(
                "zip-gapless",
                None,
                found="bytes that belong to no member",
                expected="three members and their directory, without a comment",
            )
        if count not in (len(infos), 0xFFFF) or offset not in (directory, _ZIP64):
            raise Fault(
                "zip-headers-agree",
                None,
                found=f"{count} members at byte {offset:,}, by the end of the directory",
                expected=f"{len(infos)} at byte {directory:,}",
            )


def _zip64_agrees(extra: bytes, size: int) -> bool:
    """Whether the sizes for more than 4 GiB, in a header's extra field, are `size`."""
    while len(extra) >= 4:
        tag, length = struct.unpack_from("<HH", extra)
        if tag == 1:
            return extra[4 : 4 + length] == struct.pack("<QQ", size, size)
        extra = extra[4 + length :]
    return False


def _listed(names: set[str]) -> str:
    return "only " + ", ".join(sorted(names))
