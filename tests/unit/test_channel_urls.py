"""Which URLs a channel's name stands for, and where its credentials go."""

from pathlib import PurePosixPath

import pytest

from condarium.model.channels import (
    BadChannel,
    ChannelDenied,
    ChannelUrl,
    known_credentials,
    parse_channel_url,
    pinned_to_channels,
    resolve_channel,
    resolve_channels,
)
from condarium.model.condarc import Condarc
from condarium.model.secret import redact_url

HERE = PurePosixPath("/project/specs")
HOME = PurePosixPath("/home/ada")


def urls(name: str, condarc: Condarc | None = None) -> list[str]:
    found = resolve_channel(name, condarc or Condarc(), relative_to=HERE, home=HOME)
    return [each.url for each in found]


def basic(channel: ChannelUrl) -> tuple[str, str]:
    assert channel.credentials is not None
    assert channel.credentials.username is not None
    assert channel.credentials.password is not None
    return channel.credentials.username.reveal(), channel.credentials.password.reveal()


@pytest.mark.parametrize(
    ("name", "url"),
    [
        ("conda-forge", "https://conda.anaconda.org/conda-forge"),
        ("conda-forge/", "https://conda.anaconda.org/conda-forge"),
        ("conda-forge/label/dev", "https://conda.anaconda.org/conda-forge/label/dev"),
        ("https://Host.Example/chan/", "https://host.example/chan"),
        ("http://127.0.0.1:8000/a//b", "http://127.0.0.1:8000/a/b"),
        ("https://[::1]:8000/chan", "https://[::1]:8000/chan"),
        ("https://host.example", "https://host.example"),
        ("https://host.example/my%20channel%2fx", "https://host.example/my%20channel%2Fx"),
        ("/srv/channel", "file:///srv/channel"),
        ("/srv/my channel", "file:///srv/my%20channel"),
        ("file:///srv/my%20channel/", "file:///srv/my%20channel"),
        ("file://localhost/srv/channel", "file:///srv/channel"),
        ("./channel", "file:///project/specs/channel"),
        ("../channel", "file:///project/channel"),
        ("~/channel", "file:///home/ada/channel"),
    ],
)
def test_a_name_a_url_or_a_path_becomes_one_url(name: str, url: str) -> None:
    assert urls(name) == [url]


def test_nodefaults_stands_for_no_channel() -> None:
    assert urls("nodefaults") == []


def test_defaults_stands_for_the_default_channels() -> None:
    condarc = Condarc(default_channels=("https://mirror.example/main", "internal"))
    assert urls("defaults", condarc) == [
        "https://mirror.example/main",
        "https://conda.anaconda.org/internal",
    ]


def test_the_alias_is_put_before_plain_names() -> None:
    condarc = Condarc(channel_alias="https://mirror.example/conda/")
    assert urls("bioconda/label/x", condarc) == ["https://mirror.example/conda/bioconda/label/x"]


def test_an_alias_without_a_scheme_is_https() -> None:
    assert urls("a", Condarc(channel_alias="mirror.example")) == ["https://mirror.example/a"]


def test_a_custom_channel_goes_before_the_alias_and_takes_its_labels_along() -> None:
    condarc = Condarc(custom_channels=(("lab", "https://lab.example/conda"),))
    assert urls("lab", condarc) == ["https://lab.example/conda/lab"]
    assert urls("lab/label/dev", condarc) == ["https://lab.example/conda/lab/label/dev"]
    assert urls("laboratory", condarc) == ["https://conda.anaconda.org/laboratory"]


def test_the_longest_beginning_decides_among_custom_channels() -> None:
    condarc = Condarc(
        custom_channels=(("lab", "https://one.example"), ("lab/gpu", "https://two.example"))
    )
    assert urls("lab/gpu/label/dev", condarc) == ["https://two.example/lab/gpu/label/dev"]


def test_a_custom_channel_may_be_a_folder() -> None:
    assert urls("lab", Condarc(custom_channels=(("lab", "/srv"),))) == ["file:///srv/lab"]


def test_a_multichannel_may_name_names_and_other_multichannels() -> None:
    condarc = Condarc(
        custom_multichannels=(("ours", ("lab", "theirs")), ("theirs", ("conda-forge",))),
        custom_channels=(("lab", "https://lab.example"),),
    )
    assert urls("ours", condarc) == [
        "https://lab.example/lab",
        "https://conda.anaconda.org/conda-forge",
    ]


def test_a_multichannel_that_leads_back_to_itself_is_refused() -> None:
    condarc = Condarc(custom_multichannels=(("a", ("b",)), ("b", ("a",))))
    with pytest.raises(BadChannel, match="a → b → a"):
        urls("a", condarc)


