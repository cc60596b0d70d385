"""Decisions on jobs with 10,000 grants: how many a second, in process."""

import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import cycle, islice

from bench.line import Line, Result
from bench.setting import Setting
from condarium.model.governance.admission import Applicant, Grants
from condarium.model.governance.deciding import decide
from condarium.model.governance.grants import (
    Conditions,
    Grant,
    GrantChange,
    GrantDecision,
    Lending,
)
from condarium.model.governance.projects import Person, PersonKind, Project, ProjectKind
from condarium.model.governance.resources import Resource, ResourceKind, Settings

_NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
_GRANTS = 10_000
_RESOURCES = 40
_PEOPLE = 5
_LIMIT = 20.0
"""Microseconds for each: 50,000 a second."""


def run(setting: Setting) -> Result:
    count = 5_000 if setting.quick else 100_000
    begun = time.perf_counter()
    grants = _known()
    indexing = time.perf_counter() - begun
    allowed = [_job(number) for number in range(1000)]
    refused = [_job(number, person=99_999) for number in range(1000)]
    strangers = [_job(number, project=10**6) for number in range(1000)]
    mixed = [each for three in zip(allowed, refused, strangers, strict=True) for each in three]
    assert all(decide(job, grants, _NOW).allowed for job in allowed)
    assert not any(decide(job, grants, _NOW).allowed for job in (*refused, *strangers))
    rows = {
        "a job that is admitted": (allowed, _LIMIT),
        "one that is refused, by somebody whom the grant does not name": (refused, None),
        "one of a project without a grant": (strangers, None),
        "all three in turn": (mixed, _LIMIT),
    }
    return Result(
        name="decisions",
        title="Decisions on jobs, with 10,000 grants",
        facts=[
            f"{_GRANTS} grants of {_RESOURCES} resources, each with a branch, two events, "
            f"{_PEOPLE} people, two roles, terms and a label of the run's own",
            f"{count} decisions one after the other in one process, in CPU time; 20 us each are "
            "50,000 a second",
            f"grants are indexed once, in {indexing * 1000:.0f} ms with making them up",
        ],
        lines=[
            Line(
                name=name,
                ours=[_microseconds(jobs, grants, count) for _ in range(setting.runs)],
                unit="us",
                kind="value",
                limit=limit,
            )
            for name, (jobs, limit) in rows.items()
        ],
    )


def _microseconds(jobs: Sequence[Applicant], grants: Grants, count: int) -> float:
    asked = list(islice(cycle(jobs), count))
    begun = time.process_time()
    for job in asked:
        decide(job, grants, _NOW)
    return (time.process_time() - begun) / count * 1e6


def _known() -> Grants:
    accepted = {("tos", 1, f"github:{person}") for person in range(_PEOPLE)}
    return Grants(
        resources=[_resource(number) for number in range(_RESOURCES)],
        grants=list(_grants()),
        accepted=frozenset(accepted),
    )


def _resource(number: int) -> Resource:
    return Resource(
        id=number,
        name=f"pool-{number}",
        settings=Settings(kind=ResourceKind.RUNNER, terms="tos", unique_label=True),
        created_at=_NOW,
        created_by="lena",
        changed_at=_NOW,
        terms_version=1,
    )


def _grants() -> Iterator[Grant]:
    for number in range(_GRANTS):
        conditions = Conditions(
            branches=("main",),
            events=("push", "schedule"),
            people=tuple(_person(each) for each in range(_PEOPLE)),
            roles=("admin", "write"),
        )
        decision = GrantDecision(
            number=1,
            at=_NOW,
            change=GrantChange.GRANTED,
            by="lena",
            principal=None,
            reason="asked for",
            lending=Lending(conditions=conditions),
        )
        yield Grant(
            id=number,
            resource=f"pool-{number % _RESOURCES}",
            project=_project(number),
            decisions=(decision,),
        )


def _job(number: int, *, person: int = _PEOPLE - 1, project: int = 0) -> Applicant:
    return Applicant(
        project=_project(number + project),
        labels=("self-hosted", f"POOL-{number % _RESOURCES}", f"run-{number}"),
        commit=f"{number:040x}",
        event="schedule",
        branch="main",
        person=_person(person),
        role="write",
        run=str(number),
    )


def _project(number: int) -> Project:
    return Project(kind=ProjectKind.GITHUB, name=f"lab/tool-{number}", id=str(number))


def _person(number: int) -> Person:
    return Person(kind=PersonKind.GITHUB, name=f"person-{number}", id=str(number))
