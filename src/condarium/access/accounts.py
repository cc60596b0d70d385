"""Users and service accounts: made, renamed, disabled, given passwords."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from condarium.access.administrators import keeping_one
from condarium.access.covering import require_covering_all
from condarium.access.passwords import hash_password
from condarium.access.signing_in import sign_in
from condarium.errors import BadArguments, Conflict, NotPermitted
from condarium.model.access.accounts import Account, Bound
from condarium.model.access.decisions import PLATFORM
from condarium.model.access.names import check_account_name
from condarium.model.access.principals import PrincipalKind, Scope
from condarium.model.access.report import AccountChanged, AccountDetail, AllRevoked, WhoAmI
from condarium.model.actor import Actor, Permission
from condarium.model.secret import Secret
from condarium.storage.store import Store

if TYPE_CHECKING:
    from condarium.storage.facts import Facts


class NoPasswordThere(Conflict):
    """The account signs in with no password."""

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(
            f"{name} is a service account, which has no password",
            hint=f"Make it a token: condarium token create --for {name}",
        )


def create(
    store: Store,
    kind: PrincipalKind,
    name: str,
    *,
    display_name: str = "",
    password: Secret | None = None,
    actor: Actor,
) -> AccountChanged:
    """Make an account that may do nothing yet. Raises BadName, WeakPassword, NameTaken."""
    check_account_name(name)
    hashed = hash_password(password, name=name) if password else None
    store.keep_secrets()
    with store.database.change(actor, f"{_WORDS[kind]} create", name) as facts:
        account = facts.principals.add(
            kind,
            name,
            at=store.now(),
            by=actor.name,
            display_name=display_name,
            password=hashed,
        )
    without = kind is PrincipalKind.USER and password is None
    return AccountChanged(account=account, what="created", note=_WITHOUT if without else "")


_WITHOUT = "has no password: signs in elsewhere, or with one that `user set-password` gives"


def show(store: Store, kind: PrincipalKind, name: str, *, actor: Actor) -> AccountDetail:
    """An account, to itself and to those who may see all. Raises NoSuchPrincipal."""
    if not is_own(actor, name):
        actor.require(Permission.ACCESS_READ, PLATFORM)
    with store.database.read() as facts:
        account = find(facts, kind, name)
        return AccountDetail(
            account=account,
            groups=tuple(facts.memberships.of_principal(account.id)),
            bindings=reached(actor, facts.bindings.all_of(account.id)),
            tokens=len(facts.tokens.all(principal=account.id, holding=store.now())),
            elsewhere=tuple(facts.identities.of(account.id)),
        )


def set_disabled(
    store: Store, kind: PrincipalKind, name: str, disabled: bool, *, actor: Actor
) -> AccountChanged:
    """Have an account be able to do nothing, at once, or again what it could do.

    Whoever gives it that again holds it all themselves. Raises NotPermitted.
    """
    what = "disable" if disabled else "enable"
    with store.database.change(actor, f"{_WORDS[kind]} {what}", name) as facts:
        account = find(facts, kind, name)
        if not disabled:
            bindings = facts.bindings.of(account.id)
            require_covering_all(actor, f"{_WORDS[kind]} enable", bindings)
        changed = disabled is (account.disabled_at is None)
        if changed:
            with keeping_one(facts):
                facts.principals.disable(account.id, at=store.now() if disabled else None)
        account = find(facts, kind, name)
        note = _schedules_of(facts, name) if disabled else ""
    return AccountChanged(account=account, what=f"{what}d", changed=changed, note=note)


def _schedules_of(facts: "Facts", name: str) -> str:
    """What to say of schedules that somebody made: they have the rights of the store's owner."""
    made = [
        each.name for each in facts.schedules.list() if each.enabled and each.created_by == name
    ]
    return f"schedules that {name} made go on: {', '.join(made)}" if made else ""


def rename(store: Store, name: str, new_name: str, *, actor: Actor) -> AccountChanged:
    """Give a user another name; who it is, and what it may do, stays."""
    check_account_name(new_name)
    with store.database.change(actor, "user rename", name, {"to": new_name}) as facts:
        account = find(facts, PrincipalKind.USER, name)
        facts.principals.rename(account.id, new_name)
        account = find(facts, PrincipalKind.USER, new_name)
    return AccountChanged(account=account, what="renamed")


