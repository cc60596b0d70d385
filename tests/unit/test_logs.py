"""What is logged: constant messages with fields, no secrets, nothing that a terminal obeys."""

import json
import logging

import pytest

from condarium.operating.logs import REQUEST, JsonLines, TextLines, without_secrets
from condarium.server.observing.route_names import route_of

TOKEN = "condarium_" + "aZ09-_" * 7 + "x"


def record(message: str, **fields: object) -> logging.LogRecord:
    made = logging.makeLogRecord({"name": "condarium.x", "levelname": "INFO", "msg": message})
    made.__dict__.update(fields)
    return made


def test_json_has_the_fields_and_the_request() -> None:
    token = REQUEST.set("abc")
    try:
        said = json.loads(JsonLines().format(record("it happened", status=200, route="/x")))
    finally:
        REQUEST.reset(token)
    assert said.pop("at").endswith("Z")
    assert said == {
        "level": "info",
        "logger": "condarium.x",
        "message": "it happened",
        "request": "abc",
        "status": 200,
        "route": "/x",
    }


def test_a_failure_comes_with_its_traceback_without_secrets() -> None:
    try:
        raise ValueError(f"https://ada:pass-word@conda.example/t/{TOKEN}/lab")
    except ValueError as error:
        made = record("it failed")
        made.exc_info = (type(error), error, error.__traceback__)
    for formatter in (JsonLines(), TextLines()):
        said = formatter.format(made)
        assert "ValueError" in said
        assert TOKEN not in said
        assert "pass-word" not in said


@pytest.mark.parametrize(
    "text",
    [
        f"GET /t/{TOKEN}/lab",
        "GET /t/any-old-token/lab",
        f"token {TOKEN} was used",
        "https://ada:pass-word@conda.example.org/lab",
        "https://x.example/?token=pass-word&y=1",
        "https://x.example/?a=1&X-Amz-Signature=1&signature=pass-word",
        "Authorization: Bearer pass-word-of-ada",
        "authorization: basic cGFzcy13b3Jk",
    ],
)
def test_secrets_are_not_said(text: str) -> None:
    said = without_secrets(text)
    for secret in (TOKEN, "any-old-token", "pass-word", "cGFzcy13b3Jk"):
        assert secret not in said


@pytest.mark.parametrize("evil", ["\x1b[2J", "\x1b]8;;http://evil\x07", "\r", "\u202e", "\x9b31m"])
def test_a_log_line_stays_one_line_of_text(evil: str) -> None:
    said = TextLines().format(record("a name came", name_of_it=f"a{evil}\nb"))
    assert evil not in said
    assert "\n" not in said
    assert "\n" not in JsonLines().format(record("a name came", name_of_it=f"a{evil}\nb"))


@pytest.mark.parametrize(
    ("method", "path", "route"),
    [
        ("GET", "/", "/"),
        ("GET", "/lab/", "/{view}/"),
        ("GET", "/lab/label/dev/linux-64/repodata.json.zst", "/{view}/{subdir}/repodata.json.zst"),
        ("GET", "/lab/noarch/tool-1.0-0.conda", "/{view}/{subdir}/{package}"),
        ("GET", "/lab/shards/" + "0" * 64 + ".msgpack.zst", "/{channel}/shards/{shard}"),
        ("GET", "/lab/channeldata.json", "/{view}/channeldata.json"),
        ("GET", "/sign-in/provider/callback", "/sign-in"),
        ("GET", "/account", "/account"),
        ("GET", "/source/" + "0" * 64, "/source"),
        ("GET", "/wp-login.php", "other"),
        ("GET", "/a/b/c/d/e", "other"),
        ("GET", "/api/v1/channels/lab", "/api/v1/channels/{channel}"),
        ("POST", "/api/v1/channels/lab/yank", "/api/v1/channels/{channel}/yank"),
        ("GET", "/api/v1/nothing/here", "other"),
        ("GET", "/api/v1/jobs/17/events", "/api/v1/jobs/{job}/events"),
        ("POST", "/api/channels/lab/upload/tool-1.0-0.conda", "/api/channels/{channel}/upload"),
    ],
)
def test_a_route_has_no_names_in_it(method: str, path: str, route: str) -> None:
    assert route_of(method, path) == route
