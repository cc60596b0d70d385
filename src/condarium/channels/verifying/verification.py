"""A whole verification of one channel."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress

from condarium.channels.verifying.encodings import check_encodings
from condarium.channels.verifying.findings import Findings
from condarium.channels.verifying.log import check_log
from condarium.channels.verifying.shards import Names
from condarium.errors import StoreReadOnly
from condarium.model.hosting.verification import ChannelVerified
from condarium.model.progress import Progress
from condarium.model.view import ChannelName
from condarium.storage.store import Store


@contextmanager
def _undisturbed(store: Store) -> Iterator[None]:
    """Keep gc away, where anything may be written at all."""
    with ExitStack() as held:
        with suppress(StoreReadOnly):
            held.enter_context(store.shared())
        yield


def verify(
    store: Store, name: ChannelName, *, all_revisions: bool, read: bool, progress: Progress
) -> ChannelVerified:
    """Compare everything that is shown of a channel with its facts. Changes nothing.

    The log, and the facts in it, are compared as a whole; shards and packages as of now, or of all
    revisions. With `read`, the hash of every blob is computed. Of a union there is nothing but its
    encodings to compare: its members are verified by their names. Raises NoSuchChannel.
    """
    findings = Findings(store.blobs, read)
    with _undisturbed(store), store.database.read() as facts:
        channel = facts.channels.get(name)
        check_log(facts, channel, findings, progress)
        Names(facts, channel, findings, all_revisions=all_revisions).check(progress)
    check_encodings(store, channel, findings, progress)
    counts = findings.counts
    return ChannelVerified(
        channel=name,
        revision=channel.head,
        all_revisions=all_revisions,
        facts=counts["facts"],
        patches=counts["patches"],
        shards=counts["shards"],
        packages=counts["packages"],
        not_fetched=counts["not fetched"],
        encodings=counts["encodings"],
        bytes=counts["bytes"],
        problems=tuple(findings.problems),
        untold=findings.untold,
    )
