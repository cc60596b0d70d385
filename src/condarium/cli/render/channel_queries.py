"""What there is in channels."""

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta

from condarium.cli.amounts import count, size
from condarium.cli.page import Page, Part, bold, dim, yellow
from condarium.cli.render.registry import renders
from condarium.model import paging
from condarium.model.answers import FoundPackage, grouped
from condarium.model.hosting.answers import (
    ChannelDetail,
    FoundInChannel,
    Labels,
    LabelSummary,
    Patches,
    PatchSummary,
    ViewFile,
    ViewFiles,
    ViewPackage,
    ViewPackages,
)
from condarium.model.hosting.fact import Revision
from condarium.model.hosting.hosted import Filter
from condarium.model.hosting.report import ChannelSummary
from condarium.model.view import say_cooldown

_MANY = 25
"""More lines than this are counted on a terminal, unless the caller said how many to show."""


@renders(paging.Page[ChannelSummary])
def channel_list(channels: paging.Page[ChannelSummary], page: Page) -> None:
    if not channels:
        page.nothing("no channels yet; `condarium channel create` makes one")
        return
    titles = ("name", "kind", "packages", "files", "revision", "changed", "description")
    rows = [_channel_row(channel, page) for channel in channels]
    page.table(titles, rows, right=(2, 3, 4), crop=6)
    if page.terminal:
        page.line(dim("packages and files are counted in all labels"))
    page.more(channels.next)


@renders(ChannelDetail)
def channel_detail(answer: ChannelDetail, page: Page) -> None:
    channel = answer.channel
    page.line(bold(channel.name), f"  {_kind(channel)} channel", _said(channel.description))
    local = channel.kind == "local"
    facts = [
        ("made", f"{page.when(answer.created_at)} by {answer.created_by}"),
        ("changed", page.when(channel.changed_at) if channel.changed_at else "never"),
        ("members", ", ".join(map(str, answer.members))),
        ("goes by", _MODES.get(answer.mode or "", "")),
        ("upstream", answer.upstream or ""),
        ("asked", _asked(answer, page) if answer.upstream else ""),
        ("lets in", _filter(answer.filter) if answer.filter else ""),
        ("packages", f"{channel.packages:,} in all labels"),
        ("files", _files(answer) if local and channel.files else ""),
        ("yanked", count(answer.yanked, "file") if answer.yanked else ""),
        ("patches", f"{answer.patches:,}" if answer.patches else ""),
    ]
    page.table(("", ""), [(f"  {name}", value) for name, value in facts if value])
    if answer.subdirs:
        page.line()
        rows = [
            (f"  {each.subdir}", f"{each.packages:,}", f"{each.files:,}", size(each.size))
            for each in answer.subdirs
        ]
        page.table(("  subdir", "packages", "files", "size"), rows, right=(1, 2, 3))
    if answer.labels:
        page.line()
        _label_table(answer.labels, page, indent="  ")
    if answer.last:
        page.line()
        revision_table(answer.last, page, indent="  ")


@renders(Labels)
def labels(answer: Labels, page: Page) -> None:
    if answer.labels:
        _label_table(answer.labels, page)
    elif page.terminal:
        page.line(f"nothing in {answer.channel} has a label")


@renders(Patches)
def patches(answer: Patches, page: Page) -> None:
    if answer.patches:
        undone = any(patch.undone is not None for patch in answer.patches)
        titles = ("patch", "kind", "added", "undone", "name", "what it does")
        chosen = [index for index in range(6) if undone or index != 3]
        rows = [_patch_row(patch) for patch in answer.patches]
        page.table(
            [titles[index] for index in chosen],
            [[row[index] for index in chosen] for row in rows],
            right=(0,),
            crop=len(chosen) - 1,
        )
    holding = sum(patch.undone is None for patch in answer.patches)
    if page.terminal:
        hidden = answer.undone - (len(answer.patches) - holding)
        more = f"; --all shows {hidden:,} that {'was' if hidden == 1 else 'were'} undone"
        said = count(holding, "patch holds", "patches hold")
        page.line(dim(f"{said} in {answer.channel}{more if hidden else ''}"))


