"""Laws of the ledger: it balances after anything, in any order, and after any crash."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from sqlalchemy import event
from tests.support.ledger import FIT, NOON, OTHER, admit, budget, check_laws, lent, opened

from condarium.model.governance.amounts import CREDIT, Period
from condarium.model.governance.ledger import purses
from condarium.model.governance.resources import Resource
from condarium.storage.database import Database
from condarium.storage.facts import Facts
from condarium.storage.governance.till import BudgetSpent
from condarium.storage.sqlite import sqlite_url

_NAMES = count(1)
CREDITS = st.integers(0, 6)


class Crash(BaseException):
    """The process is gone: what it would have done next, it does not."""


@contextmanager
def crashing(database: Database, statement: int) -> Iterator[None]:
    """Crash before so many statements of the next units of work."""
    left = [statement]

    def count_down(*_: object) -> None:
        left[0] -= 1
        if left[0] < 0:
            raise Crash

    event.listen(database._writing, "before_cursor_execute", count_down)
    try:
        yield
    finally:
        event.remove(database._writing, "before_cursor_execute", count_down)


class Laws(RuleBasedStateMachine):
    """Donors give and take back, jobs are admitted and end; time goes on; units of work crash."""

    database: Database

    def __init__(self) -> None:
        super().__init__()
        self.name, self.now = f"gpu{next(_NAMES)}", NOON
        self.open: dict[int, int] = {}
        self.ended: dict[int, int] = {}
        self.crash_at: int | None = None
        with self.database.note() as facts:
            lent(facts, budget("first", 5), name=self.name)

    @rule(statement=st.integers(0, 20))
    def crash_in_the_next_one(self, statement: int) -> None:
        self.crash_at = statement

    @rule(hours=st.sampled_from([1, 24, 24 * 25]))
    def go_on(self, hours: int) -> None:
        self.now += timedelta(hours=hours)

    @rule(
        donor=st.sampled_from(["acme", "bank"]),
        credits_=CREDITS,
        period=st.sampled_from(Period),
        days=st.none() | st.integers(1, 40),
    )
    def give(self, donor: str, credits_: int, period: Period, days: int | None) -> None:
        ends = self.now + timedelta(days=days) if days else None
        added = budget(donor, credits_, period=period, starts_at=self.now, ends_at=ends)

        def work(facts: Facts) -> None:
            resource = facts.resources.get(self.name)
            facts.resources.add_budget(resource, added, at=self.now, by="ada")

        self._do(work)

    @rule(choice=st.integers(0, 9))
    def take_back(self, choice: int) -> None:
        def work(facts: Facts) -> None:
            budgets = facts.resources.get(self.name).budgets
            number = budgets[choice % len(budgets)].id
            facts.resources.end_budget(number, at=self.now)
            facts.ledger.withdraw(number, at=self.now)

        self._do(work)

    @rule(credits_=CREDITS, project=st.sampled_from([FIT, OTHER]))
    def admit(self, credits_: int, project: Any) -> None:
        with self.database.read() as facts:
            resource = facts.resources.get(self.name)
            enough = credits_ == 0 or self._most(facts, resource) >= credits_ * CREDIT
        try:
            number = self._do(
                lambda facts: admit(
                    facts, credits_, resource=self.name, project=project, at=self.now
                )
            )
        except BudgetSpent:
            assert not enough
        else:
            if number is not None:
                assert enough
                self.open[number] = credits_ * CREDIT

    @rule(choice=st.integers(0, 99), credits_=CREDITS)
    def settle(self, choice: int, credits_: int) -> None:
        if not self.open:
            return
        number = sorted(self.open)[choice % len(self.open)]
        cost = credits_ * CREDIT // 2
        charged = self._do(lambda facts: facts.ledger.settle(number, cost, at=self.now))
        if charged is not None:
            assert charged == min(cost, self.open.pop(number))
            self.ended[number] = charged

    @rule(choice=st.integers(0, 99), credits_=CREDITS)
    def settle_again(self, choice: int, credits_: int) -> None:
        if self.ended:
            number = sorted(self.ended)[choice % len(self.ended)]
            charged = self._do(lambda facts: facts.ledger.settle(number, credits_, at=self.now))
            assert charged in (None, self.ended[number])

    @invariant()
    def all_is_accounted_for(self) -> None:
        with self.database.read() as facts:
            check_laws(facts)
            accounts = facts.ledger.balances([self.name])
        held = sum(each.balance for each in accounts if each.kind == "reserved")
        used = sum(each.balance for each in accounts if each.kind == "used")
        assert (held, used) == (sum(self.open.values()), sum(self.ended.values()))

    def _most(self, facts: Facts, resource: Resource) -> int:
        """The most that one job may cost now: of each budget that holds, what is left of it."""
        held: dict[tuple[int, datetime | None], int] = {}
        for each in facts.ledger.balances([self.name]):
            if each.kind == "budget" and each.budget is not None:
                held[each.budget, each.period] = each.balance
        now = purses(resource.budgets, self.now)
        return max((held.get((p.budget.id, p.begins), p.budget.amount) for p in now), default=-1)

    def _do(self, work: Callable[[Facts], Any]) -> Any:
        """Do it in a unit of work; None where that crashed, and then nothing of it was done."""
        crash_at, self.crash_at = self.crash_at, None
        if crash_at is None:
            with self.database.note() as facts:
                return work(facts)
        before = self._all()
        with (
            suppress(Crash),
            crashing(self.database, crash_at),
            self.database.note() as facts,
        ):
            work(facts)
            raise Crash
        assert self._all() == before
        return None

    def _all(self) -> object:
        with self.database.read() as facts:
            return facts.ledger.balances([self.name]), facts.resources.get(self.name)


def test_the_ledger_balances_after_anything() -> None:
    with TemporaryDirectory(prefix="condarium-ledger-") as folder:
        url = sqlite_url(Path(folder) / "facts.db").render_as_string()
        with opened(url, Path(folder)) as database:
            Laws.database = database
            run_state_machine_as_test(
                Laws, settings=settings(max_examples=40, stateful_step_count=25, deadline=None)
            )


_LOOP = """
import sys
from itertools import count
from pathlib import Path
from tests.support.ledger import NOON, admit, opened

with opened(sys.argv[1], Path(sys.argv[2])) as database:
    for turn in count():
        with database.note() as facts:
            job = admit(facts, 1)
        print(turn, flush=True)
        with database.note() as facts:
            facts.ledger.settle(job, turn * 1000 % 900_000, at=NOON)
"""


@pytest.mark.parametrize("turns", [1, 7, 23])
def test_the_ledger_balances_after_its_process_is_killed(tmp_path: Path, turns: int) -> None:
    url = sqlite_url(tmp_path / "facts.db").render_as_string()
    with opened(url, tmp_path) as database:
        with database.note() as facts:
            resource = lent(facts, budget("acme", 1000))
        killed = subprocess.Popen(
            [sys.executable, "-c", _LOOP, url, str(tmp_path)],
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        )
        with killed:
            assert killed.stdout is not None
            for _ in range(turns):
                assert killed.stdout.readline()
            os.kill(killed.pid, signal.SIGKILL)

        with database.note() as facts:
            check_laws(facts)
            admitted = facts.admissions.all()
            assert len(admitted) >= turns
            for each in admitted:
                facts.ledger.refund(each.id, at=NOON)
            check_laws(facts)
            used = sum(facts.ledger.used().values())
            assert facts.ledger.left(resource, NOON) == {1: 1000 * CREDIT - used}
