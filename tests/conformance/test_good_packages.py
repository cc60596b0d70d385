"""Packages of every maker are read: ours, rattler-build's, conda-build's, and those of wheels."""

import bz2
import hashlib
import io
import json
import tarfile
import zipfile
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
import zstandard
from rattler_build import FileEntry, Stage0Recipe, assemble_package
from tests.support.bad_packages import (
    BZ2,
    CONDA,
    STEM,
    Draft,
    Entry,
    folder,
    hard,
    soft,
    stored,
    tar,
)
from tests.support.channel import PREFIX, Link, Made, make_package
from tests.support.real_data import SUBDIRS, data_folder, unpack, why_absent

from condarium.channels.validation import read_package
from condarium.channels.validation.index import read_index
from condarium.model.package import Package, PackageFileName

NOW = datetime(2026, 1, 1, tzinfo=UTC)
GOOD = Draft()


def _read(tmp_path: Path, content: bytes, file: str = CONDA) -> Package:
    path = tmp_path / "upload"
    path.write_bytes(content)
    return read_package(path, file, now=NOW)


@pytest.mark.parametrize("file", [CONDA, BZ2])
def test_what_a_package_says_is_read(tmp_path: Path, file: str) -> None:
    about = {"home": ["https://a"], "summary": "A tool", "license": None, "root_pkgs": ["x"]}
    draft = Draft(
        index={"indexed_timestamp": 1, "size": 3},
        info={"run_exports.json": ["tool >=1"], "about.json": about},
    )
    content = draft.conda() if file == CONDA else draft.tar_bz2()
    package = _read(tmp_path, content, file)
    assert (package.name, package.version, package.build) == ("tool", "1.0", "h0_0")
    assert (package.subdir, package.build_number, package.size) == ("linux-64", 0, len(content))
    assert package.sha256 == hashlib.sha256(content).hexdigest()
    assert package.md5 == hashlib.md5(content).hexdigest()
    assert package.about == {"home": ["https://a"], "summary": "A tool"}
    assert package.warnings == ()
    assert package.record["run_exports"] == {"weak": ["tool >=1"]}
    assert package.record["x_of_a_later_day"] == {"kept": [1]}
    assert package.record["size"] == len(content)
    assert "indexed_timestamp" not in package.record


VARIANTS = {
    "links": GOOD.with_entry(
        soft("lib/up", "../bin/tool"), soft("lib/none", "of-another-package"), soft("lib/dir", "..")
    ),
    "a link by a link": GOOD.with_entry(soft("a/b/c", ".."), soft("a/b/d", "c/b/c")),
    "hard links": GOOD.with_entry(hard("lib/same", "lib/data"), hard("lib/too", "lib/same")),
    "long names": GOOD.with_member("lib/" + "/".join(["x" * 90] * 3)),
    "names in UTF-8": GOOD.with_member("lib/\u0142\u00f3d\u017a.txt"),
    "backslash on Linux": GOOD.with_member("lib/systemd/a\\x2db.service"),
    "empty files": GOOD.with_member("lib/empty", b""),
    "large file": GOOD.with_member("lib/large", bytes(range(256)) * 20_000),
    "nothing installed": replace(GOOD, files=()),
    "no noarch in noarch": Draft(index={"subdir": "noarch"}),
    "noarch python of a platform (CEP 20)": Draft(index={"noarch": "python"}),
    "noarch true": Draft(index={"subdir": "noarch", "noarch": True}),
    "old names of a platform": Draft(index={"subdir": None, "platform": "linux", "arch": "x86_64"}),
    "paths with a prefix": GOOD.with_path(prefix_placeholder="/opt/x", file_mode="text"),
    "paths without hashes": GOOD.with_path(sha256=None, size_in_bytes=None, path_type=None),
    "old keys of paths": GOOD.with_path(inode_paths=["bin/tool"], no_link=True),
    "timestamp in seconds": Draft(index={"timestamp": 1_400_000_000}),
    "conditional dependency": Draft(index={"depends": ['a[when="python <3.9"]']}),
    "recipe and licences": Draft(info={"recipe/meta.yaml": b"a: b", "licenses/MIT": b"MIT"}),
}


