"""`condarium serve` as a process: how it begins, what it says, how it ends."""

import json
import re
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from tests.support.builder import Commands
from tests.support.channel import Made
from tests.support.hosting import host, hosted_store
from tests.support.serving import TOKEN, Server, serve, start

from condarium import Client


@pytest.fixture
def run(tmp_path: Path) -> Commands:
    return Commands(tmp_path / "store", home=tmp_path)


def knows(server: Server, token: str) -> bool:
    """Whether a token may upload: it is told that there is no such channel."""
    url = f"{server.url}/api/channels/none/upload/x-1-0.conda"
    return {404: True, 401: False}[httpx.post(url, headers={"X-API-Key": token}).status_code]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_answers_until_it_is_told_to_end(tmp_path: Path, number: signal.Signals) -> None:
    with serve(tmp_path / "store") as server:
        assert httpx.get(f"{server.url}/healthz").text == "ok\n"
        server.process.send_signal(number)
        assert server.process.wait(timeout=20) == 0
        with pytest.raises(httpx.TransportError):
            httpx.get(f"{server.url}/healthz")
        assert server.log.read_text() == ""


def test_it_finishes_what_it_has_begun_to_answer(tmp_path: Path) -> None:
    with hosted_store(tmp_path) as store:
        host(store, "lab", [Made("one", "1.0")])
    with serve(tmp_path / "store") as server:
        arrived = threading.Event()

        def slowly() -> Iterator[bytes]:
            yield b"not "
            arrived.set()
            time.sleep(1)
            yield b"a package"

        answers: list[httpx.Response] = []
        url = f"{server.url}/api/channels/lab/upload/x-1.0-0.conda"
        uploading = threading.Thread(
            target=lambda: answers.append(
                httpx.post(url, content=slowly(), headers=server.bearer, timeout=30)
            )
        )
        uploading.start()
        arrived.wait()
        assert server.stop() == 0
        uploading.join()
        assert answers[0].status_code == 400


def test_a_new_store_gets_a_token_for_its_owner_alone(tmp_path: Path) -> None:
    for _ in range(2):
        with serve(tmp_path / "store", CONDARIUM_ADMIN_TOKEN="") as server:
            file = tmp_path / "store" / "admin-token"
            assert stat.S_IMODE(file.stat().st_mode) == 0o600
            headers = {"Authorization": f"Bearer {file.read_text().strip()}"}
            got = httpx.post(f"{server.url}/api/channels/no/upload/x-1-0.conda", headers=headers)
            assert got.status_code == 404
            got = httpx.post(
                f"{server.url}/api/channels/no/upload/x-1-0.conda", headers=server.bearer
            )
            assert got.status_code == 401


def test_a_token_may_come_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("a-token-that-somebody-chose\n")
    names = {"CONDARIUM_ADMIN_TOKEN": "", "CONDARIUM_ADMIN_TOKEN_FILE": str(file)}
    with serve(tmp_path / "store", **names) as server:
        assert knows(server, "a-token-that-somebody-chose")
        assert not (tmp_path / "store" / "admin-token").exists()


def test_a_port_in_use_is_said_to_be(run: Commands) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = run("serve", "--port", str(port))
    assert (done.code, done.problem["code"]) == (4, "address-in-use")
    assert f"cannot listen at 127.0.0.1 port {port}" in done.problem["message"]
    assert "--port 0" in done.problem["hint"]


def test_two_servers_do_not_share_a_port(tmp_path: Path, run: Commands) -> None:
    with serve(tmp_path / "other") as server:
        assert run("serve", "--port", server.url.rpartition(":")[2]).code == 4


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("CONDARIUM_MAX_AGE", "soon"),
        ("CONDARIUM_MAX_AGE", "-1"),
        ("CONDARIUM_UPLOAD_LIMIT", "much"),
        ("CONDARIUM_UPLOAD_LIMIT", "0"),
        ("CONDARIUM_ADMIN_TOKEN", "short"),
        ("CONDARIUM_ADMIN_TOKEN_FILE", "/dev/null"),
    ],
)
def test_a_bad_setting_is_refused(tmp_path: Path, variable: str, value: str) -> None:
    token = {"CONDARIUM_ADMIN_TOKEN": ""} if variable.endswith("_FILE") else {}
    with start(tmp_path / "store", **token, **{variable: value}) as process:
        said, _ = process.communicate(timeout=30)
    assert process.returncode == 2
    message = json.loads(said)["error"]["message"]
    assert variable.removesuffix("_FILE") in message or value in message
    assert value != "short" or "short" not in message


def test_it_says_where_it_is(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "condarium", "--store", str(tmp_path / "store"), "serve"]
    with subprocess.Popen([*command, "--port", "0"], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        found = re.match(r"serving (http://127\.0\.0\.1:\d+)", process.stdout.readline())
        assert found is not None
        assert httpx.get(f"{found[1]}/healthz").status_code == 200
        process.terminate()
        assert str(tmp_path / "store" / "admin-token") in process.stdout.read()


def test_python_serves_in_the_background(tmp_path: Path) -> None:
    with hosted_store(tmp_path) as store:
        host(store, "lab", [Made("one", "1.0")])
    with Client(tmp_path / "store") as client:
        for _ in range(2):
            with client.serve(port=0) as serving:
                assert httpx.get(f"{serving.url}/lab/noarch/repodata.json").status_code == 200
            with pytest.raises(httpx.TransportError):
                httpx.get(f"{serving.url}/healthz")


def test_the_token_is_in_no_answer(tmp_path: Path) -> None:
    with serve(tmp_path / "store") as server:
        got = httpx.get(f"{server.url}/t/{TOKEN}/none/noarch/repodata.json")
        assert got.status_code == 404
        assert TOKEN not in got.text
