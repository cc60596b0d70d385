"""A worker: it takes jobs that it may and carries them out, and looks after other workers' jobs."""

import logging
import os
import secrets
import socket
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Self

from condarium.errors import CondariumError, Failed
from condarium.governance.admission import leases
from condarium.jobs.asking import bell
from condarium.jobs.carrying_out.child import said
from condarium.jobs.carrying_out.claiming import claim_next
from condarium.jobs.carrying_out.heartbeats import Heartbeats
from condarium.jobs.carrying_out.processes import Forge
from condarium.jobs.carrying_out.running import HANDED_BACK, Attempt, Outcome
from condarium.jobs.carrying_out.sealing import seal
from condarium.jobs.carrying_out.settling import release, settle, take_from_dead
from condarium.jobs.carrying_out.standing import refusal
from condarium.jobs.lending import using
from condarium.jobs.scheduling import add_builtin, submit_due
from condarium.model.actor import JobClaim
from condarium.model.jobs import Job, JobStatus
from condarium.settings.worker import WorkerSettings
from condarium.storage.database import import_whole
from condarium.storage.store import Store
from condarium.storage.work.jobs import NoSuchJob

if TYPE_CHECKING:
    from condarium.jobs.carrying_out.durable import Durable

_log = logging.getLogger(__name__)
_LOOK = 0.1
"""How often, in seconds, the database is asked for jobs, and for what became of those that run."""
_KEPT = timedelta(minutes=2)
"""How long what DBOS keeps of a job is kept once that has ended."""
_CANCEL_GRACE = 10.0
"""For how many seconds a cancelled job that has begun to change things may go on."""


class WorkerFailed(Failed):
    """The worker ended by itself."""


