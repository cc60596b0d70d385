"""Packages whose archives are bad: the ZIP, the compression, the tar, the members."""

import bz2
import io
import random
import struct
import tarfile
import warnings
import zipfile
from collections.abc import Callable

import zstandard

from condarium.channels.validation import Limits
from tests.support.bad_packages import (
    BZ2,
    STEM,
    Bad,
    Draft,
    Entry,
    folder,
    hard,
    soft,
    stored,
    tar,
)

GOOD = Draft()
PKG, INFO = f"pkg-{STEM}.tar.zst", f"info-{STEM}.tar.zst"


def _with(*entries: Entry) -> Draft:
    return GOOD.with_entry(*entries)


def _parts(**more: bytes) -> bytes:
    return stored(
        {**GOOD.parts(), **{name.replace("__", "."): each for name, each in more.items()}}
    )


def _cut(content: bytes) -> bytes:
    return content[: len(content) - 20]


def _halves(content: bytes) -> bytes:
    """As two zstd frames."""
    whole = zstandard.decompress(content, max_output_size=1 << 20)
    return zstandard.compress(whole[:1024]) + zstandard.compress(whole[1024:])


def _recompressed(change: Callable[[bytes], bytes]) -> Callable[[bytes], bytes]:
    """Change the tar within a .tar.zst."""
    return lambda packed: zstandard.compress(
        change(zstandard.decompress(packed, max_output_size=1 << 20))
    )


def _wide_window(content: bytes) -> bytes:
    """A frame that asks for a window of 1 GiB."""
    return b"\x28\xb5\x2f\xfd\x00\xa0" + b"\x01\x00\x00"


def _twice_in_zip() -> bytes:
    buffer = io.BytesIO(GOOD.conda())
    with warnings.catch_warnings(), zipfile.ZipFile(buffer, "a") as archive:
        warnings.simplefilter("ignore")
        archive.writestr(zipfile.ZipInfo(PKG), b"again")
    return buffer.getvalue()


def _hidden_member() -> bytes:
    """A member that only rattler sees: its header is there, and the directory leaves it out."""
    hidden = b"hidden.tar.zst"
    header = struct.pack("<4s5H3L2H", b"PK\x03\x04", 20, 0, 0, 0, 0, 0, 0, 0, len(hidden), 0)
    return _before_directory(GOOD.conda(), header + hidden)


def _before_directory(content: bytes, inserted: bytes) -> bytes:
    at = content.index(b"PK\x01\x02")
    end = bytearray(content[-22:])
    struct.pack_into("<L", end, 16, at + len(inserted))
    return content[:at] + inserted + content[at:-22] + bytes(end)


def _overlapping() -> bytes:
    """The directory sends two names to the same bytes."""
    content = bytearray(GOOD.conda())
    entries = [at for at in range(len(content)) if content[at : at + 4] == b"PK\x01\x02"]
    content[entries[2] + 42 : entries[2] + 46] = content[entries[1] + 42 : entries[1] + 46]
    return bytes(content)


def _other_local_name() -> bytes:
    return GOOD.conda().replace(b"info-tool", b"xnfo-tool", 1)


def _flipped_payload() -> bytes:
    content = bytearray(GOOD.conda())
    content[content.index(b"\x28\xb5\x2f\xfd") + 40] ^= 1
    return bytes(content)


def _damaged_header(content: bytes) -> bytes:
    return content[:1024] + b"garbage" + content[1031:]


def _bomb() -> bytes:
    return _with(Entry("lib/zeros", bytes(3_000_000))).conda()


def _noise(size: int) -> bytes:
    return random.Random(0).randbytes(size)


def _sparse() -> bytes:
    return _with(Entry("lib/s", pax={"GNU.sparse.major": "1"})).conda(
        pkg=zstandard.compress(
            tar(
                (Entry("lib/s", pax={"GNU.sparse.major": "1", "GNU.sparse.minor": "0"}),),
                form=tarfile.PAX_FORMAT,
            )
        )
    )


def _latin(content: bytes) -> bytes:
    header = tarfile.TarInfo("lib/caf\xe9").tobuf(tarfile.GNU_FORMAT, "latin-1", "strict")
    return header + content


def _of_kind(kind: bytes) -> Bad:
    return Bad(_with(Entry("lib/odd", kind=kind)).conda, "member-type", "lib/odd: found a")


