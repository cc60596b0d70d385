"""Source archives."""

from condarium.cli.amounts import size
from condarium.cli.page import Page, bold, dim, yellow
from condarium.cli.render.registry import renders
from condarium.model.hosting.source import AddedSource, Source

_SHOWN = 12
"""How many digits of a hash tell archives apart in a list."""


@renders(AddedSource)
def added_source(answer: AddedSource, page: Page) -> None:
    page.line(bold(answer.source.file_name), f": {answer.status}, {size(answer.source.size)}")
    page.line(dim(answer.source.sha256))
    for warning in answer.warnings:
        page.line(yellow("! "), warning)


@renders(tuple[Source, ...])
def source_list(sources: tuple[Source, ...], page: Page) -> None:
    if not sources:
        page.nothing("no source archives yet; `condarium channel source add` brings one in")
        return
    digits = _SHOWN if page.terminal else None
    rows = [
        (
            bold(source.file_name),
            size(source.size),
            source.sha256[:digits],
            "public" if source.public else "private",
            source.urls[-1].url if source.urls else "",
        )
        for source in sources
    ]
    page.table(("name", "size", "sha256", "", "seen at"), rows, right=(1,), crop=4)


@renders(Source)
def source(found: Source, page: Page) -> None:
    page.line(bold(found.file_name), " ", size(found.size))
    facts = [
        ("sha256", found.sha256),
        ("added", f"{page.when(found.at)} by {found.actor}"),
        ("to be had", "by anybody" if found.public else "with a token"),
        ("served at", f"/source/{found.sha256}"),
        *(("seen at", f"{seen.url}  ({page.when(seen.at)})") for seen in found.urls),
    ]
    page.table(("", ""), facts)
