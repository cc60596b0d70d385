"""A server's job, followed until it ends: what happens in it is shown as if it happened here."""

import json
import time
from collections.abc import Callable

from condarium.client.requests import PREFIX
from condarium.client.server_errors import error_of, make_error
from condarium.engine.network.api import Api, Event, Question, ServerUnreachable, Unanswered
from condarium.errors import CondariumError, Failed
from condarium.model.from_plain import from_plain
from condarium.model.jobs import EventKind, Job, JobEvent, JobStatus
from condarium.model.progress import Listener, Progress

_PATIENCE = 60.0
"""Seconds for which a server may be gone."""
_PAUSE, _LONGEST_PAUSE = 0.1, 3.0
_END = "end"
_ENDED = [status for status in JobStatus if status.ended]


class JobOutOfSight(Failed):
    """A job's server has gone, and the job may go on."""

    def __init__(self, url: str, job: int, reason: str) -> None:
        self.url, self.job, self.reason = url, job, reason
        super().__init__(
            f"the server at {url} has not answered for a minute ({reason}); it keeps job {job}, "
            "which goes on when it can",
            hint=f"`condarium job logs -f {job}` follows it; `condarium job show {job}` says how "
            "it ended.",
        )


class JobCancelled(Failed):
    """The job was cancelled before it had ended."""

    def __init__(self, job: int) -> None:
        self.job = job
        super().__init__(
            f"job {job} was cancelled before it had ended",
            hint=f"`condarium job retry {job}` begins it again.",
        )


def follow(api: Api, job: Job, progress: Progress) -> Job:
    """Show what happens in a job until it has ended; a Ctrl-C cancels it.

    Raises JobOutOfSight, and what the server says where the job may not be seen.
    """
    try:
        return _follow(api, job.id, _Shown(progress))
    except KeyboardInterrupt:
        _cancel(api, job, progress)
        raise


def follow_log(
    api: Api, job: int, progress: Progress, *, phase: str | None, grep: str | None
) -> tuple[Job, int]:
    """Tell what happens in a job until it has ended; give it, and how many events were told of."""
    shown = _Shown(progress, lambda event: event.is_asked(phase=phase, text=grep))
    return _follow(api, job, shown), shown.count


def error_of_job(job: Job) -> CondariumError:
    """Why a job that has ended did not succeed."""
    found = job.error
    if found is None or job.status is JobStatus.CANCELLED:
        return JobCancelled(job.id)
    return make_error(found.code, found.message, found.hint, found.data)


def _follow(api: Api, job: int, shown: "_Shown") -> Job:
    path = f"{PREFIX}/jobs/{job}/events"
    last: str | None = None
    lost: float | None = None
    pause = _PAUSE
    while True:
        reason = "the connection ended"
        try:
            for event in api.events(path, after=last):
                lost, pause = None, _PAUSE
                if event.kind == _END:
                    return _job(event)
                last = event.id or last
                shown.take(event)
        except ServerUnreachable as error:
            reason = error.reason
        except Unanswered as other:
            reason = f"HTTP status {other.answer.status}"
            if other.answer.status < 500:
                raise error_of(other.answer, api.url, "job logs") from None
        lost = lost or time.monotonic()
        if time.monotonic() - lost > _PATIENCE:
            raise JobOutOfSight(api.url, job, reason)
        time.sleep(pause)
        pause = min(pause * 2, _LONGEST_PAUSE)


def _cancel(api: Api, job: Job, progress: Progress) -> None:
    """Ask for the job's end: whoever presses Ctrl-C again need not wait for the answer."""
    place = f"job {job.id} at {api.url}"
    try:
        answer = api.ask(Question(method="POST", path=f"{PREFIX}/jobs/{job.id}/cancel", body={}))
        failed = error_of(answer, api.url, "job cancel") if answer.status >= 400 else None
    except CondariumError as error:
        failed = error
    if failed:
        progress.say(f"{place} could not be cancelled: {failed.message}")
    else:
        progress.say(f"{place} is cancelled")


def _job(event: Event) -> Job:
    found: Job = from_plain(Job, json.loads(event.data), where="the job")
    return found


class _Shown:
    """Passes a job's events on to a Progress, which counts steps where they count sums."""

    def __init__(
        self, progress: Progress, is_asked: Callable[[JobEvent], bool] = lambda _: True
    ) -> None:
        self._progress, self._is_asked, self._done = progress, is_asked, 0
        self._ended, self.count = False, 0

    def take(self, event: Event) -> None:
        if event.kind not in list(EventKind):
            return  # a sign of life, or what a newer server says besides
        found: JobEvent = from_plain(JobEvent, json.loads(event.data), where="the event")
        if not self._is_asked(found):
            return
        self.count += 1
        if isinstance(self._progress, Listener):
            self._progress.hear(found)
            return
        match found.kind:
            case EventKind.PHASE:
                self._done = 0
                self._progress.phase(found.text or found.phase, found.total, found.unit)
            case EventKind.ADVANCE if found.done is not None:
                self._progress.advance(found.done - self._done)
                self._done = found.done
            case EventKind.STATUS:
                self._ended = found.text in _ENDED
            case EventKind.SAY if not self._ended:  # why it ended, its error says
                self._progress.say(found.text)
            case EventKind.LOG:
                self._progress.log(found.text)
