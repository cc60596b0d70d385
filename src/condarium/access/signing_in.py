"""Signing in with a name and a password; who fails often has to wait.

Failures count under the name and under the address. From a network that somebody has signed in from
they count by themselves, so that whoever guesses elsewhere does not shut anybody out.
"""

from datetime import datetime, timedelta
from math import ceil
from typing import TYPE_CHECKING

from condarium.access.identities import load_actor
from condarium.errors import Refused
from condarium.model.access.attempts import (
    FORGOTTEN,
    KNOWN,
    PER_ADDRESS,
    PER_NAME,
    Patience,
    address_key,
    from_known_key,
    known_key,
    name_key,
)
from condarium.model.access.principals import PrincipalKind
from condarium.model.actor import NOBODY_IN_PARTICULAR, Actor
from condarium.model.audit import Outcome
from condarium.model.secret import Secret
from condarium.storage.store import Store

if TYPE_CHECKING:
    from condarium.storage.facts import Facts


class WrongPassword(Refused):
    """There is nobody who has this name and this password."""

    def __init__(self) -> None:
        super().__init__(
            "the name or the password is wrong",
            hint="Whoever administers this server can set a new password.",
        )


class TooManyAttempts(Refused):
    """Signing in failed too often, under this name or from this address."""

    def __init__(self, due: timedelta) -> None:
        self.retry_after = max(1, ceil(due.total_seconds()))
        super().__init__(
            f"signing in failed too often; try again in {self.retry_after} s",
            hint="Who is signed in already, or has a token, is not concerned.",
        )


def sign_in(store: Store, name: str, password: Secret, *, address: str | None) -> Actor:
    """Give whose name and password these are. Takes as long whether there is such a name or not.

    Raises WrongPassword, TooManyAttempts.
    """
    from condarium.access.passwords import rehashed, verify_password

    _count(store, name, address)
    with store.database.read() as facts:
        account = facts.principals.find(name)
        usable = account and account.kind is PrincipalKind.USER and account.disabled_at is None
        stored = facts.principals.password(account.id) if account and usable else None
    if not verify_password(stored, password) or account is None or stored is None:
        _note_refusal(store, name, address)
        raise WrongPassword
    stronger = rehashed(stored, password)
    with store.database.note() as facts:
        facts.sign_ins.forgive(_name_counter(facts, name, address, store.now()))
        if address:
            facts.sign_ins.know(known_key(name, address), until=store.now() + KNOWN)
            # not all: else somebody with an account could try for ever at those of others
            facts.sign_ins.forgive(address_key(address), 1)
        if stronger and facts.principals.password(account.id) == stored:
            facts.principals.set_password(account.id, stronger)
        return load_actor(facts, account.id, address=address)


def _count(store: Store, name: str, address: str | None) -> None:
    """Count an attempt as failed before it is made, so that many at once are counted too."""
    now = store.now()
    with store.database.note() as facts:
        found = []
        for key, patience in _counters(facts, name, address, now):
            failures, last_at = facts.sign_ins.failures(key, at=now)
            failures = failures if now - last_at < FORGOTTEN else 0
            if due := patience.due(failures, last_at, now):
                raise TooManyAttempts(due)
            found.append((key, failures))
        for key, failures in found:
            facts.sign_ins.count_failure(key, failures + 1, at=now)
        facts.sign_ins.forget_failures(before=now - FORGOTTEN)


def _counters(
    facts: "Facts", name: str, address: str | None, now: datetime
) -> list[tuple[str, Patience]]:
    """What an attempt is counted under, always in this order: two at once wait for each other."""
    by_address = [(address_key(address), PER_ADDRESS)] if address else []
    return [*by_address, (_name_counter(facts, name, address, now), PER_NAME)]


def _name_counter(facts: "Facts", name: str, address: str | None, now: datetime) -> str:
    """Under which key the name's failures count: from a network known to it, apart from others'."""
    if address and facts.sign_ins.knows(known_key(name, address), at=now):
        return from_known_key(name, address)
    return name_key(name)


def _note_refusal(store: Store, name: str, address: str | None) -> None:
    """Say in the audit log whose name it was, if anybody's: else it may be a password."""
    with store.database.note() as facts:
        account = facts.principals.find(name)
        facts.audit.add(
            at=store.now(),
            actor=Actor(
                name=NOBODY_IN_PARTICULAR.name,
                principal=NOBODY_IN_PARTICULAR.principal,
                address=address,
            ),
            action="sign-in",
            target=f"user {account.name}" if account else "an unknown name",
            detail={},
            outcome=Outcome.REFUSED,
        )
