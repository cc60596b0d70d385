"""Questions about channels and what is in them."""

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from tests.support.channel import Made
from tests.support.elsewhere import elsewhere
from tests.support.hosting import ADA, Clock, change, create, fact, host, hosted_store, patch
from tests.support.server import ChannelServer

from condarium.channels.asking import inventory, overview, searching
from condarium.channels.asking.searching import BadSearch, NothingInView
from condarium.channels.remote.refreshing import Refresher
from condarium.channels.remote.upstream import UpstreamFailed
from condarium.channels.views.catalogue import NoRevisionsOfUnion
from condarium.channels.views.contents import BadSubdir
from condarium.cli.main import main
from condarium.client import Client
from condarium.errors import BadArguments
from condarium.model.hosting.hosted import ChannelKind, Filter, UnionMode
from condarium.model.progress import Quiet
from condarium.model.view import ChannelName, View
from condarium.storage.hosting.channels import NoSuchChannel
from condarium.storage.store import Store

QUIET = Quiet()
LAB = ChannelName("lab")


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """Four revisions of `lab`, one of `other`, and a union of both."""
    clock = Clock()
    with hosted_store(tmp_path_factory.mktemp("hosted"), clock) as store:
        host(
            store,
            "lab",
            [
                Made("numpy", "1.9", subdir="linux-64", license="BSD-3-Clause"),
                Made("numpy", "1.10", subdir="linux-64", depends=["python >=3.9"]),
                Made("numpy", "1.10", subdir="linux-64", build="1", build_number=1),
                Made("numpy", "1.10", subdir="osx-arm64"),
                Made("numpydoc", "1.0"),
                Made("tool", "1.0"),
            ],
        )
        clock.advance(timedelta(days=1))
        host(store, "lab", [Made("tool", "2.0"), Made("early")], labels=["dev"])
        change(store, "lab", "yank", opened=[fact("yank", "noarch", "tool-1.0-0.conda")])
        patch(store, "lab", "if:\n  name: numpydoc\nthen:\n- add_depends: sphinx\n")
        clock.advance(timedelta(hours=1))
        host(store, "other", [Made("numpy", "9.0"), Made("zoo")])
        members = (LAB, ChannelName("other"))
        create(store, "both", kind=ChannelKind.UNION, members=members, description="all")
        create(
            store, "merged", kind=ChannelKind.UNION, members=members, mode=UnionMode.MERGE,
            public=False,
        )  # fmt: skip
        yield store


def view(text: str) -> View:
    return View.parse(text)


def found(store: Store, where: str, spec: str) -> list[str]:
    answer = searching.search(store, view(where), spec, progress=QUIET)
    return [f"{each.subdir}/{each.name}-{each.version}-{each.build}" for each in answer.packages]


@pytest.mark.parametrize(
    ("where", "spec", "expected"),
    [
        # the newest first: 1.10 is newer than 1.9, and a higher build number newer than a lower
        (
            "lab", "numpy",
            ["linux-64/numpy-1.10-1", "linux-64/numpy-1.10-0", "osx-arm64/numpy-1.10-0",
             "linux-64/numpy-1.9-0"],
        ),
        ("lab", "numpy <1.10", ["linux-64/numpy-1.9-0"]),
        ("lab", "numpy[subdir=osx-arm64]", ["osx-arm64/numpy-1.10-0"]),
        ("lab", "numpy[build_number='>=1']", ["linux-64/numpy-1.10-1"]),
        ("lab", "numpy[license=BSD-3-Clause]", ["linux-64/numpy-1.9-0"]),
        ("lab", "*doc", ["noarch/numpydoc-1.0-0"]),
        ("lab", "lab::numpydoc", ["noarch/numpydoc-1.0-0"]),
        ("lab/label/dev", "tool", ["noarch/tool-2.0-0"]),
        ("lab/as-of/r1", "tool", ["noarch/tool-1.0-0"]),
        ("lab/label/dev/as-of/r2", "*", ["noarch/early-1.0-0", "noarch/tool-2.0-0"]),
        ("lab/cooldown/12h", "numpydoc", ["noarch/numpydoc-1.0-0"]),
        ("both", "zoo", ["noarch/zoo-1.0-0"]),
        ("both", "numpy >=9", None),
        ("merged", "numpy >=9", ["noarch/numpy-9.0-0"]),
        ("lab/label/dev/cooldown/12h", "early", None),
    ],
)  # fmt: skip
def test_search(store: Store, where: str, spec: str, expected: list[str] | None) -> None:
    if expected is None:
        with pytest.raises(NothingInView):
            found(store, where, spec)
    else:
        assert found(store, where, spec) == expected


