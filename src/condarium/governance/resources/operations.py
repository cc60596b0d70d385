"""The operations on what is lent: resources and their budgets.

Work is imported where an operation runs, so that help is shown without a database.
"""

from datetime import timedelta
from typing import Annotated, Literal

from condarium.model.actor import Actor, Permission
from condarium.model.governance.report import (
    BudgetChanged,
    ResourceChanged,
    ResourceDetail,
)
from condarium.model.governance.resources import Resource, ResourceName
from condarium.model.paging import Page
from condarium.operation import Argument, Cursor, PageSize, Where, operation
from condarium.storage.store import Store

LentResource = Annotated[ResourceName, Argument("the resource", metavar="RESOURCE")]
Why = Annotated[str, Argument("why, for the audit log", "-m", metavar="TEXT")]

_Provider = Annotated[
    str | None, Argument("whose machines they are, to list or revoke by", metavar="NAME")
]
_Description = Annotated[str | None, Argument("what it is for, in a line", metavar="TEXT")]
_Platform = Annotated[str | None, Argument("conda's platform of the machines", metavar="SUBDIR")]
_Label = Annotated[
    str | None, Argument("what jobs ask for it by; by default its name", metavar="LABEL")
]
_Labels = Annotated[
    tuple[str, ...],
    Argument("what its machines are labelled besides; may be given again", metavar="LABEL"),
]
_Capacity = Annotated[str | None, Argument("how many jobs run at a time, or `none`", metavar="N")]
_MostPerProject = Annotated[
    str | None, Argument("how many of one project at a time, or `none`", metavar="N")
]
_LongestJob = Annotated[
    timedelta | None, Argument("how long a job may take; by default 6h", metavar="TIME")
]
_Factor = Annotated[
    str | None, Argument("how many credits an hour costs; by default 1", metavar="N")
]
_Terms = Annotated[
    str | None, Argument("the terms that whoever uses it has to accept", metavar="TERMS")
]
_Rule = Annotated[
    tuple[str, ...],
    Argument(
        "how many approvals a request needs, and whose: '1 lender' (so by default) or "
        "'2 group:NAME'; may be given again, and each is by a different person",
        metavar="RULE",
    ),
]
_UniqueLabel = Annotated[
    bool, Argument("a job needs a label of its own run, so that no other one takes its runner")
]
_UnusedAfter = Annotated[
    timedelta | None, Argument("when an unused grant is flagged; by default 180d", metavar="TIME")
]
_Contact = Annotated[str | None, Argument("how to reach those who lend it", metavar="TEXT")]
_PrivateNotes = Annotated[str | None, Argument("notes that only its lenders see", metavar="TEXT")]


@operation(
    "resource create",
    permission=Permission.RESOURCE_CREATE,
    changes=True,
    makes_store=True,
    where=Where.INSIDE,
)
def resource_create(
    store: Store,
    name: Annotated[ResourceName, Argument("its name", metavar="RESOURCE")],
    *,
    kind: Annotated[
        Literal["queue", "runner", "service"],
        Argument(
            "queue: our own workers with that queue; runner: machines that ask for admitted jobs; "
            "service: elsewhere, and only listed here",
            metavar="KIND",
        ),
    ] = "queue",
    provider: _Provider = None,
    description: _Description = None,
    platform: _Platform = None,
    label: _Label = None,
    machine_label: _Labels = (),
    capacity: _Capacity = None,
    most_per_project: _MostPerProject = None,
    longest_job: _LongestJob = None,
    factor: _Factor = None,
    terms: _Terms = None,
    rule: _Rule = (),
    unique_label: _UniqueLabel = False,
    unused_after: _UnusedAfter = None,
    private: Annotated[
        bool, Argument("let only those see it who have a role on it; by default everybody does")
    ] = False,
    contact: _Contact = None,
    private_notes: _PrivateNotes = None,
    actor: Actor,
) -> ResourceChanged:
    """Describe machines, or a service, that are lent to those projects that are granted them.

    Whoever makes it becomes its lender.

    Raises BadName, BadSetting, BadRule, UnknownPlatform,
    ResourceExists, LooksLikeAnother, NoSuchTerms, NoSuchGroup.
    """
    from condarium.governance.resources import resources
    from condarium.model.governance.described import Described
    from condarium.model.governance.resources import ResourceKind

    described = Described(
        provider=provider,
        description=description,
        platform=platform,
        label=label,
        labels=machine_label,
        capacity=capacity,
        most_per_project=most_per_project,
        longest_job=longest_job,
        factor=factor,
        terms=terms,
        rule=rule,
        unique_label=unique_label,
        unused_after=unused_after,
        public=not private,
        contact=contact,
        private=private_notes,
    )
    return resources.create(store, name.name, ResourceKind(kind), described, actor=actor)


