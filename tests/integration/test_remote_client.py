"""A client keeps on until it is answered, and what it asks for is done once."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.answering import AnsweringServer, Ask, Reply
from tests.support.scripted import (
    JSON,
    LINE,
    LOCKED,
    LOST,
    OPENED,
    SPEC,
    SWITCHED,
    TOKEN,
    Heard,
    answers,
    connect,
    event,
    job,
    keys,
    problem,
    said,
    stream,
)

from condarium.client import following
from condarium.client.server_errors import OtherVersion
from condarium.engine.network import api
from condarium.engine.network.api import ServerUnreachable
from condarium.errors import (
    BadSpec,
    CondariumError,
    Conflict,
    Unsolvable,
)
from condarium.model.jobs import JobError, JobStatus
from condarium.model.plain import to_plain


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """Nothing of the machine's own settings, and nothing left open."""
    for name in ("CONDARIUM_SERVER", "CONDARIUM_TOKEN", "CONDARIUM_STORE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setattr(api, "_PAUSE", 0.01)
    monkeypatch.setattr(api, "_SHORT_PATIENCE", 0.3)
    with OPENED:
        yield


@pytest.mark.parametrize(
    "trouble",
    [
        [LOST],
        [LOST] * 6,
        [Reply(502), Reply(504)],
        [Reply(503, b"", {"Retry-After": "0"})],
        [problem(409, "idempotency-key-in-use")],
        [Reply(200, b"{", JSON, length=500)],
    ],
)
def test_a_change_is_asked_for_again_under_one_key(trouble: list[Reply]) -> None:
    with answers(*trouble, said(to_plain(SWITCHED))) as server:
        client = connect(server.url, token=TOKEN)
        assert client.env.rollback("lab/fit", 1) == SWITCHED
    assert len(server.asks) == len(trouble) + 1
    assert len(keys(server.asks)) == 1
    assert None not in keys(server.asks)
    assert {ask.body for ask in server.asks} == {b'{"generation":1}'}


def test_two_changes_have_two_keys() -> None:
    with answers(said(to_plain(SWITCHED)), said(to_plain(SWITCHED))) as server:
        client = connect(server.url, token=TOKEN)
        client.env.rollback("lab/fit", 1)
        client.env.rollback("lab/fit", 1)
    assert len(keys(server.asks)) == 2


def test_what_condarium_itself_says_is_final() -> None:
    with (
        answers(problem(502, "channel-unreachable")) as server,
        pytest.raises(CondariumError) as caught,
    ):
        connect(server.url).query.search("tool")
    assert caught.value.code == "channel-unreachable"
    assert len(server.asks) == 1


def test_a_server_that_stays_away_is_named() -> None:
    with AnsweringServer(lambda ask: LOST) as server:
        pass
    with pytest.raises(ServerUnreachable, match="does not answer: the connection is refused"):
        connect(server.url).env.list()


def test_an_upload_is_sent_whole_each_time(tmp_path: Path) -> None:
    package = tmp_path / "tool-1.0-0.conda"
    package.write_bytes(b"bytes of a package" * 100_000)
    with (
        answers(LOST, problem(409, "conflict", "it is there")) as server,
        pytest.raises(Conflict, match="it is there"),
    ):
        connect(server.url).channel.publish("lab", [package], label=["a", "b"])
    first, second = (ask.body.split(b"\r\n") for ask in server.asks)
    assert first[1:-2] != []
    assert package.read_bytes() in server.asks[1].body
    assert b'filename="tool-1.0-0.conda"' in server.asks[1].body
    assert server.asks[1].body.count(b'name="label"') == 2
    assert len(first) == len(second)


def test_a_document_that_is_no_text_goes_as_a_file(tmp_path: Path) -> None:
    (tmp_path / "environment.yml").write_bytes(b"\xff\xfe")
    with answers(problem(400, "bad-spec")) as server, pytest.raises(BadSpec):
        connect(server.url).lock(file=tmp_path / "environment.yml")
    assert b"\xff\xfe" in server.asks[0].body


class TestJobs:
    def test_its_events_are_shown_once_however_often_the_connection_breaks(self) -> None:
        heard = Heard()
        replies = [
            said(job(JobStatus.QUEUED), 202),
            stream(event(1, "phase", text="fetch", total=30, unit="bytes")),
            LOST,
            stream(event(2, "advance", done=10), event(3, "say", text="a\u2028remark")),
            stream(
                event(4, "advance", done=30),
                ends=job(
                    JobStatus.SUCCEEDED,
                    result=to_plain(LOCKED),
                ),
            ),
        ]
        with answers(*replies) as server:
            client = connect(server.url, progress=heard)
            assert client.lock(file=SPEC) == LOCKED
        assert heard.all == [
            ("phase", "fetch", 30, "bytes"),
            ("advance", 10),
            ("say", "a\u2028remark"),
            ("advance", 20),
            ("finish",),
        ]
        assert [ask.headers.get("last-event-id") for ask in server.asks] == [
            None, None, "1", "1", "3",
        ]  # fmt: skip

    def test_a_result_that_comes_at_once_is_taken(self) -> None:
        with answers(said(to_plain(LOCKED))) as server:
            assert connect(server.url).lock(file=SPEC) == LOCKED

    def test_its_error_is_raised_as_it_would_be_in_process(self) -> None:
        failed = JobError(
            code="unsolvable",
            message="cannot be solved",
            hint="relax it",
            data={"platform": "linux-64", "explanation": "no"},
        )
        ends = job(JobStatus.FAILED, error=failed)
        with (
            answers(said(job(JobStatus.QUEUED), 202), stream(ends=ends)) as server,
            pytest.raises(Unsolvable, match="cannot be solved") as caught,
        ):
            connect(server.url).lock(file=SPEC)
        assert (caught.value.platform, caught.value.hint) == ("linux-64", "relax it")

    def test_one_that_was_cancelled_says_so(self) -> None:
        ends = job(JobStatus.CANCELLED)
        with (
            answers(said(job(JobStatus.QUEUED), 202), stream(ends=ends)) as server,
            pytest.raises(following.JobCancelled, match="job 7 was cancelled"),
        ):
            connect(server.url).lock(file=SPEC)

    def test_its_place_is_said_when_the_server_stays_away(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(following, "_PATIENCE", 0.3)
        with (
            answers(said(job(JobStatus.QUEUED), 202), *[LOST] * 3) as server,
            pytest.raises(following.JobOutOfSight, match="it keeps job 7") as caught,
        ):
            connect(server.url).lock(file=SPEC)
        assert "condarium job logs -f 7" in (caught.value.hint or "")

    def test_ctrl_c_cancels_it(self) -> None:
        class Pressed(Heard):
            def say(self, message: str) -> None:
                super().say(message)
                if message == "now":
                    raise KeyboardInterrupt

        heard = Pressed()
        replies = [
            said(job(JobStatus.QUEUED), 202),
            stream(event(1, "say", text="now")),
            said(job(JobStatus.CANCELLED)),
        ]
        with answers(*replies) as server, pytest.raises(KeyboardInterrupt):
            connect(server.url, progress=heard).lock(file=SPEC)
        assert (server.asks[-1].method, server.asks[-1].path) == ("POST", "/api/v1/jobs/7/cancel")
        assert ("say", f"job 7 at {server.url} is cancelled") in heard.all

    def test_it_need_not_be_waited_for(self) -> None:
        with answers(said(job(JobStatus.QUEUED), 202)) as server:
            found = connect(server.url, detach=True).gc()
        assert (found.id, found.status) == (7, JobStatus.QUEUED)


class TestLists:
    def test_every_page_is_fetched(self) -> None:
        def page(ask: Ask) -> Reply:
            first = "cursor" not in ask.path
            return said({"items": [LINE] * 2, "next": "abc" if first else None})

        with answers(page, page) as server:
            found = connect(server.url).env.list(namespace="lab")
        assert (len(found), found.next) == (4, None)
        assert [ask.path.partition("?")[2] for ask in server.asks] == [
            "namespace=lab&limit=500",
            "namespace=lab&limit=500&cursor=abc",
        ]

    def test_one_page_is_given_as_it_is(self) -> None:
        with answers(said({"items": [LINE], "next": "abc"})) as server:
            assert connect(server.url).env.list(limit=1).next == "abc"

    def test_a_circle_is_noticed(self) -> None:
        with (
            answers(*[said({"items": [LINE], "next": "abc"})] * 2) as server,
            pytest.raises(OtherVersion, match="go round in a circle"),
        ):
            connect(server.url).env.list()
