"""One suite for the facts, on SQLite and on PostgreSQL."""

import multiprocessing
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from itertools import chain
from pathlib import Path
from threading import Event, Thread
from time import monotonic

import pytest
from sqlalchemy.exc import TimeoutError as NoConnectionFree
from tests.support.postgresql import Server

from condarium.errors import DatabaseFailed, NoSuchEnvironment, NoSuchGeneration
from condarium.model.actor import Actor
from condarium.model.difference import ChangeCounts
from condarium.model.environment import BuildStatus, Prefix
from condarium.model.names import EnvironmentName
from condarium.storage.answers import Answer
from condarium.storage.database import Database, open_database, translated
from condarium.storage.environments import NewGeneration
from condarium.storage.facts import Facts
from condarium.storage.failures import StoreBusy
from condarium.storage.sqlite import sqlite_url

ADA = Actor(name="ada")
FIT = EnvironmentName("lab", "fit")
OTHER = EnvironmentName("lab", "other")
FAR = EnvironmentName("far", "fit")
NOON = datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield sqlite_url(tmp_path / "condarium.db").render_as_string()
        return
    server: Server = request.getfixturevalue("postgresql")
    with server.new_database() as made:
        yield made


def opened(url: str, folder: Path) -> Database:
    return open_database(url, lock=folder / "migrate", now=lambda: NOON)


@pytest.fixture
def database(url: str, tmp_path: Path) -> Iterator[Database]:
    with closing(opened(url, tmp_path)) as database:
        yield database


def new(lock: str = "a", prefix: str | None = None, spec: str | None = None) -> NewGeneration:
    return NewGeneration(
        spec=spec,
        lock=lock,
        platforms=["linux-64"],
        packages=3,
        changes=ChangeCounts(added=1, removed=2, changed=3),
        prefix=prefix,
        reason="why",
    )


def answer(lock: str) -> Answer:
    return Answer(lock=lock, packages={"linux-64": 3, "osx-arm64": 0})


def add(
    facts: Facts, name: EnvironmentName, generation: NewGeneration, *, activate: bool = True
) -> int:
    number = facts.environments.add_generation(
        facts.environments.ensure(name, at=NOON, actor="ada"), generation, at=NOON, actor="ada"
    )
    if activate:
        facts.environments.activate(name, number, at=NOON, actor="ada", reason="built")
    return number


# --- environments and generations ---


def test_an_environment_is_found_as_it_was_made(database: Database) -> None:
    with database.note() as facts:
        add(facts, FIT, new(lock="l1", prefix="p1", spec="s1"))
    with database.read() as facts:
        environment = facts.environments.get(FIT)
        (generation,) = facts.environments.generations(FIT)
    assert (environment.name, environment.created_at, environment.created_by) == (FIT, NOON, "ada")
    assert (environment.active, environment.generations, environment.prefix) == (1, 1, "p1")
    assert (generation.environment, generation.number, generation.active) == (FIT, 1, True)
    assert (generation.spec, generation.lock, generation.prefix) == ("s1", "l1", "p1")
    assert (generation.platforms, generation.packages) == (("linux-64",), 3)
    assert (generation.created_at, generation.created_by) == (NOON, "ada")
    assert (generation.reason, generation.archived_at) == ("why", None)


def test_an_environment_without_an_active_generation_has_none(database: Database) -> None:
    with database.note() as facts:
        add(facts, FIT, new(), activate=False)
    with database.read() as facts:
        environment = facts.environments.get(FIT)
        assert (environment.active, environment.prefix, environment.generations) == (None, None, 1)
        assert [each.active for each in facts.environments.generations(FIT)] == [False]
        with pytest.raises(NoSuchGeneration):
            facts.environments.generation(FIT)


def test_an_environment_without_generations_is_listed(database: Database) -> None:
    with database.note() as facts:
        facts.environments.ensure(FIT, at=NOON, actor="ada")
    with database.read() as facts:
        assert facts.environments.get(FIT).generations == 0
        assert facts.environments.generations(FIT) == []


