"""What rattler does when things go wrong, as far as condarium relies on it.

Each test pins one property of the library: some that make a build safe without
work of ours, and some traps that the engine has to step around. A test that
fails after an upgrade of rattler says which of our precautions to look at.
"""

import asyncio
import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from rattler import Gateway, PackageCache, RepoDataRecord, Subdir, ValidationMode, install, solve
from rattler.exceptions import InstallerError
from rattler.index import index_fs
from rattler.package import PathsJson
from rattler_build import FileEntry, assemble_package
from tests.support.server import (
    ChannelServer,
    Corrupt,
    Lie,
    Reset,
    Stall,
    Status,
    Truncate,
    Vanish,
    WrongLength,
)

LINKS = {"hardlink": 1, "copy": 3}


@dataclass
class Lab:
    """A small channel on a server, a package cache, and as many prefixes as one likes."""

    folder: Path
    server: ChannelServer

    @property
    def cache(self) -> Path:
        return self.folder / "cache"

    def solve(self, *specs: str, url: str | None = None) -> list[RepoDataRecord]:
        async def run() -> list[RepoDataRecord]:
            return await solve(
                [url or self.server.url],
                list(specs),
                platforms=["linux-64", "noarch"],
                gateway=Gateway(cache_dir=self.folder / "repodata"),
            )

        return asyncio.run(run())

    def install(self, records: list[RepoDataRecord], prefix: str, **options: Any) -> Path:
        async def run() -> None:
            await install(
                records,
                self.folder / prefix,
                cache_dir=self.cache,
                platform=Subdir("linux-64"),
                show_progress=False,
                **options,
            )

        asyncio.run(run())
        return self.folder / prefix

    def entries(self) -> set[str]:
        """Names of the extracted packages, and of what is left of unfinished ones."""
        return {entry.name for entry in self.cache.iterdir() if entry.is_dir()}

    def checked_against(self, mode: ValidationMode) -> PackageCache:
        return PackageCache.new_layered([self.cache], validation_mode=mode)


def add_package(channel: Path, name: str, files: dict[str, bytes], **about: Any) -> None:
    subdir = "noarch" if about.get("noarch") else "linux-64"
    source = channel.parent / "sources" / channel.name / name
    for path, content in files.items():
        (source / path).parent.mkdir(parents=True, exist_ok=True)
        (source / path).write_bytes(content)
    (channel / subdir).mkdir(parents=True, exist_ok=True)
    (channel / "noarch").mkdir(parents=True, exist_ok=True)
    assemble_package(
        name,
        about.pop("version", "1.0"),
        subdir,
        "0",
        channel / subdir,
        files_dir=source,
        compression_level=1,
        **about,
    )


def index(channel: Path) -> None:
    asyncio.run(index_fs(channel))


@pytest.fixture(scope="module")
def channel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    channel = tmp_path_factory.mktemp("made") / "channel"
    content = bytes(range(256)) * 800
    add_package(channel, "one", {"lib/one.bin": content, "share/one/text": b"one"})
    add_package(channel, "two", {"lib/two.bin": content[::-1]}, depends=["one"])
    link = {"noarch": {"type": "python", "entry_points": ["tool = tool:main"]}}
    add_package(
        channel,
        "tool",
        {
            "site-packages/tool.py": b"def main(): ...\n",
            "info/link.json": json.dumps(link | {"package_metadata_version": 1}).encode(),
        },
        noarch="python",
        depends=["python"],
    )
    add_package(channel, "python", {"bin/python3.11": b"#!/bin/sh\n"}, version="3.11.0")
    index(channel)
    return channel


