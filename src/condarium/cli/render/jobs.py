"""Jobs, their logs, workers and schedules."""

import shlex
from collections.abc import Callable, Mapping

from condarium.app import operations
from condarium.cli.amounts import clock, count, seconds
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

_DONE = {
    "schedule create": " is there now",
    "schedule remove": " is removed",
    "schedule enable": " is on",
    "schedule disable": " is off",
}
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
        page.nothing("no jobs")
        return
    titles = ("job", "status", "operation", "target", "queue", "by", "asked", "took")
    page.table(titles, [_job_row(job, page) for job in jobs], right=(0,))
    page.more(jobs.next)


@renders(Job)
def job(answer: Job, page: Page) -> None:
    page.line(bold(f"job {answer.id} "), _status(answer.status), f"  {answer.operation}")
    facts = [
        ("target", answer.target),
        ("asked", f"{page.clock(answer.created_at)} by {answer.actor}"),
        ("schedule", answer.schedule or ""),
        ("queue", f"{answer.queue}, priority {answer.priority}"),
        ("waits" if answer.status is JobStatus.QUEUED else "why", "; ".join(answer.reasons)),
        ("begun", page.clock(answer.started_at) if answer.started_at else ""),
        ("worker", answer.worker or ""),
        ("attempts", f"{answer.attempts} of {answer.most_attempts}" if answer.attempts else ""),
        ("took", _took(answer)),
    ]
    page.table(("", ""), [(dim(name), text) for name, text in facts if text])
    if page.command == "job cancel" and answer.status.ended and not _was_cancelled(answer):
        page.line(yellow("it had ended before: nothing was cancelled"))
    for name, amount in answer.phases.items():
        page.line(dim(f"  {name}: {seconds(amount)}"))
    if answer.error:
        first, *others = answer.error.message.splitlines() or [""]
        page.line(red("error: "), first)
        page.lines("\n".join(others), indent="  ")
        if answer.error.hint:
            page.lines(f"hint: {answer.error.hint}")


@renders(JobLog)
def job_log(log: JobLog, page: Page) -> None:
    for event in log.events:
        job_event(event, page)
    if not log.events and log.job.status.ended and page.terminal:
        page.line(f"job {log.job.id} ", _status(log.job.status))


def job_event(event: JobEvent, page: Page) -> None:
    """A line of a log, or as many as its text has; nothing for how far a phase was."""
    paint = _EVENTS.get(event.kind)
    if paint is None:
        return
    first, *others = event.text.splitlines() or [""]
    at = f"{clock(event.at)} "
    page.line(dim(at), *paint(first))
    for line in others:
        page.line(" " * len(at), *paint(line))


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
        page.nothing("no workers; `condarium serve` has one, and `condarium worker` is one")
        return
    titles = ("worker", "host", "queues", "running", "state", "heard of")
    page.table(titles, [_worker_row(each, page) for each in workers], right=(3,))


@renders(Schedule)
def schedule(answer: Schedule, page: Page) -> None:
    done = _DONE.get(page.command, "")
    page.line(bold(answer.name), f"{done}: {_command(answer)} at {answer.cron} (UTC)")
    if answer.next_at and page.command != "schedule remove":
        page.line(dim(f"next: {clock(answer.next_at)}"))
    if answer.problem:
        page.line(red(answer.problem))


@renders(tuple[Schedule, ...])
def schedule_list(schedules: tuple[Schedule, ...], page: Page) -> None:
    if not schedules:
        page.nothing("no schedules; `condarium schedule create` makes one")
        return
    titles = ("schedule", "command", "cron (UTC)", "next", "last", "last job", "by")
    page.table(titles, [_schedule_row(each, page) for each in schedules], right=(5,), crop=(1, 6))
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
        page.clock(job.created_at),
        _took(job),
    )


def _worker_row(worker: WorkerLine, page: Page) -> tuple[Part, ...]:
    state = green("alive") if worker.alive else dim("ended") if worker.ended_at else red("silent")
    running = f"{worker.running} of {worker.slots}"
    queues = ", ".join(worker.queues)
    return (worker.id, worker.host, queues, running, state, page.clock(worker.heartbeat_at))


def _schedule_row(schedule: Schedule, page: Page) -> tuple[Part, ...]:
    following = clock(schedule.next_at) if schedule.next_at else "off"
    return (
        bold(schedule.name),
        _command(schedule),
        schedule.cron,
        following,
        clock(schedule.last_at) if schedule.last_at else "",
        str(schedule.last_job or ""),
        schedule.created_by,
    )


def _command(schedule: Schedule) -> str:
    """An operation and its arguments, as on a command line."""
    known = operations().get(schedule.operation)
    words = schedule.operation.split()
    for parameter in known.parameters if known else ():
        given = schedule.arguments.get(parameter.name)
        for value in given if isinstance(given, list) else [given]:
            if value is None or value is False:
                continue
            words += [] if parameter.positional else [parameter.flags[0]]
            words += [] if value is True else [str(value)]
    return shlex.join(words)


def _status(status: JobStatus) -> Part:
    return _COLOURS[status](status)


def _took(job: Job) -> str:
    if job.started_at is None or job.ended_at is None:
        return ""
    return seconds((job.ended_at - job.started_at).total_seconds())


def _was_cancelled(job: Job) -> bool:
    return job.status is JobStatus.CANCELLED


_EVENTS: Mapping[EventKind, Callable[[str], tuple[Part, ...]]] = {
    EventKind.STATUS: lambda text: (bold(text),),
    EventKind.PHASE: lambda text: (cyan(text),),
    EventKind.SAY: lambda text: ("  ", text),
    EventKind.LOG: lambda text: ("  ", dim(text)),
}
"""How far a phase was is of no interest afterwards."""