@pytest.mark.parametrize("name", VARIANTS)
@pytest.mark.parametrize("file", [CONDA, BZ2])
def test_what_real_packages_have_is_let_through(tmp_path: Path, name: str, file: str) -> None:
    draft = VARIANTS[name]
    package = _read(tmp_path, draft.conda() if file == CONDA else draft.tar_bz2(), file)
    assert package.warnings == ()


def test_folders_and_dots_of_gnu_tar_are_let_through(tmp_path: Path) -> None:
    """`tar cjf … .` in a package's folder, as CEP 35 shows."""
    entries = [
        folder("./"),
        folder("./info/"),
        folder("./bin"),
        *(replace(each, name=f"./{each.name}") for each in (*GOOD.info_entries(), *GOOD.files)),
    ]
    assert _read(tmp_path, bz2.compress(tar(tuple(entries))), BZ2).name == "tool"


@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_every_form_of_tar_is_read(tmp_path: Path, form: int) -> None:
    draft = GOOD.with_member("share/" + "d/" * 60 + "x", b"x")
    content = draft.conda(pkg=zstandard.compress(tar(draft.files, form=form)))
    assert _read(tmp_path, content).name == "tool"


@pytest.mark.parametrize("level", [1, 19, 22])
def test_every_level_and_an_unknown_size_are_read(tmp_path: Path, level: int) -> None:
    compressor = zstandard.ZstdCompressor(level=level, write_checksum=True).compressobj()
    packed = compressor.compress(tar(GOOD.files)) + compressor.flush()
    assert _read(tmp_path, GOOD.conda(pkg=packed)).name == "tool"


def test_a_zip_that_was_written_as_a_stream_is_read(tmp_path: Path) -> None:
    """Its sizes stand behind the members, or are those of ZIP64."""

    class Pipe(io.BytesIO):
        def seekable(self) -> bool:
            return False

        def seek(self, *_: object) -> int:
            raise OSError

        def tell(self) -> int:
            raise OSError

    for large in (False, True):
        pipe = Pipe() if not large else io.BytesIO()
        with zipfile.ZipFile(pipe, "w") as archive:
            for name, content in reversed(GOOD.parts().items()):
                with archive.open(zipfile.ZipInfo(name), "w", force_zip64=large) as member:
                    member.write(content)
        assert _read(tmp_path, pipe.getvalue()).name == "tool"


def test_a_package_from_before_paths_json_is_read(tmp_path: Path) -> None:
    draft = Draft(
        index={"subdir": None, "platform": "win", "arch": "x86_64"},
        info={
            "paths.json": None,
            "files": b"bin/tool\r\nlib/data\nlib/d\n",
            "has_prefix": b'bin/tool\n/opt/anaconda binary lib/data\n"C:/x y" text "bin/tool"\n',
            "no_link": b"lib/data\n",
        },
    )
    assert _read(tmp_path, draft.tar_bz2(), BZ2).subdir == "win-64"


WARNED = {
    "an unknown platform": (Draft(index={"subdir": "linux-65"}), "did it mean linux-64?"),
    "a clock ahead": (Draft(index={"timestamp": int(NOW.timestamp() + 60) * 1000}), "60 s in the"),
    "no comma": (Draft(index={"depends": ["python >=3 <4"]}), "Put a comma"),
    "odd about": (Draft(info={"about.json": {"home": 3}}), "home in info/about.json"),
}


@pytest.mark.parametrize("name", WARNED)
def test_what_is_odd_is_warned_of(tmp_path: Path, name: str) -> None:
    draft, said = WARNED[name]
    (warning,) = _read(tmp_path, draft.conda()).warnings
    assert said in warning


