"""What is checked of a request before it is asked: each check gives what it found."""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from condarium.errors import NotFound
from condarium.governance.grants.granting import standing_of
from condarium.governance.requests.identifying import may_know
from condarium.governance.requests.noting import lending_of, say_change
from condarium.governance.requests.requests import grants_of
from condarium.model.actor import Actor, Permission
from condarium.model.governance.amounts import say_amount
from condarium.model.governance.grants import Grant, Lending
from condarium.model.governance.ledger import next_purse, purses
from condarium.model.governance.projects import Person, PersonKind, ProjectKind
from condarium.model.governance.requests import Asked, Draft, Finding, RequestState
from condarium.model.governance.resources import Resource
from condarium.model.instants import say_instant

if TYPE_CHECKING:
    from condarium.storage.facts import Facts

LONGEST_PURPOSE = 4000
_LONGEST_WORD = 255
_MOST = 100
_SHORTEST = timedelta(hours=1)
_LONGEST = timedelta(days=3660)


def all_findings(facts: "Facts", draft: Draft, actor: Actor, at: datetime) -> list[Finding]:
    """Everything that is wrong with a request, or worth knowing, in the order of its parts."""
    resources = list(_lent(facts, draft, actor))
    found = [*_project(facts, draft, actor), *_resources(draft, resources), *_purpose(draft)]
    found += _open_already(facts, draft)
    if draft.asked is Asked.REVOKE:
        return [*found, *_nothing_to_revoke(facts, draft, resources, at)]
    found += [*_duration(draft), *_conditions(draft)]
    for resource in resources:
        found += _terms(facts, draft, resource, actor)
        found += _budget(facts, draft, resource, at)
        found += _covered(facts, draft, resource, at)
    return found


def _lent(facts: "Facts", draft: Draft, actor: Actor) -> Iterator[Resource]:
    """The resources that there are, as far as the actor may know of them."""
    for name in draft.resources:
        try:
            found = facts.resources.get(name)
        except NotFound:
            continue
        if actor.may(Permission.RESOURCE_READ, facts.resources.thing(name)):
            yield found


def _project(facts: "Facts", draft: Draft, actor: Actor) -> Iterator[Finding]:
    project = draft.project
    if project.kind is not ProjectKind.NAMESPACE:
        return
    if not may_know(actor, project) or not facts.namespaces.is_there(project.name):
        hint = "`condarium namespace list` shows those that you see."
        yield _stop("project", f"there is no namespace {project.name}", hint)


def _resources(draft: Draft, lent: list[Resource]) -> Iterator[Finding]:
    if not draft.resources:
        yield _stop("resources", "none is named", "`condarium resource list` shows them.")
    if len(draft.resources) > _MOST:
        yield _stop("resources", f"found {len(draft.resources)}; expected at most {_MOST}")
    known = {each.name for each in lent}
    for name in draft.resources:
        if name not in known:
            hint = "`condarium resource list` shows those that there are."
            yield _stop(f"resource {name}", "there is none of this name", hint)
    for each in lent:
        if each.retired_at is not None and draft.asked is Asked.USE:
            yield _stop(f"resource {each.name}", "it is retired: nothing more is lent of it")


def _purpose(draft: Draft) -> Iterator[Finding]:
    if not 0 < len(draft.purpose) <= LONGEST_PURPOSE:
        said = f"found {len(draft.purpose)} characters; expected 1 to {LONGEST_PURPOSE}"
        yield _stop("purpose", said, "Say to reviewers what it is for, and to what end.")


def _open_already(facts: "Facts", draft: Draft) -> Iterator[Finding]:
    wanted = set(draft.resources)
    for each in facts.requests.all(state=RequestState.OPEN, project=draft.project):
        same = sorted(wanted & set(each.resources))
        if same and each.asked is draft.asked:
            hint = f"Withdraw that one to ask anew: condarium request withdraw {each.id}"
            said = f"request {each.id} is open and asks for {', '.join(same)} already"
            yield _stop("project", said, hint)


def _nothing_to_revoke(
    facts: "Facts", draft: Draft, resources: Iterable[Resource], at: datetime
) -> Iterator[Finding]:
    for each in resources:
        if not grants_of(facts, draft.project, [each.name], at):
            yield _stop(f"resource {each.name}", f"{draft.project} has no grant of it to revoke")


def _duration(draft: Draft) -> Iterator[Finding]:
    if draft.duration is not None and not _SHORTEST <= draft.duration <= _LONGEST:
        said = f"found {_days(draft.duration)}; expected from an hour to {_LONGEST.days} days"
        yield _stop("duration", said, "Without one, it is until it is revoked.")


