"""What was done to environments and locks."""

from condarium.cli.amounts import count, seconds, short, size
from condarium.cli.page import Page, bold, cyan, dim, green, red, yellow
from condarium.cli.render.changes import counted, show_changes, summary
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
"""Of more changes than this, only the first are listed; of a first build, none."""


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
            f" ({what})" if (what := _packages(answer)) else "",
        )
    else:
        _was_built(answer, page)


def _would_build(answer: Built, page: Page) -> None:
    if not answer.changed:
        page.line("dry run: nothing would change in ", bold(answer.environment))
        return
    first = _is_first(answer)
    more = "" if first else f"{page.program} env diff {answer.environment} -f FILE"
    show_changes(answer.changes, page, limit=_MANY, more=more)
    lead = ("dry run: ", bold(answer.environment), " would get a new generation of ")
    if first:
        page.line(*lead, counted(answer.changes))
    else:
        what = _packages(answer) or f"packages for {', '.join(answer.platforms)}"
        page.line(*lead, f"{what}: {summary(answer.changes)}")


def _was_built(answer: Built, page: Page) -> None:
    from condarium.engine.solving.virtual_packages import (
        host_platform,  # a build has imported rattler
    )

    first = _is_first(answer)
    if not first or len(answer.changes) <= _MANY:
        show_changes(answer.changes, page, limit=_MANY, more=_diff(answer, page))
    several = len(answer.platforms) > 1
    what = f"{_packages(answer)} for {answer.platforms[0]}" if answer.platforms else "no package"
    if several:
        what = counted(answer.changes) if first else f"for {', '.join(answer.platforms)}"
    page.line(
        bold(answer.environment),
        f" generation {answer.generation} ",
        green("is active") if answer.active else yellow("is built, and not active"),
        f": {what}",
        f" ({summary(answer.changes)})" if answer.changes and not (first and several) else "",
    )
    if answer.prefix is None:
        platforms = ", ".join(answer.platforms)
        page.line(yellow(f"  locked for {platforms} only"), f"; this machine is {host_platform()}")
    elif where := answer.path or answer.prefix:
        there = " on the server" if page.remote else ""
        page.line("  at ", cyan(where), f" ({answer.link})" if answer.link else "", there)
    if answer.phases:
        parts = ", ".join(f"{name} {seconds(spent)}" for name, spent in answer.phases.items())
        page.line(dim(f"  in {seconds(sum(answer.phases.values()))}: {parts}"))
    if answer.active and answer.generation == 1 and not page.remote:
        page.line(f"  run in it: {page.program} env run {answer.environment} -- COMMAND")


def _is_first(answer: Built) -> bool:
    """Whether there was nothing before: all that is there was added."""
    added = all(change.what == "added" for change in answer.changes)
    return added and len(answer.changes) == answer.packages > 0


def _packages(answer: Built) -> str:
    """How many there are; nothing where that would be a sum over platforms."""
    return count(answer.packages, "package") if len(answer.platforms) == 1 else ""


def _diff(answer: Built, page: Page) -> str:
    """What shows all that a build changed."""
    number = answer.generation or 0
    generations = "" if answer.active else f" {number - 1} {number}"
    return f"{page.program} env diff {answer.environment}{generations}"


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
        page.line(f"  `{again}` mends it")
    for other in answer.also:
        page.line(f"  the same files are in {other}: `{page.program} env verify {other} --repair`")


@renders(Ran)
def ran(answer: Ran, page: Page) -> None:
    """The command has said what there was to say."""
