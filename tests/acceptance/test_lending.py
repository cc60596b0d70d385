"""Machines are lent, as people type it: asked for, reviewed, used, paid for, and taken back."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.support.github import GitHub, Webhook, send
from tests.support.server import Slow
from tests.support.serving import Server, serve
from tests.support.synthetic import Lab, small_channel, small_lab
from tests.support.typing_people import People, Typist

GITHUB = GitHub()
QUEUE = ("--job-queue", "gpu-a100")
BUILD = ("env", "build", "lab/fit", "-f", "environment.yml")


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    folder = tmp_path_factory.mktemp("packages")
    with small_lab(folder, small_channel(folder / "channel")) as lab:
        yield lab


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    quick = {"CONDARIUM_WORKER_HEARTBEAT": "1s", "CONDARIUM_WORKER_SLOTS": "2"}
    queues = {"CONDARIUM_WORKER_QUEUES": "default,gpu-a100"}
    with serve(tmp_path / "store", **quick, **queues, **GITHUB.settings) as server:
        yield server


@pytest.fixture
def people(server: Server, tmp_path: Path) -> People:
    """ada works in the namespace lab, ben lends the machines, and cara is of the core team."""
    people = People(tmp_path, server)
    admin = people.admin
    for name in ("ada", "ben", "cara"):
        people(name)
    admin("namespace", "create", "lab")
    admin("access", "bind", "ada", "editor", "--namespace", "lab")
    admin("group", "create", "core")
    admin("group", "add-member", "core", "cara")
    return people


def lend(people: People) -> None:
    """Two hours at once of a machine that costs two credits an hour, of the ten that acme gives."""
    admin = people.admin
    admin.user.write("terms.md", "Use it for what you asked it for.\n")
    admin("terms", "publish", "fair", "-f", "terms.md")
    how = ("--capacity", "1", "--longest-job", "2h", "--factor", "2", "--terms", "fair")
    rule = ("--rule", "1 lender", "--rule", "1 group:core")
    admin("resource", "create", "gpu-a100", *how, *rule)
    admin("access", "bind", "ben", "lender", "--resource", "gpu-a100")
    people("ben")("resource", "add-budget", "gpu-a100", "--donor", "acme", "--amount", "10")


def ask(people: People) -> None:
    ada = people("ada")
    wanted = ("-p", "namespace:lab", "-r", "gpu-a100", "-m", "to fit models", "--duration", "30d")
    assert "fair" in ada.fails("request", "create", *wanted), "the terms are not accepted"
    ada("terms", "accept", "fair")
    assert "1 approval of group core" in ada("request", "create", *wanted)
    assert "request" in ada.fails("request", "approve", "1")
    people("ben")("request", "approve", "1")
    assert ada.json("request", "show", "1")["request"]["state"] == "open"
    people("cara")("request", "approve", "1", "-m", "well argued")
    assert ada.json("request", "show", "1")["request"]["state"] == "approved"


def spec(ada: Typist, lab: Lab, *dependencies: str) -> None:
    ada.user.write("environment.yml", Path(lab.spec(*dependencies)).read_text())


def listed(server: Server) -> str:
    """What everybody reads of what is lent."""
    return httpx.get(f"{server.url}/lending.json").raise_for_status().text


@contextmanager
def slowed(lab: Lab) -> Iterator[None]:
    lab.server.fault("*.conda", Slow(bytes_per_second=30_000))
    try:
        yield
    finally:
        lab.server.heal()


def test_asked_for_reviewed_granted_used_paid_for_expired_and_revoked(
    people: People, server: Server, lab: Lab
) -> None:
    ada, ben = people("ada"), people("ben")
    lend(people)
    spec(ada, lab, "tool")
    refused = ada.fails(*BUILD, *QUEUE)
    assert "namespace:lab has no grant of gpu-a100" in refused
    assert "ask: condarium request create -p namespace:lab#1 -r gpu-a100" in refused
    ask(people)
    assert "namespace:lab" in listed(server)

    assert "lab/fit" in ada(*BUILD, *QUEUE, "--job-time", "30m")
    admission, refusal = ada.json("admission", "list")["items"]
    assert refusal["state"] == "refused"
    assert (admission["state"], admission["resource"]) == ("ended", "gpu-a100")
    assert 0 < admission["cost"] < admission["reserved"] == 1_000_000
    statement = ben("ledger", "statement")
    assert "acme" in statement
    assert "namespace:lab" in statement

    ben("grant", "renew", "1", "--for", "1s", "--reason", "it was for a try")
    time.sleep(1.2)
    assert "grant 1 ended" in ada.fails(*BUILD, *QUEUE)
    # which is more than a lender may decide alone, where a group has its say
    people.admin("grant", "renew", "1", "--for", "30d", "--reason", "it went well")

    spec(ada, lab, "big")
    with slowed(lab):
        running = ada.json(*BUILD, *QUEUE, "--detach")["id"]
        waiting = ada.json(*BUILD, *QUEUE, "--detach")["id"]
        _until(lambda: ada.json("job", "show", str(running))["status"] == "running")
        assert "gpu-a100 runs 1 of 1" in ada("job", "show", str(waiting))
        ben("grant", "revoke", "1", "--running", "--reason", "mined coins")
        for number in (running, waiting):
            assert ada.json("job", "show", str(number))["status"] == "cancelled"
    assert "mined coins" in ada.fails(*BUILD, *QUEUE)
    (left,) = people.admin.json("ledger", "balances")
    assert left["reserved"] == 0
    assert left["left"] + left["used"] == left["given"] == 10_000_000
    people.admin("audit", "verify")
    decided = people.admin.json("audit", "search", "--action", "grant")["items"]
    assert [entry["action"] for entry in decided] == ["grant revoke", *["grant renew"] * 2]
    assert [entry["actor"] == "ben" for entry in decided] == [True, False, True]


FILE = """\
version: 1
resources:
  gpu-a100:
    kind: queue
    capacity: 1
    longest_job: 2h
    budgets:
    - {donor: acme, amount: 10 credits, period: month}
