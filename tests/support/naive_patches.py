"""Patch rules applied as conda-forge's own tool does it, without a thought of speed.

Every rule is tried on every record, in order, and the records are changed in place. Versions are
compared as PEP 440 has them, and bounds that are loosened as texts. That tool also stumbles over
what matches twice: it renames and removes only the first, and leaves some out when it replaces.
`stumbling` says whether to do so too. It raises on a record that it has no value for.
"""

import copy
import fnmatch
import itertools
import re
import string
from collections.abc import Mapping, Sequence
from functools import cache, lru_cache
from typing import Any

import yaml
from packaging.version import Version

Record = dict[str, Any]
_PINNED = re.compile(r">=(\d+(?:\.\d+)*a?),<(\d+(?:\.\d+)*)a0$")
_LOWER = re.compile(r">=(\d+(?:\.\d+)*a?)[^<*]*$")
_COMPARE = {
    "lt": lambda a, b: a < b,
    "le": lambda a, b: a <= b,
    "gt": lambda a, b: a > b,
    "ge": lambda a, b: a >= b,
    "eq": lambda a, b: a == b,
    "ne": lambda a, b: a != b,
}


def load_rules(text: str) -> list[dict[str, Any]]:
    return [each for each in yaml.load_all(text, yaml.CSafeLoader) if each is not None]


def patch_naively(
    rules: Sequence[Mapping[str, Any]],
    records: Mapping[str, Record],
    subdir: str,
    *,
    stumbling: bool,
) -> dict[str, Record]:
    """Give the records as the rules want them."""
    # Conditions all have to hold, so the costly ones may as well be the last.
    asked = [(dict(sorted(each["if"].items(), key=_is_costly)), each["then"]) for each in rules]
    of_name = dict[str, list[Any]]()
    after = {}
    for file, record in records.items():
        name = record["name"]
        if name not in of_name:
            # Only this is asked once for a name, and not again for each of its records.
            of_name[name] = [each for each in asked if matches(name, each[0].get("name", "*"))]
        own = copy.deepcopy(record)
        for where, then in of_name[name]:
            if all(_holds(key, wanted, file, own, subdir) for key, wanted in where.items()):
                for key, what in itertools.chain.from_iterable(map(dict.items, then)):
                    _change(key, what, own, subdir, stumbling)
        after[file] = own
    return after


def _is_costly(condition: tuple[str, Any]) -> bool:
    return "has_" in condition[0]


def _holds(key: str, wanted: Any, file: str, record: Record, subdir: str) -> bool:
    if key.startswith("not_"):
        return not _holds(key[4:], wanted, file, record, subdir)
    if key == "version" and not set(wanted) & set("*[]?()"):
        return _version(record["version"]) == _version(wanted)
    if key in record:
        return matches(str(record[key]), str(wanted))
    field, _, how = key.rpartition("_")
    if key.startswith("has_"):
        there = _words(record) if key == "has_track_features" else record.get(key[4:]) or []
        return all(any(matches(each, one) for each in there) for one in _list(wanted))
    if how == "in":
        found = {"subdir": subdir, "artifact": file}.get(field) or record[field]
        return any(matches(str(found), str(each)) for each in _list(wanted))
    value = record.get(field, 0) if field == "timestamp" else record[field]
    if field == "version":
        return _COMPARE[how](_version(value), _version(wanted))
    return _COMPARE[how](value, wanted)


@cache
def matches(text: str, pattern: str) -> bool:
    """Shell patterns; `?( *)` stands for nothing, or for a space and anything after it."""
    parts = pattern.split("?( *)")
    ways = itertools.product(("", " *"), repeat=len(parts) - 1)
    return any(
        fnmatch.fnmatchcase(text, "".join(map(str.__add__, parts, (*way, "")))) for way in ways
    )


def _change(key: str, what: Any, record: Record, subdir: str, stumbling: bool) -> None:
    action, _, field = key.partition("_")
    field = field.removeprefix("exact_")
    if field == "track_features":
        _change_features(action, _list(what), record)
        return
    before = record.get(field) or []
    there = list(before)
    if action == "add":
        for each in _list(what):
            text = _fill(each, record, subdir)
            there = there if text in there else [*there, text]
    elif action == "remove":
        gone = {each for one in _list(what) for each in there if matches(each, one)}
        for each in gone:
            there.remove(each)
            while each in there and not stumbling:
                there.remove(each)
    elif action == "reset":
        there = [_fill(each, record, subdir) for each in _list(what)]
    elif action == "replace":
        found = there if stumbling else [*there]
        _replace(found, _fill(what["old"], record, subdir), what["new"], there, record, subdir)
    elif action == "rename":
        old, new = _fill(what["old"], record, subdir), _fill(what["new"], record, subdir)
        while _rename(old, new, there) and not stumbling and old != new:
            pass
    else:
        _repin(action, what, there, record, subdir)
    if there == before:
        return
    record[field] = there
    # An empty list of dependencies stays: clients ask for one. Any other goes.
    if not there and field != "depends":
        del record[field]


