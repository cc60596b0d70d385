"""The operations on the ledger: what is left, what moved, and what was used in a month."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Literal

from condarium.model.actor import Actor, Permission
from condarium.model.governance.ledger import Transfer, TransferKind
from condarium.model.governance.resources import ResourceName
from condarium.model.governance.statements import Balance, Statement, StatementFile
from condarium.model.paging import Page
from condarium.operation import Argument, Cursor, PageSize, Where, operation
from condarium.storage.store import Store

if TYPE_CHECKING:
    from condarium.governance.ledger.statements import Asked

_Resource = Annotated[ResourceName | None, Argument("only of this resource", metavar="RESOURCE")]
_Donor = Annotated[
    str | None, Argument("only what this donor gave; '' where there is no budget", metavar="NAME")
]
_Project = Annotated[
    str | None, Argument("only what this project used: github:OWNER/NAME", metavar="PROJECT")
]
_Month = Annotated[
    str | None, Argument("the month, such as 2026-03; by default this one", metavar="MONTH")
]
_Since = Annotated[
    str | None, Argument("from an instant or a day on, or from so long ago: 7d", metavar="WHEN")
]
_Until = Annotated[str | None, Argument("before an instant, a day, or so long ago", metavar="WHEN")]


@operation("ledger balances", permission=Permission.RESOURCE_LEND, where=Where.INSIDE)
def balances(
    store: Store,
    *,
    resource: _Resource = None,
    donor: _Donor = None,
    past: Annotated[bool, Argument("also periods and budgets that are over")] = False,
    actor: Actor,
) -> tuple[Balance, ...]:
    """Show what is left of each budget, what is reserved, and what was used.

    Whoever lends a resource sees those of it, an auditor sees all. What is given for a period is
    drawn on in that period only.
    """
    from condarium.governance.ledger import statements

    return statements.balances(store, _asked(resource, donor, None), past=past, actor=actor)


@operation("ledger entries", permission=Permission.RESOURCE_LEND, where=Where.INSIDE)
def entries(
    store: Store,
    *,
    resource: _Resource = None,
    donor: _Donor = None,
    project: _Project = None,
    kind: Annotated[
        Literal["fund", "reserve", "settle", "refund", "withdraw"] | None,
        Argument("only transfers of this kind"),
    ] = None,
    admission: Annotated[
        int | None, Argument("only those for the admission of this number", metavar="N")
    ] = None,
    since: _Since = None,
    until: _Until = None,
    limit: PageSize = None,
    cursor: Cursor = None,
    actor: Actor,
) -> Page[Transfer]:
    """List the ledger's transfers, the latest first.

    Each moves an amount from one account to another: so all accounts together hold nothing.
    """
    from condarium.governance.ledger import statements

    return statements.entries(
        store,
        _asked(resource, donor, project),
        kind=TransferKind(kind) if kind else None,
        admission=admission,
        since=_instant(store, since),
        until=_instant(store, until),
        limit=limit,
        cursor=cursor,
        actor=actor,
    )


@operation("ledger statement", permission=Permission.SIGNED_IN, where=Where.INSIDE)
def statement(
    store: Store,
    *,
    month: _Month = None,
    resource: _Resource = None,
    donor: _Donor = None,
    project: _Project = None,
    actor: Actor,
) -> Statement:
    """Show what was used in a month, by donor, resource and project.

    Whoever lends a resource sees what was used of it, an auditor sees all, and of a `--project`
    those who asked for what it has see all of its use, and so do the admins of a namespace.
    A job counts in the month in which it ended, in UTC. `condarium ledger export` gives the same
    as CSV or as a chart.
    """
    from condarium.governance.ledger import statements

    asked = _asked(resource, donor, project)
    return statements.statement(store, asked, month=month, actor=actor)


@operation("ledger export", permission=Permission.SIGNED_IN, where=Where.INSIDE, saves="content")
def export(
    store: Store,
    *,
    month: _Month = None,
    resource: _Resource = None,
    donor: _Donor = None,
    project: _Project = None,
    form: Annotated[
        Literal["csv", "chart"], Argument("a table for a spreadsheet, or a chart as SVG")
    ] = "csv",
    actor: Actor,
) -> StatementFile:
    """Write what was used in a month as CSV, or as a chart."""
    from condarium.governance.ledger import statement_files, statements

    asked = _asked(resource, donor, project)
    found = statements.statement(store, asked, month=month, actor=actor)
    write = statement_files.as_csv if form == "csv" else statement_files.as_chart
    return StatementFile(content=write(found), month=found.month, lines=len(found.lines))


def _asked(resource: ResourceName | None, donor: str | None, project: str | None) -> "Asked":
    from condarium.governance.ledger.statements import Asked
    from condarium.model.governance.projects import Project

    found = Project.parse(project) if project is not None else None
    return Asked(resource=resource, donor=donor, project=found)


def _instant(store: Store, text: str | None) -> datetime | None:
    from condarium.model.instants import read_instant

    return read_instant(text, store.now()) if text is not None else None
