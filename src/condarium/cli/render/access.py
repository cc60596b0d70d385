"""Who there is, and who may do what."""

from condarium.cli.amounts import count, size
from condarium.cli.page import Page, Part, bold, dim, green, red
from condarium.cli.render.registry import renders
from condarium.model import paging
from condarium.model.access.accounts import Account, Bound, Group, Membership, Token
from condarium.model.access.permissions import ThingKind
from condarium.model.access.principals import SubjectKind
from condarium.model.access.report import (
    AccountChanged,
    AccountDetail,
    AllRevoked,
    BindingChanged,
    Explanation,
    Gone,
    GroupDetail,
    KeysRotated,
    Namespace,
    NamespaceDetail,
    NewToken,
    WhoAmI,
)
from condarium.model.governance.projects import with_id


@renders(AccountChanged)
def account_changed(answer: AccountChanged, page: Page) -> None:
    what = answer.what if answer.changed else f"{answer.what} already"
    page.line(bold(answer.account.name), f": {what}")
    if answer.note:
        page.line("  ", answer.note)


@renders(paging.Page[Account])
def account_list(accounts: paging.Page[Account], page: Page) -> None:
    if not accounts:
        page.nothing("none yet; `condarium user create` makes a user")
        return
    rows = [
        (
            bold(each.name),
            each.display_name,
            each.issuer or "",
            page.when(each.created_at),
            red("disabled") if each.disabled_at else "",
        )
        for each in accounts
    ]
    page.table(("name", "", "signs in at", "created", ""), rows, crop=(2, 1))
    page.more(accounts.next)


@renders(AccountDetail)
def account_detail(detail: AccountDetail, page: Page) -> None:
    account = detail.account
    state = red(" disabled") if account.disabled_at else ""
    page.line(bold(account.name), dim(f"  {account.kind} {account.id}"), state)
    facts = [
        ("called", account.display_name),
        ("signs in at", account.issuer or ""),
        ("created", f"{page.when(account.created_at)} by {account.created_by}"),
        ("tokens", str(detail.tokens)),
        ("groups", ", ".join(_with_source(each, each.group) for each in detail.groups)),
        ("elsewhere", ", ".join(map(with_id, detail.elsewhere))),
    ]
    page.table(("", ""), [(dim(name), value) for name, value in facts if value])
    _bindings(detail.bindings, page)


@renders(paging.Page[Group])
def group_list(groups: paging.Page[Group], page: Page) -> None:
    if not groups:
        page.nothing("no groups yet; `condarium group create` makes one")
        return
    rows = [(bold(each.name), str(each.members), page.when(each.created_at)) for each in groups]
    page.table(("group", "members", "created"), rows, right=(1,))
    page.more(groups.next)


@renders(GroupDetail)
def group_detail(detail: GroupDetail, page: Page) -> None:
    page.line(bold(detail.group.name), f": {count(detail.group.members, 'member', 'members')}")
    for member in detail.members:
        page.line("  ", _with_source(member, member.member))
    _bindings(detail.bindings, page)


@renders(Gone)
def gone(answer: Gone, page: Page) -> None:
    page.line(f"removed the {answer.kind} ", bold(answer.name))


@renders(paging.Page[Namespace])
def namespace_list(namespaces: paging.Page[Namespace], page: Page) -> None:
    if not namespaces:
        page.nothing("no namespaces yet; `condarium namespace create` makes one")
        return
    rows = [(bold(each.name), page.when(each.created_at), each.created_by) for each in namespaces]
    page.table(("namespace", "created", "by"), rows, crop=2)
    page.more(namespaces.next)


@renders(NamespaceDetail)
def namespace_detail(detail: NamespaceDetail, page: Page) -> None:
    namespace, quota, use = detail.namespace, detail.namespace.quota, detail.use
    made = f"{page.when(namespace.created_at)} by {namespace.created_by}"
    page.line(bold(namespace.name), dim(f"  created {made}"))
    rows = [
        ("environments", str(use.environments), _most(quota.environments)),
        ("on disk", size(use.bytes), "" if quota.bytes is None else size(quota.bytes)),
        ("builds running", str(use.builds), _most(quota.builds)),
        ("build minutes this month", str(use.build_minutes), _most(quota.build_minutes)),
    ]
    page.table(("", "has", "may have"), [(a, b, c or dim("any")) for a, b, c in rows], right=(1, 2))


@renders(BindingChanged)
def binding_changed(answer: BindingChanged, page: Page) -> None:
    verb = "is" if answer.bound else "is no longer"
    already = "" if answer.changed else (" already" if answer.bound else ", and was not")
    where = f" on {answer.thing}"
    page.line(bold(answer.subject), f" {verb} {answer.role}{where}{already}")


