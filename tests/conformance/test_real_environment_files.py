"""The environment files of public projects read, or are refused with a message they understand."""

import os
from pathlib import Path

import pytest

from condarium.engine.solving.matchspec import matchspec_problem
from condarium.errors import BadSpec
from condarium.model.spec import EnvironmentSpec
from condarium.model.specfile import decode, read_spec

pytestmark = pytest.mark.data

_NAMES = ("environment*.yml", "environment*.yaml", "*environment.yml", "*environment.yaml")

# Each file that is refused, and for each of its problems what its author is told.
REFUSED = {
    "NASA-Openscapes+corn/ci/environment.yml": {
        8: "Conda packages have no extras such as [complete]: write 'dask'",
        9: "Conda packages have no extras such as [diagnostics]: write 'cubed'",
    },
    "OpenFreeEnergy+openfe/environment.yml": {
        56: "has no hash that a lock could keep. Name a released version",
        57: "has no hash that a lock could keep. Name a released version",
        58: "has no hash that a lock could keep. Name a released version",
        59: "No installer is called 'run_constrained'",
    },
}

# What lies beside them and is easily given by mistake.
OTHERS = {
    "conda-lock*.y*ml": "a conda-lock.yml",
    "docs.conda-lock.yml": "a conda-lock.yml",
    "pixi.lock": "a pixi.lock",
    "pixi.toml": "a pixi.toml",
    "pyproject.toml": "a pyproject.toml",
    "conda-linux-64.lock": "an explicit lock",
}


def _folder() -> Path:
    default = Path(__file__).parents[2] / "../shared/data"
    return Path(os.environ.get("CONDARIUM_DATA", default)) / "environments"


def _files(*patterns: str) -> list[str]:
    folder = _folder()
    found = {path for pattern in patterns for path in folder.rglob(pattern) if path.is_file()}
    return sorted(path.relative_to(folder).as_posix() for path in found)


def _read(name: str) -> EnvironmentSpec:
    text = decode((_folder() / name).read_bytes(), name)
    return read_spec(text, check_matchspec=matchspec_problem, source=name).spec


needs_data = pytest.mark.skipif(not _folder().is_dir(), reason="the real data is not here")


@needs_data
@pytest.mark.parametrize("name", [each for each in _files(*_NAMES) if each not in REFUSED])
def test_a_real_environment_file_is_read(name: str) -> None:
    spec = _read(name)
    assert spec.dependencies
    assert spec.channels == ("conda-forge",)


@needs_data
@pytest.mark.parametrize("name", REFUSED)
def test_a_real_file_that_asks_for_the_impossible_is_told_every_line_of_it(name: str) -> None:
    with pytest.raises(BadSpec) as caught:
        _read(name)
    told = {problem.line: problem.hint or "" for problem in caught.value.problems}
    assert told.keys() == REFUSED[name].keys()
    assert [line for line, words in REFUSED[name].items() if words not in told[line]] == []


@needs_data
@pytest.mark.parametrize(
    ("name", "what"),
    [(name, what) for pattern, what in OTHERS.items() for name in _files(pattern)],
)
def test_another_file_of_the_project_is_called_by_its_name(name: str, what: str) -> None:
    with pytest.raises(BadSpec, match=r"expected an environment\.yml") as caught:
        _read(name)
    assert f"found what looks like {what}" in caught.value.message


@needs_data
def test_every_environment_file_of_the_data_is_tried() -> None:
    files = _files(*_NAMES)
    assert len(files) >= 20
    assert set(files) >= REFUSED.keys()
