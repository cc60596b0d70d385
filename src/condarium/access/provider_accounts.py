"""Accounts of people who sign in at an OpenID provider."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from itertools import count
from typing import TYPE_CHECKING

from condarium.access.identities import load_actor
from condarium.errors import BadName
from condarium.model.access.accounts import Account
from condarium.model.access.names import check_account_name
from condarium.model.access.permissions import ThingKind
from condarium.model.access.principals import PrincipalKind, SubjectKind
from condarium.model.actor import Actor
from condarium.storage.access.principals import NameTaken
from condarium.storage.store import Store

if TYPE_CHECKING:
    from condarium.storage.facts import Facts

_LONGEST = 56
"""In characters: a number behind a name that is taken fits as well."""


@dataclass(frozen=True, kw_only=True)
class Claims:
    """What a provider says of somebody; `issuer` and `subject` alone tell who it is.

    `groups` is None where the provider says nothing of groups.
    """

    issuer: str
    subject: str
    name: str = ""
    display_name: str = ""
    groups: tuple[str, ...] | None = None


def actor_of_claims(
    store: Store, claims: Claims, *, address: str | None, ruling: Collection[str] = ()
) -> Actor:
    """Give the account of whom the claims are about, made at the first time, in its groups of now.

    It is never found by its name or its e-mail address: those may be anybody's at the provider. A
    new account may do nothing until a role is bound to it or to a group. Into one with a role on
    the platform nobody comes by claims unless it is named in `ruling`. Raises PrincipalDisabled.
    """
    try:
        return _signed_in(store, claims, address, ruling)
    except NameTaken:  # by somebody, or by themselves, who came for the first time just now as well
        return _signed_in(store, claims, address, ruling)


def _signed_in(store: Store, claims: Claims, address: str | None, ruling: Collection[str]) -> Actor:
    now = store.now()
    with store.database.note() as facts:
        account = facts.principals.by_subject(claims.issuer, claims.subject)
        new = account is None
        account = account or _make(facts, claims, now)
        joined, left = frozenset[str](), frozenset[str]()
        if claims.groups is not None:
            allowed = set(claims.groups) - (_with_platform_roles(facts) - set(ruling))
            joined, left = facts.memberships.set_claimed(account.id, allowed, source=claims.issuer)
        actor = load_actor(facts, account.id, address=address)
        if new:
            said = {"issuer": claims.issuer, "subject": claims.subject}
            facts.audit.add(
                at=now, actor=actor, action="user create", target=f"user {actor.name}", detail=said
            )
        said = {"member": actor.name, "issuer": claims.issuer}
        for action, groups in (("group add-member", joined), ("group remove-member", left)):
            for group in sorted(groups):
                facts.audit.add(at=now, actor=actor, action=action, target=group, detail=said)
    return actor


def _with_platform_roles(facts: "Facts") -> set[str]:
    """The names of groups whose members come to a role on the platform."""
    bound = facts.bindings.all(thing=(ThingKind.PLATFORM, ""))
    return {each.subject for each in bound if each.subject_kind is SubjectKind.GROUP}


def _make(facts: "Facts", claims: Claims, now: datetime) -> Account:
    return facts.principals.add(
        PrincipalKind.USER,
        _free_name(facts, claims.name),
        at=now,
        by=claims.issuer[:255],
        display_name=claims.display_name[:255],
        issuer=claims.issuer,
        subject=claims.subject,
    )


def _free_name(facts: "Facts", wished: str) -> str:
    """The name that the provider says, or the nearest that is nobody's and reads like nobody's."""
    base = re.sub(r"[^a-zA-Z0-9_.@+\-]", "-", wished).lstrip(".@+-")[:_LONGEST] or "user"
    for number in count(1):
        name = base if number == 1 else f"{base}-{number}"
        if _is_name(name) and not facts.principals.is_taken(name):
            return name
    raise AssertionError


def _is_name(text: str) -> bool:
    try:
        return bool(check_account_name(text))
    except BadName:
        return False
