"""How the audit log looks."""

from condarium.cli.amounts import count
from condarium.cli.page import Page, Part, bold, dim, green, red
from condarium.cli.render.registry import renders
from condarium.model.audit import AuditEntry, AuditExport, AuditVerified, Outcome
from condarium.model.paging import Page as Piece


@renders(Piece[AuditEntry])
def audit_entries(found: Piece[AuditEntry], page: Page) -> None:
    if not found:
        page.nothing("no entry is of this kind")
        return
    titles = ("", "when", "who", "did", "to", "with", "from")
    page.table(titles, [_row(entry, page) for entry in found], crop=(5, 4, 6, 2))
    page.more(found.next)


def _row(entry: AuditEntry, page: Page) -> tuple[Part, ...]:
    refused = entry.outcome is Outcome.REFUSED
    return (
        dim(entry.number),
        page.when(entry.at),
        entry.actor,
        red(f"refused: {entry.action}") if refused else bold(entry.action),
        entry.target,
        dim(", ".join(f"{name} {value}" for name, value in entry.detail.items())),
        entry.address or "",
    )


@renders(AuditVerified)
def audit_verified(answer: AuditVerified, page: Page) -> None:
    if answer.broken is None:
        page.line(green("whole"), f": {count(answer.entries, 'entry', 'entries')}")
        page.line("head ", bold(answer.head))
        return
    page.line(red(f"broken at entry {answer.broken.entry}"))
    page.line("  found ", answer.broken.found)
    page.line("  expected ", answer.broken.expected)
    page.line(dim(f"  {count(answer.entries, 'entry follows', 'entries follow')} before it"))


@renders(AuditExport)
def audit_export(answer: AuditExport, page: Page) -> None:
    page.raw(answer.content)
