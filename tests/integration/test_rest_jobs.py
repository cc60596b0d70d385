"""Jobs over HTTP: asked for, waited for and followed; and requests that come twice."""

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.support.channel import Made
from tests.support.hosting import host, hosted_store
from tests.support.serving import Server, serve
from tests.support.user import User


@pytest.fixture(scope="module")
def user(tmp_path_factory: pytest.TempPathFactory) -> User:
    home = tmp_path_factory.mktemp("rest-jobs")
    return User(home, {"CONDARIUM_STORE": str(home / "store")})


@pytest.fixture(scope="module")
def server(user: User) -> Iterator[Server]:
    with hosted_store(user.home) as store:
        host(store, "lab", [Made("tool", "1.0")])
    with serve(user.home / "store", environ=user.surroundings()) as server:
        yield server


@pytest.fixture(scope="module")
def idle(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server without a worker: what is asked for waits."""
    folder = tmp_path_factory.mktemp("idle")
    with hosted_store(folder) as store:
        host(store, "lab", [Made("tool", "1.0")])
    with serve(folder / "store", "--port", "0", "--no-worker") as server:
        yield server


def ask(server: Server, method: str, path: str, **given: Any) -> httpx.Response:
    headers = {**server.bearer, **given.pop("headers", {})}
    return httpx.request(method, f"{server.url}/api/v1{path}", headers=headers, timeout=60, **given)


def verify(server: Server, **headers: str) -> httpx.Response:
    return ask(server, "POST", "/channels/lab/verify", headers=headers)


def events(server: Server, job: int, **given: Any) -> list[dict[str, str]]:
    """What a follower is told, until the job ends."""
    text = ask(server, "GET", f"/jobs/{job}/events", **given).text
    blocks = [block for block in text.split("\n\n") if block and not block.startswith(":")]
    return [dict(line.split(": ", 1) for line in block.splitlines()) for block in blocks]


def test_what_takes_long_is_answered_with_a_job(server: Server) -> None:
    asked = verify(server)
    assert asked.status_code == 202
    assert asked.headers["location"] == f"/api/v1/jobs/{asked.json()['id']}"
    *_, end = events(server, asked.json()["id"])
    assert end["event"] == "end"
    job = httpx.get(f"{server.url}{asked.headers['location']}", headers=server.bearer).json()
    assert json.loads(end["data"]) == job
    assert (job["status"], job["result"]["channel"]) == ("succeeded", "lab")


def test_a_client_may_wait_for_the_result(server: Server) -> None:
    answer = verify(server, Prefer="wait=60")
    assert (answer.status_code, answer.headers["preference-applied"]) == (200, "wait=60")
    assert answer.json()["channel"] == "lab"
    assert answer.headers["location"].startswith("/api/v1/jobs/")


def test_a_job_that_fails_is_its_error(server: Server) -> None:
    spec = f"channels: [{server.url}/lab]\ndependencies: [nothing]\nplatforms: [linux-64]\n"
    body = {"environment": "lab/bad", "file": {"name": "e.yml", "content": spec}}
    answer = ask(server, "POST", "/environments/build", json=body, headers={"Prefer": "wait=60"})
    assert (answer.status_code, answer.json()["code"]) == (422, "unsolvable")
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["data"]["platform"] == "linux-64"


def test_following_goes_on_after_any_event(server: Server) -> None:
    job = verify(server, Prefer="wait=60").headers["location"].rpartition("/")[2]
    told = events(server, int(job))
    numbers = [int(each["id"]) for each in told[:-1]]
    assert numbers == list(range(1, len(numbers) + 1))
    for seen in (1, len(numbers)):
        assert events(server, int(job), params={"after": seen}) == told[seen:]
        assert events(server, int(job), headers={"Last-Event-ID": str(seen)}) == told[seen:]


def test_many_follow_one_job_as_it_goes_on(idle: Server) -> None:
    """Each is told of the end at once, whatever they had seen."""
    job = verify(idle).json()["id"]
    with ThreadPoolExecutor(20) as pool:
        following = [pool.submit(events, idle, job) for _ in range(20)]
        time.sleep(0.5)
        assert not any(each.done() for each in following)
        assert httpx.get(f"{idle.url}/lab/noarch/repodata_shards.msgpack.zst").status_code == 200
        assert ask(idle, "POST", f"/jobs/{job}/cancel").status_code == 200
        told = [each.result(timeout=10) for each in following]
    assert {json.loads(each[-1]["data"])["status"] for each in told} == {"cancelled"}
    assert all(each == told[0] for each in told)


def test_a_wait_ends_with_the_job_still_going_on(idle: Server) -> None:
    begun = time.monotonic()
    answer = verify(idle, Prefer="wait=1")
    assert (answer.status_code, answer.json()["status"]) == (202, "queued")
    assert 0.9 < time.monotonic() - begun < 10


@pytest.mark.parametrize(
    ("path", "status"),
    [("/jobs/99999/events", 404), ("/jobs/1/events?after=x", 400), ("/jobs/1/events?x=1", 400)],
)
def test_what_cannot_be_followed(idle: Server, path: str, status: int) -> None:
    assert ask(idle, "GET", path).status_code == status
    assert httpx.get(f"{idle.url}/api/v1/jobs/99999/events").status_code == 401
    assert ask(idle, "POST", "/jobs/1/events").status_code == 405


def test_a_job_is_asked_for_once_by_one_key(idle: Server) -> None:
    first, second = (
        verify(idle, **{"Idempotency-Key": "a"}),
        verify(idle, **{"Idempotency-Key": "a"}),
    )
    assert [each.headers.get("idempotency-replayed") for each in (first, second)] == [
        None,
        "true",
    ]
    other = verify(idle, **{"Idempotency-Key": "b"})
    assert first.json()["id"] == second.json()["id"] != other.json()["id"]
    reused = ask(idle, "POST", "/gc", headers={"Idempotency-Key": "a"})
    assert (reused.status_code, reused.json()["code"]) == (422, "idempotency-key-reused")


def test_a_change_is_made_once_by_one_key(idle: Server) -> None:
    def create(name: str, key: str) -> httpx.Response:
        headers = {"Idempotency-Key": key}
        return ask(idle, "POST", "/channels", json={"channel": name}, headers=headers)

    first, again = create("once", "k1"), create("once", "k1")
    assert (first.status_code, again.status_code) == (200, 200)
    assert first.json() == again.json()
    assert "idempotency-replayed" not in first.headers
    assert again.headers["idempotency-replayed"] == "true"
    assert create("other", "k1").status_code == 422
    assert create("once", "k2").status_code == 409
    assert ask(idle, "DELETE", "/channels/once").status_code == 200
    assert create("once", "k2").status_code == 409  # tried again: what failed is not kept


def test_of_many_at_once_one_makes_the_change(idle: Server) -> None:
    def publish(_: int) -> httpx.Response:
        headers = {"Idempotency-Key": "many"}
        return ask(idle, "POST", "/channels", json={"channel": "many"}, headers=headers)

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(publish, range(8)))
    assert {each.status_code for each in answers} == {200}
    assert sum("idempotency-replayed" not in each.headers for each in answers) == 1


@pytest.mark.parametrize("key", ["", "x" * 256])
def test_a_key_that_is_none_is_refused(idle: Server, key: str) -> None:
    answer = verify(idle, **{"Idempotency-Key": key})
    assert (answer.status_code, answer.json()["code"]) == (400, "bad-idempotency-key")


def test_a_secret_is_not_kept_with_an_answer(idle: Server) -> None:
    made = [
        ask(idle, "POST", "/service-accounts", json={"name": "robot"}),
        *(
            ask(
                idle,
                "POST",
                "/tokens",
                json={"for": "robot"},
                headers={"Idempotency-Key": "token"},
            )
            for _ in range(2)
        ),
    ]
    assert [each.status_code for each in made] == [200, 200, 409], made[1].text
    assert made[2].json()["code"] == "shown-once"
    secret = made[1].json()["secret"].encode()
    store = idle.log.with_name("store")
    assert not any(secret in Path(file).read_bytes() for file in store.glob("condarium.db*"))


def test_what_cannot_be_built_becomes_no_job(idle: Server) -> None:
    before = ask(idle, "GET", "/jobs").json()["items"]
    asked = ask(idle, "POST", "/environments/build", json={"environment": "lab/fit"})
    assert (asked.status_code, asked.json()["code"]) == (400, "bad-arguments")
    assert ask(idle, "GET", "/jobs").json()["items"] == before


def test_a_job_waits_where_it_was_placed(idle: Server) -> None:
    placed = {"Condarium-Queue": "gpu", "Condarium-Priority": "5"}
    job = ask(idle, "POST", "/channels/lab/verify", headers=placed).json()
    assert (job["queue"], job["priority"]) == ("gpu", 5)
    short = ask(idle, "POST", "/channels/lab/verify", headers={"Condarium-Time": "90s"}).json()
    assert short["limits"]["wall_time"] == 90
    for name in ("Priority", "Chain", "Time"):
        wrong = ask(idle, "POST", "/channels/lab/verify", headers={f"Condarium-{name}": "much"})
        assert wrong.status_code == 400
        assert wrong.json()["code"] in ("bad-arguments", "bad-argument")
