"""What is said when a package or an index cannot be fetched: words, and never what rattler said."""

import socket

import pytest

from condarium.engine.network.errors import translate_network_error
from condarium.engine.packages.fetch_errors import say_unfetchable


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


def closed_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


@pytest.mark.parametrize(
    "said", ["error sending request for url", "Request failed after 3 retries"]
)
def test_a_host_that_nobody_knows_is_said_so(said: str) -> None:
    error = say_unfetchable("http://nowhere.invalid/a-1-0.conda", "a", RuntimeError(said))
    assert error.message.endswith("could not be fetched: its host name is not known")
    assert "proxy_servers" in str(error.hint)


@pytest.mark.parametrize(
    "said", ["error sending request for url", "Request failed after 3 retries"]
)
def test_a_closed_port_is_said_to_refuse(said: str) -> None:
    url = f"http://127.0.0.1:{closed_port()}/a-1-0.conda"
    error = say_unfetchable(url, "a", RuntimeError(said))
    assert error.message.endswith("could not be fetched: the connection is refused")


def test_nothing_is_guessed_behind_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://proxy.example:3128")
    said = "Request failed after 3 retries"
    error = say_unfetchable("http://nowhere.invalid/a-1-0.conda", "a", RuntimeError(said))
    assert "host name" not in error.message
    assert "retries" not in error.message


def test_an_answer_that_breaks_off_is_said_so() -> None:
    said = OSError("error decoding response body")
    error = say_unfetchable("http://host/a-1-0.conda", "a", said)
    assert error.message.endswith("the connection broke off in the middle of the answer")


@pytest.mark.parametrize("body", ["", "hello", "hello\nwhoever\nasks"])
def test_what_a_server_sent_is_no_reason(body: str) -> None:
    said = (
        "received unexpected status code (302 Found) when fetching "
        f"http://host/c/noarch/repodata_shards.msgpack.zst.\n\nBody:\n{body}"
    )
    message = str(translate_network_error(RuntimeError(said)))
    assert message == (
        "cannot reach http://host/c/noarch/repodata_shards.msgpack.zst: "
        "it sends whoever asks elsewhere, and does not say where (HTTP 302)"
    )