def _conditions(draft: Draft) -> Iterator[Finding]:
    conditions = draft.lending.conditions
    words = (*conditions.branches, *conditions.events, *conditions.roles)
    if any(not 0 < len(each) <= _LONGEST_WORD for each in words):
        yield _stop("conditions", f"expected words of 1 to {_LONGEST_WORD} characters")
    every = (*words, *conditions.trusted_forks, *(conditions.people or ()))
    if len(every) > _MOST:
        yield _stop("conditions", f"found {len(every)} of them; expected at most {_MOST}")
    if conditions.people == ():
        yield _stop("conditions", "nobody is named among those who may trigger jobs")
    if not conditions.pull_request:
        if {"pull_request", "pull_request_target"} & set(conditions.events):
            said = "event pull_request is named, and pull requests are not asked for"
            yield _warn("conditions", said, "Ask for them with --pull-requests.")
        if conditions.trusted_forks or conditions.fork_approval:
            said = "forks are named, and pull requests are not asked for"
            yield _warn("conditions", said, "Ask for them with --pull-requests.")
    quota = draft.lending.quota
    if quota is not None and draft.use is not None and quota < draft.use:
        said = f"{say_amount(quota)} credits are less than the use that is expected"
        yield _warn("quota", said)


def _terms(facts: "Facts", draft: Draft, resource: Resource, actor: Actor) -> Iterator[Finding]:
    name, version = resource.settings.terms, resource.terms_version
    if name is None or version is None:
        return
    accepted = facts.terms.accepted(name)
    missing = [
        str(each)
        for each in draft.lending.conditions.people or ()
        if each.key is not None and (name, version, each.key) not in accepted
    ]
    asker = _asker(facts, actor)
    if asker and not any((name, version, each.key) in accepted for each in asker):
        missing.insert(0, str(asker[0]))
    for each in dict.fromkeys(missing):
        said = f"{each} has not accepted version {version} of the terms {name}"
        hint = f"By oneself: condarium terms accept {name}"
        yield _stop(f"resource {resource.name}", said, hint)


def _asker(facts: "Facts", actor: Actor) -> list[Person]:
    """Who asks, by all their names; nobody where it is the store's owner."""
    if actor.who.id is None:
        return []
    own = Person(kind=PersonKind.USER, name=actor.name, id=actor.who.id)
    return [own, *facts.identities.of(actor.who.id)]


def _budget(facts: "Facts", draft: Draft, resource: Resource, at: datetime) -> Iterator[Finding]:
    about = f"resource {resource.name}"
    if not resource.budgets:
        return
    later = next_purse(resource.budgets, at)
    soon = f"the next period begins at {say_instant(later)}" if later else "no other one follows"
    if not purses(resource.budgets, at):
        make = _warn if later else _stop
        yield make(about, f"no budget pays for it now; {soon}")
        return
    left = sum(facts.ledger.left(resource, at).values())
    if left <= 0 or (draft.use is not None and left < draft.use):
        asked = f", and {say_amount(draft.use)} a month are asked for" if draft.use else ""
        yield _warn(about, f"{say_amount(left)} credits are left of its budgets{asked}; {soon}")
    ends = [each.ends_at for each in resource.budgets]
    last = max((each for each in ends if each is not None), default=at)
    if draft.duration is not None and None not in ends and last < at + draft.duration:
        yield _warn(about, f"its last budget ends at {say_instant(last)}, before the request does")


def _covered(facts: "Facts", draft: Draft, resource: Resource, at: datetime) -> Iterator[Finding]:
    grant = standing_of(facts, resource.name, draft.project, at)
    if grant is None:
        return
    about = f"resource {resource.name}"
    ends = grant.lending.expires_at
    until = f"until {say_instant(ends)}" if ends else "until it is revoked"
    wanted = lending_of(draft, grant, at)
    if _covers(grant, wanted):
        hint = "Ask for something else, or for longer."
        yield _stop(about, f"grant {grant.id} covers all of it already, {until}", hint)
    else:
        yield _warn(about, say_change(grant, wanted))


def _covers(grant: Grant, wanted: Lending) -> bool:
    held, until = grant.lending, wanted.expires_at
    lasts = held.expires_at is None or (until is not None and until <= held.expires_at)
    enough = held.quota is None or (wanted.quota is not None and wanted.quota <= held.quota)
    return lasts and enough and held.conditions == wanted.conditions


def _days(duration: timedelta) -> str:
    days = duration / timedelta(days=1)
    return f"{days:g} days" if days >= 2 else f"{days * 24:.3g} hours"


def _stop(about: str, text: str, hint: str = "") -> Finding:
    return Finding(stops=True, about=about, text=text, hint=hint)


def _warn(about: str, text: str, hint: str = "") -> Finding:
    return Finding(stops=False, about=about, text=text, hint=hint)
