"""The state of a channel changes when its index does, and at no other time."""

import base64
import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.support.answering import AnsweringServer, Ask, Certificate, Reply, make_certificate

from condarium.engine.network.channel_state import channel_state
from condarium.engine.network.errors import (
    ChannelUnauthorized,
    ChannelUnreachable,
    NoSuchChannel,
)
from condarium.model.channels import ChannelUrl, parse_channel_url
from condarium.model.condarc import Condarc

ONCE = Condarc(remote_max_retries=0, remote_read_timeout_secs=5)


@pytest.fixture(autouse=True)
def _no_settings_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.lower().endswith("_proxy") or name.startswith(("SSL_CERT_", "RATTLER_", "NETRC")):
            monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return make_certificate(tmp_path_factory.mktemp("certificate"))


@pytest.fixture
def state(tmp_path: Path) -> Callable[..., str | None]:
    """The state of channels for linux-64, in a home that has nothing in it."""

    def state(*channels: ChannelUrl | str, condarc: Condarc = ONCE, **environ: str) -> str | None:
        urls = [ChannelUrl(each) if isinstance(each, str) else each for each in channels]
        return channel_state(urls, ["linux-64"], condarc=condarc, environ=environ, home=tmp_path)

    return state


State = Callable[..., str | None]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for subdir in ("linux-64", "noarch"):
        (tmp_path / "chan" / subdir).mkdir(parents=True)
        (tmp_path / "chan" / subdir / "repodata.json").write_text("{}")
    return tmp_path / "chan"


class Indexes:
    """Answers for a channel whose indexes have an ETag each."""

    def __init__(self, **etags: str) -> None:
        self.etags = {"linux-64/repodata.json": '"1"', "noarch/repodata.json": '"1"'}

    def __call__(self, ask: Ask) -> Reply:
        etag = self.etags.get(ask.path.removeprefix("/chan/"))
        return Reply(404) if etag is None else Reply(body=b"{}", headers={"ETag": etag})


def test_a_folder_has_one_state_until_an_index_changes(state: State, folder: Path) -> None:
    url = f"file://{folder}"
    first = state(url)
    assert first is not None
    assert state(url) == first
    (folder / "noarch" / "repodata.json").write_text('{"packages": {}}')
    assert state(url) != first


def test_a_folder_whose_index_is_replaced_by_one_of_equal_size_and_time_has_another_state(
    state: State, folder: Path
) -> None:
    url, index = f"file://{folder}", folder / "linux-64" / "repodata.json"
    first, before = state(url), index.stat()
    other = folder / "other.json"
    other.write_text("[]")
    os.utime(other, ns=(before.st_atime_ns, before.st_mtime_ns))
    other.replace(index)
    assert state(url) != first


def test_other_platforms_and_packages_do_not_matter(state: State, folder: Path) -> None:
    url = f"file://{folder}"
    first = state(url)
    (folder / "osx-arm64").mkdir()
    (folder / "osx-arm64" / "repodata.json").write_text("{}")
    (folder / "linux-64" / "a-1-0.conda").write_bytes(b"")
    assert state(url) == first


def test_the_order_of_platforms_does_not_matter_and_that_of_channels_does(
    folder: Path, tmp_path: Path
) -> None:
    one, two = ChannelUrl(f"file://{folder}"), ChannelUrl(f"file://{tmp_path}")
    assert channel_state([one], ["a", "b"]) == channel_state([one], ["b", "noarch", "a", "a"])
    assert channel_state([one, two], ["a"]) != channel_state([two, one], ["a"])


def test_a_folder_without_the_platform_has_a_state(state: State, folder: Path) -> None:
    (folder / "linux-64" / "repodata.json").unlink()
    assert state(f"file://{folder}") is not None


def test_a_folder_with_a_space_in_its_name_is_found(state: State, tmp_path: Path) -> None:
    (tmp_path / "my channel").mkdir()
    assert state(f"file://{tmp_path}/my%20channel") is not None


def test_a_folder_that_is_not_there_is_no_channel(state: State, tmp_path: Path) -> None:
    with pytest.raises(NoSuchChannel):
        state(f"file://{tmp_path}/nothing")


def test_a_server_has_one_state_until_an_etag_changes(state: State) -> None:
    indexes = Indexes()
    with AnsweringServer(indexes) as server:
        url = f"{server.url}/chan"
        first = state(url)
        assert first is not None
        assert state(url) == first
        indexes.etags["noarch/repodata.json"] = '"2"'
        second = state(url)
        assert second not in (None, first)
        indexes.etags["noarch/repodata_shards.msgpack.zst"] = '"2"'
        assert state(url) not in (None, first, second)


