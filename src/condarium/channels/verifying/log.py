"""The log: whether each revision is of its facts, and follows the one before."""

from collections.abc import Sequence

from condarium.channels.revising.draft import GENESIS
from condarium.channels.verifying.findings import Findings
from condarium.model.hosting.fact import Revision, chain, changes_digest
from condarium.model.hosting.hosted import HostedChannel
from condarium.model.progress import Progress
from condarium.storage.facts import Facts


def check_log(facts: Facts, channel: HostedChannel, findings: Findings, progress: Progress) -> None:
    """Compute the chain of digests anew, from the facts."""
    progress.phase("compare the log", channel.head, "revisions")
    previous: Revision | None = None
    for revision in reversed(list(facts.channels.log(channel))):
        for found, expected in _wrong(facts, channel, revision, previous):
            findings.problem("log", f"r{revision.number}", found=found, expected=expected)
        previous = revision
        progress.advance()


def _wrong(
    facts: Facts, channel: HostedChannel, revision: Revision, previous: Revision | None
) -> Sequence[tuple[str, str]]:
    opened = facts.holdings.opened_at(channel, revision.number)
    closed = facts.holdings.closed_at(channel, revision.number)
    before = previous.digest if previous else GENESIS
    digest = chain(
        channel.name.name,
        revision.number,
        at=revision.at,
        actor=revision.actor,
        action=revision.action,
        reason=revision.reason,
        changes=revision.changes,
        previous=revision.previous,
    )
    compared = [
        ("number", revision.number, previous.number + 1 if previous else 1),
        ("facts that begin", len(opened), revision.opened),
        ("facts that end", len(closed), revision.closed),
        ("digest of facts", changes_digest(opened, closed), revision.changes),
        ("digest of the revision before", before, revision.previous),
        ("digest of when, who, what and why", digest, revision.digest),
    ]
    wrong = [
        (f"{what}: {found}", f"{expected}")
        for what, found, expected in compared
        if found != expected
    ]
    if previous and revision.at <= previous.at:
        wrong.append((f"an instant of {revision.at}", f"one after {previous.at}"))
    return wrong
