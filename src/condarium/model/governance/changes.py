"""What becomes of a lending: what is asked of it laid over it, and the difference in words."""

from collections.abc import Iterable
from dataclasses import replace

from condarium.model.governance.amounts import Period, say_amount
from condarium.model.governance.conditions_text import any_of
from condarium.model.governance.grants import Conditions, Grant, GrantDecision, Lending
from condarium.model.instants import say_instant


def following(held: Lending, asked: Lending) -> Lending:
    """The lending that follows where more is asked for: what is not asked for stays as it is.

    So an approval takes no limit away that nobody spoke of. Its end is always spoken of: a request
    without a duration is until it is revoked.
    """
    quota, period = (held.quota, held.period)
    if asked.quota is not None:
        quota, period = (asked.quota, asked.period)
    return Lending(
        conditions=_conditions(held.conditions, asked.conditions),
        quota=quota,
        period=period,
        starts_at=asked.starts_at or held.starts_at,
        expires_at=asked.expires_at,
        called=asked.called or held.called,
    )


def differences(before: Lending, after: Lending) -> tuple[str, ...]:
    """What differs, each as `what: before → after`; of people it says how many, not who.

    >>> differences(Lending(quota=50_000_000), Lending())
    ('quota: 50 a month → none',)
    """
    old, new = _said(before), _said(after)
    found = [f"{name}: {old[name]} → {new[name]}" for name in old if old[name] != new[name]]
    if before.conditions.people != after.conditions.people and old["people"] == new["people"]:
        found.append("people: other ones")
    return tuple(found)


def changed_by(grant: Grant, decision: GrantDecision) -> tuple[str, ...]:
    """What a decision about a grant changed of the one before it; of the first one, nothing."""
    before = [each for each in grant.decisions if each.number < decision.number]
    return differences(before[-1].lending, decision.lending) if before else ()


def _conditions(held: Conditions, asked: Conditions) -> Conditions:
    return replace(
        held,
        branches=asked.branches or held.branches,
        events=asked.events or held.events,
        pull_request=asked.pull_request or held.pull_request,
        trusted_forks=asked.trusted_forks or held.trusted_forks,
        fork_approval=asked.fork_approval or held.fork_approval,
        people=held.people if asked.people is None else asked.people,
        people_from=asked.people_from or held.people_from,
        roles=asked.roles or held.roles,
    )


def _said(lending: Lending) -> dict[str, str]:
    conditions = lending.conditions
    people = conditions.people
    return {
        "branch": _words(conditions.branches),
        "event": _words(conditions.events, "the usual ones"),
        "role": _words(conditions.roles),
        "pull requests": "yes" if conditions.pull_request else "no",
        "forks": _words(map(str, conditions.trusted_forks), "none"),
        "other forks after approval": "yes" if conditions.fork_approval else "no",
        "people": "anybody" if people is None else str(len(people)),
        "people listed at": conditions.people_from or "none",
        "quota": _quota(lending),
        "from": say_instant(lending.starts_at) if lending.starts_at else "at once",
        "until": say_instant(lending.expires_at) if lending.expires_at else "it is revoked",
        "called": lending.called or "nothing",
    }


def _words(words: Iterable[str], nothing: str = "any") -> str:
    found = tuple(words)
    return any_of(found) if found else nothing


def _quota(lending: Lending) -> str:
    if lending.quota is None:
        return "none"
    period = "once" if lending.period is Period.ONCE else f"a {lending.period}"
    return f"{say_amount(lending.quota)} {period}"
