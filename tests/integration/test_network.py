"""The client made from a condarc: credentials, TLS, proxies, and what is said when it fails."""

import asyncio
import base64
import json
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.support.answering import AnsweringServer, Ask, Certificate, Reply, make_certificate

from condarium.engine.network.clients import CredentialsDisagree, make_client, make_gateway
from condarium.engine.network.errors import (
    BadRepodata,
    ChannelUnauthorized,
    ChannelUnreachable,
    IndexCacheRefused,
    NoSuchChannel,
    translate_network_error,
    translated_network_errors,
)
from condarium.errors import BadCondarc, CondariumError
from condarium.model.channels import ChannelUrl, parse_channel_url
from condarium.model.condarc import Condarc

NO_RETRY = Condarc(remote_max_retries=0)


@pytest.fixture(autouse=True)
def _no_settings_of_the_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in list(os.environ):
        if name.lower().endswith("_proxy") or name.startswith(("SSL_CERT_", "RATTLER_", "NETRC")):
            monkeypatch.delenv(name)
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return make_certificate(tmp_path_factory.mktemp("certificate"))


def index(path: str) -> bytes:
    subdir = path.split("/")[-2]
    records: dict[str, Any] = {}
    if subdir == "linux-64":
        records["a-1-0.conda"] = {
            "name": "a", "version": "1", "build": "0", "build_number": 0, "subdir": subdir,
            "depends": [], "sha256": "0" * 64, "md5": "0" * 32, "size": 1,
        }  # fmt: skip
    return json.dumps({"info": {"subdir": subdir}, "packages.conda": records}).encode()


def channel(prefix: str = "/chan", **headers: str) -> Callable[[Ask], Reply]:
    def answer(ask: Ask) -> Reply:
        if ask.path.startswith(f"{prefix}/") and ask.path.endswith("/repodata.json"):
            return Reply(body=index(ask.path), headers={"ETag": '"1"', **headers})
        return Reply(404)

    return answer


def for_user(user: str, inner: Callable[[Ask], Reply]) -> Callable[[Ask], Reply]:
    expected = f"Basic {base64.b64encode(user.encode()).decode()}"
    return lambda ask: inner(ask) if ask.headers.get("authorization") == expected else Reply(401)


def records(
    url: str,
    cache: Path,
    condarc: Condarc = NO_RETRY,
    channels: list[ChannelUrl] | None = None,
    *,
    timeout: float | None = None,
    **how: bool,
) -> list[str]:
    """Ask a channel for the URLs of package `a`; errors come translated."""
    from rattler import Channel, Subdir

    client = make_client(condarc, channels or [], timeout=timeout)
    gateway = make_gateway(client, cache, **how)

    async def ask() -> list[str]:
        found = await gateway.query(
            [Channel(url)], [Subdir("linux-64"), Subdir("noarch")], ["a"], recursive=False
        )
        return [str(record.url) for each in found for record in each]

    with translated_network_errors([ChannelUrl(url)]):
        return asyncio.run(ask())


@contextmanager
def closed_port() -> Iterator[int]:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        yield holder.getsockname()[1]


def secret_channel(server: AnsweringServer, user_info: str = "", token: str = "") -> ChannelUrl:
    text = server.url.replace("//", f"//{user_info}@") if user_info else server.url
    return parse_channel_url(f"{text}{f'/t/{token}' if token else ''}/chan")


def test_user_and_password_reach_the_server_and_stay_out_of_the_records(tmp_path: Path) -> None:
    with AnsweringServer(for_user("ada:p@ss", channel())) as server:
        private = secret_channel(server, "ada:p%40ss")
        found = records(private.url, tmp_path, channels=[private])
        assert found == [f"{server.url}/chan/linux-64/a-1-0.conda"]


def test_a_token_reaches_the_server_and_stays_out_of_the_records(tmp_path: Path) -> None:
    with AnsweringServer(channel("/t/tk-1/chan")) as server:
        private = secret_channel(server, token="tk-1")
        found = records(private.url, tmp_path, channels=[private])
        assert found == [f"{server.url}/chan/linux-64/a-1-0.conda"]


def test_every_channel_of_a_host_has_its_own_token(tmp_path: Path) -> None:
    def answer(ask: Ask) -> Reply:
        return (channel("/t/one/a") if "/one/" in ask.path else channel("/t/two/b"))(ask)

    with AnsweringServer(answer) as server:
        both = [parse_channel_url(f"{server.url}/t/{t}") for t in ("one/a", "two/b")]
        for each in both:
            found = records(each.url, tmp_path, channels=both)
            assert found == [f"{each.url}/linux-64/a-1-0.conda"]


def test_credentials_of_the_condarc_count_for_a_clean_url(tmp_path: Path) -> None:
    with AnsweringServer(channel("/t/tk-1/chan")) as server:
        condarc = Condarc(channel_alias=f"{server.url}/t/tk-1", remote_max_retries=0)
        assert records(f"{server.url}/chan", tmp_path, condarc)


