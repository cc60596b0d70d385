"""Bringing proxies up to the channels behind them: when they are asked for, and not too often."""

from collections.abc import Collection, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from threading import Lock

from condarium.channels.remote.filters import Share, sieve_of
from condarium.channels.remote.polling import Poll, poll
from condarium.channels.remote.reading import get_shard
from condarium.channels.remote.relaying import asks_for_records, shard_facts
from condarium.channels.remote.upstream import UpstreamFailed, remote_files, upstream_failures
from condarium.channels.revising.draft import Draft, revise
from condarium.channels.shard import decode_shard
from condarium.engine.network.errors import BadRepodata
from condarium.model.actor import Actor
from condarium.model.hosting.fact import Fact, FactKind
from condarium.model.hosting.hosted import ChannelKind, HostedChannel
from condarium.model.hosting.upstream import UpstreamState
from condarium.model.view import ChannelName
from condarium.storage.facts import Facts
from condarium.storage.locks import locked
from condarium.storage.store import Store

EVERY = timedelta(minutes=1)
"""How old an answer of upstream may be before it is asked again."""
_PROBING = timedelta(hours=6)
"""How often subdirs are looked for that upstream did not have."""
_AT_ONCE = 16
_ACTOR = Actor(name="upstream")

_Names = set[tuple[str, str]]


class Refresher:
    """Keeps the proxies of a store up to date; may be used by several threads at once.

    While upstream fails, what is known of it goes on being shown, and its state says so.
    """

    def __init__(self, store: Store, *, every: timedelta = EVERY) -> None:
        self._store, self._every = store, every
        self._states: dict[int, UpstreamState] = {}
        self._locks: dict[int, Lock] = {}
        self._making = Lock()

    def behind(self, name: ChannelName) -> dict[ChannelName, UpstreamState]:
        """Refresh all proxies that a channel consists of: itself, or the members of a union.

        Call it before a view of the present is opened. Raises NoSuchChannel, and UpstreamFailed
        where an upstream fails of which nothing is known yet.
        """
        with self._store.database.read() as facts:
            proxies = list(_proxies(facts, facts.channels.get(name)))
        return {proxy.name: self.fresh(proxy) for proxy in proxies}

    def fresh(self, channel: HostedChannel) -> UpstreamState:
        """Ask upstream whether it has changed, unless that was done just now, or is being done."""
        state = self._states.get(channel.id)
        if state is not None and not self._is_old(state):
            return state
        with self._making:
            lock = self._locks.setdefault(channel.id, Lock())
        if not lock.acquire(blocking=state is None or not state.known):
            assert state is not None
            return state
        try:
            state = self._states.get(channel.id) or self._stored(channel)
            if state is None or self._is_old(state):
                state = self._refresh(channel)
            self._states[channel.id] = state
        finally:
            lock.release()
        return state

    def _is_old(self, state: UpstreamState) -> bool:
        return self._store.now() - state.checked_at >= self._every

    def _stored(self, channel: HostedChannel) -> UpstreamState | None:
        with self._store.database.read() as facts:
            return facts.upstreams.state(channel)

    def _refresh(self, channel: HostedChannel) -> UpstreamState:
        guard = self._store.layout.locks / f"refresh-{channel.id}"
        with self._store.shared(), locked(guard):
            before = self._stored(channel)
            if before is not None and not self._is_old(before):
                return before
            return refresh(self._store, channel, before)


def refresh(store: Store, channel: HostedChannel, before: UpstreamState | None) -> UpstreamState:
    """Ask upstream, and append a revision if it has changed.

    Raises UpstreamFailed where it fails and nothing is known of it yet.
    """
    now = store.now()
    before = before or UpstreamState(checked_at=now)
    probing = before.probed_at is None or now - before.probed_at >= _PROBING
    try:
        with upstream_failures(f"channel {channel.name}"), _bad_indexes(channel):
            files = remote_files(store)
            found = poll(store.blobs, files, channel, before.indexes, probing=probing)
            indexes = {**before.indexes, **{each.subdir: each.index for each in found}}
            state = UpstreamState(
                checked_at=now,
                probed_at=now if probing else before.probed_at,
                indexes={subdir: index for subdir, index in indexes.items() if index},
            )
            changed = [each for each in found if each.shards is not None]
            if changed:
                _change(store, channel, state, changed)
    except UpstreamFailed as error:
        if not before.known:
            raise
        since = before.failing_since or now
        state = replace(before, checked_at=now, failing_since=since, reason=error.message)
    with store.database.note() as facts:
        facts.upstreams.keep(channel, state)
    return state


