"""Laws of what is lent to runners: they hold after all steps, in any order, at any time."""

from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from itertools import count
from pathlib import Path
from typing import TypeVar

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from tests.support.lending import COMMIT, NOW, job
from tests.support.lending_laws import check_lending, due
from tests.support.people import Clock

from condarium.errors import Conflict
from condarium.governance.admission import admissions, leases
from condarium.governance.admission.admitting import admit
from condarium.governance.admission.credentials import CredentialRefused, offer_next, redeem
from condarium.governance.grants import deciding
from condarium.governance.grants.deciding import Said
from condarium.governance.grants.revoking import Which, revoke
from condarium.governance.resources import budgets
from condarium.model.actor import Actor
from condarium.model.governance.admission import Admission, AdmissionState
from condarium.model.governance.amounts import CREDIT, Period, cost_of
from condarium.model.governance.grants import Grant, GrantState
from condarium.model.governance.ledger import begin_of
from condarium.model.governance.projects import Project, with_id
from condarium.model.governance.resources import ResourceKind
from condarium.model.governance.resources import Settings as Lent
from condarium.model.secret import Secret
from condarium.settings import Settings
from condarium.storage.store import Store

T = TypeVar("T")
LENA = Actor(name="lena")
PROJECTS = [Project.parse(f"github:lab/{name}#{number}") for number, name in enumerate("abc", 1)]
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
STATE = AdmissionState
_NAMES = count(1)
TIMES = st.sampled_from(
    [*(MINUTE * each for each in (1, 4, 4, 6, 11, 61)), *(timedelta(days=each) for each in (1, 31))]
)
CHOICE, PROJECT = st.integers(0, 99), st.sampled_from(PROJECTS)
QUOTA = st.sampled_from(["none", "0.5", "2"])


