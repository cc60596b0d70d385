"""Commands that run in an environment: their place, their signals, their end."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.support.channel import PREFIX, Made, make_channel

from condarium.client import Client
from condarium.errors import StoreUnusable

CONDARIUM = [sys.executable, "-m", "condarium"]


@pytest.fixture
def store(tmp_path: Path) -> Path:
    channel = tmp_path / "channel"
    script = f"#!/bin/sh\necho {PREFIX}\n"
    make_channel(
        channel,
        [
            Made("tool", "1", files={"bin/where": script, "share/one": "1"}),
            Made("tool", "2", files={"bin/where": script, "share/two": "2"}),
        ],
    )
    for version in (2, 1):
        file = tmp_path / f"{version}.yml"
        file.write_text(
            f"channels: ['{channel}']\ndependencies: [tool={version}]\n"
            'variables: {ODD: "a\'b $HOME"}\n'
        )
    with Client(tmp_path / "store") as client:
        client.env.build("lab/t", file=tmp_path / "1.yml")
    return tmp_path / "store"


def start(store: Path, *command: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*CONDARIUM, "--store", store, "env", "run", "lab/t", "--", *command],
        stdout=subprocess.PIPE,
        text=True,
    )


def test_variables_reach_the_command_as_they_were_written(store: Path) -> None:
    with start(store, "printenv", "ODD") as program:
        assert program.stdout
        assert program.stdout.read() == "a'b $HOME\n"


def test_a_command_stays_in_its_generation_when_another_becomes_active(store: Path) -> None:
    go = store.parent / "go"
    os.mkfifo(go)
    with start(
        store, "sh", "-c", f"echo ready; read line < {go}; ls $CONDA_PREFIX/share"
    ) as program:
        assert program.stdout
        assert program.stdout.readline() == "ready\n"
        with Client(store) as client:
            client.env.build("lab/t", file=store.parent / "2.yml")
        go.write_text("on\n")
        assert program.stdout.read() == "one\n"


def test_a_generation_in_which_a_command_runs_is_archived_but_stays_on_disk(store: Path) -> None:
    go = store.parent / "go"
    os.mkfifo(go)
    with Client(store) as client:
        prefix = client.env.path("lab/t").prefix
        with start(
            store, "sh", "-c", f"echo ready; read line < {go}; cat $CONDA_PREFIX/share/one"
        ) as p:
            assert p.stdout
            p.stdout.readline()
            client.env.build("lab/t", file=store.parent / "2.yml")
            client.env.archive("lab/t", [1])
            client.gc()
            assert prefix.exists()
            go.write_text("on\n")
            assert p.stdout.read() == "1"
        client.gc()
        assert not prefix.exists()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_that_ends_a_job_ends_the_command(store: Path, number: signal.Signals) -> None:
    with start(store, "sh", "-c", "echo $$; exec sleep 60") as program:
        assert program.stdout
        child = int(program.stdout.readline())
        program.send_signal(number)
        assert program.wait(timeout=30) == 128 + number
    for _ in range(100):
        if not Path(f"/proc/{child}").exists():
            break
        time.sleep(0.05)
    assert not Path(f"/proc/{child}").exists()


def test_a_command_that_is_missing_is_named(store: Path) -> None:
    done = subprocess.run(
        [*CONDARIUM, "--store", store, "env", "run", "lab/t", "--", "nothing-like-it"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 127
    assert "lab/t has no command nothing-like-it" in done.stderr


def test_a_command_in_a_command_leaves_the_outer_environment(store: Path) -> None:
    inner = [*CONDARIUM, "--store", str(store), "env", "run", "lab/t", "--", "printenv", "PATH"]
    with start(store, *inner) as program:
        assert program.stdout
        path = program.stdout.read().strip().split(":")
    assert sum(str(store) in place for place in path) == 1


def test_post_link_scripts_that_were_not_run_are_named(store: Path) -> None:
    channel = store.parent / "scripts"
    made = Made("hook", "1", files={"bin/.hook-post-link.sh": "#!/bin/sh\nexit 0\n"})
    make_channel(channel, [made])
    file = store.parent / "hook.yml"
    file.write_text(f"channels: ['{channel}']\ndependencies: [hook]\n")
    with Client(store) as client:
        (note,) = client.env.build("lab/h", file=file).notes
        assert note.startswith("not run: the post-link scripts of hook")
        assert not client.env.build("lab/i", file=file, link_scripts=True).notes


def test_a_store_whose_path_is_too_long_for_prefixes_is_refused_at_once(store: Path) -> None:
    long = store.parent / ("x" * 120) / ("y" * 120)
    with Client(long) as client, pytest.raises(StoreUnusable, match="room for 255"):
        client.env.build("lab/t", file=store.parent / "1.yml")
