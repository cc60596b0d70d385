"""Indexes of channels elsewhere, read: repodata.json, its .zst, or shards, whichever there is."""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any
from urllib.parse import urljoin

import msgspec
import zstandard

from condarium.channels.remote.taking import may_name
from condarium.channels.shard import decode_shard, decompress
from condarium.engine.network.errors import BadRepodata, NoSuchChannel
from condarium.engine.network.remote_files import NoSuchRemoteFile, RemoteFile, RemoteFiles
from condarium.model.channels import ChannelUrl
from condarium.model.subdirs import SUBDIRS, is_subdir

SHARD_INDEX = "repodata_shards.msgpack.zst"
WHOLE = ("repodata.json.zst", "repodata.json")
LARGEST_INDEX = 4 << 30
"""In bytes: what an index may unpack to. The largest channels have a tenth of that."""
_LARGEST_SHARD = 256 << 20
"""In bytes, packed; `shard.decompress` has a limit of its own."""
_AT_ONCE = 16
_ZSTD = b"\x28\xb5\x2f\xfd"


class _Info(msgspec.Struct):
    subdir: str | None = None
    base_url: str | None = None


class _Whole(msgspec.Struct, rename={"conda": "packages.conda"}):
    """repodata.json, its records still as they are written."""

    info: _Info = msgspec.field(default_factory=_Info)
    packages: dict[str, msgspec.Raw] = {}
    conda: dict[str, msgspec.Raw] = {}
    v3: dict[str, dict[str, msgspec.Raw]] = {}


class _ShardInfo(msgspec.Struct):
    base_url: str = "./"
    shards_base_url: str = "./"
    subdir: str | None = None


class _ShardIndex(msgspec.Struct):
    shards: dict[str, bytes]
    info: _ShardInfo = msgspec.field(default_factory=_ShardInfo)


@dataclass(frozen=True, kw_only=True)
class ShardIndex:
    """Which shard each name has in a subdir; both URLs end with a slash."""

    subdir: str | None
    base_url: str
    shards_url: str
    shards: Mapping[str, bytes]

    def url(self, digest: bytes) -> str:
        return f"{self.shards_url}{digest.hex()}.msgpack.zst"


@dataclass(frozen=True, kw_only=True)
class SubdirIndex:
    """All records of a subdir elsewhere, as they were fetched; unpacked when they are asked for.

    `run_exports` is what its run_exports.json says, by file name, if it has one.
    """

    subdir: str
    whole: RemoteFile | None = None
    shards: ShardIndex | None = None
    contents: Sequence[bytes] = ()
    run_exports: Mapping[str, Any] = field(default_factory=dict)

    def unpack(self) -> "Unpacked":
        """Raises BadRepodata."""
        return Unpacked.of_whole(self.whole) if self.whole else Unpacked.of_shards(self)


@dataclass(frozen=True, kw_only=True)
class Unpacked:
    """Records of a subdir; `base_url`, which ends with a slash, is where its packages lie.

    `newer` counts packages of the v3 format, which are not among the records.
    """

    subdir: str | None
    base_url: str
    sections: Sequence[Mapping[str, Any]]
    newer: int = 0

    @classmethod
    def of_whole(cls, file: RemoteFile) -> "Unpacked":
        content = file.content or b""
        try:
            if content.startswith(_ZSTD):
                content = decompress(content, largest=LARGEST_INDEX)
            found = msgspec.json.decode(content or b"{}", type=_Whole)
        except (msgspec.DecodeError, zstandard.ZstdError) as error:
            raise BadRepodata(file.url, str(error)) from error
        return cls(
            subdir=found.info.subdir,
            base_url=_folder(file.url, found.info.base_url or "./"),
            sections=(found.packages, found.conda),
            newer=sum(map(len, found.v3.values())),
        )

    @classmethod
    def of_shards(cls, index: SubdirIndex) -> "Unpacked":
        assert index.shards is not None
        return cls(
            subdir=index.shards.subdir,
            base_url=index.shards.base_url,
            sections=tuple(decode_shard(content).records for content in index.contents),
        )

    def records(self) -> Iterator[tuple[str, Any]]:
        """File names and records, each unpacked when it is its turn."""
        decode = msgspec.json.Decoder().decode
        for section in self.sections:
            for file_name, record in section.items():
                yield file_name, decode(record) if isinstance(record, msgspec.Raw) else record


def read_channel(
    files: RemoteFiles, channel: ChannelUrl, subdirs: Sequence[str] = ()
) -> Iterator[SubdirIndex]:
    """Read the indexes of a channel's subdirs, or of all that it has.

    Raises NoSuchChannel where it has none of them, BadRepodata, and what RemoteFiles raises.
    """
    found = False
    for subdir in subdirs or ("noarch", *SUBDIRS):
        index = read_subdir(files, f"{channel.url}/{subdir}/", subdir)
        if index is not None:
            found = True
            yield index
    if not found:
        raise NoSuchChannel(channel.url, f"index for {', '.join(subdirs) or 'any subdir'}")


