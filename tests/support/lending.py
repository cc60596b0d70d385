"""What is lent, made up: resources, grants and jobs as values."""

from datetime import UTC, datetime
from typing import Any

from condarium.model.governance.admission import Applicant
from condarium.model.governance.grants import (
    Conditions,
    Grant,
    GrantChange,
    GrantDecision,
    Lending,
)
from condarium.model.governance.projects import Person, Project
from condarium.model.governance.resources import Resource, ResourceKind, Settings

BEGUN = datetime(2026, 1, 1, tzinfo=UTC)
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
LAB = Project.parse("github:lab/tool#11")
ADA = Person.parse("github:ada#1")
COMMIT = "c" * 40


def resource(name: str = "gpu", number: int = 1, **settings: Any) -> Resource:
    more = {
        name_: settings.pop(name_) for name_ in ("retired_at", "terms_version") & settings.keys()
    }
    return Resource(
        id=number,
        name=name,
        settings=Settings(**{"kind": ResourceKind.RUNNER, **settings}),
        created_at=BEGUN,
        created_by="lena",
        changed_at=BEGUN,
        **more,
    )


def grant(
    number: int = 1,
    *,
    project: Project = LAB,
    of: str = "gpu",
    changes: tuple[GrantChange, ...] = (),
    lending: Lending | None = None,
    **conditions: Any,
) -> Grant:
    """A grant, and what was decided about it since."""
    lending = lending or Lending(conditions=Conditions(**conditions))
    decisions = tuple(
        GrantDecision(
            number=count,
            at=BEGUN,
            change=change,
            by="lena",
            principal="id-of-lena",
            reason="why not",
            lending=lending,
        )
        for count, change in enumerate((GrantChange.GRANTED, *changes), start=1)
    )
    return Grant(id=number, resource=of, project=project, decisions=decisions)


def job(**said: Any) -> Applicant:
    """A push to main by ada that asks for gpu."""
    usual: dict[str, Any] = {
        "project": LAB,
        "labels": ("self-hosted", "gpu"),
        "commit": COMMIT,
        "event": "push",
        "branch": "main",
        "person": ADA,
    }
    return Applicant(**{**usual, **said})
