"""Write the state in our own format: the same state is always the same text."""

import re
from collections.abc import Iterable
from typing import Any

import yaml

from condarium.governance.files.fields import (
    BUDGET,
    CONDITIONS,
    GRANT,
    LENDING,
    PULL_REQUESTS,
    RESOURCE,
    Field,
    Moment,
    Number,
)
from condarium.governance.files.state import SaidGrant, SaidResource, State
from condarium.model.governance.projects import with_id
from condarium.model.governance.resources import ResourceKind, Settings

VERSION = 1
USUAL = Settings(kind=ResourceKind.QUEUE)
"""What a resource is where nothing is said of it."""
_WIDTH = 96
_TAG = "tag:yaml.org,2002:"


def write_state(state: State) -> str:
    """Give the text of one file that says all of a state."""
    return yaml_text(plain_state(state))


def write_public(state: State) -> str:
    """The same for everybody: without what is not public, contacts, private notes, and people.

    What is left says less than the state does, so it cannot be applied.
    """
    public = {name: each for name, each in state.resources.items() if each.settings.public}
    shown = {name: _for_everybody(plain_resource(each)) for name, each in public.items()}
    grants = [plain_grant(each) for each in state.grants if each.resource in public]
    terms = {each["terms"] for each in shown.values() if "terms" in each}
    plain = {
        "version": VERSION,
        "copy": "public",
        "terms": {name: text for name, text in state.terms.items() if name in terms},
        "resources": shown,
        "grants": [_without_people(each) for each in grants],
    }
    return yaml_text({key: value for key, value in plain.items() if value})


def plain_state(state: State) -> dict[str, Any]:
    plain = {
        "version": VERSION,
        "terms": dict(state.terms),
        "resources": {name: plain_resource(each) for name, each in state.resources.items()},
        "grants": [plain_grant(each) for each in state.grants],
    }
    return {key: value for key, value in plain.items() if value}


def plain_resource(resource: SaidResource) -> dict[str, Any]:
    """What a file says of a resource, in the order of its keys."""
    said = _said(RESOURCE, resource.settings, usual=USUAL)
    said = {"kind": str(resource.settings.kind)} | said
    if resource.budgets:
        said["budgets"] = [_said(BUDGET, each) for each in resource.budgets]
    return said


def plain_grant(grant: SaidGrant) -> dict[str, Any]:
    lending = grant.lending
    conditions = _said(CONDITIONS, lending.conditions)
    return {
        "project": with_id(grant.project),
        "resource": grant.resource,
        **_said([PULL_REQUESTS], lending.conditions),
        **({"conditions": conditions} if conditions else {}),
        **_said(LENDING, lending),
        **_said(GRANT, grant),
    }


def yaml_text(plain: object) -> str:
    """YAML of plain data, in the order that it has."""
    return str(
        yaml.dump(
            plain,
            Dumper=_Dumper,
            sort_keys=False,
            allow_unicode=True,
            width=_WIDTH,
            default_flow_style=False,
        )
    )


def _said(fields: Iterable[Field], of: object, usual: object = None) -> dict[str, Any]:
    said: dict[str, Any] = {}
    for field in fields:
        value = getattr(of, field.name)
        without = field.without if usual is None else getattr(usual, field.name)
        if value != without:
            said[field.key] = spelled(field, value)
    return said


def spelled(field: Field, value: Any) -> Any:
    """A value as plain data."""
    if field.tree:
        return value
    return [field.say(each) for each in value] if field.many else field.say(value)


def _for_everybody(plain: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in plain.items() if key not in ("contact", "private")}


def _without_people(plain: dict[str, Any]) -> dict[str, Any]:
    conditions = plain.get("conditions", {})
    if "people" not in conditions:
        return plain
    hidden = f"{len(conditions['people'])} who are not shown"
    return plain | {"conditions": conditions | {"people": [hidden]}}


class _Dumper(yaml.CSafeDumper):
    """Spells what we know how to spell; a text of several lines is a block."""


def _number(dumper: _Dumper, value: Number) -> yaml.Node:
    kind = "float" if "." in value else "int"
    return dumper.represent_scalar(f"{_TAG}{kind}", str(value))


def _moment(dumper: _Dumper, value: Moment) -> yaml.Node:
    return dumper.represent_scalar(f"{_TAG}timestamp", str(value))


def _text(dumper: _Dumper, value: str) -> yaml.Node:
    style = "|" if "\n" in value and value.strip() and not _ODD.search(value) else None
    return dumper.represent_scalar(f"{_TAG}str", value, style=style)


_ODD = re.compile(r"[^\S\n]$|\A\s|[\x00-\x09\x0b-\x1f\x7f-\xa0\u2028\u2029\ufeff]", re.MULTILINE)
"""What a block cannot say, or what would not be seen in it."""

_Dumper.ignore_aliases = lambda self, data: True  # type: ignore[method-assign]  # nothing is said by reference
_Dumper.add_representer(Number, _number)
_Dumper.add_representer(Moment, _moment)
_Dumper.add_representer(str, _text)