@renders(paging.Page[Bound])
def binding_list(bindings: paging.Page[Bound], page: Page) -> None:
    if not bindings:
        page.nothing("no roles are bound; `condarium access bind` binds one")
        return
    rows = [
        (bold(_subject(each)), str(each.role), _thing(each), page.when(each.created_at),
         each.created_by)
        for each in bindings
    ]  # fmt: skip
    page.table(("who", "role", "on", "since", "by"), rows, crop=(4, 0))
    page.more(bindings.next)


@renders(Explanation)
def explanation(answer: Explanation, page: Page) -> None:
    verdict = green("may") if answer.allowed else red("may not")
    where = f" on {answer.thing}" if answer.thing else ""
    page.line(bold(answer.principal), " ", verdict, f" run {answer.operation!r}{where}")
    for reason in answer.reasons:
        page.line("  ", reason)
    if not answer.thing:
        page.line(dim("  asked of no thing in particular; name one to ask about it"))
    elif answer.thing.startswith(f"{ThingKind.RESOURCE} "):
        page.line(dim("  by roles; whether a job may use it: condarium access check"))
    _bindings(answer.bindings, page)


@renders(KeysRotated)
def keys_rotated(answer: KeysRotated, page: Page) -> None:
    page.line("signing with key ", bold(answer.key))
    until = answer.verified_until.astimezone().strftime("%Y-%m-%d %H:%M")
    page.line(dim(f"what older keys signed is believed until {until}"))


@renders(AllRevoked)
def all_revoked(answer: AllRevoked, page: Page) -> None:
    tokens = count(answer.tokens, "token", "tokens")
    sessions = count(answer.sessions, "session", "sessions")
    page.line(bold(answer.principal), f": revoked {tokens}, ended {sessions}")


@renders(NewToken)
def new_token(answer: NewToken, page: Page) -> None:
    token = answer.token
    page.line(answer.secret)
    page.remarks.append(f"token {token.id} of {token.principal}, {_until(token)}")
    page.remarks.append("This secret is shown once: keep it now.")


@renders(Token)
def one_token(answer: Token, page: Page) -> None:
    state = "revoked" if answer.revoked_at else _until(answer)
    page.line("token ", bold(answer.id), f" of {answer.principal}: {state}")


@renders(paging.Page[Token])
def token_list(tokens: paging.Page[Token], page: Page) -> None:
    if not tokens:
        page.nothing("no tokens; `condarium token create` makes one")
        return
    rows = [
        (
            bold(each.id),
            each.name,
            each.principal,
            each.created_by,
            _reach(each),
            page.when(each.last_used_at) if each.last_used_at else "never",
            red("revoked") if each.revoked_at else _until(each),
        )
        for each in tokens
    ]
    page.table(("id", "name", "of", "by", "for", "last used", "ends"), rows, crop=(4, 1))
    page.more(tokens.next)


@renders(WhoAmI)
def who_am_i(answer: WhoAmI, page: Page) -> None:
    page.line(bold(answer.name), dim(f"  {answer.kind}"))
    if page.place:
        page.line("at ", page.place)
    if answer.id is None:
        page.line("owns the store and may do everything")
    if answer.groups:
        page.line("in ", ", ".join(answer.groups))
    _bindings(answer.bindings, page)


def _bindings(bindings: tuple[Bound, ...], page: Page) -> None:
    rows: list[tuple[Part, ...]] = [
        ("  ", str(each.role), _thing(each), dim(_through(each))) for each in bindings
    ]
    if rows:
        page.line(bold("roles"))
        page.table(("", "", "", ""), rows)


def _through(bound: Bound) -> str:
    return f"through {_subject(bound)}" if bound.subject_kind is SubjectKind.GROUP else ""


def _subject(bound: Bound) -> str:
    return f"group:{bound.subject}" if bound.subject_kind is SubjectKind.GROUP else bound.subject


def _thing(bound: Bound) -> str:
    return f"{bound.kind} {bound.thing}".rstrip()


def _with_source(membership: Membership, name: str) -> str:
    return name if membership.source == "local" else f"{name} (by {membership.source})"


def _most(limit: int | None) -> str:
    return "" if limit is None else f"{limit:,}"


def _until(token: Token) -> str:
    return f"until {token.expires_at:%Y-%m-%d}" if token.expires_at else "for ever"


def _reach(token: Token) -> str:
    things = [
        *(f"namespace {each}" for each in token.namespaces or ()),
        *(f"channel {each}" for each in token.channels or ()),
        *(f"resource {each}" for each in token.resources or ()),
    ]
    return ", ".join([*map(str, token.permissions or ()), *things]) or "all"
