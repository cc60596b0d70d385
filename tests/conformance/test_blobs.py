"""One suite for blobs: in memory, in a folder, and in a bucket."""

import hashlib
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import obstore
import pytest
from tests.support.objectstore import Endpoint

from condarium.errors import BlobDamaged, NoSuchBlob, StoreReadOnly
from condarium.settings import Settings
from condarium.storage.blobs import Blobs
from condarium.storage.failures import BadStoreAddress, BlobsFailed
from condarium.storage.store import Store

ABSENT = hashlib.sha256(b"absent").hexdigest()


@dataclass
class Place:
    blobs: Blobs
    again: Callable[[], Blobs] | None = None
    """Opens the same blobs once more, as another process would."""


@pytest.fixture(params=["memory", "folder", "bucket", "part of a bucket"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    if request.param == "memory":
        return Place(Blobs.in_memory())
    if request.param == "folder":
        return Place(Blobs.in_folder(tmp_path), lambda: Blobs.in_folder(tmp_path))
    endpoint: Endpoint = request.getfixturevalue("object_store")
    prefix = "some/where" if request.param == "part of a bucket" else ""
    url = f"s3://{endpoint.new_bucket()}/{prefix}"
    return Place(
        Blobs.at_url(url, **endpoint.options), lambda: Blobs.at_url(url, **endpoint.options)
    )


def _put_raw(blobs: Blobs, path: str, content: bytes) -> None:
    """Put an object as it is, behind everybody's back."""
    obstore.put(blobs._store, path, content)


def _path(digest: str) -> str:
    return f"{digest[:2]}/{digest[2:]}"


def test_what_was_put_is_got_by_its_sha256(place: Place) -> None:
    digest = place.blobs.put(b"content")
    assert digest == hashlib.sha256(b"content").hexdigest()
    assert place.blobs.get(digest) == b"content"
    assert place.blobs.has(digest)


def test_there_is_an_empty_blob(place: Place) -> None:
    digest = place.blobs.put(b"")
    assert place.blobs.has(digest)
    assert place.blobs.get(digest) == b""


def test_the_same_bytes_are_kept_once(place: Place) -> None:
    assert place.blobs.put(b"content") == place.blobs.put(b"content")
    assert len(list(place.blobs)) == 1


def test_a_big_blob_comes_back_whole(place: Place) -> None:
    content = os.urandom(1 << 20) * 20
    digest = place.blobs.put(content)
    assert place.blobs.get(digest) == content
    assert [each.size for each in place.blobs] == [len(content)]


@pytest.mark.parametrize("size", [0, 1, 3_000_000])
def test_a_blob_is_read_piece_by_piece(place: Place, size: int) -> None:
    content = bytes(range(256)) * (size // 256) + bytes(size % 256)
    digest = place.blobs.put(content)
    pieces = list(place.blobs.pieces(digest))
    assert b"".join(pieces) == content
    with pytest.raises(NoSuchBlob):
        next(place.blobs.pieces("0" * 64))


def test_an_absent_blob_is_said_to_be_absent(place: Place) -> None:
    assert not place.blobs.has(ABSENT)
    with pytest.raises(NoSuchBlob, match=ABSENT):
        place.blobs.get(ABSENT)


def test_a_removed_blob_is_absent_and_may_be_removed_again(place: Place) -> None:
    digest = place.blobs.put(b"content")
    other = place.blobs.put(b"other")
    place.blobs.remove(digest)
    place.blobs.remove(digest)
    assert not place.blobs.has(digest)
    assert [each.digest for each in place.blobs] == [other]


def test_blobs_are_listed_with_size_and_instant(place: Place) -> None:
    contents = [b"", b"a", b"b" * 1000]
    digests = {place.blobs.put(content): len(content) for content in contents}
    listed = list(place.blobs)
    assert {each.digest: each.size for each in listed} == digests
    for each in listed:
        assert abs(each.modified - datetime.now(UTC)) < timedelta(minutes=10)


def test_no_blobs_are_listed_where_there_are_none(place: Place) -> None:
    assert list(place.blobs) == []


def test_many_blobs_are_all_listed_and_may_be_removed_meanwhile(place: Place) -> None:
    with ThreadPoolExecutor(8) as threads:
        digests = set(threads.map(place.blobs.put, (b"%d" % number for number in range(150))))
    seen = set()
    for each in place.blobs:
        place.blobs.remove(each.digest)
        seen.add(each.digest)
    assert seen == digests
    assert list(place.blobs) == []


def test_what_is_no_blob_is_not_listed(place: Place) -> None:
    digest = place.blobs.put(b"content")
    for path in (f"{digest[:2]}/README", "x" * 64, f"{digest[:3]}/{digest[3:]}"):
        _put_raw(place.blobs, path, b"a note")
    assert [each.digest for each in place.blobs] == [digest]


@pytest.mark.parametrize("damage", [b"CONTENT", b"cont", b"", b"content and more"])
def test_damage_is_found_when_a_blob_is_read(place: Place, damage: bytes) -> None:
    digest = place.blobs.put(b"content")
    _put_raw(place.blobs, _path(digest), damage)
    with pytest.raises(BlobDamaged, match=digest):
        place.blobs.get(digest)


def test_a_blob_that_was_cut_short_is_whole_after_it_is_put_again(place: Place) -> None:
    digest = place.blobs.put(b"content")
    _put_raw(place.blobs, _path(digest), b"cont")
    place.blobs.put(b"content")
    assert place.blobs.get(digest) == b"content"


def test_the_same_blob_may_be_put_by_many_at_once(place: Place) -> None:
    content = os.urandom(300_000)
    with ThreadPoolExecutor(8) as threads:
        digests = set(threads.map(lambda _: place.blobs.put(content), range(16)))
    assert digests == {hashlib.sha256(content).hexdigest()}
    assert place.blobs.get(digests.pop()) == content


def test_blobs_are_there_for_whoever_opens_the_place_next(place: Place) -> None:
    if place.again is None:
        pytest.skip("memory ends with its holder")
    digest = place.blobs.put(b"content")
    assert place.again().get(digest) == b"content"


def test_two_parts_of_a_bucket_hold_blobs_of_their_own(object_store: Endpoint) -> None:
    bucket = object_store.new_bucket()
    one = Blobs.at_url(f"s3://{bucket}/one", **object_store.options)
    two = Blobs.at_url(f"s3://{bucket}/two", **object_store.options)
    digest = one.put(b"content")
    assert not two.has(digest)
    assert list(two) == []


def test_the_setting_says_where_blobs_are_and_the_environment_how_to_get_there(
    object_store: Endpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for key, value in object_store.environ.items():
        monkeypatch.setenv(key, value)
    address = f"s3://{object_store.new_bucket()}/lab"
    environ = {"CONDARIUM_STORE": str(tmp_path / "store"), "CONDARIUM_BLOBS": address}
    store = Store(Settings.read(environ))
    digest = store.blobs.put(b"content")
    assert Blobs.at_url(address, **object_store.options).get(digest) == b"content"
    assert not store.layout.blobs.exists()


@pytest.mark.parametrize("address", ["nonsense", "foo://bucket", "/folder"])
def test_an_address_that_is_none_is_bad_input(tmp_path: Path, address: str) -> None:
    store = Store(Settings(store=tmp_path, blobs=address, home=tmp_path, environ={}))
    with pytest.raises(BadStoreAddress, match="CONDARIUM_BLOBS"):
        store.blobs.has(ABSENT)


def test_a_bucket_that_is_not_there_is_said_to_be_so(object_store: Endpoint) -> None:
    blobs = Blobs.at_url("s3://no-such-bucket/x", **object_store.options)
    with pytest.raises(BlobsFailed) as caught:
        blobs.put(b"content")
    assert "bucket" in (caught.value.hint or "")
    with pytest.raises(BlobsFailed):
        list(blobs)


def test_an_endpoint_that_does_not_answer_is_said_to_be_so(object_store: Endpoint) -> None:
    options = object_store.options | {"retry_config": {"max_retries": 0}}
    options["config"] = {**object_store.environ, "AWS_ENDPOINT_URL": "http://127.0.0.1:1"}
    del options["config"]["AWS_ALLOW_HTTP"]
    blobs = Blobs.at_url("s3://bucket/x", **options)
    for ask in (lambda: blobs.put(b"content"), lambda: blobs.get(ABSENT), lambda: list(blobs)):
        with pytest.raises(BlobsFailed) as caught:
            ask()
        assert "Debug source" not in str(caught.value)


def test_blobs_in_a_place_that_cannot_be_are_said_to_be_so(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises((BlobsFailed, StoreReadOnly)):
        Blobs.in_folder(tmp_path / "file" / "blobs")


def test_what_a_killed_put_left_is_no_blob(tmp_path: Path) -> None:
    """obstore writes to `<name>#<number>` first."""
    blobs = Blobs.in_folder(tmp_path)
    digest = blobs.put(b"content")
    Path(f"{tmp_path / _path(digest)}#1").write_bytes(b"cont")
    Path(f"{tmp_path / _path(ABSENT)}#1").parent.mkdir(exist_ok=True)
    Path(f"{tmp_path / _path(ABSENT)}#1").write_bytes(b"abs")
    assert [each.digest for each in blobs] == [digest]
    assert not blobs.has(ABSENT)
    assert blobs.get(blobs.put(b"absent")) == b"absent"


@pytest.mark.parametrize("size", [0, 5, 9 << 20])
def test_a_blob_is_taken_from_any_place_into_any_other(
    place: Place, tmp_path: Path, size: int
) -> None:
    content = os.urandom(size)
    for other in (Blobs.in_memory(), Blobs.in_folder(tmp_path / "other")):
        digest = place.blobs.put(content)
        assert other.take(digest, of=place.blobs) == size
        assert other.get(digest) == content
        place.blobs.remove(digest)
        assert place.blobs.take(digest, of=other) == size
        assert place.blobs.is_whole(digest)
    with pytest.raises(NoSuchBlob):
        place.blobs.take(ABSENT, of=other)


@pytest.mark.parametrize("size", [5, 9 << 20])
def test_bytes_without_their_hash_are_not_taken(place: Place, tmp_path: Path, size: int) -> None:
    _put_raw(place.blobs, _path(ABSENT), os.urandom(size))
    for other in (Blobs.in_memory(), Blobs.in_folder(tmp_path / "other")):
        with pytest.raises(BlobDamaged):
            other.take(ABSENT, of=place.blobs)
        assert not other.has(ABSENT)
        assert list(other) == []
    assert not place.blobs.is_whole(ABSENT)
