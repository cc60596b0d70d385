"""What is lent: resources, budgets, terms, and who people are elsewhere."""

from datetime import timedelta

from condarium.cli.amounts import count
from condarium.cli.page import Page, Part, bold, dim, green, red, yellow
from condarium.cli.render.registry import renders
from condarium.model import paging
from condarium.model.governance.amounts import Period, say_amount
from condarium.model.governance.projects import with_id
from condarium.model.governance.report import (
    BudgetChanged,
    IdentityChanged,
    ResourceChanged,
    ResourceDetail,
    TermsAccepted,
    TermsDetail,
    TermsListed,
    TermsPublished,
)
from condarium.model.governance.resources import Acceptance, Budget, Resource


@renders(ResourceChanged)
def resource_changed(answer: ResourceChanged, page: Page) -> None:
    what = answer.what if answer.changed else f"{answer.what} already"
    if answer.what == "changed" and not answer.changed:
        what = "nothing changed"
    page.line(bold(answer.resource.name), f": {what}")
    if answer.resource.retired_at and answer.grants:
        page.line("  ", count(answer.grants, "grant"), " of it stay, and admit no job")


@renders(paging.Page[Resource])
def resource_list(resources: paging.Page[Resource], page: Page) -> None:
    if not resources:
        page.nothing("nothing is lent; `condarium resource create` describes what is")
        return
    rows = [
        (
            bold(each.name),
            str(each.settings.kind),
            each.settings.provider,
            each.settings.platform,
            _limit(each.settings.capacity),
            _time(each.settings.longest_job),
            say_amount(each.settings.factor),
            _left(each),
            _state(each),
        )
        for each in resources
    ]
    titles = (
        "resource",
        "kind",
        "provider",
        "platform",
        "jobs",
        "longest",
        "price",
        "left",
        "",
    )
    page.table(titles, rows, right=(4, 5, 6, 7), crop=(2, 0, 3))
    page.more(resources.next)


@renders(ResourceDetail)
def resource_detail(detail: ResourceDetail, page: Page) -> None:
    resource, settings = detail.resource, detail.resource.settings
    page.line(bold(resource.name), dim(f"  {settings.kind}"), " ", _state(resource))
    if settings.description:
        page.line(settings.description)
    terms = f"{settings.terms} version {resource.terms_version}" if settings.terms else ""
    each_project = settings.most_per_project
    facts = [
        ("asked for by", f"label {resource.label}"),
        ("a job also needs", "a label of its own run" if settings.unique_label else ""),
        ("provider", settings.provider),
        ("platform", settings.platform),
        ("also labelled", ", ".join(settings.labels)),
        ("jobs at a time", _limit(settings.capacity) if settings.capacity else ""),
        ("of one project", str(each_project) if each_project else ""),
        ("running now", str(detail.running)),
        ("longest job", _time(settings.longest_job)),
        ("an hour costs", _credits(settings.factor)),
        ("terms", terms),
        ("approvals", ", ".join(map(str, settings.rule))),
        ("grants in force", str(detail.grants)),
        ("contact", settings.contact),
        ("created", f"{page.when(resource.created_at)} by {resource.created_by}"),
        ("retired", page.when(resource.retired_at) if resource.retired_at else ""),
    ]
    page.table(("", ""), [(dim(name), value) for name, value in facts if value])
    _budgets(resource.budgets, page)
    if settings.private:
        page.line(bold("notes"), dim("  for lenders only"))
        page.lines(settings.private, indent="  ")


@renders(BudgetChanged)
def budget_changed(answer: BudgetChanged, page: Page) -> None:
    budget = answer.budget
    what = answer.what if answer.changed else f"{answer.what} already"
    page.line(
        bold(answer.resource), f": budget {budget.id} of {budget.donor} {what}, {_of(budget)}"
    )
    if answer.withdrawn:
        page.line("  ", say_amount(answer.withdrawn), f" credits go back to {budget.donor}")


@renders(TermsPublished)
def terms_published(answer: TermsPublished, page: Page) -> None:
    terms = answer.terms
    page.line(bold(terms.name), f": version {terms.version} ", _published(answer.changed))
    if answer.changed and terms.version > 1:
        page.line("  has to be accepted before the next job is admitted")


