"""Jobs at GitHub from their webhooks to the ledger, and what the API is asked about them."""

import time
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.support.answering import AnsweringServer
from tests.support.borrowing import Borrowing, borrowing
from tests.support.github import GitHub
from tests.support.people import Caller

from condarium.engine.network.github import NotAtGithub
from condarium.governance.github.resolving import resolve
from condarium.model.governance.admission import Admission, AdmissionState
from condarium.model.governance.amounts import CREDIT
from condarium.model.governance.grants import Conditions
from condarium.model.governance.projects import Person, Project, with_id
from condarium.model.governance.workflow_job import WorkflowRun, read
from condarium.settings import Settings
from condarium.storage.store import Store


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Borrowing]:
    """A server that is not allowed to ask the API."""
    with borrowing(tmp_path_factory.mktemp("jobs")) as place:
        yield place


def _admitted(place: Borrowing, label: str) -> tuple[dict[str, Any], Admission]:
    github = place.github
    run = github.run(github.repository("lab/fit"), by=github.account("ada"))
    place.says(github.requested(run))
    job = github.job(run, ["self-hosted", label])
    assert place.says(github.queued(job))["outcome"] == "admitted"
    return job, _now(place, job)


def _now(place: Borrowing, job: dict[str, Any]) -> Admission:
    found = place.admission(job)
    assert found
    return found


def _starts(place: Borrowing, admission: Admission, runner: str, *, ago: timedelta) -> None:
    """As if a runner had redeemed its credential a while ago."""
    at = place.store.now() - ago
    with place.store.database.note() as facts:
        later = at + ago + timedelta(minutes=5)
        assert facts.admissions.start(admission.id, at=at, lease_until=later, runner=runner)


def _offered(place: Borrowing, admission: Admission, runner: str, *, ago: timedelta) -> None:
    """As if a runner had been offered it a while ago."""
    at = place.store.now() - ago
    with place.store.database.note() as facts:
        until, digest = at + timedelta(days=1), f"digest of {admission.id}"
        assert facts.admissions.offer(admission.id, digest, at=at, until=until, runner=runner)


