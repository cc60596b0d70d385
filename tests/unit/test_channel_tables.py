"""How channels and what they have look on a terminal of 80 columns, and to a program."""

from datetime import UTC, datetime
from typing import Any

import pytest

from condarium.cli.help import title
from condarium.cli.page import Page
from condarium.cli.render import renderer
from condarium.model.hosting.answers import ViewFile, ViewFiles, ViewPackage, ViewPackages
from condarium.model.hosting.fact import Revision
from condarium.model.hosting.history import ChannelLog, LoggedRevision
from condarium.model.view import ChannelName, View

LAB = ChannelName("lab")
VIEW = View(channel=LAB)
LONG = "a-package-with-a-long-name-that-goes-on"
THEN = datetime(2026, 3, 1, 9, 59, 59, 1, tzinfo=UTC)
NOW = datetime(2026, 3, 2, tzinfo=UTC)
FILE = ViewFile(
    channel=LAB, subdir="linux-aarch64", file_name=f"{LONG}-2026.10.1-py312h0123456_1000.conda",
    name=LONG, version="2026.10.1", build="py312h0123456_1000", state="yanked",
    labels=("main", "testing", "a-long-label"), size=123_456_789, sha256="ab" * 32,
    indexed_at=THEN,
)  # fmt: skip
FILES = ViewFiles(view=VIEW, revision="r4", spec=None, files=(FILE,), packages=1, of=1)
PACKAGES = ViewPackages(
    view=VIEW, revision="r4", pattern=None, total=1,
    packages=(
        ViewPackage(
            name=LONG, newest="2026.10.1.dev20260301120000", versions=3, files=4, hidden=0,
            subdirs=("linux-aarch64", "noarch", "win-64"),
        ),
    ),
)  # fmt: skip
REVISION = Revision(
    number=4, at=THEN, actor="someone-with-a-long-name", action="label promote",
    reason="it passed all of the tests that there are", opened=13, closed=0,
    digest="ab" * 32, changes="cd" * 32, previous="",
)  # fmt: skip
LOG = ChannelLog(channel=LAB, head=4, revisions=(LoggedRevision(revision=REVISION),), total=1)


def shown(result: Any, *, width: int | None = None) -> list[str]:
    sheet = Page(now=NOW, width=width)
    renderer(type(result))(result, sheet)
    return sheet.text().splitlines()


@pytest.mark.parametrize("answer", [FILES, PACKAGES, LOG], ids=["files", "packages", "log"])
def test_a_terminal_of_80_columns_is_wide_enough(answer: Any) -> None:
    assert max(map(len, shown(answer, width=80))) <= 80


def test_nothing_is_cut_where_a_program_reads_it() -> None:
    (_, line) = shown(FILES)
    assert line.startswith(f"linux-aarch64/{FILE.file_name}  123.5 MB  main, testing, a-long-label")
    assert FILE.sha256 in line.split()


def test_an_instant_is_rounded_up_so_that_it_is_not_before_what_it_dates() -> None:
    assert "2026-03-01T10:00:00Z" in shown(LOG)[1]
    assert "CHANGES" in shown(LOG)[0]


def test_the_log_of_a_union_is_that_of_its_members() -> None:
    log = ChannelLog(channel=LAB, head=0, revisions=(), total=0, members=(ChannelName("one"),))
    assert shown(log, width=80) == ["lab is a union; its members have logs: one"]
    assert shown(log) == []


@pytest.mark.parametrize("group", ["channel label", "channel patch", "channel source"])
def test_a_group_within_a_group_has_a_heading_of_its_own(group: str) -> None:
    assert title(group) != group.capitalize()
