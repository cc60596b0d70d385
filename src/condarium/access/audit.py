"""The audit chain: searched, followed, and written out."""

import json
from collections.abc import Iterator
from itertools import islice

from condarium.errors import BadInput
from condarium.model.audit import (
    AuditEntry,
    AuditExport,
    AuditFilter,
    AuditVerified,
    walk,
)
from condarium.model.paging import Page, decode_cursor, page_of, read_limit
from condarium.model.plain import to_plain
from condarium.model.progress import Progress
from condarium.storage.store import Store


class BadDigest(BadInput):
    """A text is no digest of the audit chain."""

    def __init__(self, found: str) -> None:
        self.found = found
        super().__init__(
            f"found {found[:80]!r}; expected 64 hexadecimal digits",
            hint="`condarium audit verify` prints the digest of the last entry: note that.",
        )


def search(
    store: Store, wanted: AuditFilter, *, limit: int | None, cursor: str | None
) -> Page[AuditEntry]:
    """The latest entries first. Raises BadLimit, BadCursor."""
    size = read_limit(limit)
    before = int(decode_cursor(cursor, int)[0]) if cursor is not None else None
    with store.database.read() as facts:
        found = facts.audit.search(wanted, before=before, limit=size and size + 1)
    return page_of(found, size, [(entry.number,) for entry in found])


def verify(store: Store, noted: str | None, *, progress: Progress) -> AuditVerified:
    """Walk the whole chain, as of one instant. Raises BadDigest."""
    if noted is not None and (len(noted) != 64 or set(noted) - set("0123456789abcdef")):
        raise BadDigest(noted)
    with store.database.read() as facts:
        head = facts.audit.head()
        progress.phase("follow the chain", head[0], "entries")
        return walk(_counted(facts.audit.all(), progress), head, noted)


def export(store: Store, wanted: AuditFilter) -> AuditExport:
    """The entries as JSON lines."""
    with store.database.read() as facts:
        lines = [json.dumps(to_plain(entry)) for entry in facts.audit.all(wanted)]
    return AuditExport(content="".join(f"{line}\n" for line in lines), entries=len(lines))


def _counted(entries: Iterator[AuditEntry], progress: Progress) -> Iterator[AuditEntry]:
    while piece := list(islice(entries, 1000)):
        yield from piece
        progress.advance(len(piece))
