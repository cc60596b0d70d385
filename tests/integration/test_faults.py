"""Whatever goes wrong: a clear error, nothing half done, and the next build succeeds."""

import bz2
import hashlib
import io
import json
import os
import signal
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from time import monotonic
from typing import Any

import pytest
from tests.support.builder import wait_until
from tests.support.channel import Made, make_channel
from tests.support.server import (
    BadJson,
    ChannelServer,
    Corrupt,
    Fault,
    Lie,
    Reset,
    Slow,
    Stall,
    Status,
    Truncate,
    Vanish,
    WrongLength,
)
from tests.support.store_check import altered_files, build_statuses, check_store, listing
from tests.support.synthetic import Lab, small_channel, small_lab


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_channel(tmp_path_factory.mktemp("faults") / "channel")


@pytest.fixture
def lab(made: Path, tmp_path: Path) -> Iterator[Lab]:
    """A store with one environment, `lab/fit`, of one package, and a client that soon gives up."""
    with small_lab(tmp_path, made) as lab:
        lab.run.condarc(remote_read_timeout_secs=0.5, remote_max_retries=1)
        assert lab.build("lab/fit", "text").result["active"]
        lab.server.forget()
        yield lab


def refused(lab: Lab, *dependencies: str, options: tuple[str, ...] = ()) -> dict[str, Any]:
    """The error of a build, after which the store is as it was before."""
    before = listing(lab.store)
    spec = lab.spec(*dependencies)
    problem = lab.run("env", "build", "lab/fit", "-f", spec, *options).problem
    assert listing(lab.store) == before
    assert build_statuses(lab.store)[-1] == "failed"
    check_store(lab.store, settled=True)
    return problem


def healed(lab: Lab, *dependencies: str) -> None:
    lab.server.heal()
    assert lab.build("lab/fit", *dependencies).result["active"]
    check_store(lab.store, settled=True)


PAGE = b"<html>please sign in</html>"


@pytest.mark.parametrize(
    ("fault", "code", "words"),
    [
        (Lie(PAGE), "package-corrupt", hashlib.sha256(PAGE).hexdigest()),
        (Corrupt(), "package-corrupt", "was expected"),
        (WrongLength(by=-100), "package-corrupt", "is not the package that was locked"),
        (Truncate(), "package-unfetchable", "could not be fetched"),
        (Reset(after=1000), "package-unfetchable", "could not be fetched"),
        (Vanish(), "package-unfetchable", "the channel no longer has it"),
        (Status(401), "package-unfetchable", "the server refused it (401)"),
        (Status(403), "package-unfetchable", "the server refused it (403)"),
        (Status(500), "package-unfetchable", "the server answered 500"),
        (Status(503), "package-unfetchable", "the server answered 503"),
        (Stall(after=1000), "package-unfetchable", "the server sent nothing for 0.5 s"),
    ],
    ids=str,
)
def test_a_package_that_cannot_be_had_is_named_and_leaves_nothing(
    lab: Lab, fault: Fault, code: str, words: str
) -> None:
    if isinstance(fault, Status):
        lab.run.condarc(remote_max_retries=1)  # it pauses before it asks again
    lab.server.fault("big-*", fault)
    problem = refused(lab, "big")
    assert (problem["code"], problem["url"].rpartition("/")[2]) == (code, "big-1.0-0.conda")
    assert words in problem["message"]
    assert problem["hint"]
    assert lab.server.count("big-*.conda") <= 6
    healed(lab, "big")


def test_another_package_under_the_name_is_refused(lab: Lab, made: Path) -> None:
    other = made / "noarch" / "many-1.0-0.conda"
    lab.server.fault("big-*", Lie(other.read_bytes()))
    problem = refused(lab, "big")
    assert problem["code"] == "package-corrupt"
    assert problem["found"] == hashlib.sha256(other.read_bytes()).hexdigest()
    healed(lab, "big")


@pytest.mark.parametrize(
    "fault",
    [
        Truncate(times=1),
        Corrupt(times=1),
        Reset(after=1000, times=1),
        Stall(after=1000, times=1),
        Status(500, times=1),
        Status(503, times=1),
    ],
    ids=str,
)
def test_what_passes_is_tried_again(lab: Lab, fault: Fault) -> None:
    lab.server.fault("big-*", fault)
    assert lab.build("lab/fit", "big").result["active"]
    assert lab.server.count("big-*.conda") == 2
    check_store(lab.store, settled=True)


def test_a_download_may_take_longer_than_the_server_may_be_silent(lab: Lab) -> None:
    lab.run.condarc(remote_read_timeout_secs=0.2)
    lab.server.fault("big-*", Slow(400_000))
    begun = monotonic()
    assert lab.build("lab/fit", "big").result["active"]
    assert lab.server.count("big-*.conda") == 1
    assert monotonic() - begun > 10 * 0.2  # the test is worth nothing if it was quick


