"""The ledger: what is left, what moved, and what was used in a month."""

from condarium.cli.amounts import count
from condarium.cli.page import Page, Part, bold, dim, red
from condarium.cli.render.registry import renders
from condarium.model import paging
from condarium.model.governance.amounts import say_amount
from condarium.model.governance.ledger import AccountKind, LedgerAccount, Transfer
from condarium.model.governance.statements import Balance, Statement, StatementFile, Total


@renders(tuple[Balance, ...])
def balances(found: tuple[Balance, ...], page: Page) -> None:
    if not found:
        page.nothing("no resource has a budget, and nothing was used")
        return
    titles = ("resource", "donor", "budget", "from", "until", "given", "left", "reserved", "used")
    page.table(titles, [_balance(each) for each in found], right=(2, 5, 6, 7, 8), crop=(1, 0))


def _balance(each: Balance) -> tuple[Part, ...]:
    days = [f"{day:%Y-%m-%d}" if day else "" for day in (each.begins, each.ends)]
    left = "" if each.left is None else say_amount(each.left)
    return (
        bold(each.resource),
        _donor(each.donor),
        "" if each.budget is None else str(each.budget),
        *days,
        "no limit" if each.given is None else say_amount(each.given),
        red(left) if each.left == 0 else left,
        say_amount(each.reserved),
        say_amount(each.used),
    )


@renders(paging.Page[Transfer])
def entries(found: paging.Page[Transfer], page: Page) -> None:
    if not found:
        page.nothing("nothing moved")
        return
    rows = [
        (
            dim(each.id),
            page.when(each.at),
            str(each.kind),
            say_amount(each.amount),
            bold(each.target.resource),
            _account(each.source),
            _account(each.target),
            "" if each.admission is None else str(each.admission),
        )
        for each in found
    ]
    titles = ("", "when", "", "credits", "resource", "from", "to", "admission")
    page.table(titles, rows, right=(3, 7), crop=(5, 6, 4))
    page.more(found.next)


def _account(account: LedgerAccount) -> str:
    match account.kind:
        case AccountKind.GIFT:
            return _donor(account.donor)
        case AccountKind.BUDGET:
            return f"budget {account.budget}"
    return f"{account.kind} by {account.project}"


@renders(Statement)
def statement(found: Statement, page: Page) -> None:
    if not found.lines:
        page.nothing(f"nothing was used in {found.month}")
        return
    rows = [
        (
            _donor(line.donor),
            bold(line.resource),
            line.project,
            str(line.jobs),
            _hours(line.seconds),
            say_amount(line.used),
        )
        for line in found.lines
    ]
    titles = ("donor", "resource", "project", "jobs", "hours", "credits")
    page.table(titles, rows, right=(3, 4, 5), crop=(2, 0))
    for what, totals in (("donor", found.donors), ("project", found.projects)):
        if len(totals) > 1:
            page.line()
            page.table((what, *titles[3:]), map(_total, totals), right=(1, 2, 3), crop=0)


def _total(total: Total) -> tuple[Part, ...]:
    name = _donor(total.name)
    return bold(name), str(total.jobs), _hours(total.seconds), say_amount(total.used)


@renders(StatementFile)
def statement_file(answer: StatementFile, page: Page) -> None:
    said = count(answer.lines, "line") if answer.lines else "nothing was used"
    page.line(f"{answer.month}: {said}")


def _donor(name: str) -> str:
    return name or "(no budget)"


def _hours(seconds: float) -> str:
    return f"{seconds / 3600:.1f}"
