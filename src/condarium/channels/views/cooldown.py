"""Cooldown: a view without what came to the channel too lately, by the server's own clock."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from hashlib import sha256

from condarium.channels.shard import Shard, decode_shard, encode_shard
from condarium.channels.views.derived import keep_derived
from condarium.channels.views.listing import Listing, Maps
from condarium.channels.views.reading import read_shard
from condarium.model.hosted import HostedChannel
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
        young = facts.holdings.names_since(plain.channel, cutoff)
        maps, made = _without(store, plain, young, cutoff)
        keep_derived(store, plain.channel, made)
        return Listing(
            view=view,
            channel=plain.channel,
            revision=plain.revision,
            number=plain.number,
            state=state,
            past=plain.past,
            maps=maps,
        )

    listing = take(plain.channel, view, state, make)
    tomorrow = store.now() + timedelta(days=1)
    if instant is not None or later is None:
        return listing, tomorrow
    return listing, min(datetime.fromtimestamp(later / 1000, tz=UTC) + cooldown, tomorrow)


def _without(
    store: Store, plain: Listing, young: dict[str, set[str]], cutoff: int
) -> tuple[Maps, list[bytes]]:
    cooled = {subdir: dict(names) for subdir, names in plain.maps.items()}
    made = []
    for subdir, names in young.items():
        for name in names & cooled.get(subdir, {}).keys():
            shard = decode_shard(read_shard(store, plain, cooled[subdir][name]))
            old = _older(shard, cutoff)
            if old.records == shard.records:  # the young file came after a past view, or is hidden
                continue
            if not old:
                del cooled[subdir][name]
                continue
            made.append(encode_shard(old))
            cooled[subdir][name] = sha256(made[-1]).digest()
    return cooled, made


def _older(shard: Shard, cutoff: int) -> Shard:
    return Shard(
        records={
            file_name: record
            for file_name, record in shard.records.items()
            if record.get("indexed_timestamp", 0) <= cutoff
        },
        removed=shard.removed,
    )


def _ms(instant: datetime) -> int:
    return int(instant.timestamp() * 1000)
