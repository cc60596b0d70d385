"""The catalogue: every view that is asked for, opened quickly.

The present state of labels is kept in memory and brought up to a new revision by what changed.
Whether there is one is asked of the database each time, so that a publish, by this process or
another, is seen at once.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from threading import Lock

from condarium.channels.views.cooldown import cool
from condarium.channels.views.derived import Derived
from condarium.channels.views.listing import Listing, Maps
from condarium.channels.views.proxy_cooldown import cool_proxy
from condarium.channels.views.shelf import Shelf
from condarium.channels.views.union import join
from condarium.errors import NotFound
from condarium.model.hosting.hosted import ChannelKind, HostedChannel, UnionMode
from condarium.model.view import View, say_as_of
from condarium.storage.facts import Facts
from condarium.storage.hosting.channels import NoSuchRevision
from condarium.storage.store import Store

SETTLED = timedelta(minutes=1)
"""How old an instant must be before nothing that is still being written can be older."""
_NONE = timedelta()
_HEADS = 256
"""Of how many labels the present state is kept."""
_KEPT = 64
"""How many views may be known to be current, before they are opened anew."""


class NotYet(NotFound):
    """An instant that is asked for is still to come."""

    def __init__(self, instant: datetime, now: datetime) -> None:
        self.instant, self.now = instant, now
        super().__init__(
            f"{say_as_of(instant)} is still to come: it is {say_as_of(now)} now",
            hint="Ask for an instant that has been, or leave it out for the present.",
        )


class NoRevisionsOfUnion(NotFound):
    """A union has no revisions of its own."""

    def __init__(self, view: View) -> None:
        self.view = view
        super().__init__(
            f"{view}: channel {view.channel} is a union, which has no revisions of its own",
            hint="Ask for it as of an instant: /as-of/2026-03-01T09:00:00Z.",
        )


class Catalogue:
    """Opens views of one store; may be used by several threads at once.

    A view that takes long to open holds up only those who ask for the same one.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = Lock()
        self._version: int | None = None
        self._current: dict[View, tuple[Listing, datetime | None]] = {}
        self._opening: dict[View, Lock] = {}
        self._shelf = Shelf()
        self._derived = Derived(store)
        self._heads: dict[tuple[int, str], tuple[int, Maps]] = {}

    def open(self, view: View) -> Listing:
        """Open a view as it is now. Raises NoSuchChannel, NoSuchRevision, NotYet."""
        if known := self._known(view):
            return known
        with self._lock:
            opening = self._opening.setdefault(view, Lock())
        with opening:
            try:
                return self._known(view) or self._open_anew(view)
            finally:
                with self._lock:
                    self._opening.pop(view, None)

    def _known(self, view: View) -> Listing | None:
        """The view as it was opened before, if nothing was committed since."""
        version = self._store.database.version()
        with self._lock:
            if version is None or version != self._version or len(self._current) > _KEPT:
                self._current.clear()
                self._version = version
            listing, until = self._current.get(view, (None, None))
        return listing if until is None or self._store.now() < until else None

    def _open_anew(self, view: View) -> Listing:
        version = self._store.database.version()
        with self._store.database.read() as facts:
            listing, until = self._open(facts, view)
        with self._lock:
            if version is not None and version == self._version:
                self._current[view] = listing, until
        return listing

    def _open(self, facts: Facts, view: View) -> tuple[Listing, datetime | None]:
        """The view, and when it will be another one though nothing is published."""
        channel = facts.channels.get(view.channel)
        if channel.kind is ChannelKind.UNION:
            return self._open_union(facts, channel, view)
        number, past = self._resolve(facts, channel, view)
        plain = self._plain(facts, channel, view, number, past=past)
        cooldown = max(view.cooldown or _NONE, channel.filter.cooldown or _NONE)
        if not cooldown:
            return plain, None
        instant = self._instant(facts, channel, view)
        if channel.kind is ChannelKind.PROXY:
            return self._cool_proxy(facts, plain, view, cooldown, instant)
        return cool(
            self._store,
            facts,
            plain,
            cooldown,
            instant=instant,
            take=self._shelf.take,
            derived=self._derived,
        )

    def _cool_proxy(
        self,
        facts: Facts,
        plain: Listing,
        view: View,
        cooldown: timedelta,
        instant: datetime | None,
    ) -> tuple[Listing, datetime]:
        def listing(state: str, maps: Callable[[], Maps]) -> Listing:
            return self._shelf.take(
                plain.channel,
                view,
                state,
                lambda: replace(plain, view=view, state=state, maps=maps()),
            )

        return cool_proxy(
            self._store, facts, plain, cooldown, instant=instant, make_listing=listing
        )

    def _open_union(
        self, facts: Facts, channel: HostedChannel, view: View
    ) -> tuple[Listing, datetime | None]:
        if isinstance(view.as_of, int):
            raise NoRevisionsOfUnion(view)
        opened = [
            self._open(facts, View(**{**vars(view), "channel": member}))
            for member in channel.members
        ]
        parts = tuple(listing for listing, _ in opened)
        changing = [until for _, until in opened if until is not None]
        if channel.mode is UnionMode.MERGE:
            changing.append(self._store.now() + timedelta(days=1))
        state = f"{[part.state for part in parts]} joined on {self._store.now():%F}"
        joined = self._shelf.take(
            channel,
            view,
            state,
            lambda: join(self._store, channel, view, parts, state=state, derived=self._derived),
        )
        return joined, min(changing, default=None)

    def _resolve(self, facts: Facts, channel: HostedChannel, view: View) -> tuple[int, bool]:
        """The revision's number, and whether the view will be the same for ever."""
        match view.as_of:
            case None:
                return channel.head, False
            case int(number):
                if number > channel.head:
                    raise NoSuchRevision(channel.name, f"revision r{number}", channel.head)
                return number, True
            case instant:
                now = self._store.now()
                if instant > now:
                    raise NotYet(instant, now)
                return facts.channels.number_at(channel, instant), instant < now - SETTLED

    def _instant(self, facts: Facts, channel: HostedChannel, view: View) -> datetime | None:
        """The instant from which a cooldown counts back; None for the present."""
        if isinstance(view.as_of, int):
            return facts.channels.revision(channel, view.as_of).at if view.as_of else None
        return view.as_of

    def _plain(
        self, facts: Facts, channel: HostedChannel, view: View, number: int, *, past: bool
    ) -> Listing:
        """The view without its cooldown."""
        view = View(channel=view.channel, label=view.label, as_of=view.as_of)
        state = f"r{number} {past}"
        return self._shelf.take(
            channel,
            view,
            state,
            lambda: Listing(
                view=view,
                channel=channel,
                revision=f"r{number}",
                number=number,
                state=state,
                past=past,
                maps=self._maps(facts, channel, view.label, number),
            ),
        )

    def _maps(self, facts: Facts, channel: HostedChannel, label: str, number: int) -> Maps:
        if number != channel.head:
            return facts.shards.at(channel, label, at=number)
        known, maps = self._heads.get((channel.id, label), (0, {}))
        if known == 0 or known > number:
            maps = facts.shards.at(channel, label, at=number)
        elif known < number:
            maps = _changed(maps, facts, channel, label, after=known, at=number)
        self._keep_head((channel.id, label), number, maps)
        return maps

    def _keep_head(self, key: tuple[int, str], number: int, maps: Maps) -> None:
        """Keep the maps of a label as it is now; of two threads, either may be the last."""
        with self._lock:
            self._heads.pop(key, None)
            self._heads[key] = number, maps
            while len(self._heads) > _HEADS:
                del self._heads[next(iter(self._heads))]


def _changed(
    maps: Maps, facts: Facts, channel: HostedChannel, label: str, *, after: int, at: int
) -> Maps:
    """The maps of a later revision; those of subdirs that did not change are the same."""
    changed: dict[str, dict[str, bytes]] = {}
    for subdir, name, digest in facts.shards.changes(channel, label, after=after, at=at):
        if subdir not in changed:
            changed[subdir] = dict(maps.get(subdir, {}))
        if digest is None:
            changed[subdir].pop(name, None)
        else:
            changed[subdir][name] = digest
    return {subdir: names for subdir, names in {**maps, **changed}.items() if names}
