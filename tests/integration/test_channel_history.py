"""What happened to channels, and in what two views of them differ."""

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from tests.support.channel import Made
from tests.support.hosting import (
    NOON,
    Clock,
    change,
    create,
    fact,
    host,
    hosted_store,
    patch,
)

from condarium.channels.asking import history
from condarium.channels.asking.comparing import compare, read_view
from condarium.channels.asking.history import BadRevision, NeverInChannel
from condarium.cli.main import main
from condarium.errors import CondariumError
from condarium.model.hosting.history import ChannelDiff, ChannelLog
from condarium.model.hosting.hosted import ChannelKind
from condarium.model.progress import Quiet
from condarium.model.view import BadView, ChannelName
from condarium.storage.hosting.channels import NoSuchRevision
from condarium.storage.store import Store

LAB = ChannelName("lab")
RULES = """
if:
  name: lib
then:
- replace_depends: {old: core*, new: core >=2}
- add_constrains: rival <1
"""


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """`lab`, in eight revisions, an hour between them."""
    clock = Clock()
    with hosted_store(tmp_path_factory.mktemp("hosted"), clock) as store:
        host(store, "lab", [Made("lib", depends=["core"]), Made("app")], reason="begin")  # r1
        for step in _STEPS:  # r2 to r8
            clock.advance(timedelta(hours=1))
            step(store)
        create(store, "all", kind=ChannelKind.UNION, members=(LAB,))
        clock.advance(timedelta(hours=1))
        yield store


def _publish_to_dev(store: Store) -> None:
    host(store, "lab", [Made("lib", "2.0", depends=["core"])], labels=["dev"])


def _yank(store: Store) -> None:
    change(store, "lab", "yank", opened=[fact("yank", "noarch", "app-1.0-0.conda")], reason="bad")


def _promote(store: Store) -> None:
    promoted = [fact("label", "noarch", "lib-2.0-0.conda", "main")]
    change(store, "lab", "label promote", opened=promoted)


def _patch(store: Store) -> None:
    patch(store, "lab", RULES, name="core.yaml")


def _undo(store: Store) -> None:
    with store.database.read() as facts:
        holding = list(facts.holdings.holding(facts.channels.get(LAB), at=5))
    change(store, "lab", "patch undo", closed=[each for each in holding if each.position])


def _remove(store: Store) -> None:
    with store.database.read() as facts:
        about = list(facts.holdings.about(facts.channels.get(LAB), [("noarch", "app")], at=6))
    change(store, "lab", "remove-package", closed=about)


def _publish_many(store: Store) -> None:
    host(store, "lab", [Made(f"part-{letter}", subdir="linux-64") for letter in "abc"])


_STEPS = (_publish_to_dev, _yank, _promote, _patch, _undo, _remove, _publish_many)


def changes(log: ChannelLog) -> dict[int, list[str]]:
    """What each revision did, as `+label dev noarch/lib-2.0-0.conda`."""
    return {
        logged.revision.number: [
            " ".join(
                [
                    f"{'+' if each.began else '-'}{each.kind}",
                    each.value if each.kind == "label" else each.about,
                    each.file_name,
                ]
            ).strip()
            for each in logged.changes
        ]
        for logged in log.revisions
    }


def test_the_log_tells_who_did_what_when_and_why(store: Store) -> None:
    log = history.log(store, LAB, limit=0)
    numbers = [logged.revision.number for logged in log.revisions]
    assert (numbers, log.total) == ([8, 7, 6, 5, 4, 3, 2, 1], 8)
    first, yank = log.revisions[-1].revision, log.revisions[-3].revision
    assert (first.at, first.actor, first.action, first.reason) == (NOON, "ada", "publish", "begin")
    assert (yank.action, yank.opened, yank.closed, yank.reason) == ("yank", 1, 0, "bad")
    short = history.log(store, LAB, limit=2)
    assert ([logged.revision.number for logged in short.revisions], short.total) == ([8, 7], 8)


