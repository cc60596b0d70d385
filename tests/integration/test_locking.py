"""From an environment.yml to a lock: one answer to one question, and no second asking."""

import asyncio
import hashlib
import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from rattler import LockFile
from tests.support.answering import AnsweringServer, Ask, Reply
from tests.support.server import ChannelServer

from condarium.engine.network.errors import NoSuchChannel
from condarium.engine.solving import solver
from condarium.engine.solving.solver import RattlerSolver, SolveRequest, SolveTimeout
from condarium.engine.solving.virtual_packages import host_platform
from condarium.environments.locking import Solved, lock, solve_file
from condarium.errors import (
    BadCondarc,
    BadInput,
    BadSpec,
    CondariumError,
    NoChannels,
    UnknownPlatform,
    Unsolvable,
)
from condarium.model.document import Document
from condarium.model.progress import Quiet
from condarium.settings import Settings
from condarium.storage.store import Store

LINUX = "linux-64"


def package(name: str, version: str = "1.0", *depends: str, **fields: Any) -> dict[str, Any]:
    """A record as in repodata.json, in noarch unless `subdir` says otherwise."""
    return {
        "name": name,
        "version": version,
        "build": "0",
        "build_number": 0,
        "depends": list(depends),
        "subdir": "noarch",
        "sha256": hashlib.sha256(f"{name}{version}".encode()).hexdigest(),
        "size": 1,
        **fields,
    }


def channel(folder: Path, *packages: dict[str, Any]) -> str:
    """Write a channel that has indexes and no packages; give its URL."""
    for subdir in {"noarch", *(each["subdir"] for each in packages)}:
        index = folder / subdir / "repodata.json"
        index.parent.mkdir(parents=True, exist_ok=True)
        index.write_text(json.dumps(_index(subdir, packages)))
    return folder.as_uri()


def _index(subdir: str, packages: tuple[dict[str, Any], ...]) -> dict[str, Any]:
    files = {
        f"{each['name']}-{each['version']}-{each['build']}.conda": each
        for each in packages
        if each["subdir"] == subdir
    }
    return {"info": {"subdir": subdir}, "packages": {}, "packages.conda": files}


class Place:
    """A store in a home of its own, and a way to ask it for locks."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.home = folder / "home"
        self.home.mkdir()
        self.environ: dict[str, str] = {}

    def solve(
        self,
        channels: str | list[str],
        *dependencies: Any,
        platforms: tuple[str, ...] = (LINUX,),
        cuda: str | None = None,
        refresh: bool = False,
        **keys: Any,
    ) -> Solved:
        named = [channels] if isinstance(channels, str) else channels
        content = {"channels": named, "dependencies": list(dependencies), **keys}
        document = Document("environment.yml", json.dumps(content).encode(), self.folder)
        settings = Settings(store=self.folder / "store", home=self.home, environ=self.environ)
        store = Store(settings)
        try:
            return solve_file(store, document, platforms=platforms, cuda=cuda, refresh=refresh)
        finally:
            store.close()

    def condarc(self, **content: Any) -> None:
        (self.home / ".condarc").write_text(yaml.safe_dump(content))


@pytest.fixture
def place(tmp_path: Path) -> Place:
    (tmp_path / "place").mkdir()
    return Place(tmp_path / "place")


@pytest.fixture
def solves(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The platforms of every solve that rattler was asked for."""
    asked: list[list[str]] = []

    async def counted(*_: Any, **arguments: Any) -> Any:
        asked.append([str(each) for each in arguments["platforms"]])
        return await rattler_solve(*_, **arguments)

    rattler_solve = solver.solve
    monkeypatch.setattr(solver, "solve", counted)
    return asked


def chosen(solved: Solved, platform: str = LINUX) -> dict[str, str]:
    return {each.name: each.version for each in solved.document.lock.packages[platform]}


# The same question


