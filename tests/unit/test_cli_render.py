"""How results look to a person."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from condarium.cli.page import Page, bold, green
from condarium.cli.render import renderer
from condarium.model.difference import Difference, PackageChange
from condarium.model.environment import Activation, Build, BuildStatus, Generation
from condarium.model.lock import LockedPackage
from condarium.model.names import EnvironmentName
from condarium.model.paging import Page as Piece
from condarium.model.report import (
    Archived,
    ArchivedGeneration,
    Built,
    Collected,
    CollectedKind,
    DiskReport,
    DiskUse,
    EnvironmentDetail,
    EnvironmentLine,
    EnvironmentPath,
    FileProblem,
    GenerationLine,
    History,
    Locked,
    Removed,
    Restored,
    Switched,
    Verification,
)

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
FIT = EnvironmentName("lab", "fit")
STORE = Path("/srv/condarium")


def shown(result: Any, kind: Any = None, **page: Any) -> str:
    sheet = Page(now=NOW, **page)
    renderer(kind or type(result))(result, sheet)
    return sheet.text()


def change(
    name: str, before: str | None, after: str | None, platform: str = "linux-64"
) -> PackageChange:
    return PackageChange(platform=platform, name=name, kind="conda", before=before, after=after)


CHANGES = (
    change("numpy", "1.26", None),
    change("pandas", "2.0", "2.1"),
    change("rich", None, "13"),
)


def built(**other: Any) -> Built:
    values: dict[str, Any] = {
        "environment": FIT,
        "generation": 2,
        "changed": True,
        "active": True,
        "dry_run": False,
        "solved": True,
        "platforms": ("linux-64",),
        "packages": 42,
        "changes": CHANGES,
        "prefix": STORE / "prefixes" / "ab",
        "path": STORE / "envs" / "lab" / "fit",
        "link": "hard links",
        "phases": {"solve": 1.2, "fetch": 0.3},
    }
    return Built(**{**values, **other})


def generation(number: int, **other: Any) -> Generation:
    values: dict[str, Any] = {
        "environment": FIT,
        "number": number,
        "spec": "a" * 64,
        "lock": "b" * 64,
        "platforms": ("linux-64",),
        "packages": 3,
        "prefix": "ab",
        "created_at": NOW - timedelta(hours=number),
        "created_by": "ada",
        "reason": "a new pandas",
    }
    return Generation(**{**values, **other})


def line(name: str, **other: Any) -> EnvironmentLine:
    values: dict[str, Any] = {
        "name": EnvironmentName("lab", name),
        "active": 3,
        "generations": 4,
        "created_at": NOW - timedelta(days=2),
        "created_by": "ada",
        "path": STORE / "envs" / "lab" / name,
        "on_disk": True,
    }
    return EnvironmentLine(**{**values, **other})


def test_a_build_that_changed_nothing_says_so_in_one_line() -> None:
    assert shown(built(changed=False, changes=())) == (
        "lab/fit: nothing changed; generation 2 is active (42 packages)\n"
    )


def test_a_build_says_what_changed_where_it_is_and_how_long_it_took() -> None:
    assert shown(built(notes=("the channel is old",))).splitlines() == [
        "note: the channel is old",
        "- numpy   1.26",
        "~ pandas  2.0 → 2.1",
        "+ rich    13",
        "lab/fit generation 2 is active: 42 packages for linux-64 (1 added, 1 removed, 1 changed)",
        "  at /srv/condarium/envs/lab/fit (hard links)",
        "  in 1.5 s: solve 1.2 s, fetch 300 ms",
    ]


def test_a_very_long_name_gives_way_on_a_terminal() -> None:
    lines = (line("n" * 64), line("fit"))
    text = shown(Piece(items=lines), Piece[EnvironmentLine], width=80)
    assert all(len(each) <= 80 for each in text.splitlines()[:3])
    assert "…" in text.splitlines()[1]
    assert "n" * 64 in shown(Piece(items=lines), Piece[EnvironmentLine])


def test_a_first_build_counts_its_packages_and_says_how_to_run_in_it() -> None:
    many = tuple(change(f"p{number}", None, "1") for number in range(30))
    text = shown(built(generation=1, packages=30, changes=many))
    assert "p7" not in text
    assert "(30 added)" in text
    assert text.endswith("condarium env run lab/fit -- COMMAND\n")


def test_a_first_build_counts_its_packages_platform_by_platform() -> None:
    platforms = ("linux-64", "osx-arm64")
    many = tuple(change(f"p{n}", None, "1", platforms[n > 29]) for n in range(55))
    text = shown(built(generation=1, platforms=platforms, packages=55, changes=many))
    first = text.splitlines()[0]
    assert first == "lab/fit generation 1 is active: 30 packages for linux-64, 25 for osx-arm64"
    assert "55" not in text


def test_changes_on_several_platforms_are_summed_up_platform_by_platform() -> None:
    platforms = ("linux-64", "osx-arm64")
    both = tuple(change("rich", "12", "13", platform) for platform in platforms)
    text = shown(built(platforms=platforms, changes=both))
    assert "is active: for linux-64, osx-arm64 (linux-64: 1 changed; osx-arm64: 1 changed)" in text
    assert "42" not in text


@pytest.mark.parametrize("dry_run", [False, True])
def test_many_changes_are_cut_off_with_what_shows_them_all(dry_run: bool) -> None:
    many = tuple(change(f"p{number}", "1", "2") for number in range(30))
    lines = shown(built(changes=many, dry_run=dry_run)).splitlines()
    assert lines[19].startswith("~ p19 ")
    file = " -f FILE" if dry_run else ""
    assert lines[20] == f"… and 10 more (`condarium env diff lab/fit{file}` shows all)"
    assert "30 changed" in lines[21]


def test_a_difference_shows_all_changes() -> None:
    many = tuple(change(f"p{number}", "1", "2") for number in range(30))
    assert len(shown(Difference(before="a", after="b", changes=many)).splitlines()) == 32


def test_a_generation_for_other_machines_says_that_it_is_locked_only() -> None:
    text = shown(built(platforms=("win-64",), prefix=None, path=None, link=None))
    assert "locked for win-64 only; this machine is " in text


def test_a_dry_run_says_what_would_be_done() -> None:
    text = shown(built(dry_run=True, generation=None, path=None, prefix=None))
    assert "+ rich" in text
    assert "dry run: lab/fit would get a new generation of 42 packages" in text
    assert "nothing would change" in shown(built(dry_run=True, changed=False))


LINES = (line("fit"), line("longer-name", on_disk=False, active=None))


def test_a_list_of_environments_is_a_plain_table_where_a_program_reads_it() -> None:
    header, first, second = shown(Piece(items=LINES), Piece[EnvironmentLine]).splitlines()
    assert " ".join(header.split()) == "NAME ACTIVE GENERATIONS ON DISK CREATED BY PATH"
    assert (
        " ".join(first.split())
        == "lab/fit 3 4 yes 2026-02-28T12:00:00Z ada /srv/condarium/envs/lab/fit"
    )
    assert second.split()[:4] == ["lab/longer-name", "-", "4", "no"]


def test_a_list_of_environments_fits_a_terminal() -> None:
    text = shown(Piece(items=LINES), Piece[EnvironmentLine], width=80)
    assert "2 d ago" in text
    assert max(map(len, text.splitlines())) <= 80


def test_a_build_on_a_server_names_its_place_and_no_command_of_this_machine() -> None:
    text = shown(built(generation=1, path=Path("/srv/envs/lab/fit")), remote=True)
    assert "/srv/envs/lab/fit" in text
    assert " on the server" in text
    assert "env run" not in text


def test_an_empty_list_is_empty_for_programs() -> None:
    assert shown(Piece(items=()), Piece[EnvironmentLine]) == ""
    assert "no environments yet" in shown(Piece(items=()), Piece[EnvironmentLine], width=80)


def detail(**other: Any) -> EnvironmentDetail:
    package = LockedPackage(
        kind="conda", name="numpy", version="1.26", build="py_0", url="u", size=2**20
    )
    values: dict[str, Any] = {
        "generation": generation(2, active=True),
        "path": STORE / "envs" / "lab" / "fit",
        "prefix": STORE / "prefixes" / "ab",
        "on_disk": True,
        "link": "hard links",
        "spec": "name: fit\n",
        "channels": ("conda-forge",),
        "packages": {"linux-64": (package,)},
    }
    return EnvironmentDetail(**{**values, **other})


def test_show_tells_of_prefix_spec_and_packages() -> None:
    text = shown(detail())
    assert "lab/fit generation 2 active" in text
    assert "prefix     /srv/condarium/prefixes/ab (hard links)" in text
    assert "\n  name: fit\n" in text
    assert "numpy  1.26     py_0   1.0 MB" in text


def test_show_lock_is_the_lock_and_nothing_else() -> None:
    assert shown(detail(content="version: 6\n\tx: \x1b\n")) == "version: 6\n\tx: \x1b\n"


def test_path_is_the_path_and_nothing_else() -> None:
    assert shown(EnvironmentPath(environment=FIT, path=STORE, prefix=STORE)) == f"{STORE}\n"


def test_history_tells_who_when_why_and_what_changed_newest_first() -> None:
    answer = History(
        environment=FIT,
        generations=(
            GenerationLine(generation=generation(1, active=True), added=3, removed=0, changed=0),
            GenerationLine(
                generation=generation(2, archived_at=NOW), added=0, removed=1, changed=2
            ),
        ),
        activations=(
            Activation(number=2, at=NOW - timedelta(hours=2), actor="ada", reason=""),
            Activation(number=1, at=NOW - timedelta(hours=1), actor="bob", reason="2 is broken"),
        ),
        builds=(
            Build(
                id=1, environment=FIT, status=BuildStatus.FAILED, started_at=NOW, ended_at=NOW,
                actor="bob", generation=None, error="no such package\nmore",
            ),
        ),
    )  # fmt: skip
    lines = shown(answer, width=80).splitlines()
    assert " ".join(lines[1].split()) == "2 2 h ago ada +0 -1 ~2 archived a new pandas"
    assert " ".join(lines[2].split()) == "1 1 h ago ada +3 -0 ~0 active a new pandas"
    assert lines[3] == "1 h ago: bob went back to generation 1: 2 is broken"
    assert lines[4] == "just now: a build by bob failed: no such package"


def test_a_difference_is_by_platform_where_there_are_several() -> None:
    other = change("numpy", None, "1.26", platform="osx-arm64")
    text = shown(Difference(before="generation 1", after="generation 2", changes=(*CHANGES, other)))
    assert text.splitlines() == [
        "generation 1 → generation 2",
        "linux-64",
        "- numpy   1.26",
        "~ pandas  2.0 → 2.1",
        "+ rich    13",
        "osx-arm64",
        "+ numpy  1.26",
        "linux-64: 1 added, 1 removed, 1 changed; osx-arm64: 1 added",
    ]
    assert "no package differs" in shown(Difference(before="1", after="2", changes=()))


@pytest.mark.parametrize(
    ("result", "said"),
    [
        (
            Switched(environment=FIT, generation=1, previous=3, path=STORE),
            "lab/fit generation 1 is active; it was generation 3",
        ),
        (Removed(environment=FIT, generations=1), "removed lab/fit and its 1 generation"),
        (Archived(generations=(), dry_run=False), "nothing to archive"),
        (
            Archived(
                generations=(ArchivedGeneration(environment=FIT, generation=1, freed=2**20),),
                dry_run=True,
            ),
            "dry run: would archive 1 generation; that frees 1.0 MB",
        ),
        (
            Restored(
                environment=FIT, generation=1, prefix=STORE, files=9, identical=True, changed=True
            ),
            "bit for bit",
        ),
        (
            Restored(
                environment=FIT, generation=1, prefix=STORE, files=9, identical=False, changed=True
            ),
            "differs from its first build",
        ),
        (
            Locked(content="", digest="c" * 64, solved=False, packages={"linux-64": 10}),
            "locked 10 packages for linux-64 (known already, not solved again; cccccccccccc)",
        ),
        (Collected(kinds=(), dry_run=False), "nothing to free"),
        (
            Collected(
                kinds=(CollectedKind(kind="prefixes", count=2, bytes=2**30),), dry_run=True
            ),
            "dry run: would free 1.1 GB",
        ),
    ],
)  # fmt: skip
def test_what_was_done_is_said(result: Any, said: str) -> None:
    assert said in shown(result)


def test_verification_names_the_files_that_differ_and_the_cure() -> None:
    problem = FileProblem(path="bin/x", package="numpy-1.26-py_0", what="missing")
    text = shown(
        Verification(
            environment=FIT, generation=1, files=10, bytes=2**20, problems=(problem,), unknown=0,
            repaired=False,
        )
    )  # fmt: skip
    assert text.splitlines()[0].split() == ["missing", "bin/x", "numpy-1.26-py_0"]
    assert "`condarium env verify lab/fit 1 --repair`" in text


USE = DiskUse(name="lab/fit", kind="environment", link="hard link", logical=100, shared=75, own=25)


def test_disk_use_is_a_table_with_bars_on_a_terminal_only() -> None:
    report = DiskReport(rows=(USE,), disk=100)
    assert "lab/fit        100 B    75 B  25 B  hard link\n" in shown(report)
    assert "████░░░░░░░░░░░░" in shown(report, width=80)
    assert "on disk: 100 B" in shown(report)


def test_styles_are_for_terminals_and_control_characters_for_nobody() -> None:
    plain, colored = Page(now=NOW), Page(now=NOW, color=True, width=80)
    for page in (plain, colored):
        page.line(bold("a\x1b[31m"), " \u202eb\n")
    assert plain.text() == "a\\x1b[31m \\u202eb\n"
    assert colored.text() == "\x1b[1ma\\x1b[31m\x1b[0m \\u202eb\n"


def test_tables_align_wide_characters_and_shorten_on_terminals_only() -> None:
    rows = [("分析", "x" * 100), (green("ab"), "y")]
    plain, narrow = Page(now=NOW), Page(now=NOW, width=40)
    plain.table(("", ""), rows, crop=1)
    narrow.table(("", ""), rows, crop=1)
    assert plain.text() == f"分析  {'x' * 100}\nab    y\n"
    assert narrow.text().splitlines()[0] == f"分析  {'x' * 33}…"


def test_history_says_when_somebody_went_forward_again():
    answer = History(
        environment=FIT,
        generations=(
            GenerationLine(generation=generation(1), added=3, removed=0, changed=0),
            GenerationLine(generation=generation(2, active=True), added=0, removed=1, changed=2),
        ),
        activations=tuple(
            Activation(number=number, at=NOW - timedelta(hours=4 - at), actor="ada", reason=reason)
            for at, (number, reason) in enumerate([(1, ""), (2, ""), (1, "slow"), (2, "not it")])
        ),
        builds=(),
    )
    assert shown(answer, width=80).splitlines()[3:] == [
        "2 h ago: ada went back to generation 1: slow",
        "1 h ago: ada made generation 2 active again: not it",
    ]


def test_what_to_type_next_calls_condarium_as_it_was_called():
    text = shown(built(generation=1), program=".venv/bin/condarium --store /srv/c")
    assert "run in it: .venv/bin/condarium --store /srv/c env run lab/fit -- COMMAND" in text