def test_one_failure_stops_the_other_downloads(lab: Lab) -> None:
    lab.server.fault("big-*", Slow(20_000))
    lab.server.fault("many-*", Vanish())
    begun = monotonic()
    assert refused(lab, "big", "many")["code"] == "package-unfetchable"
    assert monotonic() - begun < 30  # the slow one takes 50 s


def test_an_index_that_cannot_be_read_is_named(lab: Lab) -> None:
    lab.server.fault("*repodata*", BadJson())
    before = listing(lab.store)
    problem = lab.run("env", "build", "lab/fit", "-f", lab.spec("big"), "--refresh").problem
    assert problem["code"] == "bad-repodata"
    assert lab.server.url in problem["message"]
    assert listing(lab.store) == before
    healed(lab, "big")


class TestPackagesOfABadChannel:
    """Channels whose index agrees with packages that should not be."""

    @pytest.fixture
    def bad(self, lab: Lab, tmp_path: Path) -> Iterator["BadChannel"]:
        channel = BadChannel(tmp_path / "bad")
        with ChannelServer(channel.folder) as server:
            channel.url = server.url
            yield channel

    def test_a_lie_about_the_size_is_harmless(self, lab: Lab, bad: "BadChannel") -> None:
        bad.add("a-1.0-0.tar.bz2", tar({"info/index.json": INDEX, "share/a": b"a"}), size=5)
        assert bad.build(lab).result["active"]
        assert (lab.prefix("lab/bad") / "share" / "a").read_bytes() == b"a"

    @pytest.mark.parametrize("name", ["a-1.0-0.conda", "a-1.0-0.tar.bz2"])
    def test_an_archive_that_is_no_package_is_refused(
        self, lab: Lab, bad: "BadChannel", name: str
    ) -> None:
        content = io.BytesIO()
        with zipfile.ZipFile(content, "w") as archive:
            archive.writestr("metadata.json", '{"conda_pkg_format_version": 2}')
            archive.writestr("readme.txt", "not a package")
        bad.add(name, content.getvalue() if name.endswith(".conda") else tar({"readme.txt": b""}))
        before = listing(lab.store)
        problem = bad.build(lab).problem
        assert problem["code"] == "package-unreadable"
        assert name in problem["message"]
        assert listing(lab.store) == before

    @pytest.mark.parametrize("way", ["parent", "absolute", "link", "absolute link"])
    def test_an_archive_cannot_write_outside_of_itself(
        self, lab: Lab, bad: "BadChannel", tmp_path: Path, way: str
    ) -> None:
        outside = tmp_path / "outside"
        outside.mkdir()
        members: dict[str, bytes | Path] = {"info/index.json": INDEX}
        if way == "parent":
            members["../../../evil"] = b"evil"
        elif way == "absolute":
            members[str(outside / "evil")] = b"evil"
        else:
            up = "../" * len(tmp_path.parts)
            members["share"] = outside if way == "absolute link" else Path(f"{up}{outside}")
            members["share/evil"] = b"evil"
        bad.add("a-1.0-0.tar.bz2", tar(members))
        before = set(tmp_path.rglob("*evil*"))
        bad.build(lab)
        assert set(tmp_path.rglob("*evil*")) - before <= within(lab)
        assert list(outside.iterdir()) == []

    @pytest.mark.parametrize("path", ["../evil", "../../envs/evil", "share/../../evil"])
    def test_a_list_of_files_cannot_lead_outside_of_the_prefix(
        self, lab: Lab, bad: "BadChannel", path: str
    ) -> None:
        known = paths({"share/a": b"a"})
        known["paths"][0]["_path"] = path
        content = {"share/a": b"a", "info/index.json": INDEX, "info/paths.json": as_json(known)}
        bad.add("a-1.0-0.tar.bz2", tar(content))
        before = listing(lab.store)
        problem = bad.build(lab).problem
        assert problem["code"] == "package-unreadable"
        assert path in problem["message"]
        assert listing(lab.store) == before


def within(lab: Lab) -> set[Path]:
    """Where a package's content may be."""
    return {*lab.store.glob("packages/a-1.0-0/**/*"), *lab.store.glob("prefixes/*/**/*")}


INDEX = json.dumps(
    {"name": "a", "version": "1.0", "build": "0", "build_number": 0, "depends": []}
).encode()


