"""Patches of a channel: added after one another, and undone."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from condarium.channels.revising.draft import Draft, revise
from condarium.errors import BadArguments, NotFound
from condarium.model.actor import Actor
from condarium.model.document import Document
from condarium.model.hosting.changes import ChannelPatch, PatchesChanged
from condarium.model.hosting.fact import Fact, FactKind
from condarium.model.hosting.hosted import HostedChannel, HostedPatch
from condarium.model.patches import Patch, read_patch
from condarium.model.subdirs import SUBDIRS, is_subdir, likely_subdir
from condarium.model.view import ChannelName
from condarium.storage.facts import Facts
from condarium.storage.store import Store


class NoSuchPatch(NotFound):
    """The channel has no patch with this number."""

    def __init__(self, channel: ChannelName, number: int) -> None:
        self.channel, self.number = channel, number
        super().__init__(
            f"channel {channel} has no patch {number}",
            hint=f"`condarium channel patch list {channel}` shows those it has.",
        )


def add(
    store: Store,
    channel: ChannelName,
    documents: Sequence[Document],
    *,
    subdir: str | None = None,
    name: str | None = None,
    reason: str,
    actor: Actor,
) -> PatchesChanged:
    """Add patches after those that the channel has, all in one revision.

    One that holds already is not added again. Only the shards of packages that a patch may touch
    are looked at. Raises BadPatch, BadArguments, NoSuchChannel, NotALocalChannel.
    """
    read = read_patches(documents, subdir=subdir, name=name)
    with store.shared():  # gc must not find the documents meanwhile
        digests = [store.blobs.put(document.content) for document, _ in read]
        with revise(store, channel, "patch add", reason=reason, actor=actor) as draft:
            there = holding(draft.facts, draft.channel)
            known = {(patch.document, patch.subdir): patch for patch in there}
            first = max(draft.facts.holdings.patches(draft.channel), default=0) + 1
            added: list[HostedPatch] = []
            for (document, patch), digest in zip(read, digests, strict=True):
                if (digest, subdir) not in known:
                    position = first + len(added)
                    hosted = hosted_patch(patch, document.name, position, digest, subdir)
                    known[digest, subdir] = hosted
                    added.append(hosted)
            for hosted in added:
                draft.add_patch(hosted)
                draft.open(fact_of(hosted))
                draft.touch(touched(draft.facts, draft.channel, hosted))
    given = {(digest, subdir): known[digest, subdir] for digest in digests}
    unchanged = [patch for patch in given.values() if patch not in added]
    return _report(store, draft, "patch add", added, unchanged)


def undo(
    store: Store, channel: ChannelName, number: int, *, reason: str, actor: Actor
) -> PatchesChanged:
    """End a patch, so that records are as they are without it. Raises NoSuchPatch."""
    with revise(store, channel, "patch undo", reason=reason, actor=actor) as draft:
        patch = draft.facts.holdings.patches(draft.channel).get(number)
        if patch is None:
            raise NoSuchPatch(channel, number)
        holds = patch in holding(draft.facts, draft.channel)
        if holds:
            draft.close(fact_of(patch))
            draft.touch(touched(draft.facts, draft.channel, patch))
    done, before = ([patch], []) if holds else ([], [patch])
    return _report(store, draft, "patch undo", done, before)


def read_patches(
    documents: Sequence[Document], *, subdir: str | None, name: str | None
) -> list[tuple[Document, Patch]]:
    """Read patches, each with the name that it is to have. Raises BadPatch, BadArguments."""
    if not documents:
        raise BadArguments("there is no patch to read")
    if name is not None and len(documents) > 1:
        raise BadArguments("several patches cannot have one name", hint="Leave --name out.")
    if subdir is not None and not is_subdir(subdir):
        guess = likely_subdir(subdir)
        hint = f"Did you mean {guess}?" if guess else "Such as linux-64 or noarch."
        raise BadArguments(f"{subdir!r} is not a subdir", hint=hint)
    read = [(document, read_patch(document, subdir=subdir)) for document in documents]
    return [
        # where the file was is nobody's concern, and not the same for everybody
        (Document(name or Path(document.name).name, document.content), each)
        for document, each in read
    ]


def hosted_patch(
    patch: Patch, name: str, position: int, digest: str, subdir: str | None
) -> HostedPatch:
    """Describe a patch, with the packages that it may touch in every subdir that there can be."""
    candidates = {each: patch.candidates(each) for each in ("noarch", *SUBDIRS)}
    anything = all(names is None for names in candidates.values())
    return HostedPatch(
        position=position,
        document=digest,
        name=name,
        kind=patch.kind,
        subdir=subdir,
        summary=patch.describe(),
        candidates=None
        if anything
        else {each: names for each, names in candidates.items() if names is None or names},
    )


def fact_of(patch: HostedPatch) -> Fact:
    """The fact that a patch holds."""
    return Fact(kind=FactKind.PATCH, value=patch.document, position=patch.position)


def holding(facts: Facts, channel: HostedChannel) -> list[HostedPatch]:
    """The patches that hold now, in their order."""
    about = facts.holdings.about(channel, [("", "")], at=channel.head)
    positions = sorted(fact.position for fact in about if fact.kind is FactKind.PATCH)
    known = facts.holdings.patches(channel) if positions else {}
    return [known[position] for position in positions]


def touched(facts: Facts, channel: HostedChannel, patch: HostedPatch) -> Iterator[tuple[str, str]]:
    """Subdir and name of the packages that a patch may touch.

    Those that it names need not be there: to look for one costs less than to list all that are.
    """
    for subdir in facts.holdings.subdirs(channel):
        names = patch.touches(subdir)
        for name in facts.shards.names(channel, subdir) if names is None else names:
            yield subdir, name


def described(patch: HostedPatch) -> ChannelPatch:
    return ChannelPatch(
        number=patch.position,
        name=patch.name,
        kind=patch.kind,
        summary=patch.summary,
        document=patch.document,
        subdir=patch.subdir,
    )


def _report(
    store: Store,
    draft: Draft,
    action: str,
    patches: Sequence[HostedPatch],
    unchanged: Sequence[HostedPatch],
) -> PatchesChanged:
    packages: set[tuple[str, str]] = set()
    if draft.revision is not None:
        with store.database.read() as facts:
            packages = facts.shards.changed_at(draft.channel, draft.number)
    return PatchesChanged(
        channel=draft.channel.name,
        action="patch add" if action == "patch add" else "patch undo",
        revision=draft.revision.number if draft.revision else None,
        patches=tuple(map(described, patches)),
        unchanged=tuple(map(described, unchanged)),
        packages=tuple(f"{subdir}/{name}" for subdir, name in sorted(packages)),
    )