def test_no_index_is_downloaded(state: State) -> None:
    with AnsweringServer(Indexes()) as server:
        state(f"{server.url}/chan")
        assert {ask.method for ask in server.asks} == {"HEAD"}


def test_credentials_are_no_part_of_the_state(state: State) -> None:
    with AnsweringServer(Indexes()) as server:
        private = parse_channel_url(f"{server.url.replace('//', '//ada:pw@')}/chan")
        assert state(private) == state(private.url)


def test_without_an_etag_date_and_length_count(state: State) -> None:
    body, date = b"{}", "Mon, 01 Jan 2024 00:00:00 GMT"

    def answer(ask: Ask) -> Reply:
        found = ask.path.endswith("repodata.json")
        return Reply(body=body, headers={"Last-Modified": date}) if found else Reply(404)

    with AnsweringServer(answer) as server:
        first = state(f"{server.url}/chan")
        assert first is not None
        body = b"{ }"
        second = state(f"{server.url}/chan")
        assert second != first
        date = "Mon, 01 Jan 2024 00:00:01 GMT"
        assert state(f"{server.url}/chan") not in (first, second, None)


def test_without_any_validator_the_state_is_not_known(state: State) -> None:
    def answer(ask: Ask) -> Reply:
        return Reply(body=b"{}") if ask.path.endswith("repodata.json") else Reply(404)

    with AnsweringServer(answer) as server:
        assert state(f"{server.url}/chan") is None


@pytest.mark.parametrize("status", [405, 501])
def test_a_server_without_head_is_asked_for_one_byte(state: State, status: int) -> None:
    indexes = Indexes()

    def answer(ask: Ask) -> Reply:
        return Reply(status) if ask.method == "HEAD" else indexes(ask)

    with AnsweringServer(answer) as server:
        first = state(f"{server.url}/chan")
        indexes.etags["noarch/repodata.json"] = '"2"'
        assert None not in (first, state(f"{server.url}/chan"))
        assert first != state(f"{server.url}/chan")
        asked = [ask for ask in server.asks if ask.method == "GET"]
        assert {ask.headers["range"] for ask in asked} == {"bytes=0-0"}


def test_redirects_are_followed(state: State) -> None:
    indexes = Indexes()
    with AnsweringServer(indexes) as target:

        def redirect(ask: Ask) -> Reply:
            return Reply(302, headers={"Location": target.url + ask.path})

        with AnsweringServer(redirect) as server:
            first = state(f"{server.url}/chan")
            indexes.etags["noarch/repodata.json"] = '"2"'
            assert state(f"{server.url}/chan") not in (first, None)


def test_user_and_password_are_sent(state: State) -> None:
    expected, indexes = f"Basic {base64.b64encode(b'ada:p@ss').decode()}", Indexes()

    def answer(ask: Ask) -> Reply:
        return indexes(ask) if ask.headers.get("authorization") == expected else Reply(401)

    with AnsweringServer(answer) as server:
        assert state(parse_channel_url(f"{server.url.replace('//', '//ada:p%40ss@')}/chan"))
        with pytest.raises(ChannelUnauthorized) as caught:
            state(parse_channel_url(f"{server.url.replace('//', '//ada:hunter2@')}/chan"))
        assert "hunter2" not in str(caught.value)


def test_a_token_is_sent(state: State) -> None:
    indexes = Indexes()

    def answer(ask: Ask) -> Reply:
        path = ask.path.removeprefix("/t/tk-1")
        return Reply(403) if path == ask.path else indexes(Ask(ask.method, path, {}))

    with AnsweringServer(answer) as server:
        assert state(parse_channel_url(f"{server.url}/t/tk-1/chan"))


def test_credentials_that_rattler_has_in_a_file_are_found(state: State, tmp_path: Path) -> None:
    expected, indexes = f"Basic {base64.b64encode(b'me:pw').decode()}", Indexes()
    own = tmp_path / "own.json"
    own.write_text(json.dumps({"127.0.0.1": {"BasicHTTP": {"username": "me", "password": "pw"}}}))
    netrc = tmp_path / ".netrc"

    def answer(ask: Ask) -> Reply:
        return indexes(ask) if ask.headers.get("authorization") == expected else Reply(401)

    with AnsweringServer(answer) as server:
        assert state(f"{server.url}/chan", RATTLER_AUTH_FILE=str(own))
        assert state(f"{server.url}/chan") is None
        netrc.write_text("machine 127.0.0.1\nlogin me\npassword pw\n")
        netrc.chmod(0o600)
        assert state(f"{server.url}/chan")


