"""Terms of service: published in versions, and accepted by people, version by version."""

from condarium.errors import BadArguments, BadInput
from condarium.governance.resources.rights import require_keeping
from condarium.model.access.decisions import PLATFORM
from condarium.model.access.permissions import ThingKind
from condarium.model.actor import Actor, Permission
from condarium.model.document import Document
from condarium.model.governance.projects import Person, PersonKind, with_id
from condarium.model.governance.report import (
    TermsAccepted,
    TermsDetail,
    TermsListed,
    TermsPublished,
    VersionAccepted,
)
from condarium.model.governance.resources import Acceptance, check_name
from condarium.model.paging import Page, decode_cursor, page_of, read_limit
from condarium.storage.store import Store

_LARGEST = 1_000_000


class BadTerms(BadInput):
    """A document cannot be terms."""

    def __init__(self, source: str, found: str) -> None:
        self.source, self.found = source, found
        super().__init__(
            f"{source}: found {found}; expected a text in UTF-8 of at most {_LARGEST:,} bytes"
        )


class PersonUnknown(BadInput):
    """A person is known by name alone, which may be somebody else's tomorrow."""

    def __init__(self, person: Person) -> None:
        self.person = str(person)
        super().__init__(
            f"the id of {person} is not known",
            hint="There is no user of that name here."
            if person.kind is PersonKind.USER
            else f"Write it behind the name: {person}#ID (https://api.github.com/users/"
            f"{person.name} says it), or have a token for GitHub configured.",
        )


def publish(
    store: Store, name: str, document: Document, *, reason: str, actor: Actor
) -> TermsPublished:
    """Publish the next version, which has to be accepted anew, where the text is another one.

    Administrators may, and those who lend every resource with these terms. Raises BadName,
    BadTerms, NotPermitted.
    """
    check_name(name)
    text = _text(document)
    detail = {"reason": reason} if reason else {}
    with store.database.change(actor, "terms publish", name, detail) as facts:
        require_keeping(facts, name, actor)
        before = facts.terms.find(name)
        published = facts.terms.publish(name, text, at=store.now(), by=actor.name)
        detail |= {"version": str(published.version), "digest": published.digest}
    return TermsPublished(terms=published, changed=published != before)


def list_(store: Store, *, limit: int | None, cursor: str | None) -> Page[TermsListed]:
    """Terms by name, with the version that holds."""
    (after,) = decode_cursor(cursor, str) if cursor else ("",)
    size = read_limit(limit)
    with store.database.read() as facts:
        found = facts.terms.all(after=str(after), limit=size + 1 if size else None)
        listed = [
            TermsListed(
                name=each.name,
                version=each.version,
                digest=each.digest,
                published_at=each.published_at,
                published_by=each.published_by,
                accepted=facts.terms.counts(each.name).get(each.version, 0),
            )
            for each in found
        ]
    return page_of(listed, size, [(each.name,) for each in listed])


def show(store: Store, name: str, version: int | None, *, actor: Actor) -> TermsDetail:
    """A version, or the one that holds, and how many people accepted which. Raises NoSuchTerms."""
    readable = actor.names_where(Permission.RESOURCE_READ, ThingKind.RESOURCE)
    with store.database.read() as facts:
        newest, terms = facts.terms.get(name), facts.terms.get(name, version)
        me = _person_of(actor)
        accepted = facts.terms.accepted(name, [me.key]) if me and me.key else None
        return TermsDetail(
            terms=terms,
            newest=newest.version,
            accepted=tuple(
                VersionAccepted(version=number, people=people)
                for number, people in facts.terms.counts(name).items()
            ),
            resources=tuple(
                each.name for each in facts.resources.all(terms=name, readable=readable)
            ),
            by_me=None
            if accepted is None
            else terms.version in {number for _, number, _ in accepted},
        )


def accept(
    store: Store, name: str, *, version: int | None, person: str | None, actor: Actor
) -> TermsAccepted:
    """Accept terms, by oneself and so for all linked accounts, or note that a `person` did.

    What was accepted for a linked account holds as long as the link. Without a version it is the
    one that holds. Raises NoSuchTerms, NotPermitted, BadPerson, PersonUnknown, AnotherId.
    """
    somebody = None if person is None else _somebody(store, name, person, actor)
    detail = {"people": "", **({} if person is None else {"recorded-by": actor.name})}
    now = store.now()
    with store.database.change(actor, "terms accept", name, detail) as facts:
        newest, terms = facts.terms.get(name), facts.terms.get(name, version)
        first = somebody or _themselves(actor)
        linked = [] if somebody or first.id is None else facts.identities.of(first.id)
        new = int(facts.terms.accept(first, name, terms.version, at=now))
        for each in linked:
            new += facts.terms.accept(each, name, terms.version, at=now, through=first.id)
        people = (first, *linked)
        detail |= {"people": ", ".join(map(with_id, people)), "version": str(terms.version)}
    return TermsAccepted(
        terms=name, version=terms.version, newest=newest.version, people=people, new=new
    )


def acceptances(
    store: Store,
    name: str,
    *,
    version: int | None,
    limit: int | None,
    cursor: str | None,
    actor: Actor,
) -> Page[Acceptance]:
    """Who accepted terms, for those who keep them and for auditors."""
    after = decode_cursor(cursor, int, str) if cursor else (0, "")
    size = read_limit(limit)
    with store.database.read() as facts:
        if not actor.may(Permission.ACCESS_READ, PLATFORM):
            require_keeping(facts, name, actor)
        facts.terms.get(name, version)
        found = facts.terms.acceptances(
            name,
            version,
            after=(int(after[0]), str(after[1])),
            limit=size + 1 if size else None,
        )
    return page_of(found, size, [(each.version, each.person.key or "") for each in found])


def identified(store: Store, text: str) -> Person:
    """The person of this name with their id, asked for at GitHub where that is configured.

    Raises BadPerson, PersonUnknown, and what `resolving.identify` raises.
    """
    from condarium.governance.github.resolving import identify

    (person,) = identify(store, people=[Person.parse(text)]).people
    if person.id is None:
        raise PersonUnknown(person)
    return person


def _themselves(actor: Actor) -> Person:
    person = _person_of(actor)
    if person is None:
        raise BadArguments(
            "who accepts? Whoever owns the store is nobody in particular",
            hint="Sign in as the person who accepts, or name them: --person user:ada",
        )
    return person


def _somebody(store: Store, name: str, text: str, actor: Actor) -> Person:
    with store.database.read() as facts:
        require_keeping(facts, name, actor)
    return identified(store, text)


def _person_of(actor: Actor) -> Person | None:
    if actor.principal is None or actor.principal.id is None:
        return None
    return Person(kind=PersonKind.USER, name=actor.name, id=actor.principal.id)


def _text(document: Document) -> str:
    if len(document.content) > _LARGEST:
        raise BadTerms(document.name, f"{len(document.content):,} bytes")
    try:
        text = document.content.decode().replace("\r\n", "\n").strip()
    except UnicodeDecodeError as error:
        raise BadTerms(document.name, f"a byte that is none at {error.start}") from None
    if not text or "\0" in text:
        raise BadTerms(document.name, "a NUL" if text else "nothing")
    return f"{text}\n"
