"""Blobs: can they be read and put, is each there that facts name, and is it what it was?"""

import random
from collections.abc import Iterator

from condarium.errors import CondariumError
from condarium.operating.backing_up import in_threads, sizes_in
from condarium.operating.checks.registry import Examination, Found, check, ok, problem, warning

_SAMPLE = 50
"""How many blobs are read where not all are."""
_PROBE = b"condarium doctor was here"
_RESTORE = "Take them from a backup: `condarium backup list` shows which there are."


@check("blobs")
def blobs(examined: Examination) -> Iterator[Found]:
    store = examined.store
    with store.shared():
        yield from _writable(examined)
        with store.database.read() as facts:
            needed = facts.naming.needed()
        there = sizes_in(store.blobs)
        if missing := sorted(needed - there.keys()):
            yield problem(f"{len(missing)} that facts name are missing: {_some(missing)}", _RESTORE)
        chosen = sorted(there)
        if not examined.all_bytes and len(chosen) > _SAMPLE:
            chosen = random.sample(chosen, _SAMPLE)
        damaged = _damaged(examined, chosen)
    if damaged:
        yield problem(f"{len(damaged)} do not have their hash: {_some(damaged)}", _RESTORE)
    else:
        yield ok(f"{len(there)} are there; {len(chosen)} were read and have their hashes")


def _writable(examined: Examination) -> Iterator[Found]:
    blobs = examined.store.blobs
    try:
        blobs.remove(blobs.put(_PROBE))
    except CondariumError as error:
        yield warning(f"none can be put: {error.message}", error.hint)


def _damaged(examined: Examination, digests: list[str]) -> list[str]:
    blobs, damaged = examined.store.blobs, []
    examined.progress.phase("blobs", len(digests), "blobs")

    def read(digest: str) -> None:
        if not blobs.is_whole(digest):
            damaged.append(digest)
        examined.progress.advance()

    in_threads(read, digests)
    return sorted(damaged)


def _some(digests: list[str]) -> str:
    return ", ".join(each[:16] for each in digests[:3]) + (", …" if len(digests) > 3 else "")
