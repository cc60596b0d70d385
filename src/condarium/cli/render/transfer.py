"""Sets of packages that came from elsewhere, or went there."""

from collections.abc import Sequence

from condarium.cli.amounts import count, size
from condarium.cli.page import Page, bold, dim, green, yellow
from condarium.cli.render.registry import renders
from condarium.model.hosting.report import PublishedFile
from condarium.model.hosting.transfer import BundleImported, Exported, Mirrored, WheelsImported

_MANY = 20
"""Of more files than this, only the first are listed."""


@renders(Mirrored)
def mirrored(answer: Mirrored, page: Page) -> None:
    rows = [
        (
            dim(file.status) if file.status == "there already" else green(file.status),
            f"{file.subdir}/{file.file_name}",
            size(file.fetched) if file.fetched else "",
        )
        for file in answer.files[:_MANY]
    ]
    page.table(("", "", ""), rows, right=(2,), crop=1)
    _more(len(answer.files), page)
    for note in answer.notes:
        page.line(yellow("note: "), note)
    _note(answer.as_locked, "have the dependencies that the lock says, not their own", page)
    _note(answer.otherwise, "were there before, with other dependencies than the lock's", page)
    _note(answer.yanked, "are yanked, so that no index shows them", page)
    if answer.pip:
        page.line(
            yellow("left out "),
            f"{count(len(answer.pip), 'pip package')}, which no channel has: ",
            ", ".join(answer.pip),
        )
    page.line(
        bold(answer.channel),
        f"{_at(answer.revision)}: all {count(len(answer.files), 'package')} of {answer.lock} for "
        f"{', '.join(answer.platforms)}, {size(answer.fetched)} fetched",
    )


@renders(Exported)
def exported(answer: Exported, page: Page) -> None:
    page.line(
        bold(answer.path),
        f": {count(answer.packages, 'package')} of {answer.view} at {answer.revision}, "
        f"{size(answer.size)}",
    )
    page.line(dim(f"sha256 {answer.sha256}"))


@renders(BundleImported)
def bundle_imported(answer: BundleImported, page: Page) -> None:
    _files(answer.files, page)
    _note(answer.otherwise, "were there before with another record, which they keep", page)
    page.line(
        bold(answer.channel),
        f"{_at(answer.revision)}: all {count(len(answer.files), 'package')} of "
        f"{answer.source} at {answer.source_revision}, with label {', '.join(answer.labels)}",
    )


@renders(WheelsImported)
def wheels_imported(answer: WheelsImported, page: Page) -> None:
    _files(answer.files, page)
    page.line(
        bold(answer.channel),
        f"{_at(answer.revision)}: {count(len(answer.files), 'package')} for "
        f"Python {answer.python} on {', '.join(answer.platforms)}, "
        f"with label {', '.join(answer.labels)}",
    )


def _files(files: Sequence[PublishedFile], page: Page) -> None:
    rows = [
        (
            dim(file.status) if file.status == "there already" else green(file.status),
            f"{file.subdir}/{file.file_name}",
            size(file.size),
        )
        for file in files[:_MANY]
    ]
    page.table(("", "", ""), rows, right=(2,), crop=1)
    _more(len(files), page)
    for file in files:
        for warning in file.warnings:
            page.line(yellow("warning: "), f"{file.file_name}: {warning}")


def _more(number: int, page: Page) -> None:
    if number > _MANY:
        page.line(dim(f"… and {number - _MANY:,} more"))


def _note(paths: Sequence[str], what: str, page: Page) -> None:
    if paths:
        more = ", …" if len(paths) > _MANY else ""
        page.line(yellow("note: "), f"{', '.join(paths[:_MANY])}{more} {what}")


def _at(revision: int | None) -> str:
    return " is at r" + str(revision) if revision else " is unchanged"