def test_the_same_question_is_solved_once_and_answered_with_the_same_bytes(
    place: Place, tmp_path: Path, solves: list[list[str]]
) -> None:
    url = channel(tmp_path / "chan", package("app", "1.0", "lib"), package("lib"))
    first = place.solve(url, "app")
    second = place.solve(url, "app")
    assert (first.fresh, second.fresh) == (True, False)
    assert first.content == second.content
    assert len(solves) == 1


def test_two_stores_give_the_same_bytes(tmp_path: Path) -> None:
    url = channel(tmp_path / "chan", package("app", "1.0", "lib"), package("lib"))
    contents = set()
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        contents.add(Place(tmp_path / name).solve(url, "app").content)
    assert len(contents) == 1


def test_the_order_of_dependencies_makes_no_other_question(place: Place, tmp_path: Path) -> None:
    url = channel(tmp_path / "chan", package("a"), package("b"))
    first = place.solve(url, "a", "b")
    second = place.solve(url, "b", "a")
    assert not second.fresh
    assert second.content == first.content


def test_name_and_variables_make_no_other_question(place: Place, tmp_path: Path) -> None:
    url = channel(tmp_path / "chan", package("a"))
    place.solve(url, "a", name="one")
    assert not place.solve(url, "a", name="two", variables={"X": "1"}).fresh


def test_a_known_answer_asks_a_server_for_no_more_than_headers(
    place: Place, tmp_path: Path
) -> None:
    channel(tmp_path / "chan", package("a"))
    with ChannelServer(tmp_path / "chan") as server:
        place.solve(server.url, "a")
        server.forget()
        assert not place.solve(server.url, "a").fresh
        assert {each.method for each in server.requests} == {"HEAD"}


def test_refresh_solves_anew(place: Place, tmp_path: Path, solves: list[list[str]]) -> None:
    url = channel(tmp_path / "chan", package("a"))
    first = place.solve(url, "a")
    again = place.solve(url, "a", refresh=True)
    assert again.fresh
    assert again.content == first.content
    assert len(solves) == 2


def test_a_new_package_in_the_channel_is_seen(place: Place, tmp_path: Path) -> None:
    url = channel(tmp_path / "chan", package("a", "1.0"))
    place.solve(url, "a")
    channel(tmp_path / "chan", package("a", "1.0"), package("a", "2.0"))
    solved = place.solve(url, "a")
    assert solved.fresh
    assert chosen(solved) == {"a": "2.0"}


class Keeping:
    """A server that allows its indexes to be kept for an hour."""

    def __init__(self) -> None:
        self.packages: tuple[dict[str, Any], ...] = ()

    def __call__(self, ask: Ask) -> Reply:
        subdir, _, name = ask.path.lstrip("/").rpartition("/")
        if name != "repodata.json" or subdir not in ("noarch", LINUX):
            return Reply(404, headers={"Cache-Control": "max-age=3600"})
        body = json.dumps(_index(subdir, self.packages)).encode()
        etag = f'"{hashlib.sha256(body).hexdigest()[:16]}"'
        headers = {"ETag": etag, "Cache-Control": "public, max-age=3600"}
        if ask.headers.get("if-none-match") == etag:
            return Reply(304, headers=headers)
        return Reply(body=body, headers=headers)


def test_a_new_package_is_seen_at_once_where_a_server_lets_indexes_be_kept(place: Place) -> None:
    keeping = Keeping()
    with AnsweringServer(keeping) as server:
        for count in (1, 2, 3):
            keeping.packages += (package("a", f"{count}.0"),)
            assert chosen(place.solve(server.url, "a")) == {"a": f"{count}.0"}


def test_another_question_about_known_channels_downloads_no_index_again(place: Place) -> None:
    keeping = Keeping()
    keeping.packages = (package("a"), package("b"))
    with AnsweringServer(keeping) as server:
        place.solve(server.url, "a")
        server.asks.clear()
        assert place.solve(server.url, "b").fresh
        assert {ask.method for ask in server.asks} == {"HEAD"}


# Platforms


