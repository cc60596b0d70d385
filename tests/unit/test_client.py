"""The Python client: plain values in, results out."""

import asyncio
import inspect
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

import condarium
from condarium.app import operations
from condarium.client import Client
from condarium.client.files import UnreadableFile, UnwritableFile, read_document
from condarium.errors import BadInput, BadName
from condarium.model.actor import Actor
from condarium.model.document import Document
from condarium.model.names import EnvironmentName
from condarium.values import BadArgument, accept, parse_duration


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Any]:
    monkeypatch.setattr("condarium.app._DECLARATIONS", ("tests.support.toy",))
    operations.cache_clear()
    with Client(tmp_path / "store", actor=Actor(name="ada")) as client:
        yield client
    operations.cache_clear()


def test_plain_values_become_what_the_operation_takes(client: Any, tmp_path: Path) -> None:
    (tmp_path / "words.txt").write_text("good day")
    said = client.toy.say(
        "lab/fit", [1, 2], file=tmp_path / "words.txt", older_than="90d", tag=["a"], twice=True
    )
    assert said.given == {
        "environment": EnvironmentName("lab", "fit"),
        "numbers": (1, 2),
        "file": "good day",
        "older_than": timedelta(days=90),
        "tone": "soft",
        "tag": ("a",),
        "twice": True,
        "actor": "ada",
    }


def test_values_are_taken_as_they_are(client: Any) -> None:
    said = client.toy.say(
        EnvironmentName("lab", "fit"),
        7,
        file=Document("hand", b"made"),
        older_than=timedelta(hours=1),
        tag="alone",
    )
    assert said.given["numbers"] == (7,)
    assert said.given["file"] == "made"
    assert said.given["older_than"] == timedelta(hours=1)
    assert said.given["tag"] == ("alone",)


def test_a_document_knows_its_folder(client: Any, tmp_path: Path) -> None:
    (tmp_path / "a.yml").write_text("x")
    document = condarium.client.files.read_document(str(tmp_path / "a.yml"))
    assert document.folder == tmp_path


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"numbers": "7"}, "numbers: found '7'; expected a whole number"),
        ({"numbers": True}, "numbers: found True; expected a whole number"),
        ({"older_than": 90}, "older_than: found 90; expected a timedelta, or a duration"),
        ({"older_than": "soon"}, "older_than: found 'soon'; expected a duration such as 90d"),
        ({"older_than": timedelta(-1)}, "expected a duration from 0 to 1000 years"),
        ({"tone": "laud"}, "tone: found 'laud'; expected one of soft, loud"),
        ({"tag": [1]}, "tag: found 1; expected a text"),
        ({"tag": None}, "tag: found None; expected a text"),
        ({"tag": ["a\0"]}, "tag: found a character that no text has"),
        ({"tag": ["\ud800"]}, "tag: found a character that no text has"),
        ({"twice": 1}, "twice: found 1; expected true or false"),
        ({"file": b""}, "file: found b''; expected the path of a file"),
    ],
)
def test_a_wrong_value_says_what_was_expected(
    client: Any, arguments: dict[str, Any], message: str
) -> None:
    with pytest.raises(BadArgument) as caught:
        client.toy.say("lab/fit", **arguments)
    assert message in caught.value.message


@pytest.mark.parametrize("number", [1 << 63, -(1 << 63)])
def test_a_number_that_no_database_takes_is_refused(number: int) -> None:
    (limit,) = [each for each in operations()["channel log"].parameters if each.name == "limit"]
    with pytest.raises(BadArgument, match="limit: found a number of 64 bits"):
        accept(limit, number, label="limit")


def test_a_files_name_can_be_stored_whatever_its_bytes(tmp_path: Path) -> None:
    file = os.fsencode(tmp_path) + b"/\xff.yml"
    Path(os.fsdecode(file)).write_bytes(b"")
    assert read_document(file).name.endswith("/\N{REPLACEMENT CHARACTER}.yml")


def test_an_unknown_argument_brings_the_one_that_was_meant(client: Any) -> None:
    with pytest.raises(BadArgument, match=r"client\.toy\.say has no argument 'tome'") as caught:
        client.toy.say("lab/fit", tome="loud")
    assert caught.value.hint == "Did you mean tone?"


