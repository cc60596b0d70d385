"""The audit chain: each entry's digest covers the entry and the digest of the one before."""

import hashlib
import json
from collections.abc import Mapping
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
