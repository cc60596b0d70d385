"""Requests for what is lent: how they are checked, listed and shown."""

from datetime import timedelta

from condarium.cli.page import Page, bold, dim, green, red, yellow
from condarium.cli.render.registry import renders
from condarium.model import paging
from condarium.model.governance.amounts import say_amount
from condarium.model.governance.projects import with_id
from condarium.model.governance.requests import (
    Asked,
    Finding,
    Request,
    RequestChecked,
    RequestDetail,
    RequestEvent,
    RequestLine,
    RequestState,
    Step,
)

_COLOURS = {
    RequestState.OPEN: yellow,
    RequestState.APPROVED: green,
    RequestState.DENIED: red,
    RequestState.WITHDRAWN: dim,
}
_DONE = {
    Step.APPROVE: "approved",
    Step.DENY: "denied",
    Step.WITHDRAW: "withdrew",
    Step.COMMENT: "said",
}


@renders(RequestChecked)
def request_checked(answer: RequestChecked, page: Page) -> None:
    draft = answer.draft
    verdict = green("can be asked") if answer.ok else red("cannot be asked")
    page.line(bold(with_id(draft.project)), f" for {', '.join(draft.resources)}: ", verdict)
    _findings(answer.findings, page)


@renders(paging.Page[RequestLine])
def request_list(requests: paging.Page[RequestLine], page: Page) -> None:
    if not requests:
        page.nothing("no requests; `condarium request create` asks for what is lent")
        return
    rows = [
        (
            bold(each.id),
            _COLOURS[each.state](each.state),
            each.project,
            ("revoke " if each.asked is Asked.REVOKE else "") + ", ".join(each.resources),
            page.when(each.at),
            each.by,
            each.purpose,
        )
        for each in requests
    ]
    page.table(("", "state", "project", "for", "asked", "by", "purpose"), rows, crop=(6, 2, 3))
    page.more(requests.next)


@renders(RequestDetail)
def request_detail(detail: RequestDetail, page: Page) -> None:
    request = detail.request
    page.line(bold(f"request {request.id}"), ": ", _COLOURS[request.state](request.state))
    facts = [
        ("project", with_id(request.project)),
        ("revoke" if request.asked is Asked.REVOKE else "for", ", ".join(request.resources)),
        ("purpose", request.purpose),
        ("asked", f"{page.when(request.at)} by {request.by}"),
        *(_lending(request, detail.conditions) if request.asked is Asked.USE else ()),
        ("grants", ", ".join(map(str, request.grants))),
    ]
    page.table(("", ""), [(dim(name), value) for name, value in facts if value])
    for event in request.events:
        _event(event, page)
    for missing in detail.standing.missing if detail.standing else ():
        page.line(yellow("missing"), f": {missing}")
    _findings(detail.findings, page)


def _lending(request: Request, conditions: tuple[str, ...]) -> list[tuple[str, str]]:
    people = request.lending.conditions.people or ()
    duration, use, quota = request.duration, request.use, request.lending.quota
    return [
        (
            "duration",
            "until it is revoked" if duration is None else _days(duration),
        ),
        ("use", "" if use is None else f"{say_amount(use)} credits a month"),
        ("quota", "" if quota is None else f"{say_amount(quota)} credits a month"),
        ("conditions", "; ".join(conditions)),
        ("people", ", ".join(with_id(each) for each in people)),
    ]


def _days(duration: timedelta) -> str:
    days = duration / timedelta(days=1)
    return f"{days:g} days" if days >= 2 else f"{days * 24:g} hours"


def _event(event: RequestEvent, page: Page) -> None:
    text = f": {event.text}" if event.text else ""
    page.line(dim(f"{page.when(event.at)}  "), f"{event.by} {_DONE[event.step]}{text}")


def _findings(findings: tuple[Finding, ...], page: Page) -> None:
    for each in findings:
        mark = red("stops") if each.stops else yellow("note")
        page.line("  ", mark, f": {each}")
        if each.hint:
            page.line("    ", dim(each.hint))
