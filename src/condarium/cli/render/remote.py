"""What comes from channels elsewhere."""

from condarium.cli.amounts import count, size
from condarium.cli.page import Page, bold, dim, yellow
from condarium.cli.render.registry import renders
from condarium.model.hosting.imported import Imported


@renders(Imported)
def imported(answer: Imported, page: Page) -> None:
    rows = [
        (bold(part.subdir), f"{part.added:,}", f"{part.changed:,}", f"{part.there_already:,}")
        for part in answer.subdirs
    ]
    page.table(("", "new", "changed", "there already"), rows, right=(1, 2, 3))
    for skipped in answer.skipped:
        more = ", …" if skipped.count > len(skipped.examples) else ""
        page.line(
            yellow("left out "),
            f"{count(skipped.count, 'record')}: {skipped.reason} ",
            dim(f"({', '.join(skipped.examples)}{more})"),
        )
    if answer.fetched:
        page.line(f"fetched {size(answer.fetched)}")
    if answer.revision is None:
        page.line(f"nothing changed: {answer.channel} has it all already")
        return
    page.line(f"{answer.channel} is at ", bold(f"r{answer.revision}"))
