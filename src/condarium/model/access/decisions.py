"""The decision: whether somebody may do something to a thing, and why.

It is a pure function, which every operation asks. Bindings name things: there are no patterns.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from condarium.model.access.permissions import (
    PERMISSIONS,
    READING,
    ROLES,
    Permission,
    Role,
    ThingKind,
)
from condarium.model.access.principals import Binding, Principal, PrincipalKind, SubjectKind


@dataclass(frozen=True, kw_only=True)
class Thing:
    """A thing that is asked about; `public` is true of channels and resources that everybody may
    see."""

    kind: ThingKind
    name: str = ""
    public: bool = False

    def __str__(self) -> str:
        return f"{self.kind} {self.name}".rstrip()


PLATFORM = Thing(kind=ThingKind.PLATFORM)


@dataclass(frozen=True, kw_only=True)
class Decision:
    """`visible` tells whether the one who asked may know that the thing exists."""

    allowed: bool
    reasons: tuple[str, ...]
    visible: bool


def decide(
    principal: Principal, permission: Permission, thing: Thing, bindings: Iterable[Binding]
) -> Decision:
    """Decide by the bindings of a principal and of its groups, within its token's scope."""
    if principal.kind is PrincipalKind.STORE_OWNER:
        return _yes(f"{principal.name} owns the store")
    scope, platform = principal.scope, thing.kind is ThingKind.PLATFORM
    anybody = thing.public and permission is READING[thing.kind]
    if not scope.reaches(thing.kind, thing.name) and not anybody:
        seen = platform or thing.public
        return _no(f"the token of {principal.name} does not reach {thing}", visible=seen)
    own = [binding for binding in bindings if _is_for(binding, principal)]
    roles = [binding for binding in own if _is_on(binding, thing)]
    visible = bool(roles) or thing.public or platform
    if scope.permissions is not None and permission not in scope.permissions:
        return _no(f"the token of {principal.name} is not for {permission}", visible=visible)
    if permission is Permission.SIGNED_IN and principal.is_somebody:
        return _yes(f"{principal.name} is signed in")
    if anybody:
        return _yes(f"{thing} is public")
    for binding in roles:
        if permission in PERMISSIONS[binding.role]:
            return _yes(_has(principal, binding))
    held = [f"{_has(principal, binding)}, which is not enough" for binding in roles]
    needed = f"{permission} on {thing} needs the role {_least(permission, thing.kind)}"
    return _no(*(held or [f"{principal.name} has no role on {thing}"]), needed, visible=visible)


def permitted_somewhere(
    principal: Principal, permission: Permission, bindings: Iterable[Binding]
) -> Decision:
    """Decide on what is about no thing in particular: who has a role that permits it anywhere."""
    if principal.kind is PrincipalKind.STORE_OWNER:
        return _yes(f"{principal.name} owns the store")
    scope = principal.scope
    if scope.permissions is not None and permission not in scope.permissions:
        return _no(f"the token of {principal.name} is not for {permission}", visible=True)
    if permission is Permission.SIGNED_IN and principal.is_somebody:
        return _yes(f"{principal.name} is signed in")
    for binding in bindings:
        reached = scope.reaches(binding.kind, binding.thing)
        if _is_for(binding, principal) and reached and permission in PERMISSIONS[binding.role]:
            return _yes(_has(principal, binding))
    needed = f"{permission} needs a role that permits it on some namespace, channel or resource"
    return _no(needed, visible=True)


def _is_for(binding: Binding, principal: Principal) -> bool:
    if binding.subject_kind is SubjectKind.GROUP:
        return binding.subject in principal.groups
    return principal.id is not None and binding.subject == principal.id


def _is_on(binding: Binding, thing: Thing) -> bool:
    if binding.kind is ThingKind.PLATFORM:
        return thing.kind is ThingKind.PLATFORM or binding.role is Role.ADMINISTRATOR
    return (binding.kind, binding.thing) == (thing.kind, thing.name)


def _has(principal: Principal, binding: Binding) -> str:
    through = " through a group" if binding.subject_kind is SubjectKind.GROUP else ""
    where = f" on {binding.kind} {binding.thing}".rstrip() if binding.thing else ""
    return f"{principal.name} is {binding.role}{where}{through}"


def _least(permission: Permission, kind: ThingKind) -> str:
    """The weakest role that permits it: roles are declared in that order."""
    roles = (*ROLES[kind], Role.ADMINISTRATOR)
    return next(role for role in roles if permission in PERMISSIONS[role])


def _yes(reason: str) -> Decision:
    return Decision(allowed=True, reasons=(reason,), visible=True)


def _no(*reasons: str, visible: bool) -> Decision:
    return Decision(allowed=False, reasons=reasons, visible=visible)
