"""Whether an actor may do something: a pure function that every operation asks."""

from dataclasses import dataclass

from condarium.model.actor import Actor, Permission


@dataclass(frozen=True, kw_only=True)
class Decision:
    allowed: bool
    reasons: tuple[str, ...]


def decide(actor: Actor, permission: Permission) -> Decision:
    """Decide by the permissions that the actor holds."""
    if actor.permissions is None:
        return Decision(allowed=True, reasons=(f"{actor.name} owns the store",))
    if permission in actor.permissions:
        return Decision(allowed=True, reasons=(f"{actor.name} holds {permission}",))
    return Decision(allowed=False, reasons=(f"{actor.name} does not hold {permission}",))
