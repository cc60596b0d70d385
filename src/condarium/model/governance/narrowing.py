"""What is narrower about one lending than about another: pure, and in words."""

from collections.abc import Iterable, Iterator
from typing import TypeVar

from condarium.model.governance.grants import USUAL_EVENTS, Conditions, Lending
from condarium.model.governance.projects import Person, Project, with_id

_W = TypeVar("_W", Project, Person)


def narrower(before: Lending, after: Lending) -> Iterator[str]:
    """Say how less may be done after than before, a line for each."""
    yield from _conditions(before.conditions, after.conditions)
    if is_less(before.quota, after.quota) or before.period != after.period:
        yield "its quota is another one"
    if after.expires_at and (not before.expires_at or after.expires_at < before.expires_at):
        yield f"it ends at {after.expires_at:%FT%TZ}"
    if after.starts_at and (not before.starts_at or after.starts_at > before.starts_at):
        yield f"it does not begin before {after.starts_at:%FT%TZ}"


def is_wider(before: Lending, after: Lending) -> bool:
    """Whether more may be done after than before, in any way."""
    return any(narrower(after, before))


def has_other_events(before: Lending, after: Lending) -> bool:
    """Whether some event may be after that may not before."""
    was, now = _names(before.conditions, "events"), _names(after.conditions, "events")
    return not set(now) <= set(was)


def _conditions(before: Conditions, after: Conditions) -> Iterator[str]:
    if before.pull_request and not after.pull_request:
        yield "no pull requests"
    if before.fork_approval and not after.fork_approval:
        yield "commits of forks can no more be approved"
    for what in ("branches", "events", "roles"):
        was, now = _names(before, what), _names(after, what)
        if now and (not was or not set(was) <= set(now)):
            yield f"only the {what} {', '.join(now)}"
    for fork in gone(before.trusted_forks, after.trusted_forks):
        yield f"the fork {with_id(fork)} is not trusted"
    if after.people is not None:
        if before.people is None:
            named = ", ".join(map(with_id, after.people)) or "nobody"
            yield f"only people who are named: {named}"
        for person in gone(before.people or (), after.people):
            yield f"{with_id(person)} may not trigger jobs"


def _names(conditions: Conditions, what: str) -> tuple[str, ...]:
    """The names that are meant: none stands for any, of events for the usual ones."""
    found: tuple[str, ...] = getattr(conditions, what)
    return found or (USUAL_EVENTS if what == "events" else ())


def gone(before: Iterable[_W], after: Iterable[_W]) -> list[_W]:
    """Those who were before, and are not after, by name and id."""
    left = {with_id(each).lower() for each in after}
    return [each for each in before if with_id(each).lower() not in left]


def is_less(before: int | None, after: int | None) -> bool:
    """Whether a limit is lower than it was; None is no limit."""
    return after is not None and (before is None or after < before)
