"""Judging: whether a job that somebody describes would be admitted, and why."""

from dataclasses import dataclass
from datetime import timedelta

from condarium.governance.admission.admitting import judge_in
from condarium.governance.github.resolving import resolve
from condarium.model.actor import Actor, Permission
from condarium.model.governance.admission import Applicant, Decision
from condarium.model.governance.projects import Person, Project
from condarium.storage.store import Store


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

    Raises BadProject, BadPerson, NotAtGitHub.
    """
    job = _applicant(store, asked)
    with store.database.read() as facts:
        return judge_in(
            facts,
            job,
            store.now(),
            may_see=lambda name: actor.may(Permission.RESOURCE_READ, facts.resources.thing(name)),
        )


def _applicant(store: Store, asked: Asked) -> Applicant:
    """The job, of people and projects with their ids as far as they can be found."""
    projects = [Project.parse(asked.project)]
    if asked.fork:
        projects.append(Project.parse(asked.fork))
    people = [Person.parse(asked.person)] if asked.person else []
    found = resolve(store, projects, people)
    return Applicant(
        project=found.projects[0],
        labels=asked.labels,
        commit=asked.commit,
        event=asked.event,
        branch=asked.branch,
        head=found.projects[1] if asked.fork else None,
        person=found.people[0] if found.people else None,
        nobody="" if asked.person else "it was not said who triggered the job (--person)",
        role=asked.role,
        run=asked.run,
        time=asked.time,
    )
