"""Ids for those whom grants know by name alone: they may use nothing until they have one."""

from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from condarium.governance.grants.granting import decide_in
from condarium.governance.planning.importing import resolve_names
from condarium.governance.planning.naming import Ids, everybody
from condarium.governance.planning.present import grant_said, hold, present
from condarium.model.actor import Actor
from condarium.model.document import Document
from condarium.model.governance.grants import Grant, GrantChange
from condarium.model.governance.planned import NamesResolved
from condarium.model.governance.projects import with_id
from condarium.storage.store import Store

if TYPE_CHECKING:
    from condarium.storage.facts import Facts

_REASON = "names became ids"


def resolve(store: Store, *, ids: Document | None, actor: Actor) -> NamesResolved:
    """Find the ids of all who have none: in a file, here, and at GitHub where that is configured.

    An id that is known is never changed. Raises BadIds.
    """
    given = Ids.read(ids) if ids is not None else Ids()
    with store.database.read() as facts:
        grants = present(facts, store.now()).grants
    names = [
        who
        for who in everybody(map(grant_said, grants))
        if who.id is None and given.identify(who).id is None
    ]
    asked, said = resolve_names(store, names)
    found = Ids({**asked.known, **given.known})
    if not found.known:
        return _answer(grants, Ids(), said)
    with store.database.change(actor, "access resolve", "grants", {}) as facts:
        hold(facts)
        grants = present(facts, store.now()).grants
        for grant in sorted(grants, key=lambda each: (each.resource, each.id)):
            _identify(facts, grant, found, actor, store.now())
    return _answer(grants, found, said)


def _identify(facts: "Facts", grant: Grant, ids: Ids, actor: Actor, at: datetime) -> None:
    said = grant_said(grant)
    named = ids.fill(said)
    if named.project.id is not None and grant.project.id is None:
        facts.grants.identify(grant.id, named.project.id)
    if named.lending != said.lending:
        lending = replace(grant.lending, conditions=named.lending.conditions)
        decide_in(facts, grant.id, GrantChange.CHANGED, lending, actor=actor, reason=_REASON, at=at)


def _answer(grants: tuple[Grant, ...], ids: Ids, said: list[str]) -> NamesResolved:
    nameless = [who for who in everybody(map(grant_said, grants)) if who.id is None]
    named = [ids.identify(who) for who in nameless]
    return NamesResolved(
        found=tuple(sorted(with_id(who) for who in named if who.id is not None)),
        unknown=tuple(sorted(str(who) for who in named if who.id is None)),
        warnings=tuple(said),
    )