def test_environments_are_listed_by_name_and_by_namespace(database: Database) -> None:
    with database.note() as facts:
        for name in (OTHER, FIT, FAR):
            add(facts, name, new())
    with database.read() as facts:
        assert [each.name for each in facts.environments.all()] == [FAR, FIT, OTHER]
        assert [each.name for each in facts.environments.all("lab")] == [FIT, OTHER]
        assert facts.environments.all("none") == []
        assert [each.environment for each in facts.environments.all_generations()] == [
            FAR,
            FIT,
            OTHER,
        ]
        assert [each.environment for each in facts.environments.all_generations("far")] == [FAR]


def test_ensuring_an_environment_again_gives_the_same_one(database: Database) -> None:
    with database.note() as facts:
        first = facts.environments.ensure(FIT, at=NOON, actor="ada")
        assert facts.environments.ensure(FIT, at=NOON + HOUR, actor="bob") == first
        assert facts.environments.ensure(OTHER, at=NOON, actor="ada") != first
    with database.read() as facts:
        assert facts.environments.get(FIT).created_by == "ada"


def test_generations_are_numbered_from_one_within_their_environment(database: Database) -> None:
    with database.note() as facts:
        assert [add(facts, FIT, new()) for _ in range(3)] == [1, 2, 3]
        assert [add(facts, OTHER, new()) for _ in range(2)] == [1, 2]
    with database.read() as facts:
        assert [each.number for each in facts.environments.generations(FIT)] == [1, 2, 3]


def test_an_unknown_environment_is_said_to_be_unknown(database: Database) -> None:
    with database.read() as facts:
        assert facts.environments.find(FIT) is None
        for ask in (
            facts.environments.get,
            facts.environments.generations,
            facts.environments.generation,
            facts.environments.activations,
        ):
            with pytest.raises(NoSuchEnvironment):
                ask(FIT)
    with database.note() as facts, pytest.raises(NoSuchEnvironment):
        facts.environments.remove(FIT)


def test_an_unknown_generation_is_said_to_be_unknown(database: Database) -> None:
    with database.note() as facts:
        add(facts, FIT, new())
    with database.read() as facts, pytest.raises(NoSuchGeneration):
        facts.environments.generation(FIT, 2)


# --- activations ---


def test_the_generation_that_was_activated_last_is_active(database: Database) -> None:
    with database.note() as facts:
        for prefix in ("p1", "p2", "p3"):
            add(facts, FIT, new(prefix=prefix))
        add(facts, OTHER, new(prefix="p9"))
    for number in (1, 3, 2):
        with database.note() as facts:
            facts.environments.activate(FIT, number, at=NOON, actor="bob", reason=f"to {number}")
    with database.read() as facts:
        assert facts.environments.get(FIT).active == 2
        assert facts.environments.get(FIT).prefix == "p2"
        assert facts.environments.get(OTHER).active == 1
        assert facts.environments.generation(FIT).number == 2
        active = {each.environment: each.number for each in _active(facts)}
        assert active == {FIT: 2, OTHER: 1}
        told = facts.environments.activations(FIT)
    assert [each.number for each in told] == [1, 2, 3, 1, 3, 2]
    assert (told[-1].actor, told[-1].reason, told[-1].at) == ("bob", "to 2", NOON)


def _active(facts: Facts) -> list:
    return [each for each in facts.environments.all_generations() if each.active]


def test_what_is_no_generation_cannot_become_active(database: Database) -> None:
    with database.note() as facts:
        add(facts, FIT, new())
    with pytest.raises(DatabaseFailed), database.note() as facts:
        facts.environments.activate(FIT, 2, at=NOON, actor="ada", reason="")
    with database.read() as facts:
        assert facts.environments.get(FIT).active == 1


# --- archiving and removing ---


