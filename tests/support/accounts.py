"""Users, service accounts, their roles and tokens, put into a store as its owner would."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from argon2 import PasswordHasher

from condarium.access import passwords
from condarium.access.minting import mint
from condarium.access.passwords import hash_password
from condarium.model.access.permissions import Role, ThingKind
from condarium.model.access.principals import Binding, PrincipalKind, Scope, SubjectKind
from condarium.model.actor import Actor
from condarium.model.secret import Secret
from condarium.storage.store import Store
from tests.support.browser import PASSWORD


@contextmanager
def quick_passwords() -> Iterator[None]:
    """Hash passwords a hundred times quicker than a server does, and as weakly."""
    with pytest.MonkeyPatch.context() as patch:
        weak = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
        patch.setattr(passwords, "_hasher", lambda: weak)
        passwords._of_nobody.cache_clear()
        yield
    passwords._of_nobody.cache_clear()


OWNER = Actor(name="owner")


def make_user(store: Store, name: str, password: str | None = PASSWORD) -> str:
    """Make a user and give the id."""
    kept = hash_password(Secret(password), name=name) if password else None
    with store.database.note() as facts:
        return facts.principals.add(
            PrincipalKind.USER, name, at=store.now(), by="owner", password=kept
        ).id


def bind(store: Store, name: str, role: str, kind: str = "platform", thing: str = "") -> None:
    """Bind a role to a user, such as `bind(store, "ada", "reader", "channel", "lab")`."""
    with store.database.note() as facts:
        binding = _binding(facts.principals.get(name).id, role, kind, thing)
        facts.bindings.add(binding, at=store.now(), by=OWNER.name)


def unbind(store: Store, name: str, role: str, kind: str = "platform", thing: str = "") -> None:
    with store.database.note() as facts:
        facts.bindings.remove(_binding(facts.principals.get(name).id, role, kind, thing))


def make_token(
    store: Store,
    name: str,
    *,
    scope: Scope = Scope(),  # noqa: B008 - a frozen value
    lasting: timedelta = timedelta(days=1),
) -> str:
    """Make a token of a user, and give its secret."""
    made = mint(store, name="test", holder=name, scope=scope, lasting=lasting, actor=OWNER)
    return made.secret


def _binding(principal: str, role: str, kind: str, thing: str) -> Binding:
    return Binding(
        subject_kind=SubjectKind.PRINCIPAL,
        subject=principal,
        role=Role(role),
        kind=ThingKind(kind),
        thing=thing,
    )
