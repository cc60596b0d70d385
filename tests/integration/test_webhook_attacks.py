"""Webhooks that GitHub did not send, or not so, or not now; and jobs that pretend to be others."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.support.borrowing import Borrowing, borrowing, project_of
from tests.support.github import SECRET, GitHub, Webhook, signature

from condarium.model.governance.grants import Conditions
from condarium.model.governance.projects import Person, PersonKind


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Borrowing]:
    with borrowing(tmp_path_factory.mktemp("borrowing")) as place:
        repository = place.github.repository("lab/fit")
        place.lend("gpu", to=repository, conditions=Conditions(pull_request=True))
        yield place


@pytest.fixture(scope="module")
def repository(place: Borrowing) -> dict[str, Any]:
    return place.github.repository("lab/fit")


def _queued(place: Borrowing, *labels: str, **run: Any) -> tuple[dict[str, Any], Webhook]:
    """A job whose run is known, and the webhook that asks for it."""
    github = place.github
    made = github.run(github.repository("lab/fit"), **{"by": github.account("ada"), **run})
    place.says(github.requested(made))
    job = github.job(made, list(labels or ["self-hosted", "gpu"]))
    return job, github.queued(job)


def _person(account: dict[str, Any]) -> Person:
    return Person(kind=PersonKind.GITHUB, name=account["login"], id=str(account["id"]))


class TestForged:
    @pytest.mark.parametrize(
        "signed",
        [
            pytest.param(lambda _: "", id="none"),
            pytest.param(lambda body: signature("another-secret-of-16", body), id="other-secret"),
            pytest.param(lambda body: signature("", body), id="no-secret"),
            pytest.param(lambda body: signature(SECRET, body)[7:], id="without-its-name"),
            pytest.param(lambda body: signature(SECRET, body).replace("sha256", "sha1"), id="sha1"),
            pytest.param(lambda body: signature(SECRET, body)[:-1], id="one-digit-less"),
            pytest.param(lambda body: signature(SECRET, body)[:20], id="truncated"),
            pytest.param(lambda body: signature(SECRET, body).upper(), id="upper-case"),
            pytest.param(lambda body: signature(SECRET, body + b" "), id="other-body"),
            pytest.param(lambda _: "sha256=", id="empty"),
            pytest.param(lambda _: b"sha256=\xff", id="no-text"),
        ],
    )
    def test_a_wrong_signature(self, place: Borrowing, signed: Any) -> None:
        before, (_, webhook) = place.admissions(), _queued(place)
        answer = place.send(webhook, **{"X-Hub-Signature-256": signed(webhook.body)})
        assert answer.status_code == 401
        assert answer.json()["code"] == "bad-signature"
        assert place.admissions() == before

    def test_an_old_signature_alone_proves_nothing(self, place: Borrowing) -> None:
        _, webhook = _queued(place)
        headers = {"X-Hub-Signature": "sha1=00", "X-Hub-Signature-256": ""}
        assert place.send(webhook, **headers).status_code == 401

    def test_a_body_that_was_altered(self, place: Borrowing) -> None:
        job, webhook = _queued(place, "ubuntu-latest")
        altered = replace(webhook, body=webhook.body.replace(b"ubuntu-latest", b"gpu"))
        right = {"X-Hub-Signature-256": webhook.headers["X-Hub-Signature-256"]}
        assert place.send(altered, **right).status_code == 401
        assert place.admission(job) is None

    def test_the_operators_token_signs_nothing(self, place: Borrowing) -> None:
        _, webhook = _queued(place)
        headers = {**place.server.bearer, "X-Hub-Signature-256": ""}
        assert place.send(webhook, **headers).status_code == 401

    def test_refusals_are_noted_but_not_each(self, place: Borrowing) -> None:
        _, webhook = _queued(place)
        for _ in range(3):
            place.send(webhook, **{"X-Hub-Signature-256": ""})
        assert len(place.audited("webhook")) == 1

    def test_another_event_than_the_body(self, place: Borrowing) -> None:
        """The header is not signed."""
        job, webhook = _queued(place)
        for event in ("workflow_run", "repository", "ping", "star", ""):
            answer = place.send(replace(webhook, event=event))
            assert answer.status_code == 400 or answer.json()["outcome"] == "nothing"
            assert place.admission(job) is None
        assert place.says(webhook)["outcome"] == "admitted"


def test_replayed(place: Borrowing) -> None:
    job, webhook = _queued(place)
    first = place.says(webhook)
    assert first["outcome"] == "admitted"
    count = place.admissions()
    for again in (webhook, webhook.again()):
        answer = place.says(again)
        assert (answer["outcome"], answer["admission"]) == ("already", first["admission"])
    place.says(place.github.completed(job))
    assert place.says(webhook.again())["state"] == "cancelled"
    assert place.admissions() == count


def test_sent_again_with_other_bytes(place: Borrowing) -> None:
    job, webhook = _queued(place)
    first = place.says(webhook)
    spaced = replace(webhook, body=json.dumps(json.loads(webhook.body), indent=1).encode())
    assert place.says(spaced)["admission"] == first["admission"]
    place.says(place.github.completed(job))
    later = replace(webhook, body=json.dumps(json.loads(webhook.body), indent=2).encode())
    assert place.says(later)["state"] == "cancelled"


def test_delayed(place: Borrowing, repository: dict[str, Any]) -> None:
    github = place.github
    run = github.run(repository, by=github.account("ada"))
    place.says(github.requested(run))
    old = (datetime.now(UTC) - timedelta(hours=25)).strftime("%Y-%m-%dT%H:%M:%SZ")
    job = github.job(run, ["gpu"], created_at=old)
    answer = place.says(github.queued(job))
    assert answer["outcome"] == "refused"
    assert "more than 24 hours ago" in answer["reasons"][0]
    found = place.admission(job)
    assert found
    assert (found.resource, found.reserved) == ("gpu", 0)


class TestReordered:
    def test_the_job_before_its_run(self, place: Borrowing, repository: dict[str, Any]) -> None:
        github = place.github
        run = github.run(repository, by=github.account("ada"))
        job = github.job(run, ["gpu"])
        answer = place.send(github.queued(job))
        assert (answer.status_code, answer.json()["outcome"]) == (202, "undecided")
        assert place.admission(job) is None
        heard = place.says(github.requested(run))
        found = place.admission(job)
        assert found
        assert found.state == "waiting"
        assert heard["reasons"] == [f"admission {found.id}: admitted"]

    def test_over_before_it_was_queued(self, place: Borrowing, repository: dict[str, Any]) -> None:
        github = place.github
        run = github.run(repository, by=github.account("ada"))
        place.says(github.requested(run))
        job = github.job(run, ["gpu"])
        assert place.says(github.completed(job, "elsewhere"))["outcome"] == "noted"
        answer = place.says(github.queued(job))
        assert answer["outcome"] == "refused"
        assert "over before" in answer["reasons"][0]

    def test_over_before_its_run_was_known(
        self, place: Borrowing, repository: dict[str, Any]
    ) -> None:
        github = place.github
        run = github.run(repository, by=github.account("ada"))
        job = github.job(run, ["gpu"])
        place.says(github.queued(job))
        place.says(github.completed(job, "elsewhere"))
        assert place.says(github.requested(run))["reasons"] == []
        assert place.admission(job) is None

    def test_a_run_of_another_repository_is_not_taken_for_it(
        self, place: Borrowing, repository: dict[str, Any]
    ) -> None:
        github = place.github
        own = github.run(github.repository("eve/own"), by=github.account("ada"))
        place.says(github.requested(own))
        job = github.job({**own, "repository": repository}, ["gpu"])
        assert place.says(github.queued(job))["outcome"] == "undecided"

    def test_a_run_of_another_commit(self, place: Borrowing, repository: dict[str, Any]) -> None:
        github = place.github
        run = github.run(repository, by=github.account("ada"))
        place.says(github.requested(run))
        job = github.job(run, ["gpu"], head_sha="f" * 40)
        answer = place.says(github.queued(job))
        assert answer["outcome"] == "refused"
        assert "different commits" in answer["reasons"][0]

    def test_what_was_said_of_a_run_first_stays(
        self, place: Borrowing, repository: dict[str, Any]
    ) -> None:
        """A run that a bot began does not become a person's by another webhook."""
        github = place.github
        run = github.run(repository, by=github.account("builder[bot]", "Bot"))
        place.says(github.requested(run))
        place.says(github.requested({**run, "triggering_actor": github.account("ada")}))
        assert place.says(github.queued(github.job(run, ["gpu"])))["outcome"] == "refused"


