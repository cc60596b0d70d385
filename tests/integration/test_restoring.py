"""A store that comes back with its prefixes, while the server of its channels is still down."""

import shutil
from pathlib import Path

import pytest
from tests.support.builder import Commands
from tests.support.channel import Made, make_channel
from tests.support.server import ChannelServer

from condarium.cli.main import main


def _lost(folder: Path, *, published: bool) -> Commands:
    """Back up a store with an environment, and lose it and the server of its packages."""
    run = Commands(folder / "store", home=folder)
    source = make_channel(folder / "source", [Made("tool", "1.0", files={"share/tool": "a tool"})])
    if published:
        (package,) = source.glob("noarch/*.conda")
        assert run("channel", "create", "lab").code == 0
        assert run("channel", "publish", "lab", str(package)).code == 0
    spec = folder / "environment.yml"
    with ChannelServer(source) as server:
        url = server.url if published else source.as_uri()
        spec.write_text(f"channels: ['{url}']\ndependencies: [tool]\n")
        assert run("env", "build", "ada/fit", "-f", str(spec)).code == 0
    assert run("backup", str(folder / "kept")).code == 0
    for each in ("store", "source"):
        shutil.rmtree(folder / each)
    return run


def test_prefixes_are_made_of_packages_that_the_store_has(tmp_path: Path) -> None:
    run = _lost(tmp_path, published=True)
    restored = run("restore", str(tmp_path / "kept"), "--with-prefixes").result
    assert (restored["prefixes"], restored["waiting"], restored["failed"]) == (1, [], {})
    assert run("env", "verify", "ada/fit").code == 0


def test_a_prefix_that_cannot_be_made_is_a_failure_that_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    _lost(tmp_path, published=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    there = ["--store", str(tmp_path / "store"), str(tmp_path / "kept")]
    assert main(["restore", "-q", *there, "--with-prefixes"]) == 1
    said = capsys.readouterr().out
    assert "failed  ada/fit:" in said
    assert "env restore ada/fit" in said
