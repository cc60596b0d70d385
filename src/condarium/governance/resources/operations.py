"""The operations on what is lent: resources, their budgets and terms, and who people are elsewhere.

Work is imported where an operation runs, so that help is shown without a database.
"""

from datetime import timedelta
from typing import Annotated, Literal

from condarium.model.actor import Actor, Permission
from condarium.model.document import Document
from condarium.model.governance.report import (
    BudgetChanged,
    IdentityChanged,
    ResourceChanged,
    ResourceDetail,
    TermsAccepted,
    TermsDetail,
    TermsListed,
    TermsPublished,
)
from condarium.model.governance.resources import Acceptance, Resource, ResourceName
from condarium.model.paging import Page
from condarium.operation import Argument, Cursor, PageSize, Where, operation
from condarium.storage.store import Store

LentResource = Annotated[ResourceName, Argument("the resource", metavar="RESOURCE")]
Why = Annotated[str, Argument("why, for the audit log", "-m", metavar="TEXT")]
TermsName = Annotated[str, Argument("the name of the terms", metavar="TERMS")]
Version = Annotated[int | None, Argument("this version; by default the newest", metavar="N")]
Elsewhere = Annotated[
    str, Argument("who that is elsewhere: github:LOGIN#ID, such as github:ada#123", metavar="WHO")
]

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


@operation("terms publish", permission=Permission.RESOURCE_LEND, changes=True, where=Where.INSIDE)
def terms_publish(
    store: Store,
    name: TermsName,
    document: Annotated[
        Document, Argument("the text, such as Markdown", "-f", positional=False, metavar="FILE")
    ],
    *,
    reason: Why = "",
    actor: Actor,
) -> TermsPublished:
    """Publish the next version of terms, which has to be accepted anew before jobs are admitted.

    The same text again changes nothing. Administrators may, and those who lend all that is lent on
    these terms. Everybody can read terms.

    Raises BadName, BadTerms.
    """
    from condarium.governance.resources import terms

    return terms.publish(store, name, document, reason=reason, actor=actor)


@operation("terms list", permission=Permission.RESOURCE_READ, where=Where.INSIDE)
def terms_list(store: Store, *, limit: PageSize = None, cursor: Cursor = None) -> Page[TermsListed]:
    """List terms by name, with the version that holds and how many people accepted it."""
    from condarium.governance.resources import terms

    return terms.list_(store, limit=limit, cursor=cursor)


@operation("terms show", permission=Permission.RESOURCE_READ, where=Where.INSIDE)
def terms_show(
    store: Store, name: TermsName, *, version: Version = None, actor: Actor
) -> TermsDetail:
    """Show the text of terms, what is lent on them, and how many people accepted which version."""
    from condarium.governance.resources import terms

    return terms.show(store, name, version, actor=actor)


@operation("terms accept", permission=Permission.SIGNED_IN, changes=True)
def terms_accept(
    store: Store,
    name: TermsName,
    *,
    version: Version = None,
    person: Annotated[
        str | None,
        Argument(
            "note that somebody else did, as one who lends: github:LOGIN#ID or user:NAME",
            metavar="WHO",
        ),
    ] = None,
    actor: Actor,
) -> TermsAccepted:
    """Accept terms, oneself: under one's account here, and those elsewhere that are linked to it.

    Who keeps the terms may note an acceptance that was given elsewhere; the audit log says who did.
    Raises NoSuchTerms, PersonUnknown.
    """
    from condarium.governance.resources import terms

    return terms.accept(store, name, version=version, person=person, actor=actor)


@operation("terms acceptances", permission=Permission.RESOURCE_LEND, where=Where.INSIDE)
def terms_acceptances(
    store: Store,
    name: TermsName,
    *,
    version: Annotated[int | None, Argument("only of this version", metavar="N")] = None,
    limit: PageSize = None,
    cursor: Cursor = None,
    actor: Actor,
) -> Page[Acceptance]:
    """List who accepted terms, for those who keep them and for auditors."""
    from condarium.governance.resources import terms

    return terms.acceptances(store, name, version=version, limit=limit, cursor=cursor, actor=actor)


@operation("user link", permission=Permission.ACCESS_MANAGE, changes=True)
def user_link(
    store: Store,
    name: Annotated[str, Argument("a user or a service account", metavar="USER")],
    person: Elsewhere,
    *,
    actor: Actor,
) -> IdentityChanged:
    """Say who an account here is at GitHub, by the id there, which never changes.

    Who is somebody there is so here once at most. Terms are accepted for accounts that are linked
    then.

    Raises NoSuchPrincipal, BadPerson, PersonUnknown, IdentityTaken.
    """
    from condarium.governance.resources import linking

    return linking.link(store, name, person, actor=actor)


@operation("user unlink", permission=Permission.ACCESS_MANAGE, changes=True)
def user_unlink(
    store: Store,
    name: Annotated[str, Argument("a user or a service account", metavar="USER")],
    person: Elsewhere,
    *,
    actor: Actor,
) -> IdentityChanged:
    """Say that an account here is not, or no longer, somebody elsewhere.

    What was accepted for them by the link ends with it.
    """
    from condarium.governance.resources import linking

    return linking.unlink(store, name, person, actor=actor)
