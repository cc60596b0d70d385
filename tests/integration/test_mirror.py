"""Mirroring a lock: exactly its packages, verified, in one revision; and then no network."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from tests.support.channel import Made
from tests.support.elsewhere import change_records, elsewhere, records_of
from tests.support.hosting import ADA, change, create, fact, host, hosted_store
from tests.support.server import ChannelServer, Corrupt, Status
from tests.support.serving import serve
from tests.support.transfer import PLATFORM, lock_of, names_in_lock, shown
from tests.support.user import User

from condarium.channels.changing.publishing import FileNameTaken
from condarium.channels.mirroring import mirror
from condarium.channels.remote.pulling import UpstreamChanged
from condarium.channels.remote.upstream import UpstreamFailed
from condarium.channels.revising.draft import NotALocalChannel
from condarium.channels.validation.refusal import PackageRefused
from condarium.channels.views.packages import NoSuchPackageFile
from condarium.errors import BadArguments, BadLock, PlatformNotLocked
from condarium.model.document import Document
from condarium.model.hosting.hosted import ChannelKind, Filter
from condarium.model.hosting.transfer import Mirrored
from condarium.model.progress import Quiet
from condarium.model.view import ChannelName
from condarium.storage.hosting.channels import NoSuchChannel
from condarium.storage.store import Store

LIB, TOOL, OSX = "linux-64/lib-1.0-0.conda", "noarch/tool-2.0-0.conda", "osx-64/lib-1.0-0.conda"
PACKAGES = [
    Made("lib", "1.0", subdir="linux-64", files={"lib/a.txt": "a"}),
    Made("lib", "1.0", subdir="osx-64"),
    Made("tool", "1.0"),
    Made("tool", "2.0", depends=["lib >=1"], files={"bin/tool": "#!/bin/sh\necho works\n"}),
    Made("other", "1.0"),
]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with hosted_store(tmp_path) as store:
        create(store, "lab")
        yield store


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return elsewhere(tmp_path / "elsewhere", PACKAGES)


@pytest.fixture
def server(folder: Path) -> Iterator[ChannelServer]:
    with ChannelServer(folder) as server:
        yield server


def bring(store: Store, lock: Document, channel: str = "lab", **options: Any) -> Mirrored:
    return mirror(store, ChannelName(channel), lock, actor=ADA, progress=Quiet(), **options)


def paths(answer: Mirrored) -> list[str]:
    return [f"{file.subdir}/{file.file_name}" for file in answer.files]


def test_exactly_the_closure_in_one_revision(store: Store, server: ChannelServer) -> None:
    lock = lock_of(store, server.url, ["tool"])
    server.forget()
    answer = bring(store, lock)
    assert answer.revision == 1
    assert paths(answer) == sorted(shown(store)) == [LIB, TOOL]
    assert {file.status for file in answer.files} == {"published"}
    assert server.count("*.conda") == 2
    assert answer.fetched == sum(store.blobs.size(r["sha256"]) for r in shown(store).values())


def test_again_changes_and_fetches_nothing(store: Store, server: ChannelServer) -> None:
    lock = lock_of(store, server.url, ["tool"])
    bring(store, lock)
    server.forget()
    answer = bring(store, lock)
    assert (answer.revision, answer.fetched) == (None, 0)
    assert {file.status for file in answer.files} == {"there already"}
    assert server.requests == []


def test_platforms(store: Store, server: ChannelServer) -> None:
    lock = lock_of(store, server.url, ["tool"], ["linux-64", "osx-64"])
    assert paths(bring(store, lock, platforms=["osx-64"])) == [TOOL, OSX]
    assert paths(bring(store, lock)) == [LIB, TOOL, OSX]
    with pytest.raises(PlatformNotLocked):
        bring(store, lock, platforms=["win-64"])


def test_a_label(store: Store, folder: Path) -> None:
    bring(store, lock_of(store, folder, ["tool"]), label="fit")
    assert shown(store) == {}
    assert sorted(shown(store, "lab/label/fit")) == [LIB, TOOL]


def test_the_dependencies_of_the_lock_win(store: Store, folder: Path) -> None:
    """A channel's patches are in its index, and not in its packages."""
    change_records(folder, "noarch", tool={"depends": ["lib >=1,<2", "other"], "constrains": ["x"]})
    answer = bring(store, lock_of(store, folder, ["tool"]))
    assert answer.as_locked == (TOOL,)
    record = shown(store)[TOOL]
    assert (record["depends"], record["constrains"]) == (["lib >=1,<2", "other"], ["x"])


