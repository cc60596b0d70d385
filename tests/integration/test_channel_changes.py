"""Files of a channel are yanked, labelled, removed and brought back; channels come and go."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.support.channel import Made
from tests.support.hosting import ADA, create, host, hosted_store

from condarium.channels.changing import creating, labelling, yanking
from condarium.channels.changing.publishing import FileNameTaken
from condarium.channels.changing.selecting import NoSuchLabel, NothingFits
from condarium.channels.revising.draft import NotALocalChannel
from condarium.channels.shard import decode_shard
from condarium.channels.views.catalogue import Catalogue
from condarium.channels.views.packages import NoSuchPackageFile, find_package
from condarium.channels.views.reading import read_shard
from condarium.engine.solving.record_spec import BadPackageSpec
from condarium.errors import BadArguments, BadName, CondariumError
from condarium.model.channel_url import BadChannel
from condarium.model.hosting.changes import FilesChanged
from condarium.model.hosting.hosted import ChannelKind, Filter
from condarium.model.view import ChannelName, View
from condarium.storage.hosting.channels import ChannelExists, NoSuchChannel
from condarium.storage.store import Store

LAB = ChannelName("lab")
TOOL1, TOOL2, TOOL2_LINUX, LIB = (
    "noarch/tool-1.0-0.conda",
    "noarch/tool-2.0-0.conda",
    "linux-64/tool-2.0-h1_0.conda",
    "noarch/lib-1.0-0.conda",
)
EVERY = (TOOL2_LINUX, LIB, TOOL1, TOOL2)
MADE = [
    Made("tool", "1.0", license="MIT"),
    Made("tool", "2.0"),
    Made("tool", "2.0", subdir="linux-64", build="h1_0"),
    Made("lib", "1.0"),
]


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


def seen(store: Store, view: str) -> list[str]:
    """The files that a view's index has."""
    return sorted(_records(store, view))


def hidden(store: Store, view: str) -> list[str]:
    """The files that a view's index names as removed."""
    listing = Catalogue(store).open(View.parse(view))
    return sorted(
        f"{subdir}/{file_name}"
        for subdir, names in listing.maps.items()
        for digest in names.values()
        for file_name in decode_shard(read_shard(store, listing, digest)).removed
    )


def _records(store: Store, view: str) -> dict[str, Any]:
    listing = Catalogue(store).open(View.parse(view))
    return {
        f"{subdir}/{file_name}": record
        for subdir, names in listing.maps.items()
        for digest in names.values()
        for file_name, record in decode_shard(read_shard(store, listing, digest)).records.items()
    }


def downloadable(store: Store, path: str) -> bool:
    subdir, _, file_name = path.partition("/")
    listing = Catalogue(store).open(View(channel=LAB))
    with store.database.read() as facts:
        try:
            find_package(store, facts, listing, subdir, file_name)
        except NoSuchPackageFile:
            return False
    return True


def do(change: Any, store: Store, *arguments: Any, **other: Any) -> FilesChanged:
    options = {"dry_run": False, "reason": "", "actor": ADA, **other}
    result: FilesChanged = change(store, LAB, *arguments, **options)
    return result


@pytest.mark.parametrize(
    ("spec", "meant"),
    [
        ("tool", [TOOL2_LINUX, TOOL1, TOOL2]),
        ("tool ==1.0", [TOOL1]),
        ("tool=2", [TOOL2_LINUX, TOOL2]),
        ("tool >=1.5", [TOOL2_LINUX, TOOL2]),
        ("tool=2.0=h1*", [TOOL2_LINUX]),
        ("tool[subdir=noarch]", [TOOL1, TOOL2]),
        ("tool[license=MIT]", [TOOL1]),
        ("TOOL ==1.0", [TOOL1]),
        ("*ib", [LIB]),
        ("[subdir=linux-64]", [TOOL2_LINUX]),
        ("*", list(EVERY)),
        (TOOL2_LINUX, [TOOL2_LINUX]),
        ("tool-2.0-0.conda", [TOOL2]),
    ],
)
def test_files_are_meant_by_matchspec_or_by_name(store: Store, spec: str, meant: list[str]) -> None:
    answer = do(yanking.yank, store, [spec], dry_run=True)
    assert (list(answer.files), answer.revision) == (meant, None)
    assert seen(store, "lab") == sorted(EVERY)


@pytest.mark.parametrize(
    ("specs", "error", "message"),
    [
        (["tol"], NothingFits, "it has no package tol"),
        (["tool ==7"], NothingFits, "of tool it has linux-64/tool-2.0-h1_0.conda, noarch/tool-2.0"),
        (["linux-64/lib-1.0-0.conda"], NothingFits, "of lib it has noarch/lib-1.0-0.conda"),
        (["lib", "[subdir=win-64]"], NothingFits, "it has packages in linux-64, noarch"),
        (["lab::tool"], BadPackageSpec, "does not say which packages are meant"),
        (["tool >=1 <2"], BadPackageSpec, "does not say which packages are meant"),
        (["elsewhere/lib-1.0-0.conda"], BadPackageSpec, "does not say which"),
        ([], BadArguments, "there is no package to look for"),
    ],
)
def test_what_fits_nothing_is_refused_whole(
    store: Store, specs: list[str], error: type[CondariumError], message: str
) -> None:
    with pytest.raises(error, match=message.replace("[", r"\[")):
        do(yanking.yank, store, specs)
    assert seen(store, "lab") == sorted(EVERY)


