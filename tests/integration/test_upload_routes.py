"""Packages that existing tools upload: rattler-build, and what else speaks as it does."""

import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from random import Random
from urllib.parse import urlsplit

import httpx
import pytest
from rattler_build import upload_package_to_prefix, upload_package_to_quetz
from tests.support.channel import Made, make_package
from tests.support.hosting import create, hosted_store
from tests.support.serving import Server, serve, shown

LIMIT = 3_000_000


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("uploads")
    with hosted_store(folder) as store:
        create(store, "lab")
        create(store, "secret", public=False)
        with serve(folder / "store", CONDARIUM_UPLOAD_LIMIT=str(LIMIT)) as server:
            yield server


@pytest.fixture
def package(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """A package of which no other test has the name."""
    name = "".join(each for each in request.node.name.lower() if each.isalnum())[:60]
    return make_package(Made(name, "1.0", files={"x": Random(1).randbytes(200_000)}), into=tmp_path)


def post(server: Server, path: str, **given: object) -> httpx.Response:
    headers = {**server.bearer, **given.pop("headers", {})}  # type: ignore[dict-item]
    return httpx.post(f"{server.url}{path}", headers=headers, **given)  # type: ignore[arg-type]


@contextmanager
def nothing_kept(server: Server) -> Iterator[None]:
    """What happens meanwhile leaves no package in the store, nor a part of one."""
    store = server.log.with_name("store")

    def packages() -> set[Path]:
        return {each for each in (store / "blobs").glob("??/*") if each.read_bytes()[:2] == b"PK"}

    before = packages()
    yield
    assert packages() == before
    assert list((store / "incoming").glob("*")) == []


def other_than(package: Path) -> Path:
    """A package of the same name with other bytes."""
    made = Made(package.name.removesuffix("-1.0-0.conda"), "1.0", files={"y": "other"})
    return make_package(made, into=package.parent / "other")


def test_rattler_build_uploads_as_to_quetz(server: Server, package: Path) -> None:
    for _ in range(2):  # the same bytes again are no error
        upload_package_to_quetz([str(package)], server.url, "lab", api_key=server.token)
    assert package.name in shown(server, "lab")
    assert httpx.get(f"{server.url}/lab/noarch/{package.name}").content == package.read_bytes()


def test_rattler_build_uploads_as_to_prefix(server: Server, package: Path) -> None:
    for _ in range(2):
        upload_package_to_prefix([str(package)], server.url, "lab", api_key=server.token)
    assert package.name in shown(server, "lab")
    assert httpx.get(f"{server.url}/lab/noarch/{package.name}").content == package.read_bytes()


@pytest.mark.parametrize("upload", [upload_package_to_quetz, upload_package_to_prefix])
def test_rattler_build_is_told_why_not(
    server: Server, package: Path, upload: Callable[..., None]
) -> None:
    large = Made("large", "1.0", files={"x": Random(1).randbytes(2 * LIMIT)})
    tries = [
        (other_than(package), "lab", server.token, "409"),
        (other_than(package), "lab", "wrong", "401"),
        (other_than(package), "none", server.token, "404"),
        (make_package(large, into=package.parent), "lab", server.token, "413"),
    ]
    upload([str(package)], server.url, "lab", api_key=server.token)
    # who is still sending when the answer comes may see only that the connection ends
    other = "Server responded with error|error sending request"
    with nothing_kept(server):
        for path, channel, token, status in tries:
            with pytest.raises(Exception, match=f"{status}|{other}"):
                upload([str(path)], server.url, channel, api_key=token)
    assert httpx.get(f"{server.url}/lab/noarch/{package.name}").content == package.read_bytes()


def test_rattler_build_skips_what_is_there(server: Server, package: Path) -> None:
    upload_package_to_prefix([str(package)], server.url, "lab", api_key=server.token)
    with nothing_kept(server):
        upload_package_to_prefix(
            [str(other_than(package))], server.url, "lab", api_key=server.token, skip_existing=True
        )


def test_an_upload_says_what_it_did(server: Server, package: Path) -> None:
    digest = sha256(package.read_bytes()).hexdigest()
    path = f"/api/channels/lab/upload/{package.name}?label=dev&label=new&sha256={digest}"
    first, again = (post(server, path, content=package.read_bytes()) for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json()["labels"] == ["dev", "new"]
    (file,) = first.json()["files"]
    assert (file["file_name"], file["sha256"], file["status"]) == (
        package.name,
        digest,
        "published",
    )
    assert again.json()["revision"] is None
    assert package.name in shown(server, "lab/label/dev")
    assert package.name in shown(server, "lab/label/new")
    assert package.name not in shown(server, "lab")


def test_a_raw_body_to_prefix(server: Server, package: Path) -> None:
    headers = {
        "X-File-Name": package.name,
        "X-File-SHA256": sha256(package.read_bytes()).hexdigest(),
    }
    got = post(server, "/api/v1/upload/lab", content=package.read_bytes(), headers=headers)
    assert (got.status_code, package.name in shown(server, "lab")) == (201, True)


@pytest.mark.parametrize(
    ("path", "given", "status", "code"),
    [
        ("/api/channels/lab/upload/{name}?sha256=" + "0" * 64, {}, 400, "wrong-hash"),
        ("/api/channels/lab/upload/other-1.0-0.conda", {}, 400, None),
        ("/api/channels/lab/upload/..%2f..%2fx-1.0-0.conda", {}, 404, "no-such-address"),
        ("/api/channels/lab/upload/{name}?label=as-of", {}, 400, "bad-name"),
        ("/api/channels/LAB/upload/{name}", {}, 400, "bad-name"),
        ("/api/channels/none/upload/{name}", {}, 404, "no-such-channel"),
        ("/api/v1/upload/lab", {}, 400, "no-file-name"),
        ("/api/v1/upload/lab", {"headers": {"X-File-Name": "../../x"}}, 400, None),
        ("/api/v1/upload/lab", {"files": {"file": ("x.conda", b"no package")}}, 400, None),
        ("/api/v1/upload/lab", {"files": {"note": (None, b"no file")}}, 400, "bad-form"),
        ("/api/v1/nothing", {}, 404, "no-such-address"),
    ],
)
def test_what_is_refused_leaves_nothing(
    server: Server,
    package: Path,
    path: str,
    given: dict[str, object],
    status: int,
    code: str | None,
) -> None:
    if "files" not in given:
        given = {"content": package.read_bytes(), **given}
    with nothing_kept(server):
        got = post(server, path.replace("{name}", package.name), **given)
    assert got.status_code == status
    assert got.headers["content-type"] == "application/problem+json"
    assert code in (None, got.json()["code"])
    assert package.name not in shown(server, "lab")


def test_who_has_no_token_learns_nothing(server: Server, package: Path) -> None:
    content = package.read_bytes()
    with nothing_kept(server):
        answers = [
            httpx.post(f"{server.url}/api/channels/{name}/upload/{package.name}", content=content)
            for name in ("lab", "secret", "none")
        ]
    assert {(each.status_code, each.text) for each in answers} == {(401, answers[0].text)}


def test_an_upload_over_the_limit_is_refused_as_it_comes(server: Server) -> None:
    def endless() -> Iterator[bytes]:
        for _ in range(64):
            yield b"x" * 100_000

    with nothing_kept(server):
        got = post(server, "/api/channels/lab/upload/x-1.0-0.conda", content=endless())
    assert (got.status_code, got.json()["code"]) == (413, "too-large")


def test_an_upload_whose_client_goes_away_leaves_nothing(server: Server, package: Path) -> None:
    where = urlsplit(server.url)
    head = (
        f"POST /api/channels/lab/upload/{package.name} HTTP/1.1\r\nHost: x\r\n"
        f"X-API-Key: {server.token}\r\nContent-Length: {package.stat().st_size}\r\n\r\n"
    )
    with nothing_kept(server):
        for sent in (0, 10, 100_000):
            with socket.create_connection((where.hostname, where.port)) as connection:
                connection.sendall(head.encode() + package.read_bytes()[:sent])
        assert httpx.get(f"{server.url}/healthz").status_code == 200
    assert package.name not in shown(server, "lab")


def test_many_upload_at_once(server: Server, tmp_path: Path) -> None:
    packages = [make_package(Made(f"many{n}", "1.0"), into=tmp_path) for n in range(12)]

    def upload(package: Path) -> int:
        path = f"/api/channels/lab/upload/{package.name}"
        return post(server, path, content=package.read_bytes()).status_code

    with ThreadPoolExecutor(6) as pool:
        assert set(pool.map(upload, [*packages, *packages])) <= {200, 201}
    assert {package.name for package in packages} <= shown(server, "lab").keys()