class TestNames:
    def test_a_login_that_was_renamed(self, place: Borrowing) -> None:
        github = place.github
        repository = github.repository("lab/people")
        bea = github.account("bea")
        place.lend("people", to=repository, conditions=Conditions(people=(_person(bea),)))
        assert place.queue(repository, ["people"], by=bea)["outcome"] == "admitted"
        github.rename_account("bea", "beatrix")
        assert (
            place.queue(repository, ["people"], by=github.account("beatrix"))["outcome"]
            == "admitted"
        )
        answer = place.queue(repository, ["people"], by=github.account("bea"))  # recycled
        assert answer["outcome"] == "refused"

    def test_a_repository_that_was_renamed(self, place: Borrowing) -> None:
        github = place.github
        place.lend("names", to=github.repository("lab/before"))
        said = place.says(github.rename("lab/before", "lab/after"))
        assert said["reasons"] == ["1 grants have its new name"]
        renamed = github.repository("lab/after")
        assert place.queue(renamed, ["names"])["outcome"] == "admitted"
        recycled = github.repository("lab/before")
        answer = place.queue(recycled, ["names"])
        assert answer["outcome"] == "refused"
        with place.store.database.read() as facts:
            names = [each.project.name for each in facts.grants.all(resource="names")]
        assert names == ["lab/after"]

    @pytest.mark.parametrize(
        ("label", "outcome"),
        [
            ("GPU", "admitted"),  # GitHub sees no case in labels
            ("gpu ", "nothing"),
            ("gpu2", "nothing"),
            ("g\N{CYRILLIC SMALL LETTER ER}u", "refused"),
            ("gpu\N{ZERO WIDTH SPACE}", None),
            ("\N{FULLWIDTH LATIN SMALL LETTER G}pu", "refused"),
        ],
    )
    def test_labels_that_look_alike(
        self, place: Borrowing, repository: dict[str, Any], label: str, outcome: str | None
    ) -> None:
        github = place.github
        run = github.run(repository, by=github.account("ada"))
        place.says(github.requested(run))
        answer = place.send(github.queued(github.job(run, [label])))
        if outcome is None:
            assert answer.status_code == 400
        else:
            assert answer.json()["outcome"] == outcome

    def test_a_login_that_looks_alike(self, place: Borrowing) -> None:
        github = place.github
        repository = github.repository("lab/alike")
        cleo = github.account("cleo")
        place.lend("alike", to=repository, conditions=Conditions(people=(_person(cleo),)))
        for login in ("Cleo", "c1eo", "cIeo"):
            answer = place.queue(repository, ["alike"], by=github.account(login))
            assert answer["outcome"] == "refused", login


