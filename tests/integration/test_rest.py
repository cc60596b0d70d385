"""Operations over HTTP, on a real server, beside the same ones on the command line."""

import json
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random
from typing import Any

import httpx
import pytest
from tests.support.channel import Made, make_package
from tests.support.hosting import create, host, hosted_store
from tests.support.serving import Server, serve, shown
from tests.support.user import User

PATCH = "if:\n  name: tool\nthen:\n  - add_depends: extra\n"


@pytest.fixture(scope="module")
def user(tmp_path_factory: pytest.TempPathFactory) -> User:
    home = tmp_path_factory.mktemp("rest")
    return User(home, {"CONDARIUM_STORE": str(home / "store")})


@pytest.fixture(scope="module")
def server(user: User) -> Iterator[Server]:
    with hosted_store(user.home) as store:
        host(store, "lab", [Made("tool", "1.0"), Made("tool", "2.0"), Made("other", "1.0")])
        create(store, "secret", public=False)
        host(store, "secret", [Made("hidden", "1.0")])
    with serve(user.home / "store", environ=user.surroundings()) as server:
        yield server


def ask(server: Server, method: str, path: str, **given: Any) -> httpx.Response:
    headers = {**server.bearer, **given.pop("headers", {})}
    return httpx.request(method, f"{server.url}/api/v1{path}", headers=headers, timeout=60, **given)


@pytest.mark.parametrize(
    ("path", "command"),
    [
        ("/channels", "channel list"),
        ("/channels/lab", "channel show lab"),
        ("/channels/lab/log?limit=1", "channel log lab --limit 1"),
        ("/channels/lab/as-of/r1/packages", "channel packages lab/as-of/r1"),
        ("/channels/lab/search?spec=tool%3D2", "channel search lab tool=2"),
        ("/channels/lab/labels", "channel label list lab"),
        ("/environments", "env list"),
        ("/environments/du", "env du"),
        ("/sources", "channel source list"),
    ],
)
def test_an_answer_is_that_of_the_command_line(
    server: Server, user: User, path: str, command: str
) -> None:
    answer = ask(server, "GET", path)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.json() == user(*command.split(" "), "--json").json


@pytest.mark.parametrize(
    ("path", "command", "status"),
    [
        ("/channels/nothing", "channel show nothing", 404),
        ("/environments/lab/fit", "env show lab/fit", 404),
        (
            "/channels/lab/as-of/r99/packages",
            "channel packages lab/as-of/r99",
            404,
        ),
        ("/channels/lab/log?revision=yesterday", "channel log lab yesterday", 400),
    ],
)
def test_an_error_is_that_of_the_command_line(
    server: Server, user: User, path: str, command: str, status: int
) -> None:
    answer = ask(server, "GET", path)
    said = user(*command.split(" "), "--json").json["error"]
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert {"status": status, "code": said["code"], "detail": said["message"]}.items() <= (
        answer.json().items()
    )
    assert answer.json().get("hint") == said["hint"]


@pytest.mark.parametrize(
    ("method", "path", "given", "status"),
    [
        ("GET", "/nothing", {}, 404),
        ("DELETE", "/channels", {}, 405),
        ("GET", "/channels/lab/log?limit=x", {}, 400),
        ("POST", "/channels/lab/yank", {"content": b"x", "headers": {}}, 400),
        ("POST", "/channels/lab/yank", {"json": {"spec": "x" * (33 << 20)}}, 413),
    ],
)
def test_a_request_that_is_wrong_is_told_why(
    server: Server, method: str, path: str, given: Any, status: int
) -> None:
    answer = ask(server, method, path, **given)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["status"] == status
    assert {"title", "code", "detail"} <= answer.json().keys()
    if status == 405:
        assert answer.headers["allow"] == "GET, HEAD, OPTIONS, POST"


def test_anybody_may_read_public_channels_and_learns_nothing_of_others(server: Server) -> None:
    def get(path: str) -> httpx.Response:
        return httpx.get(f"{server.url}/api/v1{path}")

    assert [each["name"] for each in get("/channels").json()["items"]] == ["lab"]
    assert get("/channels/lab/files").json()["files"]
    for path in ("/channels/{}", "/channels/{}/log", "/channels/{}/as-of/r1/packages"):
        private, absent = get(path.format("secret")), get(path.format("nothing"))
        assert private.status_code == absent.status_code == 404
        assert private.text.replace("secret", "nothing") == absent.text
    assert get("/sources").json() == []
    for path in ("/query/search?spec=x", "/environments", "/jobs"):
        assert get(path).status_code == 401
        assert "Bearer" in get(path).headers["www-authenticate"]
    for method, path in (("DELETE", "/channels/lab"), ("POST", "/channels/lab/verify")):
        assert httpx.request(method, f"{server.url}/api/v1{path}").status_code == 401
    assert get("/channels/lab/diff?before=secret").status_code == 404
    assert ask(server, "GET", "/channels/secret").status_code == 200


