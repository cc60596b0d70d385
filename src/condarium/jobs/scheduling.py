"""Schedules: what is due becomes a job, once, by whichever worker comes first."""

import logging
import re
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any

from condarium.errors import BadInput, CondariumError
from condarium.jobs.asking import bell
from condarium.jobs.asking.arguments import NotAJob, check_keeps, pack, unpack
from condarium.jobs.asking.submitting import add, subject
from condarium.model.access.decisions import PLATFORM
from condarium.model.actor import Actor
from condarium.model.document import Document
from condarium.model.jobs import Job, Order, Schedule
from condarium.operation import Operation
from condarium.settings.worker import JobSettings
from condarium.storage.facts import Facts
from condarium.storage.store import Store
from condarium.storage.work.schedules import NoSuchSchedule

_log = logging.getLogger(__name__)
_ITSELF = Actor(name="condarium")
_BUILTIN = {
    "gc": "17 3 * * *",
    "job prune": "47 2 * * *",
    "grant review-due": "37 4 * * *",
}
"""What a new store does by itself: each day, while few are at work."""


_NAMES = "sun|mon|tue|wed|thu|fri|sat|jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec"
_FIELD = rf"(?:[0-9*,/-]|{_NAMES})+"
_CRON = re.compile(rf"{_FIELD}(?: {_FIELD}){{4}}", re.ASCII | re.IGNORECASE)
"""What every cron understands, and nothing that depends on when one asks, as `R` would."""


class UnknownOperation(BadInput):
    """The operation of a schedule is not one of this condarium's, or not any more."""

    def __init__(self, operation: str) -> None:
        self.operation = operation
        super().__init__(f"this condarium has no operation {operation!r}")


class BadCron(BadInput):
    """This does not say when."""

    def __init__(self, found: str) -> None:
        self.found = found
        super().__init__(
            f"cron: found {found!r}; expected five fields: minute, hour, day, month, day of week",
            hint="For example '0 3 * * *': each day at three, in UTC.",
        )


def next_time(cron: str, after: datetime) -> datetime:
    """When something is due next, in UTC. Raises BadCron."""
    from croniter import (  # type: ignore[import-untyped]  # it has no types
        CroniterError,
        croniter,
    )

    if not _CRON.fullmatch(" ".join(cron.split())):
        raise BadCron(cron)
    try:
        found: datetime = croniter(cron, after).get_next(type(after))
    except (CroniterError, ValueError, KeyError, AttributeError) as error:
        raise BadCron(cron) from error
    return found


def with_next(schedule: Schedule) -> Schedule:
    """A schedule that says when it is due; one that is off never is."""
    from dataclasses import replace

    try:
        _operation(schedule)
        after = schedule.last_at or schedule.created_at
        following = next_time(schedule.cron, after) if schedule.enabled else None
    except CondariumError as error:
        return replace(schedule, problem=error.message)
    return replace(schedule, next_at=following)


def create(
    store: Store,
    name: str,
    operation: Operation,
    arguments: Mapping[str, Any],
    *,
    cron: str,
    actor: Actor,
) -> Schedule:
    """Have an operation become a job at certain times.

    It will run with the rights of the store's owner: so only who may run it on anything may say so.
    Raises NotAJob, BadCron, NotPermitted, ScheduleExists.
    """
    check_keeps(operation)
    if not (operation.changes or operation.job):
        raise NotAJob(operation.name, "it changes nothing, and nobody would see its answer")
    if any(isinstance(value, Document) for value in arguments.values()):
        raise NotAJob(operation.name, "a schedule keeps no files")
    next_time(cron, store.now())
    actor.require(operation.permission, PLATFORM)
    packed, _ = pack(arguments, store.blobs)
    schedule = Schedule(
        name=name,
        operation=operation.name,
        arguments=packed,
        cron=" ".join(cron.split()),
        enabled=True,
        created_at=store.now(),
        created_by=actor.name,
    )
    detail = {"operation": operation.name, "cron": schedule.cron}
    with store.database.change(actor, "schedule create", name, detail) as facts:
        facts.schedules.add(schedule)
    return with_next(schedule)