class TestMetering:
    def test_what_it_took_is_charged_and_the_rest_comes_back(self, place: Borrowing) -> None:
        place.lend("metered", to=place.github.repository("lab/fit"))
        job, admission = _admitted(place, "metered")
        assert admission.reserved == 6 * CREDIT
        _starts(place, admission, "r1", ago=timedelta(hours=2))
        assert place.says(place.github.in_progress(job, "r1"))["outcome"] == "noted"
        place.says(place.github.completed(job, "r1", took=timedelta(minutes=30)))
        ended = _now(place, job)
        assert (ended.state, ended.cost, ended.flagged) == (AdmissionState.ENDED, CREDIT // 2, "")
        with place.store.database.read() as facts:
            assert sum(each.balance for each in facts.ledger.balances()) == 0

    def test_no_longer_than_a_machine_had_it(self, place: Borrowing) -> None:
        place.lend("bounded", to=place.github.repository("lab/fit"))
        job, admission = _admitted(place, "bounded")
        _starts(place, admission, "r1", ago=timedelta(minutes=6))
        place.says(place.github.completed(job, "r1", took=timedelta(hours=5)))
        cost = _now(place, job).cost
        assert cost is not None
        assert CREDIT // 10 <= cost < CREDIT // 9

    def test_cancelled_while_it_waited(self, place: Borrowing) -> None:
        place.lend("cancelled", to=place.github.repository("lab/fit"))
        job, _ = _admitted(place, "cancelled")
        place.says(place.github.completed(job))
        ended = _now(place, job)
        assert (ended.state, ended.cost, ended.flagged) == (AdmissionState.CANCELLED, 0, "")


class TestRunners:
    def test_another_runner_picks_up_what_waits(self, place: Borrowing) -> None:
        place.lend("stolen", to=place.github.repository("lab/fit"))
        job, _ = _admitted(place, "stolen")
        assert place.says(place.github.in_progress(job, "other"))["outcome"] == "flagged"
        found = _now(place, job)
        assert found.flagged.startswith("picked up by another runner, 'other'")
        assert (found.state, found.cost) == (AdmissionState.CANCELLED, 0)
        assert place.audited("admission flag")[-1].detail["admission"] == str(found.id)

    def test_another_runner_than_the_one_that_redeemed(self, place: Borrowing) -> None:
        place.lend("swapped", to=place.github.repository("lab/fit"))
        job, admission = _admitted(place, "swapped")
        _starts(place, admission, "r1", ago=timedelta(minutes=1))
        place.says(place.github.in_progress(job, "r2"))
        found = _now(place, job)
        assert "expected 'r1'" in found.flagged
        assert found.state is AdmissionState.RUNNING

    def test_a_runner_that_never_redeems(self, place: Borrowing) -> None:
        place.lend("unasked", to=place.github.repository("lab/fit"))
        began, never = _admitted(place, "unasked"), _admitted(place, "unasked")
        for _, admission in (began, never):
            _offered(place, admission, f"u{admission.id}", ago=timedelta(hours=1))
        job, admission = began
        runner = f"u{admission.id}"
        assert place.says(place.github.in_progress(job, runner))["outcome"] == "flagged"
        assert _now(place, job).state is AdmissionState.RUNNING
        for job, admission in (began, never):
            runner = f"u{admission.id}"
            place.says(place.github.completed(job, runner, took=timedelta(minutes=30)))
            ended = _now(place, job)
            assert (ended.state, ended.cost) == (AdmissionState.ENDED, CREDIT // 2)
            assert "without redeeming" in ended.flagged

    def test_a_job_that_takes_the_machine_of_another(self, place: Borrowing) -> None:
        github = place.github
        place.lend("robbed", to=github.repository("lab/fit"))
        job, admission = _admitted(place, "robbed")
        _starts(place, admission, "r9", ago=timedelta(minutes=6))
        for owner in ("elsewhere/x", "lab/other"):
            run = github.run(github.repository(owner), by=github.account("eve"))
            thief = github.job(run, ["self-hosted", f"run-{admission.run}"])
            place.says(github.in_progress(thief, "r9"))
            ended = _now(place, job)
            assert bool(ended.flagged) is (owner == "lab/other")
        assert ended.state is AdmissionState.ENDED
        assert "was taken by job" in ended.flagged
        assert ended.cost is not None
        assert ended.cost < CREDIT // 9

    def test_what_was_refused_and_runs_anyway(self, place: Borrowing) -> None:
        place.lend("refused")
        github = place.github
        run = github.run(github.repository("lab/fit"), by=github.account("ada"))
        place.says(github.requested(run))
        job = github.job(run, ["refused"])
        assert place.says(github.queued(job))["outcome"] == "refused"
        place.says(github.in_progress(job, "other"))
        assert _now(place, job).flagged


class TestNothing:
    def test_ping(self, place: Borrowing) -> None:
        answer = place.says(place.github.ping())
        assert (answer["outcome"], answer["reasons"]) == ("nothing", ["pong"])

    def test_labels_of_others_machines_leave_no_trace(self, place: Borrowing) -> None:
        github, before = place.github, place.admissions()
        run = github.run(github.repository("lab/fit"), by=github.account("ada"))
        job = github.job(run, ["ubuntu-latest"])
        for webhook in (
            github.queued(job),
            github.in_progress(job, "GitHub Actions 1"),
            github.completed(job, "GitHub Actions 1"),
        ):
            assert place.says(webhook)["outcome"] == "nothing"
        assert place.admissions() == before

    def test_a_job_that_waits_for_an_approval(self, place: Borrowing) -> None:
        place.lend("guarded", to=place.github.repository("lab/fit"))
        github = place.github
        run = github.run(github.repository("lab/fit"), by=github.account("ada"))
        job = github.job(run, ["guarded"])
        assert place.says(github.queued(job, "waiting"))["outcome"] == "noted"
        assert place.admission(job) is None


def test_two_secrets_while_one_takes_the_others_place(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    old, new = "the-secret-of-before", "the-secret-of-tomorrow"
    github = GitHub(secret=f"{old},{new}")
    with borrowing(tmp_path_factory.mktemp("rotation"), github) as place:
        for secret, status in ((old, 200), (new, 200), (f"{old},{new}", 401)):
            assert place.send(GitHub(secret=secret).ping()).status_code == status


@pytest.fixture(scope="module")
def asked() -> Iterator[tuple[GitHub, AnsweringServer]]:
    github = GitHub()
    with github.api() as api:
        yield github, api


@pytest.fixture(scope="module")
def asking(
    tmp_path_factory: pytest.TempPathFactory, asked: tuple[GitHub, AnsweringServer]
) -> Iterator[Borrowing]:
    """A server that may ask the API, which lies at a private address: it is named by a setting."""
    github, api = asked
    settings = {**github.api_settings(api), "CONDARIUM_ALLOW_PRIVATE_CHANNELS": ""}
    with borrowing(tmp_path_factory.mktemp("asking"), github, **settings) as place:
        place.lend("asked", to=github.repository("lab/fit"))
        yield place


class TestAsking:
    @pytest.fixture
    def place(self, asking: Borrowing) -> Borrowing:
        return asking

    @pytest.fixture
    def api(self, asked: tuple[GitHub, AnsweringServer]) -> AnsweringServer:
        return asked[1]

    def test_a_run_that_was_not_heard_of(self, place: Borrowing, api: AnsweringServer) -> None:
        github = place.github
        run = github.run(github.repository("lab/fit"), by=github.account("ada"))
        assert place.says(github.queued(github.job(run, ["asked"])))["outcome"] == "admitted"
        assert any("/actions/runs/" in ask.path for ask in api.asks)

    def test_a_run_that_the_api_does_not_know(self, place: Borrowing) -> None:
        github = place.github
        run = github.run(github.repository("lab/fit"), by=github.account("ada"), attempt=2)
        github.runs.clear()
        assert place.says(github.queued(github.job(run, ["asked"])))["outcome"] == "undecided"
        place.says(github.requested(run))

    def test_what_somebody_is_in_the_repository(
        self, place: Borrowing, api: AnsweringServer
    ) -> None:
        github = place.github
        repository, bea = github.repository("lab/roles"), github.account("bea")
        github.roles[repository["id"], bea["id"]] = "write"
        place.lend("roles", to=repository, conditions=Conditions(roles=("admin", "write")))
        for _ in range(2):
            assert place.queue(repository, ["roles"], by=bea)["outcome"] == "admitted"
        asked = [ask.path for ask in api.asks if ask.path.endswith("/bea/permission")]
        assert len(asked) == 1
        assert place.queue(repository, ["roles"], by=github.account("eve"))["outcome"] == "refused"

    def test_a_login_that_is_somebody_elses_by_now(self, place: Borrowing) -> None:
        """The run was begun by who had the login before; the API answers about another."""
        github = place.github
        repository, dan = github.repository("lab/roles"), github.account("dan")
        run = github.run(repository, by=dan)
        github.rename_account("dan", "daniel")
        github.roles[repository["id"], github.account("dan")["id"]] = "admin"
        place.says(github.requested(run))
        assert place.says(github.queued(github.job(run, ["roles"])))["outcome"] == "refused"

    def test_the_api_is_down(self, place: Borrowing) -> None:
        github = place.github
        run = github.run(github.repository("lab/fit"), by=github.account("flo"))
        job = github.job(run, ["asked"])
        github.down = True
        try:
            answer = place.says(github.queued(job))
            assert answer["outcome"] == "undecided"
            assert "GitHub answers with status 503" in answer["reasons"]
        finally:
            github.down = False
        place.says(github.requested(run))
        assert _now(place, job).state is AdmissionState.WAITING

    def test_names_become_ids(self, place: Borrowing, api: AnsweringServer, tmp_path: Path) -> None:
        github = place.github
        fit, ada = github.repository("lab/fit"), github.account("ada")
        moved = github.repository("lab/old")
        github.rename("lab/old", "lab/new")
        environ = {"HOME": str(tmp_path), **github.api_settings(api)}
        names = ("LAB/fit", "other/kept#7", "lab/old")
        with closing(Store(Settings.read(environ, store=tmp_path / "store"))) as store:
            found = resolve(
                store,
                [Project.parse(f"github:{name}") for name in names],
                [Person.parse("github:ada"), Person.parse("user:nobody")],
            )
            with pytest.raises(NotAtGithub, match="GitHub shows no repository 'lab/none'"):
                resolve(store, [Project.parse("github:lab/none")])
            with pytest.raises(NotAtGithub, match="no person 'lab'"):
                resolve(store, people=[Person.parse("github:lab")])
        assert [with_id(each) for each in found.projects] == [
            f"github:lab/fit#{fit['id']}",
            "github:other/kept#7",
            f"github:lab/new#{moved['id']}",
        ]
        assert [each.id for each in found.people] == [str(ada["id"]), None]
        assert f"github:lab/old is called github:lab/new#{moved['id']} now" in found.warnings
        assert any("id of user:nobody is not known" in text for text in found.warnings)


class TestPutOff:
    def test_it_is_listed_and_decided_about_after_a_restart(self, tmp_path: Path) -> None:
        with borrowing(tmp_path) as place:
            github = place.github
            repository = github.repository("lab/fit")
            place.lend("gpu", to=repository)
            run = github.run(repository, by=github.account("ada"))
            job = github.job(run, ["gpu"])
            assert place.says(github.queued(job))["outcome"] == "undecided"
            (listed,) = _asked(place.store)
            assert (listed.external, listed.resource) == (str(job["id"]), "gpu")
            assert str(listed.state) == "asked"
        settings = Settings.read({"HOME": str(tmp_path)}, store=tmp_path / "store")
        with closing(Store(settings)) as store:
            said = read("workflow_run", github.requested(run).body)
            assert isinstance(said, WorkflowRun)
            with store.database.note() as facts:
                facts.runs.add(said, at=store.now())
        with borrowing(tmp_path, github) as place:
            until = time.monotonic() + 20
            while place.admission(job) is None and time.monotonic() < until:
                time.sleep(0.05)
            assert _now(place, job).state is AdmissionState.WAITING
            assert _asked(place.store) == []


def _asked(store: Store) -> list[Admission]:
    return list(Caller(store)("admission list", state="asked"))
