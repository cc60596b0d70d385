"""Which places a server's users may have it ask."""

import pytest

from condarium.engine.network.addresses import PlaceRefused, check_reach
from condarium.settings.reach import BadSetting, guarded, parse_reach, read_reach

PUBLIC = ["8.8.8.8", "93.184.215.14", "2606:4700::1111", "::ffff:8.8.8.8"]
PRIVATE = [
    "127.0.0.1",
    "127.8.8.8",
    "0.0.0.0",
    "10.1.2.3",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",  # where clouds keep credentials
    "100.64.0.1",  # carrier-grade NAT
    "100.100.100.200",
    "224.0.0.1",
    "255.255.255.255",
    "240.0.0.1",
    "192.0.0.192",
    "198.18.0.1",
    "::1",
    "::",
    "fe80::1",
    "fe80::1%eth0",
    "fc00::1",
    "fd00:ec2::254",
    "ff02::1",
    "::ffff:127.0.0.1",  # IPv4 in IPv6, in every way that a kernel or a gateway undoes
    "::ffff:169.254.169.254",
    "64:ff9b::7f00:1",
    "2002:7f00:1::",
    "2002:a9fe:a9fe::1",
]


@pytest.mark.parametrize("address", PUBLIC)
def test_what_is_public_may_be_reached(address: str) -> None:
    assert parse_reach("").allows("anything", 443, address)


@pytest.mark.parametrize("address", PRIVATE)
def test_what_is_not_public_may_not(address: str) -> None:
    assert not parse_reach("").allows("anything", 443, address)
    assert parse_reach("*").allows("anything", 443, address)


@pytest.mark.parametrize(
    ("allowed", "host", "port", "address", "expected"),
    [
        ("conda.corp.example", "conda.corp.example", 80, "10.0.0.1", True),
        ("conda.corp.example", "CONDA.corp.example", 80, "10.0.0.1", True),
        ("conda.corp.example:8443", "conda.corp.example", 8443, "10.0.0.1", True),
        ("conda.corp.example:8443", "conda.corp.example", 22, "10.0.0.1", False),
        ("conda.corp.example", "evil.conda.corp.example", 80, "10.0.0.1", False),
        ("10.0.0.0/8", "x", 80, "10.200.0.1", True),
        ("10.0.0.0/8", "x", 80, "::ffff:10.200.0.1", True),
        ("10.0.0.0/8", "x", 80, "11.0.0.1", True),
        ("10.0.0.0/8", "x", 80, "192.168.0.1", False),
        ("10.0.0.1:8000", "10.0.0.1", 8000, "10.0.0.1", True),
        ("10.0.0.1:8000", "10.0.0.1", 8001, "10.0.0.1", False),
        ("fd00::/8", "x", 80, "fd12::1", True),
        ("[fd00::/8]:80", "x", 80, "fd12::1", True),
        ("[fd00::/8]:80", "x", 81, "fd12::1", False),
        ("[::1]:8000", "::1", 8000, "::1", True),
        ("a.example, 10.0.0.1", "x", 80, "10.0.0.1", True),
    ],
)
def test_what_is_allowed_beside_it(
    allowed: str, host: str, port: int, address: str, expected: bool
) -> None:
    assert parse_reach(allowed).allows(host, port, address) is expected


@pytest.mark.parametrize("text", ["10.0.0.0/99", "http://a.example", "a:b", "[zz]:80"])
def test_what_says_nothing_is_refused(text: str) -> None:
    with pytest.raises(BadSetting):
        parse_reach(text)


def test_a_command_line_reaches_everything_and_a_server_what_it_is_told() -> None:
    assert read_reach({}).everything
    served = read_reach(guarded({}, ["http://127.0.0.1:8000/x"]))
    assert served.allows("127.0.0.1", 8000, "127.0.0.1")
    assert not served.allows("127.0.0.1", 8001, "127.0.0.1")


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:9/x",
        "http://localhost/x",
        "http://2130706433/x",
        "http://0x7f.1/x",
        "http://127.1/x",
        "http://0/x",
        "http://[::1]/x",
        "https://169.254.169.254/latest/meta-data",
        "http://public.example@127.0.0.1/x",
        "git+https://127.0.0.1/x",
        "git+ssh://git@127.0.0.1/x",
        "s3://bucket/channel",
        "oci://127.0.0.1/x",
        "file:///etc",
        "file://localhost/etc",
        "/etc/passwd",
        "../x",
        "http://",
        "http://[::1",
        "http://127.0.0.1:99999/x",
    ],
)
def test_urls_that_users_may_not_name(url: str) -> None:
    check_reach([url], {})
    with pytest.raises(PlaceRefused):
        check_reach([url], guarded({}))


def test_a_link_does_not_lead_out_of_an_allowed_folder(tmp_path: object) -> None:
    from pathlib import Path

    folder = Path(str(tmp_path)) / "channels"
    folder.mkdir()
    (folder / "out").symlink_to("/etc")
    (folder / "in").mkdir()
    environ = guarded({"CONDARIUM_ALLOW_PRIVATE_CHANNELS": str(folder.resolve())})
    check_reach([f"file://{folder}/in"], environ)
    for out in ("out", "../elsewhere", "in/%2e%2e/%2e%2e"):
        with pytest.raises(PlaceRefused):
            check_reach([f"file://{folder}/{out}"], environ)
