"""The REST face: what requests mean, and who may send them."""

import asyncio
import json
import re
import subprocess
import sys
from collections.abc import Iterator, MutableMapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest

from condarium.app import operations
from condarium.cli.error_reference import errors_page
from condarium.errors import CondariumError, NotFound, NotPermitted
from condarium.model.access.principals import Principal, PrincipalKind
from condarium.model.actor import Actor
from condarium.model.document import Document
from condarium.model.upload import Upload
from condarium.operation import Operation
from condarium.server.content.addresses import NoSuchAddress
from condarium.server.doors.credentials import ADMINISTRATOR, ANYBODY, NotSignedIn
from condarium.server.multipart import Form, boundary_of
from condarium.server.problems import STATUSES, NoSuchMethod
from condarium.server.rest import face as rest
from condarium.server.rest.arguments import (
    Fields,
    TooLong,
    accepted,
    key,
    of_json,
    of_path,
    of_query,
)
from condarium.server.rest.deferred import preferred_wait
from condarium.server.rest.face import FromElsewhere, Rest
from condarium.server.rest.openapi import described
from condarium.server.rest.room import STRANGERS, Room, TooMuchAtOnce
from condarium.server.rest.routes import PREFIX, find_route
from condarium.settings import ServerSettings, Settings
from condarium.storage.layout import Layout
from condarium.storage.store import Store

ROUTED = tuple(found for found in operations().values() if found.route)
every_routed = pytest.mark.parametrize("operation", ROUTED, ids=lambda found: found.name)
JSON = {"content-type": "application/json"}
OPEN = {
    *(f"channel {verb}" for verb in ("show", "log", "search", "packages", "files", "diff")),
    *("channel label list", "channel patch list", "channel source show"),
    *("resource show", "terms show", "grant show", "request show"),
}
"""What anybody may ask of public channels, and of what is lent in public."""
LISTS = (
    *("channel list", "channel source list"),
    *("resource list", "terms list", "grant list", "request list"),
)
VALUES = {
    "namespace": "lab",
    "name": "fit",
    "channel": "lab",
    "view": "lab/label/dev",
    "source": "0" * 64,
    "job": "7",
    "id": "abc",
    "schedule": "nightly",
    **{"resource": "gpu", "grant": "7", "request": "7", "admission": "7", "commit": "0" * 40},
}


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rest]:
    folder = tmp_path_factory.mktemp("rest")
    store = Store(Settings.read({"HOME": str(folder)}, store=folder / "store"))
    store.database  # noqa: B018 - it is made
    found = Rest(store, ServerSettings())
    yield found
    found.stop()
    store.close()


def address(operation: Operation) -> tuple[str, str]:
    assert operation.route
    method, path = operation.route
    return method, PREFIX + path.format(**VALUES)


def ask(api: Rest, method: str, path: str, *, actor: Any = ADMINISTRATOR, **given: Any) -> Any:
    """Send a request without a server; what httpx would send, and what it would be told."""
    request = httpx.Request(method, f"http://x{path}", **given)
    bodies = [request.read()]

    async def receive() -> MutableMapping[str, Any]:
        if not bodies:
            await asyncio.Event().wait()  # it stays
        return {"type": "http.request", "body": bodies.pop(), "more_body": False}

    scope = {"method": method, "query_string": request.url.query, "path": request.url.path}
    headers = {name.lower(): value for name, value in request.headers.raw}
    response = asyncio.run(api.respond(scope, request.url.path, headers, receive, actor))
    assert isinstance(response.body, bytes)
    return json.loads(response.body)


@every_routed
def test_an_operation_is_found_at_its_route(operation: Operation) -> None:
    found, named = find_route(*address(operation))
    assert found is operation
    assert set(of_path(found, named)) <= {key(each) for each in found.parameters}


