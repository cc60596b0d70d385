"""The store as an operator sees it: configuration, backups, schema, health."""

import textwrap

from condarium.cli.amounts import count, size
from condarium.cli.page import Page, Styled, bold, dim, green, red, yellow
from condarium.cli.render.registry import renders
from condarium.model.operating import (
    BackedUp,
    BackupLine,
    BackupsPruned,
    BackupsVerified,
    ConfigurationChecked,
    Diagnosis,
    Finding,
    OptionValue,
    StoreRestored,
    Template,
    Upgraded,
    Verdict,
)

_WIDTH = 80
_MARKS = {
    Verdict.OK: green("ok"),
    Verdict.WARNING: yellow("warning"),
    Verdict.PROBLEM: red("problem"),
}


@renders(Template)
def template(answer: Template, page: Page) -> None:
    page.raw(answer.content)


@renders(ConfigurationChecked)
def checked(answer: ConfigurationChecked, page: Page) -> None:
    for name, meant in answer.unknown.items():
        asked = f"; did you mean {meant}?" if meant else ""
        page.line(yellow("unknown"), f"  {name} in the environment says nothing{asked}")
    if answer.file is None:
        page.line("there is no configuration file; the environment is right")
        return
    page.line(green("right"), f"  {answer.file}: {count(len(answer.options), 'option')}")


@renders(tuple[OptionValue, ...])
def options(rows: tuple[OptionValue, ...], page: Page) -> None:
    cells = [
        (bold(row.name), row.value if row.value is not None else dim("-"), _source(row))
        for row in rows
    ]
    page.table(("option", "value", "from"), cells, crop=1)


@renders(tuple[BackupLine, ...])
def backups(rows: tuple[BackupLine, ...], page: Page) -> None:
    if not rows:
        page.line("there are no backups here")
        return
    cells = [
        (bold(row.name), page.when(row.at), str(row.rows), str(row.blobs), size(row.bytes))
        for row in rows
    ]
    page.table(("backup", "made", "rows", "blobs", "size"), cells, right=(2, 3, 4))


@renders(BackedUp)
def backed_up(answer: BackedUp, page: Page) -> None:
    backup = answer.backup
    page.line("backup ", bold(backup.name), f" in {answer.place}")
    page.line(f"  {count(backup.rows, 'row')}, {count(backup.blobs, 'blob')}, {size(backup.bytes)}")
    page.line(f"  copied {count(answer.copied, 'blob')}, {size(answer.copied_bytes)}")
    for digest in answer.missing:
        page.line(red("missing"), f"  blob {digest}")
    if answer.missing:
        page.line(f"  `{page.program} doctor` tells more of what the store has lost")


@renders(BackupsVerified)
def verified(answer: BackupsVerified, page: Page) -> None:
    for damage in answer.damages:
        page.line(red(damage.found), f"  {damage.what}")
        page.line(dim(f"  needed by {', '.join(damage.backups)}"))
    looked = f"{count(answer.backups, 'backup')}, {count(answer.blobs, 'blob')}"
    how = f"{size(answer.bytes)} read" if answer.bytes else "sizes compared"
    verdict = "is damaged" if answer.damages else "can be restored"
    page.line(bold(answer.place), f" {verdict} ({looked}, {how})")


@renders(BackupsPruned)
def pruned(answer: BackupsPruned, page: Page) -> None:
    for name in answer.removed:
        page.line("removed  " if not answer.dry_run else "would remove  ", name)
    freed = f"{count(answer.blobs, 'blob')}, {size(answer.bytes)}"
    verb = "would free" if answer.dry_run else "freed"
    page.line(f"{verb} {freed}; {count(len(answer.kept), 'backup')} kept")


@renders(StoreRestored)
def restored(answer: StoreRestored, page: Page) -> None:
    page.line("restored ", bold(answer.backup.name), f" into {answer.store}")
    rows = sum(answer.rows.values())
    page.line(f"  {count(rows, 'row')}, {count(answer.blobs, 'blob')}, {size(answer.bytes)}")
    if answer.jobs:
        page.line(f"  {count(answer.jobs, 'job')} that had not ended failed: try them again")
    if answer.prefixes:
        page.line(f"  {count(answer.prefixes, 'prefix', 'prefixes')} made again")
    for name, why in answer.failed.items():
        page.line(red("failed"), f"  {name}: {why}")
    for name in answer.waiting:
        page.line(dim(f"  {name} is not on disk: `{page.program} env restore {name}`"))


@renders(Upgraded)
def upgraded(answer: Upgraded, page: Page) -> None:
    if not answer.changed:
        page.line(f"the database is of revision {answer.after} already")
        return
    verb = "would bring" if answer.dry_run else "brought"
    page.line(f"{verb} the database from revision {answer.before or 'none'} to {answer.after}")
    if answer.copy:
        page.line(dim(f"  as it was before: {answer.copy}"))


@renders(Diagnosis)
def diagnosis(answer: Diagnosis, page: Page) -> None:
    width = max(len(each.check) for each in answer.findings)
    for finding in answer.findings:
        _finding(finding, page, width)
    page.line()
    problems = _counted(answer, Verdict.PROBLEM, "problem")
    page.line(bold(problems), ", ", _counted(answer, Verdict.WARNING, "warning"))


def _finding(finding: Finding, page: Page, width: int) -> None:
    mark = _MARKS[finding.verdict]
    start = f"{finding.check:<{width}}  {mark.text:<7}  "
    first, *others = textwrap.wrap(finding.found, max(_WIDTH - len(start), 20)) or [""]
    page.line(
        bold(f"{finding.check:<{width}}"), "  ", Styled(f"{mark.text:<7}", mark.style), "  ", first
    )
    for line in [*others, *textwrap.wrap(finding.hint or "", max(_WIDTH - len(start), 20))]:
        page.line(" " * len(start), line)


def _counted(answer: Diagnosis, verdict: Verdict, noun: str) -> str:
    found = sum(each.verdict is verdict for each in answer.findings)
    return f"{found} {noun}{'' if found == 1 else 's'}"


def _source(row: OptionValue) -> str:
    return row.variable if row.source == "environment" else row.source
