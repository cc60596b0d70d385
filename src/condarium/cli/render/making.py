"""What was done to environments and locks."""

from condarium.cli.amounts import count, seconds, short, size
from condarium.cli.page import Page, bold, cyan, dim, green, red, yellow
from condarium.cli.render.changes import show_changes, summary
from condarium.cli.render.registry import renders
from condarium.model.report import (
    Archived,
    Built,
    Locked,
    Ran,
    Removed,
    Restored,
    Switched,
    Verification,
)

_MANY = 20
"""More changes than this are counted after a build rather than listed."""


@renders(Built)
def built(answer: Built, page: Page) -> None:
    for note in answer.notes:
        page.line(yellow("note: "), note)
    if answer.dry_run:
        _would_build(answer, page)
    elif not answer.changed:
        state = "is active" if answer.active else "is there, and not active"
        page.line(
            bold(answer.environment),
            f": nothing changed; generation {answer.generation} {state}",
            f" ({count(answer.packages, 'package')})",
        )
    else:
        _was_built(answer, page)


def _would_build(answer: Built, page: Page) -> None:
    if not answer.changed:
        page.line("dry run: nothing would change in ", bold(answer.environment))
        return
    show_changes(answer.changes, page)
    page.line(
        "dry run: ",
        bold(answer.environment),
        f" would get a new generation of {count(answer.packages, 'package')}: ",
        summary(answer.changes),
    )


def _was_built(answer: Built, page: Page) -> None:
    first = all(change.what == "added" for change in answer.changes)
    if not first or len(answer.changes) <= _MANY:
        show_changes(answer.changes, page, limit=_MANY)
    page.line(
        bold(answer.environment),
        f" generation {answer.generation} ",
        green("is active") if answer.active else yellow("is built, and not active"),
        f": {count(answer.packages, 'package')} for {', '.join(answer.platforms)}",
        f" ({summary(answer.changes)})" if answer.changes else "",
    )
    if where := answer.path or answer.prefix:
        page.line("  at ", cyan(where), f" ({answer.link})" if answer.link else "")
    if answer.phases:
        parts = ", ".join(f"{name} {seconds(spent)}" for name, spent in answer.phases.items())
        page.line(dim(f"  in {seconds(sum(answer.phases.values()))}: {parts}"))
    if answer.active and answer.generation == 1:
        page.line(f"  run in it: {page.program} env run {answer.environment} -- COMMAND")


@renders(Locked)
def locked(answer: Locked, page: Page) -> None:
    for note in answer.notes:
        page.line(yellow("note: "), note)
    packages = ", ".join(f"{count(n, 'package')} for {p}" for p, n in answer.packages.items())
    how = "solved" if answer.solved else "known already, not solved again"
    page.line(bold("locked"), f" {packages} ({how}; {short(answer.digest)})")


@renders(Switched)
def switched(answer: Switched, page: Page) -> None:
    before = "" if answer.previous is None else f"; it was generation {answer.previous}"
    page.line(
        bold(answer.environment), f" generation {answer.generation} ", green("is active"), before
    )


@renders(Archived)
def archived(answer: Archived, page: Page) -> None:
    lead = "dry run: would archive" if answer.dry_run else "archived"
    rows = [
        (bold(one.environment), f"generation {one.generation}", size(one.freed))
        for one in answer.generations
    ]
    if not rows:
        page.line("nothing to archive: no generation on disk is one of those")
        return
    page.table(("", "", ""), rows, right=(2,))
    freed = size(sum(one.freed for one in answer.generations))
    much = f"; that {'frees' if answer.dry_run else 'freed'} {freed}"
    page.line(f"{lead} {count(len(rows), 'generation')}{much}")


@renders(Restored)
def restored(answer: Restored, page: Page) -> None:
    name = (bold(answer.environment), f" generation {answer.generation} ")
    if not answer.changed:
        page.line(*name, "was on disk already: nothing changed")
        return
    page.line(*name, green("is on disk again"), f": {count(answer.files, 'file')}")
    page.line("  at ", cyan(answer.prefix))
    if answer.identical:
        page.line("  identical to its first build, bit for bit")
    else:
        page.line(red("  differs from its first build"))


@renders(Removed)
def removed(answer: Removed, page: Page) -> None:
    gone = f"removed {answer.environment} and its {count(answer.generations, 'generation')}"
    page.line(f"{gone}; `condarium gc` frees what nothing else uses")


@renders(Verification)
def verification(answer: Verification, page: Page) -> None:
    if answer.problems:
        rows = [(red(p.what), p.path, dim(p.package or "")) for p in answer.problems]
        page.table(("", "", ""), rows)
    if not answer.problems:
        verdict = green("is as its packages say")
    elif answer.repaired:
        verdict = green(f"differed in {count(len(answer.problems), 'file')}, and was repaired")
    else:
        verdict = red(f"differs in {count(len(answer.problems), 'file')}")
    page.line(
        bold(answer.environment),
        f" generation {answer.generation} ",
        verdict,
        f" ({count(answer.files, 'file')}, {size(answer.bytes)} compared)",
    )
    if answer.unknown:
        page.line(dim(f"  {count(answer.unknown, 'file')} that no package brought"))
    if not answer.ok:
        again = f"{page.program} env verify {answer.environment} {answer.generation} --repair"
        page.line(f"  `{again}` makes it again")


@renders(Ran)
def ran(answer: Ran, page: Page) -> None:
    """The command has said what there was to say."""
