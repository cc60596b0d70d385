"""Commands whose work a real server does as jobs: interrupted, and cut off in the middle."""

import json
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.support.channel import Made, make_channel
from tests.support.server import ChannelServer, Slow
from tests.support.serving import TOKEN, serve
from tests.support.store_check import check_store
from tests.support.user import PROGRAM, User

BUILD = ("env", "build", "lab/fit", "-f", "environment.yml")
QUICK = {"CONDARIUM_WORKER_HEARTBEAT": "1s", "CONDARIUM_WORKER_SILENCE": "3s"}


@pytest.fixture
def channel(tmp_path: Path) -> Iterator[ChannelServer]:
    """A channel whose only package takes its time to come."""
    files = {"share/big": bytes(range(256)) * 400}
    folder = make_channel(tmp_path / "channel", [Made("tool", files=files)])
    with ChannelServer(folder) as server:
        server.fault("*.conda", Slow(bytes_per_second=1500))
        yield server


@contextmanager
def working(home: Path, channel: ChannelServer, server: str) -> Iterator[User]:
    """Somebody who works with a server."""
    user = User(home, {"CONDARIUM_SERVER": server, "CONDARIUM_TOKEN": TOKEN})
    user.write("environment.yml", f"channels: [{channel.url}]\ndependencies: [tool]\n")
    yield user


def test_ctrl_c_cancels_the_job_and_leaves_nothing(tmp_path: Path, channel: ChannelServer) -> None:
    with (
        serve(tmp_path / "store") as server,
        working(tmp_path, channel, server.url) as user,
    ):
        screen = user.at_terminal(*BUILD, when=lambda: channel.count("*.conda") > 0)
        assert screen.code == 130, screen.text
        assert f"job 1 at {server.url} is cancelled" in screen.text
        assert screen.lines[-1] == "interrupted; nothing is left half done"
        assert _ended(user)["status"] == "cancelled"
        assert user("env", "list").out == ""
    check_store(tmp_path / "store")


def test_a_server_that_starts_again_is_waited_for(tmp_path: Path, channel: ChannelServer) -> None:
    store, port = tmp_path / "store", ("--port", str(_free_port()))
    with serve(store, *port, **QUICK) as server, working(tmp_path, channel, server.url) as user:
        started = subprocess.Popen(
            [PROGRAM, *BUILD, "--json"],
            cwd=user.home,
            env=user.surroundings(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        while not channel.count("*.conda"):
            time.sleep(0.02)
        server.kill()
        channel.heal()
        with started, serve(store, *port, **QUICK):
            out, err = started.communicate(timeout=60)
            assert started.returncode == 0, err
            assert json.loads(out)["generation"] == 1
            assert _ended(user)["attempts"] == 2
            assert len(user("env", "history", "lab/fit", "--json").json["generations"]) == 1


def test_a_job_that_is_not_waited_for_can_be_followed(
    tmp_path: Path, channel: ChannelServer
) -> None:
    channel.heal()
    with (
        serve(tmp_path / "store") as server,
        working(tmp_path, channel, server.url) as user,
    ):
        assert user(*BUILD, "--detach", "--json").json["id"] == 1
        followed = user("job", "logs", "-f", "1")
        assert followed.code == 0, followed.err
        assert "+ tool" in followed.out
        assert "fetched tool" in followed.out
        assert followed.out.splitlines()[-1].endswith("succeeded")
        again = user("job", "logs", "-f", "1", "--phase", "fetch", "--json")
        assert {json.loads(line)["phase"] for line in again.out.splitlines()} == {"fetch"}
        missing = user("job", "logs", "-f", "1", "--phase", "nope")
        assert (missing.code, "Its phases: " in missing.err) == (3, True)
        assert user("env", "list", "--json").json["items"][0]["name"] == "lab/fit"


class TestLogin:
    def test_a_password_gets_a_token_that_is_saved_and_taken_back(self, tmp_path: Path) -> None:
        user = User(tmp_path)
        user.write("password", "correct horse battery\n")
        with serve(tmp_path / "store", CONDARIUM_ADMIN_TOKEN="") as server:
            signing_in = ("login", server.url, "--name", "ada", "--password-from", "password")
            said = user(*signing_in, "--first", server.first_sign_in or "")
            assert said.code == 0, said.err
            saved = json.loads((tmp_path / ".config/condarium/servers.json").read_text())
            token = saved["servers"][server.url]["token"]
            assert token not in said.out + said.err + server.log.read_text()
            assert user("whoami", "--json").json["name"] == "ada"
            assert f"the server at {server.url}" in user("whoami").out
            assert user("logout").code == 0
            with_token = {"CONDARIUM_SERVER": server.url, "CONDARIUM_TOKEN": token}
            again = user("whoami", **with_token)
            assert (again.code, "condarium login" in again.err) == (5, True)
            assert user(*signing_in, stdin="").code == 0
            assert token not in (tmp_path / ".config/condarium/servers.json").read_text()

    def test_a_wrong_password_saves_nothing(self, tmp_path: Path) -> None:
        user = User(tmp_path)
        with serve(tmp_path / "store") as server:
            argv = ("login", server.url, "--name", "ada", "--password-from", "-")
            said = user(*argv, stdin="not the password\n")
        assert (said.code, "the name or the password is wrong" in said.err) == (5, True)
        assert not (tmp_path / ".config").exists()

    def test_without_a_terminal_there_is_nobody_to_ask(self, tmp_path: Path) -> None:
        said = User(tmp_path)("login", "http://127.0.0.1:9")
        assert (said.code, "no terminal to ask for your name" in said.err) == (2, True)


def _ended(user: User) -> Any:
    """The first job, as soon as it has ended."""
    for _ in range(200):
        job = user("job", "show", "1", "--json").json
        if job["status"] not in ("queued", "running"):
            return job
        time.sleep(0.1)
    raise AssertionError(job)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])
