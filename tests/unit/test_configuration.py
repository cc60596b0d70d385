"""The configuration file: every option, every mistake, and that the environment goes first."""

import re
from pathlib import Path

import pytest

import condarium
from condarium.cli.settings_reference import settings_page
from condarium.operating import configuration
from condarium.settings import BadSetting, Settings
from condarium.settings.configuration import BadConfiguration, read_file
from condarium.settings.options import OPTIONS, SECTIONS, Kind

_NOT_SETTINGS = {"CONDARIUM_ANY"}
_HANDED_ON = {"CONDARIUM_JOB", "CONDARIUM_BUILDS_NOTHING"}
"""What condarium tells its own processes."""


def settings(folder: Path, text: str = "", **environ: str) -> Settings:
    if text:
        (folder / "condarium.toml").write_text(text)
    return Settings.read({"HOME": str(folder), "CONDARIUM_STORE": str(folder), **environ})


def problems(folder: Path, text: str) -> list[tuple[int, str]]:
    with pytest.raises(BadConfiguration) as raised:
        settings(folder, text)
    return [(each.line, f"{each.found}: {each.hint or ''}") for each in raised.value.problems]


def test_every_variable_that_the_code_reads_is_an_option_and_the_reverse() -> None:
    sources = Path(condarium.__file__).parent.rglob("*.py")
    texts = {path: path.read_text() for path in sources if path.name != "options.py"}
    used = set(re.findall(r'"(CONDARIUM_[A-Z_]*[A-Z])"', "\n".join(texts.values())))
    options = {option.variable for option in OPTIONS}
    files = {f"{option.variable}_FILE" for option in OPTIONS if option.secret}
    assert used - _HANDED_ON <= options
    assert options - files - {"OTEL_EXPORTER_OTLP_ENDPOINT"} <= used
    assert files <= options


def test_the_reference_page_is_current() -> None:
    page = Path(__file__).parents[2] / "docs" / "reference" / "settings.md"
    assert page.read_text() == settings_page(), "`make docs` writes it anew"


def test_options_are_called_by_one_name_each_and_lie_in_sections_that_are_explained() -> None:
    assert len({option.variable for option in OPTIONS}) == len(OPTIONS)
    assert len({option.key for option in OPTIONS}) == len(OPTIONS)
    assert {option.section for option in OPTIONS if option.in_file} == SECTIONS.keys()
    assert all(option.default is not None or option.help for option in OPTIONS)


def test_the_template_says_nothing_and_is_right_once_all_is_uncommented(tmp_path: Path) -> None:
    template = configuration.template()
    file = tmp_path / "condarium.toml"
    file.write_text(template)
    assert read_file(file) == {}
    assert max(map(len, template.splitlines())) <= 100
    shown = re.sub(r"^#(\w+ = )", r"\1", template, flags=re.MULTILINE)
    found = read_file(_written(file, shown))
    assert found.keys() == {option.variable for option in OPTIONS if option.in_file}


def _written(file: Path, text: str) -> Path:
    file.write_text(text)
    return file


def test_defaults_in_the_table_are_those_of_the_code(tmp_path: Path) -> None:
    said = {
        option.variable: configuration._toml(option, option.default).strip('"')
        for option in OPTIONS
        if option.default is not None and option.in_file and option.kind is not Kind.WORDS
    }
    for read in configuration.READERS[1:]:
        assert read(said) == read({})


def test_a_file_is_laid_under_the_environment(tmp_path: Path) -> None:
    text = '[server]\nmax_age = 60\nupload_limit = "5G"\n[sign_in]\npasswords = false\n'
    text += 'oidc_scopes = ["email", "groups"]\n[store]\nblobs = "s3://here"\n'
    found = settings(tmp_path, text, CONDARIUM_MAX_AGE="7")
    assert found.environ["CONDARIUM_MAX_AGE"] == "7"
    assert found.environ["CONDARIUM_UPLOAD_LIMIT"] == "5G"
    assert found.environ["CONDARIUM_PASSWORDS"] == "0"
    assert found.environ["CONDARIUM_OIDC_SCOPES"] == "email,groups"
    assert (found.blobs, found.file) == ("s3://here", tmp_path / "condarium.toml")


