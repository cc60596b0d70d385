"""Jobs that asked for what is lent, and what was decided of them."""

from condarium.cli.amounts import count
from condarium.cli.page import Page, Part, bold, cyan, dim, green, red, yellow
from condarium.cli.render.registry import renders
from condarium.model import paging
from condarium.model.governance.admission import Admission, AdmissionState, Decision, Offered
from condarium.model.governance.amounts import say_amount
from condarium.model.governance.projects import with_id

OURS = "job"
_COLOURS = {
    AdmissionState.ASKED: yellow,
    AdmissionState.REFUSED: red,
    AdmissionState.WAITING: dim,
    AdmissionState.OFFERED: cyan,
    AdmissionState.RUNNING: cyan,
    AdmissionState.ENDED: green,
    AdmissionState.LOST: red,
    AdmissionState.CANCELLED: yellow,
}


@renders(paging.Page[Admission])
def admission_list(found: paging.Page[Admission], page: Page) -> None:
    if not found:
        page.nothing(
            "no jobs of yours asked, nor any for what you run, lend or asked for; jobs at GitHub "
            "are yours where your account is linked (condarium user link)"
        )
        return
    titles = ("admission", "state", "resource", "project", "by", "asked", "credits")
    page.table(titles, [_row(each, page) for each in found], right=(0, 6), crop=(3, 4, 2))
    page.more(found.next)


@renders(Admission)
def admission(answer: Admission, page: Page) -> None:
    page.line(bold(f"admission {answer.id} "), _state(answer.state), f"  {answer.resource or ''}")
    by = f" by {with_id(answer.person)}" if answer.person else ""
    lease = answer.lease_until if answer.state is AdmissionState.RUNNING else None
    facts = [
        ("project", with_id(answer.project)),
        ("commit" if answer.source != OURS else "digest", _commit(answer, page)),
        ("asked", f"{page.clock(answer.at)} by {answer.event}{by}"),
        ("labels", ", ".join(answer.labels)),
        ("grant", str(answer.grant or "")),
        ("job", str(answer.job or "")),
        ("waits", f"for: {answer.waits}" if answer.waits else ""),
        ("runner", answer.runner),
        ("begun", page.clock(answer.started_at) if answer.started_at else ""),
        ("lease", f"until {page.clock(lease)}" if lease else ""),
        ("ended", page.clock(answer.ended_at) if answer.ended_at else ""),
        ("why", answer.why),
        ("credits", _credits(answer)),
    ]
    page.table(("", ""), [(dim(name), text) for name, text in facts if text])
    for reason in answer.reasons:
        page.line(dim(f"  {reason}"))
    if answer.flagged:
        page.line(red("look: "), answer.flagged)


@renders(Offered)
def offered(answer: Offered, page: Page) -> None:
    found = answer.admission
    if found is None:
        page.nothing(f"nothing may run now; {count(answer.waiting, 'job')} waiting")
        return
    page.line(bold(f"admission {found.id}"), f"  {found.resource}")
    page.table(
        ("", ""),
        [
            (dim("project"), with_id(found.project)),
            (dim("commit"), found.commit),
            (dim("labels"), ",".join(found.labels)),
            (dim("until"), page.clock(answer.until) if answer.until else ""),
        ],
    )
    page.line(answer.secret)
    page.remarks.append("This credential is shown once: the runner redeems it.")


@renders(Decision)
def decision(answer: Decision, page: Page) -> None:
    verdict = green("admitted") if answer.allowed else red("refused")
    page.line(verdict if answer.governed else dim("not lent"), f"  {answer.resource or ''}")
    for reason in answer.reasons:
        page.line(f"  {reason}")


def _row(each: Admission, page: Page) -> tuple[Part, ...]:
    by = str(each.person) if each.person else ""
    return (
        str(each.id),
        _state(each.state),
        each.resource or "",
        str(each.project),
        by,
        page.clock(each.at),
        _credits(each),
    )


def _commit(answer: Admission, page: Page) -> str:
    """That of one of our own jobs is a digest of what it does, of which its begin tells enough."""
    if answer.source == OURS and page.terminal:
        return answer.commit[:12]
    return f"{answer.commit}{f' of {answer.branch}' if answer.branch else ''}"


def _state(state: AdmissionState) -> Part:
    return _COLOURS[state](str(state))


def _credits(each: Admission) -> str:
    if each.cost is not None:
        return say_amount(each.cost)
    return f"up to {say_amount(each.reserved)}" if each.reserved else ""
