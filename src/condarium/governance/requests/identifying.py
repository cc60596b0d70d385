"""Of whom a request speaks: names become ids, and an id that is given has to be the name's."""

from dataclasses import replace
from typing import TypeVar

from condarium.errors import Failed, NotFound
from condarium.governance.github.resolving import resolve
from condarium.model.access.decisions import Thing
from condarium.model.access.permissions import ThingKind
from condarium.model.actor import Actor, Permission
from condarium.model.governance.projects import Person, PersonKind, Project, ProjectKind
from condarium.model.governance.requests import Draft, Finding
from condarium.storage.store import Store

_Who = TypeVar("_Who", Project, Person)


def identified(store: Store, draft: Draft, actor: Actor) -> tuple[Draft, list[Finding]]:
    """The draft with the ids that were found, and what came up.

    Whoever asks could put the id of another project behind a name that reviewers trust: so where
    the name's own id can be found, no other one is taken.
    """
    findings: list[Finding] = []
    conditions = draft.lending.conditions
    project = draft.project
    if may_know(actor, project):
        project = _one(store, project, "project", findings)
    forks = tuple(_one(store, each, "trusted fork", findings) for each in conditions.trusted_forks)
    people = conditions.people
    if people is not None:
        people = tuple(_one(store, each, "person", findings) for each in people)
    conditions = replace(conditions, trusted_forks=forks, people=people)
    lending = replace(draft.lending, conditions=conditions)
    return replace(draft, project=project, lending=lending), findings


def may_know(actor: Actor, project: Project) -> bool:
    """Whether somebody may know of a project: of a namespace only those who see into it."""
    if project.kind is not ProjectKind.NAMESPACE:
        return True
    thing = Thing(kind=ThingKind.NAMESPACE, name=project.name)
    return actor.may(Permission.ENVIRONMENT_READ, thing)


def _one(store: Store, who: _Who, about: str, findings: list[Finding]) -> _Who:
    try:
        found = _resolved(store, who)
    except (NotFound, Failed) as error:
        stops, hint = isinstance(error, NotFound), error.hint or ""
        findings.append(Finding(stops=stops, about=about, text=error.message, hint=hint))
        return who
    if found.id is None:
        findings += _unknown(who, about)
        return who
    if who.id not in (None, found.id):
        said = f"{who} has the id {found.id}, not {who.id}"
        findings.append(Finding(stops=True, about=about, text=said))
    return found


def _resolved(store: Store, who: _Who) -> _Who:
    """What the name means, whatever id stands behind it."""
    named = replace(who, id=None)
    if isinstance(named, Project):
        return resolve(store, [named]).projects[0]
    return resolve(store, people=[named]).people[0]


def _unknown(who: Project | Person, about: str) -> list[Finding]:
    if who.kind is ProjectKind.NAMESPACE:
        return []  # that it is not there is said of the project itself
    if who.kind is PersonKind.USER:
        return [Finding(stops=True, about=about, text=f"there is no user {who.name}")]
    if who.id is not None:
        text = f"that {who} has the id {who.id} could not be checked here"
        return [Finding(stops=False, about=about, text=text, hint="Reviewers, look it up.")]
    text = f"the id of {who} is not known: nothing is admitted until it is"
    hint = f"Write it behind the name: {who}#ID."
    return [Finding(stops=False, about=about, text=text, hint=hint)]
