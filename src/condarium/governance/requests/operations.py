"""The operations on requests: asking for what is lent, and reviewing what is asked.

Work is imported where an operation runs, so that help needs no database.
"""

from datetime import timedelta
from typing import Annotated, Literal

from condarium.model.actor import Actor, Permission
from condarium.model.document import Document
from condarium.model.governance.requests import RequestChecked, RequestDetail, RequestLine
from condarium.model.governance.resources import ResourceName
from condarium.model.paging import Page
from condarium.operation import Argument, Cursor, PageSize, Where, operation
from condarium.storage.store import Store

Number = Annotated[int, Argument("the request's number", metavar="REQUEST")]
File = Annotated[
    Document | None, Argument("a file that says it all, instead of options", "-f", metavar="FILE")
]
OfProject = Annotated[
    str | None,
    Argument("who asks: github:OWNER/NAME#ID, namespace:NAME", "-p", metavar="PROJECT"),
]
Resources = Annotated[
    tuple[ResourceName, ...], Argument("what is asked for; several, given again", "-r", metavar="R")
]
Purpose = Annotated[str | None, Argument("what it is for", "-m", metavar="TEXT")]
Duration = Annotated[
    timedelta | None,
    Argument("for how long; without it, until it is revoked", metavar="90d"),
]
Use = Annotated[str | None, Argument("how many credits a month are expected", metavar="CREDITS")]
Quota = Annotated[str | None, Argument("at most so many credits a month", metavar="CREDITS")]
PullRequests = Annotated[bool, Argument("for jobs of pull requests too")]
Branches = Annotated[
    tuple[str, ...],
    Argument("only for jobs of this branch, or tag of that name; several, given again"),
]
Events = Annotated[
    tuple[str, ...],
    Argument(
        "only for jobs that this event began; given again; by default push, schedule, "
        "workflow_dispatch, release, merge_group or job"
    ),
]
People = Annotated[
    tuple[str, ...],
    Argument(
        "only for jobs that they triggered: github:LOGIN#ID, user:NAME; given again",
        metavar="PERSON",
    ),
]
Roles = Annotated[
    tuple[str, ...],
    Argument("only for jobs of those who are that in the repository, such as write"),
]
Forks = Annotated[
    tuple[str, ...],
    Argument("for commits of this fork too: github:OWNER/NAME#ID; given again", metavar="FORK"),
]
ForkApproval = Annotated[
    bool, Argument("for commits of other forks too, each once it was approved")
]
Revoke = Annotated[bool, Argument("ask that what the project has of it be revoked")]
_SIGNED_IN = Permission.SIGNED_IN


@operation("request create", permission=_SIGNED_IN, changes=True, where=Where.INSIDE)
def create(
    store: Store,
    *,
    file: File = None,
    project: OfProject = None,
    resource: Resources = (),
    purpose: Purpose = None,
    duration: Duration = None,
    use: Use = None,
    quota: Quota = None,
    pull_requests: PullRequests = False,
    branch: Branches = (),
    event: Events = (),
    person: People = (),
    role: Roles = (),
    trusted_fork: Forks = (),
    fork_approval: ForkApproval = False,
    revoke: Revoke = False,
    actor: Actor,
) -> RequestDetail:
    """Ask for the use of resources for a project: their rules say who has to approve.

    It is checked at once. What stops it is all said together, and then nothing was asked.
    """
    from condarium.governance.requests import drafting, requesting

    draft = drafting.draft_of(
        file,
        project=project,
        resources=resource,
        purpose=purpose,
        duration=duration,
        use=use,
        quota=quota,
        pull_requests=pull_requests,
        branches=branch,
        events=event,
        people=person,
        roles=role,
        trusted_forks=trusted_fork,
        fork_approval=fork_approval,
        revoke=revoke,
    )
    return requesting.create(store, draft, actor=actor)


