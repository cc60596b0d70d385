"""What a .condarc means: order, merging, variables, and what is said where it is wrong."""

from collections.abc import Callable
from pathlib import Path, PurePosixPath

import pytest

from condarium.engine.network.condarc import read_condarc, search_path
from condarium.errors import BadCondarc
from condarium.model.condarc import Condarc, merge
from condarium.model.condarc_text import Layer, parse_condarc, parse_variables
from condarium.model.document import Document

HOME = PurePosixPath("/home/ada")


def layer(text: str, **environ: str) -> Layer:
    document = Document("rc", text.encode(), PurePosixPath("/etc/conda"))
    return parse_condarc(document, environ, HOME)


def condarc(*texts: str, **environ: str) -> Condarc:
    return merge([*(layer(text, **environ) for text in texts), parse_variables(environ, HOME)])


def refusal(text: str) -> str:
    with pytest.raises(BadCondarc) as caught:
        layer(text)
    return caught.value.message


def test_without_any_file_channels_are_empty_and_priority_is_strict() -> None:
    nothing = condarc()
    assert nothing.channels == ()
    assert nothing.channel_priority == "strict"
    assert nothing.channel_alias == "https://conda.anaconda.org"
    assert nothing.ssl_verify is True


@pytest.mark.parametrize("text", ["", "# only a comment\n", "---\n", "channels:\n", "channels: []"])
def test_what_says_nothing_changes_nothing(text: str) -> None:
    assert condarc(text).channels == ()


def test_a_later_file_wins_for_single_values_and_goes_first_in_lists() -> None:
    merged = condarc(
        "channels: [a, b]\nchannel_alias: https://one.example\n",
        "channels: [c, a]\nchannel_alias: https://two.example\n",
    )
    assert merged.channels == ("c", "a", "b")
    assert merged.channel_alias == "https://two.example"


def test_maps_are_joined_and_the_later_entry_wins() -> None:
    merged = condarc(
        "custom_channels: {a: https://one, b: https://two}",
        "custom_channels: {b: https://three}",
    )
    assert dict(merged.custom_channels) == {"a": "https://one", "b": "https://three"}


def test_final_keeps_later_files_from_changing_a_setting() -> None:
    merged = condarc(
        "ssl_verify: /etc/ca.pem  #!final\nchannels:  # !final\n  - safe\n",
        "ssl_verify: false\nchannels: [other]\n",
        CONDA_SSL_VERIFY="false",
    )
    assert merged.ssl_verify == "/etc/ca.pem"
    assert merged.channels == ("safe",)


def test_final_may_stand_at_one_entry_of_a_map() -> None:
    merged = condarc(
        "custom_channels:\n  a: https://one  #!final\n  b: https://two\n",
        "custom_channels: {a: https://evil, b: https://three}",
    )
    assert dict(merged.custom_channels) == {"a": "https://one", "b": "https://three"}


def test_top_and_bottom_move_an_entry_of_a_list() -> None:
    merged = condarc("channels:\n  - t #!top\n  - m\n", "channels:\n  - l #!bottom\n  - n\n")
    assert merged.channels == ("t", "n", "m", "l")


def test_variables_win_over_files_and_go_first_in_lists() -> None:
    merged = condarc(
        "channels: [a]\nchannel_priority: strict\nssl_verify: true\n",
        CONDA_CHANNELS="x, y",
        CONDA_CHANNEL_ALIAS="https://alias.example",
        CONDA_CHANNEL_PRIORITY="disabled",
        CONDA_SSL_VERIFY="no",
        CONDA_PINNED_PACKAGES="python 3.12.*&numpy<2",
        CONDA_REMOTE_MAX_RETRIES="0",
        CONDA_REMOTE_READ_TIMEOUT_SECS="1.5",
        CONDA_OFFLINE="1",
    )
    assert merged.channels == ("x", "y", "a")
    assert merged.channel_alias == "https://alias.example"
    assert merged.channel_priority == "disabled"
    assert merged.ssl_verify is False
    assert merged.pinned_packages == ("python 3.12.*", "numpy<2")
    assert (merged.remote_max_retries, merged.remote_read_timeout_secs) == (0, 1.5)
    assert merged.offline


