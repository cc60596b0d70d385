"""Facts of a channel: what holds in it, from one revision until another.

A channel's log is a sequence of revisions. Each opens facts and closes others; what is shown at a
revision is a function of the facts that hold there, and of nothing else.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import msgspec


class FactKind(StrEnum):
    FILE = "file"
    """A package file is in the channel; `value` is its SHA-256."""
    LABEL = "label"
    """A package file carries the label `value`."""
    YANK = "yank"
    """A package file is hidden from indexes, and still downloadable by its URL."""
    PATCH = "patch"
    """Records are patched by the document with the digest `value`, after those of a lower
    `position`."""
    SHARD = "shard"
    """In a proxy: upstream's shard of the package `name` has the digest `value`."""


@dataclass(frozen=True, kw_only=True, order=True)
class Fact:
    """One thing that holds. What does not apply to its kind is empty."""

    kind: FactKind
    subdir: str = ""
    name: str = ""
    file_name: str = ""
    value: str = ""
    position: int = 0

    @property
    def line(self) -> str:
        return "\t".join(
            (self.kind, self.subdir, self.name, self.file_name, self.value, str(self.position))
        )


@dataclass(frozen=True, kw_only=True)
class Revision:
    """An entry of a channel's log. Revision 0 is the empty channel.

    `changes` is the digest of the facts that it opened and closed; `digest` that of all these
    fields and of the revision before, so that nothing earlier can be altered unnoticed.
    """

    number: int
    at: datetime
    actor: str
    action: str
    reason: str
    opened: int
    closed: int
    changes: str
    previous: str
    digest: str


def changes_digest(opened: Iterable[Fact], closed: Iterable[Fact]) -> str:
    """SHA-256 over a line for each fact, sorted: `+` where it begins to hold, `-` where it ends."""
    lines = sorted([f"+{fact.line}" for fact in opened] + [f"-{fact.line}" for fact in closed])
    digest = hashlib.sha256()
    for line in lines:
        digest.update(f"{line}\n".encode())
    return digest.hexdigest()


def chain(
    channel: str,
    number: int,
    *,
    at: datetime,
    actor: str,
    action: str,
    reason: str,
    changes: str,
    previous: str,
) -> str:
    """The digest of a revision: SHA-256 over these fields as a JSON array."""
    fields = [channel, number, at.isoformat(), actor, action, reason, changes, previous]
    return hashlib.sha256(msgspec.json.encode(fields)).hexdigest()
