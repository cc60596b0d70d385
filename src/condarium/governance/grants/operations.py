"""The operations on grants, and the list of them that everybody may read.

Work is imported where an operation runs, so that help needs no database.
"""

from datetime import timedelta
from typing import Annotated, Literal

from condarium.model.actor import Actor, Permission
from condarium.model.governance.listed import (
    CommitApproved,
    CommitWithdrawn,
    GrantDetail,
    GrantsDecided,
    ListedGrant,
    Noticed,
    PublicList,
    Revoked,
)
from condarium.model.governance.resources import ResourceName
from condarium.model.paging import Page
from condarium.operation import Argument, Cursor, PageSize, Where, operation
from condarium.storage.store import Store

Number = Annotated[int, Argument("the grant's number", metavar="GRANT")]
Reason = Annotated[str, Argument("why, for all who may see the grant", "-m", metavar="TEXT")]
OfProject = Annotated[
    str | None, Argument("only of this project: github:OWNER/NAME, namespace:NAME", "-p")
]
OfResource = Annotated[ResourceName | None, Argument("only of this resource", "-r", metavar="R")]
Branches = Annotated[
    tuple[str, ...], Argument("only jobs of this branch, or tag of that name; several, given again")
]
Events = Annotated[
    tuple[str, ...],
    Argument(
        "only jobs that this event began; given again; by default push, schedule, "
        "workflow_dispatch, release, merge_group or job"
    ),
]
People = Annotated[
    tuple[str, ...],
    Argument(
        "only jobs that they triggered: github:LOGIN, user:NAME; given again", metavar="PERSON"
    ),
]
Roles = Annotated[
    tuple[str, ...],
    Argument("only jobs of those who are that in the repository, such as admin", metavar="ROLE"),
]
Forks = Annotated[
    tuple[str, ...],
    Argument("commits of this fork too: github:OWNER/NAME; given again", metavar="FORK"),
]
Quota = Annotated[
    str | None, Argument("at most so many credits in each period, or `none`", metavar="CREDITS")
]
PeriodName = Annotated[
    Literal["month", "quarter", "year", "once"] | None, Argument("the quota's period; a month")
]
Begins = Annotated[str | None, Argument("not before this instant", metavar="INSTANT")]
Until = Annotated[
    str | None, Argument("to this instant, such as 2027-01-01, or `none`", metavar="INSTANT")
]
For = Annotated[timedelta | None, Argument("for so long from now", metavar="90d")]
_LEND, _READ = Permission.RESOURCE_LEND, Permission.RESOURCE_READ


@operation("grant create", permission=_LEND, changes=True)
def create(
    store: Store,
    resource: Annotated[
        tuple[ResourceName, ...],
        Argument("the resource; several, given again", positional=True, metavar="RESOURCE"),
    ],
    *,
    project: Annotated[str, Argument("who may use it: github:OWNER/NAME#ID, namespace:NAME", "-p")],
    reason: Reason,
    branch: Branches = (),
    event: Events = (),
    pull_requests: Annotated[bool, Argument("jobs of pull requests too")] = False,
    person: People = (),
    role: Roles = (),
    trusted_fork: Forks = (),
    fork_approval: Annotated[
        bool, Argument("commits of other forks too, once each is approved")
    ] = False,
    quota: Quota = None,
    period: PeriodName = None,
    begins: Begins = None,
    until: Until = None,
    for_: For = None,
    actor: Actor,
) -> GrantsDecided:
    """Lend resources to a project, without a request.

    Where the resource's rule wants more than one lender, only administrators do, and lists say
    that it was without review. An id behind a project's or a person's name is what counts, and has
    to be the name's own; it is asked for where condarium can.
    """
    from condarium.governance.grants import deciding

    said = deciding.Said(
        branches=branch,
        events=event,
        pull_requests=pull_requests,
        people=person,
        roles=role,
        forks=trusted_fork,
        fork_approval=fork_approval,
        quota=quota,
        period=period,
        begins=begins,
        until=until,
        time=for_,
    )
    names = tuple(each.name for each in resource)
    return deciding.create(
        store, resources=names, project=project, said=said, reason=reason, actor=actor
    )