def test_the_way_of_a_package(server: Server, tmp_path: Path) -> None:
    """A channel is made, filled by a form, changed, looked at as it was, and removed."""
    random = Random(1).randbytes(8_000_000)
    paths = [
        make_package(Made("large", "1.0", files={"x": random}), into=tmp_path),
        make_package(Made("tool", "1.0"), into=tmp_path),
    ]
    assert (
        ask(server, "POST", "/channels", json={"channel": "way", "public": True}).status_code == 200
    )
    files = [("file", (path.name, path.read_bytes())) for path in paths]
    done = ask(server, "POST", "/channels/way/publish", files=files, data={"reason": "first"})
    assert done.json()["revision"] == 1
    assert httpx.get(f"{server.url}/way/noarch/{paths[0].name}").content == paths[0].read_bytes()

    patch = {"file": [{"name": "p.yaml", "content": PATCH}], "reason": "it needs it"}
    assert ask(server, "POST", "/channels/way/patches", json=patch).json()["revision"] == 2
    yanked = ask(server, "POST", "/channels/way/yank", json={"spec": ["large"]})
    assert yanked.json()["revision"] == 3
    assert [record["depends"] for record in shown(server, "way").values()] == [["extra"]]
    assert set(shown(server, "way/as-of/r1")) == {path.name for path in paths}
    log = ask(server, "GET", "/channels/way/log").json()
    assert {each["revision"]["actor"] for each in log["revisions"]} == {"administrator"}

    assert ask(server, "DELETE", "/channels/way").status_code == 200
    assert ask(server, "GET", "/channels/way").status_code == 404
    assert list((server.log.with_name("store") / "incoming").glob("*")) == []


def test_a_refused_package_leaves_nothing(server: Server, tmp_path: Path) -> None:
    files = {"file": ("bad-1.0-0.conda", b"no package")}
    answer = ask(server, "POST", "/channels/lab/publish", files=files)
    assert answer.status_code == 400
    assert ask(server, "GET", "/channels/lab").json()["channel"]["revision"] == 1


def test_environments_are_built_by_the_server(server: Server, user: User) -> None:
    spec = f"name: fit\nchannels: [{server.url}/lab]\ndependencies: [tool]\nplatforms: [linux-64]\n"
    given: Any = {
        "files": {"file": ("environment.yml", spec.encode())},
        "data": {"environment": "lab/fit"},
        "headers": {"Prefer": "wait=60"},
    }
    built = ask(server, "POST", "/environments/build", **given)
    assert built.status_code == 200, built.text
    assert built.json()["environment"] == "lab/fit"
    there = ask(server, "GET", "/environments/lab/fit").json()
    assert there == user("env", "show", "lab/fit", "--json").json
    assert Path(there["prefix"], "conda-meta").is_dir()
    archive = {"environment": "lab/fit", "generation": 1}
    assert ask(server, "POST", "/environments/archive", json=archive).status_code == 409
    assert ask(server, "DELETE", "/environments/lab/fit").status_code == 200


def test_long_work_does_not_keep_downloads_waiting(server: Server) -> None:
    """More of it than the server does at once; the channel that is asked about is silent."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        where = f"http://127.0.0.1:{silent.getsockname()[1]}/x"
        question = f"/query/search?spec=tool&channel={where}"
        with ThreadPoolExecutor(6) as pool:
            waiting = [pool.submit(ask, server, "GET", question) for _ in range(6)]
            with silent.accept()[0]:
                index = f"{server.url}/lab/noarch/repodata_shards.msgpack.zst"
                assert httpx.get(index).status_code == 200
                assert ask(server, "GET", "/channels/lab").status_code == 200
                assert not any(each.done() for each in waiting)
            silent.close()
    assert {each.result().status_code for each in waiting} == {502}


def test_all_of_it_is_described(server: Server) -> None:
    said = httpx.get(f"{server.url}/api/v1/openapi.json")
    assert said.json()["openapi"].startswith("3.1")
    assert "/api/v1/channels/{channel}/yank" in said.json()["paths"]
    assert json.dumps(said.json()).count("operationId") > 40
