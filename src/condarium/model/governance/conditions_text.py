"""Conditions in words, as everybody may read them: how many people there are, not who."""

from condarium.model.governance.grants import Conditions


def say_conditions(conditions: Conditions) -> tuple[str, ...]:
    """What must be true of a job, each in a few words.

    >>> say_conditions(Conditions(branches=("main",), events=("push", "schedule")))
    ('branch main', 'event push or schedule', 'no pull requests')
    """
    found = []
    if conditions.branches:
        found.append(f"branch {any_of(conditions.branches)}")
    if conditions.events:
        found.append(f"event {any_of(conditions.events)}")
    found.append("pull requests too" if conditions.pull_request else "no pull requests")
    if conditions.trusted_forks:
        found.append(f"fork {any_of([str(each) for each in conditions.trusted_forks])}")
    if conditions.fork_approval:
        found.append("other forks after approval of the commit")
    if conditions.people is not None:
        count = len(conditions.people)
        found.append("1 person" if count == 1 else f"{count} people")
    if conditions.people_from:
        found.append(f"people listed at {conditions.people_from}, which is not asked")
    if conditions.roles:
        found.append(f"role {any_of(conditions.roles)}")
    return tuple(found)


def any_of(words: tuple[str, ...] | list[str]) -> str:
    """Words of which one has to be, as `a, b or c`."""
    return " or ".join(filter(None, [", ".join(words[:-1]), words[-1]]))