@operation("resource change", permission=Permission.RESOURCE_LEND, changes=True)
def resource_change(
    store: Store,
    name: LentResource,
    *,
    provider: _Provider = None,
    description: _Description = None,
    platform: _Platform = None,
    label: _Label = None,
    machine_label: _Labels = (),
    capacity: _Capacity = None,
    most_per_project: _MostPerProject = None,
    longest_job: _LongestJob = None,
    factor: _Factor = None,
    terms: _Terms = None,
    rule: _Rule = (),
    unique_label: _UniqueLabel = False,
    any_label: Annotated[bool, Argument("a job needs no label of its own run")] = False,
    unused_after: _UnusedAfter = None,
    public: Annotated[bool, Argument("let everybody see it")] = False,
    private: Annotated[bool, Argument("let only those see it who have a role on it")] = False,
    contact: _Contact = None,
    private_notes: _PrivateNotes = None,
    reason: Why = "",
    actor: Actor,
) -> ResourceChanged:
    """Change what is given, and nothing else; `none` empties a text, a list or a limit.

    What was decided already stays so: of jobs that wait, and of requests that were approved. For
    administrators are another label, and another rule than one that wants more than a lender;
    terms are taken by who may publish them.
    """
    from condarium.errors import BadArguments
    from condarium.governance.resources import resources
    from condarium.model.governance.described import Described

    if unique_label and any_label:
        raise BadArguments("--unique-label and --any-label contradict each other")
    if public and private:
        raise BadArguments("a resource is public or private, not both")
    described = Described(
        provider=provider,
        description=description,
        platform=platform,
        label=label,
        labels=machine_label,
        capacity=capacity,
        most_per_project=most_per_project,
        longest_job=longest_job,
        factor=factor,
        terms=terms,
        rule=rule,
        unique_label=unique_label if unique_label or any_label else None,
        unused_after=unused_after,
        public=public if public or private else None,
        contact=contact,
        private=private_notes,
    )
    return resources.change(store, name.name, described, reason=reason, actor=actor)


@operation("resource retire", permission=Permission.RESOURCE_LEND, changes=True)
def resource_retire(
    store: Store,
    name: LentResource,
    *,
    reason: Why = "",
    undo: Annotated[bool, Argument("lend it again")] = False,
    actor: Actor,
) -> ResourceChanged:
    """Lend a resource no more: no job is admitted to it; grants of it stay where they are."""
    from condarium.governance.resources import resources

    return resources.retire(store, name.name, reason=reason, undo=undo, actor=actor)


@operation("resource list", permission=Permission.RESOURCE_READ, where=Where.INSIDE)
def resource_list(
    store: Store,
    *,
    provider: Annotated[str | None, Argument("only those of this provider", metavar="NAME")] = None,
    retired: Annotated[bool, Argument("also those that are lent no more")] = False,
    limit: PageSize = None,
    cursor: Cursor = None,
    actor: Actor,
) -> Page[Resource]:
    """List what is lent, by name: what is public, and what one has a role on."""
    from condarium.governance.resources import resources

    return resources.list_(
        store, provider=provider, retired=retired, limit=limit, cursor=cursor, actor=actor
    )


@operation("resource show", permission=Permission.RESOURCE_READ)
def resource_show(store: Store, name: LentResource, *, actor: Actor) -> ResourceDetail:
    """Show a resource: what it is, who approves, on which terms, and what is left of its budgets.

    Notes that are private are shown to its lenders.
    """
    from condarium.governance.resources import resources

    return resources.show(store, name.name, actor=actor)


@operation("resource add-budget", permission=Permission.RESOURCE_LEND, changes=True)
def resource_add_budget(
    store: Store,
    name: LentResource,
    *,
    donor: Annotated[str, Argument("who gives it", positional=False, metavar="NAME")],
    amount: Annotated[
        str, Argument("how many credits, in each period", positional=False, metavar="N")
    ],
    period: Annotated[
        Literal["month", "quarter", "year", "once"],
        Argument("in each calendar month (UTC), quarter or year, or once for all"),
    ] = "month",
    from_: Annotated[
        str | None, Argument("from when on, such as 2026-03-01; by default now", metavar="WHEN")
    ] = None,
    until: Annotated[
        str | None, Argument("until when; by default without an end", metavar="WHEN")
    ] = None,
    actor: Actor,
) -> BudgetChanged:
    """Note what a donor gives for a resource; one without any budget has no limit.

    What is not used in a period lapses.

    Raises BadName, BadAmount, BadInstant, BadBudget.
    """
    from condarium.governance.resources import budgets
    from condarium.model.governance.amounts import Period
    from condarium.model.instants import read_instant

    now = store.now()
    return budgets.add(
        store,
        name.name,
        donor=donor,
        amount=amount,
        period=Period(period),
        starts_at=read_instant(from_, now) if from_ else now,
        ends_at=read_instant(until, now) if until else None,
        actor=actor,
    )


@operation("resource end-budget", permission=Permission.RESOURCE_LEND, changes=True)
def resource_end_budget(
    store: Store,
    name: LentResource,
    number: Annotated[int, Argument("its number, as `resource show` says it", metavar="NUMBER")],
    *,
    reason: Why = "",
    actor: Actor,
) -> BudgetChanged:
    """End a budget now: what is left goes back to its donor; what jobs have reserved stays theirs.

    Raises NoSuchBudget.
    """
    from condarium.governance.resources import budgets

    return budgets.end(store, name.name, number, reason=reason, actor=actor)