@renders(paging.Page[TermsListed])
def terms_list(terms: paging.Page[TermsListed], page: Page) -> None:
    if not terms:
        page.nothing("no terms yet; `condarium terms publish` publishes some")
        return
    rows = [
        (bold(each.name), str(each.version), page.when(each.published_at), each.published_by,
         str(each.accepted))
        for each in terms
    ]  # fmt: skip
    page.table(("terms", "version", "published", "by", "accepted"), rows, right=(1, 4), crop=(3, 0))
    page.more(terms.next)


@renders(TermsDetail)
def terms_detail(detail: TermsDetail, page: Page) -> None:
    terms = detail.terms
    holds = "" if terms.version == detail.newest else yellow(f"  version {detail.newest} holds")
    said = f"  version {terms.version}, {page.when(terms.published_at)} by {terms.published_by}"
    page.line(bold(terms.name), dim(said), holds)
    if detail.by_me is not None:
        page.line(green("accepted by you") if detail.by_me else yellow("not accepted by you"))
    if detail.resources:
        page.line(dim("lent on them: "), ", ".join(detail.resources))
    for each in detail.accepted:
        people = count(each.people, "person", "people")
        page.line(dim("accepted: "), f"version {each.version} by {people}")
    page.line()
    page.lines(terms.text)


@renders(TermsAccepted)
def terms_accepted(answer: TermsAccepted, page: Page) -> None:
    already = "" if answer.new else " already"
    people = ", ".join(map(str, answer.people))
    page.line(bold(answer.terms), f": version {answer.version} accepted by {people}{already}")
    if answer.version != answer.newest:
        page.line(yellow(f"  version {answer.newest} holds, and is not accepted by this"))


@renders(paging.Page[Acceptance])
def acceptance_list(acceptances: paging.Page[Acceptance], page: Page) -> None:
    if not acceptances:
        page.nothing("nobody accepted them")
        return
    rows = [
        (bold(with_id(each.person)), str(each.version), page.when(each.at)) for each in acceptances
    ]
    page.table(("who", "version", "accepted"), rows, right=(1,), crop=0)
    page.more(acceptances.next)


@renders(IdentityChanged)
def identity_changed(answer: IdentityChanged, page: Page) -> None:
    verb = "is" if answer.linked else "is not"
    already = "" if answer.changed else " already"
    page.line(bold(answer.principal), f" {verb} {with_id(answer.person)}{already}")


def _credits(amount: int) -> str:
    said = say_amount(amount)
    return f"{said} {'credit' if said == '1' else 'credits'}"


def _budgets(budgets: tuple[Budget, ...], page: Page) -> None:
    if not budgets:
        page.line(dim("no budgets: its use has no limit but that of grants"))
        return
    rows = [
        (
            str(each.id),
            bold(each.donor),
            _of(each),
            "" if each.left is None else say_amount(each.left),
            page.when(each.starts_at),
            page.when(each.ends_at) if each.ends_at else "",
        )
        for each in budgets
    ]
    page.table(("budget", "donor", "gives", "left", "from", "until"), rows, right=(0, 3), crop=1)


def _of(budget: Budget) -> str:
    often = "once" if budget.period is Period.ONCE else f"a {budget.period}"
    return f"{say_amount(budget.amount)} credits {often}"


def _left(resource: Resource) -> str:
    left = [each.left for each in resource.budgets if each.left is not None]
    return say_amount(sum(left)) if left else ("0" if resource.budgets else "")


def _state(resource: Resource) -> Part:
    if resource.retired_at:
        return red("retired")
    return "" if resource.settings.public else dim("private")


def _limit(limit: int | None) -> str:
    return "any" if limit is None else str(limit)


def _time(time: timedelta) -> str:
    """A duration that somebody chose, as they would write it."""
    seconds = int(time.total_seconds())
    for unit, length in (("d", 86_400), ("h", 3_600), ("m", 60)):
        if seconds % length == 0:
            return f"{seconds // length}{unit}"
    return f"{seconds}s"


def _published(changed: bool) -> str:
    return "published" if changed else "has that text already"
