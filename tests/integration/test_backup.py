"""Backups: what is restored is what there was, from any store into any other."""

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from tests.support.backups import LARGE, back_up, blobs_of, bring_back, fill, rows_of
from tests.support.channel import Made
from tests.support.hosting import host, hosted_store
from tests.support.objectstore import Endpoint
from tests.support.postgresql import Server

from condarium.model.access.principals import Principal, PrincipalKind
from condarium.model.actor import Actor
from condarium.model.audit import GENESIS, AuditFilter, chain
from condarium.model.jobs import Limits, Order
from condarium.model.progress import Quiet
from condarium.operating import backing_up, pruning, verifying_backups
from condarium.storage import tables
from condarium.storage.backing_up.backups import (
    BackupDamaged,
    BackupPlace,
    BadBackupPlace,
    NoSuchBackup,
    check_address,
)
from condarium.storage.backing_up.refilling import StoreNotEmpty
from condarium.storage.store import Store

Stores = Callable[[str, str], Store]


@pytest.fixture
def stores(
    tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Stores]:
    """Make an empty store of a kind under a name."""
    with ExitStack() as opened:

        def make(kind: str, name: str) -> Store:
            environ = {}
            if kind == "elsewhere":
                server: Server = request.getfixturevalue("postgresql")
                environ["CONDARIUM_DATABASE"] = opened.enter_context(server.new_database())
                environ["CONDARIUM_BLOBS"] = f"s3://{_bucket(request, monkeypatch)}/{name}"
            (tmp_path / name).mkdir()
            return opened.enter_context(hosted_store(tmp_path / name, **environ))

        yield make