def own_name(actor: Actor) -> str:
    """The actor's own name. Raises BadArguments where that is no user's."""
    if actor.principal is None or actor.principal.kind is not PrincipalKind.USER:
        raise BadArguments("whose? You are no user of this store", hint="Name the user.")
    return actor.name


def set_password(
    store: Store,
    name: str,
    password: Secret,
    *,
    old: Secret | None = None,
    revoke_tokens: bool = False,
    actor: Actor,
) -> AccountChanged:
    """Give a user a password, and end its sessions: its own, or by an administrator.

    Who has a password and changes it says the `old` one: a browser left open, or a token, is not
    enough. Raises NoPasswordThere for service accounts, WeakPassword, WrongPassword,
    TooManyAttempts.
    """
    require_whole(actor, "user set-password")
    if is_own(actor, name):
        _check_old(store, old, actor)
    else:
        actor.require(Permission.ACCESS_MANAGE, PLATFORM)
    with store.database.read() as facts:
        account = facts.principals.get(name)
    if account.kind is PrincipalKind.SERVICE:
        raise NoPasswordThere(account.name)
    hashed = hash_password(password, name=account.name)
    with store.database.change(actor, "user set-password", account.name) as facts:
        facts.principals.set_password(account.id, hashed)
        facts.principals.end_sessions(account.id)
        if revoke_tokens:
            facts.tokens.revoke_all(account.id, at=store.now(), by=actor.name)
    return AccountChanged(account=account, what="given a new password")


def _check_old(store: Store, old: Secret | None, actor: Actor) -> None:
    """Check the actor's password as at a sign-in, where guesses are counted."""
    with store.database.read() as facts:
        has_one = actor.who.id and facts.principals.password(actor.who.id)
    if not has_one:
        return
    if old is None:
        hint = "Give it: --old-password-file FILE, or at the prompt."
        raise BadArguments(f"expected the password that {actor.name} has now", hint=hint)
    sign_in(store, actor.name, old, address=actor.address)


def revoke_all(store: Store, name: str, *, actor: Actor) -> AllRevoked:
    """Revoke all tokens of an account and end its sessions, at once."""
    if is_own(actor, name):
        require_whole(actor, "access revoke-all")
    else:
        actor.require(Permission.ACCESS_MANAGE, PLATFORM)
    with store.database.change(actor, "access revoke-all", name) as facts:
        account = facts.principals.get(name)
        tokens = facts.tokens.revoke_all(account.id, at=store.now(), by=actor.name)
        sessions = facts.principals.end_sessions(account.id)
    return AllRevoked(principal=account.name, tokens=tokens, sessions=sessions)


def whoami(store: Store, *, actor: Actor) -> WhoAmI:
    """Who the actor is."""
    who = actor.who
    if not who.is_somebody:
        actor.require(Permission.SIGNED_IN, PLATFORM)
    if who.id is None:
        return WhoAmI(name=who.name, id=None, kind=str(who.kind))
    with store.database.read() as facts:
        return WhoAmI(
            name=actor.name,
            id=who.id,
            kind=str(who.kind),
            groups=tuple({each.group: None for each in facts.memberships.of_principal(who.id)}),
            bindings=reached(actor, facts.bindings.all_of(who.id)),
            token=actor.token,
        )


def reached(actor: Actor, bindings: Iterable[Bound]) -> tuple[Bound, ...]:
    """The bindings on what the actor's token reaches: of other things it is told nothing."""
    scope = actor.who.scope
    return tuple(each for each in bindings if scope.reaches(each.kind, each.thing))


def find(facts: "Facts", kind: PrincipalKind, name: str) -> Account:
    """The account of this kind. Raises NoSuchPrincipal."""
    from condarium.storage.access.principals import NoSuchPrincipal

    account = facts.principals.get(name)
    if account.kind is not kind:
        raise NoSuchPrincipal(name)
    return account


def is_own(actor: Actor, name: str) -> bool:
    """Whether the account of this name is the actor's own."""
    return actor.who.id is not None and actor.name.lower() == name.lower()


def require_whole(actor: Actor, operation: str) -> None:
    """Raise NotPermitted for a narrowed token: it must not give itself what it was denied."""
    if not actor.who.is_somebody:
        actor.require(Permission.SIGNED_IN, PLATFORM)
    if actor.who.scope != Scope():
        reason = f"the token of {actor.name} is narrowed"
        raise NotPermitted(actor.name, operation, (reason,), PLATFORM)


_WORDS = {PrincipalKind.USER: "user", PrincipalKind.SERVICE: "service-account"}
