"""channel verify: clean after anything, and every kind of damage is told, with its place."""

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from tests.support.hosting import Clock, hosted_store
from tests.support.lawful_channels import LawfulChannels, make_packages

from condarium.channels.encodings.encodings import Encodings
from condarium.channels.verifying import verify
from condarium.channels.views.catalogue import Catalogue
from condarium.model.hosting.verification import ChannelVerified
from condarium.model.progress import Quiet
from condarium.model.view import ChannelName, View
from condarium.storage.store import Store


@dataclass
class Place:
    """A channel with some history, and ways to damage it."""

    store: Store

    @property
    def root(self) -> Path:
        return self.store.layout.root

    def sql(self, statement: str, *values: object) -> None:
        """Change rows behind condarium's back."""
        with sqlite3.connect(self.root / "condarium.db") as connection:
            changed = connection.execute(statement, values).rowcount
        connection.close()
        assert changed > 0, statement

    def ask(self, question: str) -> str:
        connection = sqlite3.connect(self.root / "condarium.db")
        (found,) = connection.execute(question).fetchone()
        connection.close()
        return found.hex() if isinstance(found, bytes) else str(found)

    def blob(self, question: str) -> Path:
        digest = self.ask(question)
        return self.root / "blobs" / digest[:2] / digest[2:]

    def flip(self, question: str) -> None:
        path = self.blob(question)
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 1
        path.write_bytes(content)

    def verify(
        self, channel: str = "lab", *, all_: bool = True, read: bool = True
    ) -> ChannelVerified:
        return verify(
            self.store, ChannelName(channel), all_revisions=all_, read=read, progress=Quiet()
        )


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a store, to be copied for each test."""
    folder = tmp_path_factory.mktemp("template")
    packages, clock = make_packages(folder / "packages"), Clock()
    with hosted_store(folder, clock) as store:
        lab = LawfulChannels(store, clock, packages)
        lab.publish("lab", [0, 1, 6, 7], [])
        lab.clock.advance(timedelta(days=3))
        lab.publish("lab", [2, 8], ["dev"])
        for patch in (0, 2, 3):
            lab.patch("lab", patch)
        lab.label("lab", [("noarch", "tool-1.0-0.conda")], "dev")
        lab.yank("lab", [("noarch", "text-1.0-0.conda")])
        lab.unpatch("lab", 2)
        lab.remove("lab", [("linux-64", "text-1.0-0.conda")])
        lab.publish("far", [4, 10], [])
        encodings = Encodings(store, Catalogue(store))
        for address in ("lab", "lab/label/dev", "lab/as-of/r2", "lab/cooldown/2d", "merge"):
            for subdir, file in (("noarch", "repodata.json"), ("", "channeldata.json")):
                encodings.get(View.parse(address), subdir, file)
    return folder


@pytest.fixture
def place(template: Path, tmp_path: Path) -> Iterator[Place]:
    shutil.copytree(template / "store", tmp_path / "store")
    with hosted_store(tmp_path, Clock()) as store:
        yield Place(store)


@pytest.mark.parametrize("read", [True, False])
@pytest.mark.parametrize("all_", [True, False])
@pytest.mark.parametrize("channel", ["lab", "far", "merge", "first"])
def test_it_is_clean(place: Place, channel: str, all_: bool, read: bool) -> None:
    found = place.verify(channel, all_=all_, read=read)
    assert (found.problems, found.ok) == ((), True)
    assert (found.bytes > 0) == (read and channel != "first")
    if channel == "lab":
        assert found.revision == 9
        assert found.packages == (6 if all_ else 5)
        assert found.encodings == 24


FACT = "SELECT id FROM facts WHERE kind = '{}' AND until IS NULL LIMIT 1"
PACKAGE = "SELECT value FROM facts WHERE kind = 'file' AND until IS NULL LIMIT 1"
GONE = "SELECT value FROM facts WHERE kind = 'file' AND until IS NOT NULL"
HEAD_SHARD = "SELECT digest FROM shards WHERE until IS NULL AND label = 'main' AND channel_id = 1"
OLD_SHARD = "SELECT digest FROM shards WHERE until = 3"
PATCH = "SELECT document FROM patches WHERE position = 1"
REPODATA = "SELECT digest FROM encodings WHERE view = 'lab' AND file_name = 'repodata.json'"

DAMAGE: dict[str, tuple[str, Callable[[Place], object]]] = {
    "a reason was altered": (
        "log", lambda p: p.sql("UPDATE revisions SET reason = 'no' WHERE number = 2")
    ),
    "an actor was altered": (
        "log", lambda p: p.sql("UPDATE revisions SET actor = 'eve' WHERE number = 9")
    ),
    "an instant was altered": (
        "log", lambda p: p.sql("UPDATE revisions SET at = '2025-01-01' WHERE number = 3")
    ),
    "a revision is gone": ("log", lambda p: p.sql("DELETE FROM revisions WHERE number = 4")),
    "a count was altered": ("log", lambda p: p.sql("UPDATE revisions SET opened = 99")),
    "a fact is gone": ("log", lambda p: p.sql("DELETE FROM facts WHERE kind = 'yank'")),
    "a fact began earlier": (
        "log", lambda p: p.sql("UPDATE facts SET since = 1 WHERE kind = 'yank'")
    ),
    "a fact holds twice": (
        "fact",
        lambda p: p.sql(
            "INSERT INTO facts (channel_id, kind, subdir, name, file_name, value, position, since)"
            " SELECT channel_id, kind, subdir, name, file_name, value, position, since + 1"
            " FROM facts WHERE kind = 'yank'"
        ),
    ),
    "a fact ends before it begins": (
        "fact", lambda p: p.sql("UPDATE facts SET until = 1 WHERE kind = 'yank'")
    ),
    "a label of no file": (
        "fact", lambda p: p.sql("DELETE FROM facts WHERE kind = 'file' AND since = 2")
    ),
    "a file is gone": (
        "fact", lambda p: p.sql("DELETE FROM files WHERE file_name = 'tool-1.0-0.conda'")
    ),
    "a record says otherwise": (
        "shard",
        lambda p: p.sql(
            "UPDATE files SET record = CAST(replace(record, 'text >=1', 'evil >=1') AS BLOB)"
            " WHERE name = 'tool'"
        ),
    ),
    "a record is of another file": (
        "file", lambda p: p.sql("UPDATE files SET indexed_at = 7 WHERE name = 'tool'")
    ),
    "a package's byte flipped": ("package", lambda p: p.flip(PACKAGE)),
    "a package is gone": ("package", lambda p: p.blob(PACKAGE).unlink()),
    "a package was cut": ("package", lambda p: p.blob(PACKAGE).write_bytes(b"")),
    "a removed package is gone": ("package", lambda p: p.blob(GONE).unlink()),
    "a patch is gone": ("patch", lambda p: p.blob(PATCH).unlink()),
    "a patch's byte flipped": ("patch", lambda p: p.flip(PATCH)),
    "a patch is not described": (
        "patch", lambda p: p.sql("DELETE FROM patches WHERE position = 3")
    ),
    "a shard's byte flipped": ("shard", lambda p: p.flip(HEAD_SHARD)),
    "a shard's blob is gone": ("shard", lambda p: p.blob(HEAD_SHARD).unlink()),
    "an old shard's blob is gone": ("shard", lambda p: p.blob(OLD_SHARD).unlink()),
    "a shard's row is gone": ("shard", lambda p: p.sql("DELETE FROM shards WHERE since = 1")),
    "a shard too many": (
        "shard", lambda p: p.sql("UPDATE shards SET until = NULL WHERE until = 9")
    ),
    "a shard is another's": (
        "shard",
        lambda p: p.sql(
            f"UPDATE shards SET digest = ({HEAD_SHARD} AND name = 'tool' LIMIT 1)"
            " WHERE until IS NULL AND name = 'text' AND channel_id = 1"
        ),
    ),
    "an encoding's byte flipped": ("encoding", lambda p: p.flip(REPODATA)),
    "an encoding is gone": ("encoding", lambda p: p.blob(REPODATA).unlink()),
    "an encoding is of another revision": (
        "encoding",
        lambda p: p.sql("UPDATE encodings SET revision = 'r1' WHERE view = 'lab'"),
    ),
    "an encoding says otherwise": (
        "encoding",
        lambda p: p.sql(
            "UPDATE encodings SET (digest, size) = (SELECT digest, size FROM encodings"
            " WHERE view = 'lab/label/dev' AND file_name = 'repodata.json')"
            " WHERE view = 'lab' AND file_name = 'repodata.json'"
        ),
    ),
}  # fmt: skip


@pytest.mark.parametrize("damage", DAMAGE)
def test_damage_is_told(place: Place, damage: str) -> None:
    kind, plant = DAMAGE[damage]
    plant(place)
    found = place.verify()
    assert not found.ok
    told = [problem for problem in found.problems if problem.kind == kind]
    assert told, found.problems
    assert all(each.where and each.found and each.expected and each.hint for each in told)


def test_packages_that_were_not_fetched_yet_are_no_problem(place: Place) -> None:
    place.sql("UPDATE files SET source = 'http://127.0.0.1:9/x'")
    place.blob(PACKAGE).unlink()
    found = place.verify()
    assert (found.ok, found.not_fetched) == (True, 1)
