"""Who does something: a principal, where from, with which token, and in which job."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from condarium.errors import NotPermitted
from condarium.model.access.decisions import Decision, Thing, decide, permitted_somewhere
from condarium.model.access.permissions import Permission, ThingKind
from condarium.model.access.principals import ANYBODY, Binding, Principal, PrincipalKind

__all__ = ["NOBODY_IN_PARTICULAR", "Actor", "JobClaim", "Permission", "RequestClaim"]


@dataclass(frozen=True, kw_only=True)
class JobClaim:
    """The right to carry out a job, until somebody else takes it over: attempts count from 1."""

    job: int
    attempt: int


@dataclass(frozen=True, kw_only=True)
class RequestClaim:
    """The right to answer a request that may come twice: who asked, by which key, begun when."""

    by: str
    key: str
    at: datetime


@dataclass(frozen=True, kw_only=True)
class Actor:
    """Somebody who calls operations; on a store of one's own, the user of the operating system.

    `principal` is None for that user, who may do everything. `bindings` are those of the principal
    and of its groups. `token` is a token's id (never its secret), `address` where a request came
    from.
    """

    name: str
    principal: Principal | None = None
    bindings: tuple[Binding, ...] = ()
    token: str | None = None
    address: str | None = None
    job: JobClaim | None = None
    request: RequestClaim | None = None

    @property
    def who(self) -> Principal:
        return self.principal or Principal(kind=PrincipalKind.STORE_OWNER, name=self.name)

    def decide(self, permission: Permission, thing: Thing | None = None) -> Decision:
        """Ask about a thing, or, without one, whether anything permits it anywhere."""
        if thing is None:
            return permitted_somewhere(self.who, permission, self.bindings)
        return decide(self.who, permission, thing, self.bindings)

    def may(self, permission: Permission, thing: Thing | None = None) -> bool:
        return self.decide(permission, thing).allowed

    def may_each(self, permission: Permission, resources: Iterable[Thing]) -> bool:
        return all(self.may(permission, thing) for thing in resources)

    def names_where(self, permission: Permission, kind: ThingKind) -> frozenset[str] | None:
        """The names of things on which a role permits something; None where it is on all."""
        scope = self.who.scope
        if not scope.names_things and self.may(permission, Thing(kind=kind)):
            return None
        bound = {binding.thing for binding in self.bindings if binding.kind is kind}
        names = bound | scope.named(kind)
        return frozenset(
            name for name in names if self.may(permission, Thing(kind=kind, name=name))
        )

    def require(self, permission: Permission, thing: Thing | None = None) -> None:
        """Raise NotPermitted, or what hides the thing from those who may not know of it."""
        decision = self.decide(permission, thing)
        if not decision.allowed:
            raise NotPermitted(self.name, permission, decision.reasons, thing, decision.visible)

    def require_each(self, permission: Permission, resources: Sequence[Thing]) -> None:
        """Require it of the first, and of what that is made of, of which nothing is told."""
        thing, *parts = resources
        self.require(permission, thing)
        if not self.may_each(permission, parts):
            reason = f"{thing} has members for which {self.name} has no {permission}"
            raise NotPermitted(self.name, permission, (reason,), thing)


NOBODY_IN_PARTICULAR = Actor(name="anybody", principal=ANYBODY)
"""Whoever sends a request without a token or a session."""
