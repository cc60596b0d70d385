"""`condarium serve` as a process: how it begins, what it says, how it ends."""

import json
import os
import re
import signal
import socket
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


def test_a_store_has_no_token_by_itself(tmp_path: Path) -> None:
    with serve(tmp_path / "store", CONDARIUM_ADMIN_TOKEN="") as server:
        assert server.first_sign_in
        assert not knows(server, server.token)
        assert not (tmp_path / "store" / "admin-token").exists()


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
        said = process.stdout.read()
        assert str(tmp_path / "store") in said
        assert f"{found[1]}/sign-in/first#" in said


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


def test_a_body_that_comes_too_slowly_is_given_up(tmp_path: Path) -> None:
    code = (
        "import sys; from condarium.server import bodies; bodies.PATIENCE = 1.0; "
        "from condarium.cli.main import main; sys.exit(main())"
    )
    store = tmp_path / "store"
    with hosted_store(tmp_path) as opened:
        host(opened, "lab", [Made("one", "1.0")])
    command = [sys.executable, "-c", code, "--store", str(store), "--json", "serve", "--port", "0"]
    environ = {**os.environ, "CONDARIUM_ADMIN_TOKEN": TOKEN}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environ) as process:
        assert process.stdout is not None
        said = ""
        while not said.endswith("}\n"):
            said += process.stdout.readline()
        port = int(json.loads(said)["url"].rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", port), timeout=20) as client:
            client.sendall(
                b"POST /api/channels/lab/upload/x-1.0-0.conda HTTP/1.1\r\nHost: x\r\n"
                b"X-API-Key: " + TOKEN.encode() + b"\r\nContent-Length: 100000\r\n\r\n"
            )
            client.sendall(b"slowly")
            assert client.recv(100).startswith(b"HTTP/1.1 408 ")
        process.terminate()


@pytest.mark.parametrize(
    ("head", "statuses"),
    [
        (b"GET /healthz HTTP/1.1\r\nX-Long: " + b"x" * (1 << 20) + b"\r\n\r\n", (b"400", b"431")),
        (b"GET /" + b"x" * (1 << 20) + b" HTTP/1.1\r\nHost: x\r\n\r\n", (b"400", b"414", b"431")),
        (
            b"GET /healthz HTTP/1.1\r\n"
            + b"".join(b"X-%d: x\r\n" % number for number in range(5000))
            + b"\r\n",
            (b"400", b"431"),
        ),
    ],
)
def test_a_head_has_its_limits(tmp_path: Path, head: bytes, statuses: tuple[bytes, ...]) -> None:
    with serve(tmp_path / "store") as server:
        port = int(server.url.rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", port), timeout=20) as client:
            try:
                client.sendall(head)
                answer = client.recv(100)
            except ConnectionError:  # it does not listen to the end
                answer = b""
        assert not answer or answer.split(b" ")[1] in statuses
        assert httpx.get(f"{server.url}/healthz").status_code == 200
