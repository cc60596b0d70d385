"""Bundles: packages as one file, verified as a whole, and a channel where they are unpacked."""

import io
import json
import subprocess
import tarfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from tests.support.channel import Made
from tests.support.hosting import ADA, create, host, hosted_store, patch
from tests.support.objectstore import Endpoint
from tests.support.transfer import lock_of, names_in_lock, shown
from tests.support.user import PROGRAM

from condarium.channels.bundles.bundle import BadBundle
from condarium.channels.bundles.exporting import BundleNotWritten, NotInView, export
from condarium.channels.bundles.importing import import_bundle
from condarium.channels.changing.publishing import FileNameTaken
from condarium.channels.revising.draft import NotALocalChannel
from condarium.channels.validation.refusal import PackageRefused
from condarium.channels.views.catalogue import Catalogue
from condarium.engine.solving.record_spec import BadPackageSpec
from condarium.errors import BadArguments
from condarium.model.hosting.hosted import ChannelKind
from condarium.model.hosting.transfer import BundleImported, Exported
from condarium.model.progress import Quiet
from condarium.model.upload import Upload
from condarium.model.view import ChannelName, View
from condarium.settings import Settings
from condarium.storage.store import Store

LIB, TOOL, OLD = "linux-64/lib-1.0-0.conda", "noarch/tool-2.0-0.conda", "noarch/tool-1.0-0.conda"
PACKAGES = [
    Made("lib", "1.0", subdir="linux-64", files={"lib/a.txt": "a"}),
    Made("tool", "1.0"),
    Made("tool", "2.0", depends=["lib >=1"], license="MIT"),
]
RULES = "if: {name: tool}\nthen: [{add_constrains: other <2}]\n"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with hosted_store(tmp_path) as store:
        host(store, "lab", PACKAGES)
        yield store


@pytest.fixture
def away(tmp_path: Path) -> Iterator[Store]:
    """Another condarium, with an empty channel."""
    with hosted_store(tmp_path / "away") as store:
        create(store, "lab")
        yield store


def write(store: Store, path: Path, view: str = "lab", **options: Any) -> Exported:
    return export(store, View.parse(view), str(path), progress=Quiet(), **options)


def take(store: Store, path: Path, **options: Any) -> BundleImported:
    upload = Upload(path.name, path)
    return import_bundle(store, ChannelName("lab"), upload, actor=ADA, progress=Quiet(), **options)


def records(store: Store, view: str = "lab") -> dict[str, Any]:
    """Without the instant at which a store indexed them."""
    return {
        path: {key: value for key, value in record.items() if key != "indexed_timestamp"}
        for path, record in shown(store, view).items()
    }


def test_from_one_condarium_to_another(store: Store, away: Store, tmp_path: Path) -> None:
    said = write(store, tmp_path / "lab.tar")
    assert (said.packages, said.subdirs, said.revision) == (3, ("linux-64", "noarch"), "r1")
    assert sha256((tmp_path / "lab.tar").read_bytes()).hexdigest() == said.sha256
    answer = take(away, tmp_path / "lab.tar")
    assert (answer.revision, answer.source, answer.source_revision) == (1, "lab", "r1")
    assert records(away) == records(store)
    again = take(away, tmp_path / "lab.tar")
    assert again.revision is None
    assert {file.status for file in again.files} == {"there already"}
    assert list(away.layout.incoming.glob("*")) == []


def test_the_same_view_gives_the_same_bytes(store: Store, tmp_path: Path) -> None:
    first, second = (write(store, tmp_path / name) for name in ("a.tar", "b.tar"))
    assert first.sha256 == second.sha256
    host(store, "lab", [Made("more")])
    assert write(store, tmp_path / "c.tar").sha256 != first.sha256


def test_an_unpacked_bundle_is_a_channel(store: Store, tmp_path: Path) -> None:
    write(store, tmp_path / "lab.tar", specs=["tool ==2.0", "lib"])
    with tarfile.open(tmp_path / "lab.tar") as tar:
        tar.extractall(tmp_path / "unpacked", filter="data")
    lock = lock_of(store, tmp_path / "unpacked", ["tool"])
    assert names_in_lock(lock) == ["lib 1.0", "tool 2.0"]