def test_what_was_there_with_another_record_is_said(store: Store, folder: Path) -> None:
    bring(store, lock_of(store, folder, ["tool"]))
    change_records(folder, "noarch", tool={"depends": []})
    answer = bring(store, lock_of(store, folder, ["tool"]))
    assert answer.otherwise == (TOOL,)
    assert shown(store)[TOOL]["depends"] == ["lib >=1"]


def test_what_is_yanked_stays_so_and_is_said(store: Store, folder: Path) -> None:
    lock = lock_of(store, folder, ["tool"])
    bring(store, lock)
    change(store, "lab", "yank", opened=[fact("yank", *TOOL.split("/"))])
    assert bring(store, lock).yanked == (TOOL,)
    assert sorted(shown(store)) == [LIB]


def explicit(folder: Path, hashed: str) -> str:
    lines = ["# platform: linux-64", "@EXPLICIT"]
    for path in (LIB, TOOL):
        subdir, _, name = path.partition("/")
        lines.append(f"{folder.as_uri()}/{path}#{records_of(folder, subdir)[name][hashed]}")
    return "\n".join(lines)


def conda_lock(folder: Path) -> str:
    lines = ["metadata:", f"  channels: [{{url: '{folder.as_uri()}', used_env_vars: []}}]"]
    lines += ["  platforms: [linux-64]", "version: 1", "package:"]
    for path in (LIB, TOOL):
        subdir, _, file_name = path.partition("/")
        record = records_of(folder, subdir)[file_name]
        lines += [
            f"- {{name: {record['name']}, version: '{record['version']}', manager: conda,",
            f"   platform: linux-64, dependencies: {{}}, url: '{folder.as_uri()}/{path}',",
            f"   hash: {{md5: {record['md5']}, sha256: {record['sha256']}}}}}",
        ]
    return "\n".join(lines)


FORMATS: dict[str, Callable[[Path], str]] = {
    "explicit, SHA-256": lambda folder: explicit(folder, "sha256"),
    "explicit, MD5": lambda folder: explicit(folder, "md5"),
    "conda-lock": conda_lock,
}


@pytest.mark.parametrize("form", FORMATS)
def test_other_formats_keep_what_packages_say(form: str, store: Store, folder: Path) -> None:
    lock = Document("fit.txt", FORMATS[form](folder).encode())
    assert paths(bring(store, lock)) == [LIB, TOOL]
    assert shown(store)[TOOL]["depends"] == ["lib >=1"]
    again = bring(store, lock)
    assert (again.revision, again.fetched) == (None, 0)


def test_pip_packages_are_left_out_and_named(store: Store, folder: Path) -> None:
    lock = lock_of(store, folder, ["tool"]).content.decode()
    wheel = "https://files.example/six-1.17.0-py2.py3-none-any.whl"
    lock = lock.replace("packages:\n- conda", f"      - pypi: {wheel}\npackages:\n- conda")
    lock += f"- pypi: {wheel}\n  name: six\n  version: 1.17.0\n  sha256: {'0' * 64}\n"
    answer = bring(store, Document("fit.lock", lock.encode()))
    assert answer.pip == ("six 1.17.0",)
    assert paths(answer) == [LIB, TOOL]


def test_interrupted_it_shows_nothing_and_goes_on(store: Store, server: ChannelServer) -> None:
    lock = lock_of(store, server.url, ["tool"])
    server.fault("tool-*.conda", Status(404))
    with pytest.raises(UpstreamFailed, match=r"tool-2\.0-0\.conda"):
        bring(store, lock)
    assert shown(store) == {}
    assert list(store.layout.incoming.glob("*")) == []
    server.heal()
    server.forget()
    assert bring(store, lock).revision == 1
    assert server.count("lib-*.conda") == 0


def test_other_bytes_than_the_lock_s_are_refused(store: Store, server: ChannelServer) -> None:
    lock = lock_of(store, server.url, ["tool"])
    server.fault("lib-*.conda", Corrupt())
    with pytest.raises(UpstreamChanged, match="lib-1"):
        bring(store, lock)
    assert shown(store) == {}