def test_several_names_give_each_url_once_in_order() -> None:
    found = resolve_channels(
        ["b", "a", "https://conda.anaconda.org/b/"], Condarc(), relative_to=HERE
    )
    assert [each.url for each in found] == [
        "https://conda.anaconda.org/b",
        "https://conda.anaconda.org/a",
    ]


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("", "neither"),
        ("conda forge", "neither"),
        ("conda-forge::numpy", "neither"),
        ("a/../b", "neither"),
        ("https://", "without a host"),
        ("https://host/a/../b", "'..'"),
        ("https://host:port/a", "not a URL"),
        ("https://host/a?b=c", "'?'"),
        ("ftp://host/a", "ftp://"),
        ("conda-forge/linux-64", "platform"),
        ("https://host/chan/noarch", "platform"),
        ("/srv/chan/noarch", "platform"),
        ("https://host/t/${LAB_TOKEN}/chan", "LAB_TOKEN"),
    ],
)
def test_what_is_no_channel_is_refused_in_words(name: str, word: str) -> None:
    with pytest.raises(BadChannel) as caught:
        urls(name)
    assert word in caught.value.message


def test_user_and_password_leave_the_url() -> None:
    channel = parse_channel_url("https://ada:p%40ss@host.example/chan")
    assert channel.url == "https://host.example/chan"
    assert basic(channel) == ("ada", "p@ss")


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("https://host.example/t/tk-1/chan", "https://host.example/chan"),
        ("https://host.example/api/conda/t/tk-1/chan", "https://host.example/api/conda/chan"),
        ("https://host.example/t/tk-1", "https://host.example"),
    ],
)
def test_a_token_leaves_the_url_and_comes_back_at_its_place(text: str, clean: str) -> None:
    channel = parse_channel_url(text)
    assert channel.url == clean
    assert channel.with_token() == text


def test_a_folder_named_t_is_no_token() -> None:
    assert urls("/srv/t/channel") == ["file:///srv/t/channel"]


def test_no_repr_has_a_credential() -> None:
    channel = parse_channel_url("https://ada:hunter2@host.example/t/tk-1/chan")
    assert "hunter2" not in repr(channel)
    assert "tk-1" not in repr(channel)
    assert "ada" not in repr(channel)
    condarc = Condarc(
        channels=("https://ada:hunter2@host/t/tk-1/chan",),
        proxy_servers=(("https", "http://ada:hunter2@proxy:3128"),),
    )
    assert "hunter2" not in repr(condarc)
    assert "tk-1" not in repr(condarc)


def test_no_error_has_a_credential() -> None:
    with pytest.raises(BadChannel) as caught:
        urls("https://ada:hunter2@host/t/tk-1/chan?x=1")
    assert "hunter2" not in str(caught.value)
    assert "tk-1" not in str(caught.value)


def test_names_take_the_credentials_of_the_alias_and_of_custom_channels() -> None:
    condarc = Condarc(
        channel_alias="https://ada:pw@mirror.example/t/tk-1/conda",
        custom_channels=(("lab", "https://bob:wp@lab.example"),),
    )
    [named] = resolve_channel("conda-forge", condarc, relative_to=HERE)
    assert named.url == "https://mirror.example/conda/conda-forge"
    assert named.with_token() == "https://mirror.example/t/tk-1/conda/conda-forge"
    [custom] = resolve_channel("lab", condarc, relative_to=HERE)
    assert basic(custom) == ("bob", "wp")


def test_a_clean_url_takes_the_credentials_that_the_condarc_has_for_its_place() -> None:
    condarc = Condarc(
        channels=("https://ada:pw@host.example/private",),
        channel_alias="https://host.example/t/tk-1",
    )
    [private] = resolve_channel("https://host.example/private/x", condarc, relative_to=HERE)
    assert basic(private) == ("ada", "pw")
    [other] = resolve_channel("https://host.example/privateer", condarc, relative_to=HERE)
    assert other.with_token() == "https://host.example/t/tk-1/privateer"
    [foreign] = resolve_channel("https://host.example.evil/private", condarc, relative_to=HERE)
    assert foreign.credentials is None


LAB = Condarc(custom_channels=(("lab", "https://ada:pw@lab.example"),))


@pytest.mark.parametrize(
    ("dependency", "written"),
    [
        ("numpy >=2", "numpy >=2"),
        ("lab::fit >=1", "https://lab.example/lab::fit >=1"),
        ("lab/label/dev::fit", "https://lab.example/lab/label/dev::fit"),
        ("lab/linux-64::fit", "https://lab.example/lab/linux-64::fit"),
        ("https://me:pw@host.example:8080/c::fit", "https://host.example:8080/c::fit"),
        ("./local::fit", "file:///project/specs/local::fit"),
        ("fit[channel=lab]", 'fit[channel="https://lab.example/lab"]'),
        (
            "fit[version='1.*', channel='lab', build=0]",
            "fit[version='1.*', channel=\"https://lab.example/lab\", build=0]",
        ),
    ],
)
def test_the_channel_of_a_dependency_is_written_as_its_url(dependency: str, written: str) -> None:
    found, _ = pinned_to_channels([dependency], [], LAB, relative_to=HERE)
    assert found == (written,)


