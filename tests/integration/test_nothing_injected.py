"""What others write stays text: in logs and errors on a terminal, and in pages."""

import io
import json
import re
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest
import zstandard
from tests.support.channel import Made, make_channel, make_package
from tests.support.hosting import ADA, host, hosted_store
from tests.support.serving import TOKEN, Server, serve
from tests.support.user import User

from condarium.channels.making.static import index_channel
from condarium.environments import building
from condarium.environments.planning import Request
from condarium.errors import CondariumError
from condarium.model.document import Document
from condarium.model.names import EnvironmentName
from condarium.model.progress import Quiet

EVIL = (
    "\x1b]8;;http://evil.example\x07here\x1b[2J\r\x9b31m\u202ebackwards\u2066<script>x()</script>"
)
_OBEYED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


@pytest.fixture(scope="module")
def user(tmp_path_factory: pytest.TempPathFactory) -> User:
    return User(tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="module")
def server(user: User) -> Iterator[Server]:
    with hosted_store(user.home) as store:
        host(store, "lab", [Made("tool", "1.0")], reason=EVIL)
    with serve(user.home / "store", environ=user.surroundings()) as server:
        yield server


def harmless(*texts: str) -> None:
    for text in texts:
        assert not _OBEYED.search(text), repr(text)


def remotely(user: User, server: Server, *words: str) -> str:
    said = user(*words, CONDARIUM_SERVER=server.url, CONDARIUM_TOKEN=TOKEN)
    harmless(said.out, said.err)
    return said.out + said.err


def test_what_a_build_says_is_text(user: User, server: Server, tmp_path: Path) -> None:
    """Its reason, a link script's words, and a solver's, over the server and in its jobs' logs."""
    script = f"printf '%s' '{EVIL}' >&2; printf '%s' '{EVIL}' > $PREFIX/.messages.txt; exit 3\n"
    tool = Made("tool", "1.0", files={"bin/.tool-post-link.sh": f"#!/bin/sh\n{script}"})
    channel = make_channel(tmp_path / "channel", [tool, Made("odd", depends=["missing >=1"])])
    for repodata in channel.glob("*/repodata.json"):
        told = json.loads(repodata.read_text())
        for record in told["packages.conda"].values():
            record["license"] = record["url_of_home"] = EVIL
        repodata.write_text(json.dumps(told))
    for wanted in ("tool", "odd", f"tool {EVIL}"):
        spec = user.write("environment.yml", f"channels: ['{channel.as_uri()}']\ndependencies:\n")
        with spec.open("a") as file:
            file.write(f"  - {json.dumps(wanted)}\n")
        build = ("env", "build", "lab/fit", "-f", str(spec), "--reason", EVIL, "--link-scripts")
        remotely(user, server, *build)
    said = user("--store", str(tmp_path / "own"), *build)
    harmless(said.out, said.err)
    remotely(user, server, "env", "log", "lab/fit")
    listed = json.loads(
        user("--json", "job", "list", CONDARIUM_SERVER=server.url, CONDARIUM_TOKEN=TOKEN).out
    )
    jobs = listed["items"] if isinstance(listed, dict) else listed
    assert jobs
    for job in jobs:
        remotely(user, server, "job", "logs", str(job["id"]))


@pytest.mark.parametrize(
    "words",
    [
        ("channel", "log", "lab"),
        ("channel", "show", "lab"),
        ("channel", "create", f"x{EVIL}"),
        ("channel", "search", "lab", EVIL),
        ("env", "show", f"lab/{EVIL}"),
        ("nothing", EVIL),
    ],
)
def test_what_a_command_says_is_text(user: User, server: Server, words: tuple[str, ...]) -> None:
    remotely(user, server, *words)


@pytest.mark.parametrize(
    "path", ["/", "/lab/", "/lab/noarch/", f"/lab/?q={quote(EVIL)}", f"/{quote(EVIL)}/"]
)
def test_pages_have_no_scripts_of_others(user: User, server: Server, path: str) -> None:
    description = {"channel": "evil", "description": EVIL, "public": True}
    httpx.post(f"{server.url}/api/v1/channels", json=description, headers=server.bearer)
    got = httpx.get(f"{server.url}{path}", headers={"Accept": "text/html", **server.bearer})
    assert "<script>x()" not in got.text
    if got.headers["content-type"].startswith("text/html"):
        assert "script-src" in got.headers.get("content-security-policy", "script-src")


def hostile(name: str, linkname: str = "", kind: bytes = tarfile.REGTYPE) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, linkname
    return member


_SYM, _HARD = tarfile.SYMTYPE, tarfile.LNKTYPE
HOSTILE = {
    "above": [hostile("../../../../{out}/evil")],
    "absolute": [hostile("/{out}/evil")],
    "through a link": [hostile("lib/way", "/{out}", _SYM), hostile("lib/way/evil")],
    "through a link above": [hostile("way", "../../../../{out}", _SYM), hostile("way/evil")],
    "a link to a file": [hostile("lib/f", "/{out}/kept", _SYM), hostile("lib/f")],
    "a hard link": [hostile("lib/f", "/{out}/kept", _HARD), hostile("lib/f")],
    "a hard link above": [hostile("lib/f", "../../../../{out}/kept", _HARD), hostile("lib/f")],
}


@pytest.mark.parametrize("what", HOSTILE)
def test_a_package_writes_nothing_outside(tmp_path: Path, what: str) -> None:
    """A channel's package is unpacked and linked; wherever it points, nothing changes there."""
    out = tmp_path / "outside"
    out.mkdir()
    (out / "kept").write_text("kept")
    channel = tmp_path / "channel"
    _with_members(make_package(Made("tool", "1.0"), into=channel), HOSTILE[what], out)
    index_channel(channel)
    content = f"channels: ['{channel.as_uri()}']\ndependencies: [tool]\n".encode()
    with hosted_store(tmp_path) as store:
        request = Request(
            environment=EnvironmentName("lab", "fit"),
            file=Document("environment.yml", content),
            lock=None,
        )
        try:
            building.build(store, request, actor=ADA, progress=Quiet())
        except CondariumError as error:
            print(f"{what}: {error.message}", file=sys.stderr)
    assert {path.name: path.read_text() for path in out.iterdir()} == {"kept": "kept"}
    assert not [path for path in tmp_path.rglob("evil") if "store" not in path.parts]


def _with_members(package: Path, members: list[tarfile.TarInfo], out: Path) -> None:
    """Turn a .conda into a .tar.bz2 that has these members as well."""
    bad = package.with_name(package.name.replace(".conda", ".tar.bz2"))
    with zipfile.ZipFile(package) as archive, tarfile.open(bad, "w:bz2") as writing:
        for name in archive.namelist():
            if not name.endswith(".tar.zst"):
                continue
            content = zstandard.ZstdDecompressor().stream_reader(archive.read(name)).read()
            with tarfile.open(fileobj=io.BytesIO(content)) as reading:
                for member in reading:
                    writing.addfile(member, reading.extractfile(member) if member.isreg() else None)
        for each in members:
            place = str(out).lstrip("/")
            member = hostile(
                each.name.replace("{out}", place), each.linkname.replace("{out}", place), each.type
            )
            member.size = 4 if each.type == tarfile.REGTYPE else 0
            writing.addfile(member, io.BytesIO(b"evil") if member.size else None)
    package.unlink()