def read_subdir(files: RemoteFiles, folder: str, subdir: str) -> SubdirIndex | None:
    """Read the index in a folder, whole rather than in shards. `folder` ends with a slash."""
    whole = read_whole(files, folder)
    if whole is not None:
        return SubdirIndex(subdir=subdir, whole=whole, run_exports=_run_exports(files, folder))
    index = get_or_none(files, folder + SHARD_INDEX)
    if index is None:
        return None
    shards = parse_shard_index(index)
    return SubdirIndex(subdir=subdir, shards=shards, contents=_fetch_shards(files, shards))


def read_index_file(files: RemoteFiles, url: str, subdir: str | None) -> SubdirIndex:
    """Read one index file; without a `subdir` it is the one that the file or its folder names."""
    file = files.get(url)
    folder = url.rpartition("/")[0]
    shards = parse_shard_index(file) if url.endswith(SHARD_INDEX) else None
    said = shards.subdir if shards else Unpacked.of_whole(file).subdir
    known = subdir or said or folder.rpartition("/")[2]
    if not is_subdir(known):
        raise BadRepodata(url, "it does not say for which subdir it is; --subdir says it")
    if shards:
        return SubdirIndex(subdir=known, shards=shards, contents=_fetch_shards(files, shards))
    exports = _run_exports(files, f"{folder}/")
    return SubdirIndex(subdir=known, whole=file, run_exports=exports)


def read_whole(files: RemoteFiles, folder: str) -> RemoteFile | None:
    """Read repodata.json.zst, or else repodata.json; None where there is neither."""
    for name in WHOLE:
        file = get_or_none(files, folder + name)
        if file is not None:
            return file
    return None


def get_or_none(
    files: RemoteFiles, url: str, *, unless: Mapping[str, str] | None = None
) -> RemoteFile | None:
    try:
        return files.get(url, unless=unless)
    except NoSuchRemoteFile:
        return None


def parse_shard_index(file: RemoteFile) -> ShardIndex:
    """Raises BadRepodata."""
    try:
        found = msgspec.msgpack.decode(decompress(file.content or b""), type=_ShardIndex)
    except (msgspec.DecodeError, zstandard.ZstdError) as error:
        raise BadRepodata(file.url, str(error)) from error
    if any(len(digest) != 32 for digest in found.shards.values()):
        raise BadRepodata(file.url, "a shard's hash has not 32 bytes")
    return ShardIndex(
        subdir=found.info.subdir,
        base_url=_folder(file.url, found.info.base_url),
        shards_url=_folder(file.url, found.info.shards_base_url),
        shards=found.shards,
    )


def get_shard(files: RemoteFiles, url: str, digest: bytes) -> bytes:
    """Fetch a shard and check its hash. Raises BadRepodata where it is another, or none."""
    content = files.get(url, largest=_LARGEST_SHARD).content or b""
    if sha256(content).digest() != digest:
        raise BadRepodata(url, f"its SHA-256 is {sha256(content).hexdigest()}")
    try:
        decode_shard(content)
    except ValueError as error:
        raise BadRepodata(url, str(error)) from error
    return content


def _fetch_shards(files: RemoteFiles, index: ShardIndex) -> list[bytes]:
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return list(
            pool.map(lambda each: get_shard(files, index.url(each), each), index.shards.values())
        )


def _run_exports(files: RemoteFiles, folder: str) -> Mapping[str, Any]:
    """What a channel says of run exports beside its index (CEP 12), by file name."""
    for name in ("run_exports.json.zst", "run_exports.json"):
        file = get_or_none(files, folder + name)
        if file is None or not file.content:
            continue
        packed = file.content.startswith(_ZSTD)
        try:
            content = file.content
            if packed:
                content = decompress(content, largest=LARGEST_INDEX)
            found = msgspec.json.decode(content, type=dict[str, Any])
        except (msgspec.DecodeError, zstandard.ZstdError) as error:
            raise BadRepodata(file.url, str(error)) from error
        sections = (found.get(key) or {} for key in ("packages", "packages.conda"))
        return {
            name: entry.get("run_exports") or {}
            for section in sections
            for name, entry in section.items()
        }
    return {}


def _folder(url: str, relative: str) -> str:
    """The folder that an index names relative to itself. Raises BadRepodata, as `may_name` says."""
    found = urljoin(url, f"{relative.rstrip('/')}/" if relative.rstrip("/") else "./")
    if not may_name(url, found):
        raise BadRepodata(url, f"it names a place that it may not name, {found}")
    return found
