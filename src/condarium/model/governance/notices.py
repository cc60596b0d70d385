"""What people should be told of a grant: that it ends soon, and that nobody uses it."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from condarium.model.governance.grants import Grant, GrantChange, GrantState
from condarium.model.governance.resources import Resource

AHEAD = timedelta(days=14)
"""How long before its end a grant is spoken of."""


@dataclass(frozen=True)
class Notice:
    """`since` is when it began to be true: what was said after that need not be said again."""

    text: str
    since: datetime
    unused: bool = False


def notices(
    grant: Grant, resource: Resource, now: datetime, *, ahead: timedelta = AHEAD
) -> tuple[Notice, ...]:
    """What is to be said of a grant now; of one that nobody may use, nothing."""
    if grant.state(now) is not GrantState.ACTIVE:
        return ()
    found = []
    end = grant.lending.expires_at
    if end is not None and end - ahead <= now:
        since = max(end - ahead, _decided_at(grant))
        found.append(Notice(f"ends on {end:%Y-%m-%d}", since))
    last = max(grant.used_at or _decided_at(grant), _decided_at(grant))
    if last + resource.settings.unused_after <= now:
        days = (now - last).days
        found.append(Notice(f"unused for {days} days", last, unused=True))
    return tuple(found)


def due(
    grant: Grant, resource: Resource, now: datetime, *, ahead: timedelta = AHEAD
) -> tuple[Notice, ...]:
    """Those notices that have not been given since they began to be true."""
    given = [each for each in grant.decisions if each.change is GrantChange.NOTICED]
    return tuple(
        notice
        for notice in notices(grant, resource, now, ahead=ahead)
        if not any(_is_of(each.reason, notice) and each.at >= notice.since for each in given)
    )


def _is_of(reason: str, notice: Notice) -> bool:
    return reason.startswith("unused") == notice.unused


def _decided_at(grant: Grant) -> datetime:
    """When people last decided about it."""
    return next(
        each.at for each in reversed(grant.decisions) if each.change is not GrantChange.NOTICED
    )
