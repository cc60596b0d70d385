"""A channel of small packages that have everything that can break, and a place to build from it.

with small_lab(tmp_path, channel) as lab:
    lab.run("env", "build", "lab/fit", "-f", lab.spec("tool"))
"""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random

from tests.support.builder import Commands, Done, Running
from tests.support.channel import PREFIX, Link, Made, make_channel
from tests.support.server import ChannelServer

PYTHON = Made(
    "python",
    "3.11.0",
    files={
        "bin/python3.11": f'#!/bin/sh\n# {PREFIX}\nexec {sys.executable} "$@"\n',
        "bin/python": Link("python3.11"),
        "lib/python3.11/base.py": "BASE = 1\n",
    },
)
MANY = Made("many", files={f"share/many/{i % 16}/{i}.txt": f"{i}\n" for i in range(200)})
TEXT = Made("text", files={"bin/text": f"#!/bin/sh\necho {PREFIX}\n", "share/text": f"{PREFIX}/x"})
BIG = Made("big", depends=["text"], files={"lib/big.bin": Random(1).randbytes(1_000_000)})
TOOL = Made(
    "tool",
    noarch="python",
    depends=["python", "many", "text"],
    entry_points=["tool = tool.main:main"],
    files={f"site-packages/tool/m{i}.py": f"VALUE = {i}\n" for i in range(8)}
    | {"site-packages/tool/main.py": "def main():\n    print('tool')\n"},
)
MORE = [
    Made(f"more{i}", depends=["text"], files={f"share/more/{i}": f"more {i}\n" * 50})
    for i in range(12)
]
SCRIPT = Made(
    "script",
    files={"bin/.script-post-link.sh": "#!/bin/sh\nexit 3\n", "share/script": "script\n"},
)


def small_channel(folder: Path) -> Path:
    return make_channel(folder, [PYTHON, MANY, TEXT, BIG, TOOL, SCRIPT, *MORE])


@dataclass
class Lab:
    """A folder with a store, a home and a server of packages."""

    folder: Path
    server: ChannelServer
    run: Commands

    @property
    def store(self) -> Path:
        return self.run.store

    def spec(self, *dependencies: str, channels: tuple[str, ...] = ()) -> str:
        """Write an environment.yml and give its path."""
        named = "-".join(dependencies).replace(" ", "").replace("=", "") or "empty"
        path = self.folder / f"{named[:60]}.yml"
        content = {"channels": channels or [self.server.url], "dependencies": dependencies}
        text = json.dumps(content)
        if not path.exists() or path.read_text() != text:  # somebody may read it now
            path.write_text(text)
        return str(path)

    def build(self, name: str, *dependencies: str, timeout: float = 60) -> Done:
        return self.run("env", "build", name, "-f", self.spec(*dependencies), timeout=timeout)

    def start(self, name: str, *dependencies: str) -> Running:
        return self.run.start("env", "build", name, "-f", self.spec(*dependencies))

    def prefix(self, name: str) -> Path:
        """Where an environment's link leads."""
        return (self.store / "envs" / name).resolve(strict=True)


@contextmanager
def small_lab(folder: Path, channel: Path) -> Iterator[Lab]:
    with ChannelServer(channel) as server:
        yield Lab(folder, server, Commands(folder / "store", home=folder))
