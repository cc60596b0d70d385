"""The audit chain: does each entry follow from the one before?"""

from collections.abc import Iterator

from condarium.model.audit import walk
from condarium.operating.checks.registry import Examination, Found, check, ok, problem


@check("audit")
def audit(examined: Examination) -> Iterator[Found]:
    with examined.store.database.read() as facts:
        verified = walk(facts.audit.all(), facts.audit.head())
    if broken := verified.broken:
        hint = "Somebody changed the database. `condarium audit verify` says more."
        yield problem(f"entry {broken.entry} does not follow: found {broken.found}", hint)
    else:
        yield ok(f"{verified.entries} entries follow from one another")
