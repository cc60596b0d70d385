"""Who the accounts here are elsewhere: linked, and unlinked, by administrators."""

from condarium.errors import BadArguments
from condarium.governance.resources.terms import identified
from condarium.model.access.accounts import Account
from condarium.model.actor import Actor
from condarium.model.governance.projects import Person, PersonKind, with_id
from condarium.model.governance.report import IdentityChanged
from condarium.storage.store import Store


def link(store: Store, name: str, person: str, *, actor: Actor) -> IdentityChanged:
    """Note that an account here is somebody elsewhere, who has one such account at most.

    It may be another account here as well (`user:NAME`), where somebody has two: both are one
    reviewer then. Raises NoSuchPrincipal, BadPerson, PersonUnknown, IdentityTaken.
    """
    found = identified(store, person)
    detail = {"person": with_id(found)}
    with store.database.change(actor, "user link", name, detail) as facts:
        account = facts.principals.get(name)
        _check_another(account, found)
        changed = facts.identities.link(found, account.id, at=store.now(), by=actor.name)
    return IdentityChanged(principal=account.name, person=found, linked=True, changed=changed)


def unlink(store: Store, name: str, person: str, *, actor: Actor) -> IdentityChanged:
    """Forget that an account here is somebody elsewhere, and what was accepted for them by it.

    A person may be named without the id, as `user show` says them. Raises NoSuchPrincipal,
    BadPerson.
    """
    wanted = Person.parse(person)
    detail = {"person": with_id(wanted)}
    with store.database.change(actor, "user unlink", name, detail) as facts:
        account = facts.principals.get(name)
        linked = facts.identities.of(account.id)
        found = next((each for each in linked if _is(each, wanted)), wanted)
        changed = found.key is not None and facts.identities.unlink(found.key, account.id)
        if changed and found.key:
            detail["acceptances"] = str(facts.terms.end_through(found.key, account.id))
    return IdentityChanged(principal=account.name, person=found, linked=False, changed=changed)


def _is(person: Person, wanted: Person) -> bool:
    if wanted.key is None:
        return (person.kind, person.name.lower()) == (wanted.kind, wanted.name.lower())
    return person.key == wanted.key


def _check_another(account: Account, person: Person) -> None:
    if person.kind is PersonKind.USER and person.id == account.id:
        raise BadArguments(
            f"{person} is that account itself; expected somebody elsewhere, as github:ada#123, "
            "or another account here"
        )
