"""Bad packages are each refused with the member and the rule; good ones of every maker are read."""

from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.bad_packages import BZ2, CONDA, Bad, Draft, bad_by_rule

from condarium.channels.validation import RULES, PackageRefused, read_package
from condarium.model.package import Package

NOW = datetime(2026, 1, 1, tzinfo=UTC)
BAD = bad_by_rule()


@pytest.mark.parametrize("name", BAD)
def test_a_bad_package_is_refused_by_member_and_rule(name: str, tmp_path: Path) -> None:
    bad: Bad = BAD[name]
    path = tmp_path / "upload"
    path.write_bytes(bad.made())
    with pytest.raises(PackageRefused) as refused:
        read_package(path, bad.file, now=NOW, limits=bad.limits)
    error = refused.value
    assert error.rule in bad.rule.split("|")
    assert bad.said in error.message
    assert error.message.startswith(ascii(bad.file)[1:-1])
    assert error.message.isprintable()
    assert error.hint
    assert [each.name for each in tmp_path.iterdir()] == ["upload"]


def test_there_is_a_bad_package_for_every_rule() -> None:
    assert {rule for bad in BAD.values() for rule in bad.rule.split("|")} == set(RULES)


def _facts(package: Package) -> tuple[object, ...]:
    """What a package says, without what depends on every byte of its file."""
    hashes = ("sha256", "md5", "size")
    record = {key: value for key, value in package.record.items() if key not in hashes}
    return package.subdir, package.name, record, package.about, package.warnings


@pytest.fixture(scope="module")
def upload(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("uploads") / "upload"


WHOLE = {CONDA: Draft().conda(), BZ2: Draft().tar_bz2()}


@settings(max_examples=400, deadline=None)
@given(
    file=st.sampled_from([CONDA, BZ2]),
    flips=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(1, 255)), max_size=3),
    kept=st.one_of(st.just(1.0), st.floats(0, 1)),
    more=st.binary(max_size=40),
)
def test_a_damaged_package_is_refused_or_says_the_same(
    upload: Path, file: str, flips: list[tuple[float, int]], kept: float, more: bytes
) -> None:
    content = bytearray(WHOLE[file])
    for where, change in flips:
        content[int(where * len(content))] ^= change
    upload.write_bytes(bytes(content[: round(kept * len(content))]) + more)
    try:
        found = read_package(upload, file, now=NOW)
    except PackageRefused:
        return
    upload.write_bytes(WHOLE[file])
    assert _facts(found) == _facts(read_package(upload, file, now=NOW))


@settings(max_examples=300, deadline=None)
@given(
    part=st.sampled_from(["info", "pkg"]),
    flips=st.lists(st.tuples(st.integers(0, 5000), st.integers(1, 255)), min_size=1, max_size=4),
)
def test_archives_that_were_made_to_harm_are_read_or_refused(
    upload: Path, part: str, flips: list[tuple[int, int]]
) -> None:
    """Behind every checksum: what is damaged is the tar within."""

    def flipped(packed: bytes) -> bytes:
        content = bytearray(zstandard.decompress(packed, max_output_size=1 << 20))
        for where, change in flips:
            content[where % len(content)] ^= change
        return zstandard.compress(bytes(content))

    upload.write_bytes(Draft().conda(**{part: flipped}))
    with suppress(PackageRefused):
        read_package(upload, CONDA, now=NOW)


@settings(max_examples=200, deadline=None)
@given(st.sampled_from([CONDA, BZ2]), st.binary(max_size=3000), st.booleans())
def test_metadata_of_any_bytes_is_read_or_refused(
    upload: Path, file: str, content: bytes, of_paths: bool
) -> None:
    draft = Draft(info={"paths.json" if of_paths else "index.json": content})
    upload.write_bytes(draft.conda() if file == CONDA else draft.tar_bz2())
    with pytest.raises(PackageRefused):
        read_package(upload, file, now=NOW)