def _change_features(action: str, words: list[str], record: Record) -> None:
    there = _words(record)
    if action == "add":
        there += [each for each in words if each not in there]
    else:
        there = [each for each in there if not any(matches(each, word) for word in words)]
    record["track_features"] = " ".join(there)
    if not there:
        del record["track_features"]


def _replace(
    found: list[str], old: str, new: str, there: list[str], record: Record, subdir: str
) -> None:
    for each in found:
        if matches(each, old):
            text = _fill(new, record, subdir, old=each)
            if text not in there:
                there[there.index(each)] = text
            elif text != each:
                there.pop(there.index(each))


def _rename(old: str, new: str, there: list[str]) -> bool:
    for number, each in enumerate(there):
        name, *rest = each.split(" ")
        if name == old:
            there[number] = " ".join([new, *rest])
            return True
    return False


def _repin(action: str, what: Any, there: list[str], record: Record, subdir: str) -> None:
    name, pin, upper = what["name"], what.get("max_pin"), what.get("upper_bound")
    bound = _fill(str(upper), record, subdir) if upper not in (None, "None") else None
    for number, each in enumerate(there):
        if matches(each.split(" ")[0], _fill(name, record, subdir)):
            there[number] = {"tighten": _tight, "loosen": _loose, "relax": _relaxed}[action](
                each, pin, bound
            )


def _tight(dependency: str, pin: str | None, bound: str | None) -> str:
    name, *rest = dependency.split(" ")
    if not rest:
        return f"{name} <{_closed(bound.split('.'))}" if bound else dependency
    version, tail = rest[0], "".join(f" {each}" for each in rest[1:])
    if len(rest) > 2:
        return dependency
    if match := _LOWER.match(version):
        upper = _bound(match[1], pin, bound, match[1])
        if Version(match[1]) < Version(".".join(upper)):
            return f"{name} {version},<{_closed(upper)}{tail}"
    elif match := _PINNED.match(version):
        upper = _bound(match[1], pin, bound, match[2])
        if Version(match[2]) > Version(".".join(upper)):
            return f"{name} >={match[1]},<{_closed(upper)}{tail}"
    elif not tail and bound and version.startswith("<="):
        if Version(version[2:]) >= Version(bound):
            return f"{name} <{_closed(bound.split('.'))}"
    elif not tail and bound and version.startswith("<") and Version(version[1:]) > Version(bound):
        return f"{name} <{_closed(bound.split('.'))}"
    return dependency


def _loose(dependency: str, pin: str | None, bound: str | None) -> str:
    name, *rest = dependency.split(" ")
    match = _PINNED.match(rest[0]) if len(rest) in (1, 2) else None
    if match is None:
        return dependency
    tail = "".join(f" {each}" for each in rest[1:])
    if pin is None and bound is None:
        return f"{name} >={match[1]}{tail}"
    upper = _bound(match[1], pin, bound, match[2])
    before = match[2].split(".")
    if before + ["0"] * (len(upper) - len(before)) < upper:
        return f"{name} >={match[1]},<{_closed(upper)}{tail}"
    return dependency


def _relaxed(dependency: str, pin: str | None, _bound: str | None) -> str:
    parts = dependency.split(" ")
    if len(parts) != 3 or not parts[1][0].isdigit():
        return dependency
    upper = f",<{'.'.join(_raised(parts[1], pin))}a0" if pin else ""
    return f"{parts[0]} >={parts[1]}{upper}"


def _bound(lower: str, pin: str | None, bound: str | None, like: str) -> list[str]:
    upper = bound.split(".") if bound else _raised(lower, str(pin))
    return upper + ["0"] * (like.count(".") + 1 - len(upper))


def _raised(version: str, pin: str) -> list[str]:
    places = pin.count("x")
    numbers = version.split(".")
    numbers += ["0"] * (places - len(numbers))
    return [
        "0" if place >= places else str(int(each) + 1) if place == places - 1 else each
        for place, each in enumerate(numbers)
    ]


def _closed(upper: list[str]) -> str:
    return ".".join([*upper, *([] if upper[-1] == "0" else ["0"])]) + "a0"


def _fill(text: str, record: Record, subdir: str, old: str | None = None) -> str:
    if "$" not in text:
        return text
    numbers = [*record["version"].split("."), "0", "0"]
    places = dict(zip(("major_version", "minor_version", "patch_version"), numbers, strict=False))
    last = record["version"].rpartition(".")
    following = {"next_version": f"{last[0]}{last[1]}{int(last[2]) + 1}"} if "next" in text else {}
    given = {**record, "subdir": subdir, "old": old, **places, **following}
    return string.Template(text).substitute(given)


def _words(record: Record) -> list[str]:
    return (record.get("track_features") or "").split()


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


_version = lru_cache(maxsize=None)(Version)