def test_our_own_packages_are_read(tmp_path: Path) -> None:
    made = [
        Made("app", noarch="python", entry_points=["app = app:main"], license="MIT"),
        Made("lib", "2.0", build="h1_3", build_number=3, subdir="linux-64", depends=["app >=1"]),
        Made(
            "all",
            files={
                "bin/sh": f"#!{PREFIX}/bin/sh\n",
                "lib/b": PREFIX.encode() + b"\0",
                "lib/l": Link("b"),
                "etc/x": "",
            },
        ),
    ]
    for each in made:
        path = make_package(each, into=tmp_path)
        package = read_package(path, path.name, now=NOW)
        assert (package.name, package.build_number) == (each.name, each.build_number)
        assert (package.subdir, package.warnings) == (each.subdir, ())


@pytest.mark.parametrize("archive", ["conda", "tar-bz2"])
def test_packages_of_rattler_build_are_read(tmp_path: Path, archive: str) -> None:
    (tmp_path / "data").write_text("data")
    (tmp_path / "link").symlink_to("data")
    made = assemble_package(
        name="made",
        version="1.0",
        target_platform="linux-64",
        build_string="0",
        output_dir=tmp_path / "out",
        files=[FileEntry.from_paths(tmp_path / each, f"lib/{each}") for each in ("data", "link")],
        archive_type=archive,
    )
    path = Path(made.path)
    assert read_package(path, path.name, now=NOW).name == "made"


def test_packages_of_wheels_and_of_python_are_read(channel: Path) -> None:
    packages = [*channel.rglob("*.conda")]
    assert len(packages) > 5
    for path in packages:
        package = read_package(path, path.name, now=datetime.now(UTC))
        assert package.subdir == path.parent.name
        assert json.dumps(package.record)


def test_the_order_of_members_is_free(tmp_path: Path) -> None:
    assert _read(tmp_path, stored(dict(reversed(GOOD.parts().items())))).name == "tool"
    entries = (*GOOD.files, *reversed(GOOD.info_entries()), Entry(f"share/{STEM}"))
    listed = Draft(paths=GOOD.with_member(f"share/{STEM}", b"").listing())
    content = bz2.compress(tar((*entries[:3], *listed.info_entries(), entries[-1])))
    assert _read(tmp_path, content, BZ2).name == "tool"


@pytest.mark.data
@pytest.mark.skipif(bool(why_absent()), reason=str(why_absent()))
@pytest.mark.parametrize("subdir", SUBDIRS)
def test_no_real_record_is_refused(subdir: str) -> None:
    """One in eight of conda-forge's, by their names and by what becomes of their index.json."""
    packed = data_folder() / "repodata" / "conda-forge" / subdir / "repodata.json.zst"
    repodata = json.loads(unpack(packed))
    records = [*repodata["packages"].items(), *repodata["packages.conda"].items()]
    for file, record in records[::8]:
        content = json.dumps({"build_number": 0, **record}).encode()
        read, _ = read_index(content, PackageFileName.parse(file), datetime.now(UTC))
        assert read["depends"] == record["depends"]
        assert read["subdir"] == subdir


def test_a_package_that_rattler_build_built_is_read(tmp_path: Path) -> None:
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(
        """
        package: {name: built, version: "1.0"}
        build:
          number: 2
          script: |
            mkdir -p $PREFIX/bin $PREFIX/lib $PREFIX/empty
            echo "#!$PREFIX/bin/sh" > $PREFIX/bin/built
            echo a > $PREFIX/lib/a
            ln $PREFIX/lib/a $PREFIX/lib/same
            ln -s a $PREFIX/lib/link
            ln -s gone $PREFIX/lib/nowhere
            ln -s $PREFIX/lib $PREFIX/lib64
        requirements:
          run_exports: ["built >=1"]
        tests:
          - script: ["true"]
        about: {homepage: "https://example.org", summary: A tool, license: MIT}
        """
    )
    for variant in Stage0Recipe.from_file(recipe).render():
        variant.run_build(output_dir=tmp_path / "out")
    (path,) = (tmp_path / "out").glob("*/built-*.conda")
    package = read_package(path, path.name, now=datetime.now(UTC))
    assert (package.build_number, package.subdir) == (2, path.parent.name)
    assert package.record["run_exports"] == {"weak": ["built >=1"]}
    assert package.about["home"] == "https://example.org/"
    assert package.warnings == ()
