"""People who call operations on a store.

owner = Caller(store)
ada = someone(store, "ada")
ada("token create", name="ci").secret
"""

from datetime import UTC, datetime
from typing import Any

from condarium.access.identities import load_actor
from condarium.app import App, operations
from condarium.model.actor import Actor
from condarium.storage.store import Store
from condarium.values import accept


class Clock:
    """A clock that tests set forward."""

    def __init__(self) -> None:
        self.now = datetime(2026, 3, 1, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


class Caller:
    """Calls operations as somebody: `ada("token create", name="ci")`."""

    def __init__(self, store: Store, actor: Actor | None = None) -> None:
        self.store = store
        self.app = App(store.settings, store=store, actor=actor)

    def __call__(self, name: str, /, **given: Any) -> Any:
        operation = operations()[name]
        known = {parameter.name: parameter for parameter in operation.parameters}
        accepted = {key: accept(known[key], value, label=key) for key, value in given.items()}
        return self.app.call(operation, accepted)


def someone(store: Store, name: str) -> Caller:
    with store.database.read() as facts:
        return Caller(store, load_actor(facts, facts.principals.get(name).id))


def user(owner: Caller, name: str, **roles: str) -> None:
    """Make a user with roles on namespaces."""
    owner("user create", name=name)
    for namespace, role in roles.items():
        owner("access bind", subject=name, role=role, namespace=namespace)


def store_with_administrator(store: Store) -> Caller:
    """Whoever owns the store, with a user who administers it, so that roles may go."""
    owner = Caller(store)
    owner("user create", name="root0")
    owner("access bind", subject="root0", role="administrator", platform=True)
    return owner