def test_without_credentials_the_server_refuses(tmp_path: Path) -> None:
    with (
        AnsweringServer(for_user("ada:pw", channel())) as server,
        pytest.raises(ChannelUnauthorized, match="401"),
    ):
        records(f"{server.url}/chan", tmp_path)


def test_credentials_are_gone_from_the_disk_and_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "tmp"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    make_client(NO_RETRY, [parse_channel_url("https://ada:pw@host.example/chan")])
    assert list(folder.iterdir()) == []
    assert "RATTLER_AUTH_FILE" not in os.environ


def test_the_users_own_credentials_go_on_working_beside_those_of_the_condarc(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = tmp_path / "own.json"
    own.write_text(json.dumps({"127.0.0.1": {"BasicHTTP": {"username": "me", "password": "pw"}}}))
    monkeypatch.setenv("RATTLER_AUTH_FILE", str(own))
    elsewhere = parse_channel_url("https://ada:pw@host.example/chan")
    with AnsweringServer(for_user("me:pw", channel())) as server:
        for index_, channels in enumerate(([], [elsewhere])):
            assert records(f"{server.url}/chan", tmp_path / str(index_), channels=channels)
    assert os.environ["RATTLER_AUTH_FILE"] == str(own)


def test_netrc_goes_on_working_beside_the_credentials_of_the_condarc(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1\nlogin me\npassword pw\n")
    monkeypatch.setenv("NETRC", str(netrc))
    elsewhere = parse_channel_url("https://ada:pw@host.example/chan")
    with AnsweringServer(for_user("me:pw", channel())) as server:
        assert records(f"{server.url}/chan", tmp_path, channels=[elsewhere])


def test_two_users_on_one_host_are_refused_rather_than_mixed_up() -> None:
    channels = [parse_channel_url(f"https://{u}:pw@host.example/{u}") for u in ("ada", "bob")]
    with pytest.raises(CredentialsDisagree, match=r"host\.example"):
        make_client(NO_RETRY, channels)


def test_ssl_verify_may_name_the_certificates_to_trust(
    tmp_path: Path, certificate: Certificate
) -> None:
    condarc = Condarc(ssl_verify=str(certificate.authority), remote_max_retries=0)
    with AnsweringServer(channel(), certificate=certificate) as server:
        assert records(f"{server.url}/chan", tmp_path, condarc)
    assert "SSL_CERT_FILE" not in os.environ


def test_an_unknown_certificate_is_refused_and_said_so(
    tmp_path: Path, certificate: Certificate
) -> None:
    with AnsweringServer(channel(), certificate=certificate) as server:
        with pytest.raises(ChannelUnreachable, match="certificate is not trusted") as caught:
            records(f"{server.url}/chan", tmp_path)
        assert caught.value.hint is not None
        assert "ssl_verify" in caught.value.hint


def test_ssl_verify_false_trusts_everybody(tmp_path: Path, certificate: Certificate) -> None:
    condarc = Condarc(ssl_verify=False, remote_max_retries=0)
    with AnsweringServer(channel(), certificate=certificate) as server:
        assert records(f"{server.url}/chan", tmp_path, condarc)


def test_certificates_that_do_not_exist_are_said_so() -> None:
    with pytest.raises(BadCondarc, match=r"ssl_verify: found /no/ca\.pem"):
        make_client(Condarc(ssl_verify="/no/ca.pem"))


def test_requests_go_through_the_proxy_of_the_condarc(tmp_path: Path) -> None:
    with AnsweringServer(channel("http://host.invalid/chan")) as proxy:
        user = proxy.url.replace("//", "//ada:pw@")
        condarc = Condarc(proxy_servers=(("http", user),), remote_max_retries=0)
        assert records("http://host.invalid/chan", tmp_path, condarc)
        assert all("proxy-authorization" in ask.headers for ask in proxy.asks)


def test_hosts_of_no_proxy_are_asked_directly(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_PROXY", "other.example, 127.0.0.1")
    with AnsweringServer(channel()) as server, closed_port() as port:
        condarc = Condarc(proxy_servers=(("http", f"127.0.0.1:{port}"),), remote_max_retries=0)
        assert records(f"{server.url}/chan", tmp_path, condarc)


def test_a_proxy_that_refuses_is_named_as_the_reason(tmp_path: Path) -> None:
    with AnsweringServer(lambda _: Reply(407)) as proxy:
        condarc = Condarc(proxy_servers=(("https", proxy.url),), remote_max_retries=0)
        with pytest.raises(ChannelUnreachable, match="proxy refuses"):
            records("https://host.invalid/chan", tmp_path, condarc)


def test_offline_uses_the_cache_and_says_where_there_is_none(tmp_path: Path) -> None:
    with AnsweringServer(channel()) as server:
        url = f"{server.url}/chan"
        with pytest.raises(ChannelUnreachable, match="no cached index"):
            records(url, tmp_path, offline=True)
        assert records(url, tmp_path)
    assert records(url, tmp_path, offline=True)


def test_refresh_asks_again_although_the_server_allows_to_keep_the_answer(tmp_path: Path) -> None:
    with AnsweringServer(channel(**{"Cache-Control": "max-age=3600"})) as server:
        records(f"{server.url}/chan", tmp_path)
        server.asks.clear()
        records(f"{server.url}/chan", tmp_path)
        assert not [ask for ask in server.asks if ask.method == "GET"]
        records(f"{server.url}/chan", tmp_path, refresh=True)
        assert [ask for ask in server.asks if ask.path.endswith("linux-64/repodata.json")]


def test_a_closed_port_is_said_to_refuse(tmp_path: Path) -> None:
    with closed_port() as port, pytest.raises(ChannelUnreachable, match="refused") as caught:
        records(f"http://127.0.0.1:{port}/chan", tmp_path)
    assert caught.value.__cause__ is not None


def test_a_host_that_nobody_knows_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(ChannelUnreachable, match="host name is not known"):
        records("http://host.invalid/chan", tmp_path)


@pytest.mark.parametrize(
    ("status", "error", "words"),
    [
        (401, ChannelUnauthorized, "wants to know"),
        (403, ChannelUnauthorized, "does not let you in"),
        (404, NoSuchChannel, "no channel at"),
        (405, ChannelUnreachable, "HTTP 405"),
        (429, ChannelUnreachable, "too many requests"),
        (500, ChannelUnreachable, "server has failed"),
        (503, ChannelUnreachable, "HTTP 503"),
    ],
)
def test_a_status_is_said_in_words(
    tmp_path: Path, status: int, error: type[CondariumError], words: str
) -> None:
    with (
        AnsweringServer(lambda _: Reply(status)) as server,
        pytest.raises(error, match=words) as caught,
    ):
        records(f"{server.url}/chan", tmp_path)
    assert server.url in caught.value.message
    assert caught.value.hint


def test_a_channel_without_the_platform_has_no_packages_for_it(tmp_path: Path) -> None:
    def noarch_only(ask: Ask) -> Reply:
        return channel()(ask) if "noarch" in ask.path else Reply(404)

    with AnsweringServer(noarch_only) as server:
        assert records(f"{server.url}/chan", tmp_path) == []


def test_a_channel_without_noarch_is_none(tmp_path: Path) -> None:
    def platform_only(ask: Ask) -> Reply:
        return channel()(ask) if "linux-64" in ask.path else Reply(404)

    with (
        AnsweringServer(platform_only) as server,
        pytest.raises(NoSuchChannel, match=r"noarch/repodata\.json"),
    ):
        records(f"{server.url}/chan", tmp_path)


def test_a_folder_that_is_not_there_is_no_channel(tmp_path: Path) -> None:
    with pytest.raises(NoSuchChannel):
        records(f"file://{tmp_path}/nothing", tmp_path)


@pytest.mark.parametrize("body", [b"", b"<html>Please sign in</html>"])
@pytest.mark.parametrize("everything", [True, False])
def test_an_index_that_is_none_is_said_so(tmp_path: Path, body: bytes, everything: bool) -> None:
    def answer(ask: Ask) -> Reply:
        return Reply(body=body) if everything or ask.path.endswith(".json") else Reply(404)

    with (
        AnsweringServer(answer) as server,
        pytest.raises(BadRepodata, match="cannot be read") as caught,
    ):
        records(f"{server.url}/chan", tmp_path)
    assert server.url in caught.value.message


def test_a_server_that_stalls_is_given_up(tmp_path: Path) -> None:
    with (
        AnsweringServer(lambda _: Reply(stall=30)) as server,
        pytest.raises(ChannelUnreachable, match="too long"),
    ):
        records(f"{server.url}/chan", tmp_path, timeout=1)


def test_an_answer_that_breaks_off_is_said_so(tmp_path: Path) -> None:
    def answer(ask: Ask) -> Reply:
        return Reply(body=b"{", length=100) if ask.path.endswith(".json") else Reply(404)

    with (
        AnsweringServer(answer) as server,
        pytest.raises(ChannelUnreachable, match="broke off"),
    ):
        records(f"{server.url}/chan", tmp_path)


def test_tls_to_a_server_without_it_is_said_so(tmp_path: Path) -> None:
    with (
        AnsweringServer(channel()) as server,
        pytest.raises(ChannelUnreachable, match="does not speak TLS"),
    ):
        records(f"{server.url.replace('http:', 'https:')}/chan", tmp_path)


def test_a_wrong_token_is_in_no_message(tmp_path: Path) -> None:
    with AnsweringServer(lambda _: Reply(403)) as server:
        private = secret_channel(server, "ada:hunter2", "tk-1")
        with pytest.raises(ChannelUnauthorized) as caught:
            records(private.url, tmp_path, channels=[private])
    for text in (str(caught.value), repr(caught.value), str(caught.value.__cause__)):
        assert "hunter2" not in text
        assert "tk-1" not in text


def test_a_304_that_the_cache_cannot_use_has_an_error_of_its_own() -> None:
    error = RuntimeError("unexpected status code (304) for http://host/chan/x")
    assert isinstance(translate_network_error(error), IndexCacheRefused)


def test_an_error_of_condarium_is_left_as_it_is() -> None:
    error = NoSuchChannel("https://host/chan")
    assert translate_network_error(error) is error
