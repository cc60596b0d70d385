"""Refusals, noted in the audit log: each, but for those that anybody can make many of."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from threading import Lock

from condarium.errors import StoreReadOnly
from condarium.model.access.decisions import Thing
from condarium.model.actor import Actor
from condarium.model.audit import Outcome
from condarium.storage.store import Store

_AGAIN = timedelta(minutes=1)
_MOST = 10_000
"""How many are remembered: whoever comes from ever more addresses makes us forget, not grow."""

_Key = tuple[str, str | None, str | None, str]


class _Latest:
    """When somebody was last refused, by store, principal, address and operation."""

    def __init__(self) -> None:
        self._at: dict[_Key, datetime] = {}
        self._lock = Lock()

    def knows(self, key: _Key, now: datetime) -> bool:
        before = self._at.get(key)
        return before is not None and now - before < _AGAIN

    def is_new(self, key: _Key, now: datetime) -> bool:
        with self._lock:
            if self.knows(key, now):
                return False
            if len(self._at) >= _MOST:
                self._at.clear()
            self._at[key] = now
            return True


_latest = _Latest()


def is_noted(store: Store, actor: Actor, action: str) -> bool:
    """Whether a refusal of a stranger was noted just now, so that nothing is to be done."""
    return _latest.knows(_key(store, actor, action), store.now())


def note_refusal(
    store: Store,
    actor: Actor,
    action: str,
    thing: Thing,
    reasons: Sequence[str],
    *,
    often: bool = False,
) -> None:
    """Append an entry to the audit log.

    Of strangers it is one a minute for each operation, whatever they name: they could else fill
    the disk. So it is of everybody for what programs ask `often`. A store that may only be read
    refuses as well, and can note nothing.
    """
    now, target = store.now(), thing.name or str(thing)
    once = often or not actor.who.is_somebody
    if once and not _latest.is_new(_key(store, actor, action), now):
        return
    with suppress(StoreReadOnly), store.database.note() as facts:
        facts.audit.add(
            at=now,
            actor=actor,
            action=action,
            target=target,
            detail={"kind": str(thing.kind), "reasons": "; ".join(reasons)},
            outcome=Outcome.REFUSED,
        )


def _key(store: Store, actor: Actor, action: str) -> _Key:
    return str(store.layout.root), actor.who.id, actor.address, action
