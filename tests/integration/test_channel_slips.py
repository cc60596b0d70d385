"""What people mistype at channels, and what they are told."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from tests.support.channel import Made
from tests.support.hosting import create, host, hosted_store

from condarium.channels.asking import comparing, inventory, searching
from condarium.channels.bundles import exporting
from condarium.channels.changing.selecting import NoSuchLabel
from condarium.cli.main import main
from condarium.engine.solving.matchspec import matchspec_problem
from condarium.model.hosting.hosted import ChannelKind
from condarium.model.progress import Quiet
from condarium.model.view import ChannelName, View
from condarium.storage.store import Store

QUIET = Quiet()
LAB = ChannelName("lab")


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """A channel with the labels main and dev, one with nothing in it, and a union of both."""
    with hosted_store(tmp_path_factory.mktemp("hosted")) as store:
        host(store, "lab", [Made("tool", "1.0"), Made("lib", "1.0")])
        host(store, "lab", [Made("early")], labels=["dev"])
        create(store, "empty")
        members = (ChannelName("empty"), LAB)
        create(store, "both", kind=ChannelKind.UNION, members=members)
        yield store


def told(store: Store, capsys: pytest.CaptureFixture[str], *words: str) -> str:
    """What a command says, to a reader that is no terminal; its error where it fails."""
    failed = main(["--store", str(store.layout.root), *words])
    said = capsys.readouterr()
    return said.err if failed else said.out


@pytest.mark.parametrize("address", ["lab/label/nope", "both/label/nope"])
def test_a_label_that_nothing_ever_had_is_said_to_be_none(
    store: Store, address: str, tmp_path: Path
) -> None:
    view, bundle = View.parse(address), tmp_path / "bundle.tar"
    for ask in (
        lambda: inventory.packages(store, view, limit=0, progress=QUIET),
        lambda: inventory.files(store, view, limit=0, progress=QUIET),
        lambda: searching.search(store, view, "tool", progress=QUIET),
        lambda: exporting.export(store, view, str(bundle), progress=QUIET),
        lambda: comparing.compare(store, View(channel=LAB), view, progress=QUIET),
    ):
        with pytest.raises(NoSuchLabel, match="its labels are dev, main"):
            ask()
    assert not bundle.exists()


@pytest.mark.parametrize(
    "address", ["lab/label/dev/as-of/r1", "both/label/dev", "empty", "lab/as-of/r0"]
)
def test_a_view_of_a_known_label_may_be_empty(store: Store, address: str) -> None:
    inventory.packages(store, View.parse(address), limit=0, progress=QUIET)


def test_a_revision_is_seen_as_of_the_instant_that_its_log_shows(
    store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = told(store, capsys, "channel", "log", "lab").splitlines()
    for line in lines[1:]:
        number, instant = line.split()[:2]
        assert f" {instant} by " in told(store, capsys, "channel", "log", "lab", number)
        moment = datetime.fromisoformat(instant)
        with store.database.read() as facts:
            revision = facts.channels.revision(facts.channels.get(LAB), int(number[1:]))
        assert timedelta() <= moment - revision.at < timedelta(seconds=1)


@pytest.mark.parametrize("slip", ["za rr >=<", "lib >=>", ">>>", "lib <>"])
def test_no_version_is_made_up_for_what_is_no_comparison(slip: str) -> None:
    hint = matchspec_problem(slip) or ""
    assert "is no comparison: write one, such as '" in hint
    assert hint.endswith(" >=1.2'.")


@pytest.mark.parametrize(
    ("source", "words"), [("/nonexistent", "there is no such folder or file"), ("", "not an index")]
)
def test_an_index_that_is_not_there_is_said_not_to_be(
    store: Store, capsys: pytest.CaptureFixture[str], tmp_path: Path, source: str, words: str
) -> None:
    (tmp_path / "notes.txt").write_text("nothing")
    path = source or str(tmp_path / "notes.txt")
    said = told(store, capsys, "channel", "import-index", "lab", path, "-l", "dev", "-m", "try")
    assert words in said


def test_what_was_removed_is_said_to_be(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    host(store, "gone", [Made("xss"), Made("xsl")])
    remove = ("channel", "remove-package", "gone", "noarch/xss-1.0-0.conda")
    assert "removed 1 file" in told(store, capsys, *remove)
    said = told(store, capsys, *remove)
    assert "it has no package xss; noarch/xss-1.0-0.conda was removed in r2" in said
    assert "Did you mean" not in said


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (("diff", "lab", "dev"), "Write label/dev."),
        (("publish", "lab/label/dev", "tool.conda"), "Where there is `--label`, dev is given"),
        (("mirror", "lab", "--lock", __file__), "test_channel_slips.py is not a lock: "),
    ],
)
def test_what_was_meant_is_said(
    store: Store, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], hint: str
) -> None:
    assert hint in told(store, capsys, "channel", *words)


def test_a_patch_has_the_name_of_its_file_without_its_folder(
    store: Store, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    rules = tmp_path / "cap.yaml"
    rules.write_text("if:\n  name: tool\nthen:\n- add_depends: lib\n")
    said = told(store, capsys, "channel", "patch", "add", "lab", str(rules))
    assert "+ patch 1 cap.yaml: " in said
    said = told(store, capsys, "channel", "patch", "add", "lab", str(tmp_path))
    assert said.endswith(f"hint: Name its files: {tmp_path}/*.yaml\n")
