"""What programs that packages bring find out about the server whose worker starts them."""

import os
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest
from tests.support.channel import Made, make_channel
from tests.support.workers import Jobs, jobs_of, worker

from condarium.engine.programs import only_told
from condarium.engine.pypi.process import uv_environment
from condarium.engine.pypi.uv import resolve_pypi
from condarium.engine.solving.virtual_packages import host_platform
from condarium.errors import PipResolutionFailed
from condarium.model.document import Document
from condarium.model.jobs import Job, JobStatus
from condarium.settings import Settings
from condarium.settings.reach import for_others, guarded
from condarium.settings.withheld import BUILDS_NOTHING, for_jobs, for_requests

SECRETS = {
    "CONDARIUM_ADMIN_TOKEN": "secret-of-the-operator",
    "CONDARIUM_METRICS_TOKEN": "secret-of-metrics",
    "CONDARIUM_OIDC_CLIENT_SECRET": "secret-of-sign-in",
    "AWS_SECRET_ACCESS_KEY": "secret-of-the-bucket",
    "PGPASSWORD": "secret-of-the-database",
    "OTEL_EXPORTER_OTLP_HEADERS": "key=secret-of-traces",
}
LOOKS = """#!/bin/sh
{{ env; tr '\\0' '\\n' < /proc/$PPID/environ; }} >> {loot} 2>&1
echo cpython-311 3.11.0
"""
"""A Python, or a link script, that writes down its environment and that of who started it."""


@pytest.fixture
def loot(tmp_path: Path) -> Path:
    return tmp_path / "loot"


@pytest.fixture
def spec(tmp_path: Path, loot: Path) -> Document:
    looks = LOOKS.format(loot=loot)
    packages = [
        Made("python", "3.11.0", files={"bin/python": looks}),
        Made("module", files={"lib/python3.11/site-packages/module.py": "x = 1\n"}),
        Made("script", files={"bin/.script-post-link.sh": looks}),
    ]
    url = make_channel(tmp_path / "channel", packages).as_uri()
    asked = f"channels: ['{url}']\ndependencies: [python, module, script]\n"
    return Document("e.yml", asked.encode())


@pytest.fixture
def jobs(tmp_path: Path) -> Iterator[Jobs]:
    with jobs_of(tmp_path) as jobs:
        yield jobs


def build(jobs: Jobs, spec: Document, *, link_scripts: bool = False, **environ: str) -> Job:
    with worker(jobs.store, **SECRETS, **environ):
        number = jobs.submit(
            "env build", environment="lab/fit", file=spec, link_scripts=link_scripts
        )
        return jobs.ended(number)


@pytest.mark.parametrize("link_scripts", [False, True])
def test_a_build_tells_what_packages_bring_none_of_the_servers_secrets(
    jobs: Jobs, spec: Document, loot: Path, link_scripts: bool
) -> None:
    """Neither in a program's own environment, nor in that of the process that started it."""
    done = build(jobs, spec, link_scripts=link_scripts, CONDARIUM_LINK_SCRIPTS="1")
    assert done.status is JobStatus.SUCCEEDED, done
    seen = loot.read_text()
    assert "PATH=" in seen
    assert "secret-of" not in seen
    assert "CONDARIUM_" not in seen


def test_a_server_runs_no_link_scripts_unless_it_is_told_to(
    jobs: Jobs, spec: Document, loot: Path
) -> None:
    done = build(jobs, spec, link_scripts=True)
    assert done.error
    assert done.error.code == "link-scripts-off"
    assert not loot.exists()


def test_a_job_is_told_no_secrets_of_operators(tmp_path: Path) -> None:
    settings = Settings.read({"HOME": "/", **SECRETS}, store=tmp_path)
    told = for_jobs(for_requests(for_others(settings))).environ
    assert not [name for name in told if name.startswith("CONDARIUM_") and name in SECRETS]
    assert "AWS_SECRET_ACCESS_KEY" in told, "it stores what it made"


def test_uv_is_told_by_a_server_how_to_reach_an_index_and_little_else() -> None:
    kept = {"PATH": "/bin", "UV_INDEX_URL": "https://pypi.example", "https_proxy": "http://p"}
    environ = guarded({**SECRETS, **kept, "UV_PYTHON": "x", "GIT_ALLOW_PROTOCOL": "file"})
    assert uv_environment(environ) == {**kept, "GIT_ALLOW_PROTOCOL": "https:http"}


def test_what_is_kept_from_a_library_is_there_again(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    before = dict(os.environ)
    with only_told():
        assert not SECRETS.keys() & os.environ.keys()
    assert dict(os.environ) == before


@pytest.mark.parametrize("answers_requests", [True, False])
def test_what_answers_requests_builds_no_source_distribution(
    tmp_path: Path, answers_requests: bool
) -> None:
    """To ask what would change is for who may build; it is not done in a process of its own."""
    ran = tmp_path / "ran"
    url = _source_distribution(tmp_path, f"open({str(ran)!r}, 'w').close()\n")
    with pytest.raises(PipResolutionFailed):
        resolve_pypi(
            [f"source @ {url}"],
            python=Path(sys.executable),
            python_version=f"3.{sys.version_info.minor}",
            platform=host_platform(),
            conda=(),
            cache_dir=tmp_path / "cache",
            environ={**os.environ, **({BUILDS_NOTHING: "1"} if answers_requests else {})},
        )
    assert ran.exists() is not answers_requests


def _source_distribution(folder: Path, backend: str) -> str:
    backend_here = "[build-system]\nrequires = []\nbuild-backend = 'b'\nbackend-path = ['.']\n"
    files = {"PKG-INFO": "Metadata-Version: 2.1\nName: source\nVersion: 1.0\n", "b.py": backend}
    path = folder / "source-1.0.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        for name, text in {**files, "pyproject.toml": backend_here}.items():
            entry = tarfile.TarInfo(f"source-1.0/{name}")
            entry.size = len(text)
            archive.addfile(entry, BytesIO(text.encode()))
    return path.as_uri()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux seals processes so")
def test_a_sealed_process_is_not_looked_into() -> None:
    code = (
        "from condarium.jobs.carrying_out.sealing import seal; import ctypes; "
        "seal(); print(ctypes.CDLL(None).prctl(3))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "0\n"