def test_a_missing_argument_is_named(client: Any) -> None:
    with pytest.raises(BadInput, match="missing a required argument: 'environment'") as caught:
        client.toy.say()
    assert "environment, numbers, file" in (caught.value.hint or "")


def test_a_bad_name_and_a_missing_file_are_errors(client: Any, tmp_path: Path) -> None:
    with pytest.raises(BadName):
        client.toy.say("a/b/c")
    with pytest.raises(UnreadableFile, match="there is no such file"):
        client.toy.say("lab/fit", file=tmp_path / "none.yml")


def test_a_folder_instead_of_a_file_points_to_the_file_in_it(client: Any, tmp_path: Path) -> None:
    (tmp_path / "environment.yml").touch()
    with pytest.raises(UnreadableFile, match="found a folder; expected a file") as caught:
        client.toy.say("lab/fit", file=tmp_path)
    assert caught.value.hint == f"There is {tmp_path / 'environment.yml'}."


def test_output_saves_the_document(client: Any, tmp_path: Path) -> None:
    target = tmp_path / "out.txt"
    target.write_text("old")
    target.chmod(0o640)
    result = client.write(file=Document("x", b"new"), output=target)
    assert target.read_text() == result.content == "<new>\n"
    assert target.stat().st_mode & 0o777 == 0o640
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["out.txt"]


def test_output_follows_links_and_spares_devices(client: Any, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "real")
    client.write(file=Document("x", b"new"), output=tmp_path / "link")
    client.write(file=Document("x", b"new"), output=os.devnull)
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_text() == "<new>\n"
    assert Path(os.devnull).is_char_device()


def test_a_place_that_cannot_be_written_is_found_before_the_work(
    client: Any, tmp_path: Path
) -> None:
    with pytest.raises(UnwritableFile, match="there is no folder"):
        client.write(file=Document("x", b"\xff"), output=tmp_path / "none" / "out")


def test_methods_explain_themselves(client: Any) -> None:
    signature = inspect.signature(client.toy.say)
    assert list(signature.parameters)[:2] == ["environment", "numbers"]
    assert signature.parameters["tone"].kind is inspect.Parameter.KEYWORD_ONLY
    assert client.toy.say.__doc__.startswith("Say what was given.")
    assert "tone: how loud" in client.toy.say.__doc__
    assert "output" in inspect.signature(client.write).parameters


def test_what_there_is_can_be_listed(client: Any) -> None:
    assert {"toy", "write", "close"} <= set(dir(client))
    assert {"say", "change", "break_"} <= set(dir(client.toy))
    with pytest.raises(AttributeError, match="has no 'yell'"):
        client.toy.yell  # noqa: B018
    with pytest.raises(AttributeError, match="has no 'env'"):
        client.env  # noqa: B018


def test_it_works_inside_a_running_event_loop(client: Any) -> None:
    async def notebook_cell() -> Any:
        return client.toy.say("fit")

    assert asyncio.run(notebook_cell()).names == (EnvironmentName("default", "fit"),)


@pytest.mark.parametrize(
    ("text", "duration"),
    [
        ("90d", timedelta(days=90)),
        ("12h", timedelta(hours=12)),
        ("2w", timedelta(weeks=2)),
        ("30m", timedelta(minutes=30)),
        ("1d 12h", timedelta(days=1.5)),
        ("1.5h", timedelta(minutes=90)),
        ("0s", timedelta()),
    ],
)
def test_durations_read(text: str, duration: timedelta) -> None:
    assert parse_duration(text) == duration


@pytest.mark.parametrize("text", ["", "d", "90", "-1d", "1y", "1e3d", "9" * 400 + "w"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(BadArgument):
        parse_duration(text)


def test_importing_condarium_imports_no_client() -> None:
    code = "import condarium, sys; assert 'condarium.client' not in sys.modules; condarium.Client"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=30)


def test_the_package_shows_what_it_offers_and_nothing_else() -> None:
    assert dir(condarium) == ["Client", "__version__"]