@pytest.mark.parametrize(
    ("revision", "expected"),
    [
        ("r2", ["+file  lib-2.0-0.conda", "+label dev lib-2.0-0.conda"]),
        ("3", ["+yank  app-1.0-0.conda"]),
        ("r5", ["+patch core.yaml"]),
        ("r6", ["-patch core.yaml"]),
        ("r7", ["-file  app-1.0-0.conda", "-label main app-1.0-0.conda", "-yank  app-1.0-0.conda"]),
    ],
)
def test_a_revision_tells_its_changes(store: Store, revision: str, expected: list[str]) -> None:
    log = history.log_of_revision(store, LAB, revision, limit=0)
    assert changes(log) == {int(revision.removeprefix("r")): expected}


def test_a_long_revision_is_cut_and_says_so(store: Store) -> None:
    (entry,) = history.log_of_revision(store, LAB, "r8", limit=4).revisions
    assert (len(entry.changes), entry.omitted) == (4, 2)


@pytest.mark.parametrize(
    ("revision", "error"),
    [("r9", NoSuchRevision), ("r0", BadRevision), ("r1x", BadRevision), ("-1", BadRevision)],
)
def test_what_is_no_revision(store: Store, revision: str, error: type[CondariumError]) -> None:
    with pytest.raises(error):
        history.log_of_revision(store, LAB, revision, limit=0)


def test_a_package_has_a_history(store: Store) -> None:
    """Of patches, only what changed what is shown of it is told."""
    lib = changes(history.log_of_package(store, LAB, "lib", limit=0))
    assert {number: told[0] for number, told in lib.items()} == {
        6: "-patch core.yaml",
        5: "+patch core.yaml",
        4: "+label main lib-2.0-0.conda",
        2: "+file  lib-2.0-0.conda",
        1: "+file  lib-1.0-0.conda",
    }
    app = history.log_of_package(store, LAB, "app", limit=2)
    assert (list(changes(app)), app.total) == ([7, 3], 3)
    with pytest.raises(NeverInChannel) as raised:
        history.log_of_package(store, LAB, "libb", limit=0)
    assert raised.value.hint == "Did you mean lib?"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("r3", "lab/as-of/r3"),
        ("3", "lab/as-of/r3"),
        ("2026-03-01T09:00:00Z", "lab/as-of/2026-03-01T09:00:00Z"),
        ("label/dev", "lab/label/dev"),
        ("cooldown/36h", "lab/cooldown/36h"),
        ("lab", "lab"),
        ("other/label/dev", "other/label/dev"),
    ],
)
def test_how_views_are_named(text: str, expected: str) -> None:
    assert str(read_view(LAB, text)) == expected


@pytest.mark.parametrize("text", ["2026-03-01", "r3/x/y", "label/"])
def test_what_names_no_view(text: str) -> None:
    with pytest.raises(BadView):
        read_view(LAB, text)


def diff(store: Store, before: str, after: str = "lab") -> ChannelDiff:
    return compare(store, read_view(LAB, before), read_view(LAB, after), progress=Quiet())


def told(answer: ChannelDiff) -> list[str]:
    packages = [
        f"{each.status} {each.name} +{','.join(each.added)} -{','.join(each.removed)}"
        for each in answer.packages
    ]
    added = [f"+ {each.file_name}" for each in answer.added]
    removed = [f"- {each.file_name} ({each.still})" for each in answer.removed]
    fields = [
        f"~ {record.file_name} {field.field}: {field.before} → {field.after}"
        for record in answer.changed
        for field in record.fields
    ]
    return [*packages, *added, *removed, *fields]


