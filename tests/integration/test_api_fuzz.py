"""The whole REST face, fuzzed out of its own description: nothing that is sent makes it fail."""

from collections.abc import Iterator
from contextlib import suppress

import httpx
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from hypothesis.strategies import booleans
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
)
from tests.support.channel import Made
from tests.support.hosting import create, host, hosted_store
from tests.support.serving import Server, serve
from tests.support.user import User

CHECKS = [not_a_server_error, content_type_conformance, response_schema_conformance]
SPEC = "name: fit\nchannels: [{}/lab]\ndependencies: [tool]\nplatforms: [linux-64]\n"
NOWHERE = "channel_alias: http://127.0.0.1:9\ndefault_channels: []\n"
MODES = (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)
EXAMPLES = {"anybody": 1, "viewer": 1, "administrator": 3}
"""For each operation and kind of request."""
KNOWN = {"channel": "lab", "view": "lab/as-of/r1", "namespace": "lab", "name": "fit", "job": 1}
"""What there is: a name that is made up is hardly ever one of these."""
FUZZED = settings(
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with an environment and channels in it, whose jobs nobody carries out."""
    home = tmp_path_factory.mktemp("fuzz")
    user = User(home, {"CONDARIUM_STORE": str(home / "store")})
    with hosted_store(home) as store:
        host(store, "lab", [Made("tool", "1.0"), Made("tool", "2.0")])
        create(store, "secret", public=False)
    with serve(home / "store", environ=user.surroundings()) as building:
        (home / "environment.yml").write_text(SPEC.format(building.url))
        user("env", "build", "lab/fit", "-f", "environment.yml")
    (home / ".condarc").write_text(NOWHERE)
    environ = {**user.surroundings(), "CONDARIUM_ALLOW_PRIVATE_CHANNELS": ""}
    with serve(home / "store", "--port", "0", "--no-worker", environ=environ) as server:
        yield server


@pytest.fixture(scope="module")
def tokens(server: Server) -> dict[str, str | None]:
    """A token of each who asks; in this order, because an administrator can change anything."""

    def make(path: str, **body: object) -> httpx.Response:
        url = f"{server.url}/api/v1{path}"
        return httpx.post(url, json=body, headers=server.bearer).raise_for_status()

    make("/service-accounts", name="reader")
    make("/access/bind", subject="reader", role="viewer", namespace="lab")
    viewer = make("/tokens", **{"for": "reader"}).json()["secret"]
    return {"anybody": None, "viewer": viewer, "administrator": server.token}


@pytest.mark.parametrize("who", ["anybody", "viewer", "administrator"])
def test_nothing_that_is_sent_makes_it_fail(
    server: Server, tokens: dict[str, str | None], who: str
) -> None:
    schema = schemathesis.openapi.from_url(f"{server.url}/api/v1/openapi.json")
    token = tokens[who]
    with requests.Session() as session:
        session.headers.update({"Authorization": f"Bearer {token}"} if token else {})
        operations = [found.ok() for found in schema.get_all_operations()]
        operations.sort(key=lambda operation: operation.method.upper() == "DELETE")
        for operation in operations:
            if operation.path.endswith("/events"):
                continue  # a stream that ends with its job
            for mode in MODES:
                _fuzz(operation, mode, session, EXAMPLES[who])


def _fuzz(
    operation: schemathesis.APIOperation,
    mode: GenerationMode,
    session: requests.Session,
    examples: int,
) -> None:
    @settings(FUZZED, max_examples=examples)
    @given(case=operation.as_strategy(generation_mode=mode), there=booleans())
    def send(case: schemathesis.Case, there: bool) -> None:
        if there or examples == 1:
            case.path_parameters |= {
                word: KNOWN[word] for word in case.path_parameters if word in KNOWN
            }
        for header in ("Authorization", "X-API-Key", "Prefer"):  # who asks, and waits for nobody
            case.headers.pop(header, None)
        case.call_and_validate(session=session, checks=CHECKS, timeout=30)

    with suppress(Unsatisfiable):  # there may be nothing wrong that could be sent
        send()