def test_a_name_that_is_taken_is_refused_before_anything_is_fetched(
    store: Store, server: ChannelServer
) -> None:
    host(store, "lab", [replace(PACKAGES[0], license="BSD")])
    lock = lock_of(store, server.url, ["tool"])
    server.forget()
    with pytest.raises(FileNameTaken, match=LIB):
        bring(store, lock)
    assert server.requests == []
    assert list(shown(store)) == [LIB]


def test_what_is_no_package_is_refused(store: Store, folder: Path) -> None:
    (folder / TOOL).write_bytes(b"no package")
    text = explicit(folder, "sha256").splitlines()
    digest = sha256(b"no package").hexdigest()
    text[-1] = f"{folder.as_uri()}/{TOOL}#{digest}"
    with pytest.raises(PackageRefused, match=r"tool-2\.0"):
        bring(store, Document("fit.txt", "\n".join(text).encode()))
    assert shown(store) == {}


def test_two_channels_with_a_file_of_one_name(store: Store, folder: Path, tmp_path: Path) -> None:
    lines = explicit(folder, "sha256").splitlines()
    other = lines[-1].replace("/elsewhere/", "/third/").rpartition("#")[0]
    other = other.replace("tool-2.0", "lib-1.0").replace("noarch", "linux-64")
    lock = Document("fit.txt", "\n".join([*lines, f"{other}#{'0' * 64}"]).encode())
    with pytest.raises(BadLock, match="lib"):
        bring(store, lock)


def test_where_a_lock_cannot_be_mirrored_to(store: Store, folder: Path) -> None:
    lock = lock_of(store, folder, ["tool"])
    create(store, "all", kind=ChannelKind.UNION, members=(ChannelName("lab"),))
    with pytest.raises(NotALocalChannel, match="union"):
        bring(store, lock, "all")
    with pytest.raises(NoSuchChannel):
        bring(store, lock, "lib")
    with pytest.raises(BadArguments, match="no conda packages"):
        bring(store, lock_of(store, folder, []))


def test_a_proxy_keeps_them(store: Store, server: ChannelServer, folder: Path) -> None:
    create(store, "far", kind=ChannelKind.PROXY, upstream=server.url, filter=Filter())
    lock = lock_of(store, server.url, ["tool"])
    bring(store, lock)  # the bytes are here already, for another channel
    answer = bring(store, lock, "far")
    assert paths(answer) == [LIB, TOOL]
    assert answer.revision is None
    with store.database.read() as facts:
        far = facts.channels.get(ChannelName("far"))
        assert facts.holdings.file(far, *TOOL.split("/")) is not None
    create(store, "few", kind=ChannelKind.PROXY, upstream=server.url, filter=Filter(specs=("lib",)))
    with pytest.raises(NoSuchPackageFile, match="tool"):
        bring(store, lock, "few")


def test_a_machine_without_a_network(tmp_path: Path, folder: Path) -> None:
    """What was mirrored is served, solved against and installed while upstream is gone."""
    user = User(tmp_path)
    user.write("far.yml", f"channels: [{folder.as_uri()}]\ndependencies: [tool]\n")
    user("lock", "-f", "far.yml", "-o", "fit.lock")
    user("channel", "create", "lab", "--public")
    said = user("channel", "mirror", "lab", "--lock", "fit.lock", "-m", "for the cluster")
    assert said.code == 0, said.err
    assert "lab is at r1: all 2 packages of fit.lock for linux-64" in said.out
    folder.rename(tmp_path / "gone")
    with serve(user.store, environ=user.surroundings()) as server:
        user.write("near.yml", f"channels: [{server.url}/lab]\ndependencies: [tool]\n")
        built = user("--store", "cluster", "env", "build", "lab/fit", "-f", "near.yml")
        assert built.code == 0, built.err
        near = user("lock", "-f", "near.yml", "-q")
    tool = tmp_path / "cluster" / "envs" / "lab" / "fit" / "bin" / "tool"
    assert tool.exists()
    far = Document("far", (tmp_path / "fit.lock").read_bytes())
    assert names_in_lock(Document("near", near.out.encode())) == names_in_lock(far, PLATFORM)
