"""One attempt at a job: its process is listened to, kept within its limits, and what it says noted.

What comes of it is an Outcome, plain data, which DBOS keeps before the job is said to have ended.
"""

import threading
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from functools import cached_property
from typing import Any

from condarium.jobs.carrying_out.child import Task
from condarium.jobs.carrying_out.log_writing import LogWriter
from condarium.jobs.carrying_out.processes import Forge, JobProcess
from condarium.model.actor import JobClaim
from condarium.model.jobs import EventKind, JobError, JobEvent, JobStatus, Order
from condarium.settings.withheld import for_jobs
from condarium.storage.store import Store

_TICK = 0.2
"""How often, in seconds, limits are looked at."""
_STARTING = "start"

Outcome = dict[str, Any]
"""`{"status": …}` with what belongs to it: `result`, `error`, `phases`, `passing`."""

_OTHERWISE = {"time": ", unless it is said with --job-time, or by whoever lends its machine"}

HANDED_BACK = "handed-back"
"""The status of an attempt that its worker gave up, because it ends."""


@dataclass
class Attempt:
    """An attempt that goes on; another thread may `stop` it."""

    store: Store
    order: Order
    claim: JobClaim
    began: float = field(default_factory=time.monotonic)
    reason: str | None = None
    refusal: JobError | None = None
    """Why it may not go on."""
    _phases: dict[str, float] = field(default_factory=dict)
    _phase: str = _STARTING
    _since: float = 0.0
    _final: dict[str, Any] | None = None
    _stopping: threading.Event = field(default_factory=threading.Event)

    @cached_property
    def log(self) -> LogWriter:
        return LogWriter(self.store, self.claim.job)

    def stop(self, reason: str) -> None:
        """End it: `reason` is the status that it then has."""
        self.reason = self.reason or reason
        self._stopping.set()

    def refuse(self, why: JobError) -> None:
        """End it: it fails, of this."""
        self.refusal = why
        self._stopping.set()

    def run(self, forge: Forge) -> Outcome:
        self._since = time.monotonic()
        task = Task(settings=for_jobs(self.store.settings), order=self.order, claim=self.claim)
        try:
            process = forge.start(task)
        except OSError as error:
            return _not_begun(error)
        try:
            exceeded = self._listen(process)
        finally:
            process.kill()
            self.log.close()
        self._begin_phase("")
        return {**self._outcome(exceeded), "phases": self._phases}

    def _listen(self, process: JobProcess) -> JobError | None:
        """Listen until it is gone; give the limit that it exceeded, if it did."""
        looked = time.monotonic()
        while not self._stopping.is_set():
            if not self._hear_all(process, _TICK):
                return None
            if time.monotonic() - looked >= _TICK:
                looked = time.monotonic()
                if exceeded := self._exceeded(process):
                    return exceeded
        while process.speaks() and self._hear_all(process, 0.0):
            pass  # one that has ended its work meanwhile is not begun again
        return None

    def _hear_all(self, process: JobProcess, patience: float) -> bool:
        """Hear what it says now; False where there is no more to come."""
        messages = process.messages(patience)
        for message in messages or ():
            self._hear(message, process)
        return messages is not None and self._final is None

    def _hear(self, message: Mapping[str, Any], process: JobProcess) -> None:
        match message:
            case {"pid": int(pid)}:
                process.pid = pid
            case {"phase": str(name)}:
                self._begin_phase(name)
                self._note(EventKind.PHASE, text=name, total=message["total"], unit=message["unit"])
            case {"done": int(done)}:
                self._note(EventKind.ADVANCE, done=done)
            case {"say": str(text)}:
                self._note(EventKind.SAY, text=text)
            case {"log": str(text)}:
                self._note(EventKind.LOG, text=text)
            case _:
                self._final = dict(message)

    def _begin_phase(self, name: str) -> None:
        now = time.monotonic()
        self._phases[self._phase] = self._phases.get(self._phase, 0.0) + now - self._since
        self._phase, self._since = name, now

    def _note(self, kind: EventKind, **fields: Any) -> None:
        event = JobEvent(number=0, at=self.store.now(), kind=kind, phase=self._phase, **fields)
        self.log.add(event)

    def _exceeded(self, process: JobProcess) -> JobError | None:
        limits = self.order.limits
        took = timedelta(seconds=time.monotonic() - self.began)
        if took > limits.wall_time:
            return _limit("time", f"{limits.wall_time.total_seconds():.0f} seconds", took)
        found = process.memory()
        if found > limits.memory:
            return _limit("memory", f"{limits.memory} bytes", found)
        return None

    def _outcome(self, exceeded: JobError | None) -> Outcome:
        if self._final and "result" in self._final:
            return {"status": str(JobStatus.SUCCEEDED), "result": self._final["result"]}
        if self._final:
            passing = bool(self._final.get("passing"))
            failed = {"status": str(JobStatus.FAILED), "error": self._final["error"]}
            return {**failed, "passing": passing}
        if exceeded:
            return {"status": str(JobStatus.FAILED), "error": asdict(exceeded)}
        if self.refusal:
            return {"status": str(JobStatus.FAILED), "error": asdict(self.refusal)}
        if self.reason:
            return {"status": self.reason}
        died = JobError(
            code="job-process-died",
            message="the job's process ended without a word",
            hint="It was killed from outside; the system does that where memory runs out.",
        )
        return {"status": str(JobStatus.FAILED), "error": asdict(died), "passing": True}


def _not_begun(error: OSError) -> Outcome:
    said = JobError(code="job-not-begun", message=f"no process could be started for it: {error}")
    return {"status": str(JobStatus.FAILED), "error": asdict(said), "passing": True}


def _limit(what: str, limit: str, found: object) -> JobError:
    said = (
        f"{found.total_seconds():.0f} seconds" if isinstance(found, timedelta) else f"{found} bytes"
    )
    otherwise = _OTHERWISE.get(what, "")
    return JobError(
        code=f"too-much-{what}",
        message=f"the job took more {what} than it may: found {said}; expected at most {limit}",
        hint=f"CONDARIUM_JOB_{what.upper()} says how much each job may take{otherwise}.",
        data={"limit": limit, "found": said},
    )