@operation("grant list", permission=_READ, where=Where.INSIDE)
def list_(
    store: Store,
    *,
    resource: OfResource = None,
    project: OfProject = None,
    provider: Annotated[str | None, Argument("only of this provider's resources")] = None,
    state: Annotated[
        Literal["active", "suspended", "revoked", "expired", "not-yet"] | None,
        Argument("only grants that are this now"),
    ] = None,
    unused: Annotated[bool, Argument("only those that nobody uses any more")] = False,
    expiring: Annotated[
        timedelta | None, Argument("only those that end within so long", metavar="30d")
    ] = None,
    limit: PageSize = None,
    cursor: Cursor = None,
    actor: Actor,
) -> Page[ListedGrant]:
    """List grants of the resources that you may see, in whatever state."""
    from condarium.governance.grants import listing
    from condarium.model.governance.grants import GrantState

    wanted = listing.GrantFilter(
        resource=resource.name if resource else None,
        project=listing.read_project(project),
        provider=provider,
        state=GrantState(state) if state else None,
        unused=unused,
        expiring=expiring,
    )
    return listing.grants(store, wanted, limit=limit, cursor=cursor, actor=actor)


@operation("grant show", permission=_READ, where=Where.INSIDE)
def show(store: Store, grant: Number, *, actor: Actor) -> GrantDetail:
    """Show a grant, and every decision about it."""
    from condarium.governance.grants import listing

    return listing.grant(store, grant, actor=actor)


@operation("grant change", permission=_LEND, changes=True, where=Where.INSIDE)
def change(
    store: Store,
    grant: Number,
    *,
    reason: Reason,
    branch: Branches = (),
    event: Events = (),
    pull_requests: Annotated[
        Literal["yes", "no"] | None, Argument("whether jobs of pull requests may, too")
    ] = None,
    person: People = (),
    role: Roles = (),
    trusted_fork: Forks = (),
    fork_approval: Annotated[
        Literal["yes", "no"] | None, Argument("whether commits of other forks can be approved")
    ] = None,
    quota: Quota = None,
    period: PeriodName = None,
    begins: Begins = None,
    actor: Actor,
) -> GrantsDecided:
    """Change on what a grant is; what is not given stays as it is.

    `none` empties a list: `--branch none` is any branch, `--person none` anybody. Where the
    resource's rule wants more than one lender, only administrators widen a grant.
    """
    from condarium.governance.grants import deciding

    said = deciding.Said(
        branches=branch,
        events=event,
        pull_requests=deciding.read_choice(pull_requests),
        people=person,
        roles=role,
        forks=trusted_fork,
        fork_approval=deciding.read_choice(fork_approval),
        quota=quota,
        period=period,
        begins=begins,
    )
    return deciding.change(store, grant, said, reason=reason, actor=actor)


@operation("grant renew", permission=_LEND, changes=True, where=Where.INSIDE)
def renew(
    store: Store,
    grant: Number,
    *,
    reason: Reason,
    until: Until = None,
    for_: For = None,
    actor: Actor,
) -> GrantsDecided:
    """Give a grant another end, be it expired or not.

    Where the resource's rule wants more than one lender, only administrators give a later one.
    """
    from condarium.governance.grants import deciding

    said = deciding.Said(until=until, time=for_)
    return deciding.renew(store, grant, said, reason=reason, actor=actor)


@operation("grant suspend", permission=_LEND, changes=True, where=Where.INSIDE)
def suspend(store: Store, grant: Number, *, reason: Reason, actor: Actor) -> GrantsDecided:
    """Let no more jobs be admitted under a grant, until it is resumed."""
    from condarium.governance.grants import deciding

    return deciding.suspend(store, grant, reason=reason, actor=actor)


@operation("grant resume", permission=_LEND, changes=True, where=Where.INSIDE)
def resume(store: Store, grant: Number, *, reason: Reason, actor: Actor) -> GrantsDecided:
    """Let jobs be admitted again under a grant that was suspended.

    Where the resource's rule wants more than one lender, whoever suspended it may, and
    administrators.
    """
    from condarium.governance.grants import deciding

    return deciding.resume(store, grant, reason=reason, actor=actor)


