"""Asking upstream before a question is answered, where a proxy has never been asked anything."""

from collections.abc import Iterator

from condarium.model.hosting.hosted import ChannelKind, HostedChannel
from condarium.model.view import View
from condarium.storage.facts import Facts
from condarium.storage.store import Store


def ask_first(store: Store, view: View) -> None:
    """Refresh the proxies behind a view of which nothing is known yet; a server refreshes them all.

    Raises NoSuchChannel, UpstreamFailed.
    """
    if view.as_of is not None:
        return
    with store.database.read() as facts:
        unknown = list(_unknown(facts, facts.channels.get(view.channel)))
    if unknown:
        from condarium.channels.remote.refreshing import Refresher

        refresher = Refresher(store)
        for proxy in unknown:
            refresher.fresh(proxy)


def _unknown(facts: Facts, channel: HostedChannel) -> Iterator[HostedChannel]:
    if channel.kind is ChannelKind.PROXY and facts.upstreams.state(channel) is None:
        yield channel
    for member in channel.members:
        yield from _unknown(facts, facts.channels.get(member))