def test_a_channel_that_only_a_dependency_names_comes_last_with_its_credentials() -> None:
    first = ChannelUrl("https://conda.anaconda.org/conda-forge")
    _, channels = pinned_to_channels(
        ["lab::fit", "conda-forge::numpy"], [first], LAB, relative_to=HERE
    )
    assert [each.url for each in channels] == [first.url, "https://lab.example/lab"]
    assert basic(channels[1]) == ("ada", "pw")


def test_a_dependency_may_not_name_several_channels_or_a_denied_one() -> None:
    with pytest.raises(BadChannel, match="2 channels"):
        pinned_to_channels(["defaults::numpy"], [], LAB, relative_to=HERE)
    with pytest.raises(ChannelDenied):
        pinned_to_channels(["bad::x"], [], Condarc(denylist_channels=("bad",)), relative_to=HERE)


def test_known_credentials_pass_over_an_unset_variable() -> None:
    condarc = Condarc(channels=("https://host/t/${NOT_SET}/a", "https://host/t/tk-1/b"))
    assert [each.url for each in known_credentials(condarc)] == ["https://host/b"]


def test_a_denied_channel_is_refused_with_its_labels_and_however_it_is_written() -> None:
    condarc = Condarc(denylist_channels=("defaults", "bad"))
    for name in ("bad", "bad/label/dev", "https://conda.anaconda.org/bad/", "defaults"):
        with pytest.raises(ChannelDenied, match="denylist_channels"):
            urls(name, condarc)
    assert urls("badly", condarc) == ["https://conda.anaconda.org/badly"]


def test_a_denied_channel_cannot_hide_behind_another_spelling() -> None:
    condarc = Condarc(denylist_channels=("bad",))
    for name in (
        "https://conda.anaconda.org/t/x/bad",
        "https://u:p@CONDA.anaconda.org//bad",
        "https://conda.anaconda.org:443/b%61d",
        "https://conda.anaconda.org./bad/",
    ):
        with pytest.raises(ChannelDenied):
            urls(name, condarc)


def test_with_an_allowlist_everything_else_is_refused() -> None:
    condarc = Condarc(allowlist_channels=("conda-forge",))
    assert urls("conda-forge/label/dev", condarc)
    for name in ("bioconda", "/srv/channel", "defaults"):
        with pytest.raises(ChannelDenied, match="allowlist_channels"):
            urls(name, condarc)


@pytest.mark.parametrize(
    ("text", "redacted"),
    [
        (
            "see https://u:p@h/c and http://x@h/d",
            "see https://********@h/c and http://********@h/d",
        ),
        ("https://u:p@ss@h/c", "https://********@h/c"),
        ("(https://h/t/tk/c)", "(https://h/t/********/c)"),
        ("https://h/api/t/tk", "https://h/api/t/********"),
        ("https://h/c?X-Amz-Signature=abc&a=1", "https://h/c?X-Amz-Signature=********&a=1"),
        ("file:///home/t/abc/c", "file:///home/t/abc/c"),
        ("mail ada@host.example", "mail ada@host.example"),
        ("https://h/c", "https://h/c"),
    ],
)
def test_redaction_masks_credentials_and_nothing_else(text: str, redacted: str) -> None:
    assert redact_url(text) == redacted


BROKEN = [
    "https://user:se#cret@host.example/x",
    "https://user:se/cret@host.example/x",
    "https://user:se?cret@host.example/x",
    "https://user:se:cret@host.example:port/x",
    "https://user:12#cret@host.example/x",
    "https://user:12/cret@host.example/x",
    "https://se/cret@host.example/x",
    "https://[user:se#cret@host.example/x",
    "user:se#cret@host.example/x",
    "https://user:se$cret@host.example/x",
    "ftp://user:se#cret@host.example/x",
]


@pytest.mark.parametrize("text", BROKEN)
def test_a_password_that_breaks_its_url_is_not_shown(text: str) -> None:
    with pytest.raises(BadChannel) as caught:
        urls(text)
    said = f"{caught.value} {caught.value.hint} {vars(caught.value)}"
    assert "se" not in said.replace("user", "").replace("set", "")
    assert "cret" not in said


@pytest.mark.parametrize("text", [text for text in BROKEN if "user:se" in text and "://" in text])
def test_a_broken_url_is_masked_inside_any_text(text: str) -> None:
    assert "cret" not in redact_url(f"GET {text} failed")


def test_what_a_broken_url_needs_is_said() -> None:
    with pytest.raises(BadChannel) as caught:
        urls("https://user:se#cret@host.example/x")
    assert "write '#' as %23" in str(caught.value.hint)


@pytest.mark.parametrize(
    "text",
    [
        "pip install git+https://host.example:8080/repo@v1",
        "https://host.example:8080 and ada@host.example",
        "git+https://host.example/repo@v1",
    ],
)
def test_what_is_no_password_stays(text: str) -> None:
    assert redact_url(text) == text
