"""How channels changed."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from condarium.cli.amounts import count
from condarium.cli.page import Page, Part, Styled, bold, dim, green, red, yellow
from condarium.cli.render.channel_queries import revision_table
from condarium.cli.render.registry import renders
from condarium.model.hosting.fact import FactKind, Revision
from condarium.model.hosting.history import (
    ChannelDiff,
    ChannelLog,
    FactChange,
    FieldChange,
    LoggedRevision,
    PackageVersions,
    ViewChange,
)
from condarium.model.instants import say_instant

_MANY = 25
"""More lines of one sort than this are counted on a terminal."""


@renders(ChannelLog)
def channel_log(answer: ChannelLog, page: Page) -> None:
    if answer.detailed:
        for logged in answer.revisions:
            _show_revision(logged, page)
    elif answer.revisions:
        revision_table([logged.revision for logged in answer.revisions], page)
    elif page.terminal and answer.members:
        members = ", ".join(map(str, answer.members))
        page.line(f"{answer.channel} is a union; its members have logs: {members}")
    elif page.terminal:
        page.line(f"nothing has happened in {answer.channel} yet")
    hidden = answer.total - len(answer.revisions)
    if hidden and (answer.package or not answer.detailed):
        shown = f"showing {len(answer.revisions):,} of {count(answer.total, 'revision')}"
        page.line(dim(f"{shown}; --limit 0 shows all"))
    elif page.terminal and answer.revisions and not answer.detailed:
        page.line(dim(f"{page.program} channel log {answer.channel} r{answer.head} tells more"))


@renders(ChannelDiff)
def channel_diff(answer: ChannelDiff, page: Page) -> None:
    page.line(
        bold(answer.before), dim(f" ({answer.before_revision})"), " → ",
        bold(answer.after), dim(f" ({answer.after_revision})"),
    )  # fmt: skip
    if answer.same:
        page.line("nothing differs")
        return
    _section("packages", [(_package_line(each),) for each in answer.packages], page)
    added = [(green(f"+ {each.subdir}/{each.file_name}"),) for each in answer.added]
    _section("files", added + [_removed_line(each) for each in answer.removed], page)
    for record in _some(answer.changed, page):
        page.line(yellow(f"~ {record.subdir}/{record.file_name}"))
        for field in record.fields:
            page.line("    ", dim(f"{field.field}: "), *_field(field))
    _more(answer.changed, page)
    for line in _sentences(_unsaid(answer), page):
        page.line(*line)
    page.line(_summary(answer))


def _show_revision(logged: LoggedRevision, page: Page) -> None:
    revision = logged.revision
    page.line(
        bold(f"r{revision.number}"), f" {revision.action}",
        dim(f"  {_when(revision, page)} by {revision.actor}"),
        f": {revision.reason}" if revision.reason else "",
    )  # fmt: skip
    for line in _sentences(logged.changes, page):
        page.line("  ", *line)
    if logged.omitted:
        page.line(dim(f"  … and {count(logged.omitted, 'more fact')}; --limit 0 shows all"))


def _when(revision: Revision, page: Page) -> str:
    """The instant, for who asks for it with as-of; and on a terminal how long ago that was."""
    instant = say_instant(revision.at)
    return f"{instant} ({page.when(revision.at)})" if page.terminal else instant


def _sentences(changes: Sequence[FactChange], page: Page) -> Iterator[tuple[Part, ...]]:
    """Changes in words: a line for those that are alike, and below it the files it is about."""
    for (sign, words), group in _alike(changes).items():
        paint = green if sign == "+" else red
        if len(group) == 1:
            yield (paint(f"{sign} {words.format(group[0])}"),)
            continue
        yield (paint(f"{sign} {words.format(count(len(group), 'file'))}"),)
        for file in _some(group, page):
            yield "    ", file
        if len(group) > _MANY and page.terminal:
            yield (dim(f"    … and {len(group) - _MANY:,} more; --json names all"),)


def _alike(changes: Sequence[FactChange]) -> dict[tuple[str, str], list[str]]:
    """Files by what happened to them; labels that came or went with a file are told with it."""
    moved = {
        (change.subdir, change.file_name, change.began)
        for change in changes
        if change.kind is FactKind.FILE
    }
    labels: dict[tuple[str, str], list[str]] = defaultdict(list)
    groups: dict[tuple[str, str], list[str]] = defaultdict(list)
    for change in changes:
        if change.kind is FactKind.LABEL and change.began:
            labels[change.subdir, change.file_name].append(change.value)
    for change in changes:
        file = (change.subdir, change.file_name)
        if change.kind is FactKind.LABEL and (*file, change.began) in moved:
            continue
        words = _words(change, labels[file])
        groups["+" if change.began else "-", words].append(_about(change))
    return groups


def _words(change: FactChange, labels: Sequence[str]) -> str:
    """What happened, with `{}` for the files that it happened to."""
    match change.kind:
        case FactKind.FILE:
            given = f", label {', '.join(sorted(labels))}" if labels else ""
            return f"published {{}}{given}" if change.began else "removed {}"
        case FactKind.LABEL:
            return f"label {change.value} {'added to' if change.began else 'taken from'} {{}}"
        case FactKind.YANK:
            return "yanked {}" if change.began else "no longer yanked: {}"
        case FactKind.PATCH:
            name = f" ({change.about})" if change.about else ""
            did = "added" if change.began else "undone"
            return f"patch {change.position}{name} {did}".replace("{", "{{").replace("}", "}}")
        case FactKind.SHARD:
            return "taken over from upstream: {}" if change.began else "given up: {}"


def _about(change: FactChange) -> str:
    return f"{change.subdir}/{change.file_name or change.name}"


def _unsaid(answer: ChannelDiff) -> list[FactChange]:
    """Facts that the lists of files do not tell already: by the views' labels, by coming and going
    of the files that they show."""
    told = {(each.subdir, each.file_name) for each in (*answer.added, *answer.removed)}
    labels = {answer.before.label, answer.after.label}
    return [
        change
        for change in answer.facts
        if (change.subdir, change.file_name) not in told
        or change.kind is FactKind.YANK
        or (change.kind is FactKind.LABEL and change.value not in labels)
    ]


def _section(title: str, lines: Sequence[tuple[Part, ...]], page: Page) -> None:
    for line in _some(lines, page):
        page.line(*line)
    _more(lines, page, title)


def _some(items: Sequence[Any], page: Page) -> Sequence[Any]:
    return items[:_MANY] if page.terminal else items


def _more(items: Sequence[Any], page: Page, what: str = "records") -> None:
    if page.terminal and len(items) > _MANY:
        page.line(dim(f"… and {len(items) - _MANY:,} more {what}; --json names all"))


def _package_line(package: PackageVersions) -> Styled:
    match package.status:
        case "added":
            return green(f"+ {package.name} {', '.join(package.added)}")
        case "removed":
            return red(f"- {package.name} {', '.join(package.removed)}")
    parts = [f"with {', '.join(package.added)}"] if package.added else []
    parts += [f"without {', '.join(package.removed)}"] if package.removed else []
    return yellow(f"~ {package.name} {', '.join(parts)}")


def _removed_line(change: ViewChange) -> tuple[Part, ...]:
    hidden = dim("  hidden from indexes") if change.still == "hidden" else ""
    return red(f"- {change.subdir}/{change.file_name}"), hidden


def _field(change: FieldChange) -> Iterator[Part]:
    """Both values; of lists only what differs."""
    before, after = change.before, change.after
    if not (isinstance(before or [], list) and isinstance(after or [], list)):
        yield red(_value(before))
        yield " → "
        yield green(_value(after))
        return
    gone, came = _without(before, after), _without(after, before)
    yield red("  ".join(f"- {each}" for each in gone))
    yield "  " if gone and came else ""
    yield green("  ".join(f"+ {each}" for each in came))
    yield "" if gone or came else dim("another order")


def _without(items: Iterable[Any] | None, others: Iterable[Any] | None) -> list[Any]:
    known = list(others or ())
    return [item for item in items or () if item not in known]


def _value(value: Any) -> str:
    return "nothing" if value is None else str(value)


def _summary(answer: ChannelDiff) -> str:
    counts = [
        (len(answer.added), "file added", "files added"),
        (len(answer.removed), "file removed", "files removed"),
        (len(answer.changed), "record changed", "records changed"),
    ]
    said = [count(number, one, several) for number, one, several in counts if number]
    return ", ".join(said) or "indexes show the same"
