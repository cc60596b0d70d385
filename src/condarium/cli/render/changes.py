"""Packages that came, went and changed."""

from collections.abc import Sequence
from itertools import groupby

from condarium.cli.amounts import count
from condarium.cli.page import Page, Part, green, red, yellow
from condarium.model.difference import PackageChange


def show_changes(changes: Sequence[PackageChange], page: Page, *, limit: int | None = None) -> None:
    """A line for each change, by platform where there are several; at most `limit` of them."""
    platforms = {change.platform for change in changes}
    shown = changes if limit is None else changes[:limit]
    for platform, group in groupby(shown, key=lambda change: change.platform):
        if len(platforms) > 1:
            page.line(platform)
        page.table(("", ""), [_row(change) for change in group])
    if len(shown) < len(changes):
        page.line(f"… and {count(len(changes) - len(shown), 'more', 'more')}")


def summary(changes: Sequence[PackageChange]) -> str:
    """`2 added, 1 removed`; `no package differs` where nothing did."""
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