@dataclass
class Worker:
    """Some slots for jobs, in threads of this process; each job has a process of its own.

    >>> worker = Worker.start(store, WorkerSettings(slots=4))              # doctest: +SKIP
    >>> worker.stop()
    """

    store: Store
    settings: WorkerSettings
    id: str = field(default_factory=lambda: f"{socket.gethostname()[:40]}-{secrets.token_hex(6)}")
    _running: dict[JobClaim, Attempt] = field(default_factory=dict)
    _asked: dict[JobClaim, float] = field(default_factory=dict)
    _ending: threading.Event = field(default_factory=threading.Event)
    _leaving: threading.Event = field(default_factory=threading.Event)
    _others: Heartbeats = field(default_factory=Heartbeats)
    _forge: Forge = field(default_factory=Forge)
    _threads: list[threading.Thread] = field(default_factory=list)
    error: BaseException | None = None

    @classmethod
    def start(cls, store: Store, settings: WorkerSettings) -> Self:
        """Begin in the background. Raises what opening the store raises."""
        import_whole()
        seal()
        worker = cls(store, settings)
        worker._begin()
        return worker

    def stop(self) -> None:
        """End it: jobs may go on for the grace that is set, and are handed back after that."""
        self._ending.set()
        bell.ring()
        until = time.monotonic() + self.settings.grace.total_seconds()
        while self._running and time.monotonic() < until:
            time.sleep(0.05)
        for attempt in list(self._running.values()):
            attempt.stop(HANDED_BACK)
        while self._running and time.monotonic() < until + 10:
            time.sleep(0.05)
        self._leaving.set()
        for thread in self._threads:
            thread.join(20)
        self._forge.close()
        with suppress(CondariumError):
            take_from_dead(self.store, self.id, why="its worker ended")
        if self.error:
            raise WorkerFailed(f"the worker ended by itself: {self.error}") from self.error

    @property
    def ended(self) -> bool:
        """Whether it was told to end, or ended by itself."""
        return self._ending.is_set()

    def end(self) -> None:
        """Tell it to end, and do not wait."""
        self._ending.set()

    def _begin(self) -> None:
        store, settings = self.store, self.settings
        with store.database.note() as facts:
            if settings.schedules and not facts.workers.any():
                add_builtin(facts, at=store.now())
            facts.workers.begin(
                self.id,
                host=f"{socket.gethostname()} (process {os.getpid()})"[:255],
                queues=settings.queues,
                slots=settings.slots,
                at=store.now(),
            )
        for name, work in (("jobs", self._take_jobs), ("heart", self._look_after)):
            thread = threading.Thread(target=self._guarded, args=(work,), name=name, daemon=True)
            self._threads.append(thread)
            thread.start()

    def _guarded(self, work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException as error:  # noqa: BLE001 - told to whoever waits
            _log.exception("the worker ended by itself")
            self.error = error
        finally:
            self._ending.set()

    def _take_jobs(self) -> None:
        """Choose and begin jobs while there are free slots, until it ends."""
        from condarium.jobs.carrying_out.durable import Durable

        self._forge.warm()
        durable = Durable(
            self.store.settings,
            self.id,
            run=self._run,
            settle=self._settle,
            let_go=self._let_go,
            over=self._over,
        )
        try:
            while not self._ending.is_set() or (self._running and not self._leaving.is_set()):
                heard = bell.rings()
                if not self._attend(durable):
                    bell.wait(heard, _LOOK)
        finally:
            durable.stop()

    def _attend(self, durable: "Durable") -> bool:
        """Stop what is to be stopped, and begin one job: was there one?"""
        try:
            self._stop_lost()
            free = self.settings.slots - len(self._running)
            if free <= 0 or self._ending.is_set():
                return False
            durable.tidy()
            held = {claim.job for claim in self._running}  # one that was cancelled may go on yet
            queues = self.settings.queues
            claim = claim_next(self.store, self.id, queues, free, without=held)
            if claim is None:
                return False
            with self.store.database.read() as facts:
                asked_at = facts.jobs.get(claim.job).created_at
            self._running[claim] = self._attempt(claim)
        except CondariumError as error:
            _log.warning("the database is asked again soon", extra={"why": error.message})
            time.sleep(1)
            return False
        try:
            durable.start(claim, asked_at)
        except Exception:  # noqa: BLE001 - a job's boundary; the heart puts back what is not begun
            self._let_go(claim)
            _log.exception("a job could not be begun", extra={"job": claim.job})
            time.sleep(1)
        return True

    def _attempt(self, claim: JobClaim) -> Attempt:
        with self.store.database.read() as facts:
            order = facts.jobs.order(claim.job)
            admission = facts.admissions.of_job(claim.job)
        return Attempt(self.store, using.bounded(admission, order, self.store.now()), claim)

    def _stop_lost(self) -> None:
        """Stop attempts whose job was cancelled, removed, or taken over by another worker."""
        if not self._running:
            return
        with self.store.database.read() as facts:
            held = facts.jobs.held_by(self.id)
        for claim, attempt in list(self._running.items()):
            job = held.get(claim.job)
            if job is None or job.attempts != claim.attempt:
                attempt.stop(JobStatus.CANCELLED)
            elif job.cancelling:
                asked = self._asked.setdefault(claim, time.monotonic())
                if time.monotonic() - asked > _CANCEL_GRACE:
                    attempt.stop(JobStatus.CANCELLED)

    def _stop_refused(self) -> None:
        """Stop attempts at what its asker may not do any more; see `_stop_lost` for the grace."""
        for claim, attempt in list(self._running.items()):
            with self.store.database.read() as facts:
                over = using.refusal(facts, claim.job)
            error = over or refusal(self.store, attempt.order)
            if error is None:
                continue
            with self.store.database.read() as facts:
                committed = facts.jobs.is_committed(claim.job)
            asked = self._asked.setdefault(claim, time.monotonic())
            if not committed or time.monotonic() - asked > _CANCEL_GRACE:
                attempt.refuse(said(error))

    def _run(self, claim: JobClaim) -> Outcome:
        attempt = self._running.get(claim) or self._attempt(claim)
        return attempt.run(self._forge)

    def _settle(self, claim: JobClaim, outcome: Outcome) -> None:
        """Note what came of an attempt, however long the database does not answer.

        Where the worker ends before, another one finds the outcome kept.
        """
        while True:
            try:
                return settle(self.store, claim, outcome)
            except NoSuchJob:
                return None
            except CondariumError as error:
                if self._leaving.wait(1):
                    raise
                _log.warning("a job's end waits", extra={"job": claim.job, "why": error.message})

    def _over(self, jobs: Iterable[int]) -> frozenset[int]:
        with self.store.database.read() as facts:
            return facts.jobs.over(jobs, before=self.store.now() - _KEPT)

    def _let_go(self, claim: JobClaim) -> None:
        """Have its slot again, whatever came of it."""
        self._running.pop(claim, None)
        self._asked.pop(claim, None)
        bell.ring()

    def _look_after(self) -> None:
        """Say that this worker lives, take from those that do not, and submit what is due."""
        pause = self.settings.heartbeat.total_seconds()
        while True:
            try:
                self._beat()
                self._stop_refused()
                if not self._ending.is_set():
                    leases.expire(self.store)
                    submit_due(self.store)
            except CondariumError as error:
                self._others.forget()
                _log.warning("no heartbeat could be noted", extra={"why": error.message})
            until = time.monotonic() + pause
            while time.monotonic() < until:
                if self._ending.wait(until - time.monotonic()):
                    if not self._running or self._leaving.is_set():
                        return
                    time.sleep(_LOOK)

    def _beat(self) -> None:
        store, now = self.store, self.store.now()
        with store.database.note() as facts:
            if not facts.workers.beat(self.id, at=now):
                # it was taken for dead: others have its jobs, which it gives up by itself
                facts.workers.revive(self.id, at=now)
            beats = facts.workers.heartbeats()
            held = facts.jobs.held_by(self.id)
            facts.admissions.hear_of(
                held, at=now, lease_until=now + using.lease(self.settings.silence)
            )
            lost = [job for job in held.values() if self._forgot(job, now)]
            release(facts, lost, store, "its worker lost it")
        patience = self.settings.silence
        for worker in self._others.silent(beats, patience=patience, now=time.monotonic()):
            take_from_dead(store, worker, why=f"the worker {worker} fell silent")

    def _forgot(self, job: Job, now: datetime) -> bool:
        """Whether a job is noted as carried out here, and is not: nothing may stay stuck."""
        begun = job.started_at or now
        claim = JobClaim(job=job.id, attempt=job.attempts)
        return claim not in self._running and now - begun > self.settings.silence
