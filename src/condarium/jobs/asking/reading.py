"""A job's log: what is asked for of it, and what comes while the job goes on."""

from condarium.jobs.asking import bell, watching
from condarium.model.jobs import EventKind, Job, JobEvent, JobLog
from condarium.model.progress import Progress
from condarium.storage.store import Store

_PIECE = 1000
_SOON = 0.1


def log_of(store: Store, job: Job, *, phase: str | None, grep: str | None) -> JobLog:
    """The events of one phase, or that have a text in them; all without either."""
    events = watching.events_after(store, job.id)
    chosen = tuple(each for each in events if _is_asked(each, phase, grep))
    return JobLog(job=job, events=chosen, last=events[-1].number if events else 0)


def follow(
    store: Store, job: Job, *, phase: str | None, grep: str | None, progress: Progress
) -> JobLog:
    """Tell what happens until the job ends; nothing is left to be said then."""
    last, ended = 0, False
    while True:
        heard = bell.rings()
        ended = watching.job(store, job.id).status.ended
        events = watching.events_after(store, job.id, last, limit=_PIECE)
        for event in events:
            last = event.number
            if _is_asked(event, phase, grep):
                _tell(event, progress)
        if ended and not events:
            return JobLog(job=watching.job(store, job.id), events=(), last=last)
        if not events:
            bell.wait(heard, _SOON)


def _is_asked(event: JobEvent, phase: str | None, grep: str | None) -> bool:
    if phase is not None and event.phase != phase:
        return False
    return grep is None or grep.casefold() in event.text.casefold()


def _tell(event: JobEvent, progress: Progress) -> None:
    match event.kind:
        case EventKind.PHASE:
            progress.phase(event.text, event.total, event.unit)
        case EventKind.SAY:
            progress.say(event.text)
        case EventKind.STATUS:
            progress.say(f"the job is {event.text}")
