"""The first administrator: whoever has the secret that a server shows while there is none."""

from datetime import timedelta
from secrets import token_urlsafe

from condarium.access.identities import digest_of, load_actor
from condarium.errors import Conflict, Refused
from condarium.model.access.names import check_account_name
from condarium.model.access.permissions import Role, ThingKind
from condarium.model.access.principals import Binding, PrincipalKind, SubjectKind
from condarium.model.actor import Actor
from condarium.model.secret import Secret
from condarium.storage.store import Store

LASTING = timedelta(hours=24)
_PURPOSE = "first-administrator"


class BadFirstSecret(Refused):
    """The one-time secret is not, or is no longer, good for anything."""

    def __init__(self) -> None:
        super().__init__(
            "this one-time secret was used, has expired, or is not this server's",
            hint="`condarium serve` shows a new one at its start while there is no administrator.",
        )


class AdministratorThere(Conflict):
    """There is an administrator already."""

    def __init__(self) -> None:
        super().__init__(
            "this server has an administrator already",
            hint="Ask them for an account, or run `condarium user create` and `condarium access "
            "bind` on the store itself.",
        )


def offer(store: Store) -> Secret | None:
    """Make a secret that the first administrator signs in with; None where there is one.

    Each start makes another, for only digests are kept; whichever is used ends all of them.
    """
    now = store.now()
    with store.database.read() as facts:
        if facts.principals.administrators():
            return None
    secret = token_urlsafe(32)
    with store.database.note() as facts:
        facts.sign_ins.add_secret(
            digest_of(secret), _PURPOSE, created_at=now, expires_at=now + LASTING
        )
    return Secret(secret)


def first_sign_in(
    store: Store, secret: Secret, name: str, password: Secret, *, address: str | None
) -> Actor:
    """Use the secret up: make a user of this name who administers everything.

    Raises BadFirstSecret, AdministratorThere, BadName, WeakPassword, NameTaken.
    """
    from condarium.access.passwords import hash_password

    digest = digest_of(secret.reveal())
    _check(store, digest)
    stored = hash_password(password, name=check_account_name(name))
    now = store.now()
    with store.database.note() as facts:
        if not facts.sign_ins.use_secret(digest, _PURPOSE, at=now):
            raise BadFirstSecret
        if facts.principals.administrators():
            raise AdministratorThere
        account = facts.principals.add(PrincipalKind.USER, name, at=now, by=name, password=stored)
        facts.bindings.add(_binding(account.id), at=now, by=name)
        actor = load_actor(facts, account.id, address=address)
        facts.audit.add(
            at=now, actor=actor, action="first sign-in", target=f"user {name}", detail={}
        )
    return actor


def _check(store: Store, digest: str) -> None:
    """Raise BadFirstSecret before a password is hashed for whoever has none."""
    with store.database.read() as facts:
        if not facts.sign_ins.has_secret(digest, _PURPOSE, at=store.now()):
            raise BadFirstSecret


def _binding(principal: str) -> Binding:
    return Binding(
        subject_kind=SubjectKind.PRINCIPAL,
        subject=principal,
        role=Role.ADMINISTRATOR,
        kind=ThingKind.PLATFORM,
    )
