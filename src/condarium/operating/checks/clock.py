"""The clock: does it agree with the database's, and has it gone back?"""

from collections.abc import Iterator
from datetime import timedelta

from condarium.model.instants import say_instant
from condarium.operating.checks.registry import Examination, Found, check, ok, warning

_TOLERATED = timedelta(seconds=5)
_HINT = "Have the machine's clock set by NTP: instants of facts, and expiry, come from it."


@check("clock")
def clock(examined: Examination) -> Iterator[Found]:
    store = examined.store
    with store.database.read() as facts:
        now, there, last = store.now(), facts.health.now(), facts.health.last_instant()
    agreed = True
    if there is not None and abs(there - now) > _TOLERATED:
        agreed = False
        behind = "behind" if there > now else "ahead of"
        yield warning(f"{abs(there - now)} {behind} the database's clock", _HINT)
    if last is not None and last > now + _TOLERATED:
        agreed = False
        yield warning(f"the last audit entry is of {say_instant(last)}, in the future", _HINT)
    if agreed:
        yield ok("it agrees with the database" if there else "it has not gone back")