def _bucket(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    endpoint: Endpoint = request.getfixturevalue("object_store")
    for variable, value in endpoint.environ.items():
        monkeypatch.setenv(variable, value)
    return endpoint.new_bucket()


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "backups"


def test_a_job_that_is_begun_again_gives_the_backup_that_it_has_made(
    stores: Stores, place: Path
) -> None:
    store = stores("here", "one")
    fill(store)
    limits = Limits(wall_time=timedelta(hours=1), memory=10**9)
    order = Order(operation="backup", arguments={}, target="", actor="ada", limits=limits)
    made = []
    for again in (False, True, True):
        with store.database.note() as facts:
            if not again:
                job = facts.jobs.add(order, at=store.now())
            claim = facts.jobs.claim(job, "one", at=store.now())
        assert claim
        actor = Actor(name="ada", job=claim)
        made.append(backing_up.back_up(store, str(place), actor=actor, progress=Quiet()))
        with store.database.note() as facts:
            assert facts.jobs.put_back(claim, not_before=None, spent=True)
            told = facts.audit.search(AuditFilter(action="backup"), before=None, limit=None)
    restored = stores("here", "two")
    assert bring_back(restored, place).jobs == 1, "not counting its own, which fill's is not"
    assert len({each.backup for each in made}) == 1
    assert (len(list((place / "manifests").iterdir())), len(told)) == (1, 1)
    assert back_up(store, place).backup != made[0].backup


@pytest.mark.parametrize(
    ("source", "through", "target"),
    [
        ("here", "folder", "here"),
        ("here", "bucket", "elsewhere"),
        ("elsewhere", "folder", "here"),
        ("elsewhere", "bucket", "elsewhere"),
    ],
)
def test_a_restored_store_is_the_one_that_was_backed_up(
    source: str,
    through: str,
    target: str,
    stores: Stores,
    tmp_path: Path,
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    place = (
        f"s3://{_bucket(request, monkeypatch)}/kept" if through == "bucket" else tmp_path / "kept"
    )
    before = stores(source, "before")
    fill(before, log=LARGE)
    rows, blobs = rows_of(before, tmp_path), blobs_of(before)
    assert back_up(before, place).ok

    after = stores(target, "after")
    restored = bring_back(after, place)
    found = rows_of(after, tmp_path)
    assert blobs_of(after) == blobs
    for changed in ("audit", "audit_head", "jobs", "workers"):
        was, now = rows.pop(changed), found.pop(changed)
        if changed == "audit":
            assert all(row in now for row in was)
            assert len(now) == len(was) + 1
        elif changed == "jobs":
            assert dict(now[0])["status"] == "failed"
            assert json.loads(dict(now[0])["error"])["code"] == "store-restored"
    assert found == rows
    assert (restored.jobs, restored.blobs) == (1, len(blobs))


def test_numbers_are_not_given_again_after_a_restore(stores: Stores, place: Path) -> None:
    before = stores("here", "before")
    fill(before)
    columns = [each.name for each in tables.jobs.columns if each.name != "id"]
    again = tables.jobs.insert().from_select(columns, select(*map(tables.jobs.c.get, columns)))
    with before.database.note() as facts:
        facts._connection.execute(again)
        facts._connection.execute(tables.jobs.delete().where(tables.jobs.c.id == 2))
    back_up(before, place)
    for kind in ("here", "elsewhere"):
        after = stores(kind, f"after-{kind}")
        bring_back(after, place)
        host(after, "new", [Made("tool9", "1.0")])
        with after.database.note() as facts:
            facts._connection.execute(again)
            assert sorted(facts._connection.scalars(select(tables.jobs.c.id))) == [1, 3]


def test_the_audit_chain_goes_on_where_it_was(stores: Stores, place: Path) -> None:
    before = stores("here", "before")
    fill(before)
    back_up(before, place)
    after = stores("here", "after")
    bring_back(after, place)
    with after.database.read() as facts:
        digest = GENESIS
        for entry in facts.audit.all():
            digest = chain(digest, entry)
        assert facts.audit.head() == (entry.number, digest)
    assert (entry.action, entry.actor) == ("restore", "ben")


def test_only_what_is_new_is_copied_and_every_backup_can_be_restored(
    stores: Stores, place: Path
) -> None:
    store = stores("here", "before")
    fill(store)
    first = back_up(store, place)
    assert back_up(store, place).copied == 0
    host(store, "lab", [Made("later", "1.0")])
    third = back_up(store, place)
    assert third.copied == 2  # the package and its shard
    earlier, newest = stores("here", "earlier"), stores("here", "newest")
    bring_back(earlier, place, first.backup.name)
    bring_back(newest, place)
    assert blobs_of(earlier).keys() < blobs_of(newest).keys() == blobs_of(store).keys()


def test_a_store_that_is_not_empty_is_left_alone(stores: Stores, place: Path) -> None:
    store, other = stores("here", "before"), stores("here", "other")
    fill(store)
    back_up(store, place)
    host(other, "lab", [Made("mine", "1.0")])
    with pytest.raises(StoreNotEmpty):
        bring_back(other, place)
    with other.database.read() as facts:
        assert facts.audit.head()[0] == 1


def test_places_that_are_none_are_named(stores: Stores, tmp_path: Path) -> None:
    store = stores("here", "before")
    with pytest.raises(NoSuchBackup):
        bring_back(store, tmp_path / "nowhere")
    (tmp_path / "file").touch()
    with pytest.raises(BadBackupPlace):
        back_up(store, tmp_path / "file")
    with pytest.raises(BadBackupPlace):
        back_up(store, "gopher://host/x")
    back_up(store, tmp_path / "kept")
    with pytest.raises(NoSuchBackup, match="no backup other"):
        bring_back(store, tmp_path / "kept", "other")


def test_what_is_secret_is_closed_to_others(stores: Stores, place: Path) -> None:
    store = stores("here", "before")
    fill(store)
    back_up(store, place)
    assert place.stat().st_mode & 0o777 == 0o700
    assert {each.stat().st_mode & 0o777 for each in place.iterdir()} == {0o700}
    dumps = [each for each in (place / "dumps").rglob("*") if each.is_file()]
    assert 0o600 in {each.stat().st_mode & 0o777 for each in dumps}


def test_blobs_that_the_store_has_lost_are_named(stores: Stores, place: Path) -> None:
    store = stores("here", "before")
    fill(store)
    lost, damaged = store.blobs.put(b"a log"), store.blobs.put(b"a lock")
    store.blobs.remove(lost)
    file = store.blobs.file(damaged)
    assert file
    file.write_bytes(b"rotten")
    assert back_up(store, place).missing == tuple(sorted((lost, damaged)))
    bring_back(stores("here", "after"), place)


@contextmanager
def _damaged(path: Path, content: bytes | None) -> Iterator[None]:
    kept = path.read_bytes()
    path.unlink() if content is None else path.write_bytes(content)
    yield
    path.write_bytes(kept)


def test_damage_is_found_and_says_which_backups_it_concerns(stores: Stores, place: Path) -> None:
    store = stores("here", "before")
    fill(store)
    name = back_up(store, place).backup.name
    lock = store.blobs.put(b"a lock")
    blob = place / "blobs" / lock[:2] / lock[2:]
    (manifest,) = (place / "manifests").iterdir()
    dump = max(
        (p for p in (place / "dumps").rglob("*") if p.is_file()), key=lambda p: p.stat().st_size
    )
    whole = [(blob, None), (dump, dump.read_bytes()[:-1]), (dump, None)]
    whole += [(manifest, manifest.read_bytes().replace(b"0004", b"0003"))]
    for number, (path, content) in enumerate(whole):
        with _damaged(path, content):
            found = verify(place, all_bytes=False)
            assert [each.backups for each in found.damages] == [(name,)]
            with pytest.raises(BackupDamaged):
                bring_back(stores("here", f"after{number}"), place, name)
    with _damaged(blob, b"A lock"):
        assert verify(place, all_bytes=False).ok
        (damage,) = verify(place, all_bytes=True).damages
        assert lock in damage.what
        with pytest.raises(BackupDamaged, match=lock):
            bring_back(stores("here", "last"), place)
    assert verify(place, all_bytes=True).ok


def verify(place: Path, *, all_bytes: bool) -> Any:
    return verifying_backups.verify(str(place), all_bytes=all_bytes, progress=Quiet())


def test_who_is_elsewhere_names_a_place_from_its_root(tmp_path: Path) -> None:
    away = Actor(name="ada", principal=Principal(kind=PrincipalKind.USER, id="a", name="ada"))
    for address in ("kept", "~/kept", "file:///kept"):
        check_address(address, Actor(name="owner"))
        with pytest.raises(BadBackupPlace, match="of the server"):
            check_address(address, away)
    check_address("/kept", away)
    check_address("s3://bucket/kept", away)
    with pytest.raises(NoSuchBackup) as caught:
        BackupPlace.at(str(tmp_path / "none"))
    assert "makes one" in (caught.value.hint or "")


def test_pruning_removes_what_killed_copies_have_left(stores: Stores, place: Path) -> None:
    store = stores("here", "before")
    back_up(store, place)
    old, new = place / "blobs" / "tmpold", place / "blobs" / "tmpnew"
    for each in (old, new):
        each.touch()
    os.utime(old, (1, 1))
    pruning.prune(store, str(place), keep_last=1, dry_run=False, progress=Quiet())
    assert (old.exists(), new.exists()) == (False, True)


def test_pruning_keeps_what_the_backups_that_stay_need(stores: Stores, place: Path) -> None:
    store = stores("here", "before")
    fill(store)
    back_up(store, place)
    with store.database.note() as facts:
        facts._connection.exec_driver_sql("DELETE FROM sources")
    newest = back_up(store, place).backup.name
    prune = pruning.prune
    tried = prune(store, str(place), keep_last=1, dry_run=True, progress=Quiet())
    done = prune(store, str(place), keep_last=1, dry_run=False, progress=Quiet())
    assert (tried.removed, tried.bytes) == (done.removed, done.bytes)
    assert done.kept == (newest,)
    assert not (
        place / "blobs" / store.blobs.put(b"a source")[:2] / store.blobs.put(b"a source")[2:]
    ).exists()
    assert verify(place, all_bytes=True).ok
    bring_back(stores("here", "after"), place)


def test_a_backup_while_others_publish_is_of_one_instant(
    stores: Stores, place: Path, tmp_path: Path
) -> None:
    store = stores("here", "before")
    host(store, "lab", [Made("tool", "0")])
    stop = threading.Event()

    def publish() -> None:
        number = 0
        while not stop.is_set():
            number += 1
            host(store, "lab", [Made("tool", str(number)), Made("twin", str(number))])

    publisher = threading.Thread(target=publish)
    publisher.start()
    names = [back_up(store, place).backup.name for _ in range(4)]
    stop.set()
    publisher.join()
    assert verify(place, all_bytes=True).ok
    for name in names:
        after = stores("here", name)
        bring_back(after, place, name)
        rows = rows_of(after, tmp_path)
        versions = [(dict(row)["name"], dict(row)["version"]) for row in rows["files"]]
        tools = {version for package, version in versions if package == "tool"}
        assert tools - {"0"} == {version for package, version in versions if package == "twin"}
        assert len(rows["revisions"]) == len(tools)


_RUN = "from tests.support.backups import *; from tests.support.hosting import hosted_store\n"


def _killed_after(seconds: float, code: str, folder: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", f"{_RUN}{code}"], cwd=Path(__file__).parents[2], env={**os.environ}
    )
    try:
        process.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
        process.wait()


def test_killed_at_any_moment_earlier_backups_stay_and_the_next_goes_on(
    stores: Stores, place: Path, tmp_path: Path
) -> None:
    store = stores("here", "before")
    fill(store, packages=20)
    first = back_up(store, place).backup.name
    kept = tmp_path / "first"
    shutil.copytree(place, kept)
    host(store, "lab", [Made(f"more{number}", "1.0") for number in range(20)])
    code = (
        f"with hosted_store(Path({str(tmp_path / 'before')!r})) as store: "
        f"back_up(store, {str(place)!r})"
    )
    took = time.monotonic()
    _killed_after(60, code, tmp_path)
    took = time.monotonic() - took
    for part in (0.6, 0.8, 0.95):
        shutil.rmtree(place)
        shutil.copytree(kept, place)
        _killed_after(took * part, code, tmp_path)
        assert verify(place, all_bytes=True).ok
        assert first in {path.stem for path in (place / "manifests").iterdir()}
    assert back_up(store, place).ok
    bring_back(stores("here", "after"), place)


def test_a_restore_that_is_killed_is_begun_again(
    stores: Stores, place: Path, tmp_path: Path
) -> None:
    store = stores("here", "before")
    fill(store, packages=20)
    back_up(store, place)
    for number, seconds in enumerate((0.7, 1.0)):
        folder = tmp_path / f"after{number}"
        folder.mkdir()
        code = (
            f"with hosted_store(Path({str(folder)!r})) as store: bring_back(store, {str(place)!r})"
        )
        _killed_after(seconds, code, tmp_path)
        with hosted_store(folder) as after:
            with suppress(StoreNotEmpty):  # where it had been committed: whole
                bring_back(after, place)
            assert blobs_of(after) == blobs_of(store)
            assert rows_of(after, tmp_path)["files"] == rows_of(store, tmp_path)["files"]
