"""A draft of a request: out of a file, or of what somebody typed."""

from collections.abc import Iterable
from datetime import timedelta

from condarium.errors import BadArguments
from condarium.governance.requests.request_file import read_request
from condarium.model.document import Document
from condarium.model.governance.amounts import read_amount
from condarium.model.governance.grants import Conditions, Lending
from condarium.model.governance.projects import Person, Project
from condarium.model.governance.requests import Asked, Draft
from condarium.model.governance.resources import ResourceName


def draft_of(
    file: Document | None,
    *,
    project: str | None,
    resources: Iterable[ResourceName],
    purpose: str | None,
    duration: timedelta | None,
    use: str | None,
    quota: str | None,
    pull_requests: bool,
    branches: tuple[str, ...],
    events: tuple[str, ...],
    people: tuple[str, ...],
    roles: tuple[str, ...],
    trusted_forks: tuple[str, ...],
    fork_approval: bool,
    revoke: bool,
) -> Draft:
    """Raises BadSpec of a file; BadArguments, BadProject, BadPerson, BadAmount."""
    names = tuple(dict.fromkeys(each.name for each in resources))
    conditions = Conditions(
        branches=branches,
        events=events,
        pull_request=pull_requests,
        trusted_forks=tuple(Project.parse(each) for each in trusted_forks),
        fork_approval=fork_approval,
        people=tuple(Person.parse(each) for each in people) or None,
        roles=roles,
    )
    lending = Lending(conditions=conditions, quota=read_amount(quota) if quota else None)
    if file is not None:
        typed = (project, names, purpose, duration, use, revoke)
        if any(typed) or lending != Lending():
            raise BadArguments(
                "found a file and options; expected one or the other",
                hint="Write into the file what the options say.",
            )
        return read_request(file)
    if project is None or purpose is None or not names:
        raise BadArguments(
            "who asks for what, and what for? Give --project, --resource and --purpose, or a file",
            hint="For example: condarium request create -p github:OWNER/NAME#ID -r gpu-a100 "
            '-m "tests of the CUDA builds" --duration 90d',
        )
    return Draft(
        asked=Asked.REVOKE if revoke else Asked.USE,
        project=Project.parse(project),
        resources=names,
        purpose=purpose.strip(),
        duration=duration,
        use=read_amount(use) if use else None,
        lending=lending,
    )
