"""A namespace's quota, asked before a build and again before what it made is kept."""

from condarium.model.names import EnvironmentName
from condarium.model.quotas import Use
from condarium.storage.facts import Facts
from condarium.storage.locks import is_held
from condarium.storage.store import Store


def check_quota(
    store: Store,
    facts: Facts,
    name: EnvironmentName,
    *,
    prefix: str | None = None,
    builds: int = 0,
    build_minutes: int = 0,
) -> None:
    """Raise QuotaExceeded where the namespace may not have this environment with this prefix.

    `builds` and `build_minutes` are wanted besides.
    """
    locks = store.layout.locks / "build"
    known = facts.prefixes.find(prefix) if prefix else None
    is_new = known is not None and not facts.namespaces.holds(name.namespace, known.id)
    facts.namespaces.check(
        name.namespace,
        Use(
            bytes=(known.bytes or 0) if known and is_new else 0,
            environments=int(facts.environments.find(name) is None),
            builds=builds,
            build_minutes=build_minutes,
        ),
        at=store.now(),
        lives=lambda build: is_held(locks / str(build)),
    )
