"""Judging: whether a job that somebody describes would be admitted, and why."""

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from condarium.errors import NoSuchNamespace
from condarium.governance.admission.admitting import judge_in
from condarium.governance.admission.seeing import own_keys
from condarium.governance.requests.identifying import may_know
from condarium.model.actor import Actor, Permission
from condarium.model.governance.admission import Applicant, Decision
from condarium.model.governance.projects import Person, PersonKind, Project, ProjectKind
from condarium.storage.store import Store

if TYPE_CHECKING:
    from condarium.storage.facts import Facts

_OF_A_PERSON = frozenset({"person", "role", "terms"})
"""Conditions that tell of somebody."""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A job as a person describes it: as `Applicant`, in texts."""

    project: str
    labels: tuple[str, ...]
    commit: str
    event: str
    branch: str | None
    fork: str | None
    person: str | None
    role: str | None
    run: str
    time: timedelta | None


def judge(store: Store, asked: Asked, actor: Actor) -> Decision:
    """Decide on the job as it would be now; what is hidden from the actor is as if it were not.

    Whom a grant names and who accepted terms is told of oneself, and of others to those who lend.
    GitHub is asked nothing: what the server may see there is not for everybody. Raises BadProject,
    BadPerson.
    """
    with store.database.read() as facts:
        lends = _lends(facts, asked, actor)
        person = _person(facts, asked, actor, lends=lends)
        told = lends or not asked.person or person is not None
        return judge_in(
            facts,
            _applicant(facts, asked, person, actor),
            store.now(),
            may_see=lambda name: actor.may(Permission.RESOURCE_READ, facts.resources.thing(name)),
            untold=frozenset() if told else _OF_A_PERSON,
        )


def _lends(facts: "Facts", asked: Asked, actor: Actor) -> bool:
    """Whether somebody lends all that the labels ask for."""
    things = [facts.resources.thing(name) for name in facts.admissions.asked_for(asked.labels)]
    return bool(things) and actor.may_each(Permission.RESOURCE_LEND, things)


def _person(facts: "Facts", asked: Asked, actor: Actor, *, lends: bool) -> Person | None:
    """Who is asked about, where that may be told: oneself, or, to a lender, anybody."""
    if not asked.person:
        return None
    person = Person.parse(asked.person)
    if person.id is None:
        person = replace(person, id=_id_of(facts, person, actor, lends=lends))
    return person if lends or person.key in own_keys(facts, actor) else None


def _id_of(facts: "Facts", person: Person, actor: Actor, *, lends: bool) -> str | None:
    """That of oneself, here or elsewhere, by name; of other accounts here for a lender."""
    identifier = actor.who.id
    if person.kind is PersonKind.USER:
        if person.name == actor.name:
            return identifier
        account = facts.principals.find(person.name) if lends else None
        return account.id if account else None
    elsewhere = facts.identities.of(identifier) if identifier else []
    named = (each.id for each in elsewhere if str(each).lower() == str(person).lower())
    return next(named, None)


def _project(facts: "Facts", text: str, actor: Actor) -> Project:
    """A project with the id that it says; that of a namespace where one may know of it."""
    project = Project.parse(text)
    if project.kind is not ProjectKind.NAMESPACE:
        return project
    if not may_know(actor, project):
        return replace(project, id=None)
    if project.id is not None:
        return project
    try:
        return replace(project, id=str(facts.namespaces.id(project.name)))
    except NoSuchNamespace:
        return project


def _applicant(facts: "Facts", asked: Asked, person: Person | None, actor: Actor) -> Applicant:
    return Applicant(
        project=_project(facts, asked.project, actor),
        labels=asked.labels,
        commit=asked.commit,
        event=asked.event,
        branch=asked.branch,
        head=_project(facts, asked.fork, actor) if asked.fork else None,
        person=person,
        nobody="" if asked.person else "it was not said who triggered the job (--person)",
        role=asked.role,
        run=asked.run,
        time=asked.time,
    )
