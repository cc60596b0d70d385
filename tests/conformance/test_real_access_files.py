"""conda-forge's requests and the files of its runners: taken in, and said again.

What is compared is what a file means: an order means nothing there, and neither does it that a
resource is listed twice. What cannot be said again is told, and which that is, is held here.
"""

from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.support.real_data import data_folder

from condarium.cli.main import main
from condarium.client import Client
from condarium.model.governance.projects import Project

ACCESS = data_folder() / "access"
REQUESTS = sorted((ACCESS / "requests").glob("*")) if ACCESS.is_dir() else []

pytestmark = [
    pytest.mark.data,
    pytest.mark.skipif(not REQUESTS, reason=f"no real data at {ACCESS}"),
]


def run(store: Path, *words: object) -> None:
    assert main(["--store", str(store), *map(str, words)]) == 0


def policies(file: Path) -> dict[str, dict[str, Any]]:
    found = yaml.safe_load(file.read_text())["policies"]
    return {each["id"]: {key: _unordered(value) for key, value in each.items()} for each in found}


def listed(file: Path) -> set[tuple[str, str]]:
    control = yaml.safe_load(file.read_text())["access_control"]
    return {(each["resource"], policy) for each in control for policy in each["policies"]}


def runners(file: Path) -> dict[str, dict[str, Any]]:
    found = yaml.safe_load(file.read_text())["runners"]
    return {each["name"]: {key: _unordered(value) for key, value in each.items()} for each in found}


def _unordered(value: Any) -> Any:
    return sorted(value) if isinstance(value, list) else value


def granted(text: str) -> set[tuple[str, str, bool]]:
    """Who may use what by our own format, and whether pull requests may."""
    grants = yaml.safe_load(text).get("grants", [])
    return {
        (Project.parse(each["project"]).name, each["resource"], each.get("pull_requests", False))
        for each in grants
    }


def asked(request: dict[str, Any]) -> set[tuple[str, str, bool]]:
    resources = request.get("resources") or [request["action"]]
    return {
        (f"conda-forge/{name}-feedstock", resource, bool(request.get("pull_request")))
        for name in request["feedstocks"]
        for resource in resources
    }


def test_the_files_of_cirun_are_written_as_they_were(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store, access, made = tmp_path / "store", tmp_path / "access.yml", tmp_path / "cirun.yml"
    run(store, "access", "import", ACCESS / ".access.yml", ACCESS / ".cirun.global.yml")
    run(store, "access", "import", ACCESS / ".access.yml", ACCESS / ".cirun.global.yml")
    assert "2 files imported: nothing changed" in capsys.readouterr().out
    run(store, "access", "export", "--format", "access.yml", "-o", access)
    assert policies(access) == {}  # nobody has an id yet
    capsys.readouterr()
    run(store, "access", "export", "--format", "access.yml", "--wider", "-o", access)
    assert "left out" not in capsys.readouterr().out
    run(store, "access", "export", "--format", "cirun.global.yml", "-o", made)
    told = [line for line in capsys.readouterr().out.splitlines() if "left out" in line]
    assert [line.split()[1] for line in told] == ["cirun-macos-m4-large"]  # of which none is said
    assert policies(access) == policies(ACCESS / ".access.yml")
    assert listed(access) == listed(ACCESS / ".access.yml")
    assert runners(made) == runners(ACCESS / ".cirun.global.yml")


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with Client(tmp_path_factory.mktemp("requests") / "store") as client:
        client.access.import_(REQUESTS)
        yield client


@pytest.mark.parametrize("file", REQUESTS, ids=lambda file: file.name)
def test_a_request_says_the_same_again(file: Path, client: Any, tmp_path: Path) -> None:
    request = yaml.safe_load(file.read_text())
    ungranted = tmp_path / "ungranted.yml"
    ungranted.write_text(client.access.export().content.partition("grants:")[0])
    client.access.apply([ungranted], plan=client.access.plan([ungranted]).id)
    imported = client.access.import_([file])
    wanted = set() if request.get("revoke") else asked(request)
    assert granted(client.access.export().content) == wanted
    lost = [each for each in imported.warnings if "are not known" not in each]
    assert [" send_pr " in each for each in lost] == ([True] if request.get("send_pr") else [])


def test_all_requests_together_are_what_is_left_of_them(tmp_path: Path) -> None:
    left: dict[tuple[str, str], bool] = {}
    for file in REQUESTS:  # by their days
        request = yaml.safe_load(file.read_text())
        for name, resource, pull_request in asked(request):
            left[name, resource] = pull_request
            if request.get("revoke"):
                del left[name, resource]
    with Client(tmp_path / "store") as client:
        client.access.import_(REQUESTS[::-1])
        text = client.access.export().content
        assert granted(text) == {(*place, said) for place, said in left.items()}
        assert client.access.import_(REQUESTS).changes == ()
        file = tmp_path / "all.yml"
        file.write_text(text)
        assert client.access.plan([file]).changes == ()
