"""Monolithic encodings while a channel changes: late, but whole; and nothing is left behind."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path
from textwrap import dedent

import msgspec
import pytest
from tests.support.channel import Made
from tests.support.hosting import ADA, Clock, change, create, fact, host, hosted_store
from tests.support.objectstore import Endpoint
from tests.support.postgresql import Server

from condarium.channels.changing.publishing import facts_of
from condarium.channels.encodings import SUBDIR_FILES, Encoded, Encodings
from condarium.channels.encodings.apart import EncodingFailed
from condarium.channels.encodings.discarding import Discarding
from condarium.channels.revising.draft import revise
from condarium.channels.views.catalogue import Catalogue
from condarium.model.hosting.encoded import EncodedSet
from condarium.model.hosting.hosted import HostedFile
from condarium.model.view import ChannelName, View
from condarium.settings import Settings
from condarium.storage.locks import locked
from condarium.storage.store import Store

LAB = View.parse("lab")
ZST = "repodata.json.zst"
MANY = 400
"""Package names: more than are joined within the process that serves."""


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with hosted_store(tmp_path) as store:
        host(store, "lab", [Made("tool", "1.0")])
        yield store


@contextmanager
def rewriting(store: Store) -> Iterator[Encodings]:
    encodings = Encodings(store, Catalogue(store))
    encodings.start()
    try:
        yield encodings
    finally:
        encodings.stop()


def soon(is_so: Callable[[], bool], *, seconds: float = 30) -> None:
    until = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < until, "it did not come to that"
        time.sleep(0.05)


def test_the_present_is_late_and_then_right(store: Store, tmp_path: Path) -> None:
    """Somebody else publishes; the file of before is given at once, and soon the new one."""
    with rewriting(store) as encodings, hosted_store(tmp_path) as elsewhere:
        first = encodings.get(LAB, "noarch", ZST)
        host(elsewhere, "lab", [Made("tool", "2.0")])
        late = encodings.get(LAB, "noarch", ZST)
        assert (first.revision, late) == ("r1", first)
        soon(lambda: encodings.get(LAB, "noarch", ZST).revision == "r2")
        assert encodings.get(LAB, "noarch", ZST).digest != first.digest
        past = encodings.get(View.parse("lab/as-of/r1"), "noarch", ZST)
        assert past == first


def test_a_new_subdir_comes_with_what_its_packages_may_need(store: Store, tmp_path: Path) -> None:
    """One revision brings two packages; nobody sees the one in the new subdir without the other."""
    with rewriting(store) as encodings, hosted_store(tmp_path) as elsewhere:
        assert encodings.get(LAB, "noarch", ZST).revision == "r1"
        host(elsewhere, "lab", [Made("lib", "1.0"), Made("app", "1.0", subdir="linux-64")])
        assert encodings.get(LAB, "linux-64", ZST).revision == "r2"
        assert encodings.get(LAB, "noarch", ZST).revision == "r2"


def test_a_view_that_cannot_be_read_stops_no_other(store: Store) -> None:
    with store.database.note() as facts:
        lab = facts.channels.get(ChannelName("lab"))
        file = Encoded(file_name=ZST, digest="ab" * 32, size=1, revision="r1")
        strange = EncodedSet(content="", revision="r1", files={ZST: file})
        facts.encodings.keep(lab, "lab/cooldown/never", "noarch", strange, at=store.now())
    with rewriting(store) as encodings:
        encodings.get(LAB, "noarch", ZST)
        host(store, "lab", [Made("tool", "2.0")])
        soon(lambda: encodings.get(LAB, "noarch", ZST).revision == "r2")


def test_only_what_somebody_asks_for_is_kept_up(tmp_path: Path) -> None:
    """Of many views that one stranger asked for, most are made when they are asked for again."""
    clock = Clock()
    views = [View.parse(f"lab/cooldown/{minutes}m") for minutes in range(1, 101)]
    dev = View.parse("lab/label/dev")
    with hosted_store(tmp_path, clock) as store:
        host(store, "lab", [Made("tool", "1.0")], labels=["dev", "main"])
        clock.advance(timedelta(days=1))
        with rewriting(store) as encodings:
            for view in [dev, *views]:
                encodings.get(view, "noarch", ZST)
            clock.advance(timedelta(hours=2))
            host(store, "lab", [Made("tool", "2.0")], labels=["dev", "main"])
            clock.advance(timedelta(days=1))
            soon(lambda: len(_kept(store)) <= 66)
            soon(lambda: encodings.get(dev, "noarch", ZST).revision == "r2")
            assert ("lab", "noarch") in _kept(store)
            assert encodings.get(views[0], "noarch", ZST).revision == "r2"
            assert (str(views[0]), "noarch") in _kept(store)


def test_a_server_goes_on_with_the_views_of_the_one_before(store: Store) -> None:
    host(store, "lab", [Made("tool", "2.0")], labels=["dev"])
    with rewriting(store) as encodings:
        encodings.get(View.parse("lab/label/dev"), "noarch", ZST)
    host(store, "lab", [Made("tool", "3.0")], labels=["dev"])
    with rewriting(store):
        soon(lambda: _kept(store)["lab/label/dev", "noarch"] == "r3")


def test_it_is_so_with_postgresql_and_a_bucket(
    tmp_path: Path,
    postgresql: Server,
    object_store: Endpoint,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in object_store.environ.items():
        monkeypatch.setenv(name, value)
    with postgresql.new_database() as database:
        environ = {
            "HOME": str(tmp_path),
            "CONDARIUM_DATABASE": database,
            "CONDARIUM_BLOBS": f"s3://{object_store.new_bucket()}/lab",
        }
        store = Store(Settings.read(environ, store=tmp_path / "store"))
        _fill(store, MANY)
        with rewriting(store) as encodings:
            first = encodings.get(LAB, "noarch", ZST)
            host(store, "lab", [Made("tool", "2.0")])
            soon(lambda: encodings.get(LAB, "noarch", ZST).revision == "r2")
            second = encodings.get(LAB, "noarch", "repodata.json")
            assert encodings.get(View.parse("lab/as-of/r1"), "noarch", ZST) == first
        assert len(msgspec.json.decode(store.blobs.get(second.digest))["packages.conda"]) == 401
        store.close()


def test_several_servers_make_the_same_set_at_once(tmp_path: Path, postgresql: Server) -> None:
    """None of them fails for what another has kept meanwhile."""
    with postgresql.new_database() as database, ExitStack() as opened:
        stores = [
            opened.enter_context(hosted_store(tmp_path, CONDARIUM_DATABASE=database))
            for _ in range(4)
        ]
        _fill(stores[0], 20)
        _publish_and_yank(stores[0], 8)
        servers = [Encodings(store, Catalogue(store)) for store in stores]
        with ThreadPoolExecutor(4) as pool:
            for number in range(1, 10):
                view = View.parse(f"lab/as-of/r{number}")
                made = pool.map(lambda each, view=view: each.get(view, "noarch", ZST), servers)  # type: ignore[misc]
                assert len(set(made)) == 1


def test_without_a_rewriting_nothing_is_late(store: Store) -> None:
    encodings = Encodings(store, Catalogue(store))
    assert encodings.get(LAB, "noarch", ZST).revision == "r1"
    host(store, "lab", [Made("tool", "2.0")])
    assert encodings.get(LAB, "noarch", ZST).revision == "r2"


def test_what_did_not_change_is_not_rewritten(store: Store) -> None:
    host(store, "lab", [Made("tool", "1.0", subdir="linux-64")])
    with rewriting(store) as encodings:
        before = encodings.get(LAB, "noarch", ZST)
        host(store, "lab", [Made("tool", "2.0", subdir="linux-64")])
        after = encodings.get(LAB, "noarch", ZST)
        assert (after.revision, after.digest) == ("r3", before.digest)


def test_a_view_that_shows_what_another_does_takes_its_files(store: Store) -> None:
    """The shards are not even read: they are away."""
    encodings = Encodings(store, Catalogue(store))
    present = encodings.get(LAB, "noarch", ZST)
    for digest in Catalogue(store).open(LAB).names("noarch").values():
        store.blobs.remove(digest.hex())
    past = View.parse("lab/as-of/r1")
    assert encodings.get(past, "noarch", ZST) == present
    with store.database.note() as facts:
        facts.encodings.forget_past(store.now())
        lab = facts.channels.get(ChannelName("lab"))
        assert facts.encodings.get(lab, "lab/as-of/r1", "noarch") is None
        assert facts.encodings.get(lab, "lab", "noarch") is not None


def test_all_files_of_a_subdir_are_of_one_revision(store: Store) -> None:
    """A transaction reads what is there while a burst of publishes is rewritten."""
    with rewriting(store) as encodings, ThreadPoolExecutor(2) as pool:
        encodings.get(LAB, "noarch", ZST)
        burst = pool.submit(_publish_and_yank, store, 30)
        seen = set()
        while not burst.done() or encodings.get(LAB, "noarch", ZST).revision != "r32":
            with store.database.read() as facts:
                lab = facts.channels.get(ChannelName("lab"))
                kept = facts.encodings.get(lab, "lab", "noarch")
            assert kept is not None
            assert set(kept.files) == set(SUBDIR_FILES)
            assert {each.revision for each in kept.files.values()} == {kept.revision}
            files = {name: store.blobs.get(each.digest) for name, each in kept.files.items()}
            shown = [msgspec.json.decode(files[name]) for name in SUBDIR_FILES[::2]]
            assert shown[0]["packages.conda"].keys() == shown[1]["packages.conda"].keys()
            seen.add(kept.revision)
        burst.result()
    assert len(seen) < 20  # coalesced


def test_many_who_ask_at_once_get_one(tmp_path: Path) -> None:
    with hosted_store(tmp_path) as store:
        _fill(store, MANY)
        past = View.parse("lab/as-of/r1")
        with rewriting(store) as encodings, ThreadPoolExecutor(16) as pool:
            started = list(pool.map(lambda _: encodings.get(past, "noarch", ZST), range(64)))
        assert len(set(started)) == 1
        content = store.blobs.get(started[0].digest)
        assert content == store.blobs.get(_again(store, past).digest)


def test_a_failure_is_told_and_passes(tmp_path: Path) -> None:
    """A shard is missing from a large channel; once it is back, all is well."""
    with hosted_store(tmp_path) as store:
        _fill(store, MANY)
        digest = next(iter(Catalogue(store).open(LAB).names("noarch").values())).hex()
        content = store.blobs.get(digest)
        store.blobs.remove(digest)
        with rewriting(store) as encodings:
            with pytest.raises(EncodingFailed, match=digest[:8]):
                encodings.get(LAB, "noarch", ZST)
            store.blobs.put(content)
            assert encodings.get(LAB, "noarch", ZST).revision == "r1"


def test_the_other_process_dies_with_its_parent(tmp_path: Path) -> None:
    with hosted_store(tmp_path) as store:
        _fill(store, MANY)
    script = f"""
        from pathlib import Path
        from condarium.channels.encodings.apart import make_apart
        from condarium.model.view import View
        from condarium.settings import Settings
        from condarium.storage.store import Store
        from threading import Event
        store = Store(Settings.read({{"HOME": "/"}}, store={str(tmp_path / "store")!r}))
        while True:
            make_apart(store, View.parse("lab"), "noarch", stopping=Event())
    """
    with subprocess.Popen([sys.executable, "-c", dedent(script)]) as parent:
        soon(lambda: bool(_children(parent.pid)))
        child = _children(parent.pid)[0]
        os.kill(parent.pid, signal.SIGKILL)
    soon(lambda: not Path(f"/proc/{child}").exists(), seconds=5)
    left = {path.name for path in (tmp_path / "store").iterdir()}
    assert left <= {"blobs", "condarium.db", "condarium.db-shm", "condarium.db-wal", "locks"}


def test_replaced_bytes_go_unless_somebody_names_them(store: Store) -> None:
    encodings, discarding = Encodings(store, Catalogue(store)), Discarding(store, grace=0)
    old = encodings.get(LAB, "noarch", ZST).digest
    held = encodings.get(View.parse("lab/as-of/r1"), "noarch", "repodata.json").digest
    host(store, "lab", [Made("tool", "2.0")])
    encodings.get(LAB, "noarch", ZST)
    with store.database.note() as facts:
        lab = facts.channels.get(ChannelName("lab"))
        facts.encodings.forget(lab, "lab/as-of/r1", "noarch")
    again = encodings.get(View.parse("lab/as-of/r1"), "noarch", "repodata.json").digest
    assert again == held
    nobodys = store.blobs.put(b"nobody's")
    discarding.later([held, nobodys])
    with locked(store.layout.store_lock, shared=True):
        discarding.now()
        assert store.blobs.has(nobodys)
    discarding.now()
    assert not store.blobs.has(nobodys)
    assert store.blobs.has(held)
    assert store.blobs.has(old)


def _kept(store: Store) -> dict[tuple[str, str], str]:
    """The revisions of what is kept of the present, by view and subdir."""
    with store.database.read() as facts:
        lab = facts.channels.get(ChannelName("lab"))
        found = {key: facts.encodings.get(lab, *key) for key in facts.encodings.of_the_present()}
    return {key: kept.revision for key, kept in found.items() if kept}


def _publish_and_yank(store: Store, revisions: int) -> None:
    host(store, "lab", [Made("tool", "2.0")])
    yank = fact("yank", "noarch", "tool-1.0-0.conda")
    for number in range(revisions):
        change(store, "lab", "yank", **{"closed" if number % 2 else "opened": [yank]})


def _again(store: Store, view: View) -> Encoded:
    with store.database.note() as facts:
        facts.encodings.forget(facts.channels.get(view.channel), str(view), "noarch")
    return Encodings(store, Catalogue(store)).get(view, "noarch", ZST)


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _fill(store: Store, names: int) -> None:
    """One revision with as many package names, of which only the index is there."""
    create(store, "lab")
    with revise(store, ChannelName("lab"), "import", reason="", actor=ADA) as draft:
        for number in range(names):
            file = _file(f"package-{number}")
            draft.add_file(file)
            draft.open(*facts_of(file, ["main"]))


def _file(name: str) -> HostedFile:
    record = {"name": name, "version": "1.0", "build": "0", "build_number": 0, "depends": []}
    return HostedFile(
        subdir="noarch",
        file_name=f"{name}-1.0-0.conda",
        name=name,
        version="1.0",
        build="0",
        build_number=0,
        sha256="ab" * 32,
        md5=None,
        size=1,
        indexed_at=1,
        record=msgspec.json.encode({**record, "sha256": "ab" * 32, "size": 1}),
    )
