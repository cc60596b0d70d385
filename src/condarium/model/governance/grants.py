"""Grants: who may use what. A grant is a sequence of decisions, and its state a view of them."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from condarium.model.governance.amounts import Period
from condarium.model.governance.projects import Person, Project

USUAL_EVENTS = ("push", "schedule", "workflow_dispatch", "release", "merge_group", "job")
"""What a job may run for where a grant names no events. Anybody can comment, star or fork, and so
start workflows that run for that as if they were of the project."""


@dataclass(frozen=True, kw_only=True)
class Conditions:
    """What must be true of a job; each that is given must hold.

    `branches` and `events` are names; empty for any branch, and for the events of `USUAL_EVENTS`,
    which only those bring about who may write to a repository: others have to be named. A job of a
    pull request needs `pull_request`, whatever the events. One of a fork needs that fork among
    `trusted_forks`, or, where `fork_approval` is set, that its commit was approved. `people` are
    those who may trigger jobs (None for anybody), `roles` what they are in the repository (empty
    for any). `people_from` is where a list of people is kept elsewhere: its URL is carried along
    and trusted with nothing.
    """

    branches: tuple[str, ...] = ()
    events: tuple[str, ...] = ()
    pull_request: bool = False
    trusted_forks: tuple[Project, ...] = ()
    fork_approval: bool = False
    people: tuple[Person, ...] | None = None
    people_from: str | None = None
    roles: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Lending:
    """On what a grant is: conditions, microcredits in each period (None for no limit), its end.

    1,000,000 microcredits are a credit. `called` is what lists elsewhere know the
    grant by (an id of a policy at Cirun).
    """

    conditions: Conditions = Conditions()
    quota: int | None = None
    period: Period = Period.MONTH
    starts_at: datetime | None = None
    expires_at: datetime | None = None
    called: str = ""


class GrantChange(StrEnum):
    """What a decision about a grant did."""

    GRANTED = "granted"
    CHANGED = "changed"
    RENEWED = "renewed"
    SUSPENDED = "suspended"
    RESUMED = "resumed"
    REVOKED = "revoked"
    NOTICED = "noticed"
    """People were told something about it; nothing changed."""


class GrantState(StrEnum):
    ACTIVE = "active"
    SUSPENDED = "suspended"
    REVOKED = "revoked"
    EXPIRED = "expired"
    NOT_YET = "not-yet"

    @property
    def over(self) -> bool:
        return self in (self.REVOKED, self.EXPIRED)


@dataclass(frozen=True, kw_only=True)
class GrantDecision:
    """A decision about a grant; its numbers count from 1. `lending` is what holds from then on.

    `by` is the name of whoever decided, `principal` their id (None for the store's owner).
    """

    number: int
    at: datetime
    change: GrantChange
    by: str
    principal: str | None
    reason: str
    lending: Lending


_TURNING = (GrantChange.REVOKED, GrantChange.SUSPENDED, GrantChange.RESUMED)


@dataclass(frozen=True, kw_only=True)
class Grant:
    """The right of a project to use a resource, as of an instant.

    `decisions` are those until then, the oldest first. `request` is the number of what asked.
    `used_at` is when a job last began under it, where that was asked.
    """

    id: int
    resource: str
    project: Project
    decisions: tuple[GrantDecision, ...]
    request: int | None = None
    used_at: datetime | None = None

    @property
    def lending(self) -> Lending:
        return self.decisions[-1].lending

    @property
    def granted_at(self) -> datetime:
        return self.decisions[0].at

    @property
    def granted_by(self) -> str:
        return self.decisions[0].by

    @property
    def turned(self) -> GrantDecision:
        """The last decision on whether it may be used at all, whatever was changed after it."""
        for each in reversed(self.decisions):
            if each.change in _TURNING:
                return each
        return self.decisions[0]

    @property
    def suspended(self) -> bool:
        return self.turned.change is GrantChange.SUSPENDED

    def state(self, now: datetime) -> GrantState:
        lending = self.lending
        for decision in self.decisions:
            if decision.change is GrantChange.REVOKED:
                return GrantState.REVOKED
        if lending.expires_at is not None and now >= lending.expires_at:
            return GrantState.EXPIRED
        if self.suspended:
            return GrantState.SUSPENDED
        if lending.starts_at is not None and now < lending.starts_at:
            return GrantState.NOT_YET
        return GrantState.ACTIVE


def as_of(decisions: Iterable[GrantDecision], at: datetime) -> tuple[GrantDecision, ...]:
    """Those decisions that had been made by then."""
    return tuple(each for each in decisions if each.at <= at)
