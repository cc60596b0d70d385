"""quickstart: from a machine that reaches only PyPI to a Python that imports pandas.

It stands above the capabilities because it uses two of them: a channel is made, and an environment
built from it.
"""

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Annotated

from condarium.model.actor import Actor, Permission
from condarium.model.document import Document
from condarium.model.names import EnvironmentName
from condarium.model.progress import Progress
from condarium.operation import Argument, operation
from condarium.storage.store import Store

WHEELS = ("numpy", "pandas", "rich", "pip")
_SPEC = """\
# An environment.yml, as conda reads it. Change it and build again.
name: {name}
channels:
  - {channel}
dependencies:
  - python ={python}
  - pandas
  - rich
  - pip
"""
_PROGRAM = """\
import sys, numpy, pandas
fruit = pandas.DataFrame({"fruit": ["apple", "fig", "apple"], "kg": [1.5, 0.2, 2.5]})
print(fruit.groupby("fruit").kg.sum().to_string())
print(f"pandas {pandas.__version__}, numpy {numpy.__version__}, Python {sys.version.split()[0]}")
"""


@dataclass(frozen=True, kw_only=True)
class Quickstarted:
    """What was made, and where. `seconds` is the whole; `output` is what the program printed."""

    channel: Path
    packages: int
    channel_made: bool
    environment: EnvironmentName
    environment_changed: bool
    file: Path
    path: Path
    python: Path
    program: str
    output: str
    seconds: float


@operation(
    "quickstart",
    permission=Permission.ENVIRONMENT_BUILD,
    changes=True,
    local=True,
    makes_store=True,
)
def quickstart(
    store: Store,
    environment: Annotated[
        EnvironmentName,
        Argument("what to call the environment", positional=True, metavar="NS/NAME"),
    ] = EnvironmentName("quickstart", "demo"),  # noqa: B008 - a frozen value
    *,
    actor: Actor,
    progress: Progress,
) -> Quickstarted:
    """Make a small real channel out of PyPI, and an environment with pandas from it.

    Needs nothing but PyPI. The channel and the environment.yml go into the store's `quickstart`
    folder; what is there already is used as it is.
    """
    from condarium.environments import building, planning

    begun = perf_counter()
    folder = store.layout.root / "quickstart"
    channel, made = _channel(folder, progress)
    file = _environment_file(folder, channel, environment)
    built = building.build(
        store,
        planning.Request(
            environment=environment,
            file=Document(file.name, file.read_bytes(), folder),
            lock=None,
            reason="quickstart",
        ),
        actor=actor,
        progress=progress,
    )
    progress.phase("run Python")
    path = store.layout.link(environment)
    return Quickstarted(
        channel=channel,
        packages=sum(1 for _ in channel.glob("*/*.conda")),
        channel_made=made,
        environment=environment,
        environment_changed=built.changed,
        file=file,
        path=path,
        python=path / "bin" / "python",
        program=_PROGRAM,
        output=_run(path / "bin" / "python"),
        seconds=round(perf_counter() - begun, 2),
    )


def _channel(folder: Path, progress: Progress) -> tuple[Path, bool]:
    """The channel, made beside where it will be and put there whole."""
    from condarium.channels.making.static import make_static_channel
    from condarium.storage.locks import locked

    channel = folder / "channel"
    with locked(folder / "lock"):
        if channel.exists():
            return channel, False
        fresh = folder / "channel.new"
        make_static_channel(fresh, WHEELS, progress=progress)
        fresh.rename(channel)
    return channel, True


def _environment_file(folder: Path, channel: Path, environment: EnvironmentName) -> Path:
    """The environment.yml; one that is there stays as its reader may have changed it."""
    file = folder / "environment.yml"
    if not file.exists():
        text = _SPEC.format(name=environment.name, channel=channel.as_uri(), python=_minor())
        file.write_text(text)
    return file


def _run(python: Path) -> str:
    done = subprocess.run([python, "-c", _PROGRAM], capture_output=True, text=True, check=True)
    return done.stdout


def _minor() -> str:
    return f"{sys.version_info.major}.{sys.version_info.minor}"