@pytest.mark.parametrize(
    ("where", "spec", "hint"),
    [
        ("lab", "numpy >=3", "There is numpy 1.10, 1.9, in linux-64, osx-arm64."),
        ("lab", "nunpy", "Did you mean numpy?"),
        ("lab", "early", "There is a package early in lab/label/dev."),
        ("lab/as-of/r1", "early", "There is a package early in lab/label/dev."),
        (
            "lab", "tool",
            "All files of tool are yanked, or patched away: `condarium channel files lab tool` "
            "shows them. There is a package tool in lab/label/dev.",
        ),
        ("lab", "num* >=7", "Of 2 packages of such a name, none fits."),
        ("lab", "qqq", "`condarium channel packages lab` shows what there is."),
    ],
)  # fmt: skip
def test_where_nothing_fits_it_says_what_there_is(
    store: Store, where: str, spec: str, hint: str
) -> None:
    with pytest.raises(NothingInView) as raised:
        found(store, where, spec)
    assert raised.value.hint == hint


def test_a_record_is_found_as_patches_leave_it(store: Store) -> None:
    for where, depends in [("lab", ("sphinx",)), ("lab/as-of/r3", ())]:
        answer = searching.search(store, view(where), "numpydoc", progress=QUIET)
        assert answer.packages[0].depends == depends
        assert answer.packages[0].url == f"{where}/noarch/numpydoc-1.0-0.conda"


def test_limits_count_what_they_leave_out(store: Store) -> None:
    answer = searching.search(store, view("lab"), "numpy", limit=1, progress=QUIET)
    assert ({each.version for each in answer.packages}, answer.omitted) == ({"1.10"}, 1)
    some = inventory.packages(store, view("lab"), limit=1, progress=QUIET)
    assert ([each.name for each in some.packages], some.total) == (["numpy"], 3)
    files = inventory.files(store, view("lab"), limit=3, progress=QUIET)
    assert (len(files.files), files.omitted, files.packages, files.of) == (3, 1, 1, 3)
    with pytest.raises(BadArguments, match="--limit"):
        inventory.files(store, view("lab"), limit=-1, progress=QUIET)


def test_what_cannot_be_asked_is_refused(store: Store) -> None:
    with pytest.raises(BadSearch, match="'numpy=>1'"):
        found(store, "lab", "numpy=>1")
    with pytest.raises(BadSearch):
        found(store, "lab", "other::numpy")
    with pytest.raises(BadSubdir, match="linux64"):
        inventory.packages(store, view("lab"), subdirs=["linux64"], limit=0, progress=QUIET)
    with pytest.raises(NoSuchChannel):
        found(store, "nowhere", "numpy")
    with pytest.raises(NoRevisionsOfUnion):
        found(store, "both/as-of/r1", "numpy")


@pytest.mark.parametrize(
    ("where", "pattern", "subdirs", "expected"),
    [
        ("lab", None, (), [("numpy", "1.10", 2, 4, 0), ("numpydoc", "1.0", 1, 1, 0),
                           ("tool", None, 0, 0, 1)]),
        ("lab", "NUMPY", (), [("numpy", "1.10", 2, 4, 0)]),
        ("lab", "*tool", (), [("tool", None, 0, 0, 1)]),
        ("lab", None, ("osx-arm64",), [("numpy", "1.10", 1, 1, 0)]),
        ("lab", None, ("win-64",), []),
        ("lab/label/dev", None, (), [("early", "1.0", 1, 1, 0), ("tool", "2.0", 1, 1, 0)]),
        ("lab/as-of/r0", None, (), []),
        ("both", "n*y", (), [("numpy", "1.10", 2, 4, 0)]),
        ("merged", "n*y", (), [("numpy", "9.0", 3, 5, 0)]),
    ],
)  # fmt: skip
def test_packages(
    store: Store,
    where: str,
    pattern: str | None,
    subdirs: tuple[str, ...],
    expected: list[tuple[object, ...]],
) -> None:
    answer = inventory.packages(
        store, view(where), pattern, subdirs=subdirs, limit=0, progress=QUIET
    )
    shown = [
        (each.name, each.newest, each.versions, each.files, each.hidden) for each in answer.packages
    ]
    assert shown == expected
    assert answer.total == len(expected)


