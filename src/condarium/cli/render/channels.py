"""What was done to channels."""

from collections.abc import Sequence

from condarium.cli.amounts import count, short, size
from condarium.cli.page import Page, Part, bold, dim, green, red, yellow
from condarium.cli.render.registry import renders
from condarium.model.hosting.changes import (
    ChannelCreated,
    ChannelEdited,
    ChannelRemoved,
    FilesChanged,
    Reverted,
)
from condarium.model.hosting.report import Published, PublishedFile

_MANY = 20
"""Of more files than this, only the first are listed."""
_DID = {
    "yank": "yanked",
    "unyank": "unyanked",
    "remove-package": "removed",
    "label add": "labelled {label}",
    "label remove": "took label {label} from",
    "label copy": "gave label {to} to",
    "label promote": "moved from label {label} to {to}:",
}
_WOULD = {
    "yank": "would yank",
    "unyank": "would unyank",
    "remove-package": "would remove",
    "label add": "would label {label}",
    "label remove": "would take label {label} from",
    "label copy": "would give label {to} to",
    "label promote": "would move from label {label} to {to}:",
}
_ALREADY = {
    "yank": "already yanked",
    "unyank": "not yanked",
    "label add": "already labelled",
    "label remove": "without the label",
    "label copy": "already labelled",
}


@renders(ChannelCreated)
def channel_created(answer: ChannelCreated, page: Page) -> None:
    whose = "public" if answer.public else "private"
    kind = "" if answer.kind == "local" else f" {answer.kind}"
    page.line("made the ", whose, kind, " channel ", bold(answer.channel))
    if answer.members:
        how = "files of all" if answer.merge else "a package comes from the first that has it"
        page.line(f"  of {', '.join(map(str, answer.members))} ({how})")
    elif answer.upstream:
        page.line(f"  of {answer.upstream}")
    else:
        page.line(f"  publish into it: {page.program} channel publish {answer.channel} FILE")


@renders(ChannelEdited)
def channel_edited(answer: ChannelEdited, page: Page) -> None:
    whose = "public" if answer.public else "private"
    changed = "" if answer.changed else ", as it was"
    said = f": {answer.description}" if answer.description else ""
    page.line("channel ", bold(answer.channel), f" is {whose}{changed}{said}")


@renders(ChannelRemoved)
def channel_removed(answer: ChannelRemoved, page: Page) -> None:
    page.line(
        f"removed channel {answer.channel}, its {count(answer.revisions, 'revision')} and "
        f"{count(answer.files, 'package file')}; `{page.program} gc` frees what nothing else uses"
    )


@renders(Published)
def published(answer: Published, page: Page) -> None:
    rows = [_published_row(file) for file in answer.files[:_MANY]]
    page.table(("", "", "", ""), rows, right=(2,), crop=1)
    _more(len(answer.files), page)
    for file in answer.files:
        for warning in file.warnings:
            page.line(yellow("warning: "), f"{file.file_name}: {warning}")
    labels = ", ".join(answer.labels)
    if answer.revision is None:
        page.line(bold(answer.channel), f": nothing changed; all of it has label {labels} already")
        return
    new = sum(file.status != "there already" for file in answer.files)
    page.line(
        bold(answer.channel),
        f" {_at(answer.revision)}: {count(new, 'package file')} with label {labels}",
    )


@renders(FilesChanged)
def files_changed(answer: FilesChanged, page: Page) -> None:
    for path in answer.files[:_MANY]:
        page.line(yellow("~ ") if answer.action != "remove-package" else red("- "), path)
    _more(len(answer.files), page)
    if answer.unchanged and (word := _ALREADY.get(answer.action)):
        page.line(dim(f"{count(len(answer.unchanged), 'package file')} {word}"))
    if answer.hidden:
        number = count(len(answer.hidden), "package file")
        page.line(yellow("note: "), f"{number} left without a label, which no index shows")
    words = (_WOULD if answer.dry_run else _DID)[answer.action]
    did = f"{words.format(label=answer.label, to=answer.to)} {count(len(answer.files), 'file')}"
    if answer.dry_run:
        page.line("dry run: ", bold(answer.channel), f" {did}")
    elif answer.revision is None:
        page.line(bold(answer.channel), ": nothing changed")
    else:
        page.line(bold(answer.channel), f" {_at(answer.revision)}: {did}")
        _undo(answer.channel, answer.revision, page)


@renders(Reverted)
def reverted(answer: Reverted, page: Page) -> None:
    for sign, names in ((red("- "), answer.gone), (green("+ "), answer.back)):
        for name in names[:_MANY]:
            page.line(sign, name)
        _more(len(names), page)
    undone = f"r{answer.undone} ({answer.action})"
    if answer.revision is None:
        page.line(bold(answer.channel), f": nothing changed; {undone} was undone before")
        return
    page.line(bold(answer.channel), f" {_at(answer.revision)}: {undone} is undone")
    _undo(answer.channel, answer.revision, page)


def _published_row(file: PublishedFile) -> Sequence[Part]:
    status = dim(file.status) if file.status == "there already" else green(file.status)
    return (status, f"{file.subdir}/{file.file_name}", size(file.size), dim(short(file.sha256)))


def _at(revision: int) -> str:
    return f"is at r{revision}"


def _undo(channel: object, revision: int, page: Page) -> None:
    page.line(dim(f"  undo it: {page.program} channel revert {channel} r{revision}"))


def _more(number: int, page: Page) -> None:
    if number > _MANY:
        page.line(f"… and {number - _MANY:,} more (--json names all)")