def test_an_empty_variable_counts_as_not_set() -> None:
    assert condarc("channels: [a]", CONDA_CHANNELS="", CONDA_SSL_VERIFY="").channels == ("a",)


@pytest.mark.parametrize(
    ("text", "priority", "strict"),
    [
        ("strict", "strict", True),
        ("Flexible", "flexible", True),
        ("disabled", "disabled", False),
        ("true", "flexible", True),
        ("false", "disabled", False),
    ],
)
def test_channel_priority_knows_the_words_of_all_times(
    text: str, priority: str, strict: bool
) -> None:
    read = condarc(f"channel_priority: {text}")
    assert (read.channel_priority, read.strict) == (priority, strict)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("true", True),
        ("'yes'", True),
        ("off", False),
        ("truststore", "truststore"),
        ("/etc/ca.pem", "/etc/ca.pem"),
        ("~/ca.pem", "/home/ada/ca.pem"),
        ("./ca.pem", "/etc/conda/ca.pem"),
    ],
)
def test_ssl_verify_is_a_switch_a_word_or_a_path(text: str, value: bool | str) -> None:
    assert condarc(f"ssl_verify: {text}").ssl_verify == value


def test_variables_in_the_text_are_filled_in_and_unset_ones_stay() -> None:
    read = condarc(
        "channels:\n  - https://host/t/${TOKEN}/chan\n  - https://$USER:${MISSING}@host/x\n"
        "proxy_servers: {https: 'http://u:${TOKEN}@proxy:3128'}\n",
        TOKEN="tk-1",
        USER="ada",
    )
    assert read.channels == ("https://host/t/tk-1/chan", "https://ada:${MISSING}@host/x")
    assert dict(read.proxy_servers) == {"https": "http://u:tk-1@proxy:3128"}


def test_relative_channels_start_at_the_folder_of_their_file() -> None:
    read = condarc("channels: [./local, ../other, ~/mine, plain]\ncustom_channels: {a: ./x}")
    assert read.channels == ("/etc/conda/local", "/etc/other", "/home/ada/mine", "plain")
    assert read.custom_channels == (("a", "/etc/conda/x"),)


def test_older_names_of_keys_are_understood() -> None:
    read = condarc("verify_ssl: false\nwhitelist_channels: [a]\nchannel: [b]\n")
    assert (read.ssl_verify, read.allowlist_channels, read.channels) == (False, ("a",), ("b",))


def test_a_channel_that_looks_like_a_number_stays_a_text() -> None:
    assert condarc("channels: [3.10, 'on']").channels == ("3.10", "on")


def test_unknown_keys_are_passed_over() -> None:
    text = "auto_activate_base: false\nenvs_dirs: {odd: 1}\n1: 2\nchannels: [a]\n"
    assert condarc(text).channels == ("a",)


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("a: 1\nchannels: conda-forge\n", 2, "channels: found 'conda-forge'; expected a list"),
        ("channels: {a: b}\n", 1, "found a map; expected a list"),
        ("channels:\n  - a\n  - [b]\n", 3, "found a list in the list; expected texts"),
        ("channels:\n  - a\n  -\n", 3, "found nothing in the list"),
        ("\nchannel_alias: [x]\n", 2, "found a list; expected a text"),
        ("channel_alias: true\n", 1, "found 'true'; expected a text"),
        ("channel_priority: high\n", 1, "'high'; expected strict, flexible or disabled"),
        ("ssl_verify: [true]\n", 1, "expected true, false, truststore"),
        ("custom_channels:\n  - a\n", 2, "found a list; expected a map of names to texts"),
        ("custom_channels:\n  a:\n    - b\n", 3, "found a list for 'a'"),
        ("custom_multichannels:\n  a: b\n", 2, "found 'b' for 'a'"),
        ("proxy_servers: http://proxy\n", 1, "expected a map"),
        ("remote_read_timeout_secs: soon\n", 1, "expected a number of seconds"),
        ("remote_read_timeout_secs: 0\n", 1, "expected a number of seconds above 0"),
        ("remote_max_retries: -1\n", 1, "expected a whole number"),
        ("offline: maybe\n", 1, "expected true or false"),
        ("- channels\n", 1, "found a list; expected 'key: value' lines"),
        ("channels: [a]\nchannels: [b]\n", 2, "a second time (the first is in line 1)"),
        ("verify_ssl: false\nssl_verify: true\n", 2, "a second time"),
        ("a: 1\nchannels: [a\nb: 2\n", 3, "not YAML"),
        ("channels:\n\t- a\n", 2, "not YAML"),
        ("a: \x07\n", 1, "not YAML"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(text: str, line: int, words: str) -> None:
    message = refusal(text)
    assert message.startswith(f"rc:{line}: ")
    assert words in message


def test_bytes_that_are_not_utf8_are_refused_with_their_line() -> None:
    with pytest.raises(BadCondarc, match=r"rc:2: .*UTF-8"):
        parse_condarc(Document("rc", b"a: b\n\xff: c\n"), {}, HOME)


def test_an_error_shows_no_credential() -> None:
    assert "hunter2" not in refusal("channels: https://u:hunter2@host/chan\n")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("channels:\n  - https://user:se#cret@host.example/x\n", 2),
        ("# mine\ncustom_channels:\n  lab: https://user:se/cret@host.example\n", 3),
        ("offline: false\nchannel_alias: https://user:se?cret@host.example\n", 2),
        ("default_channels: [https://user:se:cret@host.example:port]\n", 1),
        ("custom_multichannels:\n  all:\n    - 'https://user:12/cret@host.example'\n", 3),
    ],
)
def test_a_broken_url_is_found_with_its_line_and_shows_no_password(text: str, line: int) -> None:
    message = refusal(text)
    assert message.startswith(f"rc:{line}: ")
    assert "cret" not in message
    assert "write '#' as %23, '/' as %2F" in message


