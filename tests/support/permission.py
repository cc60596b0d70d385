"""Who may run which operation, said once more: a table for tests, and people of every role."""

from collections.abc import Mapping
from dataclasses import dataclass

from condarium.model.access.permissions import Permission, Role, ThingKind
from condarium.model.access.principals import (
    Binding,
    Principal,
    PrincipalKind,
    Scope,
    SubjectKind,
)
from condarium.model.actor import NOBODY_IN_PARTICULAR, Actor

NAMESPACE: Mapping[str, str] = {
    "viewer": "env show, env history, env log, env path, env diff, env du, env run",
    "editor": "env build, env rollback, env archive, env restore, env verify",
    "admin": "env remove",
}
"""The weakest role on an environment's namespace that permits each operation."""

CHANNEL: Mapping[str, str] = {
    "reader": "channel show, channel search, channel packages, channel files, channel label list, "
    "channel patch list, channel log, channel diff, channel verify, channel export",
    "publisher": "channel publish, channel yank, channel unyank, channel label add, "
    "channel label remove, channel label copy, channel label promote, channel import-index, "
    "channel mirror, channel import, channel import-wheels",
    "owner": "channel edit, channel remove, channel remove-package, channel patch add, "
    "channel patch dry-run, channel patch undo, channel revert",
}

RESOURCE: Mapping[str, str] = {
    "borrower": "resource show",
    "runner": "admission next, admission redeem",
    "lender": "resource change, resource retire, resource add-budget, resource end-budget, "
    "grant create",
}
"""Of what is lent."""

PLATFORM: Mapping[str, str] = {
    "auditor": "audit search, audit verify, audit export, doctor, user list, "
    "service-account list, group list, group show, worker list, schedule list, "
    "config template, config check, config show",
    "administrator": "gc, quickstart, serve, backup, backup list, backup verify, backup prune, "
    "upgrade, restore, channel create, channel source add, user create, user rename, "
    "user disable, user enable, service-account create, service-account disable, "
    "service-account enable, group create, group add-member, group remove-member, group remove, "
    "namespace create, namespace set-quota, access rotate-keys, worker, job prune, "
    "schedule create, schedule enable, schedule disable, schedule run, "
    "schedule remove, resource create, user link, user unlink, grant review-due, "
    "access import, access plan, access apply, access resolve",
}

SOMEWHERE: Mapping[str, str] = {
    "viewer reader": "query search, query depends, query whoneeds, query why",
    "editor": "lock",
}
"""What is about no thing in particular: the weakest roles of which one is needed anywhere."""

TOLD_WHAT_THEY_MAY_KNOW = (
    "env list, channel list, channel source list, channel source show, namespace list, "
    "namespace show, namespace remove, access list, access bind, access unbind, "
    "access revoke-all, access explain, token create, token revoke, token list, user show, "
    "user set-password, service-account show, whoami, login, logout, job list, job show, job logs, "
    "job cancel, job retry, job remove, "
    "grant list, grant show, grant change, grant renew, grant suspend, grant resume, "
    "grant revoke, grant approve-commit, grant withdraw-commit, access public, "
    "access export, resource list, terms publish, terms list, terms show, "
    "terms acceptances, terms accept, "
    "admission list, admission show, admission heartbeat, admission end, admission cancel, "
    "access check, ledger balances, ledger entries, ledger statement, ledger export, "
    "request create, request check, request list, request show, request comment, "
    "request approve, request deny, request withdraw"
)
"""What asks by itself about each thing, or is about oneself: tests of its own hold that."""

_STRENGTH = {
    ThingKind.NAMESPACE: ("viewer", "editor", "admin", "administrator"),
    ThingKind.CHANNEL: ("reader", "publisher", "owner", "administrator"),
    ThingKind.RESOURCE: ("borrower", "runner", "lender", "administrator"),
    ThingKind.PLATFORM: ("auditor", "administrator"),
}


def names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


@dataclass(frozen=True)
class Needs:
    """What an operation needs: the weakest role, and on what kind of thing."""

    role: str
    kind: ThingKind


NEEDS: Mapping[str, Needs] = {
    operation: Needs(role, kind)
    for kind, table in (
        (ThingKind.NAMESPACE, NAMESPACE),
        (ThingKind.CHANNEL, CHANNEL),
        (ThingKind.RESOURCE, RESOURCE),
        (ThingKind.PLATFORM, PLATFORM),
    )
    for role, operations in table.items()
    for operation in names(operations)
}


def is_enough(held: str | None, needs: Needs) -> bool:
    order = _STRENGTH[needs.kind]
    return held in order and order.index(held) >= order.index(needs.role)


def person(name: str, *roles: tuple[str, ThingKind, str], scope: Scope | None = None) -> Actor:
    """Somebody with roles on things, perhaps with a token that reaches less."""
    identifier = f"id-of-{name}"
    return Actor(
        name=name,
        principal=Principal(
            kind=PrincipalKind.USER, id=identifier, name=name, scope=scope or Scope()
        ),
        bindings=tuple(
            Binding(
                subject_kind=SubjectKind.PRINCIPAL,
                subject=identifier,
                role=Role(role),
                kind=kind,
                thing=thing,
            )
            for role, kind, thing in roles
        ),
        token="t0" if scope else None,
        address="192.0.2.7",
    )


_N, _C, _R, _P = (ThingKind.NAMESPACE, ThingKind.CHANNEL, ThingKind.RESOURCE, ThingKind.PLATFORM)
OWN, OTHER, HIDDEN, ABSENT, PUBLIC = "own", "team", "secret", "nothing", "everybodys"
_SEES_OTHERS = (("viewer", _N, OTHER), ("reader", _C, OTHER), ("borrower", _R, OTHER))
_ALL = (("admin", _N, OWN), ("owner", _C, OWN), ("lender", _R, OWN), *_SEES_OTHERS)


def _only(*permissions: Permission) -> Scope:
    return Scope(permissions=frozenset(permissions))


PEOPLE: tuple[Actor, ...] = (
    NOBODY_IN_PARTICULAR,
    person("newcomer"),
    *(person(role, (role, _N, OWN), *_SEES_OTHERS) for role in ("viewer", "editor", "admin")),
    *(person(role, (role, _C, OWN), *_SEES_OTHERS) for role in ("reader", "publisher", "owner")),
    *(person(role, (role, _R, OWN), *_SEES_OTHERS) for role in ("borrower", "runner", "lender")),
    *(person(role, (role, _P, "")) for role in ("auditor", "administrator")),
    person(
        "token-that-reads",
        *_ALL,
        scope=_only(
            Permission.ENVIRONMENT_READ,
            Permission.CHANNEL_READ,
            Permission.RESOURCE_READ,
            Permission.SIGNED_IN,
        ),
    ),
    person("token-of-a-namespace", *_ALL, scope=Scope(namespaces=frozenset({OWN}))),
    person("token-of-a-channel", *_ALL, scope=Scope(channels=frozenset({OWN}))),
    person("token-of-a-resource", *_ALL, scope=Scope(resources=frozenset({OWN}))),
)
