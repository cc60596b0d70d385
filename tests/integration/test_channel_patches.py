"""Patches of a channel are tried, added and undone; revisions are undone."""

import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from tests.support.channel import Made
from tests.support.hosting import ADA, change, host, hosted_store, patch

from condarium.channels.changing import labelling, patching, reverting, trying, yanking
from condarium.channels.changing.reverting import BadRevision, CannotUndo
from condarium.channels.views.catalogue import Catalogue
from condarium.errors import BadArguments, CondariumError
from condarium.model.document import Document
from condarium.model.hosting.changes import KeyChange, PatchesChanged, PatchTrial, Reverted
from condarium.model.patches import BadPatch
from condarium.model.progress import Quiet
from condarium.model.view import ChannelName, View
from condarium.storage.hosting.channels import NoSuchRevision
from condarium.storage.store import Store

LAB = ChannelName("lab")
MADE = [
    Made("tool", "1.0", depends=["lib"]),
    Made("tool", "2.0", depends=["lib >=1"]),
    Made("tool", "2.0", subdir="linux-64", build="h1_0", depends=["lib >=1"]),
    Made("lib", "1.0"),
    Made("app", "1.0", depends=["tool >=1", "lib"]),
]
NEWER = Document(
    "newer.yaml",
    b"if:\n  name: tool\n  version: '2.0'\nthen:\n"
    b"  - replace_depends:\n      old: lib >=1\n      new: lib >=1.1\n",
)
CAPPED = Document("capped.yaml", b"if:\n  has_depends: tool*\nthen:\n  - add_depends: cap\n")
GONE = Document("gone.json", b'{"patch_instructions_version": 1, "remove": ["lib-1.0-0.conda"]}')
NOTHING = Document("nothing.yaml", b"if:\n  name: absent\nthen:\n  - add_depends: lib\n")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a store that has a channel."""
    folder = tmp_path_factory.mktemp("made")
    with hosted_store(folder) as store:
        host(store, "lab", MADE)
    return folder


@pytest.fixture
def store(made: Path, tmp_path: Path) -> Iterator[Store]:
    shutil.copytree(made, tmp_path, dirs_exist_ok=True)
    with hosted_store(tmp_path) as store:
        yield store


def maps(store: Store, view: str = "lab") -> object:
    """The digests of all shards of a view: equal ones are equal bytes."""
    return {
        subdir: dict(names)
        for subdir, names in Catalogue(store).open(View.parse(view)).maps.items()
        if names
    }


def add(store: Store, *documents: Document, subdir: str | None = None) -> PatchesChanged:
    return patching.add(store, LAB, documents, subdir=subdir, reason="", actor=ADA)


def undo(store: Store, number: int) -> PatchesChanged:
    return patching.undo(store, LAB, number, reason="", actor=ADA)


def attempt(
    store: Store, *documents: Document, subdir: str | None = None, limit: int = 20
) -> PatchTrial:
    return trying.dry_run(store, LAB, documents, subdir=subdir, limit=limit, progress=Quiet())


def revert(store: Store, number: int) -> Reverted:
    return reverting.revert(store, LAB, f"r{number}", reason="", actor=ADA)


def label(store: Store, name: str, *specs: str) -> None:
    labelling.add(store, LAB, name, specs, dry_run=False, reason="", actor=ADA)


def unlabel(store: Store, name: str, *specs: str) -> None:
    labelling.remove(store, LAB, name, specs, dry_run=False, reason="", actor=ADA)


def yank(store: Store, *specs: str) -> None:
    yanking.yank(store, LAB, specs, dry_run=False, reason="", actor=ADA)


def remove(store: Store, *specs: str) -> None:
    yanking.remove_packages(store, LAB, specs, dry_run=False, reason="", actor=ADA)


def test_a_dry_run_shows_each_record_and_who_depends_on_it(store: Store) -> None:
    before = maps(store)
    trial = attempt(store, NEWER)
    assert [f"{change.subdir}/{change.file_name}" for change in trial.changes] == [
        "linux-64/tool-2.0-h1_0.conda",
        "noarch/tool-2.0-0.conda",
    ]
    assert trial.changes[0].keys == (
        KeyChange(key="depends", before=["lib >=1"], after=["lib >=1.1"]),
    )
    assert (trial.changed, trial.removed, trial.packages) == (2, 0, 1)
    assert trial.dependents["tool"].packages == ("app",)
    assert maps(store) == before


def test_a_dry_run_is_after_the_patches_that_hold(store: Store) -> None:
    add(store, NEWER)
    assert attempt(store, NEWER).changed == 0
    assert [change.name for change in attempt(store, CAPPED).changes] == ["app"]


def test_a_dry_run_names_as_many_as_it_is_told_and_counts_all(store: Store) -> None:
    every = Document("every.yaml", b"if:\n  version: '*'\nthen:\n  - add_depends: cap\n")
    trial = attempt(store, every, limit=1)
    assert (len(trial.changes), trial.changed, trial.packages) == (1, 5, 3)
    assert (trial.dependents["lib"].packages, trial.dependents["lib"].count) == (("app",), 2)
    assert len(attempt(store, every, limit=0).changes) == 5


def test_removed_records_are_told_apart(store: Store) -> None:
    trial = attempt(store, GONE, subdir="noarch")
    assert [(change.file_name, change.what) for change in trial.changes] == [
        ("lib-1.0-0.conda", "removed")
    ]
    assert (trial.changed, trial.removed, trial.dependents["lib"].count) == (0, 1, 2)


def test_patches_are_added_in_one_revision_and_undone_to_the_bytes_of_before(
    store: Store,
) -> None:
    before = maps(store)
    added = add(store, NEWER, CAPPED)
    assert (added.revision, added.packages) == (2, ("linux-64/tool", "noarch/app", "noarch/tool"))
    assert [(patch.number, patch.name) for patch in added.patches] == [
        (1, "newer.yaml"),
        (2, "capped.yaml"),
    ]
    both = maps(store)
    assert undo(store, 1).packages == ("linux-64/tool", "noarch/tool")
    assert undo(store, 1).revision is None
    assert undo(store, 2).packages == ("noarch/app",)
    assert maps(store) == before
    assert maps(store, "lab/as-of/r2") == both


def test_a_patch_is_for_what_is_published_later_too(store: Store) -> None:
    add(store, CAPPED)
    host(store, "lab", [Made("late", depends=["tool"], subdir="osx-arm64")])
    assert attempt(store, CAPPED).changed == 0
    assert undo(store, 1).packages == ("noarch/app", "osx-arm64/late")


def test_a_patch_that_holds_is_not_added_again(store: Store) -> None:
    add(store, NEWER)
    again = add(store, NEWER)
    assert (again.revision, again.patches, again.unchanged[0].number) == (None, (), 1)
    assert [patch.number for patch in add(store, NEWER, CAPPED).patches] == [2]
    undo(store, 1)
    assert [patch.number for patch in add(store, NEWER, NEWER).patches] == [3]


def test_a_patch_that_changes_nothing_is_added_and_says_so(store: Store) -> None:
    added = add(store, NOTHING)
    assert (added.revision, added.packages) == (2, ())
    host(store, "lab", [Made("absent")])
    assert undo(store, 1).packages == ("noarch/absent",)


@pytest.mark.parametrize(
    ("documents", "subdir", "error"),
    [
        ([Document("p.yaml", b"if: 1\n")], None, BadPatch),
        ([NEWER, Document("p.yaml", b"then: []\n")], None, BadPatch),
        ([GONE], None, BadPatch),
        ([NEWER], "noarch", BadPatch),
        ([GONE], "linux", BadArguments),
        ([], None, BadArguments),
    ],
)
def test_a_bad_patch_is_refused_and_nothing_is_left(
    store: Store, documents: Sequence[Document], subdir: str | None, error: type[CondariumError]
) -> None:
    with pytest.raises(error):
        add(store, *documents, subdir=subdir)
    with store.database.read() as facts:
        assert facts.channels.get(LAB).head == 1
    with pytest.raises(patching.NoSuchPatch):
        undo(store, 1)


def test_every_kind_of_revision_can_be_undone_and_redone(store: Store) -> None:
    done = [
        lambda: host(store, "lab", [Made("new"), Made("tool", "3.0")], labels=["dev", "main"]),
        lambda: yank(store, "tool ==1.0"),
        lambda: label(store, "dev", "*"),
        lambda: labelling.promote(store, LAB, "dev", "prod", dry_run=False, reason="", actor=ADA),
        lambda: add(store, NEWER),
        lambda: add(store, CAPPED, NOTHING),
        lambda: undo(store, 2),
        lambda: remove(store, "tool"),
    ]
    states = [maps(store)]
    for step in done:
        step()
        states.append(maps(store))
    head = 1 + len(done)
    for number in range(head, 1, -1):
        assert revert(store, number).revision is not None
        assert maps(store) == states[number - 2]
    for number in range(head + 1, head + 1 + len(done)):
        assert maps(store, f"lab/as-of/r{number}") == states[2 * head - number - 1]
    for number in range(head + len(done), head, -1):
        revert(store, number)
    assert maps(store) == states[-1]


def test_undoing_twice_changes_nothing(store: Store) -> None:
    label(store, "dev", "lib", "app")
    unlabel(store, "dev", "app")
    answer = revert(store, 2)
    assert (answer.gone, answer.back) == (("label dev of noarch/lib-1.0-0.conda",), ())
    again = revert(store, 2)
    assert (again.revision, again.gone, again.back) == (None, (), ())


def test_what_came_by_a_revert_is_undone_like_what_was_there_before(store: Store) -> None:
    label(store, "dev", "lib")
    revert(store, 2)
    revert(store, 3)
    assert revert(store, 2).gone == ("label dev of noarch/lib-1.0-0.conda",)


LIB = "noarch/lib-1.0-0.conda"
Step = Callable[[Store], object]
OBSTACLES: dict[str, tuple[list[Step], int, list[str]]] = {
    "a file that has a label since": (
        [lambda store: label(store, "prod", "lib")],
        1,
        [f"label prod of {LIB} was added (r2)"],
    ),
    "a file that was yanked since": (
        [lambda store: yank(store, "lib")],
        1,
        [f"yank of {LIB} was added (r2)"],
    ),
    "a file that was published again": (
        [lambda store: remove(store, "lib"), lambda store: host(store, "lab", [MADE[3]])],
        1,
        [f"label main of {LIB} came again (r3)", f"{LIB} came again (r3)"],
    ),
    "a label of a file that was removed since": (
        [lambda store: unlabel(store, "main", "lib"), lambda store: remove(store, "lib")],
        2,
        [f"{LIB} was removed (r3)"],
    ),
    "a label that was given and taken again": (
        [
            lambda store: unlabel(store, "main", "lib"),
            lambda store: label(store, "main", "lib"),
            lambda store: unlabel(store, "main", "lib"),
        ],
        2,
        [f"label main of {LIB} came again, and ended (r4)"],
    ),
}


@pytest.mark.parametrize(("steps", "number", "obstacles"), OBSTACLES.values(), ids=OBSTACLES)
def test_what_later_revisions_changed_is_in_the_way(
    store: Store, steps: Sequence[Step], number: int, obstacles: list[str]
) -> None:
    for step in steps:
        step(store)
    before = maps(store)
    with pytest.raises(CannotUndo) as found:
        revert(store, number)
    assert list(found.value.obstacles) == obstacles
    assert maps(store) == before


def test_patches_and_labels_of_others_are_not_in_the_way(store: Store) -> None:
    host(store, "lab", [Made("tool", "3.0")])
    add(store, CAPPED)
    label(store, "dev", "tool <3")
    yank(store, "lib")
    assert revert(store, 2).gone == (
        "noarch/tool-3.0-0.conda",
        "label main of noarch/tool-3.0-0.conda",
    )


@pytest.mark.parametrize(
    ("text", "error"), [("r7", NoSuchRevision), ("r0", NoSuchRevision), ("last", BadRevision)]
)
def test_revisions_that_are_not_there(store: Store, text: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        reverting.revert(store, LAB, text, reason="", actor=ADA)


def test_a_publish_reads_no_patch_that_was_undone(tmp_path: Path) -> None:
    with hosted_store(tmp_path) as store:
        host(store, "lab", MADE)
        undone = patch(store, "lab", "if:\n  name: tool\nthen:\n  - add_depends: undone\n")
        change(store, "lab", "patch undo", closed=[undone])
        patch(store, "lab", "if:\n  name: tool\nthen:\n  - add_depends: held\n")
        store.blobs.remove(undone.value)
        host(store, "lab", [Made("tool", "3.0")])
        with store.database.read() as facts:
            lab = facts.channels.get(LAB)
            assert set(facts.holdings.patches(lab, [2, 9])) == {2}
            assert set(facts.holdings.patches(lab)) == {1, 2}
