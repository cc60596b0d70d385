"""Two web processes and two workers on PostgreSQL and a bucket, while all of them break.

People publish and build through whichever web process answers, and ask again where none did. What
was acknowledged is there in the end, once, and nothing is left half done.
"""

import itertools
import os
import random
import subprocess
import sys
import threading
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
from tests.support.channel import Made, make_channel, make_package
from tests.support.objectstore import Endpoint
from tests.support.plant import PARTS, Plant, running_plant
from tests.support.postgresql import Server as Database
from tests.support.serving import TOKEN

_SECONDS = float(os.environ.get("CONDARIUM_SOAK_SECONDS", "12"))
_BEARER = {"Authorization": f"Bearer {TOKEN}"}


class People:
    """Some who publish and some who build, until they are told to stop."""

    def __init__(self, plant: Plant, folder: Path) -> None:
        self.plant, self.folder = plant, folder
        self.published: list[str] = []
        self.jobs: dict[int, str] = {}
        self.refused: list[str] = []
        self._stopping = threading.Event()
        self._threads = [
            threading.Thread(target=work, args=(number,), daemon=True)
            for number, work in enumerate((self._publish, self._publish, self._build, self._build))
        ]
        make_channel(folder / "channel", [Made("tool", "1.0", files={"share/tool": "x"})])

    def start(self) -> None:
        for each in self._threads:
            each.start()

    def stop(self) -> None:
        self._stopping.set()
        for each in self._threads:
            each.join(90)
            assert not each.is_alive()

    def _publish(self, person: int) -> None:
        for number in itertools.count():
            if self._stopping.wait(0.3):
                return
            made = Made(f"pkg-{person}", f"{number}.0")
            package = make_package(made, into=self.folder / f"packages-{person}")
            content = package.read_bytes()
            if self._ask("POST", f"/api/channels/lab/upload/{package.name}", content=content):
                self.published.append(package.name)

    def _build(self, person: int) -> None:
        text = f"channels: ['{(self.folder / 'channel').as_uri()}']\ndependencies: [tool]\n"
        for number in itertools.count():
            if self._stopping.wait(0.7):
                return
            name = f"e{person}-{number}"
            answer = self._ask(
                "POST",
                "/api/v1/environments/build",
                json={
                    "environment": f"lab/{name}",
                    "file": {"name": "environment.yml", "content": text},
                },
                headers={"Idempotency-Key": name},
            )
            if answer is not None:
                self.jobs[answer.json()["id"]] = name

    def _ask(self, method: str, path: str, **given: Any) -> httpx.Response | None:
        """Ask until somebody answers; None where nobody did for a minute."""
        headers = {**_BEARER, **given.pop("headers", {})}
        until = time.monotonic() + 60
        while time.monotonic() < until:
            with suppress(httpx.TransportError):
                url = self.plant.url(random.randrange(2))
                answer = httpx.request(method, f"{url}{path}", headers=headers, timeout=20, **given)
                if answer.is_success:
                    return answer
                if answer.status_code < 500 and answer.status_code not in (409, 429):
                    self.refused.append(f"{path}: {answer.status_code} {answer.text}")
                    return None
            time.sleep(0.1)
        return None


def break_things(plant: Plant, seconds: float, chance: random.Random) -> Counter[str]:
    """Kill a process, or cut a wire, now and then; what was killed is started again."""
    broken: Counter[str] = Counter()
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        time.sleep(chance.uniform(0.2, 2.0))
        what = chance.choice((*PARTS, "database", "bucket"))
        broken[what] += 1
        if what == "database":
            plant.database.cut(chance.uniform(0, 1))
        elif what == "bucket":
            plant.bucket.cut(chance.uniform(0, 1))
        else:
            plant.kill(what)
            plant.heal()
    plant.heal()
    return broken


def test_nothing_is_lost_or_doubled_or_stuck(
    tmp_path: Path, postgresql: Database, object_store: Endpoint
) -> None:
    with running_plant(tmp_path, postgresql, object_store) as plant:
        with httpx.Client(base_url=plant.url(0), headers=_BEARER, timeout=30) as http:
            made = http.post("/api/v1/channels", json={"channel": "lab", "public": True})
            assert made.is_success, made.text
        people = People(plant, tmp_path)
        people.start()
        broken = break_things(plant, _SECONDS, random.Random(4))
        people.stop()
        assert not people.refused
        assert people.published
        assert people.jobs
        until = time.monotonic() + 90
        while waiting := _unfinished(plant):
            assert time.monotonic() < until, f"{waiting} are stuck after {broken}: {plant.logs()}"
            time.sleep(0.5)
        _check_channel(plant, people)
        _check_environments(plant, people)
        for command in (("channel", "verify", "lab"), ("doctor",)):
            done = _run(plant, *command)
            assert done.returncode == 0, done.stdout + done.stderr


def _items(plant: Plant, number: int, path: str, of: str = "items") -> list[dict[str, Any]]:
    got = httpx.get(f"{plant.url(number)}/api/v1{path}", headers=_BEARER, timeout=30)
    found: list[dict[str, Any]] = got.raise_for_status().json()[of]
    return found


def _unfinished(plant: Plant) -> list[tuple[int, str]]:
    jobs = _items(plant, 0, "/jobs")
    return [(job["id"], job["status"]) for job in jobs if job["status"] in ("queued", "running")]


def _check_channel(plant: Plant, people: People) -> None:
    """Everything that was acknowledged is shown by both, and came in one revision."""
    for number in (0, 1):
        shown = _items(plant, number, "/channels/lab/files?limit=10000", "files")
        files = Counter(each["file_name"] for each in shown)
        assert set(people.published) <= set(files)
        assert max(files.values()) == 1
    logged = _items(plant, 0, "/channels/lab/log?limit=10000", "revisions")
    revisions = [each["revision"] for each in logged]
    assert len({each["number"] for each in revisions}) == len(revisions)
    assert sum(each["action"] == "publish" for each in revisions) == len(files)


def _check_environments(plant: Plant, people: People) -> None:
    """Each job did its work once, however often it was begun."""
    jobs = {job["id"]: job for job in _items(plant, 1, "/jobs")}
    ended = {name: jobs[number]["status"] for number, name in people.jobs.items()}
    failed = [
        f"{jobs[n]['target']} {jobs[n]['status']} after {jobs[n]['attempts']}: {jobs[n]['error']}"
        for n in people.jobs
        if jobs[n]["status"] != "succeeded"
    ]
    assert set(ended.values()) == {"succeeded"}, "\n".join(failed)
    assert len(set(people.jobs.values())) == len(people.jobs)
    for name in people.jobs.values():
        history = _items(plant, 0, f"/environments/lab/{name}/history", "generations")
        assert len(history) == 1, name
        assert (plant.store("worker") / "envs" / "lab" / name / "share" / "tool").exists(), name


def _run(plant: Plant, *words: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "condarium", "--store", str(plant.store("worker")), *words]
    return subprocess.run(command, capture_output=True, text=True, env=plant.environ)