def _change(
    store: Store, channel: HostedChannel, state: UpstreamState, found: Iterable[Poll]
) -> None:
    """Have what the revision will have to read, and write it."""
    sieve = sieve_of(channel.filter)
    wanted = {
        fact
        for each in found
        for fact in shard_facts(each.subdir, each.shards or {})
        if sieve.share(each.subdir, fact.name) is not Share.NONE
    }
    subdirs = {each.subdir for each in found}
    with store.database.read() as facts:
        head = facts.channels.get(channel.name).head
        opened, closed = _difference(facts, channel, subdirs, wanted)
        touched = {(fact.subdir, fact.name) for fact in opened | closed}
        fetched = {(file.subdir, file.name) for file in facts.holdings.files_of(channel, touched)}
    needed = {
        fact
        for fact in opened
        if asks_for_records(sieve, fact.subdir, fact.name) or (fact.subdir, fact.name) in fetched
    }
    _note_made(store, channel, found)
    _ensure(store, channel, state, needed)
    with revise(
        store,
        channel.name,
        "refresh",
        reason=channel.upstream or "",
        actor=_ACTOR,
        kinds=(ChannelKind.PROXY,),
    ) as draft:
        if draft.channel.head != head:  # one refresh waits for another: this is for who forgets it
            opened, closed = _difference(draft.facts, draft.channel, subdirs, wanted)
        draft.even_empty = draft.channel.head == 0  # r1 tells what the first refresh saw: cooldowns
        draft.close(*closed)
        draft.open(*opened)
        _keep_fetched(store, draft, opened, closed)


def _difference(
    facts: Facts, channel: HostedChannel, subdirs: set[str], wanted: set[Fact]
) -> tuple[set[Fact], set[Fact]]:
    """The facts about upstream's shards that are to be opened, and to be closed."""
    holding = set(facts.holdings.present(channel, FactKind.SHARD, subdirs))
    return wanted - holding, holding - wanted


def _keep_fetched(store: Store, draft: Draft, opened: set[Fact], closed: set[Fact]) -> None:
    """Keep files that were fetched and that upstream has deleted, for as long as it lacks them."""
    offered = {(fact.subdir, fact.name): fact.value for fact in opened}
    touched: _Names = {(fact.subdir, fact.name) for fact in opened | closed}
    holdings = draft.facts.holdings
    holding = set(holdings.about(draft.channel, touched, at=draft.channel.head))
    records: dict[str, set[str]] = {}
    for file in list(holdings.files_of(draft.channel, touched)):
        digest = offered.get((file.subdir, file.name))
        if digest is not None and digest not in records:
            records[digest] = set(decode_shard(store.blobs.get(digest)).records)
        fact = Fact(
            kind=FactKind.FILE,
            subdir=file.subdir,
            name=file.name,
            file_name=file.file_name,
            value=file.sha256,
        )
        lost = digest is None or file.file_name not in records[digest]
        if lost and fact not in holding:
            draft.open(fact)
        elif not lost and fact in holding:
            draft.close(fact)


def _note_made(store: Store, channel: HostedChannel, found: Iterable[Poll]) -> None:
    """Note the shards that were made here, of a whole index."""
    made = {
        digest
        for each in found
        if each.index is not None and each.index.shards_url is None
        for digest in (each.shards or {}).values()
    }
    with store.database.read() as facts:
        new = made - facts.obtained.among(channel, made)
    if new:
        with store.database.note() as facts:
            facts.obtained.add(channel, new)


def _ensure(
    store: Store, channel: HostedChannel, state: UpstreamState, needed: Collection[Fact]
) -> None:
    """Fetch upstream's shards that the proxy has not fetched yet, whoever else has them."""
    files = remote_files(store)
    with store.database.read() as facts:
        there = facts.obtained.among(channel, [bytes.fromhex(fact.value) for fact in needed])

    def fetch(fact: Fact) -> bytes | None:
        digest, base = bytes.fromhex(fact.value), state.indexes[fact.subdir].shards_url
        if base is None or (digest in there and store.blobs.has(fact.value)):
            return None
        store.blobs.put(get_shard(files, f"{base}{fact.value}.msgpack.zst", digest))
        return digest

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        fetched = {digest for digest in pool.map(fetch, needed) if digest}
    if fetched:
        with store.database.note() as facts:
            facts.obtained.add(channel, fetched)


def _proxies(facts: Facts, channel: HostedChannel) -> Iterator[HostedChannel]:
    if channel.kind is ChannelKind.PROXY:
        yield channel
    for member in channel.members:
        yield from _proxies(facts, facts.channels.get(member))


@contextmanager
def _bad_indexes(channel: HostedChannel) -> Iterator[None]:
    """An index that cannot be read is as good as none: what was known before stays."""
    try:
        yield
    except BadRepodata as error:
        raise UpstreamFailed(f"channel {channel.name}", error.message, hint=error.hint) from error
