"""Bytes of packages elsewhere, fetched when they are first asked for, verified and kept."""

import hashlib
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from condarium.channels.remote.taking import with_sha256
from condarium.channels.remote.upstream import UpstreamFailed, remote_files, upstream_failures
from condarium.engine.network.remote_files import LARGEST_DOWNLOAD, RemoteFiles
from condarium.errors import NoSuchBlob
from condarium.model.hosting.hosted import ChannelKind, HostedChannel, HostedFile
from condarium.storage.locks import discard, locked
from condarium.storage.modes import make_folder
from condarium.storage.store import Store


class UpstreamChanged(UpstreamFailed):
    """A channel elsewhere gives other bytes than its index promised."""

    def __init__(self, what: str, *, found: str, expected: str) -> None:
        self.found, self.expected = found, expected
        super().__init__(
            what,
            f"found {found}; expected {expected}",
            hint="Try again; if it stays so, upstream or a proxy on the way alters the file.",
        )


def ensure_bytes(store: Store, channel: HostedChannel, file: HostedFile) -> None:
    """Have the bytes of a file in the store: fetch them from its source, once for all who ask.

    Whoever else asks meanwhile, in this process or another, waits for the first. A proxy remembers
    the file, so that it keeps it. Raises UpstreamFailed and its kinds, NoSuchBlob where there is no
    source to fetch from.
    """
    if has_bytes(store, channel, file):
        _remember(store, channel, file)
        return
    if file.source is None:
        raise NoSuchBlob(file.sha256)
    pulling = store.layout.locks / f"pull-{file.sha256 or file.md5}"
    with store.shared():
        try:
            with locked(pulling):
                if not has_bytes(store, channel, file):
                    file = _pull(store, file, file.source)
                    note_obtained(store, channel, file.sha256)
                _remember(store, channel, file)
        finally:
            discard(pulling)


def has_bytes(store: Store, channel: HostedChannel, file: HostedFile) -> bool:
    """Whether the store has the bytes of a file, and the channel got them itself."""
    if file.source is None:
        return store.blobs.has(file.sha256)
    return has_obtained(store, channel, file.sha256)


def has_obtained(store: Store, channel: HostedChannel, sha256: str | None) -> bool:
    """Whether the store has bytes that the channel once got: to know their hash is not enough."""
    if not sha256 or not store.blobs.has(sha256):
        return False
    with store.database.read() as facts:
        return bool(facts.obtained.among(channel, [bytes.fromhex(sha256)]))


def note_obtained(store: Store, channel: HostedChannel, sha256: str) -> None:
    with store.database.note() as facts:
        facts.obtained.add(channel, [bytes.fromhex(sha256)])


def _pull(store: Store, file: HostedFile, source: str) -> HostedFile:
    files = remote_files(store)
    sha256 = pull(store, files, source, sha256=file.sha256 or None, md5=file.md5, size=file.size)
    return with_sha256(file, sha256)


def _remember(store: Store, channel: HostedChannel, file: HostedFile) -> None:
    """Have a proxy keep the file, whatever upstream does."""
    if channel.kind is not ChannelKind.PROXY or is_kept(store, channel, file):
        return
    with store.database.note() as facts:
        facts.channels.lock(channel.name)
        if facts.holdings.file(channel, file.subdir, file.file_name) is None:
            facts.holdings.add_files(channel, [file])


def is_kept(store: Store, channel: HostedChannel, file: HostedFile) -> bool:
    """Whether the channel has the file written down; a proxy has those that were asked for."""
    with store.database.read() as facts:
        return facts.holdings.file(channel, file.subdir, file.file_name) is not None


def pull(
    store: Store,
    files: RemoteFiles,
    url: str,
    *,
    sha256: str | None,
    md5: str | None = None,
    size: int | None = None,
) -> str:
    """Fetch a package, verify it by what is known of it, keep it, and give its SHA-256.

    One of the two hashes must be known. Nothing stays of what fails.
    """
    what = f"cannot fetch {url.rpartition('/')[2]}"
    with _incoming(store) as path:
        with upstream_failures(what), path.open("wb") as into:
            files.download(url, into, largest=LARGEST_DOWNLOAD if size is None else size)
        found = _digest(path, "sha256")
        if size is not None and path.stat().st_size != size:
            raise UpstreamChanged(
                what, found=f"{path.stat().st_size} bytes", expected=f"{size} bytes"
            )
        if sha256 is not None and found != sha256:
            raise UpstreamChanged(what, found=f"SHA-256 {found}", expected=sha256)
        if sha256 is None and _digest(path, "md5") != md5:
            raise UpstreamChanged(what, found=f"MD5 {_digest(path, 'md5')}", expected=str(md5))
        store.blobs.put_file(path, found)
    return found


@contextmanager
def fetched(store: Store, url: str) -> Iterator[Path]:
    """What is at a URL, as a file for a while. Raises UpstreamFailed and its kinds."""
    with _incoming(store) as path:
        what = f"cannot fetch {url.rpartition('/')[2] or url}"
        with upstream_failures(what), path.open("wb") as into:
            remote_files(store).download(url, into)
        yield path


@contextmanager
def _incoming(store: Store) -> Iterator[Path]:
    """A file to fetch into, which is gone afterwards."""
    make_folder(store.layout.incoming)
    with tempfile.NamedTemporaryFile(dir=store.layout.incoming) as file:
        yield Path(file.name)


def _digest(path: Path, name: str) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, name).hexdigest()
