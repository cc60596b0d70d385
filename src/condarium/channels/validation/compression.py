"""zstd and bzip2 as streams of chunks of bounded size, each exactly one frame.

Clients differ on several frames: rattler stops after the first stream of a .bz2, and conda after
the first frame of a .zst, both silently. So a package in several would be cut by one of them.
"""

import bz2
from collections.abc import Iterator
from typing import BinaryIO, Protocol

import zstandard

from condarium.channels.validation.refusal import Fault

CHUNK = 1 << 20
LARGEST_WINDOW = 1 << 27
"""In bytes: what decoders allow unless told otherwise."""

_MAGIC = b"\x28\xb5\x2f\xfd"
_LARGEST_BLOCK = 128 * 1024
_BLOCKS_AT_ONCE = CHUNK // _LARGEST_BLOCK
_RLE, _RESERVED = 1, 3


class Source(Protocol):
    """Bytes to decompress, up to an end; `name` is for errors."""

    name: str

    def read(self, size: int, /) -> bytes: ...


def unzstd(source: Source) -> Iterator[bytes]:
    """Decompress one zstd frame (RFC 8878) that ends where the source ends.

    Its blocks are counted off by their headers: a decoder alone would tell neither a frame that is
    cut from one that ended, nor how much a few bytes of input are going to expand to.
    """
    header, checksum = _frame_header(source)
    decoder = zstandard.ZstdDecompressor(max_window_size=LARGEST_WINDOW).decompressobj()
    batch, last = [header], False
    while not last:
        for _ in range(_BLOCKS_AT_ONCE):
            block, last = _block(source)
            batch.append(block)
            if last:
                batch.append(_exactly(source, checksum))
                break
        try:
            yield decoder.decompress(b"".join(batch))
        except zstandard.ZstdError as error:
            raise _bad_zstd(source, f"damaged data ({error})") from error
        batch.clear()
    if not decoder.eof:
        raise _bad_zstd(source, "a frame without an end")
    if source.read(1):
        raise Fault(
            "zstd-one-frame", source.name, found="data after the first frame", expected="one frame"
        )


def _frame_header(source: Source) -> tuple[bytes, int]:
    """Read the header of a frame; give it and the size of the checksum at the frame's end."""
    header = _exactly(source, 5)
    if not header.startswith(_MAGIC):
        raise _bad_zstd(source, f"data that begins with {header.hex()}")
    try:
        header += _exactly(source, zstandard.frame_header_size(header) - len(header))
        frame = zstandard.get_frame_parameters(header)
    except zstandard.ZstdError as error:
        raise _bad_zstd(source, f"a bad header ({error})") from error
    if frame.window_size > LARGEST_WINDOW:
        raise Fault(
            "zstd-window",
            source.name,
            found=f"a window of {frame.window_size:,} bytes",
            expected=f"at most {LARGEST_WINDOW:,}",
        )
    if frame.dict_id:
        raise _bad_zstd(source, "a frame that needs a dictionary")
    return header, 4 if frame.has_checksum else 0


def _block(source: Source) -> tuple[bytes, bool]:
    """Read a block, whose output is at most 128 KiB; say whether it is the last."""
    header = _exactly(source, 3)
    number = int.from_bytes(header, "little")
    last, kind, size = bool(number & 1), number >> 1 & 3, number >> 3
    if kind == _RESERVED or size > _LARGEST_BLOCK:
        raise _bad_zstd(source, "a block that cannot be")
    return header + _exactly(source, 1 if kind == _RLE else size), last


def _exactly(source: Source, size: int) -> bytes:
    content = source.read(size)
    if len(content) != size:
        raise _bad_zstd(source, "an end in the midst of a frame")
    return content


def _bad_zstd(source: Source, found: str) -> Fault:
    return Fault("zstd-readable", source.name, found=found, expected="a whole zstd frame")


def unbz2(file: BinaryIO) -> Iterator[bytes]:
    """Decompress one bzip2 stream that ends where the file ends."""
    decoder = bz2.BZ2Decompressor()
    while not decoder.eof:
        packed = file.read(CHUNK) if decoder.needs_input else b""
        if decoder.needs_input and not packed:
            raise _bad_bz2("an end in the midst of the data")
        try:
            yield decoder.decompress(packed, CHUNK)
        except OSError as error:
            raise _bad_bz2(f"damaged data ({error})") from error
    if decoder.unused_data or file.read(1):
        raise Fault(
            "bz2-one-stream", None, found="data after the first stream", expected="one stream"
        )


def _bad_bz2(found: str) -> Fault:
    return Fault("bz2-readable", None, found=found, expected="a whole bzip2 stream")
