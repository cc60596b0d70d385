"""Shards: all records of one package name in one subdir, as clients fetch them (CEP 16)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
import zstandard

from condarium.model.hosting.hosted import Record

_LEVEL = 3
_HASHES = ("md5", "sha256")
_LARGEST = 1 << 30
"""In bytes: no shard is that large, and whoever says so is not believed."""
_PIECE = 1 << 17
_STRANGE = (AttributeError, TypeError, UnicodeDecodeError, RecursionError)
"""What else content raises that is well packed, and no shard."""

_encoder = msgspec.msgpack.Encoder(order="sorted")
_decoder = msgspec.msgpack.Decoder()


@dataclass(frozen=True, kw_only=True)
class Shard:
    """Records by file name, hashes in hex, and the names of files that are hidden."""

    records: Mapping[str, Record] = field(default_factory=dict)
    removed: Sequence[str] = ()

    def __bool__(self) -> bool:
        return bool(self.records or self.removed)


def encode_shard(shard: Shard) -> bytes:
    """Encode a shard; equal shards give equal bytes."""
    conda: dict[str, Record] = {}
    bz2: dict[str, Record] = {}
    for file_name, record in shard.records.items():
        section = conda if file_name.endswith(".conda") else bz2
        section[file_name] = _in_bytes(record)
    return compress(
        _encoder.encode(
            {"packages": bz2, "packages.conda": conda, "removed": sorted(shard.removed)}
        )
    )


def decode_shard(content: bytes) -> Shard:
    """Read a shard, ours or another server's. Raises ValueError where it is none."""
    try:
        found = _decoder.decode(decompress(content))
        sections = [found.get("packages") or {}, found.get("packages.conda") or {}]
        return Shard(
            records={
                file_name: _in_hex(record)
                for section in sections
                for file_name, record in section.items()
            },
            removed=found.get("removed") or (),
        )
    except (msgspec.DecodeError, zstandard.ZstdError, *_STRANGE) as error:
        raise ValueError(f"it is not a shard: {error}") from error


def compress(content: bytes, *, level: int = _LEVEL) -> bytes:
    """One zstd frame that says its size; the same bytes always give the same frame."""
    return zstandard.ZstdCompressor(level=level).compress(content)


def decompress(content: bytes, *, largest: int = _LARGEST) -> bytes:
    """Unpack zstd, also of several frames one after another.

    Raises ZstdError, also for more than `largest` bytes: a few packed ones may become any number.
    """
    if zstandard.frame_content_size(content) > largest:
        raise zstandard.ZstdError(f"it says that it is larger than {largest} bytes")
    pieces, size = [], 0
    reader = zstandard.ZstdDecompressor().stream_reader(content, read_across_frames=True)
    while piece := reader.read(_PIECE):
        size += len(piece)
        if size > largest:
            raise zstandard.ZstdError(f"it unpacks to more than {largest} bytes")
        pieces.append(piece)
    return b"".join(pieces)


def _in_bytes(record: Record) -> Record:
    changed = {key: bytes.fromhex(record[key]) for key in _HASHES if record.get(key)}
    return {**record, **changed}


def _in_hex(record: dict[str, Any]) -> Record:
    """Change a record that was just decoded; nobody else has it, and there may be a million."""
    for key in _HASHES:
        if isinstance(value := record.get(key), bytes):
            record[key] = value.hex()
    return record