def _bz2(*entries: Entry) -> bytes:
    return _with(*entries).tar_bz2()


BAD = {
    # the ZIP
    "empty file": Bad(lambda: b"", "zip-readable", "no ZIP file"),
    "no zip": Bad(lambda: _noise(4000), "zip-readable", "no ZIP file"),
    "a tar.bz2 called .conda": Bad(GOOD.tar_bz2, "zip-readable", "no ZIP file"),
    "cut zip": Bad(lambda: _cut(GOOD.conda()), "zip-readable", "no ZIP file"),
    "prefixed zip": Bad(lambda: b"#!/bin/sh\n" + GOOD.conda(), "zip-gapless", "a gap before"),
    "zip with a comment": Bad(
        lambda: stored(GOOD.parts(), comment=b"hello"), "zip-gapless", "belong to no member"
    ),
    "bytes behind the zip": Bad(lambda: GOOD.conda() + b"\0" * 30, "zip-gapless", "no member"),
    "hidden zip member": Bad(_hidden_member, "zip-gapless", "belong to no member"),
    "overlapping zip members": Bad(_overlapping, "zip-gapless", "overlaps"),
    "deflated members": Bad(
        lambda: stored(GOOD.parts(), method=zipfile.ZIP_DEFLATED), "zip-stored", "method 8"
    ),
    "zip member twice": Bad(_twice_in_zip, "zip-members", "it twice"),
    "extra zip member": Bad(lambda: _parts(readme=b"x"), "zip-members", "readme: found it"),
    "zip member outside": Bad(lambda: _parts(**{"../x": b"x"}), "zip-members", "../x: found it"),
    "stems of another version": Bad(
        GOOD.conda, "zip-members", "only info-tool-1.1", f"{STEM.replace('1.0', '1.1')}.conda"
    ),
    "no info": Bad(lambda: GOOD.conda(info=None), "zip-members", f"{INFO}: found no such"),
    "no pkg": Bad(lambda: GOOD.conda(pkg=None), "zip-members", f"{PKG}: found no such"),
    "no metadata.json": Bad(lambda: GOOD.conda(metadata=None), "zip-members", "metadata.json"),
    "two names for a zip member": Bad(_other_local_name, "zip-headers-agree", "other values"),
    "flipped payload": Bad(_flipped_payload, "zip-checksum|zstd-readable", PKG),
    "format of the future": Bad(
        lambda: GOOD.conda(metadata=b'{"conda_pkg_format_version": 3}'), "format-version", "3"
    ),
    "format true": Bad(
        lambda: GOOD.conda(metadata=b'{"conda_pkg_format_version": true}'), "format-version", "True"
    ),
    "huge metadata.json": Bad(
        lambda: GOOD.conda(metadata=b" " * 70_000), "metadata-size", "metadata.json: found 70,000"
    ),
    # zstd and bzip2
    "info is not zstd": Bad(lambda: GOOD.conda(info=b"hello world"), "zstd-readable", "68656c6c6f"),
    "pkg is empty": Bad(lambda: GOOD.conda(pkg=b""), "zstd-readable", "midst of a frame"),
    "cut zstd": Bad(lambda: GOOD.conda(pkg=_cut), "zstd-readable", "an end in the midst"),
    "two zstd frames": Bad(lambda: GOOD.conda(pkg=_halves), "zstd-one-frame", "after the first"),
    "skippable zstd frame": Bad(
        lambda: GOOD.conda(pkg=lambda pkg: b"\x50\x2a\x4d\x18\1\0\0\0x" + pkg),
        "zstd-readable",
        "begins with 502a4d1801",
    ),
    "wide zstd window": Bad(lambda: GOOD.conda(pkg=_wide_window), "zstd-window", "1,073,741,824"),
    "impossible zstd block": Bad(
        lambda: GOOD.conda(pkg=b"\x28\xb5\x2f\xfd\x00\x50\x07\x00\x00"),
        "zstd-readable",
        "cannot be",
    ),
    "no bzip2": Bad(GOOD.conda, "bz2-readable", "damaged data", BZ2),
    "cut bzip2": Bad(lambda: _cut(GOOD.tar_bz2()), "bz2-readable", "an end in the midst", BZ2),
    "empty bzip2": Bad(lambda: b"", "bz2-readable", "an end in the midst", BZ2),
    "two bzip2 streams": Bad(
        lambda: bz2.compress(bz2.decompress(GOOD.tar_bz2())[:2048]) + GOOD.tar_bz2(),
        "bz2-one-stream",
        "after the first stream",
        BZ2,
    ),
    # tar
    "cut tar": Bad(
        lambda: GOOD.conda(pkg=_recompressed(lambda data: data[:1500])), "tar-readable", "an end in"
    ),
    "tar without an end": Bad(
        lambda: GOOD.conda(pkg=_recompressed(lambda data: data[:1024])), "tar-readable", "an end in"
    ),
    "damaged tar header": Bad(
        lambda: GOOD.conda(pkg=_recompressed(_damaged_header)), "tar-readable", "a damaged header"
    ),
    "data behind the tar": Bad(
        lambda: GOOD.conda(pkg=_recompressed(lambda data: data + b"hi")),
        "tar-ends",
        "after the last",
    ),
    "link with data": Bad(
        lambda: GOOD.conda(
            pkg=_recompressed(lambda _: _header(tarfile.SYMTYPE, size=512) + bytes(2048))
        ),
        "tar-readable",
        "512 bytes of its own",
    ),
    "name of two readings": Bad(
        lambda: GOOD.conda(pkg=_recompressed(lambda data: _gnu_prefix() + data)),
        "tar-readable",
        "conda and rattler read as different names",
    ),
    "renaming global header": Bad(
        lambda: GOOD.conda(pkg=_recompressed(lambda data: _global("path", "bin/sh") + data)),
        "tar-readable",
        "a global pax header with path",
    ),
    "damaged pax header": Bad(
        lambda: GOOD.conda(pkg=_recompressed(lambda data: _pax(b"99 path=x\n") + data)),
        "tar-readable",
        "a damaged pax header",
    ),
    # members
    "character device": _of_kind(tarfile.CHRTYPE),
    "block device": _of_kind(tarfile.BLKTYPE),
    "fifo": _of_kind(tarfile.FIFOTYPE),
    "unknown type": _of_kind(b"Z"),
    "sparse file": Bad(_sparse, "member-type", "a sparse file"),
    "absolute path": Bad(
        lambda: GOOD.with_member("/etc/passwd").conda(), "absolute-path", "/etc/passwd"
    ),
    "drive": Bad(lambda: GOOD.with_member("C:\\Windows\\x").conda(), "absolute-path", "C:"),
    "dot dot": Bad(lambda: GOOD.with_member("lib/../../x").conda(), "path-leaves-package", "'..'"),
    "dot dot in bzip2": Bad(lambda: _bz2(Entry("../x")), "path-leaves-package", "../x", BZ2),
    "pax path outside": Bad(
        lambda: GOOD.conda(
            pkg=zstandard.compress(
                tar((Entry("x", pax={"path": "../../x"}),), form=tarfile.PAX_FORMAT)
            )
        ),
        "path-leaves-package",
        "../../x",
    ),
    "empty part": Bad(lambda: GOOD.with_member("lib//x").conda(), "path-form", "lib//x"),
    "dot part": Bad(lambda: GOOD.with_member("lib/./x").conda(), "path-form", "lib/./x"),
    "long name": Bad(lambda: GOOD.with_member("lib/" + "x" * 300).conda(), "path-form", "too long"),
    "NUL in a name": Bad(
        lambda: GOOD.conda(pkg=_recompressed(lambda data: _long_name(b"lib/a\0b") + data)),
        "path-form",
        "a NUL character",
    ),
    "backslash for Windows": Bad(
        lambda: Draft(index={"subdir": "win-64"}).with_member("lib\\x").conda(),
        "path-form",
        "a backslash",
    ),
    "name in Latin-1": Bad(
        lambda: GOOD.conda(pkg=_recompressed(_latin)), "member-encoding", "not in UTF-8"
    ),
    "member twice": Bad(lambda: GOOD.with_member("lib/data").conda(), "member-twice", "lib/data"),
    "file and folder": Bad(
        lambda: _with(folder("lib/f"), Entry("lib/f")).conda(), "member-twice", "lib/f"
    ),
    "member twice in bzip2": Bad(
        lambda: _bz2(Entry("./lib/data")), "member-twice", "lib/data", BZ2
    ),
    "absolute link": Bad(
        lambda: _with(soft("lib/x", "/etc")).conda(), "link-leaves-package", "'/etc'"
    ),
    "link outside": Bad(
        lambda: _with(soft("lib/x", "../../etc")).conda(), "link-leaves-package", "lib/x"
    ),
    "link outside by another link": Bad(
        lambda: _with(soft("a/b/c/d", "../../.."), soft("a/b/c/e", "d/../x")).conda(),
        "link-leaves-package",
        "a/b/c/e",
    ),
    "links in a circle": Bad(
        lambda: _with(soft("a/x", "y/z"), soft("a/y", "x/z")).conda(), "link-leaves-package", "a/"
    ),
    "link with a long target": Bad(
        lambda: _with(soft("lib/x", "y/" * 600)).conda(), "tar-readable", "1,200 characters"
    ),
    "link without a target": Bad(
        lambda: _with(soft("lib/x", "")).conda(), "link-leaves-package", "''"
    ),
    "hard link outside": Bad(
        lambda: _with(hard("lib/x", "../../etc/passwd")).conda(), "link-leaves-package", "passwd"
    ),
    "hard link to nothing": Bad(
        lambda: _with(hard("lib/x", "lib/none")).conda(), "link-target-missing", "lib/none"
    ),
    "file below a link": Bad(
        lambda: _with(soft("lib/d2", "d3"), Entry("lib/d2/x")).conda(),
        "member-under-link",
        "which is a symbolic link",
    ),
    "file below a file": Bad(
        lambda: GOOD.with_member("lib/data/x").conda(), "member-under-link", "which is a file"
    ),
    "info in pkg": Bad(lambda: GOOD.with_member("info/x").conda(), "info-in-pkg", "info/x"),
    "INFO in pkg": Bad(lambda: GOOD.with_member("Info/x").conda(), "info-in-pkg", "Info/x"),
    "INFO in bzip2": Bad(lambda: _bz2(Entry("INFO/index.json")), "info-in-pkg", "INFO", BZ2),
    "files in info": Bad(
        lambda: GOOD.conda(info=zstandard.compress(tar((Entry("lib/x"),)))),
        "other-than-info",
        "lib/x",
    ),
    # limits
    "too many members": Bad(
        GOOD.conda, "too-many-members", "more than 4 members", limits=Limits(members=4)
    ),
    "too many folders": Bad(
        lambda: GOOD.with_member("/".join("abcdefghij")).conda(),
        "too-many-members",
        "more than 12 members",
        limits=Limits(members=12),
    ),
    "names without end": Bad(
        GOOD.conda, "names-size", "more than 20 characters", limits=Limits(names_size=20)
    ),
    "too large": Bad(
        GOOD.conda, "expanded-size", "more than 9,000 bytes", limits=Limits(expanded_size=9000)
    ),
    "zip bomb": Bad(_bomb, "expansion-ratio", "bytes and more", limits=Limits(ratio_from=1 << 20)),
    "bzip2 bomb": Bad(
        lambda: _bz2(Entry("lib/zeros", bytes(3_000_000))),
        "expansion-ratio",
        "at most 500 times",
        BZ2,
        Limits(ratio_from=1 << 20),
    ),
    "large index.json": Bad(
        GOOD.conda, "metadata-size", "info/index.json", limits=Limits(metadata_size=50)
    ),
    "large paths.json": Bad(
        GOOD.conda, "metadata-size", "info/paths.json", limits=Limits(paths_size=50)
    ),
}


def _header(kind: bytes, *, size: int) -> bytes:
    member = tarfile.TarInfo("lib/odd")
    member.type, member.size, member.linkname = kind, size, "x"
    return member.tobuf(tarfile.USTAR_FORMAT)


def _gnu_prefix() -> bytes:
    """A header of GNU with what only one of POSIX has."""
    header = bytearray(_header(tarfile.REGTYPE, size=0))
    header[257:265], header[345:350] = b"ustar  \0", b"other"
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    return bytes(header)


def _extension(kind: bytes, content: bytes) -> bytes:
    return _header(kind, size=len(content)) + content + bytes(-len(content) % 512)


def _pax(content: bytes) -> bytes:
    return _extension(tarfile.XHDTYPE, content)


def _global(key: str, value: str) -> bytes:
    record = f" {key}={value}\n".encode()
    length = len(record) + 2
    return _extension(tarfile.XGLTYPE, str(length).encode() + record)


def _long_name(name: bytes) -> bytes:
    return _extension(tarfile.GNUTYPE_LONGNAME, name + b"\0")