@pytest.fixture(scope="module")
def other_channel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A channel whose `one` has the same file name as that of `channel`, and other content."""
    channel = tmp_path_factory.mktemp("made") / "other"
    add_package(channel, "one", {"lib/one.bin": b"other"})
    index(channel)
    return channel


@pytest.fixture
def lab(channel: Path, tmp_path: Path) -> Iterator[Lab]:
    with ChannelServer(channel) as server:
        yield Lab(tmp_path, server)


@pytest.fixture
def other(other_channel: Path) -> Iterator[ChannelServer]:
    with ChannelServer(other_channel) as server:
        yield server


def altered_files(prefix: Path) -> list[str]:
    """Paths in a prefix whose content is not what conda-meta says."""
    return [
        entry["_path"]
        for record in (prefix / "conda-meta").glob("*.json")
        for entry in json.loads(record.read_text())["paths_data"]["paths"]
        if hashlib.sha256((prefix / entry["_path"]).read_bytes()).hexdigest()
        != (entry.get("sha256_in_prefix") or entry["sha256"])
    ]


@pytest.mark.parametrize(
    ("fault", "text"),
    [
        (Lie(b"<html>please sign in</html>"), "invalid Zip archive"),
        (WrongLength(by=-100), "hash mismatch"),
        (Vanish(), "404 Not Found"),
        (Status(401), "401 Unauthorized"),
    ],
    ids=lambda value: type(value).__name__ if not isinstance(value, str) else "",
)
def test_a_bad_answer_fails_at_once_and_leaves_the_cache_as_it_was(
    lab: Lab, fault: Any, text: str
) -> None:
    records = lab.solve("two")
    lab.install(lab.solve("one"), "before")
    lab.server.fault("two-*", fault)
    with pytest.raises(InstallerError, match=text) as failed:
        lab.install(records, "prefix")
    assert "failed to fetch two-1.0-0.conda" in str(failed.value)
    assert lab.server.count("two-*") == 1
    assert lab.entries() == {"one-1.0-0"}
    lab.server.heal()
    assert altered_files(lab.install(records, "prefix")) == []


def test_another_package_under_the_name_is_found_by_its_hash(lab: Lab, channel: Path) -> None:
    lab.server.fault("two-*", Lie((channel / "linux-64" / "one-1.0-0.conda").read_bytes()))
    with pytest.raises(InstallerError, match="hash mismatch when extracting"):
        lab.install(lab.solve("two"), "prefix")
    assert "two-1.0-0" not in lab.entries()


@pytest.mark.parametrize("fault", [Truncate(times=1), Corrupt(times=1), Reset(times=1)], ids=repr)
def test_a_broken_transfer_is_tried_again(lab: Lab, fault: Any) -> None:
    lab.server.fault("two-*", fault)
    assert altered_files(lab.install(lab.solve("two"), "prefix")) == []
    assert lab.server.count("two-*") == 2


def test_a_failed_install_leaves_a_prefix_with_the_other_packages(lab: Lab) -> None:
    records = lab.solve("two")
    lab.install(lab.solve("one"), "prefix")
    lab.server.fault("two-*", Vanish())
    with pytest.raises(InstallerError):
        lab.install(records, "prefix")
    names = {record.name for record in (lab.folder / "prefix" / "conda-meta").glob("*.json")}
    assert names == {"one-1.0-0.json"}


def test_a_killed_process_leaves_a_hidden_folder_that_nobody_uses_or_removes(lab: Lab) -> None:
    lab.server.fault("two-*", Stall(60, after=1000, times=1))
    child = start_install(lab, "killed", "two")
    wait_for(lambda: lab.cache.exists() and any(e.startswith(".two") for e in lab.entries()), child)
    child.kill()
    child.wait()
    left = {entry for entry in lab.entries() if entry.startswith(".")}
    assert altered_files(lab.install(lab.solve("two"), "prefix")) == []
    assert {entry for entry in left if entry.startswith(".two")} <= lab.entries()


def test_processes_that_share_a_cold_cache_fetch_each_package_once(lab: Lab) -> None:
    wanted = (["two"], ["one"], ["two", "tool"], ["tool"])
    children = [start_install(lab, f"prefix{n}", *specs) for n, specs in enumerate(wanted)]
    assert [child.wait(timeout=60) for child in children] == [0] * len(children)
    assert [altered_files(lab.folder / f"prefix{n}") for n in range(4)] == [[]] * 4
    for name in ("one", "two", "tool", "python"):
        assert lab.server.count(f"{name}-*.conda") == 1


INSTALL = """
import asyncio, os, sys
from pathlib import Path
from rattler import Gateway, Subdir, install, solve
url, folder, prefix, *specs = sys.argv[1:]
async def main():
    gateway = Gateway(cache_dir=Path(folder, "repodata-" + prefix))
    records = await solve([url], specs, platforms=["linux-64", "noarch"], gateway=gateway)
    await install(records, Path(folder, prefix), cache_dir=Path(folder, "cache"),
                  platform=Subdir("linux-64"), show_progress=False)
