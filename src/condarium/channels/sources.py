"""The archive of sources: bytes by their hash, and where upstream had them."""

from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from urllib.parse import unquote, urlsplit

from condarium.channels.remote.pulling import fetched
from condarium.engine.hashing import file_sha256
from condarium.errors import BadArguments, NotFound
from condarium.model.access.decisions import PLATFORM
from condarium.model.actor import Actor, Permission
from condarium.model.hosting.source import (
    AddedSource,
    BadSource,
    Source,
    check_sha256,
    check_source_url,
)
from condarium.model.progress import Progress
from condarium.model.upload import Upload
from condarium.storage.store import Store


class NoSuchSource(NotFound):
    """There is no such source archive."""

    def __init__(self, found: str) -> None:
        self.found = found
        super().__init__(
            f"there is no source archive {found}",
            hint="`condarium channel source list` shows those there are, "
            "`condarium channel source add` brings one in.",
        )


def add_source(
    store: Store,
    file: Upload | None,
    *,
    urls: Sequence[str],
    sha256: str | None,
    public: bool,
    actor: Actor,
    progress: Progress,
) -> AddedSource:
    """Keep a file, or what is at the first URL; all `urls` are where upstream has it.

    Raises BadSource where the bytes are not those of `sha256`, UpstreamFailed where they cannot be
    fetched, BadArguments where there is neither a file nor a URL.
    """
    urls = [check_source_url(url) for url in urls]
    expected = check_sha256(sha256) if sha256 else None
    with store.shared(), _here(store, file, urls, progress) as upload:
        digest = file_sha256(upload.path)
        if expected is not None and digest != expected:
            raise BadSource(upload.name, found=f"SHA-256 {digest}", expected=expected)
        store.blobs.put_file(upload.path, digest)
        return _note(store, digest, upload, urls=urls, public=public, actor=actor)


def _note(
    store: Store, digest: str, upload: Upload, *, urls: Sequence[str], public: bool, actor: Actor
) -> AddedSource:
    now = store.now()
    source = Source(
        sha256=digest,
        size=upload.path.stat().st_size,
        file_name=upload.name,
        public=public,
        at=now,
        actor=actor.name,
    )
    detail = {"urls": ", ".join(urls)}
    with store.database.change(actor, "channel source add", digest, detail) as facts:
        before = facts.sources.get(digest)
        others = {url: facts.sources.at_url(url) for url in urls}
        facts.sources.add(source)
        facts.sources.seen(digest, urls, now)
        after = facts.sources.get(digest) or source
    known = {seen.url for seen in before.urls} if before else set()
    warnings = tuple(_changed(digest, others, known))
    if before is None:
        return AddedSource(source=after, status="added", warnings=warnings)
    if known >= set(urls):
        return AddedSource(source=after, status="there already", warnings=warnings)
    return AddedSource(source=after, status="url added", warnings=warnings)


def _changed(
    digest: str, others: Mapping[str, Sequence[Source]], known: Container[str]
) -> Iterator[str]:
    """Say at which URLs something else was seen before: upstream changed it, or it is a slip."""
    for url, sources in others.items():
        different = [source.sha256 for source in sources if source.sha256 != digest]
        if different and url not in known:
            yield f"{url} had other bytes before: SHA-256 {different[0]}"


def list_sources(store: Store, text: str | None, *, actor: Actor) -> tuple[Source, ...]:
    """The archives that an actor may have, or those with a text in their name or in a URL."""
    with store.database.read() as facts:
        found = facts.sources.all()
    return tuple(
        source
        for source in found
        if may_have(source, actor) and (text is None or _mentions(source, text))
    )


def may_have(source: Source, actor: Actor) -> bool:
    """Everybody may have a public archive; others belong to no channel, but to the platform."""
    return source.public or actor.may(Permission.CHANNEL_READ, PLATFORM)


def find_source(
    store: Store, what: str, *, may_have: Callable[[Source], bool] = lambda _source: True
) -> Source:
    """Find an archive by its SHA-256, or the latest that was seen at a URL.

    Of those that whoever asks may not have nothing is told. Raises NoSuchSource.
    """
    with store.database.read() as facts:
        found = facts.sources.at_url(what) if "://" in what else [facts.sources.get(what.lower())]
    for source in found:
        if source is not None and may_have(source):
            return source
    raise NoSuchSource(what)


@contextmanager
def _here(
    store: Store, file: Upload | None, urls: Sequence[str], progress: Progress
) -> Iterator[Upload]:
    """The file that was handed in, or what is fetched from the first URL, for a while."""
    if file is not None:
        yield file
        return
    if not urls:
        raise BadArguments(
            "there is neither a file nor a URL", hint="Name a FILE, or --url URL to fetch it."
        )
    progress.phase("fetch")
    name = unquote(urlsplit(urls[0]).path).rstrip("/").rpartition("/")[2] or "source"
    with fetched(store, urls[0]) as path:
        yield Upload(name, path)


def _mentions(source: Source, text: str) -> bool:
    words: Iterable[str] = (source.file_name, source.sha256, *(seen.url for seen in source.urls))
    return any(text.lower() in word.lower() for word in words)
