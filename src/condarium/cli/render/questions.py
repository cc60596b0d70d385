"""What was found out about packages."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeVar
from urllib.parse import urlsplit

from condarium.cli.amounts import count, size
from condarium.cli.page import Page, Part, bold, dim, yellow
from condarium.cli.render.registry import renders
from condarium.cli.render.tree import Branch, fitted, show_trees
from condarium.model.answers import (
    Dependencies,
    Dependents,
    Found,
    FoundPackage,
    Need,
    Reasons,
    Step,
    grouped,
)

T = TypeVar("T")
_MANY = 25
"""More lines than this are counted on a terminal, unless the caller said how many to show."""


@renders(Found)
def found(answer: Found, page: Page) -> None:
    groups = grouped(answer.packages, answer.by)
    shown = _some(groups, page, answer.limit)
    alone = answer.by == "name" and all(len(group) == 1 for group in groups)
    titles, row, right = _SHAPES["package" if alone else answer.by]
    page.table(titles, [row(group) for group in shown], right=right, crop=1)
    if page.terminal:
        _more(len(groups) - len(shown) + answer.omitted, page)
        what = count(len(groups) + answer.omitted, *_NOUNS[answer.by])
        page.line(*fitted([dim(f"{what} in {_where(answer)}")], page.width))


@renders(Dependencies)
def dependencies(answer: Dependencies, page: Page) -> None:
    package = answer.package
    name = f"{package.name} {package.version} {package.build}".rstrip()
    _say(page, name, answer, "needs" if answer.needs else "needs nothing")
    if answer.tree:
        show_trees(_downward(answer.needs, package.name), page)
        return
    page.table(("", ""), [_need_row(need) for need in answer.needs], crop=0)
    if package.constrains:
        page.line("and if one of these is there, it must be")
        page.table(("",), [(f"  {spec}",) for spec in package.constrains], crop=0)


@renders(Dependents)
def dependents(answer: Dependents, page: Page) -> None:
    name = f"{answer.package} {answer.version or ''}".rstrip()
    if not answer.needs:
        _say(page, name, answer, "is needed by nothing")
    elif answer.tree:
        _say(page, name, answer, "is needed by")
        show_trees(_upward(answer.needs, answer.package), page)
    else:
        _dependent_table(answer, page)
        if page.terminal:
            who = count(len(answer.needs) + answer.omitted, "package needs", "packages need")
            page.line(*fitted([dim(f"{who} {name} in {_where(answer)}")], page.width))


@renders(Reasons)
def reasons(answer: Reasons, page: Page) -> None:
    name = f"{answer.package} {answer.version or ''}".rstrip()
    if answer.asked:
        _say(page, name, answer, f"is asked for: {', '.join(answer.asked)}")
    elif not answer.chains:
        whom = " that was asked for" if answer.spec else ""
        _say(page, name, answer, f"is needed by nothing{whom}")
    if answer.chains and answer.asked:
        page.line("and it is needed by")
    elif answer.chains:
        _say(page, name, answer, "is needed by")
    show_trees(_merged(answer.chains), page)
    if answer.omitted:
        page.line(dim(f"… and {count(answer.omitted, 'more chain')} as short as these"))
    if answer.through:
        page.line(dim("through these, also by "), ", ".join(answer.through))


def _dependent_table(answer: Dependents, page: Page) -> None:
    shown = _some(answer.needs, page, answer.limit)
    columns = 4 if any(need.builds > 1 for need in answer.needs) else 3
    titles = ("package", "version", "asks for", "builds")[:columns]
    rows = [_dependent_row(need)[:columns] for need in shown]
    page.table(titles, rows, crop=2, right=(3,))
    if page.terminal:
        _more(len(answer.needs) - len(shown) + answer.omitted, page)


Row = Callable[[Sequence[FoundPackage]], tuple[Part, ...]]


def _name_row(group: Sequence[FoundPackage]) -> tuple[Part, ...]:
    newest = group[0]
    versions = len({package.version for package in group})
    return (bold(newest.name), newest.version, f"{versions:,}", f"{len(group):,}", _origin(newest))


def _package_row(group: Sequence[FoundPackage]) -> tuple[Part, ...]:
    package = group[0]
    return (bold(package.name), package.version, package.build, *_facts(package)[:2])


def _version_row(group: Sequence[FoundPackage]) -> tuple[Part, ...]:
    newest = group[0]
    return (bold(newest.version), newest.build, f"{len(group):,}", *_facts(newest))


def _build_row(group: Sequence[FoundPackage]) -> tuple[Part, ...]:
    package = group[0]
    return (bold(package.version), package.build, *_facts(package))


def _facts(package: FoundPackage) -> tuple[Part, ...]:
    much = "" if package.size is None else size(package.size)
    day = f"{package.timestamp:%Y-%m-%d}" if package.timestamp else ""
    return (_origin(package), much, day)


_SHAPES: Mapping[str, tuple[tuple[str, ...], Row, tuple[int, ...]]] = {
    "name": (("name", "newest", "versions", "builds", "channel"), _name_row, (2, 3)),
    "package": (("name", "version", "build", "channel", "size"), _package_row, (4,)),
    "version": (
        ("version", "newest build", "builds", "channel", "size", "date"), _version_row, (2, 4),
    ),
    "build": (("version", "build", "channel", "size", "date"), _build_row, (3,)),
}  # fmt: skip
_NOUNS = {"name": ("package",), "version": ("version",), "build": ("build",)}


def _origin(package: FoundPackage) -> str:
    """What people call the channel, and which half of it."""
    if package.kind == "pypi":
        return "pypi"
    parts = urlsplit(package.channel)
    path = parts.path.strip("/")
    channel = path.rpartition("/")[2] if parts.scheme == "file" else path
    return f"{channel or parts.netloc}/{package.subdir}"


def _need_row(need: Need) -> tuple[Part, ...]:
    return (f"  {', '.join(need.specs)}", need.package_version or "")


def _dependent_row(need: Need) -> tuple[Part, ...]:
    specs = ", ".join(need.specs)
    return (bold(need.dependent), need.dependent_version or "", specs, f"{need.builds:,}")


def _downward(needs: Iterable[Need], root: str) -> list[Branch]:
    edges = [(n.package, n.dependent, n.package_version, n.specs) for n in needs]
    return _hang(edges, root)


def _upward(needs: Iterable[Need], root: str) -> list[Branch]:
    edges = [(n.dependent, n.package, n.dependent_version, n.specs) for n in needs]
    return _hang(edges, root)


_Hung = tuple[str, str, str | None, tuple[str, ...]]


def _hang(edges: Iterable[_Hung], root: str) -> list[Branch]:
    """Hang each package on what it belongs to; what it carries only where it comes up first.

    The edges come the nearest first, so that a package carries its own as near as can be.
    """
    at = {root: Branch(parts=())}
    again: list[tuple[str, Branch, tuple[Part, ...]]] = []
    for package, under, version, specs in edges:
        parts = _package(package, version, _condition(specs))
        branch = Branch(parts=parts)
        at[under].branches.append(branch)
        if package in at:
            again.append((package, branch, parts))
        else:
            at[package] = branch
    for package, branch, parts in again:
        if at[package].branches:
            branch.parts = (*parts, dim(" …"))
    return at[root].branches


def _merged(chains: Iterable[Sequence[Step]]) -> list[Branch]:
    """Chains as trees: what begins alike is said once."""
    trunks: list[Branch] = []
    known: dict[tuple[str, ...], Branch] = {}
    for chain in chains:
        under = trunks
        for index, step in enumerate(chain):
            path = tuple(each.package for each in chain[: index + 1])
            if path not in known:
                known[path] = Branch(parts=_step(step, first=index == 0))
                under.append(known[path])
            under = known[path].branches
    return trunks


def _step(step: Step, *, first: bool) -> tuple[Part, ...]:
    if not first:
        return _package(step.package, step.version, _condition(step.specs))
    asked = (yellow(f"  asked for: {', '.join(step.specs)}"),) if step.specs else ()
    return (*_package(step.package, step.version, ""), *asked)


def _package(name: str, version: str | None, condition: str) -> tuple[Part, ...]:
    return (
        bold(name),
        f" {version}" if version else "",
        dim(f"  {condition}") if condition else "",
    )


def _condition(specs: Sequence[str]) -> str:
    """What is asked of a package beside its name, which stands before it."""
    bare = (re.sub(r"^(\S*::)?[\w.\-]+\s*", "", spec) for spec in specs)
    return ", ".join(each for each in bare if each)


def _some(items: Sequence[T], page: Page, limit: int | None) -> Sequence[T]:
    return items[:_MANY] if page.terminal and limit is None else items


def _more(hidden: int, page: Page) -> None:
    if hidden:
        page.line(f"… and {hidden:,} more; --limit N shows the first N")


def _where(answer: Found | Dependents) -> str:
    return f"{answer.source} ({answer.platform})"


def _say(page: Page, name: str, answer: Dependencies | Dependents | Reasons, what: str) -> None:
    """A sentence about a package; on a terminal, the place gives way where it would not fit."""
    place = f" ({answer.source}, {answer.platform}) "
    if page.width is not None:
        room = max(page.width - len(name) - len(what), 0)
        place = place if len(place) <= room else f"{place[: max(room - 3, 0)]}…) "
    page.line(bold(name), dim(place), what)