def test_a_view_keeps_its_patches_its_label_and_its_instant(
    store: Store, away: Store, tmp_path: Path
) -> None:
    host(store, "lab", [Made("extra")], labels=["dev"])
    patch(store, "lab", RULES)
    write(store, tmp_path / "patched.tar")
    write(store, tmp_path / "dev.tar", "lab/label/dev")
    write(store, tmp_path / "before.tar", "lab/as-of/r1")
    take(away, tmp_path / "patched.tar")
    assert records(away)[TOOL]["constrains"] == ["other <2"]
    assert take(away, tmp_path / "dev.tar").labels == ("dev",)
    assert list(records(away, "lab/label/dev")) == ["noarch/extra-1.0-0.conda"]
    # what a file's record is was settled when it came
    assert set(take(away, tmp_path / "before.tar").otherwise) == {TOOL, OLD}
    assert take(away, tmp_path / "before.tar", labels=["old", "older"]).labels == ("old", "older")
    assert set(records(away, "lab/label/older")) == {LIB, TOOL, OLD}


def test_what_of_a_view(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "some.tar"
    assert write(store, path, specs=["tool >=2", "[subdir=linux-64]"]).packages == 2
    lock = lock_of(store, _unpacked(store, tmp_path), ["tool ==1.0"])
    assert write(store, path, lock=lock).packages == 1
    with pytest.raises(NotInView, match="numpy"):
        write(store, path, specs=["tool", "numpy"])
    with pytest.raises(BadPackageSpec):
        write(store, path, specs=["tool >=="])
    with pytest.raises(BadArguments, match="together"):
        write(store, path, specs=["tool"], lock=lock)
    host(store, "few", [PACKAGES[0]])
    with pytest.raises(NotInView, match=r"noarch/tool-1\.0-0\.conda") as raised:
        write(store, path, "few", lock=lock)
    assert "channel mirror few --lock fit.lock" in str(raised.value.hint)


def test_an_empty_channel_is_one_too(away: Store, tmp_path: Path) -> None:
    write(away, tmp_path / "empty.tar")
    with tarfile.open(tmp_path / "empty.tar") as tar:
        assert tar.getnames() == ["condarium-bundle.json", "noarch/repodata.json"]
    assert take(away, tmp_path / "empty.tar").files == ()


def test_a_union_can_be_exported_and_not_imported_into(
    store: Store, away: Store, tmp_path: Path
) -> None:
    host(store, "more", [Made("more")])
    create(store, "all", kind=ChannelKind.UNION, members=(ChannelName("more"), ChannelName("lab")))
    assert write(store, tmp_path / "all.tar", "all").packages == 4
    take(away, tmp_path / "all.tar")
    assert records(away) == records(store, "all")
    with pytest.raises(NotALocalChannel):
        import_bundle(
            store,
            ChannelName("all"),
            Upload("all.tar", tmp_path / "all.tar"),
            actor=ADA,
            progress=Quiet(),
        )


def test_a_proxy_fetches_what_is_exported(store: Store, away: Store, tmp_path: Path) -> None:
    create(store, "far", kind=ChannelKind.PROXY, upstream=_unpacked(store, tmp_path).as_uri())
    assert write(store, tmp_path / "far.tar", "far", specs=["tool"]).packages == 2
    take(away, tmp_path / "far.tar")
    assert set(shown(away)) == {TOOL, OLD}


def test_a_name_that_is_taken(store: Store, away: Store, tmp_path: Path) -> None:
    host(away, "lab", [replace(PACKAGES[0], license="BSD")])
    write(store, tmp_path / "lab.tar")
    with pytest.raises(FileNameTaken, match=LIB):
        take(away, tmp_path / "lab.tar")
    assert list(shown(away)) == [LIB]


def test_where_a_bundle_cannot_be_written(store: Store, tmp_path: Path) -> None:
    with pytest.raises(BundleNotWritten, match="no folder"):
        write(store, tmp_path / "nowhere" / "lab.tar")
    with pytest.raises(BundleNotWritten, match="something else"):
        write(store, tmp_path)
    (tmp_path / "lab.tar").write_text("before")
    damaged = store.blobs.file(shown(store)[TOOL]["sha256"])
    assert damaged is not None
    damaged.write_bytes(b"x" * damaged.stat().st_size)
    with pytest.raises(Exception, match="damaged"):
        write(store, tmp_path / "lab.tar")
    assert (tmp_path / "lab.tar").read_text() == "before"
    assert sorted(path.name for path in tmp_path.iterdir() if "lab.tar" in path.name) == ["lab.tar"]


def test_blobs_in_a_bucket(
    store: Store, object_store: Endpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in object_store.environ.items():
        monkeypatch.setenv(name, value)
    environ = {"HOME": str(tmp_path), "CONDARIUM_BLOBS": f"s3://{object_store.new_bucket()}"}
    settings = Settings.read(environ, store=tmp_path / "far")
    with closing(Store(settings)) as far:
        create(far, "lab")
        before = write(store, tmp_path / "lab.tar")
        take(far, tmp_path / "lab.tar")
        assert far.layout.blobs.exists() is False
        assert records(far) == records(store)
        write(far, tmp_path / "back.tar")
        with tarfile.open(tmp_path / "back.tar") as tar:
            assert len(tar.getnames()) == before.packages + 3


@pytest.mark.parametrize("seconds", [0.4, 0.7, 1.0])
def test_a_killed_import_shows_all_or_nothing(
    seconds: float, store: Store, away: Store, tmp_path: Path
) -> None:
    write(store, tmp_path / "lab.tar")
    command = [PROGRAM, "--store", away.layout.root, "channel", "import", "lab", "lab.tar"]
    importing = subprocess.Popen([*map(str, command)], cwd=tmp_path, stdout=subprocess.DEVNULL)
    time.sleep(seconds)
    importing.kill()
    importing.wait()
    assert set(shown(away)) in (set(), {LIB, TOOL, OLD})
    take(away, tmp_path / "lab.tar")
    assert records(away) == records(store)


Members = dict[str, bytes]


def unpack(path: Path) -> Members:
    with tarfile.open(path) as tar:
        return {each.name: tar.extractfile(each).read() for each in tar}  # type: ignore[union-attr]


def pack(path: Path, members: Mapping[str, bytes], *, kind: bytes = tarfile.REGTYPE) -> None:
    with tarfile.open(path, "w") as tar:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            if name == "link":
                info.type, info.linkname, info.size = kind, "/etc/hostname", 0
            tar.addfile(info, io.BytesIO(content))


def manifest(change: Callable[[Any], None]) -> Callable[[Members], Members]:
    """Change the manifest of a bundle, and nothing else."""

    def changed(members: Members) -> Members:
        found = json.loads(members["condarium-bundle.json"])
        change(found)
        return {**members, "condarium-bundle.json": json.dumps(found).encode()}

    return changed


def record(**values: Any) -> Callable[[Members], Members]:
    """Change a package's record, and the manifest with it."""

    def changed(members: Members) -> Members:
        index = json.loads(members["linux-64/repodata.json"])
        index["packages.conda"]["lib-1.0-0.conda"].update(values)
        return rehashed({**members, "linux-64/repodata.json": json.dumps(index).encode()})

    return changed


def rehashed(members: Members) -> Members:
    found = json.loads(members["condarium-bundle.json"])
    for entry in [*found["indexes"], *found["packages"]]:
        content = members[entry["path"]]
        entry.update(sha256=sha256(content).hexdigest(), size=len(content))
    return {**members, "condarium-bundle.json": json.dumps(found).encode()}


def _with(key: str, value: bytes) -> Callable[[Members], Members]:
    return lambda members: {**members, key: value}


def _without(key: str) -> Callable[[Members], Members]:
    return lambda members: {name: each for name, each in members.items() if name != key}


BAD: dict[str, tuple[Callable[[Members], Members], str]] = {
    "other bytes": (_with(LIB, b"other"), "SHA-256"),
    "a package less": (_without(TOOL), "no noarch/tool"),
    "an index less": (_without("linux-64/repodata.json"), "linux-64/repodata.json"),
    "a member more": (_with("more.txt", b""), "more.txt"),
    "a member above": (_with("../more.txt", b""), r"\.\."),
    "an absolute member": (_with("/more.txt", b""), "absolute"),
    "a link": (_with("link", b""), "link"),
    "no manifest": (_without("condarium-bundle.json"), "first member"),
    "a manifest that is none": (_with("condarium-bundle.json", b"{}"), "damaged"),
    "a newer version": (manifest(lambda found: found.update(version=2)), "version 2"),
    "what is not known": (manifest(lambda found: found.update(more=1)), "damaged"),
    "a bad label": (manifest(lambda found: found.update(label="a b")), "label"),
    "a package twice": (
        manifest(lambda found: found["packages"].append(found["packages"][0])),
        "twice",
    ),
    "a path above": (
        manifest(lambda found: found["packages"][0].update(path="../lib-1.0-0.conda")),
        "lib-1.0-0",
    ),
    "no package's name": (
        manifest(lambda found: found["packages"][0].update(path="linux-64/passwd")),
        "passwd",
    ),
    "an index of no subdir": (
        manifest(lambda found: found["indexes"][0].update(path="there/repodata.json")),
        "there",
    ),
    "an index that is none": (
        lambda members: rehashed({**members, "noarch/repodata.json": b"[]"}),
        "damaged",
    ),
    "an index that lacks one": (
        lambda members: rehashed({**members, "noarch/repodata.json": b"{}"}),
        "tool",
    ),
    "a record of another file": (record(sha256="0" * 64), "another file"),
    "a record of another version": (record(version="2.0"), "no client"),
    "a record of another build number": (record(build_number=7), "build number 7"),
    "a record of another type": (record(depends="lib"), "no client"),
}


@pytest.mark.parametrize("bad", BAD)
def test_a_bad_bundle_is_refused_and_nothing_stays(
    bad: str, store: Store, away: Store, tmp_path: Path
) -> None:
    change, message = BAD[bad]
    path = tmp_path / "lab.tar"
    write(store, path)
    pack(path, change(unpack(path)), kind=tarfile.SYMTYPE)
    with pytest.raises(BadBundle, match=message):
        take(away, path)
    assert nothing_in(away)


def test_a_package_that_breaks_a_rule(store: Store, away: Store, tmp_path: Path) -> None:
    path = tmp_path / "lab.tar"
    write(store, path)
    members = {**unpack(path), LIB: b"no package"}
    digest = sha256(b"no package").hexdigest()
    pack(path, rehashed(record(sha256=digest)(members)))
    with pytest.raises(PackageRefused, match=r"lib-1\.0"):
        take(away, path)
    assert nothing_in(away)


@pytest.mark.parametrize("part", [0, 100, 511, 512, 5_000, 20_000, -1024, -700, -513])
def test_a_bundle_that_is_cut_short(part: int, store: Store, away: Store, tmp_path: Path) -> None:
    path = tmp_path / "lab.tar"
    write(store, path)
    whole = path.read_bytes().rstrip(b"\0")
    padded = whole + bytes(-len(whole) % 512 + 1024)
    path.write_bytes(padded[:part])
    with pytest.raises(BadBundle):
        take(away, path)
    assert nothing_in(away)


def nothing_in(store: Store) -> bool:
    listing = Catalogue(store).open(View.parse("lab"))
    left = [*store.blobs, *store.layout.incoming.glob("*")]
    return listing.number == 0 and left == []


def _unpacked(store: Store, folder: Path) -> Path:
    write(store, folder / "whole.tar")
    with tarfile.open(folder / "whole.tar") as tar:
        tar.extractall(folder / "whole", filter="data")
    return folder / "whole"
