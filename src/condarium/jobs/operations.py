"""The operations on jobs, workers and schedules.

Work is imported where an operation runs, so that help needs no database.
"""

from typing import Annotated, Literal

from condarium.model.actor import Actor, Permission
from condarium.model.jobs import (
    Job,
    JobFilter,
    JobLog,
    JobsRemoved,
    JobStatus,
    Schedule,
    WorkerLine,
    WorkerStarted,
)
from condarium.model.paging import Page
from condarium.model.progress import Progress
from condarium.operation import Argument, Cursor, PageSize, Where, operation
from condarium.storage.store import Store

Number = Annotated[int, Argument("the job's number", metavar="JOB")]
Name = Annotated[str, Argument("the schedule's name")]


@operation("job list", permission=Permission.SIGNED_IN, where=Where.INSIDE)
def list_(
    store: Store,
    *,
    status: Annotated[
        Literal["queued", "running", "succeeded", "failed", "cancelled"] | None,
        Argument("only jobs of this status"),
    ] = None,
    namespace: Annotated[str | None, Argument("only jobs in this namespace", "-n")] = None,
    channel: Annotated[str | None, Argument("only jobs on this channel", "-c")] = None,
    operation: Annotated[
        str | None, Argument("only jobs that do this, such as 'env build'")
    ] = None,
    mine: Annotated[bool, Argument("only jobs that you asked for")] = False,
    limit: PageSize = None,
    cursor: Cursor = None,
    actor: Actor,
) -> Page[Job]:
    """List jobs, the newest first: your own, and those on what you may read."""
    from condarium.errors import BadArguments
    from condarium.jobs.asking import seeing
    from condarium.model.paging import decode_cursor, page_of, read_limit

    if namespace and channel:
        raise BadArguments("a job is about a namespace or about a channel: give one")
    kind = "namespace" if namespace else "channel" if channel else None
    before = int(decode_cursor(cursor, int)[0]) if cursor is not None else None
    chosen = JobFilter(
        status=JobStatus(status) if status else None,
        kind=kind,
        resource=namespace or channel,
        operation=operation,
        before=before,
        **(seeing.mine(actor) if mine else {}),
    )
    size = read_limit(limit)
    found = seeing.find(store, chosen, actor, limit=size and size + 1)
    return page_of(found, size, [(job.id,) for job in found])


@operation("job show", permission=Permission.SIGNED_IN, where=Where.INSIDE)
def show(store: Store, job: Number, *, actor: Actor) -> Job:
    """Show a job: how far it is, what came of it, and why it waits."""
    from condarium.jobs.asking import explaining, seeing

    return explaining.with_reasons(store, seeing.seen(store, job, actor))


@operation("job logs", permission=Permission.SIGNED_IN, where=Where.INSIDE)
def logs(
    store: Store,
    job: Number,
    *,
    follow: Annotated[bool, Argument("go on until the job has ended", "-f")] = False,
    phase: Annotated[str | None, Argument("only what this phase said")] = None,
    grep: Annotated[
        str | None, Argument("only lines with this text in them", metavar="TEXT")
    ] = None,
    actor: Actor,
    progress: Progress,
) -> JobLog:
    """Print what happened in a job."""
    from condarium.jobs.asking import reading, seeing

    found = seeing.seen(store, job, actor)
    if follow:
        return reading.follow(store, found, phase=phase, grep=grep, progress=progress)
    return reading.log_of(store, found, phase=phase, grep=grep)


@operation("job cancel", permission=Permission.SIGNED_IN, changes=True, where=Where.INSIDE)
def cancel(store: Store, job: Number, *, actor: Actor) -> Job:
    """Cancel a job, whatever its state; what it changes is changed whole, or not at all."""
    from condarium.jobs.asking import changing, seeing

    return changing.cancel(store, seeing.changeable(store, job, actor), actor=actor)


@operation("job retry", permission=Permission.SIGNED_IN, changes=True, where=Where.INSIDE)
def retry(store: Store, job: Number, *, actor: Actor) -> Job:
    """Have a job that failed or was cancelled carried out anew."""
    from condarium.jobs.asking import changing, seeing

    return changing.retry(store, seeing.changeable(store, job, actor), actor=actor)


