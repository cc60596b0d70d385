"""Patches of channels: what they did, and what they would do."""

import json
from collections.abc import Sequence
from typing import Any

from condarium.cli.amounts import count
from condarium.cli.page import Page, bold, cyan, dim, green, red, yellow
from condarium.cli.render.registry import renders
from condarium.model.hosting.changes import (
    Dependents,
    KeyChange,
    PatchesChanged,
    PatchTrial,
    RecordChange,
)

_MANY = 20
"""Of more packages than this, only the first are listed."""


@renders(PatchesChanged)
def patches_changed(answer: PatchesChanged, page: Page) -> None:
    added = answer.action == "patch add"
    for patch in answer.unchanged:
        why = "is there already" if added else "was undone before"
        page.line(dim(f"patch {patch.number} ({patch.name}) {why}"))
    for patch in answer.patches:
        sign = green("+ ") if added else red("- ")
        page.line(sign, bold(f"patch {patch.number}"), f" {patch.name}: {patch.summary}")
    for package in answer.packages[:_MANY]:
        page.line(yellow("~ "), package)
    if len(answer.packages) > _MANY:
        page.line(f"… and {len(answer.packages) - _MANY:,} more (--json names all)")
    if answer.revision is None:
        page.line(bold(answer.channel), ": nothing changed")
        return
    names = {package.partition("/")[2] for package in answer.packages}
    changed = count(len(names), "package") if names else "no package"
    page.line(bold(answer.channel), f" is at r{answer.revision}: {changed} changed by it")
    undo = f"{page.program} channel revert {answer.channel} r{answer.revision}"
    page.line(dim(f"  undo it: {undo}"))


@renders(PatchTrial)
def patch_trial(answer: PatchTrial, page: Page) -> None:
    for change in answer.changes:
        _record(change, page)
    left = answer.changed + answer.removed - len(answer.changes)
    if left:
        page.line(f"… and {count(left, 'more record')} (--limit 0 shows all)")
    for name, those in answer.dependents.items():
        _dependents(name, those, page)
    total = count(answer.changed, "record")
    removed = f" and {answer.removed:,} removed" if answer.removed else ""
    page.line(
        "dry run: in ",
        bold(answer.channel),
        f", as of r{answer.head}, {total} of {count(answer.packages, 'package')} would be changed"
        f"{removed}",
    )


def _record(change: RecordChange, page: Page) -> None:
    path = f"{change.subdir}/{change.file_name}"
    if change.what == "removed":
        page.line(red("- "), bold(path), " goes from the index")
        return
    page.line(yellow("~ "), bold(path))
    for key in change.keys:
        page.line("    ", cyan(key.key))
        for sign, text in _lines(key):
            paint = red if sign == "-" else green if sign == "+" else dim
            page.line("      ", paint(f"{sign} {text}"))


def _lines(change: KeyChange) -> list[tuple[str, str]]:
    """What went and what came; of lists, only the entries that did."""
    before, after = _entries(change.before), _entries(change.after)
    gone = [("-", each) for each in before if each not in after]
    new = [("+", each) for each in after if each not in before]
    return gone + new or [("~", "the same in another order")]


def _entries(value: Any) -> Sequence[str]:
    if value is None:
        return ()
    if isinstance(value, list | tuple):
        return [_text(each) for each in value]
    return [_text(value)]


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True)


def _dependents(name: str, those: Dependents, page: Page) -> None:
    """Two lines at most where there is a terminal: it is the number that counts."""
    depend = "package depends" if those.count == 1 else "packages depend"
    lead = f"{those.count:,} {depend} on {name}: "
    names, room = list(those.packages), 2 * (page.width or 0) - len(lead) - 12
    while page.terminal and len(names) > 1 and len(", ".join(names)) > room:
        names.pop()
    more = those.count - len(names)
    page.line(lead, dim(", ".join(names)), dim(f" and {more:,} more") if more else "")
