"""The first command that anybody types, on an empty machine."""

import json
import re
from pathlib import Path

import pytest
from rattler import PrefixRecord
from tests.support.serving import serve
from tests.support.user import Said, User

pytestmark = pytest.mark.network


@pytest.fixture(scope="module")
def newcomer(tmp_path_factory: pytest.TempPathFactory) -> User:
    return User(tmp_path_factory.mktemp("newcomer"))


@pytest.fixture(scope="module")
def first(newcomer: User) -> Said:
    """What the first run said; the second one then finds everything."""
    said = newcomer("quickstart")
    assert said.code == 0, said.err
    return said


def test_it_says_what_it_made_where_it_is_and_what_to_try(newcomer: User, first: Said) -> None:
    for made in ("quickstart/environment.yml", "envs/quickstart/demo"):
        assert str(newcomer.store / made) in first.out
        assert (newcomer.store / made).exists()
    assert "made out of PyPI and published" in first.out
    assert re.search(r"  http://127\.0\.0\.1:\d+/quickstart\n", first.out)
    assert "│ apple    4.0" in first.out
    assert "condarium env run quickstart/demo -- python" in first.out
    assert first.err == ""


def test_a_second_time_nothing_is_made_again(newcomer: User, first: Said) -> None:
    again = newcomer("quickstart", "--json").json
    assert (again["channel_made"], again["environment_changed"]) == (False, False)
    assert "pandas" in again["output"]


def test_everything_that_it_suggests_works(newcomer: User, first: Said) -> None:
    suggested = [line.strip() for line in first.out.splitlines() if "  condarium " in line]
    assert len(suggested) >= 5
    spec = newcomer.store / "quickstart" / "environment.yml"
    serving = next(command for command in suggested if " serve" in command)
    _, _, port = serving.partition("--port ")
    with serve(newcomer.store, "--port", port or "8000", environ=newcomer.surroundings()):
        for command in suggested:
            if command == serving:
                continue
            if " env build " in command:  # "after you changed the file"
                spec.write_text(spec.read_text().replace("  - rich\n", ""))
            said = newcomer(*command.split()[1:], stdin="print('hello')")
            assert said.code == 0, f"{command}\n{said.err}"


def test_conda_would_take_the_folder_for_one_of_environments(newcomer: User, first: Said) -> None:
    """conda looks into each of `envs_dirs` for folders that have a conda-meta/history."""
    envs_dir = newcomer.store / "envs" / "quickstart"
    assert [path.name for path in envs_dir.iterdir()] == ["demo"]
    prefix = envs_dir / "demo"
    assert (prefix / "conda-meta" / "history").is_file()
    records = [PrefixRecord.from_path(path) for path in prefix.glob("conda-meta/*.json")]
    assert {"python", "pandas", "pip"} <= {record.name.normalized for record in records}
    assert all((prefix / str(path)).exists() for record in records for path in record.files)


def test_its_paths_are_short_enough_to_be_embedded(newcomer: User, first: Said) -> None:
    prefix = (newcomer.store / "envs" / "quickstart" / "demo").resolve()
    assert len(str(prefix.relative_to(newcomer.home))) + len("/home/somebody/") < 80


def test_pip_in_the_environment_sees_what_conda_installed(newcomer: User, first: Said) -> None:
    said = newcomer("env", "run", "quickstart/demo", "--", "pip", "list", "--format", "json")
    assert said.code == 0, said.err
    assert "pandas" in {found["name"] for found in json.loads(said.out)}


def test_a_program_runs_in_the_generation_that_is_active(newcomer: User, first: Said) -> None:
    program = "import sys; print(sys.prefix)"
    said = newcomer("env", "run", "quickstart/demo", "--", "python", "-c", program)
    link = newcomer.store / "envs" / "quickstart" / "demo"
    assert Path(said.out.strip()) == link.resolve()
