"""The audit chain: each entry's digest covers the entry and the digest of the one before."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum

GENESIS = "0" * 64
"""What stands before the first entry."""


class Outcome(StrEnum):
    DONE = "done"
    REFUSED = "refused"


@dataclass(frozen=True, kw_only=True)
class AuditEntry:
    """Who did what, or was refused it, when, from where and with which token.

    `actor` is the name by which a principal went at that time, `principal` its id; None for the
    store's owner and for nobody in particular. `digest` is `chain` of the rest.
    """

    number: int
    at: datetime
    actor: str
    principal: str | None = None
    token: str | None = None
    address: str | None = None
    job: int | None = None
    action: str
    target: str
    outcome: Outcome = Outcome.DONE
    detail: Mapping[str, str] = field(default_factory=dict)
    digest: str = ""


def chain(previous: str, entry: AuditEntry) -> str:
    """The SHA-256 of the digest before and of an entry's canonical JSON (formats.md, version 1)."""
    said = {
        "number": entry.number,
        "at": entry.at.astimezone(UTC).isoformat(timespec="microseconds"),
        "actor": entry.actor,
        "principal": entry.principal,
        "token": entry.token,
        "address": entry.address,
        "job": entry.job,
        "action": entry.action,
        "target": entry.target,
        "outcome": str(entry.outcome),
        "detail": dict(entry.detail),
    }
    text = json.dumps(said, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(f"{previous}\n{text}".encode()).hexdigest()


@dataclass(frozen=True, kw_only=True)
class AuditFilter:
    """Which entries are wanted: all that is given must hold.

    `actor` is a name as it was then, `principal` and `token` are ids. `action` is an operation, or
    the first words of several; `target` a thing, or a namespace for all that is in it.
    """

    actor: str | None = None
    principal: str | None = None
    action: str | None = None
    target: str | None = None
    outcome: Outcome | None = None
    token: str | None = None
    address: str | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class AuditBreak:
    """The first place at which the chain does not follow."""

    entry: int
    found: str
    expected: str


@dataclass(frozen=True, kw_only=True)
class AuditVerified:
    """The chain, walked: `entries` were checked, up to the first break if there is one.

    `head` is the digest of the last one that follows: noted elsewhere, it shows later that nothing
    before it was changed.
    """

    entries: int
    head: str
    broken: AuditBreak | None = None

    @property
    def ok(self) -> bool:
        return self.broken is None


@dataclass(frozen=True, kw_only=True)
class AuditExport:
    """Entries as JSON lines, the oldest first, each with its digest."""

    content: str
    entries: int


def walk(
    entries: Iterable[AuditEntry], head: tuple[int, str], noted: str | None = None
) -> AuditVerified:
    """Follow the chain from its beginning to the `head` that is written beside it.

    `noted` is a head of before, which has to be among the digests.
    """
    count, digest, seen = 0, GENESIS, noted in (None, GENESIS)
    for entry in entries:
        expected = chain(digest, entry)
        if entry.number != count + 1:
            return _broken(count, digest, f"entry {entry.number}", f"entry {count + 1}")
        if entry.digest != expected:
            return _broken(count, digest, f"the digest {entry.digest}", expected)
        count, digest, seen = entry.number, entry.digest, seen or entry.digest == noted
    if head != (count, digest):
        last = f"entry {head[0]} with the digest {head[1]}, as its head says"
        return _broken(count, digest, "nothing" if head[0] > count else f"entry {count}", last)
    if not seen:
        return _broken(count, digest, "the end", f"the digest {noted}, which was noted before")
    return AuditVerified(entries=count, head=digest)


def _broken(count: int, digest: str, found: str, expected: str) -> AuditVerified:
    broken = AuditBreak(entry=count + 1, found=found, expected=expected)
    return AuditVerified(entries=count, head=digest, broken=broken)
