"""Cooldown of a proxy: without what upstream has had for too short a time, as far as we saw it.

What the proxy first saw at a later refresh than its first is young until a cooldown after that
refresh, whatever upstream says of its age. Of what was there at the first refresh nobody else knows
since when: so, until that is a cooldown ago, upstream's `indexed_timestamp` is believed, else the
build's `timestamp`; what has neither is young. Other bytes of a known file name are young, too.
"""

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from hashlib import sha256
from math import inf

from condarium.channels.shard import Shard, decode_shard, encode_shard
from condarium.channels.views.derived import keep_derived
from condarium.channels.views.listing import Listing, Maps
from condarium.channels.views.reading import read_shard
from condarium.errors import Failed
from condarium.model.hosting.hosted import Record
from condarium.model.view import MAIN
from condarium.storage.facts import Facts
from condarium.storage.store import Store

_STEP = timedelta(hours=1)
"""How often a view is made anew: cooldowns end on the hour."""
_AT_ONCE = 16
_SECONDS = 100_000_000_000
"""Timestamps below are in seconds, as old packages have them; others in ms."""

Young = dict[tuple[str, str], bytes]


def cool_proxy(
    store: Store,
    facts: Facts,
    plain: Listing,
    cooldown: timedelta,
    *,
    instant: datetime | None,
    make_listing: Callable[[str, Callable[[], Maps]], Listing],
) -> tuple[Listing, datetime]:
    """Leave out records that are young. Gives also until when the view is as it is."""
    hour = _hour(instant or store.now())
    cutoff = hour - cooldown
    seen = facts.channels.number_at(plain.channel, cutoff)
    baseline = facts.shards.at(plain.channel, MAIN, at=max(seen, 1)) if plain.number else {}

    def make() -> Maps:
        age = _Age(store, plain, baseline, at_first=seen == 0, cutoff=cutoff)
        cooled = {subdir: dict(names) for subdir, names in plain.maps.items()}
        made = []
        for (subdir, name), old in age.older():
            del cooled[subdir][name]
            if old.records:
                made.append(encode_shard(old))
                cooled[subdir][name] = sha256(made[-1]).digest()
        keep_derived(store, plain.channel, made)
        return {subdir: names for subdir, names in cooled.items() if names}

    return make_listing(f"{plain.state} cooled since {cutoff:%FT%H}", make), hour + _STEP


class _Age:
    """Tells which records of a view are old."""

    def __init__(
        self, store: Store, plain: Listing, baseline: Maps, *, at_first: bool, cutoff: datetime
    ) -> None:
        self._store, self._plain, self._baseline = store, plain, baseline
        self._at_first, self._cutoff = at_first, cutoff.timestamp() * 1000

    def older(self) -> Iterator[tuple[tuple[str, str], Shard]]:
        """Names of which not everything is old, and what is."""
        changed = {
            (subdir, name): digest
            for subdir, names in self._plain.maps.items()
            for name, digest in names.items()
            if self._at_first or self._before(subdir, name) != digest
        }
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            for key, (shard, old) in zip(
                changed, pool.map(self._look, changed, changed.values()), strict=True
            ):
                if len(old.records) < len(shard.records):
                    yield key, old

    def _look(self, key: tuple[str, str], digest: bytes) -> tuple[Shard, Shard]:
        shard = decode_shard(read_shard(self._store, self._plain, digest))
        seen = self._seen(self._before(*key), digest, shard)
        old = {
            file_name: record
            for file_name, record in shard.records.items()
            if file_name in seen and self._is_old(record, seen[file_name])
        }
        return shard, replace(shard, records=old)

    def _is_old(self, record: Record, before: Record) -> bool:
        if not _same_bytes(record, before):
            return False
        return not self._at_first or _said_ms(before) <= self._cutoff

    def _seen(self, before: bytes | None, now: bytes, shard: Shard) -> Mapping[str, Record]:
        """What there was before the cooldown; nothing where that cannot be fetched any more."""
        if before is None or before == now:
            return shard.records if before else {}
        try:
            return decode_shard(read_shard(self._store, self._plain, before)).records
        except Failed:
            return {}

    def _before(self, subdir: str, name: str) -> bytes | None:
        return self._baseline.get(subdir, {}).get(name)


def _same_bytes(record: Record, before: Record) -> bool:
    """Whether two records of one file name are of the same bytes, as far as their hashes tell."""
    told = [key for key in ("sha256", "md5") if record.get(key) and before.get(key)]
    return record == before or (bool(told) and all(record[key] == before[key] for key in told))


def _said_ms(record: Record) -> float:
    """Since when upstream says that it has a file, in ms; never where it says nothing."""
    said = record.get("indexed_timestamp") or record.get("timestamp")
    if not isinstance(said, int | float):
        return inf
    return said if said > _SECONDS else said * 1000


def _hour(instant: datetime) -> datetime:
    return instant.replace(minute=0, second=0, microsecond=0)
