"""Requests: a project asks for resources, others say yes or no, and one decision is made of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from condarium.errors import Conflict
from condarium.model.governance.grants import Lending
from condarium.model.governance.projects import Project
from condarium.model.governance.review import Standing


class RequestState(StrEnum):
    OPEN = "open"
    APPROVED = "approved"
    DENIED = "denied"
    WITHDRAWN = "withdrawn"

    @property
    def ended(self) -> bool:
        return self is not RequestState.OPEN


class Step(StrEnum):
    """What somebody does to a request."""

    COMMENT = "comment"
    APPROVE = "approve"
    DENY = "deny"
    WITHDRAW = "withdraw"


class Asked(StrEnum):
    """What a request is for."""

    USE = "use"
    REVOKE = "revoke"
    """To take away what the project has of the resources."""


@dataclass(frozen=True, kw_only=True)
class RequestEvent:
    """A step of somebody, by its number within the request (from 1).

    `principal` is their id, None for the store's owner.
    """

    number: int
    at: datetime
    step: Step
    by: str
    principal: str | None
    text: str = ""


@dataclass(frozen=True, kw_only=True)
class Request:
    """What a project asks for: each of `resources`, for the same purpose, on the same lending.

    `duration` is for how long from the approval, None until it is revoked. `use` is how many
    microcredits a month are expected. `by` is who asked, `principal` their id.
    """

    id: int
    asked: Asked = Asked.USE
    project: Project
    resources: tuple[str, ...]
    purpose: str
    duration: timedelta | None = None
    use: int | None = None
    lending: Lending
    state: RequestState = RequestState.OPEN
    at: datetime
    by: str
    principal: str | None = None
    decided_at: datetime | None = None
    events: tuple[RequestEvent, ...] = ()
    grants: tuple[int, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Draft:
    """What somebody is about to ask for; its fields are those of a Request."""

    asked: Asked = Asked.USE
    project: Project
    resources: tuple[str, ...]
    purpose: str
    duration: timedelta | None = None
    use: int | None = None
    lending: Lending


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What came up when a request was checked; where it `stops`, the request cannot be made.

    `about` is the part that it is about, such as `project` or `resource gpu-a100`.
    """

    stops: bool
    about: str
    text: str
    hint: str = ""

    def __str__(self) -> str:
        return f"{self.about}: {self.text}"


@dataclass(frozen=True, kw_only=True)
class RequestChecked:
    """A draft with the ids that were found, and all that came up."""

    draft: Draft
    findings: tuple[Finding, ...] = ()

    @property
    def ok(self) -> bool:
        return not any(each.stops for each in self.findings)


@dataclass(frozen=True, kw_only=True)
class RequestDetail:
    """A request and how far its review is; `standing` is None where that is over.

    `conditions` are in words. The people that they name are shown to whoever asked or may review:
    for others the request has none. `findings` are what came up as it was made, and later on, for
    those people, what an approval would change, or has changed.
    """

    request: Request
    conditions: tuple[str, ...] = ()
    standing: Standing | None = None
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, kw_only=True)
class RequestLine:
    """A request in a list; `project` has its id behind it, where that is known."""

    id: int
    asked: Asked
    project: str
    resources: tuple[str, ...]
    purpose: str
    state: RequestState
    at: datetime
    by: str
    decided_at: datetime | None = None


class RequestOver(Conflict):
    """The request was decided, or withdrawn: nothing more can be done to it."""

    def __init__(self, request: int, state: RequestState) -> None:
        self.request, self.state = request, state
        super().__init__(
            f"request {request} is {state} already",
            hint="Ask anew: `condarium request create`. A grant is ended by `condarium grant "
            "revoke`.",
        )


TRANSITIONS: Mapping[tuple[RequestState, Step], tuple[RequestState, ...]] = {
    (RequestState.OPEN, Step.COMMENT): (RequestState.OPEN,),
    (RequestState.OPEN, Step.APPROVE): (RequestState.OPEN, RequestState.APPROVED),
    (RequestState.OPEN, Step.DENY): (RequestState.DENIED,),
    (RequestState.OPEN, Step.WITHDRAW): (RequestState.WITHDRAWN,),
    **{
        (ended, Step.COMMENT): (ended,)
        for ended in (RequestState.APPROVED, RequestState.DENIED, RequestState.WITHDRAWN)
    },
}
"""The states that a step may lead to; there are no other paths. An approval is the last one once
the rules of all resources hold."""


def check_step(request: Request, step: Step) -> None:
    """Raise RequestOver where the step leads nowhere from the state that the request is in."""
    if (request.state, step) not in TRANSITIONS:
        raise RequestOver(request.id, request.state)
