"""Rewriting encodings in the background, when what they show has changed."""

import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Event, Thread
from typing import Any

from condarium.channels.encodings.discarding import Discarding
from condarium.channels.encodings.interest import Interest, Wanted, by_importance
from condarium.channels.encodings.making import content_of
from condarium.channels.views.catalogue import Catalogue
from condarium.errors import BadInput, CondariumError, NotFound
from condarium.model.hosting.hosted import ChannelKind
from condarium.model.view import View
from condarium.storage.facts import Facts
from condarium.storage.locks import FileLock
from condarium.storage.store import Store

QUIET = 0.5
"""In seconds: a set is rewritten once nothing more has changed for so long,"""
LONGEST = 10.0
"""or once so much time has passed since it changed first."""
_LOOKING = 0.25
"""In seconds: how often the store is asked whether anything happened, which takes microseconds."""
_AGAIN = 30.0
"""In seconds: how often to look at everything though nothing happened: cooldowns end, and what
failed is tried again."""

UNWANTED = timedelta(hours=1)
"""How old a set is when it is dropped that nobody asked for lately."""

_log = logging.getLogger(__name__)


@dataclass(kw_only=True)
class _Stale:
    """A set of files that shows an earlier state: since when, and when that state last changed."""

    content: str
    first: float
    last: float

    def is_due(self, now: float) -> bool:
        return now - self.last >= QUIET or now - self.first >= LONGEST


class Rewriting:
    """A thread that notices what changes, whoever changes it, and has it rewritten.

    What it keeps up is label `main` of the store's own packages, and what is of `interest`: at
    first that which was made last. `make` makes a set of files.
    """

    def __init__(
        self,
        store: Store,
        catalogue: Catalogue,
        interest: Interest,
        *,
        make: Callable[[View, str], None],
        discarding: Discarding,
    ) -> None:
        self._store, self._catalogue, self._interest = store, catalogue, interest
        self._make, self._discarding = make, discarding
        self._began = False
        self._stale: dict[Wanted, _Stale] = {}
        self._seen: Any = None
        self._looked = 0.0
        self._stopping = Event()
        self._thread = Thread(target=self._run, name="encodings", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        self._thread.join()

    @property
    def lag(self) -> float:
        """For how many seconds the first of the sets has been out of date that wait."""
        first = min((each.first for each in list(self._stale.values())), default=None)
        return 0.0 if first is None else time.monotonic() - first

    def _run(self) -> None:
        while not self._stopping.wait(_LOOKING):
            try:
                self.step()
            except Exception:  # noqa: BLE001  # it must outlive a store that fails for a while
                _log.exception("encodings cannot be rewritten now")
                self._stopping.wait(_AGAIN)

    def step(self) -> None:
        """Look for changes, and rewrite what is due."""
        if self._happened():
            self._look()
        for key, stale in list(self._stale.items()):
            if stale.is_due(time.monotonic()) and not self._stopping.is_set():
                self._rewrite(key)
        self._discarding.now()

    def _happened(self) -> bool:
        version: object = self._store.database.version()
        if version is None:
            with self._store.database.read() as facts:
                version = facts.channels.heads()
        seen = version, self._interest.changes
        happened = seen != self._seen or time.monotonic() > self._looked + _AGAIN
        self._seen = seen
        return happened

    def _look(self) -> None:
        self._looked = time.monotonic()
        with self._store.database.read() as facts:
            kept, ours = facts.encodings.of_the_present(), set(_ours(facts))
        if not self._began:
            self._remember(kept)
        wanted = ours | self._interest.all()
        self._drop(kept, wanted)
        self._stale = dict(self._out_of_date(wanted))

    def _remember(self, kept: Iterable[tuple[str, str]]) -> None:
        """Begin with the views that somebody asked for before."""
        for address, subdir in kept:
            with suppress(BadInput):
                self._interest.note((View.parse(address), subdir))
        self._began = True

    def _drop(self, kept: Mapping[tuple[str, str], datetime], wanted: set[Wanted]) -> None:
        """Drop what nobody asked for lately; another server's are young, while it wants them."""
        addresses = {(str(view), subdir) for view, subdir in wanted}
        old = self._store.now() - UNWANTED
        unwanted = [key for key, at in kept.items() if key not in addresses and at < old]
        if unwanted:
            with self._store.database.note() as facts:
                dropped = facts.encodings.drop(unwanted)
            self._discarding.later(dropped)

    def _out_of_date(self, wanted: set[Wanted]) -> Iterator[tuple[Wanted, _Stale]]:
        """The sets that are not what their views show now, the most important first."""
        for view, subdir in by_importance(wanted):
            try:
                stale = self._stale_set(view, subdir)
            except NotFound:
                continue
            except Exception as error:  # noqa: BLE001  # one view must not stop all others
                _log.error("a view cannot be looked at", extra=_said((view, subdir), error))
                continue
            if stale is not None:
                yield (view, subdir), stale

    def _stale_set(self, view: View, subdir: str) -> _Stale | None:
        """A set that is not what its view shows now; None for one that is, or may not be."""
        listing = self._catalogue.open(view)
        if subdir and subdir not in listing.subdirs:
            return None
        content = content_of(listing, subdir)
        with self._store.database.read() as facts:
            kept = facts.encodings.get(listing.channel, str(view), subdir)
        if kept is not None and kept.content == content:
            return None
        now, before = time.monotonic(), self._stale.get((view, subdir))
        same = before is not None and before.content == content
        return _Stale(
            content=content,
            first=before.first if before else now,
            last=before.last if before and same else now,
        )

    def _rewrite(self, key: Wanted) -> None:
        """Have a set rewritten, by one process of all that share the facts at a time."""
        lock = FileLock(self._store.layout.locks / "encodings")
        if not lock.acquire():
            return
        try:
            alone = self._store.database.try_alone("encodings")
            if alone is None:
                return
            with alone:
                if self._stale_set(*key) is not None:  # nobody else has done it meanwhile
                    self._make(*key)
        except Exception as error:  # noqa: BLE001  # one view must not stop all others
            if not self._stopping.is_set():
                _log.error("a view was not encoded", extra=_said(key, error))
        finally:
            lock.release()
        del self._stale[key]


def _said(key: Wanted, error: Exception) -> Mapping[str, str]:
    said = error.message if isinstance(error, CondariumError) else repr(error)
    return {"view": str(key[0]), "subdir": key[1], "error": said}


def _ours(facts: Facts) -> Iterator[Wanted]:
    """Label `main` of our own packages; what is behind a proxy is fetched for whoever asks."""
    for channel in facts.channels.all():
        if channel.kind is ChannelKind.LOCAL:
            for subdir in facts.holdings.subdirs(channel):
                yield View(channel=channel.name), subdir
