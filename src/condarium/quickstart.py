"""quickstart: from a machine that reaches only PyPI to a Python that imports pandas.

It stands above the capabilities because it uses several: packages are published into a channel, the
channel is served, and an environment is built from it over HTTP.
"""

import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Annotated

from condarium.model.actor import Actor, Permission
from condarium.model.document import Document
from condarium.model.names import EnvironmentName
from condarium.model.progress import Progress
from condarium.model.view import ChannelName, View
from condarium.operation import Argument, operation
from condarium.storage.store import Store

CHANNEL = ChannelName("quickstart")
WHEELS = ("numpy", "pandas", "rich", "pip")
_HOST, _PORT = "127.0.0.1", 8000
_SPEC = """\
# An environment.yml, as conda reads it. Change it and build again, while
# `condarium serve` serves the channel.
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
    """What was made, and where. `seconds` is the whole; `output` is what the program printed.

    `channel` is the URL at which the channel was served, and will be by `condarium serve`, at
    `port` where that is not its default.
    """

    channel: str
    port: int | None
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
    """Make a small real channel out of PyPI, serve it, and build an environment from it.

    Needs nothing but PyPI; the environment has pandas. The environment.yml goes into the store's
    `quickstart` folder; what is there already is used as it is.
    """
    from condarium.environments import building, planning

    begun = perf_counter()
    folder = store.layout.root / "quickstart"
    packages, made = _channel(store, actor, progress)
    with _served(store, _port_in(folder / _FILE)) as url:
        file = _environment_file(folder, url, environment)
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
    port = _port_in(file)
    return Quickstarted(
        channel=url,
        port=None if port == _PORT else port,
        packages=packages,
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


def _channel(store: Store, actor: Actor, progress: Progress) -> tuple[int, bool]:
    """Have the channel, with all its packages or without any; how many, and whether it is new."""
    from condarium.channels.changing import creating
    from condarium.channels.changing.publishing import publish
    from condarium.channels.making.static import make_packages
    from condarium.model.upload import Upload
    from condarium.storage.hosting.channels import NoSuchChannel
    from condarium.storage.locks import locked

    with locked(store.layout.locks / "quickstart"):
        try:
            with store.database.read() as facts:
                if facts.channels.get(CHANNEL).head:
                    return _package_count(store), False
        except NoSuchChannel:
            description = "Real packages made out of PyPI by the quickstart."
            creating.create(store, CHANNEL, public=True, description=description, actor=actor)
        with tempfile.TemporaryDirectory(dir=store.layout.root, prefix=".quickstart-") as made:
            paths = make_packages(Path(made), WHEELS, progress=progress)
            uploads = [Upload(path.name, path) for path in paths]
            publish(store, CHANNEL, uploads, reason="quickstart", actor=actor, progress=progress)
        return _package_count(store), True


def _package_count(store: Store) -> int:
    from condarium.channels.views.catalogue import Catalogue

    listing = Catalogue(store).open(View(channel=CHANNEL))
    return sum(len(names) for names in listing.maps.values())


@contextmanager
def _served(store: Store, port: int) -> Iterator[str]:
    """Serve the channel while this lasts, and give its URL.

    Where somebody listens at the port already, it may be this store's server; if not, a free port
    will do.
    """
    from condarium.server.serving import AddressInUse, Serving

    try:
        with Serving.start(store, host=_HOST, port=port) as serving:
            yield f"{serving.url}/{CHANNEL}"
            return
    except AddressInUse:
        url = f"http://{_HOST}:{port}/{CHANNEL}"
        if _is_ours(store, url):
            yield url
            return
    with Serving.start(store, host=_HOST, port=0) as serving:
        yield f"{serving.url}/{CHANNEL}"


def _is_ours(store: Store, url: str) -> bool:
    """Whether what is served at a URL is this store's channel."""
    from condarium.channels.remote.upstream import remote_files
    from condarium.channels.views.catalogue import Catalogue
    from condarium.channels.views.shard_index import FILE_NAME, encode_shard_index
    from condarium.errors import CondariumError

    listing = Catalogue(store).open(View(channel=CHANNEL))
    try:
        served = remote_files(store).get(f"{url}/noarch/{FILE_NAME}").content
    except CondariumError:
        return False
    return served == encode_shard_index(listing.view, "noarch", listing.names("noarch"))


_FILE = "environment.yml"


def _environment_file(folder: Path, url: str, environment: EnvironmentName) -> Path:
    """The environment.yml; one that is there stays as its reader may have changed it."""
    file = folder / _FILE
    if not file.exists():
        folder.mkdir(parents=True, exist_ok=True)
        file.write_text(_SPEC.format(name=environment.name, channel=url, python=_minor()))
    return file


def _port_in(file: Path) -> int:
    """The port at which an environment.yml that is there already finds the channel."""
    text = file.read_text() if file.exists() else ""
    found = re.search(rf"http://{re.escape(_HOST)}:(\d+)/{CHANNEL}", text)
    return int(found[1]) if found else _PORT


def _run(python: Path) -> str:
    done = subprocess.run([python, "-c", _PROGRAM], capture_output=True, text=True, check=True)
    return done.stdout


def _minor() -> str:
    return f"{sys.version_info.major}.{sys.version_info.minor}"