def test_a_close_name_is_suggested(store: Store) -> None:
    with pytest.raises(NothingFits) as found:
        do(yanking.yank, store, ["tol"])
    assert found.value.hint == "Did you mean tool?"


def test_a_yanked_file_is_hidden_and_still_downloaded(store: Store) -> None:
    answer = do(yanking.yank, store, ["tool ==2.0", TOOL2], reason="broken")
    assert (answer.revision, answer.files) == (2, (TOOL2_LINUX, TOOL2))
    assert seen(store, "lab") == [LIB, TOOL1]
    assert hidden(store, "lab") == [TOOL2_LINUX, TOOL2]
    assert seen(store, "lab/as-of/r1") == sorted(EVERY)
    assert downloadable(store, TOOL2)


def test_yanking_twice_changes_what_was_not_yanked_and_says_so(store: Store) -> None:
    do(yanking.yank, store, [TOOL1])
    answer = do(yanking.yank, store, ["tool"])
    assert (answer.files, answer.unchanged) == ((TOOL2_LINUX, TOOL2), (TOOL1,))
    assert do(yanking.yank, store, ["tool"]).revision is None
    assert do(yanking.unyank, store, ["*"]).files == (TOOL2_LINUX, TOOL1, TOOL2)
    assert seen(store, "lab") == sorted(EVERY)
    assert hidden(store, "lab") == []


def test_a_removed_file_is_gone_from_now_on_and_comes_back_as_it_was(store: Store) -> None:
    before = _records(store, "lab")
    do(yanking.yank, store, [TOOL1])
    assert do(yanking.remove_packages, store, ["tool=1", LIB]).files == (LIB, TOOL1)
    assert seen(store, "lab") == [TOOL2_LINUX, TOOL2]
    assert hidden(store, "lab") == []
    assert not downloadable(store, TOOL1)
    assert seen(store, "lab/as-of/r1") == sorted(EVERY)
    with pytest.raises(NothingFits):
        do(yanking.unyank, store, [TOOL1])
    host(store, "lab", MADE)
    assert _records(store, "lab") == before  # with the instant at which it first came
    with pytest.raises(FileNameTaken):
        host(store, "lab", [Made("lib", "1.0", files={"share/other": "bytes"})])


def test_labels_are_added_and_taken(store: Store) -> None:
    assert do(labelling.add, store, "prod", ["tool"]).files == (TOOL2_LINUX, TOOL1, TOOL2)
    assert seen(store, "lab/label/prod") == [TOOL2_LINUX, TOOL1, TOOL2]
    answer = do(labelling.remove, store, "prod", ["*"])
    assert (answer.unchanged, answer.hidden) == ((LIB,), ())
    assert seen(store, "lab/label/prod") == []
    taken = do(labelling.remove, store, "main", [LIB])
    assert taken.hidden == (LIB,)
    assert seen(store, "lab") == [TOOL2_LINUX, TOOL1, TOOL2]
    assert downloadable(store, LIB)
    assert do(labelling.add, store, "main", ["*"]).files == (LIB,)


def test_a_promotion_moves_a_set_in_one_revision(store: Store) -> None:
    host(store, "lab", [Made("new"), Made("tool", "3.0")], labels=["dev"])
    do(labelling.add, store, "dev", [LIB])
    answer = do(labelling.promote, store, "dev", "main", specs=["tool", "lib"])
    assert answer.files == (LIB, "noarch/tool-3.0-0.conda")
    assert seen(store, "lab/label/dev") == ["noarch/new-1.0-0.conda"]
    assert seen(store, "lab") == sorted([*EVERY, "noarch/tool-3.0-0.conda"])
    assert answer.revision == 4
    assert do(labelling.promote, store, "dev", "main").files == ("noarch/new-1.0-0.conda",)
    with pytest.raises(NoSuchLabel, match="its labels are main"):
        do(labelling.promote, store, "dev", "main")


def test_a_copy_adds_to_a_label(store: Store) -> None:
    do(labelling.add, store, "prod", [LIB])
    answer = do(labelling.copy, store, "main", "prod", reason="all of it")
    assert (answer.files, answer.unchanged) == ((TOOL2_LINUX, TOOL1, TOOL2), (LIB,))
    assert seen(store, "lab/label/prod") == seen(store, "lab") == sorted(EVERY)


