"""Namespaces: made, removed, and given quotas."""

from dataclasses import replace

from condarium.errors import BadArguments
from condarium.model.access.decisions import Thing
from condarium.model.access.permissions import ThingKind
from condarium.model.access.report import Gone, Namespace, NamespaceDetail
from condarium.model.actor import Actor, Permission
from condarium.model.names import check_namespace
from condarium.model.paging import Page, decode_cursor, page_of, read_limit
from condarium.model.quotas import read_limit as read_quota
from condarium.storage.locks import is_held
from condarium.storage.store import Store


def create(store: Store, name: str, *, actor: Actor) -> NamespaceDetail:
    """Raises BadName, NamespaceExists."""
    check_namespace(name)
    with store.database.change(actor, "namespace create", name) as facts:
        at = store.now()
        facts.namespaces.add(name, at=at, by=actor.name)
        facts.bindings.add_creator(actor, ThingKind.NAMESPACE, name, at=at)
    return _detail(store, name)


def list_(store: Store, *, limit: int | None, cursor: str | None, actor: Actor) -> Page[Namespace]:
    """The namespaces in which the actor may see environments."""
    names = actor.names_where(Permission.ENVIRONMENT_READ, ThingKind.NAMESPACE)
    (after,) = decode_cursor(cursor, str) if cursor else ("",)
    size = read_limit(limit)
    with store.database.read() as facts:
        found = facts.namespaces.all(
            names=names, after=str(after), limit=size + 1 if size else None
        )
    return page_of(found, size, [(each.name,) for each in found])


def show(store: Store, name: str, *, actor: Actor) -> NamespaceDetail:
    """A namespace, its quota and its use. Raises NoSuchNamespace."""
    actor.require(Permission.ENVIRONMENT_READ, _resource(name))
    return _detail(store, name)


def remove(store: Store, name: str, *, actor: Actor) -> Gone:
    """Remove a namespace that is empty. Raises NoSuchNamespace, NamespaceNotEmpty."""
    actor.require(Permission.NAMESPACE_MANAGE, _resource(name))
    with store.database.change(actor, "namespace remove", name) as facts:
        facts.namespaces.remove(name)
        facts.jobs.detach(ThingKind.NAMESPACE, name)
    return Gone(kind="namespace", name=name)


def set_quota(store: Store, name: str, *, actor: Actor, **limits: str | None) -> NamespaceDetail:
    """Set the limits that are given as texts, leave the others. Raises BadQuota, BadArguments."""
    given = {what: text for what, text in limits.items() if text is not None}
    if not given:
        raise BadArguments(
            "what may it have? Give --bytes, --environments, --builds or --build-minutes",
            hint=f"For example --bytes 20G; `condarium namespace show {name}` shows what holds.",
        )
    read = {what: read_quota(what, text) for what, text in given.items()}
    with store.database.change(actor, "namespace set-quota", name, given) as facts:
        quota = facts.namespaces.get(name, lock=True).quota
        facts.namespaces.set_quota(name, replace(quota, **read))
    return _detail(store, name)


def _detail(store: Store, name: str) -> NamespaceDetail:
    locks = store.layout.locks / "build"
    with store.database.read() as facts:
        return NamespaceDetail(
            namespace=facts.namespaces.get(name),
            use=facts.namespaces.use(
                name, at=store.now(), lives=lambda build: is_held(locks / str(build))
            ),
        )


def _resource(name: str) -> Thing:
    return Thing(kind=ThingKind.NAMESPACE, name=name)
