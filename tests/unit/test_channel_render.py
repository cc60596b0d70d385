"""How changes of channels look to a person."""

from datetime import UTC, datetime
from typing import Any

import pytest

from condarium.cli.page import Page
from condarium.cli.render import renderer
from condarium.engine.solving.record_spec import BadPackageSpec, RecordSpec
from condarium.model.hosting.changes import (
    ChannelPatch,
    Dependents,
    FilesChanged,
    KeyChange,
    PatchesChanged,
    PatchTrial,
    RecordChange,
    Reverted,
)
from condarium.model.view import ChannelName

LAB = ChannelName("lab")
PATCH = ChannelPatch(number=1, name="p.yaml", kind="rules", summary="1 rule", document="ab" * 32)
RECORD = {"name": "tool", "version": "1.0", "build": "h1_0", "build_number": 0}


def shown(result: Any, **page: Any) -> list[str]:
    sheet = Page(now=datetime(2026, 3, 2, tzinfo=UTC), **page)
    renderer(type(result))(result, sheet)
    return sheet.text().splitlines()


def files(**other: Any) -> FilesChanged:
    values = {"action": "yank", "revision": 4, "dry_run": False, "files": ("noarch/a-1-0.conda",)}
    return FilesChanged(channel=LAB, **{**values, **other})


def test_a_change_says_what_it_changed_its_revision_and_how_to_undo_it() -> None:
    assert shown(files(unchanged=("noarch/b-1-0.conda",))) == [
        "~ noarch/a-1-0.conda",
        "1 package file already yanked",
        "lab is at r4: yanked 1 file",
        "  undo it: condarium channel revert lab r4",
    ]


def test_a_dry_run_and_nothing_to_do_say_so() -> None:
    promote = files(action="label promote", label="dev", to="main", dry_run=True, revision=None)
    assert shown(promote)[-1] == "dry run: lab would move from label dev to main: 1 file"
    assert shown(files(files=(), revision=None)) == ["lab: nothing changed"]


def test_many_files_are_cut_off_with_their_number() -> None:
    many = tuple(f"noarch/a-{number}-0.conda" for number in range(1030))
    assert "… and 1,010 more (--json names all)" in shown(files(files=many))


def test_a_trial_shows_what_went_and_what_came() -> None:
    depends = KeyChange(key="depends", before=["lib", "x >=1"], after=["lib", "x >=1,<2"])
    limit = KeyChange(key="license", before=None, after="MIT")
    order = KeyChange(key="constrains", before=["a", "b"], after=["b", "a"])
    trial = PatchTrial(
        channel=LAB,
        head=7,
        patches=(PATCH,),
        changed=9,
        removed=1,
        packages=2,
        changes=(
            RecordChange(
                subdir="noarch",
                file_name="tool-1-0.conda",
                name="tool",
                what="changed",
                keys=(depends, limit, order),
            ),
            RecordChange(subdir="noarch", file_name="lib-1-0.conda", name="lib", what="removed"),
        ),
        dependents={
            "tool": Dependents(packages=tuple(f"package-{n}" for n in range(20)), count=300)
        },
    )
    lines = shown(trial, width=80)
    assert lines[:9] == [
        "~ noarch/tool-1-0.conda",
        "    depends",
        "      - x >=1",
        "      + x >=1,<2",
        "    license",
        "      + MIT",
        "    constrains",
        "      ~ the same in another order",
        "- noarch/lib-1-0.conda goes from the index",
    ]
    assert lines[9] == "… and 8 more records (--limit 0 shows all)"
    assert lines[10].startswith("300 packages depend on tool: package-0, ")
    assert lines[10].endswith(" more")
    assert len(lines[10]) <= 160
    assert "9 records of 2 packages would be changed and 1 removed" in lines[11]


def test_a_patch_that_changes_nothing_says_so() -> None:
    added = PatchesChanged(
        channel=LAB, action="patch add", revision=3, patches=(PATCH,), unchanged=(), packages=()
    )
    assert "lab is at r3: no package changed by it" in shown(added)


def test_what_was_undone_before_is_said() -> None:
    again = Reverted(channel=LAB, undone=2, action="yank", revision=None, gone=(), back=())
    assert shown(again) == ["lab: nothing changed; r2 (yank) was undone before"]


@pytest.mark.parametrize(
    ("spec", "fits"),
    [
        ("tool", True),
        ("tool >=1,<2", True),
        ("tool[build=h1*]", True),
        ("tool[subdir=noarch]", False),
        ("[subdir=linux-64]", True),
        ("t*", True),
        ("tool[fn=tool-1.0-h1_0.conda]", True),
        ("tool[fn=tool-1.0-h2_0.conda]", False),
        ("tool ==2", False),
        ("other", False),
    ],
)
def test_a_record_fits_a_matchspec(spec: str, fits: bool) -> None:
    found = RecordSpec.parse(spec).fits("linux-64", "tool-1.0-h1_0.conda", RECORD)
    assert found is fits


@pytest.mark.parametrize("spec", ["", "lab::tool", "tool >1 <2", "pip install tool", "[x"])
def test_what_is_no_matchspec_is_refused(spec: str) -> None:
    with pytest.raises(BadPackageSpec):
        RecordSpec.parse(spec)
