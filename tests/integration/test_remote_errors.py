"""What a server refuses is raised as in process, and a token goes to its server only."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.answering import AnsweringServer, Reply, make_certificate
from tests.support.scripted import OPENED, SPEC, TOKEN, answers, connect, problem, said

import condarium
from condarium.client.remote import WorksHere
from condarium.client.server_errors import NoServerHere, OtherVersion
from condarium.engine.network import api
from condarium.engine.network.api import NotEncrypted, ServerMoved, ServerUnreachable
from condarium.errors import (
    BadSpec,
    CondariumError,
    NoSuchEnvironment,
    NotFound,
)
from condarium.storage.hosting.channels import NoSuchChannel


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


class TestErrors:
    def test_a_class_that_is_known_is_raised_with_its_data(self) -> None:
        reply = problem(404, "no-such-environment", hint="look", data={"name": "lab/nope"})
        with answers(reply) as server, pytest.raises(NoSuchEnvironment) as caught:
            connect(server.url).env.show("lab/nope")
        assert (caught.value.name, caught.value.hint) == ("lab/nope", "look")

    def test_of_two_with_one_code_that_is_raised_which_has_such_data(self) -> None:
        reply = problem(404, "no-such-channel", data={"name": "lab"})
        with answers(reply) as server, pytest.raises(NoSuchChannel):
            connect(server.url).channel.show("lab")

    def test_problems_keep_their_places(self) -> None:
        wrong = {"line": 2, "column": 1, "found": "x", "expected": "y", "hint": None}
        reply = problem(400, "bad-spec", data={"source": "a.yml", "problems": [wrong]})
        with answers(reply) as server, pytest.raises(BadSpec) as caught:
            connect(server.url).lock(file=SPEC)
        assert caught.value.problems[0].line == 2

    def test_a_class_that_nobody_knows_here_has_its_branch(self) -> None:
        with answers(problem(404, "no-such-teapot")) as server, pytest.raises(NotFound) as caught:
            connect(server.url).env.list()
        assert (caught.value.code, type(caught.value).__name__) == (
            "no-such-teapot",
            "NoSuchTeapot",
        )

    def test_an_operation_that_the_server_lacks_names_both_versions(self) -> None:
        with (
            answers(problem(404, "no-such-address")) as server,
            pytest.raises(OtherVersion, match="no `env list` there") as caught,
        ):
            connect(server.url).env.list()
        assert "condarium 9.8" in caught.value.message
        assert condarium.__version__ in caught.value.message

    def test_an_answer_of_another_shape_names_both_versions(self) -> None:
        with (
            answers(said({"environment": 3})) as server,
            pytest.raises(OtherVersion, match=r"9\.8"),
        ):
            connect(server.url).env.rollback("lab/fit")

    def test_what_is_no_condarium_is_said(self) -> None:
        with (
            answers(Reply(200, b"<html>", {"Content-Type": "text/html"})) as server,
            pytest.raises(NoServerHere, match="found text/html"),
        ):
            connect(server.url).env.list()

    def test_what_needs_a_login_says_how(self) -> None:
        with (
            answers(problem(401, "not-signed-in", hint="send a header")) as server,
            pytest.raises(CondariumError) as caught,
        ):
            connect(server.url).env.list()
        assert caught.value.hint == f"`condarium login {server.url}` signs in."

    def test_what_works_on_a_store_says_what_to_do_instead(self) -> None:
        with pytest.raises(WorksHere, match="not through the server") as caught:
            connect("http://127.0.0.1:9").env.run("lab/fit", ["python"])
        assert "--store DIR" in (caught.value.hint or "")


class TestToken:
    def test_it_is_sent_to_the_server_and_never_shown(self) -> None:
        with answers(problem(403, "not-permitted", TOKEN)) as server:
            client = connect(server.url, token=TOKEN)
            with pytest.raises(CondariumError):
                client.env.list()
        assert server.asks[0].headers["authorization"] == f"Bearer {TOKEN}"
        assert TOKEN not in repr(client) + repr(vars(client)) + repr(vars(client._at))

    def test_it_does_not_follow_a_redirect(self) -> None:
        with AnsweringServer(lambda ask: said([])) as other:
            reply = Reply(307, b"", {"Location": f"{other.url}/api/v1/environments"})
            with answers(reply) as server, pytest.raises(ServerMoved):
                connect(server.url, token=TOKEN).env.list()
            assert other.asks == []

    def test_it_does_not_go_over_a_network_in_the_clear(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with pytest.raises(NotEncrypted):
            connect("http://conda.example.org", token=TOKEN)
        monkeypatch.setenv("CONDARIUM_PLAIN_HTTP", "1")
        assert repr(connect("http://conda.example.org", token=TOKEN))

    def test_certificates_are_those_of_the_machine_or_of_a_variable(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        certificate = make_certificate(tmp_path / "tls")
        page = said({"items": [], "next": None})
        with AnsweringServer(lambda ask: page, certificate=certificate) as server:
            with pytest.raises(ServerUnreachable, match="certificate is not trusted"):
                connect(server.url, token=TOKEN).env.list()
            monkeypatch.setenv("SSL_CERT_FILE", str(certificate.authority))
            assert len(connect(server.url, token=TOKEN).env.list()) == 0