@operation("grant revoke", permission=_LEND, changes=True, where=Where.INSIDE)
def revoke(
    store: Store,
    grant: Annotated[
        tuple[int, ...], Argument("the grants' numbers", positional=True, metavar="GRANT")
    ] = (),
    *,
    reason: Reason,
    project: Annotated[
        str | None, Argument("all of a project: github:OWNER/NAME#ID, namespace:NAME", "-p")
    ] = None,
    resource: Annotated[ResourceName | None, Argument("all of a resource", "-r")] = None,
    provider: Annotated[str | None, Argument("all of a provider's resources")] = None,
    running: Annotated[bool, Argument("cancel what runs, too")] = False,
    actor: Actor,
) -> Revoked:
    """Revoke grants for good, whole or not at all.

    Jobs that wait on them are cancelled and refunded, and credentials that were given are void;
    with --running, jobs that run are cancelled as well.
    """
    from condarium.governance.grants import listing, revoking

    which = revoking.Which(
        numbers=grant,
        project=listing.read_project(project),
        resource=resource.name if resource else None,
        provider=provider,
    )
    return revoking.revoke(store, which=which, reason=reason, running=running, actor=actor)


@operation(
    "grant approve-commit", permission=Permission.SIGNED_IN, changes=True, where=Where.INSIDE
)
def approve_commit(
    store: Store,
    grant: Number,
    commit: Annotated[str, Argument("its whole hash, in hex", positional=True, metavar="COMMIT")],
    *,
    actor: Actor,
) -> CommitApproved:
    """Approve one commit of a fork, or of a bot, whose jobs then are admitted.

    Lenders of the resource may, and the people whose jobs the grant is for; it counts while they
    are that, and not for jobs that they trigger themselves. Terms bind whoever approves. What a
    grant wants of roles, only a lender's approval goes before.
    """
    from condarium.governance.grants import deciding

    return deciding.approve_commit(store, grant, commit, actor=actor)


@operation(
    "grant withdraw-commit", permission=Permission.SIGNED_IN, changes=True, where=Where.INSIDE
)
def withdraw_commit(
    store: Store,
    grant: Number,
    commit: Annotated[str, Argument("its whole hash, in hex", positional=True, metavar="COMMIT")],
    *,
    actor: Actor,
) -> CommitWithdrawn:
    """Take back the approval of a commit: jobs of it that have not begun are not admitted any more.

    Whoever approved it may, and lenders of the resource, who take back everybody's.
    """
    from condarium.governance.grants import deciding

    return deciding.withdraw_commit(store, grant, commit, actor=actor)


@operation("grant review-due", permission=Permission.ACCESS_MANAGE, changes=True, job=True)
def review_due(store: Store, *, actor: Actor) -> tuple[Noticed, ...]:
    """Give notice of grants that end soon, and of those that nobody uses.

    A notice is listed with the grant, on the page of what is lent and in its feed; nothing is sent
    to anybody. It is given once for each cause. Each day a job does this.
    """
    from condarium.governance.grants import expiring

    return expiring.review_due(store, actor=actor)


@operation("access public", permission=_READ, where=Where.INSIDE)
def public(
    store: Store,
    *,
    resource: OfResource = None,
    project: OfProject = None,
    at: Annotated[
        str | None,
        Argument(
            "as it was then: an instant, 7d ago, or a day, for all who could at any time of it",
            metavar="INSTANT",
        ),
    ] = None,
    actor: Actor,
) -> PublicList:
    """List who may use what: since when, until when, granted by whom, and how much was used.

    It follows from the decisions until an instant, so that of any day can be shown. A server shows
    the same to everybody at /lending.
    """
    from condarium.governance.grants import listing
    from condarium.model.instants import AsOf

    asked = AsOf.read(at, store.now()) if at else None
    return listing.public(
        store,
        at=asked.at if asked else None,
        since=asked.since if asked else None,
        resource=resource.name if resource else None,
        project=listing.read_project(project),
        actor=actor,
    )