DIFFERENCES = [
    ("r1", "r2", []),
    ("r2", "r3", ["removed app + -1.0", "- app-1.0-0.conda (hidden)"]),
    ("r3", "r2", ["added app +1.0 -", "+ app-1.0-0.conda"]),
    ("r3", "r4", ["changed lib +2.0 -", "+ lib-2.0-0.conda"]),
    (
        "r4",
        "r5",
        [
            "~ lib-1.0-0.conda constrains: [] → ['rival <1']",
            "~ lib-1.0-0.conda depends: ['core'] → ['core >=2']",
            "~ lib-2.0-0.conda constrains: [] → ['rival <1']",
            "~ lib-2.0-0.conda depends: ['core'] → ['core >=2']",
        ],
    ),
    ("r4", "r6", []),
    ("r6", "r7", []),
    ("2026-03-01T12:30:00Z", "2026-03-01T14:30:00Z", ["removed app + -1.0",
                                                      "- app-1.0-0.conda (hidden)"]),
    ("r7", "label/dev/as-of/r7", ["changed lib + -1.0", "- lib-1.0-0.conda (nothing)"]),
    ("r0", "label/dev/as-of/r2", ["added lib +2.0 -", "+ lib-2.0-0.conda"]),
    ("lab", "all", []),
]  # fmt: skip


@pytest.mark.parametrize(("before", "after", "expected"), DIFFERENCES)
def test_differences(store: Store, before: str, after: str, expected: list[str]) -> None:
    assert told(diff(store, before, after)) == expected


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("r1", "r2", ["+file", "+label dev"]),
        ("r2", "r1", ["-file", "-label dev"]),
        ("r4", "r5", ["+patch"]),
        ("r4", "r6", []),  # what came and went in between is no difference
        ("r2", "r7", ["-file", "-label main", "+label main"]),
        ("label/dev", "lab", []),
        ("r3", "all", []),
    ],
)
def test_differences_in_facts(store: Store, before: str, after: str, expected: list[str]) -> None:
    found = diff(store, before, after).facts
    assert [
        f"{'+' if each.began else '-'}{each.kind}{f' {each.value}' if each.kind == 'label' else ''}"
        for each in found
    ] == expected


def test_what_went_and_came_again_is_no_difference(tmp_path: Path) -> None:
    label = fact("label", "noarch", "tool-1.0-0.conda", "main")
    with hosted_store(tmp_path) as store:
        host(store, "lab", [Made("tool")])
        change(store, "lab", "label remove", closed=[label])
        change(store, "lab", "label add", opened=[label])
        assert diff(store, "r1", "r3").same
        assert not diff(store, "r1", "r2").same


def test_nothing_differs(store: Store) -> None:
    assert diff(store, "r8").same
    assert not diff(store, "r7").same


def test_only_packages_that_differ_are_read(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    get = store.blobs.get
    monkeypatch.setattr(store.blobs, "get", lambda digest: read.append(digest) or get(digest))
    diff(store, "r7", "r8")
    assert len(read) == 3


SAID = [
    ("channel log lab", "r3", "bad"),
    ("channel log lab r8", "published 3 files, label main", "linux-64/part-a-1.0-0.conda"),
    ("channel log lab r6", "patch 1 (core.yaml) undone", "r6 patch undo"),
    ("channel log lab r4", "+ label main added to noarch/lib-2.0-0.conda", "by ada"),
    ("channel log lab --package app", "- removed noarch/app-1.0-0.conda", "+ yanked"),
    ("channel log lab --package app --limit 1", "showing 1 of 3 revisions", "--limit 0"),
    ("channel diff lab r4 r5", "depends: - core  + core >=2", "2 records changed"),
    ("channel diff lab r1", "+ part-a 1.0", "1 file removed"),
    ("channel diff lab r8", "nothing differs", "lab/as-of/r8"),
]


@pytest.mark.parametrize(("command", "first", "second"), SAID)
def test_each_is_a_command(
    store: Store, command: str, first: str, second: str, capsys: pytest.CaptureFixture[str]
) -> None:
    place = ["--store", str(store.layout.root)]
    assert main([*place, *command.split()]) == 0
    said = capsys.readouterr().out
    assert first in said
    assert second in said
    assert main([*place, "--json", *command.split()]) == 0
    assert json.loads(capsys.readouterr().out)