def test_a_pattern_that_matches_nothing_is_said(store: Store) -> None:
    with pytest.raises(NothingInView) as raised:
        inventory.packages(store, view("lab"), "numpi", limit=0, progress=QUIET)
    assert raised.value.hint == "Did you mean numpy?"


def test_files_tell_their_labels_and_whether_they_are_shown(store: Store) -> None:
    answer = inventory.files(store, view("both"), limit=0, progress=QUIET)
    told = {
        each.file_name: (each.channel.name, each.labels, each.state)
        for each in answer.files
        if each.subdir == "noarch"
    }
    assert told == {
        "numpydoc-1.0-0.conda": ("lab", ("main",), "shown"),
        "tool-1.0-0.conda": ("lab", ("main",), "yanked"),
        "zoo-1.0-0.conda": ("other", ("main",), "shown"),
    }
    assert all(each.sha256 and each.size and each.indexed_at for each in answer.files)


def test_files_as_of_then_are_those_of_then(store: Store) -> None:
    (tool,) = inventory.files(
        store, view("lab/as-of/r2"), "tool ==1.0", limit=0, progress=QUIET
    ).files
    assert tool.state == "shown"


def test_files_that_a_patch_removes_are_told_apart(tmp_path: Path) -> None:
    instructions = json.dumps({"noarch": {"remove": ["tool-1.0-0.conda"]}})
    with hosted_store(tmp_path) as store:
        host(store, "lab", [Made("tool")])
        patch(store, "lab", instructions, name="patch_instructions.json")
        (tool,) = inventory.files(store, view("lab"), limit=0, progress=QUIET).files
        assert tool.state == "patched away"


def test_the_list_counts_what_is_there(store: Store) -> None:
    told = {each.name.name: each for each in overview.list_channels(store, actor=ADA)}
    assert {name: (each.kind, each.packages, each.files) for name, each in told.items()} == {
        "both": ("union", 5, None),
        "lab": ("local", 4, 8),
        "merged": ("union", 5, None),
        "other": ("local", 2, 2),
    }
    assert (told["lab"].revision, told["merged"].public) == (4, False)
    assert told["both"].changed_at == told["other"].changed_at


def test_a_channel_in_detail(store: Store) -> None:
    lab = overview.show_channel(store, LAB)
    counted = [(each.subdir, each.packages, each.files) for each in lab.subdirs]
    assert counted == [("linux-64", 1, 3), ("noarch", 3, 4), ("osx-arm64", 1, 1)]
    assert (lab.yanked, lab.patches, [each.number for each in lab.last]) == (1, 1, [4, 3, 2, 1])
    files = inventory.files(store, view("lab"), limit=0, progress=QUIET).files
    dev = inventory.files(store, view("lab/label/dev"), limit=0, progress=QUIET).files
    assert lab.size == sum(each.size or 0 for each in (*files, *dev))
    both = overview.show_channel(store, ChannelName("both"))
    assert ([each.name for each in both.members], both.mode) == (["lab", "other"], "first")