@operation("job remove", permission=Permission.SIGNED_IN, changes=True, where=Where.INSIDE)
def remove(store: Store, job: Number, *, actor: Actor) -> JobsRemoved:
    """Forget a job and its log, whatever its state; one that goes on is ended."""
    from condarium.jobs.asking import changing, seeing

    return changing.remove(store, seeing.changeable(store, job, actor), actor=actor)


@operation("job prune", permission=Permission.STORE_MAINTAIN, changes=True)
def prune(store: Store, *, actor: Actor) -> JobsRemoved:
    """Forget jobs that ended longer ago than CONDARIUM_JOB_RETENTION (90 days)."""
    from condarium.jobs.asking import changing

    return changing.prune(store, actor=actor)


@operation("worker", permission=Permission.STORE_MAINTAIN, local=True, makes_store=True)
def worker(
    store: Store,
    *,
    queue: Annotated[
        tuple[str, ...], Argument("a queue to take jobs from; several with commas, or given again")
    ] = (),
    slots: Annotated[
        int | None, Argument("how many jobs at once; by default as many as there are cores")
    ] = None,
) -> WorkerStarted:
    """Carry out jobs, until Ctrl-C or SIGTERM.

    Any number of workers may share a store. Jobs of one that is stopped may go on for a while
    (CONDARIUM_WORKER_GRACE), and are handed to others then; those of one that dies are taken over.
    """
    from condarium.jobs.carrying_out.working import Working

    return Working.start(store, queues=queue, slots=slots)


@operation("worker list", permission=Permission.STORE_INSPECT)
def workers(store: Store) -> tuple[WorkerLine, ...]:
    """List workers, and what they do."""
    from condarium.settings.worker import WorkerSettings

    since = store.now() - WorkerSettings.read(store.settings.environ).silence
    with store.database.read() as facts:
        return tuple(facts.workers.list(alive_since=since))


@operation("schedule create", permission=Permission.STORE_MAINTAIN, changes=True)
def create(
    store: Store,
    name: Name,
    command: Annotated[
        str, Argument("the operation and its arguments, such as 'gc'", metavar="COMMAND")
    ],
    *,
    cron: Annotated[
        str, Argument("minute, hour, day, month and day of week, in UTC", positional=False)
    ],
    actor: Actor,
) -> Schedule:
    """Have an operation become a job at certain times."""
    from condarium.app import operations
    from condarium.jobs import scheduling
    from condarium.jobs.asking.command_lines import read_command

    found, arguments = read_command(command, operations())
    return scheduling.create(store, name, found, arguments, cron=cron, actor=actor)


@operation("schedule list", permission=Permission.STORE_INSPECT)
def schedules(store: Store) -> tuple[Schedule, ...]:
    """List schedules, and when each is due next."""
    from condarium.jobs.scheduling import with_next

    with store.database.read() as facts:
        return tuple(map(with_next, facts.schedules.list()))


@operation("schedule enable", permission=Permission.STORE_MAINTAIN, changes=True)
def enable(store: Store, name: Name, *, actor: Actor) -> Schedule:
    """Turn a schedule on; what was due while it was off stays undone."""
    from condarium.jobs.scheduling import switch

    return switch(store, name, enabled=True, actor=actor)


@operation("schedule disable", permission=Permission.STORE_MAINTAIN, changes=True)
def disable(store: Store, name: Name, *, actor: Actor) -> Schedule:
    """Turn a schedule off."""
    from condarium.jobs.scheduling import switch

    return switch(store, name, enabled=False, actor=actor)


@operation("schedule run", permission=Permission.STORE_MAINTAIN, changes=True)
def run(store: Store, name: Name, *, actor: Actor) -> Job:
    """Make a job of a schedule now, whatever its time."""
    from condarium.jobs import scheduling

    return scheduling.run(store, name, actor=actor)


@operation("schedule remove", permission=Permission.STORE_MAINTAIN, changes=True)
def unschedule(store: Store, name: Name, *, actor: Actor) -> Schedule:
    """Forget a schedule; jobs that it became stay."""
    from condarium.jobs import scheduling

    return scheduling.remove(store, name, actor=actor)