class TestForks:
    def test_a_forks_workflow_asks_for_what_the_base_may_use(self, place: Borrowing) -> None:
        """The fork writes the labels, so they prove nothing."""
        fork = place.github.repository("eve/fit", fork=True)
        repository = place.github.repository("lab/fit")
        run = {"event": "pull_request", "head": fork, "by": place.github.account("eve")}
        answer = place.queue(repository, ["self-hosted", "gpu"], **run)
        assert answer["outcome"] == "refused"
        assert any("fork" in reason for reason in answer["reasons"])

    def test_a_fork_is_known_by_its_id(self, place: Borrowing) -> None:
        github = place.github
        ben, base = github.account("ben"), github.repository("lab/forked")
        fork = github.repository("ben/forked", fork=True)
        trusted = Conditions(pull_request=True, trusted_forks=(project_of(fork),))
        place.lend("forks", to=base, conditions=trusted)
        run = {"event": "pull_request", "by": ben}
        assert place.queue(base, ["forks"], head=fork, **run)["outcome"] == "admitted"
        github.rename("ben/forked", "ben/moved")
        recycled = github.repository("ben/forked", fork=True)
        assert place.queue(base, ["forks"], head=recycled, **run)["outcome"] == "refused"

    def test_a_fork_that_is_gone(self, place: Borrowing) -> None:
        github = place.github
        made = github.run(
            github.repository("lab/fit"), by=github.account("ada"), event="pull_request"
        )
        place.says(github.requested({**made, "head_repository": None}))
        assert place.says(github.queued(github.job(made, ["gpu"])))["outcome"] == "refused"

    def test_a_fork_is_no_project(self, place: Borrowing) -> None:
        fork = place.github.repository("mallory/fit", fork=True)
        assert place.queue(fork, ["gpu"])["outcome"] == "refused"