class Lending(RuleBasedStateMachine):
    """Lenders grant, take back and pay; jobs ask, run, fall silent and end; time goes on."""

    store: Store
    clock: Clock

    def __init__(self) -> None:
        super().__init__()
        number = next(_NAMES)
        self.name = f"gpu{number}"
        # a store's clock never goes back: each begins at the same time of a later year
        self.clock.now = NOW.replace(year=NOW.year + 3 * number)
        self.secrets: dict[int, str] = {}
        self.began: dict[int, datetime] = {}
        self.paid = False
        self.states: set[AdmissionState] = set()
        """Those in which anything is."""
        lent = Lent(kind=ResourceKind.RUNNER, longest_job=HOUR, capacity=2, most_per_project=1)
        with self.store.database.note() as facts:
            facts.resources.add(self.name, lent, at=self.clock.now, by="lena")

    @initialize(days=st.none() | st.integers(1, 40))
    def begin_with_grants(self, days: int | None) -> None:
        for project in PROJECTS[:2]:
            self.grant(project, "none", days)

    @rule(time=TIMES)
    def go_on(self, time: timedelta) -> None:
        self.clock.now += time

    @rule(project=PROJECT, quota=QUOTA, days=st.none() | st.integers(1, 40))
    def grant(self, project: Project, quota: str, days: int | None) -> None:
        said = Said(quota=quota, time=timedelta(days=days) if days else None)
        with suppress(Conflict):
            deciding.create(
                self.store,
                resources=(self.name,),
                project=with_id(project),
                said=said,
                reason="why not",
                actor=LENA,
            )

    @rule(
        choice=CHOICE,
        decide=st.sampled_from(
            [
                deciding.suspend,
                deciding.resume,
                deciding.resume,
                partial(deciding.change, said=Said(quota="2")),
                partial(deciding.renew, said=Said(time=timedelta(days=20))),
            ]
        ),
    )
    def decide(self, choice: int, decide: Callable[..., object]) -> None:
        for grant in self._one_of(self._grants(), choice):
            with suppress(Conflict):
                decide(self.store, grant.id, reason="why not", actor=LENA)

    @precondition(lambda self: self.states & {STATE.WAITING, STATE.OFFERED, STATE.RUNNING})
    @rule(choice=CHOICE, running=st.booleans())
    def revoke(self, choice: int, running: bool) -> None:
        for grant in self._one_of(self._grants(), choice):
            which = Which(numbers=(grant.id,))
            revoked = revoke(self.store, which=which, reason="bad", running=running, actor=LENA)
            left = [each.id for each in self._all() if each.grant == grant.id and _is_open(each)]
            assert set(left) <= set(revoked.running) or not revoked.grants
            assert not (running and revoked.grants and left)

    @rule(
        amount=st.sampled_from(["0.25", "2", "9"]),
        period=st.sampled_from(Period),
        days=st.none() | st.integers(1, 40),
    )
    def pay(self, amount: str, period: Period, days: int | None) -> None:
        now, self.paid = self.clock.now, True
        ends = now + timedelta(days=days) if days else None
        given = {"period": period, "starts_at": now, "ends_at": ends, "actor": LENA}
        budgets.add(self.store, self.name, donor="acme", amount=amount, **given)

    @precondition(lambda self: self.paid)
    @rule(choice=CHOICE)
    def pay_no_more(self, choice: int) -> None:
        with self.store.database.read() as facts:
            found = facts.resources.get(self.name).budgets
        for each in self._one_of(list(found), choice):
            budgets.end(self.store, self.name, each.id, reason="spent", actor=LENA)

    @rule(factor=st.sampled_from([0, CREDIT // 2, CREDIT, 3 * CREDIT]))
    def price(self, factor: int) -> None:
        with self.store.database.note() as facts:
            lent = facts.resources.lock(self.name)
            settings_ = replace(lent.settings, factor=factor)
            facts.resources.change(lent, settings_, at=self.clock.now)

    @rule(project=PROJECT, minutes=st.sampled_from([None, 7, 30]))
    def ask(self, project: Project, minutes: int | None) -> None:
        external = f"{self.name}-{len(self._all())}"
        time = timedelta(minutes=minutes) if minutes else None
        asking = job(project=project, labels=(self.name,), time=time)
        given = {"source": "github", "external": external, "actor": LENA}
        made = admit(self.store, asking, **given)
        assert made is not None
        assert admit(self.store, asking, **given) == made
        active = [each for each in self._grants() if self._lends(each, project)]
        if made.state is not STATE.WAITING:
            assert (made.state, made.reserved) == (STATE.REFUSED, 0)
            assert not active or self.paid or active[0].lending.quota is not None
            return
        assert made.grant in [each.id for each in active]
        with self.store.database.read() as facts:
            factor = facts.resources.get(self.name).settings.factor
        assert made.reserved == cost_of(time or HOUR, factor)
        self._check_quota(project)

    @precondition(lambda self: self.states & {STATE.WAITING})
    @rule()
    def offer(self) -> None:
        before = {each.id for each in self._all() if each.state in (STATE.WAITING, STATE.OFFERED)}
        offered = offer_next(self.store, self.name, runner="", actor=LENA)
        if offered.admission is not None:
            assert offered.admission.id in before
            self._check_granted(offered.admission)
            self.secrets[offered.admission.id] = offered.secret

    @precondition(lambda self: self.states & {STATE.OFFERED})
    @rule(choice=CHOICE, commit=st.sampled_from([COMMIT, COMMIT, "d" * 40]))
    def redeem(self, choice: int, commit: str) -> None:
        for number in self._one_of(sorted(self.secrets), choice):
            self._redeem(number, commit)

    @rule(project=PROJECT, minutes=st.sampled_from([None, 30]))
    def have_one_begin(self, project: Project, minutes: int | None) -> None:
        """The usual way, which chance seldom goes."""
        self.ask(project, minutes)
        self.offer()
        for number in sorted(self.secrets):
            self._redeem(number, COMMIT)

    @precondition(lambda self: self.states & {STATE.RUNNING})
    @rule(choice=CHOICE, time=TIMES)
    def heartbeat(self, choice: int, time: timedelta) -> None:
        self.go_on(time)
        for each in self._one_of(self._in(STATE.RUNNING), choice):
            with suppress(admissions.TimeOver):
                heard = admissions.heartbeat(self.store, each.id, LENA)
                assert heard.lease_until
                assert heard.up_at
                assert self.clock.now < heard.lease_until <= heard.up_at

    @precondition(lambda self: self.states & {STATE.RUNNING, STATE.LOST})
    @rule(choice=CHOICE, time=TIMES)
    def end(self, choice: int, time: timedelta) -> None:
        self.go_on(time)
        for each in self._one_of(self._in(STATE.RUNNING, STATE.LOST), choice):
            ended = admissions.end(self.store, each.id, None, LENA)
            wanted = due(each, self.clock.now - self.began[each.id])
            assert ended.state is STATE.ENDED
            unpaid = ended.flagged and ended.cost == each.cost
            assert ended.cost == wanted or unpaid, (ended, wanted)
            assert admissions.end(self.store, each.id, 0, LENA) == ended

    @precondition(lambda self: self.states & {STATE.RUNNING})
    @rule(choice=CHOICE, minutes=st.integers(0, 90))
    def end_as_the_lender_says(self, choice: int, minutes: int) -> None:
        for each in self._one_of(self._in(STATE.RUNNING), choice):
            took = min(minutes * MINUTE, self.clock.now - self.began[each.id])
            ended = admissions.end(self.store, each.id, minutes * 60, LENA)
            assert ended.cost == due(each, took)

    @precondition(lambda self: self.states & {STATE.WAITING, STATE.OFFERED, STATE.RUNNING})
    @rule(choice=CHOICE, time=TIMES)
    def cancel(self, choice: int, time: timedelta) -> None:
        self.go_on(time)
        for each in self._one_of([each for each in self._all() if _is_open(each)], choice):
            took = self.clock.now - self.began.get(each.id, self.clock.now)
            cancelled = admissions.cancel(self.store, each.id, "", LENA)
            found = cancelled.state, cancelled.cost
            assert found == (STATE.CANCELLED, due(each, took)), (cancelled, took)

    @precondition(lambda self: self.states & {STATE.WAITING, STATE.OFFERED, STATE.RUNNING})
    @rule(time=TIMES)
    def expire(self, time: timedelta) -> None:
        self.go_on(time)
        before = {each.id: each for each in self._in(STATE.RUNNING)}
        leases.expire(self.store)
        for number, each in before.items():
            assert each.lease_until is not None
            now = self._now_of(number)
            assert (now.state is STATE.RUNNING) == (self.clock.now <= each.lease_until)
            if now.state is not STATE.RUNNING:
                took = each.lease_until - self.began[number]
                assert now.cost == due(each, took), (now, took)

    @invariant()
    def all_is_accounted_for(self) -> None:
        with self.store.database.read() as facts:
            check_lending(facts, self.name, self.clock.now)
        self.states = {each.state for each in self._all()}

    def teardown(self) -> None:
        """Take all back: then nothing is open, and nothing is set aside any more."""
        which = Which(resource=self.name)
        revoke(self.store, which=which, reason="over", running=True, actor=LENA)
        for each in self._all():
            if _is_open(each):  # it ran on what was revoked before
                admissions.cancel(self.store, each.id, "", LENA)
        self.all_is_accounted_for()

    def _redeem(self, number: int, commit: str) -> None:
        before, secret = self._now_of(number), Secret(self.secrets[number])
        given = {"resource": self.name, "project": before.project, "runner": "r"}
        try:
            running = redeem(self.store, secret, commit=commit, actor=LENA, **given)
        except CredentialRefused:
            return
        assert (before.state, running.state, commit) == (STATE.OFFERED, STATE.RUNNING, COMMIT)
        assert before.offered_at is not None
        assert self.clock.now < before.offered_at + timedelta(minutes=10)
        self._check_granted(running)
        self.began[number] = self.clock.now

    def _all(self) -> list[Admission]:
        with self.store.database.read() as facts:
            return facts.admissions.all(resource=self.name)

    def _in(self, *states: AdmissionState) -> list[Admission]:
        return [each for each in self._all() if each.state in states]

    def _now_of(self, number: int) -> Admission:
        with self.store.database.read() as facts:
            return facts.admissions.get(number)

    def _grants(self) -> list[Grant]:
        with self.store.database.read() as facts:
            return facts.grants.all(resource=self.name)

    def _lends(self, grant: Grant, project: Project) -> bool:
        return grant.project == project and grant.state(self.clock.now) is GrantState.ACTIVE

    def _check_granted(self, admission: Admission) -> None:
        grant = next(each for each in self._grants() if each.id == admission.grant)
        assert self._lends(grant, admission.project), grant.state(self.clock.now)

    def _check_quota(self, project: Project) -> None:
        """What a project cost in this month, or may yet cost, is not more than it may."""
        (active,) = [each for each in self._grants() if self._lends(each, project)]
        begins = begin_of(active.lending.period, self.clock.now)
        spent = [
            each.reserved if each.cost is None else each.cost
            for each in self._all()
            if each.project == project and begins is not None and each.at >= begins
        ]
        assert active.lending.quota is None or sum(spent) <= active.lending.quota

    @staticmethod
    def _one_of(found: list[T], choice: int) -> list[T]:
        return [found[choice % len(found)]] if found else []


def _is_open(admission: Admission) -> bool:
    return not admission.state.over


def test_what_is_lent_is_accounted_for_after_anything(tmp_path: Path) -> None:
    Lending.clock = Clock()
    settings_ = Settings.read({"HOME": str(tmp_path)}, store=tmp_path / "store")
    with closing(Store(settings_, now=Lending.clock)) as Lending.store:
        run_state_machine_as_test(
            Lending, settings=settings(max_examples=40, stateful_step_count=30, deadline=None)
        )
