"""A channel that is a folder of files: what any web server can serve, and any client can read."""

import platform
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from condarium.channels.making.interpreter import package_python
from condarium.channels.making.wheels import import_wheels
from condarium.engine.packages.packaging import index_folder
from condarium.model.progress import Progress


def index_channel(path: Path) -> None:
    """Write the indexes of the packages in a folder: repodata.json, its .zst and the shards.

    `noarch` is there even when it is empty, because clients always ask for it. Run it again after
    packages were added or removed; one at a time.
    """
    (path / "noarch").mkdir(parents=True, exist_ok=True)
    index_folder(path)


def make_static_channel(
    path: Path,
    requirements: Sequence[str],
    *,
    cache: Path | None = None,
    progress: Progress | None = None,
) -> list[Path]:
    """Make a channel of the running Python and of PEP 508 requirements with all they require.

    Name `pip` among the requirements: conda wants to add it to every environment that has a Python.
    Gives the packages, and raises, as `make_packages` does.
    """
    packages = make_packages(path, requirements, cache=cache, progress=progress)
    index_channel(path)
    return packages


def make_packages(
    path: Path,
    requirements: Sequence[str],
    *,
    cache: Path | None = None,
    progress: Progress | None = None,
) -> list[Path]:
    """Make packages in `path/<subdir>/`, of the running Python and of requirements.

    All that these require is made too; what is there already is not made again. Raises what
    `import_wheels` and `package_python` raise.
    """
    minor = ".".join(platform.python_version_tuple()[:2])
    with ThreadPoolExecutor(1) as beside:
        python = beside.submit(package_python, into=path)
        wheels = import_wheels(
            requirements, into=path, python=minor, cache=cache, progress=progress
        )
        return [python.result(), *wheels]