def test_a_wrong_variable_is_named() -> None:
    with pytest.raises(BadCondarc, match="CONDA_CHANNEL_PRIORITY: found 'high'"):
        parse_variables({"CONDA_CHANNEL_PRIORITY": "high"}, HOME)


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, str], Path]:
    def write(name: str, text: str) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    return write


def test_files_are_read_in_the_order_of_conda(
    tmp_path: Path, write: Callable[[str, str], Path]
) -> None:
    expected = [
        write(name, "channels: []")
        for name in (
            "etc/.condarc",
            "etc/condarc.d/1.yml",
            "etc/condarc.d/2.yaml",
            "root/.condarc",
            "xdg/conda/condarc",
            "home/.config/conda/.condarc",
            "home/.conda/.condarc",
            "home/.condarc",
            "prefix/.condarc",
            "named.yml",
        )
    ]
    write("etc/condarc.d/readme.txt", "not: yaml: at all")
    environ = {
        "CONDA_EXE": str(tmp_path / "root/bin/conda"),
        "XDG_CONFIG_HOME": str(tmp_path / "xdg"),
        "CONDA_PREFIX": str(tmp_path / "prefix"),
        "CONDARC": str(tmp_path / "named.yml"),
    }
    found = search_path(environ, tmp_path / "home", system=(tmp_path / "etc",))
    assert found == expected


def test_the_stronger_file_goes_first_and_says_where_it_is(
    tmp_path: Path, write: Callable[[str, str], Path]
) -> None:
    write("etc/.condarc", "channels: [system]")
    named = write("named", "channels: [mine]")
    read = read_condarc({"CONDARC": str(named)}, tmp_path, system=(tmp_path / "etc",))
    assert read.channels == ("mine", "system")
    assert str(named) in read.sources


def test_a_file_error_names_the_file(tmp_path: Path, write: Callable[[str, str], Path]) -> None:
    path = write(".condarc", "channels: 3\n")
    with pytest.raises(BadCondarc) as caught:
        read_condarc({}, tmp_path, system=())
    assert caught.value.message.startswith(f"{path}:1: ")


def test_the_bundle_of_requests_counts_where_nothing_says_ssl_verify(tmp_path: Path) -> None:
    environ = {"REQUESTS_CA_BUNDLE": "/etc/corporate.pem"}
    assert read_condarc(environ, tmp_path, system=()).ssl_verify == "/etc/corporate.pem"
    off = environ | {"CONDA_SSL_VERIFY": "false"}
    assert read_condarc(off, tmp_path, system=()).ssl_verify is False