def test_a_proxy_in_detail(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    chosen = Filter(specs=("numpy >=2",), licenses=("MIT",), cooldown=timedelta(days=14))
    upstream = "https://example.org/forge"
    with hosted_store(tmp_path) as store:
        create(store, "far", kind=ChannelKind.PROXY, upstream=upstream, filter=chosen)
        far = overview.show_channel(store, ChannelName("far"))
        assert (far.upstream, far.filter, far.channel.files) == (upstream, chosen, None)
        assert main(["--store", str(store.layout.root), "channel", "show", "far"]) == 0
    said = capsys.readouterr().out
    assert "numpy >=2; licences MIT; what is older than 14d" in said
    assert upstream in said
    assert "never answered; `condarium channel packages far` asks it" in said


@pytest.mark.parametrize("name", ["far", "all"])
def test_a_proxy_asks_upstream_before_its_first_answer(
    tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = elsewhere(tmp_path / "elsewhere", [Made("tool")])
    clock, far = Clock(), ChannelName("far")
    with hosted_store(tmp_path, clock) as store:
        with ChannelServer(folder) as server:
            create(store, "far", kind=ChannelKind.PROXY, upstream=server.url)
            create(store, "all", kind=ChannelKind.UNION, members=(far,))
            for _ in range(2):  # from then on only what serves it asks again
                inventory.packages(store, view(name), "tool", limit=0, progress=QUIET)
                asked = len(server.requests)
            inventory.files(store, view(name), "tool", limit=0, progress=QUIET)
            searching.search(store, view(name), "tool", progress=QUIET)
            assert len(server.requests) == asked
        clock.advance(timedelta(hours=1))
        Refresher(store).behind(far)
        told = overview.show_channel(store, far)
        assert (told.asked_at, told.failing_since) == (clock.now, clock.now)
        assert main(["--store", str(store.layout.root), "channel", "show", "far"]) == 0
    assert "it fails since" in capsys.readouterr().out
    assert told.failure


def test_a_proxy_whose_upstream_never_answered(tmp_path: Path) -> None:
    with hosted_store(tmp_path) as store:
        create(store, "far", kind=ChannelKind.PROXY, upstream="http://127.0.0.1:9/none")
        for ask in (inventory.packages, inventory.files):
            with pytest.raises(UpstreamFailed):
                ask(store, view("far"), limit=0, progress=QUIET)
        with pytest.raises(UpstreamFailed):
            searching.search(store, view("far"), "tool", progress=QUIET)


def test_labels_and_what_carries_them(store: Store) -> None:
    def told(channel: str) -> list[tuple[object, ...]]:
        labels = overview.list_labels(store, ChannelName(channel)).labels
        return [(each.label, each.packages, each.files, each.changed) for each in labels]

    assert told("lab") == [("dev", 2, 2, 2), ("main", 3, 6, 1)]
    assert told("both") == [("dev", 2, None, None), ("main", 4, None, None)]


def test_patches_and_which_were_undone(tmp_path: Path) -> None:
    with hosted_store(tmp_path) as store:
        host(store, "lab", [Made("tool")])
        rules = "if:\n  name: tool\nthen:\n- add_depends: {}\n"
        patch(store, "lab", rules.format("a"), name="a.yaml")
        wrong = patch(store, "lab", rules.format("b"), name="b.yaml")
        change(store, "lab", "patch undo", closed=[wrong])
        holding = overview.list_patches(store, LAB, undone=False)
        assert ([each.name for each in holding.patches], holding.undone) == (["a.yaml"], 1)
        every = overview.list_patches(store, LAB, undone=True).patches
        assert [(each.position, each.added, each.undone) for each in every] == [
            (1, 2, None),
            (2, 3, 4),
        ]


ASKED = [
    ("channel list", "lab", "public local"),
    ("channel show lab", "linux-64", "r4"),
    ("channel show merged", "members", "lab, other"),
    ("channel search lab numpy", "1.10", "linux-64"),
    ("channel search lab num*", "numpydoc", "noarch"),
    ("channel search lab numpy==1.10", "osx-arm64", "kB"),
    ("channel packages lab --limit 1", "numpy", "showing 1 of 3 packages in lab at r4"),
    ("channel files lab --limit 1", "linux-64/numpy-1.10-1.conda", "--limit 0 shows all"),
    ("channel files lab tool", "noarch/tool-1.0-0.conda", "yanked"),
    ("channel label list lab", "dev", "main"),
    ("channel patch list lab", "patch.yaml", "1 rule for numpydoc"),
]


@pytest.mark.parametrize(("command", "first", "second"), ASKED)
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


def test_each_is_a_method(store: Store) -> None:
    with Client(store.layout.root) as client:
        assert [each.name.name for each in client.channel.list()][:2] == ["both", "lab"]
        assert client.channel.search("lab/label/dev", "tool").by == "build"
        assert client.channel.label.list("lab").labels[0].label == "dev"


@pytest.mark.parametrize("size", [1, 2, 3, 100])
@pytest.mark.parametrize(
    ("ask", "named"),
    [("packages", "packages"), ("files", "files"), ("log", "revisions")],
)
def test_a_list_in_pages_is_the_whole_list(store: Store, ask: str, named: str, size: int) -> None:
    with Client(store.layout.root) as client:
        method = getattr(client.channel, ask)
        whole = getattr(method("lab", limit=0), named)
        found: list[object] = []
        cursor = None
        while True:
            page = method("lab", limit=size, cursor=cursor)
            items = getattr(page, named)
            assert 1 <= len(items) <= size
            found += items
            if (cursor := page.next) is None:
                break
        assert found == list(whole)