def test_a_named_file_goes_before_the_stores_and_must_be_there(tmp_path: Path) -> None:
    other = _written(tmp_path / "other.toml", f'[store]\nstore = "{tmp_path}/elsewhere"\n')
    found = Settings.read({"HOME": str(tmp_path), "CONDARIUM_CONFIG": str(other)})
    assert (found.store, found.named) == (tmp_path / "elsewhere", True)
    with pytest.raises(BadConfiguration, match="No such file"):
        settings(tmp_path, CONDARIUM_CONFIG="/nowhere/condarium.toml")


def test_a_secret_may_be_in_a_file(tmp_path: Path) -> None:
    secret = _written(tmp_path / "secret", "postgresql://me:pw@host/db\n")
    found = settings(tmp_path, f'[store]\ndatabase_file = "{secret}"\n')
    assert found.database == "postgresql://me:pw@host/db"
    with pytest.raises(BadSetting, match="CONDARIUM_DATABASE_FILE"):
        settings(tmp_path, f'[store]\ndatabase_file = "{secret}x"\n')


def test_all_that_is_wrong_is_said_with_its_line(tmp_path: Path) -> None:
    text = (
        '# a comment\n[server]\nmax_agge = 3\nupload_limit = "12X"\n[stroe]\nx = 1\n'
        '[sign_in]\npasswords = "yes"\npublic_url = "https://x.org"\n[jbos]\n'
    )
    found = dict(problems(tmp_path, text))
    assert sorted(found) == [3, 4, 5, 8, 9, 10]
    assert "Did you mean max_age in [server]?" in found[3]
    assert "upload_limit = '12X'" in found[4]
    assert "Did you mean [store]?" in found[5]
    assert "Did you mean public_url in [server]?" in found[9]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("[server\n", 1),
        ("[server]\nmax_age = \n", 2),
        ("max_age = 3\n", 1),
        ('[server]\n\nmax_age = "soon"\n', 3),
        ("[server]\nmax_age = true\n", 2),
        ("[sign_in]\noidc_scopes = [1]\n", 2),
        ('[server]\npublic_url = "ftp://x"\n', 2),
        ('[worker]\njob_time = "forever"\n', 2),
        ('[worker]\njob_attempts = "many"\n', 2),
    ],
)
def test_each_mistake_is_said_where_it_is(text: str, line: int, tmp_path: Path) -> None:
    assert [found[0] for found in problems(tmp_path, text)] == [line]


def test_bytes_that_are_no_text_are_said(tmp_path: Path) -> None:
    (tmp_path / "condarium.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(BadConfiguration, match="not UTF-8"):
        settings(tmp_path)


def test_check_finds_what_only_a_reader_of_settings_knows(tmp_path: Path) -> None:
    file = _written(tmp_path / "x.toml", '[server]\n\ntrusted_proxies = ["everybody"]\n')
    with pytest.raises(BadConfiguration) as raised:
        configuration.check(file, settings(tmp_path))
    assert raised.value.line == 3
    right = _written(tmp_path / "y.toml", '[server]\ntrusted_proxies = ["10.0.0.0/8"]\n')
    assert configuration.check(right, settings(tmp_path)).options == ("server.trusted_proxies",)
    with pytest.raises(BadSetting):
        configuration.check(None, settings(tmp_path, CONDARIUM_MAX_AGE="x"))


def test_show_says_where_each_value_is_from_and_masks_secrets(tmp_path: Path) -> None:
    text = '[server]\nmax_age = 60\nadmin_token = "hunter2hunter2hunter2"\n'
    found = settings(tmp_path, text, CONDARIUM_DATABASE="postgresql://me:hunter2@h/d")
    shown = {each.name: each for each in configuration.show(found)}
    assert (shown["server.max_age"].value, shown["server.max_age"].source) == ("60", "file")
    assert shown["server.upload_limit"].source == "default"
    assert shown["store.database"].source == "environment"
    assert "hunter2" not in str(shown)


def test_a_variable_that_says_nothing_is_named(tmp_path: Path) -> None:
    environ = {"HOME": str(tmp_path), "CONDARIUM_JOB_RETENTON": "1d", "CONDARIUM_QQ": "1"}
    settings = Settings.read(environ, store=tmp_path / "store")
    assert configuration.check(None, settings).unknown == {
        "CONDARIUM_JOB_RETENTON": "CONDARIUM_JOB_RETENTION",
        "CONDARIUM_QQ": "",
    }
