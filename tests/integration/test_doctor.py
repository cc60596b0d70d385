"""doctor names what is wrong, and only that."""

import json
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from tests.support.backups import fill
from tests.support.channel import Made
from tests.support.hosting import NOON, Clock, create, host, hosted_store
from tests.support.ledger import admit, budget, lent
from tests.support.objectstore import Endpoint
from tests.support.postgresql import Server
from tests.support.user import User

from condarium.model.hosting.hosted import ChannelKind
from condarium.model.operating import Verdict
from condarium.model.progress import Quiet
from condarium.operating.checks.registry import CHECKS, Examination
from condarium.operating.examining import ORDER, examine
from condarium.storage.locks import locked
from condarium.storage.store import Store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with hosted_store(tmp_path) as opened:
        host(opened, "lab", [Made("tool", "1.0")])
        yield opened


def wrong(store: Store, *, all_bytes: bool = False) -> dict[str, tuple[Verdict, str]]:
    """What is not right, by check; the machine's own room is left out."""
    findings = examine(store, all_bytes=all_bytes, progress=Quiet()).findings
    return {
        each.check: (each.verdict, f"{each.found} {each.hint}")
        for each in findings
        if each.verdict is not Verdict.OK and each.check != "space"
    }


def test_every_check_has_its_place() -> None:
    assert set(ORDER) == CHECKS.keys()


def test_a_store_in_order_has_no_problem(store: Store) -> None:
    assert wrong(store) == {}
    assert {each.check for each in examine(store, all_bytes=True, progress=Quiet()).findings} == {
        *ORDER
    }


def test_a_store_elsewhere_has_none_either(
    tmp_path: Path,
    postgresql: Server,
    object_store: Endpoint,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for variable, value in object_store.environ.items():
        monkeypatch.setenv(variable, value)
    blobs = f"s3://{object_store.new_bucket()}/x"
    with (
        postgresql.new_database() as url,
        hosted_store(tmp_path, CONDARIUM_DATABASE=url, CONDARIUM_BLOBS=blobs) as store,
    ):
        host(store, "lab", [Made("tool", "1.0")])
        assert wrong(store) == {}


def test_blobs_that_are_missing_or_damaged_are_named(store: Store) -> None:
    first, second, *_ = sorted(each.digest for each in store.blobs)
    file = store.blobs.file(second)
    assert file
    store.blobs.remove(first)
    file.write_bytes(b"rotten")
    findings = examine(store, all_bytes=True, progress=Quiet()).findings
    said = " ".join(each.found for each in findings if each.check == "blobs")
    assert first[:16] in said
    assert second[:16] in said


def test_a_damaged_database_is_named(store: Store) -> None:
    with closing(sqlite3.connect(store.layout.database)) as connection:
        connection.execute("DROP TABLE schedules")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    assert "lacks the tables schedules" in wrong(store)["database"][1]
    store.close()
    size = store.layout.database.stat().st_size
    with store.layout.database.open("r+b") as file:
        file.seek(size // 2)
        file.write(b"\xff" * (size // 4))
    with hosted_store(store.layout.root.parent) as damaged:
        assert Verdict.PROBLEM in {found[0] for found in wrong(damaged).values()}


def test_an_audit_entry_that_was_changed_is_named(store: Store) -> None:
    with store.database.note() as facts:
        facts._connection.exec_driver_sql("UPDATE audit SET actor='somebody else'")
    assert wrong(store)["audit"][0] is Verdict.PROBLEM


def test_a_ledger_that_does_not_balance_is_named(store: Store) -> None:
    with store.database.note() as facts:
        lent(facts, budget("acme", 10))
        admit(facts, 4)
    assert wrong(store) == {}
    with store.database.note() as facts:
        facts._connection.exec_driver_sql(
            "UPDATE ledger_accounts SET balance = -1 WHERE kind = 'reserved'"
        )
    verdict, said = wrong(store)["ledger"]
    assert verdict is Verdict.PROBLEM
    assert "gpu: reserved github:7 of acme" in said


def test_a_clock_that_went_back_is_named(tmp_path: Path) -> None:
    with hosted_store(tmp_path, Clock(NOON)) as store:
        host(store, "lab", [Made("tool", "1.0")])
    with hosted_store(tmp_path, Clock(NOON - timedelta(days=1))) as store:
        assert "future" in wrong(store)["clock"][1]


def test_jobs_that_nobody_carries_out_are_named(store: Store) -> None:
    fill(store)
    assert "run on no worker that lives: 1" in wrong(store)["workers"][1]


def test_secrets_that_everybody_may_read_are_named(store: Store) -> None:
    fill(store)
    store.layout.database.chmod(0o644)
    assert str(store.layout.database) in wrong(store)["secrets"][1]
    store.layout.database.chmod(0o600)
    assert "secrets" not in wrong(store)


def test_links_that_lead_elsewhere_and_prefixes_that_are_gone_are_named(store: Store) -> None:
    fill(store)
    assert "not on this disk" in wrong(store)["environments"][1]
    marker = store.layout.prefix("one") / "conda-meta" / "condarium"
    marker.parent.mkdir(parents=True)
    marker.touch()
    assert wrong(store)["environments"][0] is Verdict.PROBLEM


def test_upstreams_that_do_not_answer_are_named(store: Store) -> None:
    create(store, "away", kind=ChannelKind.PROXY, upstream="http://127.0.0.1:9/channel")
    verdict, said = wrong(store)["upstreams"]
    assert verdict is Verdict.PROBLEM
    assert "away" in said


def test_settings_that_are_wrong_are_named(tmp_path: Path) -> None:
    with hosted_store(tmp_path, CONDARIUM_MAX_AGE="soon") as store:
        assert "CONDARIUM_MAX_AGE" in wrong(store)["settings"][1]


def test_what_killed_processes_left_is_named(store: Store) -> None:
    left = store.layout.incoming / "left"
    left.mkdir(parents=True)
    os.utime(left, (0, 0))
    assert "unfinished" in wrong(store)["locks"][1]
    left.rmdir()
    with locked(store.layout.store_lock):
        examined = Examination(store=store, all_bytes=False, progress=Quiet())
        assert "alone" in next(CHECKS["locks"](examined)).found


def test_the_command_fits_a_terminal_and_fails_where_there_is_a_problem(
    store: Store, tmp_path: Path
) -> None:
    user = User(tmp_path, {"CONDARIUM_STORE": str(tmp_path / "store")})
    said = user("doctor")
    assert said.code == 0, said
    assert max(map(len, said.out.splitlines())) <= 80
    with store.database.note() as facts:
        facts._connection.exec_driver_sql("UPDATE audit SET actor='somebody else'")
    said = user("doctor", "--json")
    assert said.code == 1
    assert not json.loads(said.out)["ok"]