class BadChannel:
    """A channel whose index is written by hand."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.url = folder, ""
        (folder / "noarch").mkdir(parents=True)

    def add(self, name: str, content: bytes, *, size: int | None = None) -> None:
        (self.folder / "noarch" / name).write_bytes(content)
        about = json.loads(INDEX) | {
            "subdir": "noarch",
            "sha256": hashlib.sha256(content).hexdigest(),
            "size": size or len(content),
        }
        kind = "packages.conda" if name.endswith(".conda") else "packages"
        repodata = {"info": {"subdir": "noarch"}, kind: {name: about}}
        (self.folder / "noarch" / "repodata.json").write_text(json.dumps(repodata))

    def build(self, lab: Lab) -> Any:
        spec = lab.spec("a", channels=(self.url,))
        return lab.run("env", "build", "lab/bad", "-f", spec)


def tar(members: dict[str, bytes | Path] | dict[str, bytes]) -> bytes:
    """A .tar.bz2 of contents and of links (paths), with names that tar itself would refuse."""
    content = io.BytesIO()
    known = {name: data for name, data in members.items() if isinstance(data, bytes)}
    known = {name: data for name, data in known.items() if not name.startswith("info/")}
    members = {"info/paths.json": as_json(paths(known)), **members}
    with tarfile.open(fileobj=content, mode="w", format=tarfile.GNU_FORMAT) as archive:
        for name, data in members.items():
            member = tarfile.TarInfo(name)
            if isinstance(data, Path):
                member.type, member.linkname = tarfile.SYMTYPE, str(data)
                archive.addfile(member)
            else:
                member.size = len(data)
                archive.addfile(member, io.BytesIO(data))
    return bz2.compress(content.getvalue())


def paths(files: dict[str, bytes]) -> dict[str, Any]:
    entries = [
        {
            "_path": name,
            "path_type": "hardlink",
            "sha256": hashlib.sha256(data).hexdigest(),
            "size_in_bytes": len(data),
        }
        for name, data in files.items()
    ]
    return {"paths": entries, "paths_version": 1}


def as_json(value: object) -> bytes:
    return json.dumps(value).encode()


class TestLinkScripts:
    def test_one_that_fails_fails_the_build(self, lab: Lab) -> None:
        assert lab.build("lab/other", "script").result["active"]
        problem = refused(lab, "text", "script", options=("--link-scripts",))
        assert problem["code"] == "link-script-failed"
        assert "script" in problem["message"]
        assert "--link-scripts" in problem["hint"]

    def test_they_are_left_out_unless_asked_for(self, lab: Lab) -> None:
        healed(lab, "text", "script")


def delete(file: Path) -> None:
    file.unlink()


def write_into(file: Path) -> None:
    """Other bytes of the same length, in the same file: also in the prefixes that have it."""
    file.write_bytes(b"?" * file.stat().st_size)


def replace_folder(file: Path) -> None:
    file.unlink()
    file.mkdir()


class TestAPackageStoreThatSomebodyTouched:
    @pytest.mark.parametrize("harm", [delete, write_into, replace_folder])
    def test_the_next_environment_has_the_right_files(
        self, lab: Lab, harm: Callable[[Path], None]
    ) -> None:
        assert lab.build("lab/many", "many").result["active"]
        before = lab.server.count("many-*.conda")
        harm(lab.store / "packages" / "many-1.0-0" / "share" / "many" / "3" / "3.txt")
        done = lab.build("lab/new", "many", "text")
        assert done.result["active"]
        assert "many-1.0-0" in done.error
        assert altered_files(lab.prefix("lab/new")) == []
        assert lab.server.count("many-*.conda") == before + 1

    def test_a_package_that_cannot_be_fetched_anew_says_so(self, lab: Lab) -> None:
        assert lab.build("lab/many", "many").result["active"]
        write_into(lab.store / "packages" / "many-1.0-0" / "share" / "many" / "3" / "3.txt")
        lab.server.fault("many-*", Vanish())
        problem = lab.build("lab/new", "many", "text").problem
        assert problem["code"] == "package-unfetchable"
        assert not (lab.store / "envs" / "lab" / "new").exists()

    def test_what_was_written_into_an_environment_is_found_and_mended(self, lab: Lab) -> None:
        assert lab.build("lab/many", "many").result["active"]
        write_into(lab.prefix("lab/many") / "share" / "many" / "3" / "3.txt")
        found = json.loads(lab.run("env", "verify", "lab/many").output)
        assert [each["path"] for each in found["problems"]] == ["share/many/3/3.txt"]
        assert lab.run("env", "verify", "lab/many", "--repair").result["repaired"]
        check_store(lab.store, settled=True)


def test_packages_locked_by_md5_alone_are_fetched_once(lab: Lab, made: Path) -> None:
    archive = (made / "noarch" / "many-1.0-0.conda").read_bytes()
    lock = lab.folder / "explicit.txt"
    md5 = hashlib.md5(archive).hexdigest()
    url = f"{lab.server.url}/noarch/many-1.0-0.conda#{md5}"
    lock.write_text(f"# platform: linux-64\n@EXPLICIT\n{url}\n")
    for name in ("lab/one", "lab/two"):
        done = lab.run("env", "build", name, "--lock", str(lock), timeout=20)
        assert done.result["active"]
    assert lab.server.count("many-*.conda") == 1


def test_a_channel_in_a_folder_without_its_package_is_told(lab: Lab, tmp_path: Path) -> None:
    channel = make_channel(tmp_path / "local", [Made("gone", files={"share/gone": "gone"})])
    (channel / "noarch" / "gone-1.0-0.conda").unlink()
    spec = lab.spec("gone", channels=(channel.as_uri(),))
    problem = lab.run("env", "build", "lab/gone", "-f", spec).problem
    assert problem["code"] == "package-unfetchable"
    assert "the channel no longer has it" in problem["message"]


class TestInterrupt:
    def test_in_a_download_leaves_nothing(self, lab: Lab) -> None:
        before = listing(lab.store)
        lab.server.fault("big-*", Slow(100_000))
        spec = lab.spec("big", "text")
        command = [sys.executable, "-m", "condarium", "env", "build", "lab/fit", "-f", spec]
        environ = {**os.environ, "HOME": str(lab.folder), "CONDARIUM_STORE": str(lab.store)}
        with subprocess.Popen(command, env=environ, stderr=subprocess.PIPE, text=True) as process:
            while not any(lab.store.glob("packages/.fetch-*/big-*")):
                assert process.poll() is None
            process.send_signal(signal.SIGINT)
            _, said = process.communicate(timeout=20)
        assert process.returncode == 130
        assert "Traceback" not in said
        assert "interrupted" in said
        assert listing(lab.store) == before
        assert build_statuses(lab.store)[-1] == "interrupted"
        healed(lab, "big", "text")

    @pytest.mark.parametrize("where", ["packages/.fetch-*/content/*", "prefixes/*/share/many/3"])
    def test_in_rattlers_own_threads_leaves_no_prefix(self, lab: Lab, where: str) -> None:
        before = set(listing(lab.store))
        running = lab.start("lab/fit", "tool", "text")
        wait_until(lambda: any(lab.store.glob(where)), running)
        running.kill(signal.SIGINT)
        done = running.wait()
        if done.code == 0:
            pytest.skip("it was done before it heard of the interrupt")
        assert done.code == 130
        left = {path for path in set(listing(lab.store)) - before if "/." in path}
        assert left == set()
        assert {path for path in listing(lab.store) if path.startswith("prefixes")} <= before
        check_store(lab.store, settled=True)


class TestStrangersInTheFolderOfLinks:
    """People can put things where condarium's links belong."""

    @pytest.mark.parametrize("kind", ["folder", "file", "link"])
    def test_a_build_refuses_and_touches_nothing(self, lab: Lab, kind: str) -> None:
        place = lab.store / "envs" / "lab" / "new"
        if kind == "folder":
            place.mkdir()
            (place / "mine").write_text("mine")
        elif kind == "file":
            place.write_text("mine")
        else:
            place.symlink_to(lab.folder)
        before = listing(lab.store)
        problem = lab.build("lab/new", "text").problem
        assert problem["code"] == "link-blocked"
        assert str(place) in problem["message"]
        assert listing(lab.store) == before
        assert lab.run("env", "show", "lab/new").problem["code"] == "no-such-environment"
        assert lab.run("gc").code == 0
        assert listing(lab.store) == before

    def test_a_file_in_place_of_a_namespace_is_told(self, lab: Lab) -> None:
        (lab.store / "envs" / "team").write_text("mine")
        problem = lab.build("team/new", "text").problem
        assert problem["code"] == "link-blocked"
        assert (lab.store / "envs" / "team").read_text() == "mine"

    def test_an_environment_whose_link_was_replaced_is_still_used(self, lab: Lab) -> None:
        assert lab.build("lab/fit", "many").result["generation"] == 2
        prefix = lab.prefix("lab/fit")
        place = lab.store / "envs" / "lab" / "fit"
        place.unlink()
        place.mkdir()
        assert Path(lab.run("env", "path", "lab/fit").result["path"]) == prefix
        assert lab.run("env", "rollback", "lab/fit").problem["code"] == "link-blocked"
        assert lab.run("env", "show", "lab/fit").result["generation"]["number"] == 2
        assert lab.run("gc").code == 0
        assert lab.run("env", "remove", "lab/fit").code == 0
        assert place.is_dir()
