"""The operations on the audit chain: who did what, or was refused it."""

from datetime import datetime
from typing import Annotated, Literal

from condarium.model.actor import Permission
from condarium.model.audit import AuditEntry, AuditExport, AuditFilter, AuditVerified, Outcome
from condarium.model.paging import Page
from condarium.model.progress import Progress
from condarium.operation import Argument, Cursor, PageSize, operation
from condarium.storage.store import Store

By = Annotated[str | None, Argument("what this name did, as it was then", metavar="NAME")]
Principal = Annotated[
    str | None, Argument("what this principal did, by its id, under any name", metavar="ID")
]
Action = Annotated[
    str | None,
    Argument("an operation, or the first words of some: `channel`", metavar="WORDS"),
]
Target = Annotated[
    str | None,
    Argument("what was done to a thing, or to all in a namespace", metavar="THING"),
]
Token = Annotated[str | None, Argument("what was done with this token", metavar="ID")]
From = Annotated[str | None, Argument("what came from this address", metavar="ADDRESS")]
WhichOutcome = Annotated[
    Literal["done", "refused"] | None, Argument("only what was done, or was refused")
]
Since = Annotated[
    str | None, Argument("from an instant or a day on, or from so long ago: 7d", metavar="WHEN")
]
Until = Annotated[str | None, Argument("before an instant, a day, or so long ago", metavar="WHEN")]


@operation("audit search", permission=Permission.AUDIT_READ)
def search(
    store: Store,
    *,
    actor_name: By = None,
    principal: Principal = None,
    action: Action = None,
    target: Target = None,
    outcome: WhichOutcome = None,
    token: Token = None,
    address: From = None,
    since: Since = None,
    until: Until = None,
    limit: PageSize = None,
    cursor: Cursor = None,
) -> Page[AuditEntry]:
    """Search the audit log, the latest entries first.

    Every change has an entry, and so has every refusal: who, when, from where, with which token.
    """
    from condarium.access import audit

    wanted = AuditFilter(
        actor=actor_name,
        principal=principal,
        action=action,
        target=target,
        outcome=Outcome(outcome) if outcome else None,
        token=token,
        address=address,
        since=_instant(store, since),
        until=_instant(store, until),
    )
    return audit.search(store, wanted, limit=limit, cursor=cursor)


@operation("audit verify", permission=Permission.AUDIT_READ)
def verify(
    store: Store,
    *,
    from_: Annotated[
        str | None,
        Argument("the digest that an earlier verify ended at: it has to be there", metavar="HEAD"),
    ] = None,
    progress: Progress,
) -> AuditVerified:
    """Follow the chain of all entries, and name the first that does not follow.

    An entry that was changed, removed, inserted or moved breaks it. Whoever can write to the
    database could make the whole chain anew: to find that out, note the head elsewhere, and give
    it with --from the next time. Raises BadDigest.
    """
    from condarium.access import audit

    return audit.verify(store, from_, progress=progress)


@operation("audit export", permission=Permission.AUDIT_READ, saves="content")
def export(
    store: Store,
    *,
    since: Since = None,
    until: Until = None,
) -> AuditExport:
    """Write entries as JSON lines, the oldest first, each with its digest.

    Of a store's first entry up to any other, a reader can compute all digests again.
    """
    from condarium.access import audit

    wanted = AuditFilter(since=_instant(store, since), until=_instant(store, until))
    return audit.export(store, wanted)


def _instant(store: Store, text: str | None) -> datetime | None:
    from condarium.model.instants import read_instant

    return read_instant(text, store.now()) if text is not None else None
