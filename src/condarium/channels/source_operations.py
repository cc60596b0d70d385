"""The operations on source archives."""

from typing import Annotated

from condarium.model.actor import Actor, Permission
from condarium.model.hosting.source import AddedSource, Source
from condarium.model.progress import Progress
from condarium.model.upload import Upload
from condarium.operation import Argument, Where, operation
from condarium.storage.store import Store


@operation(
    "channel source add", permission=Permission.CHANNEL_PUBLISH, changes=True, makes_store=True
)
def add(
    store: Store,
    file: Annotated[
        Upload | None, Argument("the archive; by default it is fetched", positional=True)
    ] = None,
    *,
    url: Annotated[
        tuple[str, ...],
        Argument("where upstream has it; may be given several times", metavar="URL"),
    ] = (),
    sha256: Annotated[
        str | None, Argument("what its SHA-256 has to be, as the recipe says", metavar="HEX")
    ] = None,
    public: Annotated[bool, Argument("let it be downloaded without a token")] = False,
    actor: Actor,
    progress: Progress,
) -> AddedSource:
    """Keep a source archive by its hash, for the day that upstream is gone.

    Without a file, what is at the first URL is fetched. A server gives it by its hash, and by any
    of its URLs. Raises BadSource, UpstreamFailed, BadArguments.
    """
    from condarium.channels.sources import add_source

    return add_source(
        store, file, urls=url, sha256=sha256, public=public, actor=actor, progress=progress
    )


@operation("channel source list", permission=Permission.CHANNEL_READ, where=Where.INSIDE)
def list_(
    store: Store,
    text: Annotated[
        str | None, Argument("only those with this in their name or a URL", positional=True)
    ] = None,
    *,
    actor: Actor,
) -> tuple[Source, ...]:
    """List source archives: the public ones, and for administrators all."""
    from condarium.channels.sources import list_sources

    return list_sources(store, text, actor=actor)


@operation("channel source show", permission=Permission.CHANNEL_READ, where=Where.INSIDE)
def show(
    store: Store,
    source: Annotated[str, Argument("its SHA-256, or a URL where upstream had it")],
    *,
    actor: Actor,
) -> Source:
    """Show a source archive, and where upstream had it.

    Raises NoSuchSource.
    """
    from condarium.channels.sources import find_source, may_have

    return find_source(store, source, may_have=lambda found: may_have(found, actor))