def add_builtin(facts: Facts, *, at: datetime) -> None:
    """Give a new store the schedules that keep it tidy."""
    for operation, cron in _BUILTIN.items():
        facts.schedules.add_new(
            Schedule(
                name=operation.replace(" ", "-"),
                operation=operation,
                arguments={},
                cron=cron,
                enabled=True,
                created_at=at,
                created_by="condarium",
            )
        )


def submit_due(store: Store) -> list[Job]:
    """Make jobs of what is due; what was missed several times becomes one.

    A schedule that cannot become a job is turned off, and the others go on.
    """
    now = store.now()
    with store.database.read() as facts:
        found = [each for each in facts.schedules.list() if each.enabled]
    return [job for each in found if (job := _try(store, each, now))]


def run(store: Store, name: str, *, actor: Actor) -> Job:
    """Make a job of a schedule now, whatever its time. Raises NoSuchSchedule."""
    with store.database.change(actor, "schedule run", name) as facts:
        job = _submit(facts, facts.schedules.get(name), store)
        facts.schedules.ran(name, at=store.now(), job=job.id)
    bell.ring()
    return job


def switch(store: Store, name: str, *, enabled: bool, actor: Actor) -> Schedule:
    """Turn a schedule on or off. Raises NoSuchSchedule."""
    action = "schedule enable" if enabled else "schedule disable"
    with store.database.change(actor, action, name) as facts:
        facts.schedules.enable(name, enabled=enabled, at=store.now())
        return with_next(facts.schedules.get(name))


def remove(store: Store, name: str, *, actor: Actor) -> Schedule:
    """Forget a schedule, and give it. Raises NoSuchSchedule."""
    with store.database.change(actor, "schedule remove", name) as facts:
        schedule = facts.schedules.get(name)
        facts.schedules.remove(name)
    return schedule


def _try(store: Store, schedule: Schedule, now: datetime) -> Job | None:
    name = schedule.name
    try:
        return _submit_if_due(store, name, now) if _is_due(schedule, now) else None
    except BadInput as error:  # it will be as wrong the next time
        _log.error("a schedule is off now", extra={"schedule": name, "why": error.message})
        with suppress(NoSuchSchedule):
            switch(store, name, enabled=False, actor=_ITSELF)
    except Exception as error:  # noqa: BLE001 - one schedule's boundary
        _log.error("a schedule fails", extra={"schedule": name, "why": str(error)})
    return None


def _submit_if_due(store: Store, name: str, now: datetime) -> Job | None:
    with store.database.note() as facts:
        facts.jobs.lock_choosing()
        schedule = facts.schedules.get(name)
        if not _is_due(schedule, now):
            return None  # another worker came first
        job = _submit(facts, schedule, store)
        facts.schedules.ran(name, at=now, job=job.id)
    bell.ring()
    return job


def _submit(facts: Facts, schedule: Schedule, store: Store) -> Job:
    operation = _operation(schedule)
    limits = JobSettings.read(store.settings.environ)
    kind, resource, target = subject(unpack(operation, schedule.arguments, store.blobs))
    order = Order(
        operation=operation.name,
        arguments=schedule.arguments,
        target=target,
        kind=kind,
        resource=resource,
        actor=f"schedule {schedule.name}",
        most_attempts=limits.most_attempts,
        limits=limits.limits,
        schedule=schedule.name,
    )
    return add(facts, order, store)


def _operation(schedule: Schedule) -> Operation:
    """Raises UnknownOperation."""
    from condarium.app import operations

    if schedule.operation not in operations():
        raise UnknownOperation(schedule.operation)
    return operations()[schedule.operation]


def _is_due(schedule: Schedule, now: datetime) -> bool:
    if not schedule.enabled:
        return False
    return next_time(schedule.cron, schedule.last_at or schedule.created_at) <= now
