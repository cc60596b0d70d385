"""Who may use more after a change, and what guards it no more: said before it is made."""

from collections.abc import Iterator

from condarium.governance.files.spelling import say_span
from condarium.governance.files.state import SaidResource, State
from condarium.governance.planning.effects import grant_key
from condarium.model.governance.conditions_text import say_conditions
from condarium.model.governance.grants import Conditions, Lending
from condarium.model.governance.narrowing import gone, has_other_events, is_less
from condarium.model.governance.projects import with_id
from condarium.model.governance.resources import Approvals


def gains(before: State, after: State) -> tuple[str, ...]:
    """Whose use begins or is widened, and which guards fall, a line for each."""
    return (*_resources(before, after), *_grants(before, after))


def _resources(before: State, after: State) -> Iterator[str]:
    for name, was in before.resources.items():
        if (now := after.resources.get(name)) is not None:
            yield from (f"everybody on {name}: {each}" for each in _looser(was, now))


def _looser(was: SaidResource, now: SaidResource) -> Iterator[str]:
    before, after = was.settings, now.settings
    if _asks_less(before.rule, after.rule):
        yield f"who asks needs {_rule(after.rule)}, no more {_rule(before.rule)}"
    if before.terms and not after.terms:
        yield f"nobody has to accept the terms {before.terms}"
    if before.unique_label and not after.unique_label:
        yield "jobs need no label of their own run, so that another's runner may take them"
    if after.longest_job > before.longest_job:
        yield f"jobs may take {say_span(after.longest_job)}"
    if is_less(after.most_per_project, before.most_per_project):
        yield f"a project may run {after.most_per_project or 'any number of'} jobs at once"
    if after.factor < before.factor:
        yield "an hour costs less"
    if after.public and not before.public:
        yield "they see it, and who may use it"


def _asks_less(before: tuple[Approvals, ...], after: tuple[Approvals, ...]) -> bool:
    counts = {(each.kind, each.group): each.count for each in after}
    return any(each.count > counts.get((each.kind, each.group), 0) for each in before)


def _rule(rule: tuple[Approvals, ...]) -> str:
    return " and ".join(map(str, rule))


def _grants(before: State, after: State) -> Iterator[str]:
    had = {grant_key(each): each for each in before.grants}
    for now in after.grants:
        was, who = had.get(grant_key(now)), f"{now.project} on {now.resource}"
        if now.suspended:
            continue
        if was is None or was.suspended:
            begins = "use begins" if was is None else "no more suspended"
            yield f"{who}: {begins} ({'; '.join(say_conditions(now.lending.conditions))})"
        if was is not None:
            yield from (f"{who}: {each}" for each in _wider(was.lending, now.lending))


def _wider(before: Lending, after: Lending) -> Iterator[str]:
    if has_other_events(before, after):
        named = ", ".join(after.conditions.events)
        yield f"the events {named}" if named else "no events are named"
    yield from _conditions(before.conditions, after.conditions)
    if is_less(after.quota, before.quota):
        yield "its quota is larger" if after.quota is not None else "no quota"
    if before.expires_at and (not after.expires_at or after.expires_at > before.expires_at):
        yield f"it ends at {after.expires_at:%FT%TZ}" if after.expires_at else "it does not end"
    if before.starts_at and (not after.starts_at or after.starts_at < before.starts_at):
        yield "it begins earlier"


def _conditions(before: Conditions, after: Conditions) -> Iterator[str]:
    if after.pull_request and not before.pull_request:
        yield "pull requests too"
    if after.fork_approval and not before.fork_approval:
        yield "commits of forks can be approved"
    for what in ("branches", "roles"):
        was, now = getattr(before, what), getattr(after, what)
        if was and (not now or not set(now) <= set(was)):
            yield f"any {what}" if not now else f"the {what} {', '.join(now)}"
    for fork in gone(after.trusted_forks, before.trusted_forks):
        yield f"the fork {with_id(fork)} is trusted"
    if before.people is not None:
        if after.people is None:
            yield "anybody may trigger jobs"
        for person in gone(after.people or (), before.people):
            yield f"{with_id(person)} may trigger jobs"
