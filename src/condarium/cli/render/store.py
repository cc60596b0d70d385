"""The store as a whole: what it holds, and what was freed."""

from condarium.cli.amounts import count, size
from condarium.cli.page import Page, Part, bold, dim
from condarium.cli.render.registry import renders
from condarium.model.report import Collected, CollectedKind, DiskReport, DiskUse

_BAR = 16
_NOUNS = {
    "prefixes": ("prefix", "prefixes"),
    "packages": ("package", "packages"),
    "blobs": ("blob", "blobs"),
    "bytecode": ("set of bytecode", "sets of bytecode"),
    "records": ("record of a package", "records of packages"),
    "pypi": ("package from PyPI", "packages from PyPI"),
    "indexes": ("index of a channel", "indexes of channels"),
    "leftovers": ("leftover", "leftovers"),
}


@renders(DiskReport)
def disk_report(report: DiskReport, page: Page) -> None:
    largest = max((row.logical for row in report.rows), default=0)
    titles = ["", "logical", "shared", "own", "link"]
    if page.terminal:
        titles.append("own █ shared ░")
    for kind in ("environment", "namespace"):
        rows = [_use_row(row, largest, page) for row in report.rows if row.kind == kind]
        if rows:
            page.table((kind, *titles[1:]), rows, right=(1, 2, 3), crop=0)
            page.line()
    page.line("on disk: ", bold(size(report.disk)), ", each file counted once")


@renders(Collected)
def collected(answer: Collected, page: Page) -> None:
    rows = [_collected_row(kind) for kind in answer.kinds if kind.count]
    if rows:
        page.table(("", "", ""), rows, right=(0, 2))
    if answer.dry_run:
        page.line("dry run: would free ", bold(size(answer.bytes)))
    elif rows:
        page.line("freed ", bold(size(answer.bytes)))
    else:
        page.line("nothing to free: everything is in use")


def _use_row(row: DiskUse, largest: int, page: Page) -> tuple[Part, ...]:
    cells = (bold(row.name), size(row.logical), size(row.shared), size(row.own), row.link)
    return (*cells, _bar(row, largest)) if page.terminal else cells


def _bar(row: DiskUse, largest: int) -> Part:
    """Own and shared bytes against the largest row; whatever is there is seen."""
    own, both = (
        -(-part * _BAR // largest) if largest else 0 for part in (row.own, row.own + row.shared)
    )
    return dim("█" * own + "░" * (both - own))


def _collected_row(kind: CollectedKind) -> tuple[Part, ...]:
    number, _, noun = count(kind.count, *_NOUNS[kind.kind]).partition(" ")
    return (number, noun, size(kind.bytes))