@pytest.mark.parametrize(
    ("label", "to", "error"),
    [("main", "main", BadArguments), ("main", "as-of/x", BadName), ("nolabel", "main", BadName)],
)
def test_labels_that_cannot_be_are_refused(
    store: Store, label: str, to: str, error: type[CondariumError]
) -> None:
    with pytest.raises(error):
        do(labelling.promote, store, label, to)


def test_a_union_is_of_channels_that_are_there_and_stay(store: Store) -> None:
    both = ChannelName("both")
    create(store, "other")
    creating.create(
        store, both, public=True, description="", members=[LAB, ChannelName("other")], actor=ADA
    )
    assert seen(store, "both") == sorted(EVERY)
    with pytest.raises(creating.ChannelInUse, match="in the union both"):
        creating.remove(store, LAB, actor=ADA)
    with pytest.raises(NotALocalChannel):
        yanking.yank(store, both, ["tool"], dry_run=False, reason="", actor=ADA)
    creating.remove(store, both, actor=ADA)
    removed = creating.remove(store, LAB, actor=ADA)
    assert (removed.revisions, removed.files) == (1, 4)
    with pytest.raises(NoSuchChannel):
        seen(store, "lab")


def test_a_channel_that_is_made_again_remembers_nothing(store: Store) -> None:
    creating.remove(store, LAB, actor=ADA)
    host(store, "lab", [Made("lib", "1.0", files={"share/other": "bytes"})])
    assert seen(store, "lab") == [LIB]


CREATED: list[tuple[dict[str, Any], type[CondariumError]]] = [
    ({"channel": "lab"}, ChannelExists),
    ({"members": ["both"]}, NoSuchChannel),
    ({"members": ["hidden"], "public": True}, creating.PrivateMember),
    ({"members": ["lab"], "upstream": "https://conda.example.org/x"}, BadArguments),
    ({"upstream": "conda-forge"}, BadChannel),
    ({"upstream": "https://ada:pw@conda.example.org/x"}, BadChannel),
    ({"upstream": "https://conda.example.org/t/token/x"}, BadChannel),
    ({"upstream": "https://h/x", "filter": Filter(subdirs=("linux",))}, BadArguments),
    ({"upstream": "https://h/x", "filter": Filter(specs=("numpy >1 <2",))}, BadPackageSpec),
]


@pytest.mark.parametrize(("given", "error"), CREATED, ids=str)
def test_channels_that_cannot_be_are_refused(
    store: Store, given: dict[str, Any], error: type[CondariumError]
) -> None:
    create(store, "hidden", public=False)
    options = {"public": False, "description": "", "actor": ADA, **given}
    name = ChannelName(options.pop("channel", "both"))
    options["members"] = [ChannelName(member) for member in options.get("members", ())]
    with pytest.raises(error) as found:
        creating.create(store, name, **options)
    assert "pw" not in str(found.value)


def test_a_channel_is_private_and_local_unless_it_is_said(store: Store) -> None:
    made = creating.create(
        store, ChannelName("new"), public=False, description="for tests", actor=ADA
    )
    assert (made.kind, made.public) == (ChannelKind.LOCAL, False)
    with store.database.read() as facts:
        channel = facts.channels.get(ChannelName("new"))
    assert (channel.description, channel.created_by, channel.head) == ("for tests", "ada", 0)


def test_a_name_that_was_removed_is_taken_again_only_on_purpose(store: Store) -> None:
    """What was sent as immutable, a lock or a cache may ask for again."""
    options = {"public": False, "description": "", "actor": ADA}
    creating.remove(store, LAB, actor=ADA)
    with pytest.raises(creating.ChannelWasRemoved, match="was removed at") as found:
        creating.create(store, LAB, **options)
    assert "--reuse" in (found.value.hint or "")
    creating.create(store, LAB, reuse=True, **options)
    with pytest.raises(ChannelExists):
        creating.create(store, LAB, **options)


def test_who_may_read_a_channel_and_what_is_said_of_it_can_be_changed(store: Store) -> None:
    edited = creating.edit(store, LAB, public=False, description=None, actor=ADA)
    assert (edited.public, edited.changed) == (False, True)
    again = creating.edit(store, LAB, public=False, description=None, actor=ADA)
    assert not again.changed
    said = creating.edit(store, LAB, public=None, description="for the lab", actor=ADA)
    assert (said.public, said.description) == (False, "for the lab")
    assert seen(store, "lab") == sorted(EVERY)


def test_a_public_union_keeps_its_members_public(store: Store) -> None:
    both = ChannelName("both")
    creating.create(store, both, public=True, description="", members=[LAB], actor=ADA)
    with pytest.raises(creating.PrivateMember):
        creating.edit(store, LAB, public=False, description=None, actor=ADA)
    creating.edit(store, both, public=False, description=None, actor=ADA)
    creating.edit(store, LAB, public=False, description=None, actor=ADA)
    with pytest.raises(creating.PrivateMember):
        creating.edit(store, both, public=True, description=None, actor=ADA)
