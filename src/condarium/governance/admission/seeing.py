"""Whose admissions, and whose statements, somebody may see: what they run, what is theirs, what
they asked for."""

from dataclasses import replace
from typing import TYPE_CHECKING

from condarium.model.access.decisions import PLATFORM, Thing
from condarium.model.access.permissions import ThingKind
from condarium.model.actor import Actor, Permission
from condarium.model.governance.admission import Admission
from condarium.model.governance.grants import Grant
from condarium.model.governance.projects import Project, ProjectKind
from condarium.model.governance.requests import Asked, RequestState
from condarium.storage.governance.admissions import Seen

if TYPE_CHECKING:
    from condarium.storage.facts import Facts

HIDDEN = "its machines are lent, and to whom is not public"
"""What is told instead of reasons, which speak of grants, where a resource is hidden."""


def seen_by(facts: "Facts", actor: Actor) -> Seen | None:
    """What somebody may see: all (None), or what asks for what they run, what they triggered or
    asked for, and what is of namespaces that they see into."""
    if actor.may(Permission.ACCESS_READ, PLATFORM):
        return None
    names = actor.names_where(Permission.RESOURCE_RUN, ThingKind.RESOURCE)
    if names is None:
        return None
    return Seen(
        resources=names,
        people=own_keys(facts, actor),
        grants=frozenset(grant.id for grant in asked_for(facts, actor)),
        namespaces=_namespaces(facts, actor),
    )


def told(facts: "Facts", found: Admission, actor: Actor) -> Admission:
    """An admission without reasons where somebody may not know of grants of its resource."""
    if not found.reasons or found.resource is None:
        return found
    if actor.may(Permission.RESOURCE_READ, facts.resources.thing(found.resource)):
        return found
    return replace(found, reasons=(HIDDEN,))


def own_keys(facts: "Facts", actor: Actor) -> frozenset[str]:
    """Who the actor is, here and elsewhere; a token for some things is only for those."""
    principal = actor.who
    if principal.id is None or principal.scope.names_things:
        return frozenset()
    elsewhere = (person.key for person in facts.identities.of(principal.id))
    return frozenset({f"user:{principal.id}", *filter(None, elsewhere)})


def asked_for(facts: "Facts", actor: Actor) -> list[Grant]:
    """The grants that the actor asked for, which are theirs to know of; not those that they asked
    to revoke."""
    principal = actor.who
    if principal.id is None or principal.scope.names_things:
        return []
    approved = facts.requests.all(state=RequestState.APPROVED, principal=principal.id)
    numbers = {number for each in approved if each.asked is Asked.USE for number in each.grants}
    return facts.grants.all(numbers=numbers) if numbers else []


def own_project(facts: "Facts", project: Project, actor: Actor) -> Project | None:
    """A project, with its id, whose whole use is somebody's to know; None where it is not.

    That is whoever asked for what it has, and those who manage a namespace.
    """
    if project.kind is ProjectKind.NAMESPACE:
        thing = Thing(kind=ThingKind.NAMESPACE, name=project.name)
        if actor.may(Permission.NAMESPACE_MANAGE, thing):
            known = map(str, facts.namespaces.ids([project.name]))
            return next((replace(project, id=i) for i in known if project.id in (None, i)), None)
    grants = reversed(asked_for(facts, actor))
    return next((each.project for each in grants if _is_meant(each.project, project)), None)


def _is_meant(known: Project, asked: Project) -> bool:
    if known.key is None or asked.key is not None:
        return known.key is not None and known.key == asked.key
    return known.kind is asked.kind and known.name.lower() == asked.name.lower()


def _namespaces(facts: "Facts", actor: Actor) -> frozenset[str]:
    """The ids of namespaces whose environments, and so whose jobs, somebody sees."""
    names = actor.names_where(Permission.ENVIRONMENT_READ, ThingKind.NAMESPACE)
    return frozenset(map(str, facts.namespaces.ids(names)))
