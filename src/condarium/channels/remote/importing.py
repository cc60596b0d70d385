"""Taking over what a channel elsewhere has: its records now, its bytes now or when first used."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from condarium.channels.changing.publishing import FileNameTaken, facts_of
from condarium.channels.remote.pulling import has_obtained, note_obtained, pull
from condarium.channels.remote.reading import (
    SubdirIndex,
    Unpacked,
    read_channel,
    read_index_file,
)
from condarium.channels.remote.taking import Unfit, take, with_sha256
from condarium.channels.remote.upstream import find_channel, remote_files
from condarium.channels.revising.draft import Draft, check_local, revise
from condarium.engine.network.addresses import check_reach
from condarium.engine.network.remote_files import RemoteFiles
from condarium.errors import BadArguments
from condarium.model.actor import Actor
from condarium.model.channels import parse_channel_url
from condarium.model.hosting.fact import Fact
from condarium.model.hosting.hosted import HostedChannel, HostedFile
from condarium.model.hosting.imported import Imported, ImportedSubdir, SkippedRecords
from condarium.model.progress import Progress
from condarium.model.subdirs import is_subdir, likely_subdir
from condarium.model.view import MAIN, ChannelName, check_label
from condarium.storage.store import Store

_AT_ONCE = 4_000
"""How many records are in memory at once."""
_EXAMPLES = 3
_FETCHING = 8
_PATHS = ("/", "./", "../", "~")

_Key = tuple[str, str]


def import_index(
    store: Store,
    channel: ChannelName,
    source: str,
    *,
    subdirs: Sequence[str] = (),
    fetch: bool = False,
    label: str = MAIN,
    reason: str = "",
    actor: Actor,
    progress: Progress,
) -> Imported:
    """Take over the records of a channel elsewhere, in one revision.

    `source` is a channel (a name, a URL or a folder) or one index file (a URL or a path). Bytes
    are fetched now (`fetch`), or when they are first asked for. Records that cannot be taken over
    are left out and counted: among them those without a SHA-256, unless the bytes are fetched.

    Raises FileNameTaken where the channel has other bytes under a name, NoSuchRemoteFile,
    ChannelUnreachable, BadRepodata, UpstreamFailed, NoSuchChannel, NotALocalChannel.
    """
    check_label(label)
    for subdir in subdirs:
        _check_subdir(subdir)
    with store.shared():
        hosted = check_local(store, channel, "import-index")
        files, base, reading = _find(store, source, subdirs)
        progress.phase("read the index")
        taking = _Taking(indexed_at=int(store.now().timestamp() * 1000))
        indexes = list(reading)
        fetched = _fetch(store, hosted, files, indexes, taking, progress) if fetch else 0
        progress.phase("take over", None, "records")
        with revise(store, channel, "import-index", reason=reason or base, actor=actor) as draft:
            counts = [_add(draft, index, label, taking, progress) for index in indexes]
            progress.phase("index")
    return Imported(
        channel=channel,
        source=base,
        revision=draft.revision.number if draft.revision else None,
        subdirs=tuple(counts),
        skipped=taking.skipped(),
        fetched=fetched,
    )


@dataclass
class _Taking:
    """What is found out while records are taken over."""

    indexed_at: int
    digests: dict[_Key, str] = field(default_factory=dict)
    """SHA-256 of the files that were fetched, which not every record says."""
    unfit: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))

    def files(self, index: SubdirIndex, unpacked: Unpacked) -> Iterator[HostedFile]:
        """Those records of an index that are fit."""
        for file_name, record in unpacked.records():
            try:
                file = take(
                    index.subdir,
                    file_name,
                    record,
                    base_url=unpacked.base_url,
                    indexed_at=self.indexed_at,
                    run_exports=index.run_exports,
                )
            except Unfit as unfit:
                self.unfit[str(unfit)].append(f"{index.subdir}/{file_name}")
            else:
                yield file

    def with_digest(self, file: HostedFile) -> HostedFile | None:
        if file.sha256:
            return file
        if digest := self.digests.get((file.subdir, file.file_name)):
            return with_sha256(file, digest)
        why = "it has no SHA-256" + (" (fetching the bytes finds it out)" if file.md5 else "")
        self.unfit[why].append(f"{file.subdir}/{file.file_name}")
        return None

    def skipped(self) -> tuple[SkippedRecords, ...]:
        return tuple(
            SkippedRecords(reason=reason, count=len(names), examples=tuple(names[:_EXAMPLES]))
            for reason, names in sorted(self.unfit.items())
        )


def _find(
    store: Store, source: str, subdirs: Sequence[str]
) -> tuple[RemoteFiles, str, Iterator[SubdirIndex]]:
    """What reads the source, its clean address, and its indexes to be read."""
    path = Path(source).expanduser()
    if source.startswith(_PATHS):  # before anything is told of what is there
        check_reach([path.absolute().as_uri()], store.settings.environ)
    _check_path(source, path)
    if path.is_file():
        source = path.absolute().as_uri()
    if not source.endswith((".json", ".zst")):
        channel = find_channel(store, source)
        credentials = source if channel.credentials and "://" in source else ""
        files = remote_files(store, credentials)
        return files, channel.url, read_channel(files, channel, subdirs)
    if len(subdirs) > 1:
        raise BadArguments("one index file has the records of one subdir; several are named")
    folder, _, name = source.rpartition("/")
    above, _, last = folder.rpartition("/")
    root = parse_channel_url(above if is_subdir(last) else folder)
    files = remote_files(store, above if is_subdir(last) else folder)
    url = "/".join((root.url, *([last] if is_subdir(last) else []), name))
    return files, url, iter([read_index_file(files, url, next(iter(subdirs), None))])


def _check_path(source: str, path: Path) -> None:
    """Raises BadArguments for a path that leads nowhere, or to something else."""
    if path.is_file() and not source.endswith((".json", ".zst")):
        raise BadArguments(
            f"{source} is not an index",
            hint="Name a repodata.json, a repodata.json.zst or a repodata_shards.msgpack.zst, or "
            "the folder of a channel.",
        )
    if source.startswith(_PATHS) and not path.exists():
        raise BadArguments(
            f"there is no such folder or file: {source}",
            hint="A channel elsewhere is named by its URL, or by a name that .condarc explains.",
        )


def _fetch(
    store: Store,
    hosted: HostedChannel,
    files: RemoteFiles,
    indexes: Sequence[SubdirIndex],
    taking: _Taking,
    progress: Progress,
) -> int:
    """Fetch and verify all bytes, several at once, and say how many; the first failure ends it."""
    found = [
        file
        for index in indexes
        for file in _Taking(taking.indexed_at).files(index, index.unpack())
        if file.sha256 or file.md5
    ]
    progress.phase("fetch packages", sum(file.size or 0 for file in found), "bytes")

    def one(file: HostedFile) -> int:
        assert file.source is not None
        if has_obtained(store, hosted, file.sha256):
            progress.advance(file.size or 0)
            return 0
        digest = pull(
            store, files, file.source, sha256=file.sha256 or None, md5=file.md5, size=file.size
        )
        note_obtained(store, hosted, digest)
        taking.digests[file.subdir, file.file_name] = digest
        progress.advance(file.size or 0)
        return store.blobs.size(digest) or 0

    with ThreadPoolExecutor(_FETCHING) as pool:
        working = [pool.submit(one, file) for file in found]
        try:
            return sum(each.result() for each in working)
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def _add(
    draft: Draft, index: SubdirIndex, label: str, taking: _Taking, progress: Progress
) -> ImportedSubdir:
    counts = dict.fromkeys(("added", "there_already", "changed"), 0)
    unpacked = index.unpack()
    if unpacked.newer:
        taking.unfit["it is of the v3 format"] += [index.subdir] * unpacked.newer
    rest = taking.files(index, unpacked)
    while some := list(islice(rest, _AT_ONCE)):
        progress.advance(len(some))
        fit = [file for file in map(taking.with_digest, some) if file is not None]
        for what in _add_some(draft, fit, label):
            counts[what] += 1
    return ImportedSubdir(subdir=index.subdir, **counts)


def _add_some(draft: Draft, files: Sequence[HostedFile], label: str) -> Iterator[str]:
    holdings, channel = draft.facts.holdings, draft.channel
    names = {(file.subdir, file.name) for file in files}
    there = holdings.digests(channel, names)
    holding: set[Fact] = set()
    if there:
        holding.update(holdings.about(channel, names, at=channel.head))
    for file in files:
        yield _add_one(draft, file, label, there=there, holding=holding)


def _add_one(
    draft: Draft, file: HostedFile, label: str, *, there: Mapping[_Key, str], holding: set[Fact]
) -> str:
    present = there.get((file.subdir, file.file_name))
    if present is None:
        draft.add_file(file)
        draft.open(*facts_of(file, [label]))
        return "added"
    if present != file.sha256:
        name = f"{file.subdir}/{file.file_name}"
        raise FileNameTaken(draft.channel.name, name, found=file.sha256, there=present)
    new = [fact for fact in facts_of(file, [label]) if fact not in holding]
    draft.open(*new)
    return "changed" if new else "there_already"


def _check_subdir(subdir: str) -> None:
    if not is_subdir(subdir):
        likely = likely_subdir(subdir)
        hint = f"Did you mean {likely}?" if likely else "Such as linux-64, or noarch."
        raise BadArguments(f"{subdir!r} is not a subdir", hint=hint)
