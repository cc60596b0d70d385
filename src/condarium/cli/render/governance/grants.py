"""Grants, and the list of who may use what."""

from condarium.cli.amounts import count
from condarium.cli.page import Page, Part, bold, cyan, dim, green, red, yellow
from condarium.cli.render.registry import renders
from condarium.model import paging
from condarium.model.governance.amounts import say_amount
from condarium.model.governance.grants import GrantState
from condarium.model.governance.listed import (
    CommitApproved,
    CommitWithdrawn,
    GrantDetail,
    GrantsDecided,
    ListedGrant,
    Made,
    Noticed,
    PublicList,
    Revoked,
)
from condarium.model.instants import AsOf

_COLOURS = {
    GrantState.ACTIVE: green,
    GrantState.SUSPENDED: yellow,
    GrantState.REVOKED: red,
    GrantState.EXPIRED: dim,
    GrantState.NOT_YET: cyan,
}


@renders(paging.Page[ListedGrant])
def grant_list(grants: paging.Page[ListedGrant], page: Page) -> None:
    if not grants:
        page.nothing("no such grants; `condarium grant create` makes one")
        return
    rows = [
        (
            str(each.id),
            bold(each.resource),
            each.project,
            _COLOURS[each.state](each.state),
            page.when(each.since),
            _day(each),
            _used(each),
            yellow(", ".join(each.flags)),
        )
        for each in grants
    ]
    titles = ("grant", "resource", "project", "state", "since", "until", "used", "")
    page.table(titles, rows, right=(0,), crop=(7, 2, 1, 6, 4))
    page.more(grants.next)


@renders(GrantDetail)
def grant_detail(detail: GrantDetail, page: Page) -> None:
    grant = detail.grant
    state = _COLOURS[grant.state](grant.state)
    page.line(bold(f"grant {grant.id} "), state, f"  {grant.resource} to {grant.project}")
    facts = [
        ("since", f"{page.when(grant.since)} by {grant.by}"),
        ("until", _day(grant)),
        ("conditions", "; ".join(grant.conditions)),
        ("people", ", ".join(grant.people)),
        ("approved", ", ".join(detail.approved)),
        ("used", f"{_used(grant)} in {count(grant.jobs, 'job', 'jobs')}"),
        ("last used", page.when(grant.used_at) if grant.used_at else "never"),
        ("request", str(grant.request or "")),
        ("look at", ", ".join(grant.flags)),
    ]
    page.table(("", ""), [(dim(name), value) for name, value in facts if value])
    page.line(bold("decisions"))
    page.table(("", "", "", "", ""), [_decision(each, page) for each in detail.decisions])


@renders(GrantsDecided)
def grants_decided(answer: GrantsDecided, page: Page) -> None:
    for grant in answer.grants:
        state = _COLOURS[grant.state](grant.state)
        end = f", until {_day(grant)}" if grant.until else ""
        page.line(bold(f"grant {grant.id}"), f": {grant.resource} to {grant.project}, ", state, end)
    for warning in answer.warnings:
        page.line(yellow("  note: "), warning)


@renders(Revoked)
def revoked(answer: Revoked, page: Page) -> None:
    if not answer.grants:
        page.line("nothing to revoke")
        return
    page.line("revoked ", bold(_numbers("grant", answer.grants)))
    if answer.cancelled:
        page.line("  cancelled ", _numbers("admission", answer.cancelled))
    if answer.jobs:
        page.line("  cancelled ", _numbers("job", answer.jobs))
    if answer.running:
        running = _numbers("admission", answer.running)
        page.line(f"  still running: {running}; --running cancels what runs")


@renders(CommitApproved)
def commit_approved(answer: CommitApproved, page: Page) -> None:
    already = "" if answer.changed else " already"
    page.line(f"grant {answer.grant}: jobs may be of ", bold(answer.commit), already)


@renders(CommitWithdrawn)
def commit_withdrawn(answer: CommitWithdrawn, page: Page) -> None:
    if not answer.withdrawn:
        page.nothing("nobody had approved it")
    left = f": {answer.left} by others" if answer.left else ""
    state = "may still be of " if answer.left else "may not be of "
    page.line(f"grant {answer.grant}: jobs {state}", bold(answer.commit), left)


@renders(tuple[Noticed, ...])
def noticed(answer: tuple[Noticed, ...], page: Page) -> None:
    if not answer:
        page.nothing("nothing to say of any grant")
        return
    rows = [(str(each.grant), bold(each.resource), each.project, each.notice) for each in answer]
    page.table(("grant", "resource", "project", "notice"), rows, right=(0,), crop=2)


@renders(PublicList)
def public_list(answer: PublicList, page: Page) -> None:
    asked = AsOf(at=answer.at, since=answer.since)
    if not answer.grants:
        page.nothing(f"nothing was lent {asked}")
        return
    page.line(dim(str(asked)))
    rows = [
        (
            bold(each.resource),
            each.project,
            f"{each.since:%Y-%m-%d}",
            _day(each),
            each.by,
            _used(each),
            _on(each),
        )
        for each in answer.grants
    ]
    titles = ("resource", "project", "since", "until", "by", "used", "on")
    page.table(titles, rows, crop=(6, 1, 4, 0, 5))


def _on(each: ListedGrant) -> Part:
    """The conditions, behind what it is where it is not active."""
    if each.state is GrantState.ACTIVE:
        return "; ".join(each.conditions)
    return _COLOURS[each.state]("; ".join((each.state, *each.conditions)))


def _decision(made: Made, page: Page) -> tuple[Part, ...]:
    what = "; ".join(made.changed)
    if made.number == 1 and made.until:
        what = f"until {made.until:%Y-%m-%d}"
    return str(made.number), page.when(made.at), f"{made.change} by {made.by}", what, made.reason


def _used(grant: ListedGrant) -> str:
    used = say_amount(grant.used)
    if grant.quota is None:
        return used
    period = "" if grant.period == "once" else f" a {grant.period}"
    return f"{used} ({say_amount(grant.quota)}{period})"


def _day(grant: ListedGrant) -> str:
    return f"{grant.until:%Y-%m-%d}" if grant.until else ""


def _numbers(what: str, numbers: tuple[int, ...]) -> str:
    return f"{what if len(numbers) == 1 else f'{what}s'} {', '.join(map(str, numbers))}"