@every_routed
def test_nobody_may_run_it_without_a_token_unless_it_reads_what_is_public(
    operation: Operation, api: Rest
) -> None:
    assert operation.route
    method, path = address(operation)
    needed = {key(p): "lab" for p in operation.parameters if p.required and not p.many}
    query = {word: needed[word] for word in needed if f"{{{word}}}" not in operation.route[1]}
    if operation.name in LISTS:
        answer = ask(api, method, path, actor=ANYBODY)
        assert answer in ({"items": [], "next": None}, [])
    elif operation.name == "access public":
        assert ask(api, method, path, actor=ANYBODY)["grants"] == []
    elif operation.name in OPEN:
        with pytest.raises(NotFound):
            ask(api, method, path, actor=ANYBODY, params=query)
    else:
        with pytest.raises(NotSignedIn):
            ask(api, method, path, actor=ANYBODY)


@pytest.mark.parametrize(
    ("method", "path", "error"),
    [
        ("GET", "/nothing", NoSuchAddress),
        ("GET", "/channels/lab/nothing", NoSuchAddress),
        ("GET", "/serve", NoSuchAddress),
        ("PUT", "/channels", NoSuchMethod),
        ("GET", "/channels/lab/yank", NoSuchMethod),
        ("POST", "/channels/lab", NoSuchMethod),
        ("GET", "/channels/lab/verify", NoSuchMethod),
    ],
)
def test_other_addresses_have_nothing(method: str, path: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        find_route(method, PREFIX + path)


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/channels/lab/log?limit=many", "limit: found 'many'; expected a whole number"),
        ("/channels/lab/log?limit=1&limit=2", "limit: found 2 values; expected one"),
        ("/channels/lab/log?limits=1", "channel log has no argument 'limits'"),
        ("/channels/lab/log?channel=lab", "channel is in the path"),
        ("/channels/lab/patches?all=yes", "all: found 'yes'; expected true or false"),
        ("/environments?namespace=%ff", "the query cannot be read"),
        ("/environments?namespace=a%00", "namespace: found a character that no text has"),
        ("/environments?cursor=x", "cursor: found 'x'; expected the `next` of an earlier page"),
        ("/environments?limit=-1", "limit: found -1; expected 1 or more, or 0 for all"),
        ("/channels/Lab", "'Lab' is not the name of a channel"),
        ("/channels/lab/as-of/x/packages", "is not a view"),
        ("/environments/lab/-", "'lab/-' is not the name of an environment"),
    ],
)
def test_what_is_wrong_with_a_question_is_said(api: Rest, path: str, said: str) -> None:
    with pytest.raises(CondariumError) as caught:
        ask(api, "GET", PREFIX + path)
    assert said in caught.value.message


@pytest.mark.parametrize(
    ("path", "body", "said"),
    [
        ("yank", {}, "spec is missing"),
        ("yank", {"json": {"spec": []}}, "spec is missing"),
        ("yank", {"json": {"spec": {"a": 1}}}, "spec: found an object; expected a value"),
        ("yank", {"json": {"spec": [1]}}, "spec: found 1; expected a text"),
        ("yank", {"json": {"spec": "x", "dry_run": 1}}, "dry_run: found 1; expected true or false"),
        ("yank", {"json": ["x"]}, "the body: found JSON of another kind"),
        ("yank", {"content": b"spec=x"}, "the body: found no Content-Type"),
        ("yank", {"data": {"spec": "x"}}, "the body: found application/x-www-form-urlencoded"),
        ("yank", {"content": b"{", "headers": JSON}, "the body: found no JSON"),
        ("yank", {"content": b'"\xff"', "headers": JSON}, "the body: found no JSON"),
        ("yank", {"content": b"[" * 100_000, "headers": JSON}, "the body: found no JSON"),
        (
            "patches/undo",
            {"json": {"number": 10**18}},
            "number: found 1000000000000000000; expected",
        ),
        ("patches/undo", {"json": {"number": "1"}}, "number: found '1'; expected a whole number"),
        (
            "publish",
            {"json": {"file": "/etc/passwd"}},
            "found '/etc/passwd'; expected a file",
        ),
        ("publish", {"json": {"file": {"content": ""}}}, "file: found an object"),
        ("publish", {"files": {"fil": ("x", b"")}}, "channel publish has no argument 'fil'"),
        ("publish", {"files": {"file": (None, b"x")}}, "file: found a text; expected a file"),
        ("mirror", {"json": {"lock": "/etc/passwd"}}, "lock: found '/etc/passwd'; expected a file"),
        ("mirror", {"json": {"lock": {"name": "x"}}}, "lock: found an object; expected {"),
        ("mirror", {"json": {"lock": [{"content": ""}]}}, "lock: found a list; expected one value"),
    ],
)
def test_what_is_wrong_with_a_body_is_said(api: Rest, path: str, body: Any, said: str) -> None:
    with pytest.raises(CondariumError) as caught:
        ask(api, "POST", f"{PREFIX}/channels/lab/{path}", **body)
    assert said in caught.value.message