def test_archived_generations_want_no_prefix(database: Database) -> None:
    with database.note() as facts:
        for prefix in ("p1", "p2", "p2", None):
            add(facts, FIT, new(prefix=prefix))
        add(facts, OTHER, new(prefix="p1"))
        assert facts.environments.live_prefixes() == {"p1", "p2"}
        facts.environments.archive(FIT, [1, 2], at=NOON)
        assert facts.environments.live_prefixes() == {"p1", "p2"}
        facts.environments.archive(FIT, [3], at=NOON)
        assert facts.environments.live_prefixes() == {"p1"}
    with database.read() as facts:
        archived = [each.archived_at for each in facts.environments.generations(FIT)]
    assert archived == [NOON, NOON, NOON, None]


def test_a_restored_generation_wants_its_prefix_again(database: Database) -> None:
    with database.note() as facts:
        add(facts, FIT, new(prefix="p1"))
        facts.environments.archive(FIT, [1], at=NOON)
        facts.environments.archive(FIT, [1], at=None)
        assert facts.environments.live_prefixes() == {"p1"}
        assert facts.environments.generation(FIT, 1).archived_at is None


def test_specs_and_locks_of_archived_generations_stay_named(database: Database) -> None:
    with database.note() as facts:
        add(facts, FIT, new(lock="l1", spec="s1"))
        add(facts, FIT, new(lock="l2"))
        facts.environments.archive(FIT, [1, 2], at=NOON)
        assert facts.environments.blobs() == {"l1", "s1", "l2"}


def test_removing_an_environment_takes_all_that_is_its_own(database: Database) -> None:
    with database.note() as facts:
        add(facts, FIT, new(lock="l1", prefix="p1"))
        add(facts, FIT, new(lock="l2", prefix="p2"))
        add(facts, OTHER, new(lock="l3", prefix="p2"))
    with database.change(ADA, "env remove", str(FIT)) as facts:
        facts.environments.remove(FIT)
    with database.read() as facts:
        assert [each.name for each in facts.environments.all()] == [OTHER]
        assert facts.environments.live_prefixes() == {"p2"}
        assert facts.environments.blobs() == {"l3"}
        assert facts.environments.get(OTHER).active == 1


def test_an_environment_that_is_made_again_begins_anew(database: Database) -> None:
    with database.note() as facts:
        add(facts, FIT, new())
        add(facts, FIT, new())
        facts.environments.remove(FIT)
    with database.note() as facts:
        assert add(facts, FIT, new(prefix="p3"), activate=False) == 1
    with database.read() as facts:
        assert facts.environments.get(FIT).active is None
        assert facts.environments.activations(FIT) == []


def test_what_a_generation_changed_is_found_by_its_number(database: Database) -> None:
    with database.note() as facts:
        add(facts, FIT, new())
        add(facts, FIT, replace(new(), changes=ChangeCounts(added=0, removed=0, changed=9)))
        assert facts.environments.changes(FIT) == {
            1: ChangeCounts(added=1, removed=2, changed=3),
            2: ChangeCounts(added=0, removed=0, changed=9),
        }


# --- solves, prefixes, builds ---


def test_the_later_answer_to_a_question_stands(database: Database) -> None:
    with database.note() as facts:
        assert facts.solves.find("k") is None
        facts.solves.add("k", answer("l1"), at=NOON)
        facts.solves.add("k", answer("l2"), at=NOON + HOUR)
        assert facts.solves.find("k") == answer("l2")
        assert facts.solves.locks_since(NOON + HOUR) == {"l2"}
        assert facts.solves.locks_since(NOON + 2 * HOUR) == frozenset()


def test_old_answers_are_forgotten_but_for_locks_that_are_kept(database: Database) -> None:
    with database.note() as facts:
        facts.solves.add("old", answer("l1"), at=NOON)
        facts.solves.add("kept", answer("l2"), at=NOON)
        facts.solves.add("new", answer("l1"), at=NOON + HOUR)
        facts.solves.remove_before(NOON + HOUR, keep={"l2"})
        found = [facts.solves.find(key) for key in ("old", "kept", "new")]
    assert found == [None, answer("l2"), answer("l1")]


