"""How much may wait at once: nobody fills the queue, or the disk, with what they ask for."""

from collections.abc import Iterable, Mapping
from itertools import chain
from typing import Any

from condarium.errors import Conflict
from condarium.jobs.asking.arguments import bytes_of
from condarium.model.access.principals import PrincipalKind
from condarium.model.actor import Actor
from condarium.model.document import Document
from condarium.settings.worker import JobSettings
from condarium.storage.store import Store


class TooManyJobs(Conflict):
    """So many jobs wait already that no more are taken."""

    def __init__(self, whose: str, found: int, limit: int, unit: str) -> None:
        self.whose, self.found, self.limit, self.unit = whose, found, limit, unit
        super().__init__(
            f"too much waits for {whose}: found {found} {unit}; expected at most {limit}",
            hint="Ask again when some of the jobs have ended, or cancel some.",
        )


def check_room(
    store: Store,
    actor: Actor,
    arguments: Mapping[str, Any],
    kind: str | None,
    resource: str | None,
) -> None:
    """Raise TooManyJobs where one more would be too many; the store's owner has no limit."""
    if actor.who.kind is PrincipalKind.STORE_OWNER or actor.who.id is None:
        return
    limits = JobSettings.read(store.settings.environ)
    with store.database.read() as facts:
        own = facts.jobs.arguments_waiting(actor.who.id)
        there = facts.jobs.count_waiting(kind, resource) if kind and resource else 0
    for whose, count in ((actor.name, len(own)), (f"{kind} {resource}", there)):
        if count >= limits.waiting:
            raise TooManyJobs(whose, count + 1, limits.waiting, "jobs")
    size = _size(arguments.values()) + sum(map(bytes_of, own))
    if size > limits.documents:
        raise TooManyJobs(actor.name, size, limits.documents, "bytes of files")


def _size(values: Iterable[Any]) -> int:
    each = (given if isinstance(given, tuple) else (given,) for given in values)
    return sum(len(value.content) for value in chain(*each) if isinstance(value, Document))