class TestBots:
    def test_a_bot_without_a_human(self, place: Borrowing, repository: dict[str, Any]) -> None:
        bot = place.github.account("builder[bot]", "Bot")
        answer = place.queue(repository, ["gpu"], by=bot)
        assert answer["outcome"] == "refused"
        assert any("triggered by a bot" in reason for reason in answer["reasons"])

    def test_a_bot_does_not_hide_behind_who_pushed(
        self, place: Borrowing, repository: dict[str, Any]
    ) -> None:
        github = place.github
        bot = github.account("builder[bot]", "Bot")
        answer = place.queue(repository, ["gpu"], by=bot, actor=github.account("ada"))
        assert answer["outcome"] == "refused"

    def test_a_commit_that_somebody_approved(self, place: Borrowing) -> None:
        github, commit = place.github, "c" * 40
        repository = github.repository("lab/approved")
        place.lend("approved")
        grant = place.grant("approved", repository)
        with place.store.database.note() as facts:
            facts.grants.approve_commit(
                grant.id, commit, at=place.store.now(), by="ada", principal=None
            )
        bot = github.account("builder[bot]", "Bot")
        answer = place.queue(repository, ["approved"], by=bot, commit=commit)
        assert answer["outcome"] == "admitted"
        assert place.queue(repository, ["approved"], by=bot)["outcome"] == "refused"


class TestBodies:
    @pytest.mark.parametrize(
        ("body", "status"),
        [
            (b'{"a": "' + b"x" * (1 << 20) + b'"}', 413),
            (b"[" * 100_000 + b"]" * 100_000, 400),
            (b'{"action":' * 5000 + b"1" + b"}" * 5000, 400),
            (b'{"action": "queued", "action": "completed"}', 400),
            (b'{"action": "queued", "workflow_job": {"id": 1, "id": 2}}', 400),
            (b'{"action": "queued", "workflow_job": NaN}', 400),
            (b'{"action": "queued"}', 400),
            (b"[]", 400),
            (b"", 400),
            (b"payload=%7B%7D", 400),
            (b'{"action": "\xff"}', 400),
        ],
        ids=lambda value: str(value)[:40],
    )
    def test_what_cannot_be_read(self, place: Borrowing, body: bytes, status: int) -> None:
        assert place.send(Webhook("workflow_job", body)).status_code == status

    @pytest.mark.parametrize(
        "said",
        [
            {"id": "1"},
            {"id": -1},
            {"id": 2**63},
            {"id": True},
            {"head_sha": "main"},
            {"head_sha": "F" * 40},
            {"head_branch": "x" * 300},
            {"head_branch": "a\0b"},
            {"labels": "gpu"},
            {"labels": ["gpu", 1]},
            {"labels": ["gpu"] * 101},
            {"labels": ["gpu", "\ud800"]},
            {"created_at": "yesterday"},
            {"created_at": None, "started_at": None},
            {"run_attempt": 0},
        ],
        ids=str,
    )
    def test_what_github_does_not_say(
        self, place: Borrowing, repository: dict[str, Any], said: dict[str, Any]
    ) -> None:
        github, before = place.github, place.admissions()
        run = github.run(repository, by=github.account("ada"))
        answer = place.send(github.queued({**github.job(run, ["gpu"]), **said}))
        assert answer.status_code == 400
        assert answer.json()["code"] == "bad-webhook"
        assert place.admissions() == before


def test_without_a_secret_nothing_is_taken(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("off")
    with borrowing(folder, GitHub(secret="")) as place:
        answer = place.send(place.github.ping())
        assert answer.status_code == 404
        assert answer.json()["code"] == "webhooks-off"