@pytest.mark.parametrize("status", [401, 403])
def test_where_nobody_gave_us_credentials_rattler_may_have_them(state: State, status: int) -> None:
    with AnsweringServer(lambda _: Reply(status)) as server:
        assert state(f"{server.url}/chan") is None


@pytest.mark.parametrize(
    ("status", "words"), [(500, "HTTP 500"), (503, "HTTP 503"), (429, "too many"), (400, "400")]
)
def test_a_failing_server_is_said_so(state: State, status: int, words: str) -> None:
    with (
        AnsweringServer(lambda _: Reply(status)) as server,
        pytest.raises(ChannelUnreachable, match=words),
    ):
        state(f"{server.url}/chan")


def test_a_passing_failure_is_tried_again(state: State) -> None:
    indexes, failed = Indexes(), set[str]()

    def answer(ask: Ask) -> Reply:
        if ask.path in failed:
            return indexes(ask)
        failed.add(ask.path)
        return Reply(503)

    with AnsweringServer(answer) as server:
        assert state(f"{server.url}/chan", condarc=Condarc(remote_max_retries=1))


def test_a_closed_port_is_said_to_refuse(state: State) -> None:
    with AnsweringServer(lambda _: Reply()) as server:
        url = f"{server.url}/chan"
    with pytest.raises(ChannelUnreachable, match="refused"):
        state(url)


def test_a_server_that_stalls_is_given_up(state: State) -> None:
    condarc = Condarc(remote_max_retries=0, remote_read_timeout_secs=0.3)
    with (
        AnsweringServer(lambda _: Reply(stall=30)) as server,
        pytest.raises(ChannelUnreachable, match="too long"),
    ):
        state(f"{server.url}/chan", condarc=condarc)


def test_an_unknown_host_is_said_so(state: State) -> None:
    with pytest.raises(ChannelUnreachable, match="host name is not known"):
        state("http://host.invalid/chan")


def test_certificates_are_checked_as_ssl_verify_says(
    state: State, certificate: Certificate
) -> None:
    with AnsweringServer(Indexes(), certificate=certificate) as server:
        url = f"{server.url}/chan"
        with pytest.raises(ChannelUnreachable, match="certificate is not trusted"):
            state(url)
        for verify in (str(certificate.authority), False):
            assert state(url, condarc=Condarc(ssl_verify=verify, remote_max_retries=0))


def test_tls_to_a_server_without_it_is_said_so(state: State) -> None:
    with (
        AnsweringServer(Indexes()) as server,
        pytest.raises(ChannelUnreachable, match="does not speak TLS"),
    ):
        state(f"{server.url.replace('http:', 'https:')}/chan")


def test_requests_go_through_the_proxy_of_the_condarc(state: State) -> None:
    indexes = Indexes()

    def answer(ask: Ask) -> Reply:
        path = ask.path.removeprefix("http://host.invalid")
        return indexes(Ask(ask.method, path, ask.headers))

    with AnsweringServer(answer) as proxy, AnsweringServer(indexes) as server:
        condarc = Condarc(proxy_servers=(("http", proxy.url),), remote_max_retries=0)
        assert state("http://host.invalid/chan", condarc=condarc)
        proxy.asks.clear()
        assert state(f"{server.url}/chan", condarc=condarc, NO_PROXY="x.example,127.0.0.1")
        assert proxy.asks == []


def test_a_proxy_that_refuses_is_named_as_the_reason(state: State) -> None:
    with AnsweringServer(lambda _: Reply(403)) as proxy:
        condarc = Condarc(proxy_servers=(("https", proxy.url),), remote_max_retries=0)
        with pytest.raises(ChannelUnreachable, match="proxy refuses"):
            state("https://host.invalid/chan", condarc=condarc)


@pytest.mark.parametrize("url", ["oci://host/chan", "s3://bucket/chan"])
def test_what_is_not_on_http_has_no_known_state(state: State, url: str) -> None:
    assert state(url) is None


def test_offline_nothing_is_asked(state: State) -> None:
    with AnsweringServer(Indexes()) as server:
        assert state(f"{server.url}/chan", condarc=Condarc(offline=True)) is None
        assert server.asks == []
