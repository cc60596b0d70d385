"""Decisions about many grants while others are being made: none is missed, and none waits for ever.

On SQLite one writes at a time; what is held, and in which order, shows on PostgreSQL.
"""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.support.borrowing import OWNER
from tests.support.postgresql import Server

from condarium.governance.grants.expiring import review_due
from condarium.governance.grants.granting import grant_in
from condarium.governance.grants.revoking import Which, revoke
from condarium.model.governance.grants import GrantState, Lending
from condarium.model.governance.projects import Project
from condarium.model.governance.resources import ResourceKind
from condarium.model.governance.resources import Settings as Lent
from condarium.settings import Settings
from condarium.storage.store import Store

FIT = Project.parse("github:lab/fit#1")
_SOON = 0.3
"""How long the other one has, in seconds, to come as far as it can."""


@pytest.fixture
def store(postgresql: Server, tmp_path: Path) -> Iterator[Store]:
    """A store that lends cpu and gpu, both by acme."""
    with postgresql.new_database() as url:
        environ = {"HOME": str(tmp_path), "CONDARIUM_DATABASE": url}
        with closing(Store(Settings.read(environ, store=tmp_path / "store"))) as store:
            settings = Lent(kind=ResourceKind.RUNNER, provider="acme")
            with store.database.note() as facts:
                for name in ("cpu", "gpu"):
                    facts.resources.add(name, settings, at=store.now(), by="owner")
            yield store


def give(store: Store, facts: Any, name: str, **lending: Any) -> None:
    ends = {"expires_at": store.now() + timedelta(days=9), **lending}
    given = {"actor": OWNER, "reason": "tests", "at": store.now()}
    grant_in(facts, name, FIT, Lending(**ends), **given)


def while_granting(
    store: Store, others: Callable[[], Any], *names: str, **lending: Any
) -> Future[Any]:
    """Grant in one unit of work, in the middle of which somebody else begins something."""
    change = store.database.change(OWNER, "grant create", "test", {})
    with ThreadPoolExecutor(1) as pool, change as facts:
        give(store, facts, names[0], **lending)
        begun = pool.submit(others)
        time.sleep(_SOON)
        for name in names[1:]:
            give(store, facts, name, **lending)
    return begun


@pytest.mark.parametrize("which", [{"project": FIT}, {"provider": "acme"}, {"resource": "cpu"}])
def test_a_revocation_sees_what_was_being_granted(store: Store, which: dict[str, Any]) -> None:
    def taken() -> Any:
        return revoke(store, which=Which(**which), reason="abuse", running=True, actor=OWNER)

    revoked = while_granting(store, taken, "cpu").result()
    assert len(revoked.grants) == 1
    with store.database.read() as facts:
        assert [each.state(store.now()) for each in facts.grants.all()] == [GrantState.REVOKED]


def test_notices_and_grants_of_several_resources_wait_in_one_order(store: Store) -> None:
    with store.database.note() as facts:
        give(store, facts, "gpu")
        give(store, facts, "cpu")
    noticed = while_granting(
        store, lambda: review_due(store, actor=OWNER), "cpu", "gpu", quota=5
    ).result()
    assert sorted(each.resource for each in noticed) == ["cpu", "gpu"]
