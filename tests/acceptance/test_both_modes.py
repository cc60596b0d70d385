"""A person gets the same answers from a store on their machine and from a server.

One session is typed twice, by the same person with the same packages: in process, and through
`condarium serve`. What each command prints, and how it ends, must be the same.
"""

import io
import os
import re
import shutil
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.support.channel import Made, make_channel, make_package
from tests.support.serving import serve

import condarium
from condarium.cli.main import main
from condarium.errors import NoSuchEnvironment, NothingEarlier, Unsolvable

SESSION = """
channel create tools --public
channel create tools
channel publish tools tool-1.0-0.conda lib-1.0-0.conda
channel publish tools tool-2.0-0.conda --label dev --reason try
channel publish tools tool-2.0-0.conda
channel publish tools broken-1.0-0.conda
channel publish nope tool-2.0-0.conda
channel list
channel show tools
channel show nope
channel show Bad-Name
channel log tools
channel diff tools/as-of/r1 tools/as-of/r2
channel search tools tool
channel packages tools
channel files tools/label/dev
channel yank tools tool==1.0 --reason old
channel unyank tools tool==1.0
channel label list tools
channel label promote tools dev main
channel patch dry-run tools patch.yaml
channel patch add tools patch.yaml
channel patch list tools
channel revert tools r3
channel edit tools --description good
channel verify tools
env build lab/fit
env build lab/fit -f environment.yml --reason first
env build lab/fit -f environment.yml
env build lab/fit -f more.yml --reason more
env build lab/fit -f unsolvable.yml
env build lab/fit -f misspelled.yml
env build lab/fit -f none.yml
env list
env list --namespace nope
env show lab/fit
env show lab/fit 1
env show lab/fit --lock
env show lab/fit 9
env show lab/nope
env show a/b/c
env history lab/fit
env path lab/fit
env diff lab/fit
env diff lab/fit -f environment.yml
env verify lab/fit
env du
env rollback lab/fit
env rollback lab/fit
env rollback lab/fit 2
env archive lab/fit 1 --dry-run
env archive lab/fit 1
env archive lab/fit 2
env rollback lab/fit 1
env restore lab/fit 1
env rollback lab/fit 1
lock -f environment.yml
lock -f environment.yml -o pixi.lock
lock -f environment.yml -o none/pixi.lock
lock -f latin.yml
query search tool -c CHANNEL
query whoneeds lib -c CHANNEL
query depends tool -c CHANNEL
query why lib -f environment.yml
query search tool --limit x
user create bob --password-file password
user create bob --password-file password
user show bob
namespace list
access bind bob viewer --namespace lab
access list --subject bob
access explain bob env-build lab
env remove lab/nope
env remove lab/fit
gc --dry-run
channel remove tools
env list
"""


