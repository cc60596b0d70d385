"""Who may use less after a change: said before it is made, and in words."""

from collections.abc import Iterator

from condarium.governance.files.state import SaidGrant, SaidResource, State
from condarium.model.governance.narrowing import narrower


def loses(before: State, after: State) -> tuple[str, ...]:
    """Whose use ends or is narrowed, a line for each."""
    left = {grant_key(each): each for each in after.grants}
    lines = [*_resources(before, after)]
    for grant in before.grants:
        lines += _lost(grant, left.get(grant_key(grant)))
    return tuple(lines)


def grant_key(grant: SaidGrant) -> tuple[str, str]:
    """Whose a grant is, of which resource: by the project's id, or its name where it has none."""
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
        yield from (f"{who}: {each}" for each in narrower(was.lending, now.lending))
