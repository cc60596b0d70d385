"""Who may use less after a change: said before it is made, and in words."""

from collections.abc import Iterable, Iterator
from typing import TypeVar

from condarium.governance.files.state import SaidGrant, SaidResource, State
from condarium.model.governance.grants import Conditions
from condarium.model.governance.projects import Person, Project, with_id

_W = TypeVar("_W", Project, Person)


def loses(before: State, after: State) -> tuple[str, ...]:
    """Whose use ends or is narrowed, a line for each."""
    left = {_key(each): each for each in after.grants}
    lines = [*_resources(before, after)]
    for grant in before.grants:
        lines += _lost(grant, left.get(_key(grant)))
    return tuple(lines)


def _key(grant: SaidGrant) -> tuple[str, str]:
    return (grant.resource, grant.project.key or str(grant.project).lower())


def _resources(before: State, after: State) -> Iterator[str]:
    for name, was in before.resources.items():
        now = after.resources.get(name)
        if now is None:
            yield f"everybody loses {name}: it is lent no more"
        else:
            yield from (f"everybody on {name}: {each}" for each in _tighter(name, was, now))
            if _terms(was, before) != _terms(now, after) and now.settings.terms:
                yield f"everybody on {name}: until they accept the terms {now.settings.terms}"


def _terms(resource: SaidResource, state: State) -> str | None:
    return state.terms.get(resource.settings.terms) if resource.settings.terms else None


def _tighter(name: str, was: SaidResource, now: SaidResource) -> Iterator[str]:
    before, after = was.settings, now.settings
    if after.longest_job < before.longest_job:
        yield "jobs may not take as long"
    if (after.label or name) != (before.label or name):
        yield f"jobs have to ask for {after.label or name}"
    if after.unique_label and not before.unique_label:
        yield "jobs need a label of their own run"


def _lost(was: SaidGrant, now: SaidGrant | None) -> Iterator[str]:
    who = f"{was.project} on {was.resource}"
    if was.suspended:
        return
    if now is None:
        yield f"{who}: all use ends"
    elif now.suspended:
        yield f"{who}: suspended"
    else:
        yield from (f"{who}: {each}" for each in _narrower(was, now))


def _narrower(was: SaidGrant, now: SaidGrant) -> Iterator[str]:
    before, after = was.lending, now.lending
    yield from _conditions(before.conditions, after.conditions)
    if _is_less(before.quota, after.quota) or before.period != after.period:
        yield "its quota is another one"
    if after.expires_at and (not before.expires_at or after.expires_at < before.expires_at):
        yield f"it ends at {after.expires_at:%FT%TZ}"
    if after.starts_at and (not before.starts_at or after.starts_at > before.starts_at):
        yield f"it does not begin before {after.starts_at:%FT%TZ}"


def _conditions(before: Conditions, after: Conditions) -> Iterator[str]:
    if before.pull_request and not after.pull_request:
        yield "no pull requests"
    if before.fork_approval and not after.fork_approval:
        yield "commits of forks can no more be approved"
    for what in ("branches", "events", "roles"):
        was, now = getattr(before, what), getattr(after, what)
        if now and (not was or not set(was) <= set(now)):
            yield f"only the {what} {', '.join(now)}"
    for fork in _gone(before.trusted_forks, after.trusted_forks):
        yield f"the fork {with_id(fork)} is not trusted"
    if after.people is not None:
        if before.people is None:
            named = ", ".join(map(with_id, after.people)) or "nobody"
            yield f"only people who are named: {named}"
        for person in _gone(before.people or (), after.people):
            yield f"{with_id(person)} may not trigger jobs"


def _gone(before: Iterable[_W], after: Iterable[_W]) -> list[_W]:
    left = {with_id(each).lower() for each in after}
    return [each for each in before if with_id(each).lower() not in left]


def _is_less(before: int | None, after: int | None) -> bool:
    return after is not None and (before is None or after < before)
