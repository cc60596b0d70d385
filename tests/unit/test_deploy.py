"""What is in deploy/: it parses, and names only commands and options that there are."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from condarium.app import operations
from condarium.cli.arguments import parse, split
from condarium.settings.options import OPTIONS

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
CHART = DEPLOY / "helm" / "condarium"
COMPOSE = yaml.safe_load((DEPLOY / "compose.yml").read_text())
VALUES = yaml.safe_load((CHART / "values.yaml").read_text())
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))


def files() -> list[Path]:
    return sorted(path for path in DEPLOY.rglob("*") if path.is_file())


@pytest.mark.parametrize("path", files(), ids=lambda path: path.name)
def test_every_variable_is_an_option(path: Path) -> None:
    known = {option.variable for option in OPTIONS}
    assert set(re.findall(r"\bCONDARIUM_[A-Z_]+\b", path.read_text())) <= known


def commands() -> Iterator[tuple[str, list[str]]]:
    """Every command line that something in deploy/ starts, without the program's name."""
    for name, service in COMPOSE["services"].items():
        if "command" in service:
            yield f"compose {name}", service["command"]
    for unit in UNITS:
        (line,) = re.findall(r"^ExecStart=\S+/condarium (.*)$", unit.read_text(), re.M)
        yield unit.name, line.split()
    for path in sorted((CHART / "templates").glob("*.yaml")):
        for line in re.findall(r"^\s*args: (\[.*\])$", path.read_text(), re.M):
            yield f"helm {path.stem}", yaml.safe_load(line)
    container = (DEPLOY / "Containerfile").read_text()
    (line,) = re.findall(r"^CMD (\[.*\])$", container, re.M)
    yield "Containerfile", yaml.safe_load(line)


@pytest.mark.parametrize(("where", "words"), list(commands()), ids=lambda value: str(value))
def test_every_command_is_one(where: str, words: list[str]) -> None:
    line = split(words, operations())
    name = " ".join(line.words)
    assert name in operations(), where
    parse(operations()[name], line.others)


def test_compose_is_a_database_web_processes_and_workers() -> None:
    assert set(COMPOSE["services"]) == {"postgresql", "upgrade", "web", "worker"}
    for name in ("web", "worker"):
        service = COMPOSE["services"][name]
        assert service["depends_on"]["upgrade"]["condition"] == "service_completed_successfully"
        assert service["env_file"] == "compose.env"
    assert (DEPLOY / "compose.env.example").exists()
    assert (ROOT / COMPOSE["x-condarium"]["build"]["dockerfile"]).exists()


def test_compose_is_for_a_proxy_on_its_machine_and_has_no_password_that_is_known() -> None:
    assert all(port.startswith("127.0.0.1:") for port in COMPOSE["services"]["web"]["ports"])
    text = (DEPLOY / "compose.yml").read_text()
    assert set(re.findall(r"\$\{POSTGRES_PASSWORD(..)", text)) == {":?"}
    example = (DEPLOY / "compose.env.example").read_text()
    assert "\nPOSTGRES_PASSWORD=\n" in example
    assert "\nCONDARIUM_TRUSTED_PROXIES=" in example


def test_the_container_is_built_from_what_is_there() -> None:
    text = (DEPLOY / "Containerfile").read_text()
    for line in re.findall(r"^COPY (?!--)(.*) \S+$", text, re.M):
        for name in line.split():
            assert (ROOT / name).exists(), name


def templates() -> dict[str, str]:
    return {path.name: path.read_text() for path in sorted((CHART / "templates").glob("*"))}


def test_the_chart_uses_all_values_and_no_others() -> None:
    text = "\n".join(templates().values())
    used = set(re.findall(r"\.Values\.([A-Za-z.]+)", text))
    for path in used:
        found: Any = VALUES
        for word in path.split("."):
            found = found[word]
    given = {
        f"{top}.{name}" if isinstance(below, dict) and top not in _WHOLE else top
        for top, below in VALUES.items()
        for name in (below if isinstance(below, dict) and below else [""])
    }
    assert given == used


_WHOLE = ("environment", "nodeSelector")
"""Values whose own keys are whatever somebody writes."""


def test_every_template_is_closed_and_known() -> None:
    text = "\n".join(templates().values())
    defined = set(re.findall(r'define "([\w.]+)"', text))
    assert set(re.findall(r'include "([\w.]+)"', text)) == defined
    for name, template in templates().items():
        assert template.count("{{") == template.count("}}"), name
        opened = re.findall(r"{{-?\s*(if|range|with|define)\b", template)
        assert len(opened) == len(re.findall(r"{{-?\s*end\b", template)), name


def test_the_chart_is_web_processes_workers_and_nothing_that_keeps_data() -> None:
    kinds = re.findall(r"^kind: (\w+)$", "\n".join(templates().values()), re.M)
    assert sorted(kinds) == ["Deployment", "Deployment", "Job", "PodDisruptionBudget", "Service"]
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    assert "dependencies" not in chart


def test_probes_ask_what_the_server_answers() -> None:
    asked = re.findall(r"path: (/\w+)", templates()["web.yaml"])
    assert sorted(asked) == ["/healthz", "/healthz", "/readyz"]


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="there is no systemd")
@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_systemd_takes_the_units(unit: Path, tmp_path: Path) -> None:
    """With a program that is there, because whether it is installed is not the unit's fault."""
    copy = tmp_path / unit.name.replace("@.", "@1.")
    copy.write_text(unit.read_text().replace("/opt/condarium/bin/condarium", "/bin/true"))
    done = subprocess.run(["systemd-analyze", "verify", copy], capture_output=True, text=True)
    said = [line for line in done.stderr.splitlines() if unit.name.partition(".")[0] in line]
    assert not [line for line in said if "Unknown" in line or "Invalid" in line or "Failed" in line]


@pytest.mark.skipif(not shutil.which("helm"), reason="there is no helm")
def test_helm_renders_the_chart() -> None:
    done = subprocess.run(
        ["helm", "template", "condarium", CHART], capture_output=True, text=True, check=True
    )
    assert len(list(yaml.safe_load_all(done.stdout))) == 5