"""
GRANT = """\
grants:
- project: namespace:lab#1
  resource: gpu-a100
  until: 2100-01-01
  reason: it was asked for in the team's meeting
"""


def test_the_same_by_files(people: People, server: Server, lab: Lab) -> None:
    ada, admin = people("ada"), people.admin
    admin.user.write("all.yml", FILE + GRANT)
    planned = admin.json("access", "plan", "all.yml")
    assert [each["kind"] for each in planned["changes"]] == ["resource", "budget", "grant"]
    assert listed(server).count("namespace:lab") == 0, "a plan changes nothing"
    admin("access", "apply", "all.yml", "--plan", planned["id"])
    assert "namespace:lab" in listed(server)
    again = admin.json("access", "plan", "all.yml")
    assert again["changes"] == again["drift"] == []

    spec(ada, lab, "tool")
    assert "lab/fit" in ada(*BUILD, *QUEUE)
    spec(ada, lab, "big")
    with slowed(lab):
        running = ada.json(*BUILD, *QUEUE, "--detach")["id"]
        waiting = ada.json(*BUILD, *QUEUE, "--detach")["id"]
        _until(lambda: ada.json("job", "show", str(running))["status"] == "running")
        admin.user.write("all.yml", FILE)
        planned = admin.json("access", "plan", "all.yml")
        assert any("namespace:lab" in each for each in planned["loses"])
        assert [each["job"] for each in planned["cancelled"]] == [waiting]
        admin("access", "apply", "all.yml", "--plan", planned["id"])
        assert ada.json("job", "show", str(waiting))["status"] == "cancelled"
        assert ada.json("job", "show", str(running))["status"] == "running"
        assert "nothing to do" in admin("access", "apply", "all.yml", "--plan", planned["id"])
        ada("job", "cancel", str(running))
    assert "grant 1 was revoked" in ada.fails(*BUILD, *QUEUE)


def test_a_repository_at_github_borrows_a_runner(people: People, server: Server) -> None:
    ada, ben, github = people("ada"), people("ben"), GITHUB
    repository = github.repository("lab/fit")
    project = f"github:lab/fit#{repository['id']}"
    people.admin("resource", "create", "gpu", "--kind", "runner", "--longest-job", "1h")
    people.admin("access", "bind", "ben", "lender", "--resource", "gpu")
    run = github.run(repository, by=github.account("ada-at-github"))
    first, second = (github.job(run, ["self-hosted", "gpu"]) for _ in range(2))
    _says(server, github.requested(run))
    assert _says(server, github.queued(first))["outcome"] == "refused"

    ada("request", "create", "-p", project, "-r", "gpu", "-m", "to test on a GPU")
    ben("request", "approve", "1")
    assert project in listed(server)
    assert _says(server, github.queued(second))["outcome"] == "admitted"
    offered = ben.json("admission", "next", "gpu", "--runner", "gpu-7")
    ben.user.write("credential", offered["secret"])
    commit = ("--commit", run["head_sha"])
    redeem = ("admission", "redeem", *commit, "--credential", "credential", "-r", "gpu")
    with_runner = (*redeem, "--runner", "gpu-7", "-p")
    assert ben.fails(*with_runner, "github:far/fit#1")
    ben(*with_runner, project)
    assert ben.fails(*with_runner, project), "it is good once"
    _says(server, github.in_progress(second, "gpu-7"))
    _says(server, github.completed(second, "gpu-7"))
    admission = ben.json("admission", "list", "--state", "ended")["items"][0]
    assert (admission["state"], admission["runner"]) == ("ended", "gpu-7")

    ben("grant", "revoke", "--project", project, "--reason", "the team is no more")
    third = github.job(run, ["self-hosted", "gpu"])
    answer = _says(server, github.queued(third))
    assert answer["outcome"] == "refused"
    assert "the team is no more" in str(answer)


def _says(server: Server, webhook: Webhook) -> dict[str, Any]:
    found: dict[str, Any] = send(server.url, webhook).raise_for_status().json()
    return found


def _until(holds: Callable[[], bool], timeout: float = 20) -> None:
    end = time.monotonic() + timeout
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.1)
