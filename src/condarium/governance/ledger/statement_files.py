"""Statements as files: CSV for a spreadsheet, and a chart as SVG."""

import csv
import io
from collections.abc import Mapping
from html import escape

from condarium.model.governance.amounts import say_amount
from condarium.model.governance.statements import Statement, Total

COLUMNS = ("month", "donor", "resource", "project", "jobs", "seconds", "credits")

_WIDTH, _ROW, _BAR = 720, 26, 16
_NAMES, _AMOUNTS = 250, 90
"""How wide the names before the bars are, and the amounts behind them."""
_COLOURS = ("#1b6ca8", "#c1501f", "#4a7c29", "#7b4f9d", "#b8860b", "#46777a")
_SHOWN = 34
_MOST = 30
"""How many projects have a bar of their own."""


def as_csv(statement: Statement) -> str:
    """A line for each donor, resource and project, below the names of the columns."""
    written = io.StringIO()
    rows = csv.writer(written, lineterminator="\n")
    rows.writerow(COLUMNS)
    for line in statement.lines:
        seconds = f"{line.seconds:.0f}"
        used = say_amount(line.used)
        names = line.month, line.donor, line.resource, line.project
        rows.writerow((*names, line.jobs, seconds, used))
    return written.getvalue()


def as_chart(statement: Statement) -> str:
    """A bar for each project that used something, and in it a part for each donor who paid."""
    projects = statement.projects
    colours = {
        donor.name: _COLOURS[place % len(_COLOURS)] for place, donor in enumerate(statement.donors)
    }
    parts = [_text(16, 28, f"Machine time used in {statement.month}, in credits", size=16)]
    top = 52
    for donor in statement.donors:
        parts.append(_rect(16, top - 10, 12, 12, colours[donor.name]))
        parts.append(_text(34, top, f"{_donor(donor.name)}: {say_amount(donor.used)}"))
        top += 20
    if not projects:
        parts.append(_text(16, top, "Nothing was used."))
    for total in projects[:_MOST]:
        parts += _bar(statement, total, top, projects[0].used, colours)
        top += _ROW
    if len(projects) > _MOST:
        parts.append(_text(16, top + 14, f"and {len(projects) - _MOST} more"))
    height = top + _ROW
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{height}" '
        f'viewBox="0 0 {_WIDTH} {height}">\n<rect width="100%" height="100%" fill="#fff"/>'
    )
    return "\n".join([head, *parts, "</svg>\n"])


def _bar(
    statement: Statement, total: Total, top: int, most: int, colours: Mapping[str, str]
) -> list[str]:
    parts = [_text(_NAMES - 8, top + 13, _short(total.name), anchor="end")]
    scale, left = (_WIDTH - _NAMES - _AMOUNTS) / most, float(_NAMES)
    for donor, colour in colours.items():
        paid = sum(
            line.used
            for line in statement.lines
            if (line.project, line.donor) == (total.name, donor)
        )
        if paid:
            parts.append(_rect(left, top, paid * scale, _BAR, colour))
            left += paid * scale
    return [*parts, _text(left + 8, top + 13, say_amount(total.used))]


def _donor(name: str) -> str:
    return name or "no budget"


def _short(name: str) -> str:
    """Without its id, and with its end, by which projects differ."""
    shown = name.partition("#")[0]
    return shown if len(shown) <= _SHOWN else f"…{shown[1 - _SHOWN :]}"


def _rect(x: float, y: float, width: float, height: float, colour: str) -> str:
    return (
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" fill="{colour}"/>'
    )


def _text(x: float, y: float, text: str, *, size: int = 12, anchor: str = "start") -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-family="sans-serif" font-size="{size}" '
        f'text-anchor="{anchor}" fill="#333">{escape(text)}</text>'
    )
