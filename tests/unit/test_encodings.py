"""Monolithic encodings as they are written, and what is said of a package as a whole."""

import json
from io import BytesIO
from typing import Any

import pytest
import zstandard

from condarium.channels.encodings.channeldata import describe, newest_first
from condarium.channels.encodings.output import Output, compress
from condarium.channels.encodings.repodata import write_repodata
from condarium.channels.shard import Shard

SHA = "ab" * 32


def record(name: str, version: str = "1.0", **more: Any) -> dict[str, Any]:
    return {
        "name": name,
        "version": version,
        "build": "0",
        "build_number": 0,
        "sha256": SHA,
        **more,
    }


def write(subdir: str, shards: dict[str, Shard]) -> tuple[dict[str, Any], dict[str, Any]]:
    repodata, run_exports = Output(BytesIO()), Output(BytesIO())
    write_repodata(subdir, shards.items(), repodata, run_exports)
    return tuple(json.loads(each.file.getvalue()) for each in (repodata, run_exports))  # type: ignore[attr-defined,return-value]


def test_an_empty_subdir_is_a_whole_index() -> None:
    repodata, run_exports = write("noarch", {})
    assert repodata == {
        "info": {"subdir": "noarch"},
        "packages": {},
        "packages.conda": {},
        "removed": [],
        "repodata_version": 1,
    }
    assert run_exports == {
        "info": {"platform": "noarch", "arch": None, "subdir": "noarch", "version": 1},
        "packages": {},
        "packages.conda": {},
    }


def test_records_lie_in_sections_by_what_their_file_is_and_run_exports_beside() -> None:
    exports = {"weak": ["tool >=1"]}
    shards = {
        "tool": Shard(
            records={
                "tool-1.0-0.tar.bz2": record("tool"),
                "tool-2.0-0.conda": record("tool", "2.0", run_exports=exports),
            },
            removed=["tool-0.9-0.conda"],
        ),
        "text": Shard(records={"text-1.0-0.conda": record("text")}, removed=["text-0-0.conda"]),
    }
    repodata, run_exports = write("linux-64", shards)
    assert repodata["packages"] == {"tool-1.0-0.tar.bz2": record("tool")}
    assert repodata["packages.conda"] == {
        "tool-2.0-0.conda": record("tool", "2.0"),
        "text-1.0-0.conda": record("text"),
    }
    assert repodata["removed"] == ["text-0-0.conda", "tool-0.9-0.conda"]
    assert run_exports["info"] == {
        "platform": "linux",
        "arch": "x86_64",
        "subdir": "linux-64",
        "version": 1,
    }
    assert run_exports["packages"] == {"tool-1.0-0.tar.bz2": {"run_exports": {}}}
    assert run_exports["packages.conda"] == {
        "tool-2.0-0.conda": {"run_exports": exports},
        "text-1.0-0.conda": {"run_exports": {}},
    }


@pytest.mark.parametrize("size", [0, 1, 5_000_000])
def test_a_compressed_file_is_one_frame_that_says_its_size(size: int) -> None:
    source, packed = Output(BytesIO()), Output(BytesIO())
    source.write(b"a" * size)
    compress(source, packed)
    content = packed.file.getvalue()  # type: ignore[attr-defined]
    assert zstandard.frame_content_size(content) == size
    reader = zstandard.ZstdDecompressor().decompressobj()
    assert reader.decompress(content) == b"a" * size
    assert reader.unused_data == b""


def test_the_newest_file_is_that_of_the_highest_version_then_build_then_time() -> None:
    records = {
        "b": record("tool", "1.9"),
        "a": record("tool", "1.10"),
        "d": record("tool", "1.10", build_number=1),
        "c": record("tool", "1.10", build_number=1, timestamp=5),
        "e": record("tool", "2.0rc1"),
    }
    assert newest_first(records) == ["e", "c", "d", "a", "b"]


def test_a_package_is_described_by_all_its_subdirs() -> None:
    package: dict[str, Any] = {}
    old = {"weak": ["tool"]}
    linux = Shard(
        records={
            "tool-1.0-0.conda": record("tool", timestamp=1_700_000_000_000, run_exports=old),
            "tool-2.0-0.conda": record("tool", "2.0", timestamp=1_600_000_000, license="MIT"),
        }
    )
    noarch = Shard(records={"tool-1.5-0.conda": record("tool", "1.5", license="GPL-3.0-only")})
    assert describe(package, "linux-64", linux) == "tool-2.0-0.conda"
    assert describe(package, "noarch", noarch) is None
    assert package == {
        "subdirs": ["linux-64", "noarch"],
        "run_exports": {"1.0": old},
        "timestamp": 1_700_000_000,
        "version": "2.0",
        "license": "MIT",
    }