def test_one_lock_has_several_platforms_with_one_solve_each(
    place: Place, tmp_path: Path, solves: list[list[str]]
) -> None:
    url = channel(
        tmp_path / "chan",
        package("app", "1.0", "lib"),
        *(package("lib", "1.0", subdir=each) for each in (LINUX, "osx-arm64", "win-64")),
    )
    solved = place.solve(url, "app", platforms=(LINUX, "osx-arm64", "win-64"))
    assert sorted(each[0] for each in solves) == [LINUX, "osx-arm64", "win-64"]
    assert {name: len(each) for name, each in solved.document.lock.packages.items()} == {
        LINUX: 2,
        "osx-arm64": 2,
        "win-64": 2,
    }


def test_a_platform_named_twice_is_solved_once(
    place: Place, tmp_path: Path, solves: list[list[str]]
) -> None:
    place.solve(channel(tmp_path / "chan", package("a")), "a", platforms=(LINUX, LINUX))
    assert len(solves) == 1


def test_a_platform_may_have_nothing_of_its_own(place: Place, tmp_path: Path) -> None:
    url = channel(tmp_path / "chan", package("a"))
    assert chosen(place.solve(url, "a", platforms=("osx-arm64",)), "osx-arm64") == {"a": "1.0"}


def test_a_package_for_one_platform_only_is_said_to_be_so(place: Place, tmp_path: Path) -> None:
    url = channel(tmp_path / "chan", package("pywin32", subdir="win-64"))
    with pytest.raises(Unsolvable) as caught:
        place.solve(url, "pywin32", platforms=("win-64", LINUX))
    assert caught.value.platform == LINUX
    assert caught.value.hint == "pywin32 is there for win-64, and not for linux-64."


def test_an_unknown_platform_is_no_platform(place: Place, tmp_path: Path) -> None:
    with pytest.raises(UnknownPlatform, match="linux-46"):
        place.solve(channel(tmp_path / "chan", package("a")), "a", platforms=("linux-46",))


def test_rattler_reads_the_lock_with_its_platforms_and_what_was_stated_of_them(
    place: Place, tmp_path: Path
) -> None:
    url = channel(tmp_path / "chan", package("a"))
    solved = place.solve(
        url,
        "a",
        platforms=(LINUX, "osx-arm64"),
        **{"system-requirements": {"glibc": "2.28", "macos": "14.0"}},
    )
    (tmp_path / "pixi.lock").write_bytes(solved.content)
    platforms = LockFile.from_path(tmp_path / "pixi.lock").platforms()
    assert {each.name: each.virtual_packages for each in platforms} == {
        LINUX: ["__glibc=2.28=0"],
        "osx-arm64": ["__osx=14.0=0"],
    }


# What machines have


def test_a_gpu_environment_is_locked_where_there_is_no_gpu(place: Place, tmp_path: Path) -> None:
    url = channel(
        tmp_path / "chan",
        package("net", "1.0", "__cuda >=12", build="cuda", build_number=1),
        package("net", "1.0", build="cpu"),
    )

    def build(**arguments: Any) -> str:
        (found,) = place.solve(url, "net", **arguments).document.lock.packages[LINUX]
        return found.build

    stated = {"system-requirements": {"cuda": "11.8"}}
    place.environ = {"CONDA_OVERRIDE_CUDA": ""}
    assert build() == "cpu"
    assert build(cuda="12.4") == "cuda"
    assert build(**{"system-requirements": {"cuda": "12.4"}}) == "cuda"
    place.environ = {"CONDA_OVERRIDE_CUDA": "12.4"}
    assert build() == "cuda"
    assert build(**stated) == "cpu"  # the file has the word before the variable,
    assert build(**stated, cuda="12.4") == "cuda"  # and the option before the file


