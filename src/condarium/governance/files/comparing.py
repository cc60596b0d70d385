"""How two states differ: thing by thing, field by field, in the words of files."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from condarium.governance.files.fields import (
    CONDITIONS,
    GRANT,
    LENDING,
    PULL_REQUESTS,
    RESOURCE,
    Field,
)
from condarium.governance.files.state import State
from condarium.governance.files.writing import USUAL, plain_state, spelled
from condarium.model.governance.planned import FieldChange, StateChange

Plain = Mapping[str, Any]
_ASIDE = frozenset({"budgets", "reason", "resource"})
"""What is no field of its own: budgets are things; a reason is told and no state."""
_HIDDEN = frozenset({"private"})
"""What is told to have changed, and not how: plans are shown to those who review files."""


def changes(before: State, after: State) -> tuple[StateChange, ...]:
    """What has to happen to the first for it to be the second, in the order of files."""
    return changes_of(plain_state(before), plain_state(after))


def changes_of(before: Plain, after: Plain) -> tuple[StateChange, ...]:
    """The same of states in plain data."""
    named = _names(before, after)
    return (
        *_differ("terms", _terms(before), _terms(after)),
        *_differ("resource", before.get("resources", {}), after.get("resources", {})),
        *_differ("budget", _budgets(before), _budgets(after)),
        *_differ("grant", _grants(before, named), _grants(after, named)),
    )


def is_same(before: Plain, after: Plain) -> bool:
    """Whether what is said of a thing is the same, in whatever order."""
    return not _fields(before, after)


def _differ(
    kind: str, before: Mapping[str, Plain], after: Mapping[str, Plain]
) -> Iterator[StateChange]:
    for name in sorted({*before, *after}):
        was, wanted = before.get(name), after.get(name)
        if was is None:
            fields = tuple(_fields({}, wanted or {}))
            yield StateChange(kind=kind, name=name, does="made", fields=fields)
        elif wanted is None:
            yield StateChange(kind=kind, name=name, does="ended")
        elif fields := tuple(_fields(was, wanted, _UNSAID.get(kind))):
            yield StateChange(kind=kind, name=name, does="changed", fields=fields)


def _fields(
    before: Plain, after: Plain, unsaid: Mapping[str, str] | None = None
) -> list[FieldChange]:
    """What differs; with `unsaid`, what a side does not say is told as what that means."""
    was, wanted = dict(_flat(before)), dict(_flat(after))
    found = []
    for field in dict.fromkeys([*wanted, *was]):
        if was.get(field) == wanted.get(field):
            continue
        silent = None if unsaid is None else unsaid.get(field, "none")
        shown = (was.get(field, silent), wanted.get(field, silent))
        told, then = (None, None) if field in _HIDDEN else shown
        found.append(FieldChange(field=field, before=told, after=then))
    return found


def _unsaid(fields: Iterable[Field], *, usual: object = None, within: str = "") -> dict[str, str]:
    """What it means that a key is not there."""
    found = {}
    for field in fields:
        value = field.without if usual is None else getattr(usual, field.name)
        said = field.unsaid if value in (None, "", (), {}) else _say(spelled(field, value))
        found[f"{within}{field.key}"] = said
    return found


def _flat(plain: Plain, within: str = "") -> Iterator[tuple[str, str]]:
    """Fields by their names, `conditions.people` for those within others, and their texts."""
    for key, value in plain.items():
        if within or key not in _ASIDE:
            if isinstance(value, Mapping) and value:
                yield from _flat(value, f"{within}{key}.")
            else:
                yield f"{within}{key}", _say(value)


def _say(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(sorted(map(_say, value))) or "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


def _terms(plain: Plain) -> dict[str, Plain]:
    return {name: {"text": text} for name, text in plain.get("terms", {}).items()}


def _budgets(plain: Plain) -> dict[str, Plain]:
    """Budgets by what they are: one that is otherwise is another one."""
    found: dict[str, Plain] = {}
    for name, resource in plain.get("resources", {}).items():
        said = Counter(_budget(each) for each in resource.get("budgets", ()))
        for text, count in said.items():
            for number in range(count):
                found[f"{text} for {name}" + (f" ({number + 1})" if number else "")] = {}
    return found


def _budget(said: Plain) -> str:
    period = "once" if said["period"] == "once" else f"each {said['period']}"
    until = f" until {said['until']}" if "until" in said else ""
    since = f" from {said['from']}" if "from" in said else ""
    return f"{said['amount']} {period} by {said['donor']}{since}{until}"


Named = Callable[[Plain], str]


def _names(*states: Plain) -> Named:
    """What a grant is called: by its names, and by its id where two have the same names."""
    several = {
        name
        for state in states
        for name, count in Counter(map(_by_name, state.get("grants", ()))).items()
        if count > 1
    }

    def name(grant: Plain) -> str:
        found = _by_name(grant)
        return f"{grant['resource']} for {grant['project']}" if found in several else found

    return name


def _by_name(grant: Plain) -> str:
    return f"{grant['resource']} for {grant['project'].partition('#')[0].lower()}"


def _grants(plain: Plain, named: Named) -> dict[str, Plain]:
    grants: Iterable[Plain] = plain.get("grants", ())
    return {named(each): each for each in grants}


_UNSAID: Mapping[str, Mapping[str, str]] = {
    "resource": _unsaid(RESOURCE, usual=USUAL),
    "grant": {
        **_unsaid([PULL_REQUESTS, *LENDING, *GRANT]),
        **_unsaid(CONDITIONS, within="conditions."),
    },
}
