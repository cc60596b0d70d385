"""Import: requests of conda-forge and the files of Cirun are laid onto what is lent."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from condarium.errors import CondariumError
from condarium.governance.files.comparing import changes
from condarium.governance.files.parts import Part, shown_name
from condarium.governance.files.recognising import read_parts
from condarium.governance.files.state import State
from condarium.governance.grants.granting import ResourceRetired
from condarium.governance.planning.applying import Applying, audit_detail
from condarium.governance.planning.meaning import meant
from condarium.governance.planning.naming import Ids, everybody
from condarium.governance.planning.planning import Undone, unknown
from condarium.governance.planning.present import Present, hold, present
from condarium.model.actor import Actor
from condarium.model.document import Document
from condarium.model.governance.planned import Imported
from condarium.model.governance.projects import Person, Project
from condarium.storage.store import Store

if TYPE_CHECKING:
    from condarium.storage.facts import Facts


@dataclass(frozen=True, kw_only=True)
class Files:
    """What files ask for, the names that they are called by, and the ids that go with it."""

    part: Part
    names: tuple[str, ...]
    ids: Ids
    warnings: tuple[str, ...]


def import_(
    store: Store,
    documents: Iterable[Document],
    *,
    organisation: str,
    ids: Document | None,
    dry_run: bool,
    actor: Actor,
) -> Imported:
    """Grant and revoke what files ask for; what they do not speak of stays as it is.

    Files that were imported already change nothing. Raises BadAccessFile, BadIds, ResourceRetired,
    and what making a resource or a grant raises.
    """
    files = _read(store, tuple(documents), organisation, ids)
    if not dry_run:
        detail: dict[str, str] = {}
        target = ", ".join(files.names)[:255]
        with store.database.change(actor, "access import", target, detail) as facts:
            return _lay(facts, files, store.now(), actor, detail)
    found: list[Imported] = []
    try:
        with store.database.note() as facts:
            found.append(_lay(facts, files, store.now(), actor, None))
            raise Undone
    except Undone:
        return found[0]


def resolve_names(store: Store, who: Iterable[Project | Person]) -> tuple[Ids, list[str]]:
    """Ask for the ids of names, one by one; a name that is not there is no reason to stop.

    Give the ids, and what there is to say.
    """
    from condarium.governance.github.resolving import resolve

    found, said = dict[str, str](), []
    for each in who:
        if each.id is not None:
            continue
        try:
            if isinstance(each, Project):
                named: Project | Person = resolve(store, projects=[each]).projects[0]
            else:
                named = resolve(store, people=[each]).people[0]
        except CondariumError as error:
            said.append(f"{each}: {error.message}")
            continue
        if named.id is not None:
            found[str(each).lower()] = named.id
            if str(named).lower() != str(each).lower():
                said.append(f"{each} is called {named} now")
    return Ids(found), said


def _read(
    store: Store, documents: tuple[Document, ...], organisation: str, ids: Document | None
) -> Files:
    part = read_parts(documents, organisation=organisation)
    given = Ids.read(ids) if ids is not None else Ids()
    with store.database.read() as facts:
        there = present(facts, store.now())
    wanted = _wanted(part, there, given, store.now())
    new = [each for each in everybody(wanted.grants) if each.id is None]
    asked, said = resolve_names(store, new)
    return Files(
        part=part,
        names=tuple(shown_name(each.name) for each in documents),
        ids=Ids({**asked.known, **given.known}),
        warnings=(*part.warnings, *said),
    )


def _lay(
    facts: "Facts", files: Files, now: datetime, actor: Actor, detail: dict[str, str] | None
) -> Imported:
    hold(facts)
    there = present(facts, now)
    _check_lent(files.part, there)
    wanted = _wanted(files.part, there, files.ids, now)
    reason = f"imported from {', '.join(files.names)}"[:500]
    applying = Applying(facts=facts, actor=actor, at=now, reason=reason)
    revoked = applying.apply(wanted, there, running=False)
    if detail is not None:
        detail |= audit_detail(reason, revoked)
    return Imported(
        files=len(files.names),
        changes=changes(there.state, wanted),
        dry_run=detail is None,
        warnings=(*files.warnings, *unknown(wanted)),
    )


def _wanted(part: Part, there: Present, ids: Ids, now: datetime) -> State:
    wanted = meant(part.onto(there.state), there, now)
    grants = (ids.fill(each) for each in wanted.grants)
    return State.of(terms=wanted.terms, resources=wanted.resources, grants=grants)


def _check_lent(part: Part, there: Present) -> None:
    for each in part.resources:
        was = there.resources.get(each.name)
        if was is not None and was.retired_at is not None:
            raise ResourceRetired(each.name)