def test_a_body_has_a_limit_beside_its_files(api: Rest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("condarium.server.rest.arguments.IN_MEMORY", 100)
    monkeypatch.setattr(rest, "IN_MEMORY", 100)
    for given in ({"json": {"reason": "x" * 100}}, {"files": {"reason": (None, b"x" * 101)}}):
        with pytest.raises(CondariumError, match="more than 100 bytes"):
            ask(api, "POST", f"{PREFIX}/channels/lab/yank", **given)


def test_pages_of_other_sites_change_nothing(api: Rest) -> None:
    """A browser sends its user's password with what they ask for."""
    for site in ("cross-site", "same-site"):
        with pytest.raises(FromElsewhere):
            ask(api, "POST", f"{PREFIX}/gc", headers={"sec-fetch-site": site})


def test_arguments_mean_the_same_in_a_query_in_json_and_in_a_form(tmp_path: Path) -> None:
    create = operations()["channel create"]
    plain = {"public": True, "license": ["MIT", "BSD"], "cooldown": "7d", "description": "a ä&b"}
    texts = {**plain, "public": "true"}
    form = httpx.Request("POST", "http://x", files=[("merge", (None, "true"))], data=texts)
    with ExitStack() as opened:
        every = [
            {**of_query(create, str(httpx.QueryParams(texts)).encode()), "merge": True},
            of_json(create, json.dumps({**plain, "merge": True}).encode()),
            of_form(create, form, opened, tmp_path),
        ]
    first, second, third = (accepted(create, {"channel": "lab", **each}) for each in every)
    assert first == second == third
    assert first["license_"] == ("MIT", "BSD")


def test_a_form_has_files_of_any_size(tmp_path: Path) -> None:
    """Uploads are on disk, without a name, and are gone with the request."""
    large = b"0123456789" * 400_000
    files = [("file", ("a-1-0.conda", large)), ("file", ("b-1-0.conda", b""))]
    publish = operations()["channel publish"]
    request = httpx.Request("POST", "http://x", files=files, data={"label": ["dev", "main"]})
    with ExitStack() as opened:
        found = of_form(publish, request, opened, tmp_path)
        uploads = accepted(publish, {"channel": "lab", **found})["file"]
        assert all(isinstance(each, Upload) for each in uploads)
        assert [(each.name, each.path.read_bytes()) for each in uploads] == [
            ("a-1-0.conda", large),
            ("b-1-0.conda", b""),
        ]
        assert found["label"] == ["dev", "main"]
    assert not any(each.path.exists() for each in uploads)


def test_a_document_may_be_a_file_of_a_form_or_in_json(tmp_path: Path) -> None:
    lock, document = operations()["lock"], Document("e.yml", "name: ä".encode())
    request = httpx.Request("POST", "http://x", files={"file": ("e.yml", document.content)})
    with ExitStack() as opened:
        assert of_form(lock, request, opened, tmp_path) == {"file": document}
    said = json.dumps({"file": {"name": "e.yml", "content": "name: ä"}})
    assert of_json(lock, said.encode()) == {"file": document}


def of_form(operation: Operation, sent: httpx.Request, opened: ExitStack, folder: Path) -> Any:
    """What a form's arguments are, when it comes in pieces."""
    boundary, body = boundary_of(sent.headers["content-type"].encode()), sent.read()
    assert boundary
    form, fields = Form(boundary), Fields(operation, Layout(folder), opened)
    for at in range(0, len(body), 1000):
        fields.take(form.feed(body[at : at + 1000]))
    form.end()
    return fields.plain()


def test_the_description_has_every_operation_and_nothing_that_is_not_there() -> None:
    said = described(PREFIX, operations().values())
    found = {each["operationId"] for path in said["paths"].values() for each in path.values()}
    assert found == {"job-events", *(operation.name.replace(" ", "-") for operation in ROUTED)}
    references = re.findall(r'"#/components/schemas/(\w+)"', json.dumps(said))
    assert set(references) == set(said["components"]["schemas"])


@every_routed
def test_all_its_arguments_are_described(operation: Operation) -> None:
    assert operation.route
    method, path = operation.route
    said = described(PREFIX, [operation])["paths"][PREFIX + path][method.lower()]
    names = {each["name"] for each in said["parameters"] if "name" in each}
    for body in said.get("requestBody", {"content": {}})["content"].values():
        names |= set(body["schema"]["properties"])
    wanted = {parameter.name.rstrip("_") for parameter in operation.parameters}
    assert wanted - names <= {"environment"}
    assert said["responses"]["200"]["content"]["application/json"]["schema"]


def test_a_path_has_only_what_its_operation_takes() -> None:
    for operation in ROUTED:
        assert operation.route
        words = set(re.findall(r"\{(\w+)\}", operation.route[1]))
        if "{namespace}/{name}" not in operation.route[1]:
            assert words <= {key(parameter) for parameter in operation.parameters}


def test_every_status_is_of_an_error_that_there_is() -> None:
    errors_page()  # it imports all that raises errors
    known = {kind.code for kind in _kinds(CondariumError)}
    assert set(STATUSES) <= known


def _kinds(kind: type[CondariumError]) -> Iterator[type[CondariumError]]:
    for each in kind.__subclasses__():
        yield each
        yield from _kinds(each)


@pytest.mark.parametrize(
    ("prefer", "seconds"),
    [("", 0), ("wait=5", 5), ("respond-async, wait=10", 10), ("WAIT=99999", 300), ("wait=x", 0)],
)
def test_how_long_a_client_would_wait(prefer: str, seconds: int) -> None:
    assert preferred_wait(prefer) == seconds


def test_a_job_that_failed_is_answered_by_its_error_wherever_that_is_declared() -> None:
    said = (
        "import sys; from condarium.model.jobs import JobError\n"
        "from condarium.server.problems import job_problem\n"
        "print(*(job_problem(JobError(code=code, message='')).status for code in sys.argv[1:]))"
    )
    codes = ["build-failed", "unsolvable", "no-such-environment", "job-died", "bad-backup-place"]
    found = subprocess.run(
        [sys.executable, "-c", said, *codes], capture_output=True, text=True, check=True
    )
    assert found.stdout.split() == ["500", "422", "404", "500", "400"]


STRANGER = Actor(name="eve", principal=Principal(kind=PrincipalKind.USER, id="eve", name="eve"))
"""Somebody without a role."""


@pytest.mark.parametrize(
    "name",
    ["channel publish", "channel import", "channel mirror", "env build", "lock", "user create"],
)
def test_the_body_of_whoever_may_not_run_it_is_not_read(name: str, api: Rest) -> None:
    operation = operations()[name]
    method, path = address(operation)

    async def receive() -> MutableMapping[str, Any]:
        raise AssertionError("the body is read")

    scope = {"method": method, "query_string": b"", "path": path}
    headers = {b"content-type": b"multipart/form-data; boundary=x"}
    with pytest.raises((NotPermitted, NotFound)):
        asyncio.run(api.respond(scope, path, headers, receive, STRANGER))


def test_who_has_no_role_sends_little(api: Rest) -> None:
    with pytest.raises(TooLong, match="without any role"):
        ask(api, "POST", f"{PREFIX}/tokens", actor=STRANGER, content=b" " * (STRANGERS + 1))


def test_an_account_sends_so_much_at_once() -> None:
    room = Room(10)
    with room.of(STRANGER) as take:
        take(6)
        with room.of(STRANGER) as other, pytest.raises(TooMuchAtOnce):
            other(6)
        with room.of(ADMINISTRATOR) as other:
            other(10)
        take(4)
    assert not room._taken