@operation("request check", permission=_SIGNED_IN, where=Where.INSIDE)
def check(
    store: Store,
    *,
    file: File = None,
    project: OfProject = None,
    resource: Resources = (),
    purpose: Purpose = None,
    duration: Duration = None,
    use: Use = None,
    quota: Quota = None,
    pull_requests: PullRequests = False,
    branch: Branches = (),
    event: Events = (),
    person: People = (),
    role: Roles = (),
    trusted_fork: Forks = (),
    fork_approval: ForkApproval = False,
    revoke: Revoke = False,
    actor: Actor,
) -> RequestChecked:
    """Check a request as `request create` does, and ask for nothing."""
    from condarium.governance.requests import drafting, requesting

    draft = drafting.draft_of(
        file,
        project=project,
        resources=resource,
        purpose=purpose,
        duration=duration,
        use=use,
        quota=quota,
        pull_requests=pull_requests,
        branches=branch,
        events=event,
        people=person,
        roles=role,
        trusted_forks=trusted_fork,
        fork_approval=fork_approval,
        revoke=revoke,
    )
    return requesting.check(store, draft, actor=actor)


@operation("request list", permission=Permission.RESOURCE_READ, where=Where.INSIDE)
def list_(
    store: Store,
    *,
    state: Annotated[
        Literal["open", "approved", "denied", "withdrawn"] | None,
        Argument("only requests of this state"),
    ] = None,
    project: Annotated[
        str | None,
        Argument("only of this project: github:OWNER/NAME, namespace:NAME", "-p"),
    ] = None,
    resource: Annotated[
        ResourceName | None, Argument("only for this resource", "-r", metavar="R")
    ] = None,
    mine: Annotated[bool, Argument("only those that you asked")] = False,
    to_review: Annotated[bool, Argument("only open ones that want your approval")] = False,
    limit: PageSize = None,
    cursor: Cursor = None,
    actor: Actor,
) -> Page[RequestLine]:
    """List requests, the newest first: your own, and those for what you may see."""
    from condarium.governance.requests import requests
    from condarium.model.governance.projects import Project
    from condarium.model.governance.requests import RequestState

    return requests.list_(
        store,
        state=RequestState(state) if state else None,
        project=Project.parse(project) if project else None,
        resource=resource.name if resource else None,
        mine=mine,
        to_review=to_review,
        limit=limit,
        cursor=cursor,
        actor=actor,
    )


@operation("request show", permission=Permission.RESOURCE_READ, where=Where.INSIDE)
def show(store: Store, request: Number, *, actor: Actor) -> RequestDetail:
    """Show a request, what was said about it, and which approvals are missing."""
    from condarium.governance.requests import requests

    return requests.show(store, request, actor=actor)


@operation("request comment", permission=_SIGNED_IN, changes=True, where=Where.INSIDE)
def comment(
    store: Store,
    request: Number,
    text: Annotated[str, Argument("what you have to say", metavar="TEXT")],
    *,
    actor: Actor,
) -> RequestDetail:
    """Say something about a request, for all who may see it."""
    from condarium.governance.requests import reviewing

    return reviewing.comment(store, request, text, actor=actor)


@operation("request approve", permission=_SIGNED_IN, changes=True, where=Where.INSIDE)
def approve(
    store: Store,
    request: Number,
    *,
    comment: Annotated[str, Argument("what you have to say", "-m", metavar="TEXT")] = "",
    actor: Actor,
) -> RequestDetail:
    """Approve a request: the last approval that the rules want makes the grants, at once.

    Whoever asked never counts, and one person gives one of the approvals that a rule wants. Those
    count who are a lender, or in the group, at the moment of the decision.
    """
    from condarium.governance.requests import reviewing

    return reviewing.approve(store, request, comment, actor=actor)


@operation("request deny", permission=_SIGNED_IN, changes=True, where=Where.INSIDE)
def deny(
    store: Store,
    request: Number,
    *,
    reason: Annotated[str, Argument("why, for whoever asked", "-m", metavar="TEXT")],
    actor: Actor,
) -> RequestDetail:
    """End a request with a no: those who may approve it may deny it."""
    from condarium.governance.requests import reviewing

    return reviewing.deny(store, request, reason, actor=actor)


@operation("request withdraw", permission=_SIGNED_IN, changes=True, where=Where.INSIDE)
def withdraw(
    store: Store,
    request: Number,
    *,
    reason: Annotated[str, Argument("why", "-m", metavar="TEXT")] = "",
    actor: Actor,
) -> RequestDetail:
    """Take a request back: whoever asked may, and administrators."""
    from condarium.governance.requests import reviewing

    return reviewing.withdraw(store, request, reason, actor=actor)
