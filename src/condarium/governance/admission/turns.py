"""Whose turn it is on a resource, of all who wait for it, and why the others wait."""

from collections import Counter
from collections.abc import Collection
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from condarium.model.governance.grants import GrantState
from condarium.model.governance.resources import Resource
from condarium.model.governance.scheduling import SHARE_OF, Choice, order, waiting_of

if TYPE_CHECKING:
    from condarium.storage.facts import Facts


def turn(
    facts: "Facts", resource: Resource, now: datetime, *, jobs: Collection[int] | None = None
) -> Choice:
    """Choose among what waits; what waits on a grant that is suspended stands aside.

    With `jobs`, only these of our own workers' jobs are in line. One whose grant is over stays in
    it: it is refused when it begins.
    """
    waiting = facts.admissions.waiting(resource.name)
    if jobs is not None:
        waiting = [each for each in waiting if each.job in jobs]
    grants = facts.grants.all(numbers={each.grant for each in waiting if each.grant is not None})
    states = {grant.id: grant.state(now) for grant in grants}
    able, aside = [], {}
    for each in waiting:
        state = states.get(each.grant or 0)
        if state is GrantState.ACTIVE or (each.job and state and state.over):
            able.append(waiting_of(each))
        else:
            aside[each.id] = f"its grant {each.grant} is {state}"
    held = [waiting_of(each) for each in facts.admissions.running(resource.name)]
    choice = order(
        able,
        resource=resource.name,
        shares=facts.ledger.used_since(now - SHARE_OF, resource, now=now),
        running=Counter(each.project for each in held),
        most_per_project=resource.settings.most_per_project,
        capacity=resource.settings.capacity,
    )
    return replace(choice, reasons={**choice.reasons, **aside})
