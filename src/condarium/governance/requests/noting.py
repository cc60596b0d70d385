"""What reviewers have to know of a request: what it would change, and what would pay for it."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from condarium.governance.grants.granting import standing_of
from condarium.model.governance.amounts import say_amount
from condarium.model.governance.changes import differences, following
from condarium.model.governance.grants import Grant, Lending
from condarium.model.governance.ledger import next_purse, purses
from condarium.model.governance.requests import Asked, Draft, Finding, Request
from condarium.model.governance.resources import Resource
from condarium.model.instants import say_instant

if TYPE_CHECKING:
    from condarium.storage.facts import Facts


def notes(facts: "Facts", request: Request, at: datetime) -> tuple[Finding, ...]:
    """What an approval at this instant would change, whether it could be used, and who pays."""
    if request.asked is Asked.REVOKE:
        return ()
    found = list(_nameless(request))
    for name in request.resources:
        resource = facts.resources.get(name)
        grant = standing_of(facts, name, request.project, at)
        if grant is not None:
            text = say_change(grant, lending_of(request, grant, at))
            found.append(Finding(stops=False, about=f"resource {name}", text=text))
        found += _budget(facts, request, resource, at)
    return tuple(found)


def lending_of(request: Request | Draft, grant: Grant | None, at: datetime) -> Lending:
    """What holds once it is approved at this instant: what it does not speak of stays."""
    ends = None if request.duration is None else at + request.duration
    asked = replace(request.lending, expires_at=ends)
    return asked if grant is None else following(grant.lending, asked)


def say_change(grant: Grant, lending: Lending) -> str:
    changed = "; ".join(differences(grant.lending, lending))
    kept = "what is not named here stays" if changed else "nothing of it changes"
    return f"grant {grant.id} is there: {changed}{'; ' if changed else ''}{kept}"


def _nameless(request: Request) -> Iterator[Finding]:
    if request.project.key is None:
        text = f"the id of {request.project} is not known: nothing is admitted until it is"
        hint = "`condarium access resolve` looks ids up where GitHub is connected."
        yield Finding(stops=False, about="project", text=text, hint=hint)


def _budget(
    facts: "Facts", request: Request, resource: Resource, at: datetime
) -> Iterator[Finding]:
    """What is left now, beside what is expected."""
    if not resource.budgets:
        return
    left = sum(facts.ledger.left(resource, at).values())
    said = f"{say_amount(left)} credits are left of its budgets"
    if not purses(resource.budgets, at):
        said = "no budget pays for it now"
    if (later := next_purse(resource.budgets, at)) is not None:
        said += f" until {say_instant(later)}"
    use = "it is not said how many" if request.use is None else f"{say_amount(request.use)} a month"
    yield Finding(stops=False, about=f"resource {resource.name}", text=f"{said}; expected: {use}")
