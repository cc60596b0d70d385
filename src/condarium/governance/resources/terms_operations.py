"""The operations on terms on which something is lent, and on who accepted them.

Work is imported where an operation runs, so that help is shown without a database.
"""

from typing import Annotated

from condarium.model.actor import Actor, Permission
from condarium.model.document import Document
from condarium.model.governance.report import (
    TermsAccepted,
    TermsDetail,
    TermsListed,
    TermsPublished,
)
from condarium.model.governance.resources import Acceptance
from condarium.model.paging import Page
from condarium.operation import Argument, Cursor, PageSize, Where, operation
from condarium.storage.store import Store

_TermsName = Annotated[str, Argument("the name of the terms", metavar="TERMS")]
_Version = Annotated[int | None, Argument("this version; by default the newest", metavar="N")]
_Why = Annotated[str, Argument("why, for the audit log", "-m", metavar="TEXT")]


@operation("terms publish", permission=Permission.RESOURCE_LEND, changes=True, where=Where.INSIDE)
def terms_publish(
    store: Store,
    name: _TermsName,
    document: Annotated[
        Document, Argument("the text, such as Markdown", "-f", positional=False, metavar="FILE")
    ],
    *,
    reason: _Why = "",
    actor: Actor,
) -> TermsPublished:
    """Publish the next version of terms, which has to be accepted anew before jobs are admitted.

    The same text again changes nothing. Administrators may, and those who lend all that is lent on
    these terms. Everybody can read terms.

    Raises BadName, BadTerms.
    """
    from condarium.governance.resources import terms

    return terms.publish(store, name, document, reason=reason, actor=actor)


@operation("terms list", permission=Permission.RESOURCE_READ, where=Where.INSIDE)
def terms_list(store: Store, *, limit: PageSize = None, cursor: Cursor = None) -> Page[TermsListed]:
    """List terms by name, with the version that holds and how many people accepted it."""
    from condarium.governance.resources import terms

    return terms.list_(store, limit=limit, cursor=cursor)


@operation("terms show", permission=Permission.RESOURCE_READ, where=Where.INSIDE)
def terms_show(
    store: Store, name: _TermsName, *, version: _Version = None, actor: Actor
) -> TermsDetail:
    """Show the text of terms, what is lent on them, and how many people accepted which version."""
    from condarium.governance.resources import terms

    return terms.show(store, name, version, actor=actor)


@operation("terms accept", permission=Permission.SIGNED_IN, changes=True)
def terms_accept(
    store: Store,
    name: _TermsName,
    *,
    version: _Version = None,
    person: Annotated[
        str | None,
        Argument(
            "note that somebody else did, as one who lends: github:LOGIN#ID or user:NAME",
            metavar="WHO",
        ),
    ] = None,
    actor: Actor,
) -> TermsAccepted:
    """Accept terms, oneself: under one's account here, and those elsewhere that are linked to it.

    Who keeps the terms may note an acceptance that was given elsewhere; the audit log says who did.
    Raises NoSuchTerms, PersonUnknown.
    """
    from condarium.governance.resources import terms

    return terms.accept(store, name, version=version, person=person, actor=actor)


@operation("terms acceptances", permission=Permission.RESOURCE_LEND, where=Where.INSIDE)
def terms_acceptances(
    store: Store,
    name: _TermsName,
    *,
    version: Annotated[int | None, Argument("only of this version", metavar="N")] = None,
    limit: PageSize = None,
    cursor: Cursor = None,
    actor: Actor,
) -> Page[Acceptance]:
    """List who accepted terms, for those who keep them and for auditors."""
    from condarium.governance.resources import terms

    return terms.acceptances(store, name, version=version, limit=limit, cursor=cursor, actor=actor)
