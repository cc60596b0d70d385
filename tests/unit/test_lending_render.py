"""What is lent, as people see it: tables that fit, and digests that are not read."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from condarium.cli.page import Page
from condarium.cli.render import renderer
from condarium.model import paging
from condarium.model.governance.admission import Admission, AdmissionState
from condarium.model.governance.amounts import CREDIT, Period
from condarium.model.governance.grants import GrantState
from condarium.model.governance.listed import ListedGrant, PublicList
from condarium.model.governance.projects import Person, Project
from condarium.model.governance.resources import Resource, ResourceKind, Settings
from condarium.model.governance.statements import StatementFile

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
PROJECT = "github:conda-forge/a-feedstock-of-some-length#123456789"
GRANT = ListedGrant(
    id=12345, resource="linux-x86-64-gpu-large", provider="the provider", project=PROJECT,
    state=GrantState.SUSPENDED, since=NOW - timedelta(days=340), until=NOW + timedelta(days=20),
    by="somebody-who-approves", reason="tests", conditions=("pushes", "pull requests of main"),
    quota=1500 * CREDIT, period=Period.QUARTER, used=1234 * CREDIT, flags=("no id", "ends soon"),
)  # fmt: skip
RESOURCE = Resource(
    id=1, name="linux-x86-64-gpu-large", created_at=NOW, created_by="ada", changed_at=NOW,
    retired_at=NOW,
    settings=Settings(kind=ResourceKind.SERVICE, provider="the provider", platform="linux-aarch64",
                      capacity=1000, factor=CREDIT * 5 // 4),
)  # fmt: skip
ADMISSION = Admission(
    id=1234567, source="job", external="7-1", project=Project.parse(PROJECT), commit="ab" * 32,
    resource="linux-x86-64-gpu-large", grant=1, state=AdmissionState.CANCELLED, reasons=(),
    event="job", person=Person.parse("github:somebody-with-a-name#7"), job=7, at=NOW,
    reserved=1234 * CREDIT,
)  # fmt: skip
TABLES = {
    "grant list": (paging.Page[ListedGrant], paging.Page(items=(GRANT,))),
    "resource list": (paging.Page[Resource], paging.Page(items=(RESOURCE,))),
    "admission list": (paging.Page[Admission], paging.Page(items=(ADMISSION,))),
    "access public": (PublicList, PublicList(at=NOW, since=None, grants=(GRANT,))),
}


def shown(kind: object, answer: object, width: int | None = None) -> Sequence[str]:
    page = Page(now=NOW, width=width)
    renderer(kind)(answer, page)
    return page.text().splitlines()


@pytest.mark.parametrize("name", TABLES)
def test_a_table_fits_a_terminal_and_is_whole_elsewhere(name: str) -> None:
    assert all(len(line) <= 80 for line in shown(*TABLES[name], width=80))
    whole = "\n".join(shown(*TABLES[name]))
    assert "linux-x86-64-gpu-large" in whole
    assert name == "admission list" or "…" not in whole


def test_a_digest_of_an_own_job_is_short_for_people() -> None:
    on_a_terminal, elsewhere = (
        "\n".join(shown(Admission, ADMISSION, width)) for width in (80, None)
    )
    assert ADMISSION.commit in elsewhere
    assert ADMISSION.commit[:13] not in on_a_terminal
    assert ADMISSION.commit[:12] in on_a_terminal


def test_a_statement_of_nothing_says_so() -> None:
    empty = StatementFile(content="", month="2026-02", lines=0)
    assert shown(StatementFile, empty) == ["2026-02: nothing was used"]
