"""Cooldown: a view without what came to the channel too lately, by the server's own clock."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial

from condarium.channels.shard import Shard, decode_shard
from condarium.channels.views.derived import Derived
from condarium.channels.views.listing import Listing, Maps
from condarium.channels.views.reading import read_shard
from condarium.model.hosting.hosted import HostedChannel
from condarium.model.view import View
from condarium.storage.facts import Facts
from condarium.storage.store import Store


def cool(
    store: Store,
    facts: Facts,
    plain: Listing,
    cooldown: timedelta,
    *,
    instant: datetime | None,
    take: Callable[[HostedChannel, View, str, Callable[[], Listing]], Listing],
    derived: Derived,
) -> tuple[Listing, datetime]:
    """Leave out files that came within the cooldown before an instant, or before now.

    Only the shards of package names that have such a file are made anew. Gives also when the next
    file comes out of its cooldown, or a day is over.
    """
    cutoff = _ms(instant or store.now()) - cooldown // timedelta(milliseconds=1)
    later = facts.holdings.next_after(plain.channel, cutoff)
    view = View(**{**vars(plain.view), "cooldown": cooldown})

    # Noted anew each day, so that `gc` sees which shards are still in use.
    state = f"{plain.state} cooled until {later} on {store.now():%F}"

    def make() -> Listing:
        young = facts.holdings.oldest_since(plain.channel, cutoff)
        return Listing(
            view=view,
            channel=plain.channel,
            revision=plain.revision,
            number=plain.number,
            state=state,
            past=plain.past,
            maps=_without(store, plain, young, derived),
        )

    listing = take(plain.channel, view, state, make)
    tomorrow = store.now() + timedelta(days=1)
    if instant is not None or later is None:
        return listing, tomorrow
    return listing, min(datetime.fromtimestamp(later / 1000, tz=UTC) + cooldown, tomorrow)


def _without(
    store: Store, plain: Listing, young: dict[tuple[str, str], int], derived: Derived
) -> Maps:
    """Leave out files from the oldest young one of their name on: none came before the cutoff."""
    cooled = {subdir: dict(names) for subdir, names in plain.maps.items()}
    shown = {
        (subdir, name): (cooled[subdir][name], oldest)
        for (subdir, name), oldest in young.items()
        if name in cooled.get(subdir, {})
    }
    makers = {key: partial(_older, store, plain, *key) for key in shown.values()}
    made = derived.of(plain.channel, makers)
    for (subdir, name), key in shown.items():
        digest = made[key]
        if digest is None:
            del cooled[subdir][name]
        else:
            cooled[subdir][name] = digest
    return cooled


def _older(store: Store, plain: Listing, digest: bytes, young: int) -> Shard | bytes:
    """A shard without files that came at an instant or later, in ms; itself if it has none."""
    shard = decode_shard(read_shard(store, plain, digest))
    records = {
        file_name: record
        for file_name, record in shard.records.items()
        if record.get("indexed_timestamp", 0) < young
    }
    if len(records) == len(shard.records):  # it came after a past view, or is hidden
        return digest
    return Shard(records=records, removed=shard.removed)


def _ms(instant: datetime) -> int:
    return int(instant.timestamp() * 1000)
