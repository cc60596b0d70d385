"""What there is: lists, one generation, the history, differences."""

from collections.abc import Mapping

from condarium.cli.amounts import count, short, size
from condarium.cli.page import Page, Part, bold, dim, green, red, yellow
from condarium.cli.render.changes import show_changes, summary
from condarium.cli.render.registry import renders
from condarium.model import paging
from condarium.model.difference import Difference
from condarium.model.environment import Activation, Build, BuildStatus, Generation
from condarium.model.lock import LockedPackage
from condarium.model.report import (
    BuildLog,
    EnvironmentDetail,
    EnvironmentLine,
    EnvironmentPath,
    GenerationLine,
    History,
)

_LONG = 40
"""Names longer than this give way in a table on a terminal."""


@renders(paging.Page[EnvironmentLine])
def environment_list(lines: paging.Page[EnvironmentLine], page: Page) -> None:
    if not lines:
        page.nothing("no environments yet; `condarium env build` makes one")
        return
    titles = ("name", "active", "generations", "on disk", "created", "by", "path")
    rows = [_environment_row(line, page) for line in lines]
    columns = len(titles) - page.terminal  # the paths would not fit, and differ by name alone
    # a name may be as long as a terminal is wide; elsewhere nothing is cropped
    longest = max(len(str(line.name)) for line in lines)
    crop = 0 if longest > _LONG else 5
    page.table(titles[:columns], [row[:columns] for row in rows], right=(1, 2), crop=crop)
    if page.terminal:
        page.line(dim(f"paths: {lines[0].path.parent.parent}/NAMESPACE/NAME"))
    page.more(lines.next)


@renders(EnvironmentPath)
def environment_path(answer: EnvironmentPath, page: Page) -> None:
    page.raw(str(answer.path))


@renders(EnvironmentDetail)
def environment_detail(detail: EnvironmentDetail, page: Page) -> None:
    if detail.content is not None:
        page.raw(detail.content)
        return
    generation = detail.generation
    page.line(bold(generation.environment), f" generation {generation.number} ", _state(generation))
    made = f"{page.when(generation.created_at)} by {generation.created_by}"
    link = f" ({detail.link})" if detail.link else ""
    facts = [
        ("made", made),
        ("reason", generation.reason),
        ("platforms", ", ".join(generation.platforms)),
        ("channels", ", ".join(detail.channels)),
        ("path", str(detail.path) if generation.active else ""),
        ("prefix", f"{detail.prefix or 'none'}{link if detail.on_disk else ', not on disk'}"),
        ("lock", short(generation.lock)),
    ]
    page.table(("", ""), [(dim(name), value) for name, value in facts if value])
    if detail.spec is not None:
        page.line()
        page.line(bold("spec"))
        page.lines(detail.spec, indent="  ")
    _packages(detail.packages, page)


@renders(History)
def history(answer: History, page: Page) -> None:
    rows = [_generation_row(line, page) for line in reversed(answer.generations)]
    titles = ("generation", "when", "who", "changes", "state", "why")
    page.table(titles, rows, right=(0,), crop=5)
    _returns(answer.activations, page)
    _troubles(answer.builds, page)


@renders(BuildLog)
def build_log(answer: BuildLog, page: Page) -> None:
    build = answer.build
    what = f"generation {build.generation}" if build.generation else "no generation"
    page.line(bold(build.environment), f" build {build.id}: {build.status}, {what}")
    page.line(dim(f"  {page.when(build.started_at)} by {build.actor}"))
    for line in answer.text.rstrip().splitlines():
        page.line("  ", line)


@renders(Difference)
def difference(answer: Difference, page: Page) -> None:
    page.line(bold(answer.before), " → ", bold(answer.after))
    show_changes(answer.changes, page)
    page.line(summary(answer.changes))


def _environment_row(line: EnvironmentLine, page: Page) -> tuple[Part, ...]:
    return (
        bold(line.name),
        "-" if line.active is None else str(line.active),
        str(line.generations),
        "yes" if line.on_disk else dim("no"),
        page.when(line.created_at),
        line.created_by,
        str(line.path),
    )


def _state(generation: Generation) -> Part:
    if generation.active:
        return green("active")
    return yellow("archived") if generation.archived_at else dim("on disk")


def _packages(packages: Mapping[str, tuple[LockedPackage, ...]], page: Page) -> None:
    for platform, locked in packages.items():
        page.line()
        page.line(bold(platform), dim(f"  {count(len(locked), 'package')}"))
        rows = [_package_row(package) for package in locked]
        page.table(("name", "version", "build", "size"), rows, right=(3,), crop=2)


def _package_row(package: LockedPackage) -> tuple[Part, ...]:
    build = package.build if package.kind == "conda" else "pypi"
    return (package.name, package.version, build, "" if not package.size else size(package.size))


def _generation_row(line: GenerationLine, page: Page) -> tuple[Part, ...]:
    generation = line.generation
    changes = f"+{line.added} -{line.removed} ~{line.changed}"
    return (
        bold(generation.number),
        page.when(generation.created_at),
        generation.created_by,
        changes,
        _state(generation),
        generation.reason,
    )


def _returns(activations: tuple[Activation, ...], page: Page) -> None:
    """The times when a generation became active again: the table above hides them."""
    newest = active = 0
    for activation in sorted(activations, key=lambda activation: activation.at):
        if activation.number <= newest:
            back = activation.number < active
            did = "went back to" if back else "made"
            page.line(
                f"{page.when(activation.at)}: {activation.actor} {did} ",
                bold(f"generation {activation.number}"),
                "" if back else " active again",
                f": {activation.reason}" if activation.reason else "",
            )
        newest, active = max(newest, activation.number), activation.number


def _troubles(builds: tuple[Build, ...], page: Page) -> None:
    for build in builds:
        if build.status in (BuildStatus.FAILED, BuildStatus.INTERRUPTED):
            reason = f": {build.error.splitlines()[0]}" if build.error else ""
            when = page.when(build.started_at)
            page.line(f"{when}: a build by {build.actor} ", red(build.status.value), reason)
