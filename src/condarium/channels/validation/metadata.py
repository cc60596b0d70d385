"""What else `info/` says: run exports, how to link, and what it is about (CEP 34)."""

import re
from collections.abc import Mapping
from typing import Any

from condarium.channels.validation.index import check_dependencies
from condarium.channels.validation.refusal import Fault
from condarium.channels.validation.strict_json import check_values, parse

RUN_EXPORTS, LINK, ABOUT = "info/run_exports.json", "info/link.json", "info/about.json"

_EXPORTS = ("weak", "strong", "weak_constrains", "strong_constrains", "noarch")
_TEXTS = ("summary", "description", "license", "license_family")
_TEXTS_OR_LISTS = (
    *("home", "dev_url", "doc_url", "doc_source_url", "source_url"),
    *("tags", "identifiers", "keywords"),
)
_LONGEST_ENTRY_POINT = 1000
# The name becomes that of a file in bin/.
_ENTRY_POINT = re.compile(r"\s*[^\s/\\=\x00-\x1f][^/\\=\x00-\x1f]*=\s*[\w.]+\s*(:\s*[\w.]+)?.*")


def read_run_exports(info: Mapping[str, bytes]) -> dict[str, list[str]]:
    """Read what a package adds to those that build against it; a list is `weak` (CEP 12, 34)."""
    if RUN_EXPORTS not in info:
        return {}
    document = parse(info[RUN_EXPORTS], RUN_EXPORTS, kind=(dict, list))
    if isinstance(document, list):
        document = {"weak": document}
    found = {key: document[key] for key in _EXPORTS if document.get(key)}
    for key, dependencies in found.items():
        if not isinstance(dependencies, list):
            raise Fault(
                "json-type", RUN_EXPORTS, found=f"{key}: {dependencies!r}", expected="a list"
            )
        check_dependencies(dependencies, RUN_EXPORTS, key)
    return found


def check_link(info: Mapping[str, bytes], noarch: object) -> None:
    """Refuse a link.json that does not go with index.json, or would write outside of bin/."""
    if LINK not in info:
        return
    described = parse(info[LINK], LINK).get("noarch")
    if described is None:
        return
    kind = described.get("type") if isinstance(described, dict) else described
    if noarch in ("python", "generic") and kind != noarch:
        raise Fault("noarch-agrees", LINK, found=f"noarch: {kind!r}", expected=repr(noarch))
    entry_points = described.get("entry_points") if isinstance(described, dict) else None
    if not isinstance(entry_points, list | None):
        raise Fault("json-type", LINK, found=f"entry_points: {entry_points!r}", expected="a list")
    for entry_point in entry_points or ():
        _check_entry_point(entry_point)


def _check_entry_point(entry_point: object) -> None:
    short = isinstance(entry_point, str) and len(entry_point) < _LONGEST_ENTRY_POINT
    good = short and _ENTRY_POINT.fullmatch(str(entry_point))
    if not good or str(entry_point).partition("=")[0].strip() in (".", ".."):
        raise Fault(
            "entry-point",
            LINK,
            found=f"the entry point {entry_point!r:.200}",
            expected="NAME = MODULE:FUNCTION",
        )


def read_about(info: Mapping[str, bytes]) -> tuple[dict[str, Any], list[str]]:
    """Read what channeldata.json (CEP 38) and pages show, and warnings about what they cannot."""
    if ABOUT not in info:
        return {}, []
    document = parse(info[ABOUT], ABOUT)
    about: dict[str, Any] = {}
    warnings: list[str] = []
    for key in (*_TEXTS, *_TEXTS_OR_LISTS):
        value = document.get(key)
        if not value:
            continue
        if isinstance(value, str) or (key in _TEXTS_OR_LISTS and _texts(value)):
            check_values(value, ABOUT)
            about[key] = value
        else:
            warnings.append(f"{key} in {ABOUT} is neither text nor a list of it, and not shown")
    return about, warnings


def _texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(each, str) for each in value)
