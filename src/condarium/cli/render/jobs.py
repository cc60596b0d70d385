"""Jobs, their logs, workers and schedules."""

from condarium.cli.amounts import count, seconds
from condarium.cli.page import Page, Part, bold, cyan, dim, green, red, yellow
from condarium.cli.render.registry import renders
from condarium.model import paging
from condarium.model.jobs import (
    EventKind,
    Job,
    JobEvent,
    JobLog,
    JobsRemoved,
    JobStatus,
    Schedule,
    WorkerLine,
    WorkerStarted,
)

_COLOURS = {
    JobStatus.QUEUED: dim,
    JobStatus.RUNNING: cyan,
    JobStatus.SUCCEEDED: green,
    JobStatus.FAILED: red,
    JobStatus.CANCELLED: yellow,
}


@renders(paging.Page[Job])
def job_list(jobs: paging.Page[Job], page: Page) -> None:
    if not jobs:
        if page.terminal:  # a program that counts lines must count none
            page.line("no jobs")
        return
    titles = ("job", "status", "operation", "target", "queue", "by", "asked", "took")
    page.table(titles, [_job_row(job, page) for job in jobs], right=(0,))
    page.more(jobs.next)


@renders(Job)
def job(answer: Job, page: Page) -> None:
    page.line(bold(f"job {answer.id} "), _status(answer.status), f"  {answer.operation}")
    facts = [
        ("target", answer.target),
        ("asked", f"{page.when(answer.created_at)} by {answer.actor}"),
        ("schedule", answer.schedule or ""),
        ("queue", f"{answer.queue}, priority {answer.priority}"),
        ("waits", "; ".join(answer.reasons)),
        ("begun", page.when(answer.started_at) if answer.started_at else ""),
        ("worker", answer.worker or ""),
        ("attempts", f"{answer.attempts} of {answer.most_attempts}" if answer.attempts else ""),
        ("took", _took(answer)),
    ]
    page.table(("", ""), [(dim(name), text) for name, text in facts if text])
    for name, amount in answer.phases.items():
        page.line(dim(f"  {name}: {seconds(amount)}"))
    if answer.error:
        page.line(red("error: "), answer.error.message)
        if answer.error.hint:
            page.lines(f"hint: {answer.error.hint}")


@renders(JobLog)
def job_log(log: JobLog, page: Page) -> None:
    for event in log.events:
        if parts := _event(event):
            page.line(dim(f"{event.at:%H:%M:%S} "), *parts)
    if not log.events and log.job.status.ended:
        page.line(f"job {log.job.id} ", _status(log.job.status))


@renders(JobsRemoved)
def jobs_removed(answer: JobsRemoved, page: Page) -> None:
    page.line("removed ", bold(count(answer.count, "job")))


@renders(WorkerStarted)
def worker_started(answer: WorkerStarted, page: Page) -> None:
    queues = ", ".join(answer.queues)
    page.line("worker ", bold(answer.id), dim("  (Ctrl-C ends it)"))
    page.line(f"takes jobs of {queues}, {answer.slots} at once")


@renders(tuple[WorkerLine, ...])
def worker_list(workers: tuple[WorkerLine, ...], page: Page) -> None:
    if not workers:
        if page.terminal:
            page.line("no workers; `condarium serve` has one, and `condarium worker` is one")
        return
    titles = ("worker", "host", "queues", "running", "state", "heard of")
    page.table(titles, [_worker_row(each, page) for each in workers], right=(3,))


@renders(Schedule)
def schedule(answer: Schedule, page: Page) -> None:
    page.line(bold(answer.name), f": {answer.operation} at {answer.cron}")
    if answer.next_at:
        page.line(dim(f"next: {answer.next_at:%Y-%m-%d %H:%M} UTC"))
    if answer.problem:
        page.line(red(answer.problem))


@renders(tuple[Schedule, ...])
def schedule_list(schedules: tuple[Schedule, ...], page: Page) -> None:
    if not schedules:
        if page.terminal:
            page.line("no schedules; `condarium schedule create` makes one")
        return
    titles = ("schedule", "operation", "cron (UTC)", "next", "last", "last job", "by")
    page.table(titles, [_schedule_row(each, page) for each in schedules], right=(5,))
    for each in schedules:
        if each.problem:
            page.line(red(f"{each.name}: {each.problem}"))


def _job_row(job: Job, page: Page) -> tuple[Part, ...]:
    return (
        str(job.id),
        _status(job.status),
        job.operation,
        job.target,
        job.queue,
        job.actor,
        page.when(job.created_at),
        _took(job),
    )


def _worker_row(worker: WorkerLine, page: Page) -> tuple[Part, ...]:
    state = green("alive") if worker.alive else dim("ended") if worker.ended_at else red("silent")
    running = f"{worker.running} of {worker.slots}"
    queues = ", ".join(worker.queues)
    return (worker.id, worker.host, queues, running, state, page.when(worker.heartbeat_at))


def _schedule_row(schedule: Schedule, page: Page) -> tuple[Part, ...]:
    following = f"{schedule.next_at:%Y-%m-%d %H:%M}" if schedule.next_at else "off"
    return (
        bold(schedule.name),
        schedule.operation,
        schedule.cron,
        following,
        page.when(schedule.last_at) if schedule.last_at else "",
        str(schedule.last_job or ""),
        schedule.created_by,
    )


def _status(status: JobStatus) -> Part:
    return _COLOURS[status](status)


def _took(job: Job) -> str:
    if job.started_at is None or job.ended_at is None:
        return ""
    return seconds((job.ended_at - job.started_at).total_seconds())


def _event(event: JobEvent) -> tuple[Part, ...]:
    match event.kind:
        case EventKind.STATUS:
            return (bold(event.text),)
        case EventKind.PHASE:
            return (cyan(event.text),)
        case EventKind.SAY:
            return ("  ", event.text)
    return ()  # how far it was is of no interest afterwards
