"""What files want, once it is laid beside what there is: what they leave open is taken from that.

A file need not say the id of a project or of a person: it is theirs whom the grant names already.
It need not say from when a budget counts. And what it says has ended by now, it does not want.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from condarium.governance.files.state import SaidBudget, SaidGrant, SaidResource, State
from condarium.governance.planning.naming import Ids
from condarium.governance.planning.present import Present, budget_said, grant_said, standing
from condarium.model.governance.grants import Grant
from condarium.model.governance.projects import Project


def meant(wanted: State, there: Present, at: datetime) -> State:
    """The state that is meant. Terms that are published are never ended, so they belong to it."""
    held = Holders(there.grants)
    grants = [_grant(each, held.find(each.resource, each.project)) for each in wanted.grants]
    return State.of(
        terms={**there.state.terms, **wanted.terms},
        resources={
            name: _resource(name, each, there, at) for name, each in wanted.resources.items()
        },
        grants=[each for each in grants if not _has_ended(each.lending.expires_at, at)],
    )


class Holders:
    """Grants by who holds them: a project is that of its id, or that of its name where either
    of both has none."""

    def __init__(self, grants: Iterable[Grant]) -> None:
        self._by_id: dict[tuple[str, str | None], Grant] = {}
        self._by_name: dict[tuple[str, str], list[Grant]] = {}
        for grant in grants:
            if grant.project.key is not None:
                self._by_id[grant.resource, grant.project.key] = grant
            self._by_name.setdefault((grant.resource, _name(grant.project)), []).append(grant)

    def find(self, resource: str, project: Project) -> Grant | None:
        """The grant of a resource that a project has; the newest of several of one name."""
        named = self._by_name.get((resource, _name(project)), [])
        if project.key is None:
            return named[-1] if named else None
        nameless = [each for each in named if each.project.key is None]
        known = self._by_id.get((resource, project.key))
        return known or (nameless[-1] if nameless else None)


def _name(project: Project) -> str:
    return str(project).lower()


def _grant(wanted: SaidGrant, was: Grant | None) -> SaidGrant:
    """The grant with the ids that are known, under the name that it has."""
    if was is None:
        return wanted
    ids = Ids.of([grant_said(was)])
    named = replace(wanted.project, name=was.project.name)
    return ids.fill(replace(wanted, project=named))


def _resource(name: str, wanted: SaidResource, there: Present, at: datetime) -> SaidResource:
    was = there.resources.get(name)
    left = [budget_said(each) for each in standing(was.budgets, at)] if was else []
    budgets = []
    for budget in wanted.budgets:
        if not _has_ended(budget.ends_at, at):
            budgets.append(_budget(budget, left, at))
    return replace(wanted, budgets=tuple(budgets))


def _budget(wanted: SaidBudget, left: list[SaidBudget], at: datetime) -> SaidBudget:
    """The budget that there is already, where it is meant; each is meant once."""
    for each in left:
        if wanted.is_same(each):
            left.remove(each)
            return each
    return replace(wanted, starts_at=wanted.starts_at or at)


def _has_ended(end: datetime | None, at: datetime) -> bool:
    return end is not None and end <= at
