"""A request has no other paths: whatever people do to it, in whatever order.

What is expected is a model of its own: who approved, who is what now, and the state that follows.
"""

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, assume, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from tests.support.people import Clock
from tests.support.review import Review

from condarium.errors import NotPermitted
from condarium.governance.requests.reviewing import ApprovedAlready, OwnRequest
from condarium.model.governance.requests import RequestOver
from condarium.settings import Settings
from condarium.storage.store import Store

_PEOPLE = st.sampled_from(["ada", "ben", "cleo", "dan", "eve", "root0"])
_MEMBERS = st.sampled_from(["cleo", "dan", "eve"])
_LENDERS = st.sampled_from(["ben", "cleo", "eve"])
_RULES = [("1 lender",), ("2 lender",), ("1 lender", "1 group:core"), ("2 group:core",)]


class Paths(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        path = Path(self.folder.name)
        self.store = Store(Settings.read({"HOME": str(path)}, store=path / "store"), now=Clock())
        self.lab = Review(self.store)

    @initialize(needs=st.sampled_from(_RULES), asker=_PEOPLE)
    def ask(self, needs: tuple[str, ...], asker: str) -> None:
        self.needs, self.asker = needs, asker
        self.lab.lend("gpu", *needs)
        self.number = self.lab.ask(asker, "gpu")
        self.lenders, self.members = {"ben", "eve", "root0"}, {"dan", "eve"}
        self.approved: set[str] = set()
        self.disabled: set[str] = set()
        self.state, self.steps = "open", 0

    @rule(who=_PEOPLE)
    def approve(self, who: str) -> None:
        assume(who not in self.disabled)  # who is disabled does nothing at all
        again = who in self.approved
        expected = self._refusal(who)
        if expected is None:
            self.approved.add(who)
            if self._fulfilled():
                self.state = "approved"
            elif again:
                expected = ApprovedAlready
        self._take("approve", who, expected)

    @rule(who=_PEOPLE)
    def deny(self, who: str) -> None:
        assume(who not in self.disabled)  # who is disabled does nothing at all
        expected = self._refusal(who)
        if expected is None:
            self.state = "denied"
        self._take("deny", who, expected, reason="no")

    @rule(who=_PEOPLE)
    def withdraw(self, who: str) -> None:
        assume(who not in self.disabled)  # who is disabled does nothing at all
        expected: type[Exception] | None = None
        if self.state != "open":
            expected = RequestOver
        elif who not in (self.asker, "root0"):
            expected = NotPermitted
        else:
            self.state = "withdrawn"
        self._take("withdraw", who, expected)

    @rule(who=_PEOPLE)
    def comment(self, who: str) -> None:
        assume(who not in self.disabled)  # who is disabled does nothing at all
        self._take("comment", who, None, text="hm")

    @rule(who=_LENDERS)
    def turn_lender(self, who: str) -> None:
        """Whoever was none is one, and whoever was one is none."""
        change: Callable[[str, str], None] = (
            self.lab.end_lender if who in self.lenders else self.lab.make_lender
        )
        change(who, "gpu")
        self.lenders ^= {who}

    @rule(who=_MEMBERS)
    def turn_member(self, who: str) -> None:
        (self.lab.leave if who in self.members else self.lab.join)(who)
        self.members ^= {who}

    @precondition(lambda self: self.state == "open")
    @rule(who=st.sampled_from(["ben", "eve"]))
    def turn_account(self, who: str) -> None:
        self.lab.owner(f"user {'enable' if who in self.disabled else 'disable'}", name=who)
        self.disabled ^= {who}

    @invariant()
    def it_is_what_was_decided(self) -> None:
        if not hasattr(self, "number"):
            return
        with self.store.database.read() as facts:
            found = facts.requests.get(self.number)
            grants = facts.grants.all()
        assert found.state == self.state
        assert (found.decided_at is None) is (self.state == "open")
        assert len(found.events) == self.steps
        assert len(grants) == len(found.grants) == (self.state == "approved")

    def teardown(self) -> None:
        self.store.close()
        self.folder.cleanup()

    def _refusal(self, who: str) -> type[Exception] | None:
        if self.state != "open":
            return RequestOver
        if who == self.asker:
            return OwnRequest
        lends = who in self.lenders and any("lender" in each for each in self.needs)
        member = who in self.members and any("core" in each for each in self.needs)
        return None if lends or member else NotPermitted

    def _fulfilled(self) -> bool:
        """By counting: at most two needs, so that three sets tell."""
        valid = self.approved - self.disabled - {self.asker}
        lends, member = valid & self.lenders, valid & self.members
        match self.needs:
            case ("1 lender",):
                return len(lends) >= 1
            case ("2 lender",):
                return len(lends) >= 2
            case ("2 group:core",):
                return len(member) >= 2
            case _:
                return bool(lends) and bool(member) and len(lends | member) >= 2

    def _take(self, step: str, who: str, expected: type[Exception] | None, **given: Any) -> None:
        try:
            self.lab(who)(f"request {step}", request=self.number, **given)
        except (RequestOver, NotPermitted, OwnRequest, ApprovedAlready) as error:
            assert type(error) is expected  # noqa: PT017 - which one is what is tested
        else:
            assert expected is None
            self.steps += 1


Paths.TestCase.settings = settings(
    max_examples=15,
    stateful_step_count=25,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
    phases=[Phase.generate],  # each step is a transaction or two: shrinking takes minutes
)
TestPaths = Paths.TestCase