asyncio.run(main())
os._exit(0)
"""


def start_install(lab: Lab, prefix: str, *specs: str) -> "subprocess.Popen[bytes]":
    arguments = [lab.server.url, str(lab.folder), prefix, *specs]
    return subprocess.Popen([sys.executable, "-c", INSTALL, *arguments])


def wait_for(happened: Any, child: "subprocess.Popen[bytes]") -> None:
    for _ in range(600):
        if happened():
            return
        assert child.poll() is None, "the child ended first"
        try:
            child.wait(timeout=0.05)
        except subprocess.TimeoutExpired:
            continue
    raise AssertionError("it did not happen within 30 seconds")


class TestCacheEntries:
    def test_a_deleted_file_is_not_noticed_by_default_and_linking_fails(self, lab: Lab) -> None:
        records = lab.solve("one")
        lab.install(records, "first")
        (lab.cache / "one-1.0-0" / "lib" / "one.bin").unlink()
        with pytest.raises(InstallerError, match=r"failed to link 'lib/one\.bin'"):
            lab.install(records, "second")

    def test_a_deleted_file_is_fetched_again_under_fast_validation(self, lab: Lab) -> None:
        records = lab.solve("one")
        lab.install(records, "first")
        (lab.cache / "one-1.0-0" / "lib" / "one.bin").unlink()
        fast = lab.checked_against(ValidationMode.fast())
        assert altered_files(lab.install(records, "second", package_cache=fast)) == []

    @pytest.mark.parametrize(
        ("mode", "noticed"), [("skip", False), ("fast", False), ("full", True)]
    )
    def test_altered_content_is_noticed_by_full_validation_alone(
        self, lab: Lab, mode: str, noticed: bool
    ) -> None:
        records = lab.solve("one")
        lab.install(records, "first")
        file = lab.cache / "one-1.0-0" / "share" / "one" / "text"
        file.unlink()
        file.write_bytes(b"eno")
        cache = lab.checked_against(getattr(ValidationMode, mode)())
        second = lab.install(records, "second", package_cache=cache)
        assert altered_files(second) == ([] if mode == "full" else ["share/one/text"])

    def test_the_lock_file_beside_an_entry_holds_the_hash_of_its_archive(self, lab: Lab) -> None:
        records = lab.solve("one")
        lab.install(records, "prefix")
        stored = (lab.cache / "one-1.0-0.lock").read_bytes()
        assert stored == (1).to_bytes(8, "big") + (records[0].sha256 or b"")

    def test_the_same_file_name_with_another_hash_replaces_the_entry(
        self, lab: Lab, other: ChannelServer
    ) -> None:
        lab.install(lab.solve("one"), "first")
        second = lab.install(lab.solve("one", url=other.url), "second")
        assert (second / "lib" / "one.bin").read_bytes() == b"other"

    def test_without_the_lock_file_an_entry_is_taken_for_any_hash(
        self, lab: Lab, other: ChannelServer
    ) -> None:
        """A trap: whoever removes a lock file must have removed the entry before."""
        first = lab.install(lab.solve("one"), "first")
        (lab.cache / "one-1.0-0.lock").unlink()
        second = lab.install(lab.solve("one", url=other.url), "second")
        wrong = (first / "lib" / "one.bin").read_bytes()
        assert (second / "lib" / "one.bin").read_bytes() == wrong

    def test_a_failed_replacement_serves_the_old_package_under_the_new_hash(
        self, lab: Lab, other: ChannelServer
    ) -> None:
        """A trap: the hash is written first, and no validation mode looks at the archive.

        So an entry whose lock file names another hash has to be moved away
        before rattler is asked for the package.
        """
        records = lab.solve("one", url=other.url)
        first = lab.install(lab.solve("one"), "first")
        other.fault("one-*", Vanish())
        with pytest.raises(InstallerError):
            lab.install(records, "second")
        other.heal()
        full = lab.checked_against(ValidationMode.full())
        second = lab.install(records, "second", package_cache=full)
        wrong = (first / "lib" / "one.bin").read_bytes()
        assert (second / "lib" / "one.bin").read_bytes() == wrong

    def test_a_cache_by_origin_keeps_equal_file_names_of_two_channels_apart(
        self, lab: Lab, other: ChannelServer
    ) -> None:
        for prefix, url in (("a", lab.server.url), ("b", other.url), ("c", lab.server.url)):
            cache = PackageCache.new_layered([lab.cache], cache_origin=True)
            lab.install(lab.solve("one", url=url), prefix, package_cache=cache)
        assert lab.server.count("one-*.conda") == other.count("one-*.conda") == 1
        assert len(lab.entries()) == 2


class TestLockOfACache:
    """An install holds `.cache.lock` of its first writable cache from beginning to end."""

    def test_an_install_waits_for_any_other_even_if_it_misses_no_package(self, lab: Lab) -> None:
        """A trap: a download that stalls in one process stops every build on the store."""
        lab.install(lab.solve("one"), "first")
        with (lab.cache / ".cache.lock").open("r+b") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            child = start_install(lab, "second", "one")
            with pytest.raises(subprocess.TimeoutExpired):
                child.wait(timeout=1)
        assert child.wait(timeout=60) == 0

    def test_a_shared_cache_behind_an_own_one_is_read_without_waiting(self, lab: Lab) -> None:
        records = lab.solve("two")
        lab.install(lab.solve("one"), "first")
        own = lab.folder / "own"
        layers = PackageCache.new_layered([own, lab.cache])
        with (lab.cache / ".cache.lock").open("r+b") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            prefix = lab.install(records, "second", package_cache=layers)
        assert altered_files(prefix) == []
        assert {entry.name for entry in own.iterdir() if entry.is_dir()} == {"two-1.0-0"}
        assert lab.server.count("one-*.conda") == 1

    def test_an_entry_can_be_moved_to_another_cache(self, lab: Lab) -> None:
        records = lab.solve("one")
        lab.install(records, "first")
        shared = lab.folder / "shared"
        shared.mkdir()
        for name in ("one-1.0-0.lock", "one-1.0-0"):
            (lab.cache / name).rename(shared / name)
        prefix = lab.install(records, "second", package_cache=PackageCache(shared))
        assert altered_files(prefix) == []
        assert lab.server.count("one-*.conda") == 1


class TestPrefixes:
    def test_files_are_hard_links_within_a_file_system(self, lab: Lab) -> None:
        prefix = lab.install(lab.solve("one"), "prefix")
        file = prefix / "lib" / "one.bin"
        assert file.samefile(lab.cache / "one-1.0-0" / "lib" / "one.bin")
        record = json.loads((prefix / "conda-meta" / "one-1.0-0.json").read_text())
        assert record["link"]["type"] == LINKS["hardlink"]

    def test_files_are_copies_across_file_systems_and_conda_meta_says_so(self, lab: Lab) -> None:
        memory = Path("/dev/shm")
        if not memory.is_dir() or memory.stat().st_dev == lab.folder.stat().st_dev:
            pytest.skip("needs /dev/shm as another file system")
        prefix = memory / f"condarium-test-{os.getpid()}"
        try:
            lab.install(lab.solve("one"), str(prefix))
            record = json.loads((prefix / "conda-meta" / "one-1.0-0.json").read_text())
            assert record["link"]["type"] == LINKS["copy"]
            assert (prefix / "lib" / "one.bin").stat().st_nlink == 1
        finally:
            shutil.rmtree(prefix, ignore_errors=True)

    def test_the_same_records_in_the_same_place_are_the_same_bytes(self, lab: Lab) -> None:
        records = lab.solve("two", "tool")
        first = content_of(lab.install(records, "prefix"))
        shutil.rmtree(lab.folder / "prefix")
        assert content_of(lab.install(records, "prefix")) == first

    def test_entry_points_are_made_and_recorded_with_their_hash(self, lab: Lab) -> None:
        prefix = lab.install(lab.solve("tool"), "prefix")
        script = (prefix / "bin" / "tool").read_bytes()
        record = json.loads((prefix / "conda-meta" / "tool-1.0-0.json").read_text())
        entry = next(p for p in record["paths_data"]["paths"] if p["_path"] == "bin/tool")
        assert entry["path_type"] == "unix_python_entry_point"
        assert entry["sha256"] == hashlib.sha256(script).hexdigest()
        assert script.startswith(f"#!{prefix}/bin/python3.11\n".encode())

    def test_a_prefix_can_be_made_for_another_place(self, lab: Lab) -> None:
        tool = lab.solve("tool")
        prefix = lab.install(tool, "staging", alternative_target_prefix="/srv/final")
        assert (prefix / "bin" / "tool").read_text().startswith("#!/srv/final/bin/python3.11\n")
        assert altered_files(prefix) == []


def content_of(prefix: Path) -> dict[str, bytes]:
    files = (path for path in prefix.rglob("*") if path.is_file())
    return {str(path.relative_to(prefix)): path.read_bytes() for path in files}


def test_packing_a_folder_leaves_hidden_files_out_and_packing_a_list_does_not(
    tmp_path: Path,
) -> None:
    source = tmp_path / "source"
    for name in (".hidden", "bin/.x-post-link.sh", ".folder/seen", "seen"):
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_text("x")
    listed = [
        FileEntry.from_paths(path, path.relative_to(source))
        for path in source.rglob("*")
        if path.is_file()
    ]
    by_folder = assemble_package("a", "1", "linux-64", "0", tmp_path, files_dir=source)
    by_list = assemble_package("b", "1", "linux-64", "0", tmp_path, files=listed)
    assert packed(by_folder.path) == {".folder/seen", "seen"}
    assert packed(by_list.path) == {".hidden", "bin/.x-post-link.sh", ".folder/seen", "seen"}


def packed(archive: Path) -> set[str]:
    return {str(entry.relative_path) for entry in PathsJson.from_package_archive(archive).paths}
