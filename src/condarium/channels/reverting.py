"""A revision undoes another: what that one brought goes, what it ended holds again.

What was undone since then stays as it is. What was changed since then in another way is left to a
person: the revision is refused, and says which facts of which later revisions are in the way.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from condarium.channels.patching import touched
from condarium.channels.revising.draft import Draft, revise
from condarium.errors import BadInput, Conflict
from condarium.model.actor import Actor
from condarium.model.channel_changes import Reverted
from condarium.model.fact import Fact, FactKind, Revision
from condarium.model.view import ChannelName
from condarium.storage.channels import NoSuchRevision
from condarium.storage.store import Store

_NAMED = 10
"""How many obstacles an error's message names."""


class BadRevision(BadInput):
    """This is not the number of a revision."""

    def __init__(self, text: str) -> None:
        self.text = text
        super().__init__(f"{text!r} is not a revision", hint="Write r and its number, such as r12.")


class Obstacle(NamedTuple):
    """What a later revision did that is in the way."""

    fact: str
    revision: int

    def __str__(self) -> str:
        return f"{self.fact} (r{self.revision})"


class CannotUndo(Conflict):
    """Later revisions changed what a revision is about."""

    def __init__(self, channel: ChannelName, number: int, obstacles: Sequence[Obstacle]) -> None:
        self.channel, self.number = channel, number
        self.obstacles = tuple(map(str, obstacles))
        lines = [f"\n  {obstacle}" for obstacle in self.obstacles[:_NAMED]]
        more = len(obstacles) - _NAMED
        lines += [f"\n  and {more} more"] if more > 0 else []
        last = max(obstacle.revision for obstacle in obstacles)
        super().__init__(
            f"r{number} of channel {channel} cannot be undone: later revisions changed what it "
            f"is about:{''.join(lines)}",
            hint=f"Undo those first, the newest to begin with: "
            f"condarium channel revert {channel} r{last}",
        )


def revert(
    store: Store, channel: ChannelName, revision: str, *, reason: str, actor: Actor
) -> Reverted:
    """Append a revision that undoes an earlier one.

    Raises BadRevision, NoSuchRevision, CannotUndo, NoSuchChannel, NotALocalChannel.
    """
    number = parse_revision(revision)
    with revise(store, channel, "revert", reason=reason or f"undo r{number}", actor=actor) as draft:
        if not number:
            raise NoSuchRevision(channel, "revision r0 that could be undone", draft.channel.head)
        undone = draft.facts.channels.revision(draft.channel, number)
        gone, back = _undo(draft, undone)
    return Reverted(
        channel=channel,
        undone=number,
        action=undone.action,
        revision=draft.revision.number if draft.revision else None,
        gone=tuple(map(say, sorted(gone))),
        back=tuple(map(say, sorted(back))),
    )


def parse_revision(text: str) -> int:
    """Read `r12`, or `12`. Raises BadRevision."""
    found = re.fullmatch(r"r?(\d{1,9})", text.strip())
    if not found:
        raise BadRevision(text)
    return int(found[1])


def say(fact: Fact) -> str:
    """A fact in words."""
    file = f"{fact.subdir}/{fact.file_name}"
    match fact.kind:
        case FactKind.LABEL:
            return f"label {fact.value} of {file}"
        case FactKind.YANK:
            return f"yank of {file}"
        case FactKind.PATCH:
            return f"patch {fact.position}"
        case _:
            return file


@dataclass(frozen=True)
class Past:
    """When facts held: each from a revision, until another or to this day (None)."""

    spans: dict[Fact, list[tuple[int, int | None]]]

    def since(self, fact: Fact) -> int | None:
        """Since which revision a fact holds; None where it does not."""
        return next((since for since, until in self.spans.get(fact, ()) if until is None), None)

    def last_end(self, fact: Fact) -> int:
        """The last revision that ended a fact; 0 where none did."""
        return max((until for _, until in self.spans.get(fact, ()) if until), default=0)


def _undo(draft: Draft, undone: Revision) -> tuple[list[Fact], list[Fact]]:
    """Close and open what undoes a revision, and give both. Raises CannotUndo."""
    holdings, channel, number = draft.facts.holdings, draft.channel, undone.number
    opened = holdings.opened_at(channel, number)
    closed = holdings.closed_at(channel, number)
    past = _past(draft, {(fact.subdir, fact.name) for fact in (*opened, *closed)})
    gone = [fact for fact in opened if past.since(fact) is not None]
    back = [fact for fact in closed if past.since(fact) is None]
    obstacles = [*_changed(past, number, gone, back), *_unfounded(past, gone, back)]
    if obstacles:
        raise CannotUndo(channel.name, number, sorted(set(obstacles)))
    draft.close(*gone)
    draft.open(*back)
    known = holdings.patches(channel)
    for fact in (*gone, *back):
        if fact.kind is FactKind.PATCH:
            draft.touch(touched(draft.facts, channel, known[fact.position]))
    return gone, back


def _past(draft: Draft, names: Iterable[tuple[str, str]]) -> Past:
    spans: dict[Fact, list[tuple[int, int | None]]] = defaultdict(list)
    for fact, since, until in draft.facts.holdings.spans(draft.channel, names):
        spans[fact].append((since, until))
    return Past(spans)


def _changed(
    past: Past, number: int, gone: Sequence[Fact], back: Sequence[Fact]
) -> Iterator[Obstacle]:
    """Facts that later revisions brought again, or ended again, on their own account."""
    for fact in gone:
        since = past.since(fact)
        if since != number and since is not None:
            yield Obstacle(f"{say(fact)} came again", since)
    for fact in back:
        if (end := past.last_end(fact)) != number:
            yield Obstacle(f"{say(fact)} came again, and ended", end)


def _unfounded(past: Past, gone: Sequence[Fact], back: Sequence[Fact]) -> Iterator[Obstacle]:
    """What would be said of a file that would not be there."""
    going, coming = set(gone), set(back)
    files = {_file(fact): fact for fact in past.spans if fact.kind is FactKind.FILE}
    without = {place for place, fact in files.items() if fact in going}
    for fact in past.spans:
        if fact.kind in (FactKind.LABEL, FactKind.YANK):
            since = past.since(fact)
            if _file(fact) in without and since is not None and fact not in going:
                yield Obstacle(f"{say(fact)} was added", since)
            file = files.get(_file(fact))
            if fact in coming and file and file not in coming and past.since(file) is None:
                yield Obstacle(f"{say(file)} was removed", past.last_end(file))


def _file(fact: Fact) -> tuple[str, str]:
    return fact.subdir, fact.file_name
