"""Requesting: what somebody asks for is checked at once, and all that is wrong is said together."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from condarium.errors import Conflict
from condarium.governance.requests import checks
from condarium.governance.requests.approvers import require_reaching
from condarium.governance.requests.identifying import identified
from condarium.governance.requests.requests import detail_of
from condarium.model.actor import Actor, Permission
from condarium.model.governance.projects import with_id
from condarium.model.governance.requests import (
    Draft,
    Finding,
    Request,
    RequestChecked,
    RequestDetail,
)
from condarium.storage.store import Store

_SHOWN = 500
"""How much of a purpose the audit entry tells, in characters."""


class RequestStopped(Conflict):
    """The request cannot be made: `findings` say all that stops it."""

    def __init__(self, findings: Iterable[Finding]) -> None:
        self.findings = tuple(findings)
        said = "".join(f"\n  {_said(each)}" for each in self.findings)
        super().__init__(
            f"the request cannot be made:{said}",
            hint="`condarium request check` says the same, and asks for nothing.",
        )


def check(store: Store, draft: Draft, *, actor: Actor) -> RequestChecked:
    """Check a request without asking: the same findings as `create` has."""
    _require(actor, "request check", draft)
    found, named = identified(store, draft, actor)
    with store.database.read() as facts:
        findings = checks.all_findings(facts, found, actor, store.now())
    return RequestChecked(draft=found, findings=(*named, *findings))


def create(store: Store, draft: Draft, *, actor: Actor) -> RequestDetail:
    """Ask, if nothing stops it. Raises RequestStopped."""
    _require(actor, "request create", draft)
    found, named = identified(store, draft, actor)
    at = store.now()
    said = {"resources": ", ".join(found.resources), "reason": found.purpose[:_SHOWN]}
    with store.database.change(actor, "request create", with_id(found.project), said) as facts:
        # of two who ask for the same at once, the second one sees the first one's request
        facts.resources.hold(found.resources)
        findings = [*named, *checks.all_findings(facts, found, actor, at)]
        if stops := [each for each in findings if each.stops]:
            raise RequestStopped(stops)
        made = facts.requests.add(_request(found, actor, at))
        said["request"] = str(made.id)
        return replace(detail_of(facts, made, actor, at), findings=tuple(findings))


def _require(actor: Actor, what: str, draft: Draft) -> None:
    """Whoever is signed in may ask, with a token that reaches what they ask for."""
    require_reaching(actor, what, draft.resources, Permission.SIGNED_IN)


def _request(draft: Draft, actor: Actor, at: datetime) -> Request:
    return Request(
        id=0,
        asked=draft.asked,
        project=draft.project,
        resources=draft.resources,
        purpose=draft.purpose,
        duration=draft.duration,
        use=draft.use,
        lending=draft.lending,
        at=at,
        by=actor.name,
        principal=actor.who.id,
    )


def _said(finding: Finding) -> str:
    return f"{finding}. {finding.hint}".rstrip(" ")
