"""A revision undoes another: what that one brought goes, what it ended holds again.

Of what a revision brought, what does not hold any more needs no undoing; of what it ended, what
holds again needs none. Only this is in the way, and is left to a person, each with the revision
that did it:

- what it brought ended later, and was brought again by a revision of its own (published once more);
- what it ended was brought again later, and ended again;
- a file that would go has got a label or a yank since, or one that would get its label or yank back
  has been removed since.

A revision that is a revert itself does nothing of its own: what it brings again is what was brought
before, so that undoing works through any number of reverts.
"""

import re
from bisect import insort
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from functools import cache, partial
from typing import NamedTuple

from condarium.channels.changing.patching import touched
from condarium.channels.revising.draft import Draft, revise
from condarium.errors import BadInput, Conflict
from condarium.model.actor import Actor
from condarium.model.hosting.changes import Reverted
from condarium.model.hosting.fact import Fact, FactKind, Revision
from condarium.model.view import ChannelName
from condarium.storage.hosting.channels import NoSuchRevision
from condarium.storage.store import Store

REVERT = "revert"
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
    with revise(store, channel, REVERT, reason=reason or f"undo r{number}", actor=actor) as draft:
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


class Past:
    """When facts held: each from a revision, until another or to this day (None)."""

    def __init__(self, draft: Draft, names: Iterable[tuple[str, str]]) -> None:
        self.spans: dict[Fact, list[tuple[int, int | None]]] = defaultdict(list)
        for fact, since, until in draft.facts.holdings.spans(draft.channel, names):
            insort(self.spans[fact], (since, until))
        self._revision = cache(partial(draft.facts.channels.revision, draft.channel))

    def holds(self, fact: Fact) -> bool:
        return self.spans[fact][-1][1] is None

    def brought_by(self, fact: Fact) -> list[int]:
        """The revisions that a fact holds by: reverts, and the one that they restored."""
        return self._chain([since for since, _ in self.spans[fact]])

    def ended_by(self, fact: Fact) -> list[int]:
        """The revisions by which a fact holds no more: reverts, and the one that they restored."""
        return self._chain([until for _, until in self.spans[fact] if until])

    def _chain(self, numbers: Sequence[int]) -> list[int]:
        chain = []
        for number in reversed(numbers):
            chain.append(number)
            if self._revision(number).action != REVERT:
                break
        return chain


def _undo(draft: Draft, undone: Revision) -> tuple[list[Fact], list[Fact]]:
    """Close and open what undoes a revision, and give both. Raises CannotUndo."""
    holdings, channel, number = draft.facts.holdings, draft.channel, undone.number
    opened = holdings.opened_at(channel, number)
    closed = holdings.closed_at(channel, number)
    past = Past(draft, {(fact.subdir, fact.name) for fact in (*opened, *closed)})
    gone = [fact for fact in opened if past.holds(fact)]
    back = [fact for fact in closed if not past.holds(fact)]
    obstacles = [*_changed(past, undone, gone, back), *_unfounded(past, gone, back)]
    if obstacles:
        raise CannotUndo(channel.name, number, sorted(set(obstacles)))
    draft.close(*gone)
    draft.open(*back)
    known = holdings.patches(channel)
    for fact in (*gone, *back):
        if fact.kind is FactKind.PATCH:
            draft.touch(touched(draft.facts, channel, known[fact.position]))
    return gone, back


def _changed(
    past: Past, undone: Revision, gone: Sequence[Fact], back: Sequence[Fact]
) -> Iterator[Obstacle]:
    """Facts that later revisions brought again, or ended again, on their own account."""
    for fact in gone:
        if undone.number not in (brought := past.brought_by(fact)):
            yield Obstacle(f"{say(fact)} came again", brought[-1])
    for fact in back:
        if undone.number not in (ended := past.ended_by(fact)):
            yield Obstacle(f"{say(fact)} came again, and ended", ended[-1])


def _unfounded(past: Past, gone: Sequence[Fact], back: Sequence[Fact]) -> Iterator[Obstacle]:
    """What would be said of a file that would not be there."""
    going, coming = set(gone), set(back)
    files = {_file(fact): fact for fact in past.spans if fact.kind is FactKind.FILE}
    for fact in past.spans:
        if fact.kind not in (FactKind.LABEL, FactKind.YANK):
            continue
        file = files[_file(fact)]
        if file in going and past.holds(fact) and fact not in going:
            yield Obstacle(f"{say(fact)} was added", past.brought_by(fact)[-1])
        if fact in coming and file not in coming and not past.holds(file):
            yield Obstacle(f"{say(file)} was removed", past.ended_by(file)[-1])


def _file(fact: Fact) -> tuple[str, str]:
    return fact.subdir, fact.file_name
