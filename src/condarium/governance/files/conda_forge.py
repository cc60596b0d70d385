"""Requests as they are filed at conda-forge: a service, feedstocks, and what they may use of it.

    action: cirun
    feedstocks: [pytorch-cpu]
    resources: [cirun-openstack-gpu-large]
    pull_request: true
    revoke: false
    send_pr: true

Only `cirun` has resources; of every other service a feedstock has all or nothing.
"""

import re
from collections.abc import Callable, Mapping
from datetime import date

import yaml

from condarium.governance.files.cirun import PROVIDER, project_of
from condarium.governance.files.parts import GrantPart, Part, ResourcePart, shown_name
from condarium.governance.files.reading import read_items, read_keys, read_value
from condarium.governance.files.spelling import Misspelled, read_flag
from condarium.model.governance.resources import ResourceKind, check_name
from condarium.model.yamlnodes import Findings
from condarium.values import did_you_mean

SERVICES = ("blacksmith", "cirrus_runners", "depot", "namespace", "travis")
_ACTIONS = (PROVIDER, *SERVICES)
_OF_CIRUN = ("resources", "pull_request", "send_pr")
_KEYS = ("action", "feedstocks", *_OF_CIRUN, "revoke")
_EXPECTED = "a request: action, feedstocks, resources …"
_SUFFIX = "-feedstock"
_DATE = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})[-_.]", re.ASCII)


def date_of(name: str) -> date | None:
    """The day that a file's name begins with: `2026-03-02_llamacpp.yml`."""
    found = _DATE.match(shown_name(name))
    try:
        return date.fromisoformat(found[1]) if found else None
    except ValueError:
        return None


def read_request(node: yaml.MappingNode, findings: Findings, *, organisation: str) -> Part:
    """Read a request; what is wrong goes to `findings`."""
    found = read_keys(node, _KEYS, findings, _EXPECTED)
    action = _action(node, found, findings)
    feedstocks = _list(node, found, "feedstocks", _feedstock, findings)
    revoke = _flag(found, "revoke", findings)
    pull_request = _flag(found, "pull_request", findings)
    resources = _resources(node, action, found, findings)
    kind = ResourceKind.RUNNER if action == PROVIDER else ResourceKind.SERVICE
    part = Part(warnings=_not_kept(found, findings))
    if not revoke:
        part.resources += [
            ResourcePart(name=name, kind=kind, provider=action) for name in resources
        ]
    part.grants += [
        GrantPart(
            project=project_of(f"{feedstock}{_SUFFIX}", organisation),
            resource=name,
            revoke=revoke,
            pull_request=pull_request if action == PROVIDER else None,
            reason=_reason(findings.source),
        )
        for feedstock in feedstocks
        for name in resources
    ]
    return part


def _reason(source: str) -> str:
    """Why a grant is there, with the day that it was asked for: decisions say when they were taken
    in."""
    day = date_of(source)
    return f"asked for{f' on {day}' if day else ''}, in {shown_name(source)}"


def _action(node: yaml.Node, found: Mapping[str, yaml.Node], findings: Findings) -> str:
    expected = f"one of {', '.join(_ACTIONS)}"
    if "action" not in found:
        findings.problem(node, "a request without an action", f"action: {expected}")
        return PROVIDER
    action = read_value(found["action"], str, expected, findings) or ""
    if action not in _ACTIONS:
        hint = did_you_mean(action, _ACTIONS)
        findings.problem(found["action"], f"the action {action!r}", expected, hint)
    return action


def _resources(
    node: yaml.Node, action: str, found: Mapping[str, yaml.Node], findings: Findings
) -> list[str]:
    """The names of what is asked for; a service is one resource."""
    if action == PROVIDER:
        return _list(node, found, "resources", check_name, findings)
    for key in _OF_CIRUN:
        if key in found and action in SERVICES:
            hint = f"Leave it out: a feedstock may use {action}, or not."
            findings.problem(found[key], f"{key} of {action}", f"{key} with action: cirun", hint)
    return [action] if action in SERVICES else []


def _list(
    node: yaml.Node,
    found: Mapping[str, yaml.Node],
    key: str,
    read: Callable[[str], str],
    findings: Findings,
) -> list[str]:
    if key not in found:
        findings.problem(node, f"a request without {key}", f"{key}: with a list of names")
        return []
    items = read_items(found[key], f"a list of {key}", findings)
    if not items and not findings.problems:
        findings.problem(found[key], f"no {key}", f"{key}: with a list of names")
    values = [read_value(each, read, f"one of the {key}", findings) for each in items]
    return list(dict.fromkeys(each for each in values if each is not None))


def _feedstock(text: str) -> str:
    if text.endswith(_SUFFIX) or not re.fullmatch(r"[A-Za-z0-9._-]{1,90}", text, re.ASCII):
        raise Misspelled(text, "a feedstock's name without -feedstock")
    return text


def _flag(found: Mapping[str, yaml.Node], key: str, findings: Findings) -> bool:
    if key not in found:
        return False
    return bool(read_value(found[key], read_flag, "true or false", findings))


def _not_kept(found: Mapping[str, yaml.Node], findings: Findings) -> list[str]:
    if not _flag(found, "send_pr", findings):
        return []
    line = found["send_pr"].start_mark.line + 1
    return [
        f"{findings.source}:{line}: send_pr is not kept: "
        "who wants a change in the feedstock proposes it there"
    ]
