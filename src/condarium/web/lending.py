"""The public list of what is lent: as a page, as JSON and as a feed. Each says the same.

Project names, reasons and names of people are texts of others: every face escapes them.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import groupby
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import msgspec

from condarium.channels.encodings.browsing import Part
from condarium.errors import CondariumError
from condarium.governance.grants.listing import latest, public, public_resources
from condarium.model.actor import Actor
from condarium.model.governance.amounts import say_amount
from condarium.model.governance.listed import ListedGrant, PublicDecision, PublicList
from condarium.model.governance.projects import Project
from condarium.model.governance.resources import Resource
from condarium.model.instants import AsOf, say_instant
from condarium.model.plain import to_plain
from condarium.model.visible import visible
from condarium.storage.store import Store
from condarium.web.rendering import render

_AT_ONCE = 50
_FOR_PROGRAMS = 1000
"""How many grants a page has, for people and for programs."""
_LATEST = 12
_FEED = 50
_NO_XML = re.compile("[\ufffe\uffff\ud800-\udfff]")
"""What XML cannot say, besides control characters."""

_URL = re.compile(r"(https?://[^/\s]+/)[^\s,]+")
"""An address in a condition; a page is shown where it is, programs are given all of it."""


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What of the list is wanted: grants whose resource or project contains `query`, as of `at` (a
    day or an instant in people's words, empty for now), and of a page that one of `number`; of the
    feed, decisions about `project` (empty for all)."""

    query: str = ""
    at: str = ""
    number: int = 1
    project: str = ""


@dataclass(frozen=True, kw_only=True)
class _Line:
    grant: ListedGrant
    conditions: tuple[str, ...]
    used: str
    share: float | None
    """How much of the quota; None where there is none."""


@dataclass(frozen=True, kw_only=True)
class _Group:
    """The grants of a resource that a page shows; None where it is not lent any more."""

    name: str
    resource: Resource | None
    lines: tuple[_Line, ...]

    @property
    def ends(self) -> bool:
        """Whether any of them has an end."""
        return any(each.grant.until for each in self.lines)


def page(
    store: Store, wanted: Wanted, *, actor: Actor, problem: CondariumError | None = None
) -> bytes:
    """The page, as somebody sees it, with what was wrong before. Raises BadInstant."""
    found = _list(store, wanted, actor)
    shown, number, pages = _piece(found.grants, wanted.number, _AT_ONCE)
    resources = public_resources(store, actor=actor)
    text = render(
        "lending.html",
        up="",
        actor=actor,
        problem=(problem.message, problem.hint) if problem else None,
        then=str(AsOf(at=found.at, since=found.since)) if wanted.at else "",
        asked=wanted.at,
        day=found.since or found.at if wanted.at else None,
        part=Part(query=wanted.query, number=number, pages=pages, names=len(found.grants)),
        groups=_groups(shown, {each.name: each for each in resources}),
        resources=resources,
        latest=latest(store, limit=_LATEST, until=found.at, actor=actor),
    )
    return text.encode()


def document(store: Store, wanted: Wanted, *, actor: Actor) -> bytes:
    """A page of the list as JSON, and how many there are. Raises BadInstant."""
    found = _list(store, wanted, actor)
    shown, number, pages = _piece(found.grants, wanted.number, _FOR_PROGRAMS)
    plain = {**to_plain(replace(found, grants=shown)), "page": number, "pages": pages}
    return msgspec.json.encode(plain)


def feed(store: Store, wanted: Wanted, *, url: str, actor: Actor) -> bytes:
    """The last decisions as an Atom 1.0 feed; `url` is where people reach this server.

    Raises BadProject.
    """
    project = Project.parse(wanted.project) if wanted.project else None
    found = latest(store, limit=_FEED, project=project, actor=actor)
    updated = max((each.decision.at for each in found), default=datetime.fromtimestamp(0, UTC))
    entries = [_entry(each) for each in found]
    text = render(
        "lending.atom",
        url=url,
        project=str(project) if project else "",
        updated=say_instant(updated),
        entries=entries,
    )
    return text.encode()


def _list(store: Store, wanted: Wanted, actor: Actor) -> PublicList:
    asked = AsOf.read(wanted.at, store.now()) if wanted.at else None
    at, since = (asked.at, asked.since) if asked else (None, None)
    found = public(store, at=at, since=since, actor=actor)
    query = wanted.query.lower()
    if not query:
        return found
    grants = [each for each in found.grants if query in f"{each.resource} {each.project}".lower()]
    return replace(found, grants=tuple(grants))


def _piece(
    grants: tuple[ListedGrant, ...], number: int, size: int
) -> tuple[tuple[ListedGrant, ...], int, int]:
    """The grants of a page, the last one for a number beyond; which it is, and of how many."""
    pages = max(-(-len(grants) // size), 1)
    number = min(number, pages)
    return grants[(number - 1) * size : number * size], number, pages


def _groups(grants: Iterable[ListedGrant], lent: Mapping[str, Resource]) -> list[_Group]:
    """Grants by their resources, in their order."""
    return [
        _Group(name=name, resource=lent.get(name), lines=tuple(map(_line, of_it)))
        for name, of_it in groupby(grants, key=lambda each: each.resource)
    ]


def _line(grant: ListedGrant) -> _Line:
    used = say_amount(grant.used)
    if grant.quota is not None:
        period = "" if grant.period == "once" else f" a {grant.period}"
        used = f"{used}, quota {say_amount(grant.quota)}{period}"
    share = min(grant.used / grant.quota, 1) if grant.quota else None
    conditions = (*(_URL.sub(r"\1…", each) for each in grant.conditions), *grant.people)
    return _Line(grant=grant, conditions=conditions, used=used, share=share)


def _entry(found: PublicDecision) -> dict[str, Any]:
    made = found.decision
    until = [f"until {say_instant(made.until)}"] if made.until else []
    said = f"{made.reason} ({'; '.join([*made.conditions, *until])})"
    # a grant's number is given once in a store, the instant tells stores apart
    name = f"condarium:grant:{found.grant}:{made.number}:{made.at.isoformat()}"
    return {
        "id": f"urn:uuid:{uuid5(NAMESPACE_URL, name)}",
        "title": _xml(f"{found.resource}: {made.change}, {found.project}"),
        "updated": say_instant(made.at),
        "by": _xml(made.by) or "somebody",
        "change": made.change,
        "summary": _xml(said),
    }


def _xml(text: str) -> str:
    return _NO_XML.sub("\N{REPLACEMENT CHARACTER}", visible(text)).strip()
