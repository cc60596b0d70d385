"""Requests: a project asks for resources, others say yes or no, and one decision is made of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from condarium.errors import Conflict
from condarium.model.governance.grants import Lending
from condarium.model.governance.projects import Project


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
