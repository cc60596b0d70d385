"""Tokens: minted within the rights of whoever mints them, listed, revoked."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from secrets import token_hex, token_urlsafe
from typing import TYPE_CHECKING, TypeVar

from condarium.access.accounts import is_own
from condarium.access.identities import PREFIX, digest_of
from condarium.errors import BadArguments, BadInput, NoSuchNamespace, NotPermitted, Refused
from condarium.model.access.accounts import Token
from condarium.model.access.decisions import PLATFORM, Thing
from condarium.model.access.permissions import READING, ThingKind
from condarium.model.access.principals import Scope
from condarium.model.access.report import NewToken
from condarium.model.actor import Actor, Permission
from condarium.model.instants import say_instant
from condarium.model.paging import Page, decode_cursor, page_of, read_limit
from condarium.model.view import ChannelName
from condarium.storage.governance.resources import NoSuchResource
from condarium.storage.hosting.channels import NoSuchChannel
from condarium.storage.store import Store

if TYPE_CHECKING:
    from condarium.storage.facts import Facts

LASTING = timedelta(days=90)
_LONGEST_NAME = 64
_Text = TypeVar("_Text", bound=str)


class BadPermission(BadInput):
    """There is no such permission."""

    def __init__(self, found: str) -> None:
        self.found = found
        super().__init__(
            f"there is no permission {found!r}",
            hint=f"They are {', '.join(sorted(Permission))}.",
        )


class TokenWouldLastLonger(Refused):
    """A token is to be made that lasts longer than the one that it is made with."""

    def __init__(self, ends: datetime) -> None:
        self.ends = ends
        super().__init__(
            "a token cannot last longer than the one that it is made with, which ends "
            f"{ends:%Y-%m-%d}",
            hint="Ask for a shorter time, or make it on the server's page /account, where one is "
            "signed in without a token.",
        )


def mint(
    store: Store,
    *,
    name: str,
    holder: str | None = None,
    scope: Scope = Scope(),  # noqa: B008 - a frozen value
    lasting: timedelta | None = None,
    actor: Actor,
) -> NewToken:
    """Make a token of the actor's own, or of the `holder` of this name.

    It reaches nothing that the actor's own token does not, and ends no later; where `lasting` does
    not say when, after LASTING or with that. Raises NotPermitted, NoSuchPrincipal, BadArguments,
    NoSuchNamespace, NoSuchChannel, NoSuchResource, TokenWouldLastLonger.
    """
    holder = _holder(actor, holder)
    if len(name) > _LONGEST_NAME:
        raise BadArguments(f"a token's name has at most {_LONGEST_NAME} characters")
    if not scope.is_within(actor.who.scope):
        reason = f"the token of {actor.name} reaches less than that"
        raise NotPermitted(actor.name, "token create", (reason,), PLATFORM)
    secret = PREFIX + token_urlsafe(32)
    now = store.now()
    with store.database.read() as facts:
        _check_things(facts, actor, scope)
        account = facts.principals.get(holder)
        end = _end(facts, actor, now, lasting)
    token = Token(
        id=token_hex(8),
        name=name.strip() or f"made {now:%Y-%m-%d %H:%M}",
        principal=account.name,
        permissions=_sorted(scope.permissions),
        namespaces=_sorted(scope.namespaces),
        channels=_sorted(scope.channels),
        resources=_sorted(scope.resources),
        created_at=now,
        created_by=actor.name,
        expires_at=end,
    )
    with store.database.change(actor, "token create", holder, _detail(token, end)) as facts:
        facts.tokens.add(token, principal=account.id, digest=digest_of(secret))
    return NewToken(token=token, secret=secret)


def list_(
    store: Store,
    *,
    holder: str | None,
    every: bool,
    limit: int | None,
    cursor: str | None,
    actor: Actor,
) -> Page[Token]:
    """The actor's own tokens that can be used, somebody else's, or `every` one, also of the past.

    Those of others are shown to auditors and administrators.
    """
    if holder is None and not every and actor.who.id is not None:
        holder = actor.name
    if holder is None or not is_own(actor, holder):
        actor.require(Permission.ACCESS_READ, PLATFORM)
    else:
        actor.require(Permission.SIGNED_IN, PLATFORM)
    (after,) = decode_cursor(cursor, str) if cursor else ("",)
    size = read_limit(limit)
    with store.database.read() as facts:
        found = facts.tokens.all(
            principal=facts.principals.get(holder).id if holder else None,
            holding=None if every else store.now(),
            after=str(after),
            limit=size + 1 if size else None,
        )
    return page_of(found, size, [(each.id,) for each in found])


def revoke(store: Store, identifier: str, *, actor: Actor) -> Token:
    """Revoke a token, at once: one's own, or anybody's by an administrator. Raises NoSuchToken."""
    from condarium.storage.access.tokens import NoSuchToken

    if not actor.who.is_somebody:
        actor.require(Permission.SIGNED_IN, PLATFORM)
    with store.database.change(actor, "token revoke", identifier[:32]) as facts:
        _, principal = facts.tokens.get(identifier)
        own = principal == actor.who.id and actor.may(Permission.SIGNED_IN, PLATFORM)
        if not (own or actor.token == identifier or actor.may(Permission.ACCESS_MANAGE, PLATFORM)):
            raise NoSuchToken(identifier)
        facts.tokens.revoke(identifier, at=store.now(), by=actor.name)
        token, _ = facts.tokens.get(identifier)
    return token


def read_scope(
    permissions: Iterable[str],
    namespaces: Iterable[str],
    channels: Iterable[str],
    resources: Iterable[str] = (),
) -> Scope:
    """What a token is narrowed to, by names; not narrowed where none is given.

    Raises BadPermission.
    """
    known = frozenset(Permission)
    for each in permissions:
        if each not in known:
            raise BadPermission(each)
    return Scope(
        permissions=frozenset(map(Permission, permissions)) or None,
        namespaces=frozenset(namespaces) or None,
        channels=frozenset(channels) or None,
        resources=frozenset(resources) or None,
    )


def _holder(actor: Actor, holder: str | None) -> str:
    if holder is not None and not is_own(actor, holder):
        actor.require(Permission.ACCESS_MANAGE, PLATFORM)
        return holder
    actor.require(Permission.SIGNED_IN, PLATFORM)
    if actor.who.id is None:
        raise BadArguments(
            f"{actor.name} owns the store and has no account that could have a token",
            hint="Say whose it is: --for USER",
        )
    return actor.name


def _check_things(facts: "Facts", actor: Actor, scope: Scope) -> None:
    """Raise NoSuchNamespace and the like for what is not there, or not for the actor to see."""
    for name in sorted(scope.namespaces or ()):
        facts.namespaces.get(name)
        if not _sees(actor, ThingKind.NAMESPACE, name):
            raise NoSuchNamespace(name)
    for name in sorted(scope.channels or ()):
        facts.channels.get(ChannelName(name))
        if not _sees(actor, ThingKind.CHANNEL, name):
            raise NoSuchChannel(ChannelName(name))
    for name in sorted(scope.resources or ()):
        facts.resources.get(name)
        if not actor.decide(Permission.RESOURCE_READ, facts.resources.thing(name)).visible:
            raise NoSuchResource(name)


def _sees(actor: Actor, kind: ThingKind, name: str) -> bool:
    decision = actor.decide(READING[kind], Thing(kind=kind, name=name))
    return decision.allowed or decision.visible


def _detail(token: Token, end: datetime) -> dict[str, str]:
    """What the audit log says of a token."""
    narrowed = {
        "permissions": token.permissions,
        "namespaces": token.namespaces,
        "channels": token.channels,
        "resources": token.resources,
    }
    scope = {what: " ".join(names) for what, names in narrowed.items() if names}
    return {"id": token.id, "name": token.name, "until": say_instant(end), **scope}


def _end(facts: "Facts", actor: Actor, now: datetime, lasting: timedelta | None) -> datetime:
    """When the token ends: not after the one that it is made with."""
    if lasting is not None and lasting <= timedelta():
        raise BadArguments("a token has to last for some time", hint="For example --expires 30d")
    end = now + (lasting or LASTING)
    latest = facts.tokens.get(actor.token)[0].expires_at if actor.token else None
    if latest is None or end <= latest:
        return end
    if lasting is not None:
        raise TokenWouldLastLonger(latest)
    return latest


def _sorted(names: frozenset[_Text] | None) -> tuple[_Text, ...] | None:
    return None if names is None else tuple(sorted(names))