def prefix(manifest: str = "m1", *, compiled: bool = False) -> Prefix:
    return Prefix(
        id="p1",
        lock="l1",
        platform="linux-64",
        built_at=NOON,
        files=7,
        link="hardlink",
        manifest=manifest,
        compiled=compiled,
    )


def test_a_prefix_that_is_noted_again_replaces_what_was_known(database: Database) -> None:
    with database.note() as facts:
        assert facts.prefixes.find("p1") is None
        facts.prefixes.put(prefix())
        assert facts.prefixes.find("p1") == prefix()
        facts.prefixes.put(prefix("m2", compiled=True))
        assert facts.prefixes.all() == {"p1": prefix("m2", compiled=True)}
        facts.prefixes.remove("p1")
        assert facts.prefixes.all() == {}


def test_a_build_is_running_until_it_ends(database: Database) -> None:
    with database.note() as facts:
        number = facts.builds.start(FIT, at=NOON, actor="ada")
        assert [each.id for each in facts.builds.running()] == [number]
        facts.builds.end(
            number,
            BuildStatus.SUCCEEDED,
            at=NOON + HOUR,
            phases={"solve": 1.5, "link": 0.25},
            log="g1",
            generation=1,
        )
    with database.read() as facts:
        assert facts.builds.running() == []
        assert facts.builds.logs() == {"g1"}
        (build,) = facts.builds.of(FIT)
        assert facts.builds.of(OTHER) == []
    assert (build.status, build.started_at, build.ended_at) == ("succeeded", NOON, NOON + HOUR)
    assert (build.phases, build.generation, build.error) == ({"solve": 1.5, "link": 0.25}, 1, None)


def test_the_number_of_a_build_is_never_given_twice(database: Database) -> None:
    with database.note() as facts:
        numbers = [facts.builds.start(FIT, at=NOON, actor="ada") for _ in range(2)]
        facts.builds.remove(FIT)
        numbers.append(facts.builds.start(OTHER, at=NOON, actor="ada"))
    assert len(set(numbers)) == 3


# --- units of work ---


def test_a_change_and_its_audit_entry_are_written_together(database: Database) -> None:
    with database.change(ADA, "env build", str(FIT), {"lock": "l1"}) as facts:
        add(facts, FIT, new())
    with database.read() as facts:
        (entry,) = facts.audit.all()
    assert (entry.actor, entry.action, entry.target, entry.at) == (
        "ada",
        "env build",
        "lab/fit",
        NOON,
    )
    assert entry.detail == {"lock": "l1"}


def test_a_change_that_fails_leaves_neither_facts_nor_audit(database: Database) -> None:
    with suppress(KeyError), database.change(ADA, "env build", str(FIT)) as facts:
        add(facts, FIT, new(prefix="p1"))
        facts.solves.add("k", answer("l"), at=NOON)
        raise KeyError("half-way")
    with database.read() as facts:
        assert facts.environments.all() == []
        assert facts.solves.find("k") is None
        assert list(facts.audit.all()) == []


def test_a_unit_of_work_that_is_interrupted_leaves_nothing(database: Database) -> None:
    with suppress(KeyboardInterrupt), database.note() as facts:
        add(facts, FIT, new())
        raise KeyboardInterrupt
    with database.read() as facts:
        assert facts.environments.all() == []


def test_what_a_unit_of_work_has_not_committed_is_seen_by_nobody_else(database: Database) -> None:
    with database.change(ADA, "env build", str(FIT)) as facts:
        add(facts, FIT, new())
        with database.read() as others:  # and does not wait for the writer
            assert others.environments.all() == []
    with database.read() as facts:
        assert [each.name for each in facts.environments.all()] == [FIT]


def test_a_reader_sees_one_instant(database: Database) -> None:
    with database.note() as facts:
        add(facts, FIT, new())
    with database.read() as facts:
        assert len(facts.environments.all()) == 1
        with database.note() as others:
            add(others, OTHER, new())
            add(others, FIT, new())
        assert [each.number for each in facts.environments.all_generations()] == [1]
        assert facts.environments.get(FIT).active == 1
    with database.read() as facts:
        assert len(facts.environments.all_generations()) == 3


