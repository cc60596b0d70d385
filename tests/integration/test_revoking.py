"""Revoking takes back what was lent with all that was admitted on it, whole or not at all."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from tests.support.lent_queue import QUEUE, LentQueue, lent_queue
from tests.support.people import Caller

from condarium.errors import CondariumError
from condarium.governance.admission.admitting import admit
from condarium.governance.admission.credentials import CredentialRefused, offer_next, redeem
from condarium.governance.grants.granting import grant_in
from condarium.governance.grants.revoking import Which, revoke
from condarium.model.actor import Actor
from condarium.model.governance.admission import AdmissionState, Applicant
from condarium.model.governance.grants import GrantState, Lending
from condarium.model.governance.listed import Revoked
from condarium.model.governance.projects import Person, Project
from condarium.model.governance.resources import ResourceKind
from condarium.model.governance.resources import Settings as Lent
from condarium.model.jobs import JobStatus
from condarium.model.secret import Secret
from condarium.settings import Settings
from condarium.storage.store import Store

OWNER = Actor(name="owner")
ROOT = Path(__file__).parents[2]
MANY = 40


@pytest.fixture
def lent(tmp_path: Path) -> Iterator[LentQueue]:
    with lent_queue(tmp_path, provider="acme", capacity=1) as lent:
        lent.grant("lab")
        lent.budget(100)
        yield lent


def revoke_all(lent: LentQueue, *, running: bool = False) -> Revoked:
    which = Which(provider="acme")
    return revoke(lent.store, which=which, reason="misused", running=running, actor=OWNER)


def left(lent: LentQueue) -> int:
    """What is left of the budget, in credits."""
    with lent.store.database.read() as facts:
        resource = facts.resources.get(QUEUE)
        return sum(facts.ledger.left(resource, lent.clock()).values()) // 1_000_000


def test_what_waits_is_cancelled_and_refunded_and_what_runs_goes_on(lent: LentQueue) -> None:
    runs, waits = lent.submit("lab/one"), lent.submit("lab/two")
    claim = lent.claim()
    assert claim
    assert claim.job == runs
    assert left(lent) == 100 - 12
    answer = revoke_all(lent)
    assert answer.jobs == (waits,)
    assert answer.cancelled == (lent.admission(waits).id,)
    assert answer.running == (lent.admission(runs).id,)
    assert lent.job(waits).status is JobStatus.CANCELLED
    assert lent.job(runs).status is JobStatus.RUNNING
    assert lent.admission(waits).cost == 0
    assert left(lent) == 100 - 6
    lent.ends(claim)
    assert left(lent) == 100
    assert lent.balances() == 0


def test_what_runs_is_cancelled_too_where_that_is_asked(lent: LentQueue) -> None:
    runs = lent.submit("lab/one")
    assert lent.claim()
    lent.clock.now += timedelta(hours=2)
    answer = revoke_all(lent, running=True)
    assert (answer.jobs, answer.running) == ((runs,), ())
    assert lent.job(runs).status is JobStatus.CANCELLED
    assert lent.admission(runs).state is AdmissionState.CANCELLED
    assert left(lent) == 100 - 2
    assert lent.balances() == 0


def test_nothing_is_admitted_afterwards(lent: LentQueue) -> None:
    revoke_all(lent)
    with pytest.raises(CondariumError, match="was revoked"):
        lent.submit("lab/one")


def test_it_is_one_entry_of_the_audit_log_that_says_all(lent: LentQueue) -> None:
    waits = lent.submit("lab/one")
    revoke_all(lent)
    (entry,) = Caller(lent.store)("audit search", action="grant revoke")
    assert entry.target == "provider acme"
    assert entry.detail["reason"] == "misused"
    assert entry.detail["jobs"] == str(waits)


def test_a_credential_that_was_given_is_void(tmp_path: Path) -> None:
    with closing(_store(tmp_path)) as store:
        _lend_much(store)
        offered = offer_next(store, "gpu", runner="one", actor=OWNER)
        revoke(store, which=Which(resource="gpu"), reason="x", running=False, actor=OWNER)
        with pytest.raises(CredentialRefused):
            redeem(
                store,
                Secret(offered.secret),
                resource="gpu",
                project=offered.admission.project,
                commit=offered.admission.commit,
                runner="one",
                actor=OWNER,
            )
        with store.database.read() as facts:
            admission = facts.admissions.get(offered.admission.id)
    assert (admission.state, admission.cost) == (AdmissionState.CANCELLED, 0)


def test_a_revocation_that_dies_in_the_middle_did_not_happen(tmp_path: Path) -> None:
    """Kill it again and again, a little later each time: all is revoked, or nothing is."""
    with closing(_store(tmp_path)) as store:
        _lend_much(store)
    for delay in (0.02, 0.08, 0.2):
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.integration.test_revoking", str(tmp_path)],
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )
        assert process.stdout
        process.stdout.readline()  # it begins now
        time.sleep(delay)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        process.stdout.close()
        with closing(_store(tmp_path)) as store:
            revoked, waiting, entries = _counts(store)
            assert (revoked, waiting, entries) in {(0, MANY, 0), (MANY, 0, 1)}
    with closing(_store(tmp_path)) as store:
        revoke(store, which=Which(provider="acme"), reason="x", running=False, actor=OWNER)
        assert _counts(store)[:2] == (MANY, 0)


@pytest.mark.parametrize("step", ["decide", "end", "cancel"])
def test_an_error_in_the_middle_leaves_all_as_it_was(
    lent: LentQueue, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    from condarium.storage.governance.admissions import Admissions
    from condarium.storage.governance.grants import Grants
    from condarium.storage.work.jobs import Jobs

    lent.grant("far")
    waits = [lent.submit("lab/one"), lent.submit("far/two")]
    place = {"decide": Grants, "end": Admissions, "cancel": Jobs}[step]
    before, calls = getattr(place, step), []

    def breaks_at_the_second(*args: object, **kwargs: object) -> object:
        calls.append(step)
        if len(calls) == 2:
            raise RuntimeError("the power went")
        return before(*args, **kwargs)

    with monkeypatch.context() as patch:
        patch.setattr(place, step, breaks_at_the_second)
        with pytest.raises(RuntimeError):
            revoke_all(lent)
    assert [lent.job(number).status for number in waits] == [JobStatus.QUEUED] * 2
    assert {each.state for each in Caller(lent.store)("grant list")} == {GrantState.ACTIVE}
    assert left(lent) == 100 - 12
    assert len(revoke_all(lent).jobs) == 2
    assert left(lent) == 100


def _store(folder: Path) -> Store:
    return Store(Settings.read({"HOME": str(folder)}, store=folder / "store"))


def _lend_much(store: Store) -> None:
    with store.database.note() as facts:
        at = store.now()
        lent = Lent(kind=ResourceKind.RUNNER, provider="acme")
        facts.resources.add("gpu", lent, at=at, by="owner")
        for number in range(MANY):
            project = Project.parse(f"github:lab/p{number}#{number}")
            grant_in(facts, "gpu", project, Lending(), actor=OWNER, reason="tests", at=at)
    for number in range(MANY):
        project = Project.parse(f"github:lab/p{number}#{number}")
        job = Applicant(
            project=project,
            labels=("gpu",),
            commit="a" * 40,
            event="push",
            person=Person.parse("github:ada#12"),
        )
        admit(store, job, source="github", external=str(number), actor=OWNER)


def _counts(store: Store) -> tuple[int, int, int]:
    """Grants that are revoked, admissions that wait, and entries of revocations."""
    with store.database.read() as facts:
        revoked = [each for each in facts.grants.all() if each.state(store.now()).over]
        waiting = facts.admissions.all(states=[AdmissionState.WAITING])
    return len(revoked), len(waiting), len(Caller(store)("audit search", action="grant revoke"))


if __name__ == "__main__":
    with closing(_store(Path(sys.argv[1]))) as opened:
        opened.database  # noqa: B018 - what takes long comes before it begins
        print("begins", flush=True)
        revoke(opened, which=Which(provider="acme"), reason="x", running=False, actor=OWNER)