def test_a_c_library_that_is_too_old_is_named_with_what_to_write(
    place: Place, tmp_path: Path
) -> None:
    url = channel(tmp_path / "chan", package("new", "1.0", "__glibc >=2.99"))
    with pytest.raises(Unsolvable) as caught:
        place.solve(url, "new", **{"system-requirements": {"glibc": "2.28"}})
    assert "new 1.0 needs __glibc >=2.99, and linux-64 has 2.28" in caught.value.message
    assert 'system-requirements: {glibc: "2.99"}' in (caught.value.hint or "")


# Several channels


@pytest.fixture
def two(tmp_path: Path) -> list[str]:
    """Two channels, of which the second has newer versions of what the first has too."""
    first = channel(tmp_path / "first", package("tool", "1.0"), package("app", "1.0", "tool >=2"))
    second = channel(tmp_path / "second", package("tool", "1.5"), package("tool", "2.0"))
    return [first, second]


def test_a_channel_hides_newer_versions_in_those_after_it(place: Place, two: list[str]) -> None:
    assert chosen(place.solve(two, "tool")) == {"tool": "1.0"}
    assert chosen(place.solve(two[::-1], "tool")) == {"tool": "2.0"}


@pytest.mark.parametrize("dependency", ["tool >=2", "tool 1.5", "app"])
def test_a_version_that_only_a_later_channel_has_is_not_taken(
    place: Place, two: list[str], dependency: str
) -> None:
    with pytest.raises(Unsolvable) as caught:
        place.solve(two, dependency)
    assert f"is hidden in {two[1]}" in caught.value.message
    assert f"A channel before {two[1]} has tool too" in (caught.value.hint or "")


def test_without_priority_the_newest_of_all_channels_is_taken(place: Place, two: list[str]) -> None:
    place.condarc(channel_priority="disabled")
    assert chosen(place.solve(two, "app")) == {"app": "1.0", "tool": "2.0"}


def test_a_dependency_may_name_its_channel(place: Place, two: list[str]) -> None:
    place.condarc(custom_channels={"second": two[1].removesuffix("/second")})
    assert chosen(place.solve(two, "second::tool")) == {"tool": "2.0"}
    assert chosen(place.solve(two[:1], "second::tool")) == {"tool": "2.0"}


def test_a_named_channel_that_lacks_the_package_is_named(place: Place, two: list[str]) -> None:
    place.condarc(custom_channels={"second": two[1].removesuffix("/second")})
    with pytest.raises(Unsolvable) as caught:
        place.solve(two, "second::app")
    assert caught.value.hint == f"{two[1]} has no app that fits."


def test_channels_of_the_condarc_come_after_those_of_the_file(place: Place, two: list[str]) -> None:
    place.condarc(channels=[two[0]])
    assert chosen(place.solve([two[1]], "tool")) == {"tool": "2.0"}
    assert chosen(place.solve([two[1]], "app")) == {"app": "1.0", "tool": "2.0"}


def test_nodefaults_leaves_the_channels_of_the_condarc_out(place: Place, two: list[str]) -> None:
    place.condarc(channels=[two[0]])
    with pytest.raises(Unsolvable, match="There is no app"):
        place.solve([two[1], "nodefaults"], "app")


def test_a_file_without_channels_is_told_so(place: Place) -> None:
    with pytest.raises(NoChannels):
        place.solve([], "a")


# Pins


def test_a_pinned_package_holds_for_what_is_chosen_and_asks_for_nothing(
    place: Place, tmp_path: Path
) -> None:
    url = channel(
        tmp_path / "chan",
        *(package("lib", version) for version in ("1.0", "2.0")),
        package("app", "1.0", "lib"),
        package("other"),
    )
    assert chosen(place.solve(url, "app"))["lib"] == "2.0"
    place.condarc(pinned_packages=["lib <2"])
    assert chosen(place.solve(url, "app"))["lib"] == "1.0"
    assert chosen(place.solve(url, "other")) == {"other": "1.0"}


