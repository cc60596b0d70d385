"""Audit entries: appended in the unit of work that they speak of, and chained."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, func, or_, select

from condarium.model.actor import Actor
from condarium.model.audit import GENESIS, AuditEntry, AuditFilter, Outcome, chain
from condarium.storage.tables import audit, audit_head


class Audit:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(
        self,
        *,
        at: datetime,
        actor: Actor,
        action: str,
        target: str,
        detail: Mapping[str, str],
        outcome: Outcome = Outcome.DONE,
    ) -> None:
        """Append an entry; until the commit nobody else does, so add it last of all."""
        self.append([audit_entry(at, actor, action, target, detail, outcome)])

    def append(self, entries: Iterable[AuditEntry]) -> None:
        """Append entries in this order, whatever numbers they say: the same as `add` of each."""
        last, digest = self.head(lock=True)
        rows = []
        for number, each in enumerate(entries, last + 1):
            entry = replace(each, number=number)
            digest = chain(digest, entry)
            values = {**vars(entry), "id": number, "digest": digest}
            del values["number"]
            rows.append(values)
        if rows:
            self._connection.execute(_APPEND, rows)
            self._connection.execute(_MOVE_HEAD, {"entry": last + len(rows), "digest": digest})

    def head(self, *, lock: bool = False) -> tuple[int, str]:
        """The last entry's number and digest."""
        row = self._connection.execute(_LOCK_HEAD if lock else _HEAD).first()
        return (row.entry, row.digest) if row else (0, GENESIS)

    def last(self, action: str, target: str) -> datetime | None:
        """When something was last done to a thing; None where it never was."""
        chosen = select(func.max(audit.c.at)).where(
            audit.c.action == action, audit.c.target == target, audit.c.outcome == Outcome.DONE
        )
        found: datetime | None = self._connection.scalar(chosen)
        return found

    def all(self, wanted: AuditFilter | None = None) -> Iterator[AuditEntry]:
        """Every entry, the oldest first, read as they are asked for."""
        chosen = select(audit).where(*_where(wanted or AuditFilter())).order_by(audit.c.id)
        for row in self._connection.execution_options(yield_per=_PIECE).execute(chosen):
            yield _entry(row)

    def search(
        self, wanted: AuditFilter, *, before: int | None, limit: int | None
    ) -> list[AuditEntry]:
        """The latest first; `before` is the number of an entry that was given already."""
        chosen = select(audit).where(*_where(wanted)).order_by(audit.c.id.desc()).limit(limit)
        if before is not None:
            chosen = chosen.where(audit.c.id < before)
        return [_entry(row) for row in self._connection.execute(chosen)]


def audit_entry(
    at: datetime,
    actor: Actor,
    action: str,
    target: str,
    detail: Mapping[str, str],
    outcome: Outcome = Outcome.DONE,
) -> AuditEntry:
    """An entry that has no number yet."""
    return AuditEntry(
        number=0,
        at=at,
        actor=actor.name,
        principal=actor.who.id,
        token=actor.token,
        address=actor.address,
        job=actor.job.job if actor.job else None,
        action=action,
        target=target,
        outcome=outcome,
        detail=dict(detail),
    )


_PIECE = 1000
_HEAD = select(audit_head.c.entry, audit_head.c.digest)
_LOCK_HEAD = _HEAD.with_for_update()
_APPEND, _MOVE_HEAD = audit.insert(), audit_head.update()


def _where(wanted: AuditFilter) -> Iterator[ColumnElement[bool]]:
    for name in ("actor", "principal", "outcome", "token", "address"):
        if (value := getattr(wanted, name)) is not None:
            yield audit.c[name] == value
    if wanted.action is not None:
        yield _is_or_begins(audit.c.action, wanted.action, " ")
    if wanted.target is not None:
        yield _is_or_begins(audit.c.target, wanted.target, "/")
    if wanted.since is not None:
        yield audit.c.at >= wanted.since
    if wanted.until is not None:
        yield audit.c.at < wanted.until


def _is_or_begins(column: ColumnElement[str], text: str, then: str) -> ColumnElement[bool]:
    """The text itself, or what goes on with `then`: no character of it stands for others."""
    return or_(column == text, column.startswith(text + then, autoescape=True))


def _entry(row: Any) -> AuditEntry:
    fields = dict(row._mapping)
    return AuditEntry(number=fields.pop("id"), **{**fields, "outcome": Outcome(row.outcome)})
