"""The decision once more, in the plainest way: a grant allows a job or it does not."""

from datetime import datetime

from condarium.model.governance.admission import Applicant, Grants
from condarium.model.governance.grants import Grant, GrantChange
from condarium.model.governance.projects import ProjectKind
from condarium.model.governance.resources import Resource, ResourceKind


def allows(job: Applicant, grants: Grants, now: datetime) -> bool:
    asked = [r for r in grants.resources if _label(r) in [_plain(each) for each in job.labels]]
    if len(asked) != 1:
        return False
    return any(_allows(job, each, asked[0], grants, now) for each in grants.grants)


def _allows(
    job: Applicant, grant: Grant, resource: Resource, grants: Grants, now: datetime
) -> bool:
    settings, wanted, person = resource.settings, grant.lending.conditions, job.person
    lending = grant.lending
    named = [p.key for p in wanted.people or ()]
    approvals = [
        each
        for each in grants.approved
        if (each.grant, each.commit) == (grant.id, job.commit)
        and (each.lends or any(key in named for key in each.people))
        and not (person and person.key in each.people)
    ]
    approved = bool(approvals)
    fork = job.head is not None and (job.head.id is None or job.head.key != job.project.key)
    proposed = "pull_request" in job.event
    if resource.retired_at or settings.kind is ResourceKind.SERVICE:
        return False
    if settings.kind is ResourceKind.QUEUE and job.project.kind is not ProjectKind.NAMESPACE:
        return False
    if grant.resource != resource.name or job.project.id is None:
        return False
    if grant.project.key != job.project.key:
        return False
    changes = [each.change for each in grant.decisions]
    if GrantChange.REVOKED in changes:
        return False
    if changes.count(GrantChange.SUSPENDED) > changes.count(GrantChange.RESUMED):
        return False
    if lending.expires_at and now >= lending.expires_at:
        return False
    if lending.starts_at and now < lending.starts_at:
        return False
    if wanted.branches and (fork or job.branch not in wanted.branches):
        return False
    if proposed and not wanted.pull_request:
        return False
    usual = ["push", "schedule", "workflow_dispatch", "release", "merge_group", "job"]
    if not proposed and job.event not in (wanted.events or usual):
        return False
    if fork and job.head is not None:
        trusted = job.head.id is not None and job.head.key in [f.key for f in wanted.trusted_forks]
        if not trusted and not (wanted.fork_approval and approved):
            return False
    if not approved:
        if person is None or person.id is None:
            return False
        if wanted.people is None and wanted.people_from is not None:
            return False
        if wanted.people is not None and person.key not in [p.key for p in wanted.people]:
            return False
    if wanted.roles and job.role not in wanted.roles and not any(e.lends for e in approvals):
        return False
    if settings.terms:
        answering = [key for each in approvals for key in each.people]
        answering += [person.key] if person and person.key else []
        agreed = [(settings.terms, resource.terms_version, key) for key in answering]
        if resource.terms_version is None or not any(each in grants.accepted for each in agreed):
            return False
    if job.time is not None and not job.time.total_seconds() > 0:
        return False
    if job.time is not None and job.time > settings.longest_job:
        return False
    own = f"run-{job.run}"
    return not settings.unique_label or (job.run != "" and own in [_plain(x) for x in job.labels])


def _plain(label: str) -> str:
    """Small letters, of the 26 that are in ASCII."""
    return "".join(chr(ord(sign) + 32) if "A" <= sign <= "Z" else sign for sign in label)


def _label(resource: Resource) -> str:
    return _plain(resource.settings.label or resource.name)