def test_a_pin_that_stands_in_the_way_is_named(place: Place, tmp_path: Path) -> None:
    url = channel(tmp_path / "chan", package("lib"), package("app", "1.0", "lib"))
    place.condarc(pinned_packages=["lib >5"])
    with pytest.raises(Unsolvable) as caught:
        place.solve(url, "app")
    assert "the pin lib >5 must hold" in caught.value.message
    assert caught.value.hint == "lib >5 is a pinned package of the .condarc."


def test_a_pin_that_is_no_matchspec_is_told_as_a_mistake_of_the_condarc(
    place: Place, tmp_path: Path
) -> None:
    place.condarc(pinned_packages=["lib =>"])
    with pytest.raises(BadCondarc, match="pinned_packages"):
        place.solve(channel(tmp_path / "chan", package("lib")), "lib")


# What cannot be solved


def test_a_misspelt_name_is_told_with_the_right_one(place: Place, tmp_path: Path) -> None:
    url = channel(tmp_path / "chan", package("numpy"))
    with pytest.raises(Unsolvable) as caught:
        place.solve(url, "numppy")
    assert caught.value.hint == f"There is no numppy in {url}; did you mean numpy?"


def test_the_versions_that_there_are_are_told_in_their_order(place: Place, tmp_path: Path) -> None:
    versions = ("1.10", "1.9", "2.0")
    url = channel(tmp_path / "chan", *(package("a", version) for version in versions))
    with pytest.raises(Unsolvable) as caught:
        place.solve(url, "a >=3")
    assert caught.value.hint == "a is there in versions 1.9, 1.10, 2.0."


def test_a_failed_solve_is_not_remembered(place: Place, tmp_path: Path) -> None:
    url = channel(tmp_path / "chan", package("a"))
    for _ in range(2):
        with pytest.raises(Unsolvable):
            place.solve(url, "b")
    channel(tmp_path / "chan", package("a"), package("b"))
    assert chosen(place.solve(url, "b")) == {"b": "1.0"}


def test_a_channel_that_is_not_there_is_named(place: Place, tmp_path: Path) -> None:
    with pytest.raises(NoSuchChannel, match="nothing"):
        place.solve((tmp_path / "nothing").as_uri(), "a")


def test_a_server_without_the_channel_is_named(place: Place, tmp_path: Path) -> None:
    with ChannelServer(tmp_path) as server, pytest.raises(NoSuchChannel, match=server.url):
        place.solve(f"{server.url}/nothing", "a")


def test_an_empty_channel_has_nothing(place: Place, tmp_path: Path) -> None:
    with pytest.raises(Unsolvable, match=r"There is no a\."):
        place.solve(channel(tmp_path / "chan"), "a")


def test_pip_packages_without_a_python_are_refused(place: Place, tmp_path: Path) -> None:
    url = channel(tmp_path / "chan", package("a"))
    with pytest.raises(BadInput, match="python"):
        place.solve(url, "a", {"pip": ["cowsay"]})


@pytest.mark.network
def test_pip_packages_are_in_the_lock_with_their_hashes(place: Place, tmp_path: Path) -> None:
    version = ".".join(map(str, sys.version_info[:3]))
    url = channel(tmp_path / "chan", package("python", version))
    solved = place.solve(url, "python", {"pip": ["cowsay ==6.1"]}, platforms=(host_platform(),))
    (found,) = [
        each
        for each in solved.document.lock.packages[host_platform()]
        if each.kind == "pypi" and each.name == "cowsay"
    ]
    assert found.version == "6.1"
    assert re.fullmatch("[0-9a-f]{64}", found.sha256 or "")


# A solve that does not end


def pigeons(folder: Path, count: int) -> tuple[str, list[str]]:
    """A channel of more pigeons than holes: no solver sees quickly that it has no answer."""
    packages = [
        *(
            package(f"pigeon{i}", f"{j}", f"hole{j} {i}")
            for i in range(count)
            for j in range(1, count)
        ),
        *(package(f"hole{j}", f"{i}") for i in range(count) for j in range(1, count)),
    ]
    return channel(folder, *packages), [f"pigeon{i}" for i in range(count)]


