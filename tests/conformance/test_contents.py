"""What channels have, counted, and since when facts held: on SQLite and on PostgreSQL."""

from collections.abc import Iterator

import pytest
from tests.support.channel import Made
from tests.support.hosting import change, fact, host, hosted_store, patch
from tests.support.postgresql import Server

from condarium.model.hosting.fact import FactKind
from condarium.model.hosting.hosted import HostedChannel
from condarium.model.view import ChannelName
from condarium.storage.facts import Facts
from condarium.storage.store import Store


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def store(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Store]:
    folder = tmp_path_factory.mktemp("hosted")
    if request.param == "sqlite":
        with hosted_store(folder) as store:
            yield _filled(store)
        return
    server: Server = request.getfixturevalue("postgresql")
    with server.new_database() as url, hosted_store(folder, CONDARIUM_DATABASE=url) as store:
        yield _filled(store)


def _filled(store: Store) -> Store:
    host(store, "lab", [Made("lib"), Made("lib", "2.0", subdir="linux-64"), Made("app")])
    host(store, "lab", [Made("app", "2.0")], labels=["dev"])
    host(store, "other", [Made("lib", "9.0")])
    taken = fact("label", "noarch", "app-2.0-0.conda", "dev")
    change(store, "lab", "label remove", closed=[taken])
    change(store, "lab", "label add", opened=[taken])
    change(store, "lab", "yank", opened=[fact("yank", "noarch", "app-1.0-0.conda")])
    patch(store, "lab", "if:\n  name: lib\nthen:\n- add_depends: core\n")
    return store


@pytest.fixture
def facts(store: Store) -> Iterator[Facts]:
    with store.database.read() as facts:
        yield facts


@pytest.fixture
def lab(facts: Facts) -> HostedChannel:
    return facts.channels.get(ChannelName("lab"))


def test_counts_are_of_what_is_there_now(facts: Facts, lab: HostedChannel) -> None:
    contents = facts.contents
    assert [each[:3] for each in contents.subdirs(lab)] == [("linux-64", 1, 1), ("noarch", 2, 3)]
    assert all(each.size > 0 for each in contents.subdirs(lab))
    assert contents.labels(lab) == [("dev", 1, 1, 4), ("main", 2, 3, 1)]
    assert contents.names(lab) == {"app", "lib"}
    assert contents.names(lab, "dev") == {"app"}
    kinds = (FactKind.FILE, FactKind.YANK, FactKind.PATCH, FactKind.SHARD)
    assert [contents.count(lab, kind) for kind in kinds] == [4, 1, 1, 0]


def test_spans_say_since_when_and_until_when(facts: Facts, lab: HostedChannel) -> None:
    spans = facts.contents.spans_of(lab, "app", ["noarch", "linux-64"])
    told = sorted((span.fact.kind, span.fact.value, span.since, span.until or 0) for span in spans)
    assert [each for each in told if each[0] != "file"] == [
        ("label", "dev", 2, 3),
        ("label", "dev", 4, 0),
        ("label", "main", 1, 0),
        ("yank", "", 5, 0),
    ]
    assert [each.since for each in facts.contents.spans(lab, FactKind.PATCH)] == [6]


def test_what_is_shown_of_a_package_changes_with_patches(facts: Facts, lab: HostedChannel) -> None:
    assert facts.contents.reshown(lab, "lib", ["noarch", "linux-64"]) == {1, 6}
    assert facts.contents.reshown(lab, "app", ["noarch"]) == {1, 2, 3, 4, 5}


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [(0, 1, 6), (1, 2, 2), (2, 3, 1), (2, 4, 2), (4, 6, 2), (6, 6, 0), (0, 6, 10)],
)
def test_spans_that_reach_over_one_revision_only(
    facts: Facts, lab: HostedChannel, before: int, after: int, expected: int
) -> None:
    """A label that went and came again has a span each time."""
    assert len(list(facts.contents.differing(lab, before, after))) == expected


def test_the_first_facts_of_a_revision(facts: Facts, lab: HostedChannel) -> None:
    opened, closed = facts.contents.changed_at(lab, 1, limit=2)
    assert ([each.kind for each in opened], closed) == (["file", "label"], [])
    opened, closed = facts.contents.changed_at(lab, 3, limit=None)
    assert ([each.value for each in closed], opened) == (["dev"], [])