def test_instants_come_back_in_utc_whatever_zone_they_were_given_in(database: Database) -> None:
    local = NOON.astimezone(timezone(timedelta(hours=-9, minutes=-30)))
    with database.note() as facts:
        facts.environments.ensure(FIT, at=local, actor="ada")
        facts.solves.add("k", answer("l"), at=local)
        assert facts.solves.locks_since(local) == {"l"}
    with database.read() as facts:
        made = facts.environments.get(FIT).created_at
    assert (made, made.tzinfo) == (NOON, UTC)


def test_facts_are_there_when_the_database_is_opened_again(url: str, tmp_path: Path) -> None:
    with closing(opened(url, tmp_path)) as database, database.note() as facts:
        add(facts, FIT, new())
    with closing(opened(url, tmp_path)) as database, database.read() as facts:
        assert facts.environments.get(FIT).active == 1


# --- at once ---


def test_threads_that_add_generations_at_once_get_numbers_of_their_own(database: Database) -> None:
    def build(_: int) -> int:
        with database.change(ADA, "env build", str(FIT)) as facts:
            return add(facts, FIT, new())

    with ThreadPoolExecutor(6) as threads:
        numbers = list(threads.map(build, range(24)))
    assert sorted(numbers) == list(range(1, 25))
    with database.read() as facts:
        assert [each.number for each in facts.environments.generations(FIT)] == sorted(numbers)
        assert len(list(facts.audit.all())) == 24


def _build_some(arguments: tuple[str, Path, int]) -> list[int]:
    """Run in a process of its own: opens the new database too."""
    url, folder, count = arguments
    numbers = []
    with closing(opened(url, folder)) as database:
        for _ in range(count):
            with database.change(ADA, "env build", str(FIT)) as facts:
                numbers.append(add(facts, FIT, new()))
                facts.solves.add("k", answer("l"), at=NOON)
                facts.prefixes.put(prefix())
    return numbers


def test_processes_that_begin_on_a_new_database_at_once_all_succeed(
    url: str, tmp_path: Path
) -> None:
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(4, mp_context=spawn) as processes:
        numbers = list(processes.map(_build_some, [(url, tmp_path, 5)] * 4))
    assert sorted(chain(*numbers)) == list(range(1, 21))


@pytest.mark.parametrize("fact", ["environment", "solve", "prefix"])
def test_a_second_writer_of_the_same_new_fact_waits_and_succeeds(
    database: Database, fact: str
) -> None:
    def write(facts: Facts) -> None:
        if fact == "environment":
            facts.environments.ensure(FIT, at=NOON, actor="ada")
        elif fact == "solve":
            facts.solves.add("k", answer("l"), at=NOON)
        else:
            facts.prefixes.put(prefix())

    failures: list[BaseException] = []
    begun = Event()

    def second() -> None:
        begun.set()
        try:
            with database.note() as facts:
                write(facts)
        except BaseException as error:
            failures.append(error)

    other = Thread(target=second)
    with database.note() as facts:
        write(facts)
        other.start()
        begun.wait()
        other.join(0.2)  # it waits for us, whether it has come that far or not
    other.join()
    assert failures == []


def test_nobody_who_reads_waits_for_writers(database: Database) -> None:
    writers, ended = 30, Event()

    def write() -> None:
        with database.note() as facts:
            facts.environments.ensure(FIT, at=NOON, actor="ada")
            ended.wait(10)

    with ThreadPoolExecutor(writers) as pool:
        writing = [pool.submit(write) for _ in range(writers)]
        try:
            begun = monotonic()
            with database.read() as facts:
                assert facts.environments.all() == []
            assert monotonic() - begun < 5
        finally:
            ended.set()
        for each in writing:
            each.result(timeout=60)


def test_who_gets_no_connection_is_told_that_the_store_is_busy() -> None:
    with pytest.raises(StoreBusy), translated():
        raise NoConnectionFree
