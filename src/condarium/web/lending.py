"""The public list of what is lent: as a page, as JSON and as a feed. Each says the same.

Project names, reasons and names of people are texts of others: every face escapes them.
"""

import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import msgspec

from condarium.channels.encodings.browsing import Part
from condarium.governance.grants.listing import latest, public, public_resources
from condarium.model.actor import Actor
from condarium.model.governance.amounts import say_amount
from condarium.model.governance.listed import ListedGrant, PublicDecision, PublicList
from condarium.model.instants import read_instant, say_instant
from condarium.model.plain import to_plain
from condarium.model.visible import visible
from condarium.storage.store import Store
from condarium.web.rendering import render

_AT_ONCE = 100
_LATEST = 12
_FEED = 50
_NO_XML = re.compile("[\ufffe\uffff\ud800-\udfff]")
"""What XML cannot say, besides control characters."""


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What of the list is wanted: grants whose resource or project contains `query`, as of `at` (an
    instant in people's words, empty for now), and of a page that one of `number`."""

    query: str = ""
    at: str = ""
    number: int = 1


@dataclass(frozen=True, kw_only=True)
class _Line:
    grant: ListedGrant
    conditions: str
    used: str
    share: float | None
    """How much of the quota, or of the most that anybody used; None where that is nothing."""


def page(store: Store, wanted: Wanted, *, actor: Actor) -> bytes:
    """The page, as somebody sees it. Raises BadInstant."""
    found = _list(store, wanted, actor)
    pages = max(-(-len(found.grants) // _AT_ONCE), 1)
    number = min(wanted.number, pages)
    shown = found.grants[(number - 1) * _AT_ONCE : number * _AT_ONCE]
    most = max((each.used for each in found.grants), default=0)
    text = render(
        "lending.html",
        up="",
        actor=actor,
        at=found.at if wanted.at else None,
        asked=wanted.at,
        part=Part(query=wanted.query, number=number, pages=pages, names=len(found.grants)),
        lines=[_line(each, most) for each in shown],
        resources=public_resources(store, actor=actor),
        latest=latest(store, limit=_LATEST, until=found.at, actor=actor),
    )
    return text.encode()


def document(store: Store, wanted: Wanted, *, actor: Actor) -> bytes:
    """The list as JSON, whole. Raises BadInstant."""
    return msgspec.json.encode(to_plain(_list(store, wanted, actor)))


def feed(store: Store, *, url: str, actor: Actor) -> bytes:
    """The last decisions as an Atom 1.0 feed; `url` is where people reach this server."""
    found = latest(store, limit=_FEED, actor=actor)
    updated = max((each.decision.at for each in found), default=datetime.fromtimestamp(0, UTC))
    entries = [_entry(each) for each in found]
    text = render("lending.atom", url=url, updated=say_instant(updated), entries=entries)
    return text.encode()


def _list(store: Store, wanted: Wanted, actor: Actor) -> PublicList:
    at = read_instant(wanted.at, store.now()) if wanted.at else None
    found = public(store, at=at, actor=actor)
    query = wanted.query.lower()
    if not query:
        return found
    grants = [each for each in found.grants if query in f"{each.resource} {each.project}".lower()]
    return replace(found, grants=tuple(grants))


def _line(grant: ListedGrant, most: int) -> _Line:
    used, whole = say_amount(grant.used), grant.quota or most
    if grant.quota is not None:
        period = "" if grant.period == "once" else f" a {grant.period}"
        used = f"{used}, quota {say_amount(grant.quota)}{period}"
    conditions = "; ".join([*grant.conditions, *grant.people])
    share = min(grant.used / whole, 1) if whole else None
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
