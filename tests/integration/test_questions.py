"""Questions about packages, asked of real channels and of environments built from them."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.channel import Made, make_channel

from condarium.cli.main import main
from condarium.client import Client
from condarium.engine.network.errors import NoSuchChannel
from condarium.environments.installed import NotInstalled
from condarium.environments.questions import BadPackageSpec, NoChannelsToAsk, NothingFits
from condarium.errors import BadArguments, NoSuchEnvironment, NoSuchGeneration, UnknownPlatform
from condarium.model.answers import Dependencies, Dependents, Reasons
from condarium.storage.store import NoSuchStore

PACKAGES = [
    Made("app", "1.0", depends=["lib >=1", "snake"]),
    Made("app", "2.0", depends=["lib >=2,<3", "tool"], constrains=["rival <1"], license="MIT"),
    Made("lib", "1.0"),
    Made("lib", "2.0", depends=["core >=1", "__unix"]),
    Made("lib", "2.0", build="1", build_number=1, depends=["core >=1", "__unix"]),
    Made("lib", "10.0", depends=["core >=1"]),
    Made("core", "1.5"),
    Made("tool", "1.0", depends=["core", "snake >=3"]),
    Made("rival", "0.5", constrains=["core <9"]),
    # they need each other, as pip and Python do
    Made("snake", "3.1", depends=["charm"]),
    Made("charm", "4.0", depends=["snake >=3"]),
]


@pytest.fixture(scope="module")
def forge(tmp_path_factory: pytest.TempPathFactory) -> str:
    return make_channel(tmp_path_factory.mktemp("forge"), PACKAGES).as_uri()


@pytest.fixture
def client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Client]:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    with Client(tmp_path / "store") as client:
        yield client


@pytest.fixture
def fit(client: Client, tmp_path: Path, forge: str) -> str:
    file = tmp_path / "environment.yml"
    file.write_text(f"channels: [{forge}]\ndependencies: [app >=2, charm]\n")
    client.env.build("lab/fit", file=file)
    return "lab/fit"


def asks(answer: Dependencies | Dependents) -> list[tuple[str, str, str]]:
    return [(need.dependent, need.package, ", ".join(need.specs)) for need in answer.needs]


def ways(answer: Reasons) -> list[str]:
    return [" → ".join(step.package for step in chain) for chain in answer.chains]


def test_a_search_finds_all_builds_the_newest_first(client: Client, forge: str) -> None:
    found = client.query.search("lib", channel=forge)
    assert [(each.version, each.build) for each in found.packages] == [
        ("10.0", "0"), ("2.0", "1"), ("2.0", "0"), ("1.0", "0"),
    ]  # fmt: skip
    assert found.by == "version"
    assert found.packages[0].url == f"{forge}/noarch/lib-10.0-0.conda"


@pytest.mark.parametrize(
    ("spec", "names"),
    [
        ("*o*", {"core", "tool"}),
        ("LIB", {"lib"}),
        ("l* >=2", {"lib"}),
        ("app 1.0", {"app"}),
        ("lib=2.0=1", {"lib"}),
        ("*[license=MIT]", {"app"}),
    ],
)
def test_a_search_understands_globs_and_matchspecs(
    client: Client, forge: str, spec: str, names: set[str]
) -> None:
    assert {each.name for each in client.query.search(spec, channel=forge).packages} == names


def test_a_limit_counts_lines_and_what_it_leaves_out(client: Client, forge: str) -> None:
    found = client.query.search("lib", channel=forge, limit=2)
    assert [(each.version, each.build) for each in found.packages] == [
        ("10.0", "0"), ("2.0", "1"), ("2.0", "0"),
    ]  # fmt: skip
    assert found.omitted == 1
    with pytest.raises(BadArguments, match="1 or more"):
        client.query.search("lib", channel=forge, limit=0)


def test_what_is_not_found_is_said_with_what_there_is(client: Client, forge: str) -> None:
    with pytest.raises(NothingFits) as raised:
        client.query.search("charn", channel=forge)
    assert raised.value.near == ("charm",)
    with pytest.raises(NothingFits) as raised:
        client.query.search("lib >=99", channel=forge)
    assert raised.value.hint == "There is lib 10.0, 2.0, 1.0."


@pytest.mark.parametrize("spec", ["lib >=1 <2", "l* =>2", "lib ^1", "", "lib==>1"])
def test_a_text_that_would_be_misread_is_refused(client: Client, forge: str, spec: str) -> None:
    for question in (client.query.search, client.query.depends, client.query.whoneeds):
        with pytest.raises(BadPackageSpec) as raised:
            question(spec, channel=forge)
        assert raised.value.hint


def test_channels_come_from_the_condarc(client: Client, forge: str, tmp_path: Path) -> None:
    with pytest.raises(NoChannelsToAsk):
        client.query.search("lib")
    (tmp_path / ".condarc").write_text(f"channels: [{forge}]\n")
    assert client.query.search("lib").packages


def test_a_matchspec_may_name_its_channel(client: Client, forge: str, tmp_path: Path) -> None:
    other = make_channel(tmp_path / "other", [Made("lib", "3.0")])
    found = client.query.search("./other::lib", channel=forge)
    assert [each.version for each in found.packages] == ["3.0"]
    both = client.query.search("lib ==3.0", channel=[forge, str(other)])
    assert [each.channel for each in both.packages] == [other.as_uri()]


def test_places_that_are_none_are_refused(client: Client, forge: str, tmp_path: Path) -> None:
    with pytest.raises(NoSuchChannel):
        client.query.search("lib", channel=str(tmp_path / "nowhere"))
    with pytest.raises(UnknownPlatform):
        client.query.search("lib", channel=forge, platform="linx-64")
    with pytest.raises(NoSuchStore):
        client.query.search("lib", environment="lab/none")
    (tmp_path / "store" / "locks").mkdir(parents=True)
    with pytest.raises(NoSuchEnvironment):
        client.query.search("lib", environment="lab/none")
    with pytest.raises(BadArguments):
        client.query.search("lib", environment="lab/none", channel=forge)


def test_a_search_in_an_environment_finds_what_it_has(client: Client, fit: str) -> None:
    found = client.query.search("*", environment=fit)
    assert {each.name for each in found.packages} == {
        "app", "charm", "core", "lib", "snake", "tool",
    }  # fmt: skip
    (lib,) = client.query.search("lib =2", environment=fit).packages
    assert (lib.version, lib.build) == ("2.0", "1")
    with pytest.raises(NothingFits) as raised:
        client.query.search("lib >=10", environment=fit)
    assert raised.value.hint == "lab/fit generation 1 has lib 2.0."


def test_dependencies_are_those_of_the_newest_that_fits(client: Client, forge: str) -> None:
    answer = client.query.depends("app", channel=forge)
    assert asks(answer) == [("app", "lib", "lib >=2,<3"), ("app", "tool", "tool")]
    assert answer.package.constrains == ("rival <1",)
    older = client.query.depends("app <2", channel=forge)
    assert [need.package for need in older.needs] == ["lib", "snake"]


def test_the_first_channel_that_has_a_package_answers_for_it(
    client: Client, forge: str, tmp_path: Path
) -> None:
    other = str(make_channel(tmp_path / "other", [Made("app", "9.0")]))
    assert client.query.depends("app", channel=[forge, other]).package.version == "2.0"
    assert client.query.depends("app", channel=[other, forge]).package.version == "9.0"
    tree = client.query.depends("./other::app", channel=forge, tree=True)
    assert (tree.package.version, tree.needs) == ("9.0", ())


def test_a_tree_of_dependencies_is_what_a_solve_would_choose(client: Client, forge: str) -> None:
    answer = client.query.depends("app", channel=forge, tree=True)
    versions = {need.package: need.package_version for need in answer.needs}
    assert versions == {
        "lib": "2.0", "tool": "1.0", "core": "1.5", "snake": "3.1", "charm": "4.0", "__unix": None,
    }  # fmt: skip


def test_dependencies_in_an_environment_are_what_is_there(client: Client, fit: str) -> None:
    answer = client.query.depends("app", environment=fit)
    assert [(need.package, need.package_version) for need in answer.needs] == [
        ("lib", "2.0"), ("tool", "1.0"),
    ]  # fmt: skip
    tree = client.query.depends("app", environment=fit, tree=True)
    assert ("charm", "snake", "snake >=3") in asks(tree)


def test_dependents_in_channels_are_named_once_with_their_newest_words(
    client: Client, forge: str
) -> None:
    answer = client.query.whoneeds("lib", channel=forge)
    assert asks(answer) == [("app", "lib", "lib >=2,<3")]
    assert (answer.needs[0].dependent_version, answer.needs[0].builds) == ("2.0", 2)


def test_what_only_constrains_a_package_does_not_need_it(client: Client, forge: str) -> None:
    assert "rival" not in {n.dependent for n in client.query.whoneeds("core", channel=forge).needs}


def test_with_a_version_only_those_count_who_accept_it(client: Client, forge: str) -> None:
    answer = client.query.whoneeds("lib 1.0", channel=forge)
    assert [(n.dependent, n.dependent_version) for n in answer.needs] == [("app", "1.0")]
    assert answer.version == "1.0"
    assert client.query.whoneeds("lib >=10", channel=forge).needs[0].dependent_version == "1.0"


def test_who_needs_nothing_real(client: Client, forge: str, fit: str) -> None:
    assert client.query.whoneeds("app", channel=forge).needs == ()
    assert asks(client.query.whoneeds("__unix", channel=forge)) == [("lib", "__unix", "__unix")]
    assert asks(client.query.whoneeds("__unix", environment=fit)) == [("lib", "__unix", "__unix")]
    for place in ({"channel": forge}, {"environment": fit}):
        with pytest.raises((NothingFits, NotInstalled), match="liq"):
            client.query.whoneeds("liq", **place)


def test_dependents_in_an_environment_may_be_a_tree(client: Client, fit: str, forge: str) -> None:
    direct = client.query.whoneeds("core", environment=fit)
    assert asks(direct) == [("lib", "core", "core >=1"), ("tool", "core", "core")]
    tree = client.query.whoneeds("core", environment=fit, tree=True)
    assert {need.dependent for need in tree.needs} == {"lib", "tool", "app"}
    with pytest.raises(BadArguments, match="environment"):
        client.query.whoneeds("core", channel=forge, tree=True)


def test_why_gives_every_shortest_chain_from_what_was_asked_for(client: Client, fit: str) -> None:
    answer = client.query.why("core", fit)
    assert ways(answer) == ["app → lib → core", "app → tool → core"]
    assert [step.specs for step in answer.chains[0]] == [
        ("app >=2",), ("lib >=2,<3",), ("core >=1",),
    ]  # fmt: skip
    assert answer.asked == ()


def test_why_says_that_a_package_was_asked_for_and_who_else_needs_it(
    client: Client, fit: str
) -> None:
    answer = client.query.why("CHARM", fit)
    assert answer.asked == ("charm",)
    assert ways(answer) == ["app → tool → snake → charm"]
    assert client.query.why("app", fit).chains == ()


def test_why_knows_virtual_packages(client: Client, fit: str) -> None:
    answer = client.query.why("__unix", fit)
    assert (ways(answer), answer.version) == (["app → lib → __unix"], None)


def test_why_names_what_is_near_where_there_is_no_such_package(client: Client, fit: str) -> None:
    with pytest.raises(NotInstalled) as raised:
        client.query.why("charn", fit)
    assert raised.value.near == ("charm",)
    with pytest.raises(BadPackageSpec):
        client.query.why("core >=1", fit)
    with pytest.raises(NoSuchGeneration):
        client.query.why("core", fit, 7)


def test_why_begins_at_what_nothing_needs_where_only_a_lock_is_known(
    client: Client, fit: str, tmp_path: Path
) -> None:
    client.lock(file=tmp_path / "environment.yml", output=tmp_path / "pixi.lock")
    client.env.build("lab/copy", lock=tmp_path / "pixi.lock")
    answer = client.query.why("core", "lab/copy")
    assert not answer.spec
    assert ways(answer) == ["app → lib → core", "app → tool → core"]


def test_why_answers_about_a_file_that_nobody_built(client: Client, forge: str) -> None:
    Path("new.yml").write_text(f"channels: [{forge}]\ndependencies: [tool]\n")
    assert ways(client.query.why("charm", file="new.yml")) == ["tool → snake → charm"]
    with pytest.raises(BadArguments):
        client.query.why("charm")
    with pytest.raises(BadArguments):
        client.query.why("charm", "lab/fit", file="new.yml")


def test_the_command_prints_a_tree(
    fit: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--store", str(tmp_path / "store"), "query", "why", "core", fit]) == 0
    assert capsys.readouterr().out.splitlines()[1:] == [
        "app 2.0  asked for: app >=2",
        "├─ lib 2.0  >=2,<3",
        "│  └─ core 1.5  >=1",
        "└─ tool 1.0",
        "   └─ core 1.5",
    ]


def test_nothing_found_is_an_exit_status_of_its_own(
    client: Client, forge: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    store = ["--store", str(tmp_path / "store")]
    missing = main([*store, "query", "search", "charn", "-c", forge])
    assert missing == main([*store, "env", "show", "lab/none"])
    assert "Did you mean charm?" in capsys.readouterr().err


def test_credentials_of_a_channel_are_never_shown(
    client: Client, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    channel = "http://ada:hunter2@127.0.0.1:9/t/tk-123/lab"
    (tmp_path / ".condarc").write_text("remote_max_retries: 0\n")
    assert main(["--store", str(tmp_path / "store"), "query", "search", "x", "-c", channel]) != 0
    said = capsys.readouterr()
    assert "hunter2" not in said.out + said.err
    assert "tk-123" not in said.out + said.err


def test_a_package_that_priority_hides_is_said_to_be_hidden(
    client: Client, forge: str, tmp_path: Path
) -> None:
    other = make_channel(tmp_path / "other", [Made("app", "9.0")]).as_uri()
    with pytest.raises(NothingFits) as raised:
        client.query.depends("app >=9", channel=[forge, other])
    assert f"-c {other}" in (raised.value.hint or "")


@pytest.mark.parametrize("way", [("lab/fit",), ("-n", "lab/fit"), ("--environment", "lab/fit")])
@pytest.mark.parametrize("verb", ["search", "depends", "whoneeds", "why"])
def test_an_environment_is_named_either_way(
    fit: str, verb: str, way: tuple[str, ...], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert main(["--store", str(tmp_path / "store"), "query", verb, "core", *way, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["source"] == "lab/fit generation 1"


@pytest.mark.parametrize(
    ("words", "said", "hint"),
    [
        (("query", "why", "x", "a/b", "-n", "c/d"), "given twice: 'a/b' and 'c/d'", "Leave -n out"),
        (("env", "diff", "a/b", "c/d"), "A: found 'c/d'; expected a whole", "--lock other.lock"),
    ],
)
def test_an_environment_too_many_is_said_with_what_to_do(
    words: tuple[str, ...], said: str, hint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == 2
    error = capsys.readouterr().err
    assert said in error
    assert hint in error
