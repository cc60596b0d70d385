"""The operations on admissions: jobs that asked for what is lent, and the runners that take them.

Work is imported where an operation runs, so that help needs no database.
"""

from datetime import timedelta
from typing import Annotated, Literal

from condarium.model.actor import Actor, Permission
from condarium.model.document import Document
from condarium.model.governance.admission import Admission, Decision, Offered
from condarium.model.governance.resources import ResourceName
from condarium.model.paging import Page
from condarium.operation import Argument, Cursor, PageSize, Where, operation
from condarium.storage.store import Store

Number = Annotated[int, Argument("the admission's number", metavar="ADMISSION")]
_RUN = Permission.RESOURCE_RUN


@operation("admission list", permission=Permission.SIGNED_IN, where=Where.ANYWHERE)
def list_(
    store: Store,
    *,
    state: Annotated[
        Literal["asked", "refused", "waiting", "offered", "running", "ended", "lost", "cancelled"]
        | None,
        Argument("only those of this state; asked: those that cannot be decided about yet"),
    ] = None,
    resource: Annotated[
        ResourceName | None, Argument("only those to this resource", "-r", metavar="R")
    ] = None,
    project: Annotated[
        str | None, Argument("only of this project: github:OWNER/NAME, namespace:NAME", "-p")
    ] = None,
    limit: PageSize = None,
    cursor: Cursor = None,
    actor: Actor,
) -> Page[Admission]:
    """List jobs that asked, the newest first: yours, those on what you run, lend or asked for.

    Of a namespace they are told to all who see into it. Reasons are for those who may see the
    resource.
    """
    from condarium.governance.admission import admissions
    from condarium.model.governance.admission import AdmissionState

    return admissions.list_(
        store,
        state=AdmissionState(state) if state else None,
        resource=resource.name if resource else None,
        project=project,
        limit=limit,
        cursor=cursor,
        actor=actor,
    )


@operation("admission show", permission=Permission.SIGNED_IN, where=Where.ANYWHERE)
def show(store: Store, admission: Number, *, actor: Actor) -> Admission:
    """Show what was decided of a job and why, how far it is, and why it waits."""
    from condarium.governance.admission import admissions

    return admissions.show(store, admission, actor)


@operation("admission next", permission=_RUN, changes=True)
def next_(
    store: Store,
    resource: Annotated[
        ResourceName, Argument("the resource that the runner is of", metavar="RESOURCE")
    ],
    *,
    runner: Annotated[
        str, Argument("the runner's name: then no other one may redeem it", metavar="NAME")
    ] = "",
    actor: Actor,
) -> Offered:
    """Take the job whose turn it is for a runner, with a credential that is shown once.

    It is to be redeemed within 10 minutes; else the job waits again, and has a new one next time.
    """
    from condarium.governance.admission import credentials

    return credentials.offer_next(store, resource.name, runner=runner, actor=actor)


@operation("admission redeem", permission=_RUN, changes=True)
def redeem(
    store: Store,
    *,
    credential: Annotated[
        Document,
        Argument(
            "a file with the credential in its first line; else it is asked for",
            positional=False,
            metavar="FILE",
            asked="Credential",
        ),
    ],
    resource: Annotated[
        ResourceName, Argument("the resource that the runner is of", "-r", metavar="R")
    ],
    project: Annotated[
        str,
        Argument("whose job it is: github:OWNER/NAME#ID", "-p", metavar="PROJECT"),
    ],
    commit: Annotated[str, Argument("the commit that it runs", positional=False, metavar="SHA")],
    runner: Annotated[str, Argument("the runner's name", metavar="NAME")] = "",
    actor: Actor,
) -> Admission:
    """Begin an admitted job: its credential is good once, for that project and commit.

    From then on it needs a heartbeat every five minutes, or it is taken for lost.
    """
    from condarium.governance.admission import credentials
    from condarium.model.governance.projects import Project

    return credentials.redeem(
        store,
        credentials.read(credential),
        resource=resource.name,
        project=Project.parse(project),
        commit=commit,
        runner=runner,
        actor=actor,
    )


@operation("admission heartbeat", permission=_RUN, changes=True, where=Where.ANYWHERE)
def heartbeat(store: Store, admission: Number, *, actor: Actor) -> Admission:
    """Say that a job goes on; where it may not any more, this fails, and the job has to stop."""
    from condarium.governance.admission import admissions

    return admissions.heartbeat(store, admission, actor)


@operation("admission end", permission=_RUN, changes=True, where=Where.ANYWHERE)
def end(
    store: Store,
    admission: Number,
    *,
    seconds: Annotated[
        int | None,
        Argument(
            "how long it took: by default since it was redeemed, and no less than until its last "
            "heartbeat, unless you lend the resource",
            metavar="N",
        ),
    ] = None,
    actor: Actor,
) -> Admission:
    """Say that a job is over: it costs what it took, and the rest of what was reserved comes back.

    Once more, it changes nothing.
    """
    from condarium.governance.admission import admissions

    return admissions.end(store, admission, seconds, actor)


@operation("admission cancel", permission=Permission.SIGNED_IN, changes=True, where=Where.ANYWHERE)
def cancel(
    store: Store,
    admission: Number,
    *,
    reason: Annotated[str, Argument("why, for the audit log", "-m", metavar="TEXT")] = "",
    actor: Actor,
) -> Admission:
    """Cancel a job that waits or runs: your own, or one on what you lend."""
    from condarium.governance.admission import admissions

    return admissions.cancel(store, admission, reason, actor)


@operation("access check", permission=Permission.SIGNED_IN, where=Where.ANYWHERE)
def check(
    store: Store,
    *,
    project: Annotated[
        str, Argument("whose job: github:OWNER/NAME#ID, namespace:NAME", "-p", metavar="PROJECT")
    ],
    label: Annotated[
        tuple[str, ...],
        Argument(
            "a label that it asks for; several, given again", positional=False, metavar="LABEL"
        ),
    ],
    commit: Annotated[str, Argument("its commit", metavar="SHA")] = "",
    event: Annotated[str, Argument("why it runs, such as push")] = "push",
    branch: Annotated[str | None, Argument("its branch")] = None,
    fork: Annotated[
        str | None, Argument("the fork that its commit is from: github:OWNER/NAME#ID")
    ] = None,
    person: Annotated[
        str | None, Argument("who triggered it: github:LOGIN#ID, user:NAME", metavar="PERSON")
    ] = None,
    role: Annotated[str | None, Argument("what they are in the repository, such as write")] = None,
    run: Annotated[str, Argument("the number of its run")] = "",
    time: Annotated[
        timedelta | None, Argument("how long it may take at most", metavar="TIME")
    ] = None,
    actor: Actor,
) -> Decision:
    """Say whether a job would be admitted, and why: nothing is asked for by it.

    What depends on the moment is not in it: whether a budget has enough left, and whose turn it is.
    """
    from condarium.governance.admission import judging

    asked = judging.Asked(
        project=project,
        labels=label,
        commit=commit,
        event=event,
        branch=branch,
        fork=fork,
        person=person,
        role=role,
        run=run,
        time=time,
    )
    return judging.judge(store, asked, actor)
