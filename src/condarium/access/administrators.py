"""There is always somebody who administers the platform, once there was."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from condarium.errors import Conflict

if TYPE_CHECKING:
    from condarium.storage.facts import Facts


class LastAdministrator(Conflict):
    """Nobody would administer the platform any more."""

    def __init__(self) -> None:
        super().__init__(
            "this would leave nobody who administers the platform",
            hint="Make somebody else an administrator first: condarium access bind USER "
            "administrator --platform",
        )


@contextmanager
def keeping_one(facts: "Facts") -> Iterator[None]:
    """Raise LastAdministrator where what is done inside takes the last one away."""
    before = facts.principals.administrators(lock=True)
    yield
    if before and not facts.principals.administrators():
        raise LastAdministrator
