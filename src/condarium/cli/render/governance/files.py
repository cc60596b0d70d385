"""What files change of what is lent, and what follows."""

import re
from collections.abc import Iterable

from condarium.cli.amounts import count
from condarium.cli.page import Page, Part, bold, dim, green, red, yellow
from condarium.cli.render.registry import renders
from condarium.model.governance.planned import (
    AffectedJob,
    Applied,
    Exported,
    FieldChange,
    Imported,
    NamesResolved,
    Plan,
    StateChange,
)

_SIGNS = {"made": green("+"), "changed": yellow("~"), "ended": red("-")}
_LONGEST = 60
_PLACE = re.compile(r".*?:[0-9]+: ")
"""Where something stands, before what is said of it."""


@renders(Plan)
def plan(answer: Plan, page: Page) -> None:
    if answer.drift:
        page.line(bold("changed by hand"), f" since files were applied {_at(answer, page)}:")
        _changes(answer.drift, page)
        page.line("")
    if not answer.changes:
        page.line("nothing to do")
    _changes(answer.changes, page)
    _listed("who loses what", answer.loses, page)
    _listed("who gains what", answer.gains, page)
    _listed("cancelled with it", map(_job, answer.cancelled), page)
    _listed("goes on, without --running", map(_job, answer.running), page)
    _warnings(answer.warnings, page)
    if answer.changes:
        page.line("")
        page.line(_summary(answer.changes), "; to do it: ", bold(f"--plan {answer.id}"))


@renders(Applied)
def applied(answer: Applied, page: Page) -> None:
    if not answer.changes:
        page.line("nothing to do")
    _changes(answer.changes, page)
    if answer.cancelled:
        page.line(
            f"cancelled {count(len(answer.cancelled), 'admission')}: ", _all(answer.cancelled)
        )
    if answer.running:
        page.line("going on without a grant: ", _all(answer.running))
    _warnings(answer.warnings, page)
    if answer.changes:
        page.line("applied: ", _summary(answer.changes))


@renders(Imported)
def imported(answer: Imported, page: Page) -> None:
    _changes(answer.changes, page)
    _warnings(answer.warnings, page)
    would = "would be imported" if answer.dry_run else "imported"
    what = _summary(answer.changes) if answer.changes else "nothing changed"
    page.line(f"{count(answer.files, 'file')} {would}: {what}")


@renders(Exported)
def exported(answer: Exported, page: Page) -> None:
    """The document itself is shown, or saved, apart from this."""
    for each in answer.left_out:
        page.line(yellow("note: "), each)


@renders(NamesResolved)
def names_resolved(answer: NamesResolved, page: Page) -> None:
    for each in answer.found:
        page.line(green("+ "), each)
    _warnings(answer.warnings, page)
    if answer.unknown:
        page.line(yellow("still unknown: "), ", ".join(answer.unknown))
    elif not answer.found:
        page.line("nobody is without an id")


def _at(answer: Plan, page: Page) -> str:
    return page.when(answer.applied_at) if answer.applied_at else ""


def _changes(changes: Iterable[StateChange], page: Page) -> None:
    for each in changes:
        page.line(_SIGNS[each.does], " ", each.kind, " ", bold(each.name))
        for field in each.fields if each.does == "changed" else ():
            page.line(f"    {field.field}: ", *_difference(field))


def _difference(field: FieldChange) -> tuple[Part | str, ...]:
    if field.before is None and field.after is None:
        return ("changed",)
    return _short(field.before), " → ", _short(field.after)


def _short(text: str | None) -> Part | str:
    if text is None:
        return dim("none")
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…"


def _listed(title: str, lines: Iterable[str], page: Page) -> None:
    found = list(lines)
    if found:
        page.line("")
        page.line(bold(title), ":")
        for each in found:
            page.line("  ", each)


def _job(job: AffectedJob) -> str:
    own = f" (job {job.job})" if job.job is not None else ""
    return f"{job.state} admission {job.admission} of {job.project} on {job.resource}{own}"


def _warnings(warnings: Iterable[str], page: Page) -> None:
    """Each once: of what is said of several places, the first, and how many there are."""
    said: dict[str, list[str]] = {}
    for each in warnings:
        found = _PLACE.match(each)
        place = found[0] if found else ""
        said.setdefault(each.removeprefix(place), []).append(place)
    for text, (place, *others) in said.items():
        more = f" (and {len(others)} more)" if others else ""
        page.line(yellow("note: "), place, text, more)


def _summary(changes: Iterable[StateChange]) -> str:
    done = [each.does for each in changes]
    said = [f"{done.count(each)} {each}" for each in _SIGNS if each in done]
    return ", ".join(said)


def _all(numbers: Iterable[int]) -> str:
    return ", ".join(map(str, numbers))
