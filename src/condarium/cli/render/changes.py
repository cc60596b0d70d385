"""Packages that came, went and changed."""

from collections import Counter
from collections.abc import Sequence
from itertools import groupby

from condarium.cli.amounts import count
from condarium.cli.page import Page, Part, green, red, yellow
from condarium.model.difference import PackageChange


def show_changes(
    changes: Sequence[PackageChange], page: Page, *, limit: int | None = None, more: str = ""
) -> None:
    """A line for each change, by platform where there are several; at most `limit` of them.

    `more` says what shows those that are left out.
    """
    platforms = {change.platform for change in changes}
    shown = changes if limit is None else changes[:limit]
    for platform, group in groupby(shown, key=lambda change: change.platform):
        if len(platforms) > 1:
            page.line(platform)
        page.table(("", ""), [_row(change) for change in group])
    if len(shown) < len(changes):
        shows = f" (`{more}` shows all)" if more else ""
        page.line(f"… and {count(len(changes) - len(shown), 'more', 'more')}{shows}")


def counted(changes: Sequence[PackageChange]) -> str:
    """How many packages changed, by platform: `297 packages for linux-64, 258 for osx-arm64`."""
    numbers = Counter(change.platform for change in changes)
    first, *others = sorted(numbers)
    rest = (f", {numbers[name]:,} for {name}" for name in others)
    return f"{count(numbers[first], 'package')} for {first}{''.join(rest)}"


def summary(changes: Sequence[PackageChange]) -> str:
    """`2 added, 1 removed`, platform by platform; `no package differs` where nothing did."""
    platforms = sorted({change.platform for change in changes})
    if len(platforms) > 1:
        each = (
            f"{name}: {summary([one for one in changes if one.platform == name])}"
            for name in platforms
        )
        return "; ".join(each)
    words = ("added", "removed", "changed")
    counts = [(sum(change.what == word for change in changes), word) for word in words]
    return ", ".join(f"{n} {word}" for n, word in counts if n) or "no package differs"


def _row(change: PackageChange) -> tuple[Part, ...]:
    name = change.name if change.kind == "conda" else f"{change.name} (pypi)"
    if change.what == "added":
        return (green(f"+ {name}"), change.after or "")
    if change.what == "removed":
        return (red(f"- {name}"), change.before or "")
    return (yellow(f"~ {name}"), f"{change.before} → {change.after}")