def test_a_solve_ends_at_its_limit(tmp_path: Path) -> None:
    from rattler import Gateway

    url, names = pigeons(tmp_path / "chan", 14)
    hard = SolveRequest(platform=LINUX, specs=tuple(names), channels=(url,))
    limited = RattlerSolver(Gateway(cache_dir=tmp_path), limit=timedelta(seconds=0.2))
    with pytest.raises(SolveTimeout, match=r"linux-64 had no answer after 0\.2 seconds"):
        limited.solve([hard])


def test_a_solve_can_be_interrupted(tmp_path: Path) -> None:
    url, names = pigeons(tmp_path / "chan", 14)
    spec = tmp_path / "environment.yml"
    spec.write_text(json.dumps({"channels": [url], "dependencies": names, "platforms": [LINUX]}))
    store = tmp_path / "store"
    running = subprocess.Popen(
        [sys.executable, "-m", "condarium", "lock", "-f", spec, "--store", store, "-o", "x.lock"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        _wait_for(lambda: (store / "condarium.db").exists() or running.poll() is not None)
        time.sleep(1)  # into the solve itself
        running.send_signal(signal.SIGINT)
        _, said = running.communicate(timeout=60)
    finally:
        running.kill()
    assert running.returncode == 130
    assert said.splitlines()[-1] == "interrupted"
    assert not (tmp_path / "x.lock").exists()


def _wait_for(happened: Callable[[], bool]) -> None:
    until = time.monotonic() + 30
    while not happened() and time.monotonic() < until:
        time.sleep(0.05)


def test_inside_a_running_event_loop_a_lock_is_made_too(place: Place, tmp_path: Path) -> None:
    url = channel(tmp_path / "chan", package("a"))

    async def notebook() -> Solved:
        return place.solve(url, "a")

    assert chosen(asyncio.run(notebook())) == {"a": "1.0"}


# Secrets


@pytest.fixture(params=["http://ada:s3cret@{}/chan", "http://{}/t/s3cret/chan"])
def secret_channel(request: pytest.FixtureRequest) -> Iterator[str]:
    keeping = Keeping()
    keeping.packages = (package("a"), package("b", "1.0", "nothing"))

    def answer(ask: Ask) -> Reply:
        allowed = "authorization" in ask.headers or "/t/s3cret" in ask.path
        path = ask.path.replace("/t/s3cret", "").removeprefix("/chan")
        return keeping(Ask(ask.method, path, ask.headers)) if allowed else Reply(401)

    with AnsweringServer(answer) as server:
        yield request.param.format(server.url.removeprefix("http://"))


def test_credentials_of_a_channel_are_used_and_kept_nowhere(
    place: Place, secret_channel: str
) -> None:
    solved = place.solve(secret_channel, "a")
    assert chosen(solved) == {"a": "1.0"}
    assert "s3cret" not in repr(solved)
    for dependency in ("b", "zebra"):
        with pytest.raises(CondariumError) as caught:
            place.solve(secret_channel, dependency)
        assert "s3cret" not in f"{caught.value} {caught.value.hint} {vars(caught.value)}"
    assert _holding(place.folder / "store", b"s3cret") == []


def test_credentials_that_are_refused_are_not_repeated(place: Place) -> None:
    with AnsweringServer(lambda _: Reply(403)) as server:
        url = server.url.replace("//", "//ada:s3cret@")
        with pytest.raises(CondariumError) as caught:
            place.solve(f"{url}/chan", "a")
    assert "s3cret" not in f"{caught.value} {caught.value.hint} {vars(caught.value)}"
    assert _holding(place.folder / "store", b"s3cret") == []


def _holding(folder: Path, secret: bytes) -> list[Path]:
    return [
        path
        for path in folder.rglob("*")
        if secret in str(path).encode() or (path.is_file() and secret in path.read_bytes())
    ]


# The operation


def test_the_report_counts_packages_and_says_whether_it_solved(tmp_path: Path) -> None:
    url = channel(tmp_path / "chan", package("a", "1.0", "b"), package("b"))
    content = json.dumps({"channels": [url], "dependencies": ["a"]}).encode()
    store = Store(Settings(store=tmp_path / "store", home=tmp_path, environ={}))
    arguments: Mapping[str, Any] = {"platforms": (LINUX,), "cuda": None, "refresh": False}
    locked = [
        lock(store, Document("e.yml", content), **arguments, progress=Quiet()) for _ in range(2)
    ]
    store.close()
    assert [each.solved for each in locked] == [True, False]
    assert locked[0].packages == {LINUX: 2}
    assert locked[0].digest == hashlib.sha256(locked[0].content.encode()).hexdigest()


def _condarium(*arguments: str | Path) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "condarium", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_the_command_writes_a_lock_whole_or_leaves_what_was_there(tmp_path: Path) -> None:
    url = channel(tmp_path / "chan", package("a"))
    spec, written = tmp_path / "environment.yml", tmp_path / "pixi.lock"

    def run(*dependencies: str) -> "subprocess.CompletedProcess[str]":
        content = {"channels": [url], "dependencies": dependencies, "platforms": [LINUX]}
        spec.write_text(json.dumps(content))
        return _condarium("lock", "-f", spec, "-o", written, "--store", tmp_path / "store")

    assert run("a").returncode == 0
    before = written.read_bytes()
    assert LockFile.from_path(written).platforms()[0].name == LINUX
    failed = run("aa", "b")
    assert failed.returncode != 0
    assert "nothing in the channels satisfies the specs for linux-64" in failed.stderr
    assert written.read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "chan",
        "environment.yml",
        "pixi.lock",
        "store",
    ]


_ASK_AGAIN = """
import sys
from pathlib import Path
from condarium.environments.locking import lock
from condarium.model.document import Document
from condarium.model.progress import Quiet
from condarium.settings import Settings
from condarium.storage.store import Store

folder = Path(sys.argv[1])
store = Store(Settings(store=folder / "store", home=folder, environ={}))
document = Document("environment.yml", (folder / "environment.yml").read_bytes(), folder)
asked = dict(platforms=("linux-64",), cuda=None, refresh=False, progress=Quiet())
answer = lock(store, document, **asked)
heavy = {"sqlalchemy"}
heavy |= {"condarium.engine.solving.solver", "condarium.engine.lockfiles.lockfile"}
print(answer.solved, dict(answer.packages), *sorted(heavy & sys.modules.keys()))
"""


def test_a_known_answer_imports_neither_solver_nor_lock_reader_nor_database(
    tmp_path: Path,
) -> None:
    url = channel(tmp_path / "chan", package("a", "1.0", "b"), package("b"))
    (tmp_path / "environment.yml").write_text(
        json.dumps({"channels": [url], "dependencies": ["a"]})
    )
    said = [
        subprocess.run(
            [sys.executable, "-c", _ASK_AGAIN, str(tmp_path)],
            check=True,
            capture_output=True,
            text=True,
            timeout=60,
        ).stdout.strip()
        for _ in range(2)
    ]
    assert said[0].startswith("True {'linux-64': 2} ")
    assert said[1] == "False {'linux-64': 2}"


def test_packages_are_counted_as_the_lock_has_them(place: Place, tmp_path: Path) -> None:
    url = channel(tmp_path / "chan", package("a", "1.0", "b"), package("b"))
    platforms = (LINUX, "osx-arm64")
    for dependencies in (["a"], []):
        for _ in range(2):
            solved = place.solve(url, *dependencies, platforms=platforms)
            counted = {name: len(each) for name, each in solved.document.lock.packages.items()}
            assert solved.packages == counted


def test_what_is_no_matchspec_is_told_before_what_is_wrong_with_a_channel(
    place: Place, tmp_path: Path
) -> None:
    with pytest.raises(BadSpec, match=r"numpy==>1\.2"):
        place.solve((tmp_path / "nowhere").as_uri(), "numpy==>1.2")
