"""The decision: whether a job may run on what is lent, and why.

A pure function of the job, the grants and the instant. Nothing is allowed but what an active grant
of the very project, and of the very resource, allows; each of its conditions is a row of a table.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import NamedTuple

from condarium.model.governance.admission import Applicant, Approval, Decision, Grants
from condarium.model.governance.grants import USUAL_EVENTS, Conditions, Grant, GrantState
from condarium.model.governance.projects import Person, PersonKind, Project, ProjectKind, with_id
from condarium.model.governance.resources import Resource, ResourceKind
from condarium.model.instants import say_instant


class _Case(NamedTuple):
    """A job, and a grant that may allow it.

    `vouched` are approvals of the commit under the grant: whoever gave one answers for it, in the
    place of the human who triggered the job. So terms bind them, and only a lender's goes before
    what the human is in the repository.
    """

    job: Applicant
    resource: Resource
    grant: Grant
    conditions: Conditions
    accepted: frozenset[tuple[str, int, str]]
    vouched: tuple[Approval, ...]
    now: datetime


def decide(job: Applicant, grants: Grants, now: datetime) -> Decision:
    """Decide by the grants of the job's project; default is deny.

    A job whose labels ask for nothing that is lent is not allowed either, and its decision names no
    resource. A refusal says which conditions of the nearest grant failed, and how to ask.
    """
    if fake := grants.looked_like(job.labels):
        return _no(f"the label {fake[0]!a} is not that of {fake[1]}, and only looks like it")
    found = grants.asked_for(job.labels)
    asked = [each for each in found if each.settings.kind is not ResourceKind.SERVICE]
    if not asked:
        return replace(_no(_nothing_of_ours(found)), governed=False)
    if len(asked) > 1:
        names = " and ".join(sorted(resource.name for resource in asked))
        return _no(f"its labels ask for {names} at once: a job has one resource")
    (resource,) = asked
    if why := _unreachable(resource, job.project):
        return _no(why, resource=resource.name)
    return _by_grants(job, resource, grants, now)


def _by_grants(job: Applicant, resource: Resource, grants: Grants, now: datetime) -> Decision:
    nearest: tuple[Grant, list[str]] | None = None
    for grant in grants.of(job.project, resource.name):
        vouched = grants.vouching(grant, job)
        case = _Case(job, resource, grant, grant.lending.conditions, grants.accepted, vouched, now)
        failed = _failed(case, grants.untold)
        if not failed:
            return _yes(case, grants.untold)
        if nearest is None or len(failed) < len(nearest[1]):
            nearest = grant, failed
    ask = how_to_ask(job, resource.name)
    if nearest is None:
        others = grants.of_name(job.project, resource.name)
        reasons = _has_none(job.project, resource.name, others)
        return _no(*reasons, ask, resource=resource.name)
    helps = any(not why.startswith(_OF_THE_JOB) for why in nearest[1])
    reasons = [*nearest[1], *([ask] if helps else [])]
    return _no(*reasons, resource=resource.name, grant=nearest[0].id)


def _nothing_of_ours(services: Sequence[Resource]) -> str:
    if not services:
        return "its labels ask for nothing that is lent"
    return f"{services[0].name} is a service that keeps its own list: it is not asked for here"


def _unreachable(resource: Resource, project: Project) -> str | None:
    """Why no grant of the resource would help."""
    kind = resource.settings.kind
    if resource.retired_at is not None:
        return f"{resource.name} is lent no more, since {say_instant(resource.retired_at)}"
    if kind is ResourceKind.QUEUE and project.kind is not ProjectKind.NAMESPACE:
        return f"{resource.name} is a queue of workers here: it is for jobs of namespaces"
    if project.key is None:
        return f"which project {project} is, is not known: it has no id"
    return None


def _has_none(project: Project, resource: str, others: Sequence[Grant]) -> list[str]:
    """That a project has no grant, and that others of its name have: names are used again."""
    reasons = [f"{project} has no grant of {resource}"]
    for grant in others:
        if grant.project.id is None:
            reasons.append(f"grant {grant.id} is of a project whose id nobody said yet")
        else:
            reasons.append(
                f"grant {grant.id} is of another project that had this name: its id is "
                f"{grant.project.id}, not {project.id}"
            )
    return reasons


def _failed(case: _Case, untold: frozenset[str]) -> list[str]:
    return [
        why
        for name, condition in CONDITIONS
        if name not in untold and (why := condition(case)) is not None
    ]


def _yes(case: _Case, untold: frozenset[str]) -> Decision:
    grant = case.grant
    reasons = [f"grant {grant.id} lends {grant.resource} to {grant.project}", _held(untold)]
    if case.vouched:
        reasons.append(f"the commit {case.job.commit[:12]} was approved under it")
    return Decision(allowed=True, reasons=tuple(reasons), resource=grant.resource, grant=grant.id)


def _no(*reasons: str, resource: str | None = None, grant: int | None = None) -> Decision:
    return Decision(allowed=False, reasons=reasons, resource=resource, grant=grant)


def _state(case: _Case) -> str | None:
    grant, last = case.grant, case.grant.decisions[-1]
    match grant.state(case.now):
        case GrantState.ACTIVE:
            return None
        case GrantState.EXPIRED if last.lending.expires_at:
            return f"grant {grant.id} ended {say_instant(last.lending.expires_at)}"
        case GrantState.NOT_YET if last.lending.starts_at:
            return f"grant {grant.id} begins {say_instant(last.lending.starts_at)}"
        case state:
            made = grant.turned
            when = f"{say_instant(made.at)} by {made.by}"
            return f"grant {grant.id} was {state} {when}: {made.reason}"


def _branch(case: _Case) -> str | None:
    """A fork's branches are none of the project's, whatever they are called."""
    wanted, job = case.conditions.branches, case.job
    if not wanted or (job.branch in wanted and not _is_of_fork(job)):
        return None
    found = f"{job.branch} of {job.head}" if job.head and _is_of_fork(job) else job.branch
    return f"branch: found {found or 'none'}; the grant is for {_or(wanted)}"


def _event(case: _Case) -> str | None:
    event, wanted = case.job.event, case.conditions.events
    if is_of_pull_request(event):
        if case.conditions.pull_request:
            return None
        return f"event: found {event}; the grant is not for pull requests"
    if event in (wanted or USUAL_EVENTS):
        return None
    return f"event: found {event}; the grant is for {_or(wanted or USUAL_EVENTS)}"


def _fork(case: _Case) -> str | None:
    head, conditions = case.job.head, case.conditions
    if head is None or not _is_of_fork(case.job):
        return None
    if any(_same(head, fork) for fork in conditions.trusted_forks):
        return None
    if not conditions.fork_approval:
        return f"fork: the commit is from {head}, which the grant does not trust"
    if case.vouched:
        return None
    return (
        f"fork: the commit is from {head}, and nobody approved it "
        f"(condarium grant approve-commit {case.grant.id} {case.job.commit})"
    )


def _person(case: _Case) -> str | None:
    person, conditions = case.job.person, case.conditions
    if case.vouched:
        return None
    if person is None:
        return f"person: {case.job.nobody or 'nobody is known who triggered the job'}"
    if person.id is None:
        return f"person: who {person} is, is not known: they have no id"
    if conditions.people is None:
        if conditions.people_from is None:
            return None
        return "person: the grant is for people of a list elsewhere, which is not read; name them"
    if any(_same(person, each) for each in conditions.people):
        return None
    return f"person: {person} is not among the people whom the grant names"


def _role(case: _Case) -> str | None:
    wanted, job = case.conditions.roles, case.job
    if not wanted or (job.role is not None and job.role in wanted):
        return None
    if any(each.lends for each in case.vouched):
        return None
    if job.role is None:
        return (
            f"role: what {job.person or 'nobody'} is in {job.project} is not known (the server "
            f"asks where it has CONDARIUM_GITHUB_TOKEN); the grant is for {_or(wanted)}"
        )
    return f"role: {job.person} is {job.role}; the grant is for {_or(wanted)}"


def _terms(case: _Case) -> str | None:
    terms, version = case.resource.settings.terms, case.resource.terms_version
    person = case.job.person
    if terms is None:
        return None
    if version is None:
        return f"terms: {terms} was never published"
    if person is not None and (terms, version, person.key) in case.accepted:
        return None
    approving = (key for each in case.vouched for key in each.people)
    if any((terms, version, key) in case.accepted for key in approving):
        return None
    accept = f"condarium terms accept {terms}"
    if person is not None and person.kind is not PersonKind.USER:
        accept += f" --person {person}"
    who = f"{person or 'nobody'}{', nor who approved the commit,' if case.vouched else ''}"
    return f"terms: {who} has not accepted {terms}, version {version} ({accept})"


def _time(case: _Case) -> str | None:
    time, longest = case.job.time, case.resource.settings.longest_job
    if time is None or timedelta(0) < time <= longest:
        return None
    return f"time: the job may take {time}; {case.resource.name} is lent for {longest} at most"


def _own_label(case: _Case) -> str | None:
    if not case.resource.settings.unique_label:
        return None
    run, labels = case.job.run, case.job.labels
    if run and f"run-{run}".lower() in [label.lower() for label in labels]:
        return None
    return (
        f"label: its labels have none of its own (runs-on: [..., run-{run or 'ID'}]), so a "
        "runner for it could be taken by another project's job"
    )


CONDITIONS: tuple[tuple[str, Callable[[_Case], str | None]], ...] = (
    ("state", _state),
    ("branch", _branch),
    ("event", _event),
    ("fork", _fork),
    ("person", _person),
    ("role", _role),
    ("terms", _terms),
    ("time", _time),
    ("label", _own_label),
)
"""What must be true of a job and a grant; each gives why it is not, or None."""
_OF_THE_JOB = ("terms:", "time:", "label:")
"""What failed where no other grant would help."""

_HELD = f"all holds: {', '.join(name for name, _ in CONDITIONS)}"


def _held(untold: frozenset[str]) -> str:
    if not untold:
        return _HELD
    held = ", ".join(name for name, _ in CONDITIONS if name not in untold)
    rest = ", ".join(sorted(untold))
    return f"so far it holds: {held}; not told of others, but to lenders: {rest}"


def how_to_ask(job: Applicant, resource: str) -> str:
    return f'ask: condarium request create -p {with_id(job.project)} -r {resource} -m "WHAT FOR"'


def is_of_pull_request(event: str) -> bool:
    """Whether a job of this event runs what somebody proposes, or on their behalf."""
    return event.startswith("pull_request")


def _is_of_fork(job: Applicant) -> bool:
    """A head without an id could be anything: it is taken for a fork."""
    return job.head is not None and not _same(job.head, job.project)


def _same(one: Project | Person, other: Project | Person) -> bool:
    return one.id is not None and one.id == other.id and one.kind is other.kind


def _or(names: tuple[str, ...]) -> str:
    return " or ".join(names)
