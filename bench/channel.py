"""A channel of real packages: this machine's Python, and wheels from PyPI made conda packages."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path

WHEELS = (
    "cryptography", "flask", "httpx", "lxml", "matplotlib", "networkx", "numpy", "pandas", "pip",
    "pydantic", "pytest", "pyyaml", "requests", "rich", "scikit-learn", "scipy", "sqlalchemy",
)  # fmt: skip
PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"

LARGE = (
    "numpy",
    "pandas",
    "scipy",
    "scikit-learn",
    "matplotlib",
    "flask",
    "rich",
    "requests",
    "pip",
)
"""What the environment asks for that the builds are measured with."""


def real_channel(cache: Path) -> Path:
    """The channel's folder, made once and kept in `cache`."""
    from condarium.channels.making.interpreter import package_python
    from condarium.channels.making.static import index_channel
    from condarium.channels.making.wheels import import_wheels

    channel = cache / f"channel-{PYTHON}"
    if not channel.exists():
        fresh = cache / f"channel-{PYTHON}.new"
        package_python(into=fresh)
        import_wheels(WHEELS, into=fresh, python=PYTHON)
        index_channel(fresh)
        fresh.rename(channel)
    return channel


def specs(names: Sequence[str]) -> list[str]:
    return [f"python {PYTHON}.*", *names]


def environment_file(
    path: Path,
    channel: str,
    asked: Sequence[str],
    *,
    variables: dict[str, str] | None = None,
    system: dict[str, str] | None = None,
) -> Path:
    """Write an environment.yml; `system` is what the machine is said to have."""
    lines = ["channels:", f"  - {channel}", "  - nodefaults", "dependencies:"]
    lines += [f"  - {json.dumps(each)}" for each in asked]
    for key, values in (("variables", variables), ("system-requirements", system)):
        if values:
            lines += [f"{key}:", *(f"  {name}: {value!r}" for name, value in values.items())]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n")
    return path


def describe(channel: Path) -> str:
    files = sorted(channel.glob("*/*.conda"))
    size = sum(file.stat().st_size for file in files) / 1e6
    return f"a channel of {len(files)} real packages, {size:.0f} MB, over HTTP on loopback"
