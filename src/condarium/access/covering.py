"""Nobody gives, by whatever way, what they do not hold themselves: within their token's scope."""

from collections.abc import Iterable

from condarium.errors import NotPermitted
from condarium.model.access.accounts import Bound
from condarium.model.access.decisions import Thing
from condarium.model.access.permissions import PERMISSIONS, Role
from condarium.model.access.principals import Binding
from condarium.model.actor import Actor


def require_covering(actor: Actor, operation: str, role: Role, thing: Thing) -> None:
    """Raise NotPermitted unless the actor holds all that the role gives on the thing."""
    missing = sorted(each for each in PERMISSIONS[role] if not actor.may(each, thing))
    if missing:
        reason = f"{role} gives {missing[0]}, which {actor.name} does not hold"
        raise NotPermitted(actor.name, operation, (reason,), thing)


def require_covering_all(actor: Actor, operation: str, bindings: Iterable[Binding | Bound]) -> None:
    """Raise NotPermitted unless the actor holds all that the bindings give."""
    for each in bindings:
        thing = Thing(kind=each.kind, name=each.thing)
        require_covering(actor, operation, each.role, thing)