@renders(ViewPackages)
def view_packages(answer: ViewPackages, page: Page) -> None:
    if answer.packages:
        rows = [_view_package_row(package, page) for package in answer.packages]
        page.table(
            ("name", "newest", "versions", "files", "subdirs"), rows, right=(2, 3), crop=(4, 0)
        )
    where = f"{answer.view} at {answer.revision}"
    if len(answer.packages) < answer.total:
        shown = f"showing {len(answer.packages):,} of {count(answer.total, 'package')} in {where}"
        page.line(dim(f"{shown}; --limit 0 shows all"))
    elif page.terminal:
        page.line(dim(f"{count(answer.total, 'package')} in {where}"))


@renders(ViewFiles)
def view_files(answer: ViewFiles, page: Page) -> None:
    if answer.files:
        titles = ["file", "size", "labels", "indexed"]
        titles += [] if page.terminal else ["sha256"]
        titles += ["state"] if any(file.state != "shown" for file in answer.files) else []
        rows = [_file_row(file, page)[: len(titles)] for file in answer.files]
        page.table(titles, rows, right=(1,), crop=(2, 0))
    where = f"{answer.view} at {answer.revision}"
    rest = answer.of - answer.packages
    if answer.omitted or rest:
        parts = [f"{answer.omitted:,} more of these packages"] if answer.omitted else []
        parts += [f"those of {count(rest, 'more package')}"] if rest else []
        shown = f"showing {count(len(answer.files), 'file')} of {where}"
        page.line(dim(f"{shown}, not {' and '.join(parts)}; --limit 0 shows all"))
    elif page.terminal:
        page.line(dim(f"{count(len(answer.files), 'file')} in {where}"))


@renders(FoundInChannel)
def found_in_channel(answer: FoundInChannel, page: Page) -> None:
    groups = grouped(answer.packages, answer.by)
    shown = groups[:_MANY] if page.terminal and answer.limit is None else groups
    titles, row, right = _SHAPES[answer.by]
    page.table(titles, [row(group, page) for group in shown], right=right, crop=1)
    hidden = len(groups) - len(shown) + answer.omitted
    if page.terminal and hidden:
        page.line(f"… and {hidden:,} more; --limit 0 shows all")
    if page.terminal:
        what = count(len(groups) + answer.omitted, answer.by if answer.by != "name" else "package")
        page.line(dim(f"{what} in {answer.view} at {answer.revision}"))


def revision_table(revisions: Sequence[Revision], page: Page, *, indent: str = "") -> None:
    """Revisions as rows; on a terminal a long reason gives way."""
    rows = [
        (
            bold(f"{indent}r{revision.number}"),
            page.when(revision.at),
            revision.actor,
            revision.action,
            f"+{revision.opened:,} -{revision.closed:,}",
            revision.reason,
        )
        for revision in revisions
    ]
    page.table((f"{indent}revision", "when", "who", "did", "changes", "why"), rows, crop=(5, 2))


_MODES = {
    "first": "the first member that has a package",
    "merge": "the files of all members, the first one's where two have the same",
}


def _kind(channel: ChannelSummary) -> str:
    return f"{'public' if channel.public else 'private'} {channel.kind}"


def _files(answer: ChannelDetail) -> str:
    return f"{answer.channel.files:,} in all labels, {size(answer.size)}"


def _asked(answer: ChannelDetail, page: Page) -> Part:
    """What upstream said when it was asked last."""
    if answer.asked_at is None:
        name = answer.channel.name
        return yellow(f"it has never answered; `condarium channel packages {name}` asks it")
    when = page.when(answer.asked_at)
    if answer.failing_since is None:
        return when
    return yellow(f"{when}; it fails since {page.when(answer.failing_since)}: {answer.failure}")


def _said(description: str) -> str:
    return f": {description}" if description else ""


