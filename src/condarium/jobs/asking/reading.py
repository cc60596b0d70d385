"""A job's log: what is asked for of it, and what comes while the job goes on."""

from collections.abc import Collection

from condarium.errors import NotFound
from condarium.jobs.asking import bell, watching
from condarium.model.jobs import EventKind, Job, JobEvent, JobLog
from condarium.model.progress import Listener, Progress
from condarium.storage.store import Store

_PIECE = 1000
_SOON = 0.1


class NoSuchPhase(NotFound):
    """The job had no phase of this name."""

    def __init__(self, job: int, phase: str, known: Collection[str]) -> None:
        self.job, self.phase, self.known = job, phase, tuple(known)
        found = ", ".join(self.known) or "none yet"
        super().__init__(f"job {job} has no phase {phase!r}", hint=f"Its phases: {found}.")


def log_of(store: Store, job: Job, *, phase: str | None, grep: str | None) -> JobLog:
    """The events of one phase, or that have a text in them; all without either.

    Raises NoSuchPhase.
    """
    events = watching.events_after(store, job.id)
    _check(job, phase, events)
    chosen = tuple(each for each in events if each.is_asked(phase=phase, text=grep))
    return JobLog(job=job, events=chosen, last=events[-1].number if events else 0)


def follow(
    store: Store, job: Job, *, phase: str | None, grep: str | None, progress: Progress
) -> JobLog:
    """Tell what happens until the job ends; nothing is left to be said then. Raises NoSuchPhase."""
    last, ended = 0, False
    while True:
        heard = bell.rings()
        ended = watching.job(store, job.id).status.ended
        events = watching.events_after(store, job.id, last, limit=_PIECE)
        for event in events:
            last = event.number
            if event.is_asked(phase=phase, text=grep):
                _tell(event, progress)
        if ended and not events:
            if phase is not None:
                _check(job, phase, watching.events_after(store, job.id))
            return JobLog(job=watching.job(store, job.id), events=(), last=last)
        if not events:
            bell.wait(heard, _SOON)


def _check(job: Job, phase: str | None, events: Collection[JobEvent]) -> None:
    known = dict.fromkeys(event.phase for event in events if event.phase)
    if phase is not None and phase not in known:
        raise NoSuchPhase(job.id, phase, known)


def _tell(event: JobEvent, progress: Progress) -> None:
    if isinstance(progress, Listener):
        progress.hear(event)
        return
    match event.kind:
        case EventKind.PHASE:
            progress.phase(event.text, event.total, event.unit)
        case EventKind.SAY:
            progress.say(event.text)
        case EventKind.LOG:
            progress.log(event.text)
        case EventKind.STATUS:
            progress.say(f"the job is {event.text}")
