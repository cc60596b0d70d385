"""What a channel elsewhere may do to memory, disks, patience and files of this machine."""

import os
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest
import zstandard
from tests.support.channel import Made
from tests.support.elsewhere import elsewhere
from tests.support.server import ChannelServer, Stall

from condarium.channels.remote import reading
from condarium.channels.remote.pulling import pull
from condarium.channels.remote.reading import read_whole
from condarium.channels.remote.upstream import UpstreamFailed
from condarium.channels.shard import Shard, decode_shard, decompress, encode_shard
from condarium.engine.network.errors import BadRepodata
from condarium.engine.network.remote_files import (
    NoSuchRemoteFile,
    RemoteFiles,
    RemoteTimedOut,
    RemoteTooLarge,
)
from condarium.model.condarc import Condarc
from condarium.settings import Settings
from condarium.storage.store import Store

PACKAGE = "noarch/tool-1.0-0.conda"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return elsewhere(tmp_path / "elsewhere", [Made("tool", "1.0")])


@pytest.fixture
def server(folder: Path) -> Iterator[ChannelServer]:
    with ChannelServer(folder) as server:
        yield server


@pytest.fixture
def files(tmp_path: Path) -> Iterator[RemoteFiles]:
    condarc = Condarc(remote_read_timeout_secs=0.3, remote_max_retries=1)
    files = RemoteFiles(condarc, environ={}, home=tmp_path)
    yield files
    files.close()


def _bomb(frames: int = 1) -> bytes:
    return b"".join(zstandard.compress(b" " * (3 << 20)) for _ in range(frames))


@pytest.mark.parametrize("frames", [1, 3])
def test_few_bytes_that_unpack_to_many(frames: int) -> None:
    with pytest.raises(zstandard.ZstdError, match="bytes"):
        decompress(_bomb(frames), largest=(3 << 20) * frames - 1)
    assert len(decompress(_bomb(frames), largest=(3 << 20) * frames)) == (3 << 20) * frames


def test_a_frame_that_does_not_say_its_size() -> None:
    packer = zstandard.ZstdCompressor(write_content_size=False)
    with pytest.raises(zstandard.ZstdError, match="bytes"):
        decompress(packer.compress(b" " * 1000), largest=999)


def test_an_index_that_unpacks_to_too_much(
    files: RemoteFiles, folder: Path, server: ChannelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "LARGEST_INDEX", 1 << 20)
    (folder / "noarch" / "repodata.json.zst").write_bytes(_bomb())
    whole = read_whole(files, f"{server.url}/noarch/")
    assert whole is not None
    with pytest.raises(BadRepodata, match="bytes"):
        reading.Unpacked.of_whole(whole)


STRANGE = [zstandard.compress(each) for each in (b"\xa2\x8d\x8d", b"\x91" * 5000, b"\x01", b"")]


@pytest.mark.parametrize("content", [*STRANGE, b""])
def test_what_is_no_shard(content: bytes) -> None:
    with pytest.raises(ValueError, match="not a shard"):
        decode_shard(content)


def test_a_shard_that_is_cut_short() -> None:
    with pytest.raises(ValueError, match="not a shard"):
        decode_shard(encode_shard(Shard(records={"a-1-0.conda": {"name": "a"}}))[:-9])


@pytest.mark.parametrize("scheme", ["http", "file"])
def test_no_more_is_read_than_may_be(
    scheme: str, files: RemoteFiles, folder: Path, server: ChannelServer
) -> None:
    url = f"{server.url if scheme == 'http' else folder.as_uri()}/{PACKAGE}"
    size = (folder / PACKAGE).stat().st_size
    into = BytesIO()
    files.download(url, into, largest=size)
    assert into.getvalue() == files.get(url, largest=size).content
    with pytest.raises(RemoteTooLarge, match=f"{size - 1} bytes"):
        files.get(url, largest=size - 1)
    with pytest.raises(RemoteTooLarge, match=f"{size - 1} bytes"):
        files.download(url, BytesIO(), largest=size - 1)


def test_a_package_that_does_not_end(
    tmp_path: Path, files: RemoteFiles, server: ChannelServer
) -> None:
    store = Store(Settings.read({"HOME": str(tmp_path)}, store=tmp_path / "store"))
    with pytest.raises(UpstreamFailed, match="more than the 10 bytes"):
        pull(store, files, f"{server.url}/{PACKAGE}", sha256="0" * 64, size=10)
    assert list(store.layout.incoming.iterdir()) == []
    store.close()


def test_a_server_that_falls_silent(files: RemoteFiles, server: ChannelServer) -> None:
    server.fault("*", Stall())
    with pytest.raises(RemoteTimedOut):
        files.get(f"{server.url}/noarch/repodata.json")
    with pytest.raises(RemoteTimedOut):
        files.download(f"{server.url}/{PACKAGE}", BytesIO())


@pytest.mark.parametrize("what", ["pipe", "folder", "device"])
def test_only_regular_files_are_opened(what: str, files: RemoteFiles, tmp_path: Path) -> None:
    path = tmp_path / "repodata.json"
    if what == "pipe":
        os.mkfifo(path)
    elif what == "folder":
        path.mkdir()
    else:
        path.symlink_to("/dev/zero")
    with pytest.raises(NoSuchRemoteFile):
        files.get(path.as_uri())
    with pytest.raises(NoSuchRemoteFile):
        files.download(path.as_uri(), BytesIO())