def _channel_row(channel: ChannelSummary, page: Page) -> tuple[Part, ...]:
    return (
        bold(channel.name),
        _kind(channel),
        f"{channel.packages:,}",
        "-" if channel.files is None else f"{channel.files:,}",
        "-" if channel.kind == "union" else f"r{channel.revision}",
        page.when(channel.changed_at) if channel.changed_at else "never",
        channel.description,
    )


def _filter(chosen: Filter) -> str:
    parts = [
        ("", chosen.specs),
        ("not ", chosen.exclude),
        ("subdirs ", chosen.subdirs),
        ("licences ", chosen.licenses),
        ("what is older than ", (_duration(chosen.cooldown),) if chosen.cooldown else ()),
    ]
    return "; ".join(f"{word}{', '.join(values)}" for word, values in parts if values)


def _duration(cooldown: timedelta) -> str:
    return say_cooldown(cooldown) if cooldown.total_seconds() % 60 == 0 else str(cooldown)


def _label_table(given: Sequence[LabelSummary], page: Page, *, indent: str = "") -> None:
    rows = [
        (
            bold(f"{indent}{label.label}"),
            f"{label.packages:,}",
            "-" if label.files is None else f"{label.files:,}",
            "-" if label.changed is None else f"r{label.changed}",
        )
        for label in given
    ]
    page.table((f"{indent}label", "packages", "files", "changed"), rows, right=(1, 2, 3))


def _patch_row(patch: PatchSummary) -> tuple[Part, ...]:
    kind = f"{patch.kind} ({patch.subdir})" if patch.subdir else patch.kind
    undone = "" if patch.undone is None else yellow(f"r{patch.undone}")
    return bold(patch.position), kind, f"r{patch.added}", undone, patch.name, patch.summary


def _view_package_row(package: ViewPackage, page: Page) -> tuple[Part, ...]:
    newest: Part = package.newest or yellow("hidden")
    subdirs = _subdirs(package.subdirs, page)
    return bold(package.name), newest, f"{package.versions:,}", f"{package.files:,}", subdirs


def _subdirs(subdirs: Sequence[str], page: Page) -> str:
    if page.terminal and len(subdirs) > 2:
        return f"{subdirs[0]} and {len(subdirs) - 1} more"
    return ", ".join(subdirs)


def _file_row(file: ViewFile, page: Page) -> tuple[Part, ...]:
    digest = () if page.terminal else (file.sha256 or "",)
    return (
        bold(f"{file.subdir}/{file.file_name}"),
        "" if file.size is None else size(file.size),
        ", ".join(file.labels),
        page.when(file.indexed_at) if file.indexed_at else "",
        *digest,
        "" if file.state == "shown" else yellow(file.state),
    )


Group = Sequence[FoundPackage]
Row = Callable[[Group, Page], tuple[Part, ...]]


def _where(group: Group, page: Page) -> str:
    return _subdirs(sorted({package.subdir for package in group}), page)


def _name_row(group: Group, page: Page) -> tuple[Part, ...]:
    versions = len({package.version for package in group})
    newest = group[0]
    where = _where(group, page)
    return bold(newest.name), newest.version, f"{versions:,}", f"{len(group):,}", where


def _version_row(group: Group, page: Page) -> tuple[Part, ...]:
    newest = group[0]
    return (
        bold(newest.version), newest.build, f"{len(group):,}", _where(group, page), *_facts(newest)
    )  # fmt: skip


def _build_row(group: Group, page: Page) -> tuple[Part, ...]:
    package = group[0]
    return bold(package.version), package.build, package.subdir, *_facts(package)


def _facts(package: FoundPackage) -> tuple[Part, ...]:
    much = "" if package.size is None else size(package.size)
    return much, f"{package.timestamp:%Y-%m-%d}" if package.timestamp else ""


_SHAPES: Mapping[str, tuple[tuple[str, ...], Row, tuple[int, ...]]] = {
    "name": (("name", "newest", "versions", "files", "subdirs"), _name_row, (2, 3)),
    "version": (
        ("version", "newest build", "files", "subdirs", "size", "date"), _version_row, (2, 4),
    ),
    "build": (("version", "build", "subdir", "size", "date"), _build_row, (3,)),
}  # fmt: skip
