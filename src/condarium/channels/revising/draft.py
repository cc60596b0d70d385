"""A revision in the making: facts are opened and closed, then all that follows is written at once.

Everything happens in one transaction that holds the channel: the facts, the shards of the names
that they touch, the log's new entry and the audit's. Shards are blobs, put before the transaction
ends, so that no index can name one that is not there.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta

from condarium.channels.revising.reindexing import reindex
from condarium.errors import Conflict
from condarium.model.actor import Actor
from condarium.model.hosting.fact import Fact, Revision, chain, changes_digest
from condarium.model.hosting.hosted import ChannelKind, HostedChannel, HostedFile, HostedPatch
from condarium.model.view import ChannelName
from condarium.storage.facts import Facts
from condarium.storage.store import Store

_TICK = timedelta(microseconds=1)
_AT_ONCE = 10_000
"""How many files are described before they are written: a large revision has many."""
GENESIS = "0" * 64
"""What the first revision names as the digest of the one before."""


class NotALocalChannel(Conflict):
    """Only a channel of its own packages can be changed like this."""

    def __init__(self, channel: HostedChannel, action: str) -> None:
        self.channel, self.action = channel.name, action
        super().__init__(
            f"channel {channel.name} is a {channel.kind}: {action} works on local channels only",
            hint="`condarium channel show` names the channels behind it."
            if channel.kind is ChannelKind.UNION
            else "Create a local channel for packages of your own, and a union of both.",
        )


def check_local(store: Store, channel: ChannelName, action: str) -> HostedChannel:
    """Refuse before long work what `revise` would after. Raises NoSuchChannel, NotALocalChannel."""
    with store.database.read() as facts:
        hosted = facts.channels.get(channel)
    if hosted.kind is not ChannelKind.LOCAL:
        raise NotALocalChannel(hosted, action)
    return hosted


class Draft:
    """What a revision is to change. `revision` is there once it is written, if anything changed.

    With `even_empty` it is written although nothing changes.
    """

    def __init__(self, store: Store, facts: Facts, channel: HostedChannel) -> None:
        self.store, self.facts, self.channel = store, facts, channel
        self.number = channel.head + 1
        self.revision: Revision | None = None
        self.even_empty = False
        self._opened: dict[Fact, None] = {}
        self._closed: dict[Fact, None] = {}
        self._touched: set[tuple[str, str]] = set()
        self._files: list[HostedFile] = []

    def open(self, *facts: Fact) -> None:
        """From this revision on, facts hold that do not hold now."""
        for fact in facts:
            if self._closed.pop(fact, self) is self:
                self._opened[fact] = None

    def close(self, *facts: Fact) -> None:
        """From this revision on, facts do not hold that hold now."""
        for fact in facts:
            if self._opened.pop(fact, self) is self:
                self._closed[fact] = None

    def touch(self, names: Iterable[tuple[str, str]]) -> None:
        """Pairs of subdir and package name whose shards change though no fact about them does."""
        self._touched.update(names)

    def add_file(self, file: HostedFile) -> None:
        """Describe a file that the channel never had; its facts are to be opened as well."""
        self._files.append(file)
        if len(self._files) >= _AT_ONCE:
            self._write_files()

    def add_patch(self, patch: HostedPatch) -> None:
        self.facts.holdings.add_patch(self.channel, patch)

    def write(self, *, actor: Actor, action: str, reason: str) -> None:
        """Append the revision, and bring the shards up to it; nothing where nothing changes."""
        if not (self._opened or self._closed or self.even_empty):
            return
        holdings = self.facts.holdings
        self._write_files()
        holdings.close(self.channel, self._closed, until=self.number)
        holdings.open(self.channel, self._opened, since=self.number)
        reindex(self.store, self.facts, self.channel, self._names(), number=self.number)
        self.revision = self._entry(actor, action, reason)
        self.facts.channels.append(self.channel, self.revision)

    def _write_files(self) -> None:
        self.facts.holdings.add_files(self.channel, self._files)
        self._files.clear()

    def _names(self) -> set[tuple[str, str]]:
        named = {(fact.subdir, fact.name) for fact in (*self._opened, *self._closed) if fact.name}
        return named | self._touched

    def _entry(self, actor: Actor, action: str, reason: str) -> Revision:
        last = self.facts.channels.last(self.channel)
        at = max(self.store.now(), last.at + _TICK) if last else self.store.now()
        previous = last.digest if last else GENESIS
        changes = changes_digest(self._opened, self._closed)
        return Revision(
            number=self.number,
            at=at,
            actor=actor.name,
            action=action,
            reason=reason,
            opened=len(self._opened),
            closed=len(self._closed),
            changes=changes,
            previous=previous,
            digest=chain(
                self.channel.name.name,
                self.number,
                at=at,
                actor=actor.name,
                action=action,
                reason=reason,
                changes=changes,
                previous=previous,
            ),
        )


@contextmanager
def revise(
    store: Store,
    channel: ChannelName,
    action: str,
    *,
    reason: str,
    actor: Actor,
    kinds: tuple[ChannelKind, ...] = (ChannelKind.LOCAL,),
) -> Iterator[Draft]:
    """Append a revision to a channel, whole or not at all; none where the draft stays empty.

    Raises NoSuchChannel, NotALocalChannel where its kind is not one of `kinds`.
    """
    # gc must not find shards that are put already, and named by nothing yet
    with store.shared(), store.database.note() as facts:
        hosted = facts.channels.lock(channel)
        if hosted.kind not in kinds:
            raise NotALocalChannel(hosted, action)
        draft = Draft(store, facts, hosted)
        yield draft
        draft.write(actor=actor, action=action, reason=reason)
        if draft.revision is not None:
            if actor.job:
                facts.jobs.commit(actor.job, at=draft.revision.at)
            facts.audit.add(
                at=draft.revision.at,
                actor=actor,
                action=f"channel {action}",
                target=channel.name,
                detail={"revision": f"r{draft.number}", "reason": reason},
            )