_OF_THE_STORE = ("channel verify tools", "env du", "gc --dry-run")
"""What counts a store's bytes: a server also keeps jobs, accounts and large index files."""
_NEVER_THE_SAME = (
    (re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+Z"), "TIME"),
    (re.compile(r"\b[0-9a-f]{16,64}\b"), "HASH"),
    (re.compile(r"\d+(\.\d+)? (ms|s)\b"), "DURATION"),
    (re.compile(r'(?<="id": )\d+'), "NUMBER"),
    (re.compile(r"(?<=[ \[])\d+\.\d+(e-\d+)?(?=,?$)", re.MULTILINE), "SECONDS"),
    (re.compile(r"^job \d+ failed: .*\n|^  run in it: .*\n", re.MULTILINE), ""),
    (re.compile(r" on the server$", re.MULTILINE), ""),
)


@dataclass(frozen=True)
class Typed:
    """A command of the session, and what came of it, without what is never the same twice."""

    command: str
    code: int
    out: str
    err: str


@pytest.fixture(scope="module", params=["for people", "for programs"])
def sessions(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[list[Typed], list[Typed]]:
    """What came of the session in process, and of the same through a server."""
    folder = tmp_path_factory.mktemp("modes")
    options = ["--json"] if request.param == "for programs" else []
    channel = _write_files(folder / "files")
    lines = SESSION.replace("CHANNEL", channel).strip().splitlines()
    commands = [
        [*(word.replace("env-build", "env build") for word in line.split()), *options]
        for line in lines
    ]
    with _home(folder / "1") as home:
        here = [_type(argv, home) for argv in commands]
    with _home(folder / "2") as home, _served(home):
        there = [_type(argv, home) for argv in commands]
    return here, there


def test_each_command_prints_the_same_and_ends_the_same(
    sessions: tuple[list[Typed], list[Typed]],
) -> None:
    here, there = sessions
    others = [
        (one, two)
        for one, two in zip(here, there, strict=True)
        if one != two and not one.command.startswith(_OF_THE_STORE)
    ]
    assert others == []


def test_no_command_meets_a_defect(sessions: tuple[list[Typed], list[Typed]]) -> None:
    assert [typed for typed in sessions[1] if typed.code == 70] == []


@pytest.mark.parametrize("remote", [False, True], ids=["in process", "remote"])
def test_python_works_alike(tmp_path: Path, remote: bool) -> None:
    channel = _write_files(tmp_path / "files")
    with _home(tmp_path / "home") as home, _served(home) if remote else ExitStack():
        _work(condarium.Client(), home, channel)


def _work(client: Any, home: Path, channel: str) -> None:
    with client:
        published = client.channel.publish
        client.channel.create("tools", public=True)
        assert published("tools", [home / "tool-1.0-0.conda"]).revision == 1
        assert len(client.channel.list()) == 1
        first = client.env.build("lab/fit", file=home / "environment.yml")
        second = client.env.build("lab/fit", file=home / "more.yml", reason="more")
        assert (first.generation, second.generation) == (1, 2)
        assert (second.path / "share" / "lib.txt").read_text() == "lib"
        assert client.env.rollback("lab/fit").generation == 1
        assert [line.name.name for line in client.env.list(namespace="lab")] == ["fit"]
        client.lock(file=home / "more.yml", output=home / "pixi.lock")
        assert "lib-1.0-0.conda" in (home / "pixi.lock").read_text()
        assert client.query.search("tool", channel=[channel]).packages
        with pytest.raises(NoSuchEnvironment):
            client.env.show("lab/nope")
        with pytest.raises(Unsolvable):
            client.env.build("lab/fit", file=home / "unsolvable.yml")
        with pytest.raises(NothingEarlier):
            client.env.rollback("lab/fit")


def _write_files(folder: Path) -> str:
    """What the session needs; gives the URL of a channel of these packages."""
    lib = Made("lib", files={"share/lib.txt": "lib"})
    tool = Made("tool", "1.0", files={"share/tool.txt": "tool"})
    newer = Made("tool", "2.0", depends=["lib >=1"], files={"share/tool.txt": "newer"})
    for made in (lib, tool, newer):
        package = make_package(made, into=folder)
        package.replace(folder / package.name)
    channel = make_channel(folder.parent / "channel", [lib, tool, newer]).as_uri()
    (folder / "broken-1.0-0.conda").write_bytes(b"this is no package")
    (folder / "password").write_text("correct horse battery\n")
    (folder / "latin.yml").write_bytes(b"name: \xe9\n")
    (folder / "patch.yaml").write_text("if: {name: tool}\nthen: [{add_constrains: lib <9}]\n")
    for name, dependencies in (
        ("environment", "[tool =1]"),
        ("more", "[tool =2]"),
        ("unsolvable", "[tool =3]"),
    ):
        text = f"channels: [{channel}]\ndependencies: {dependencies}\nplatforms: [linux-64]\n"
        (folder / f"{name}.yml").write_text(text)
    (folder / "misspelled.yml").write_text("chanels: []\ndependancies: [tool]\n")
    return channel


@contextmanager
def _home(home: Path) -> Iterator[Path]:
    """A home with the files in it, where everything that is typed happens."""
    shutil.copytree(home.parent / "files", home)
    before, place = dict(os.environ), Path.cwd()
    for name in [name for name in os.environ if name.startswith(("CONDARIUM_", "XDG_"))]:
        del os.environ[name]
    os.environ.update(HOME=str(home), LOGNAME="ada", CONDARIUM_STORE=str(home / "store"))
    os.chdir(home)
    try:
        yield home
    finally:
        os.chdir(place)
        os.environ.clear()
        os.environ.update(before)


@contextmanager
def _served(home: Path) -> Iterator[None]:
    """Work with a server from here on, as its first administrator, whose login is saved."""
    del os.environ["CONDARIUM_STORE"]
    with serve(home / "store", CONDARIUM_ADMIN_TOKEN="", HOME=str(home)) as server:
        argv = ["login", server.url, "--name", "ada", "--password-from", "password"]
        said = _type([*argv, "--first", server.first_sign_in or ""], home)
        assert said.code == 0, said
        yield


def _type(argv: Sequence[str], home: Path) -> Typed:
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = main(argv)
    texts = (_settled(text.getvalue(), home) for text in (out, err))
    return Typed(" ".join(argv), code, *texts)


def _settled(text: str, home: Path) -> str:
    text = text.replace(str(home), "HOME")
    for pattern, word in _NEVER_THE_SAME:
        text = pattern.sub(word, text)
    return text
