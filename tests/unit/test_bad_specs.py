"""What a person is told about an environment.yml that is not valid: one row for each kind."""

from typing import NamedTuple

import pytest
from tests.support.specs import all_words, depends, piplist, refusal


class Bad(NamedTuple):
    kind: str
    text: str
    line: int
    words: tuple[str, ...]


BAD = [
    # what is no environment.yml at all
    Bad("empty file", "", 1, ("an empty file", "dependencies: [python]")),
    Bad("only comments", "# nothing\n", 1, ("an empty file",)),
    Bad("list at the top", "- numpy\n- pandas\n", 1, ("a list at the top", "dependencies:")),
    Bad("one word", "numpy", 1, ("'numpy'", "name, channels, dependencies")),
    Bad("requirements.txt", "numpy>=1.2\npandas==2\n", 1, ("requirements.txt", "- pip:")),
    Bad("requirements with options", "-r base.txt\n--pre\nrich\n", 1, ("requirements.txt",)),
    Bad("conda list --export", "numpy=1.2=py_0\nzlib=1=0\n", 1, ("requirements.txt", "- NAME")),
    Bad("conda-lock.yml", "version: 1\nmetadata: {}\npackage: []\n", 1, ("conda-lock.yml",)),
    Bad("pixi.lock", "version: 6\nenvironments: {}\npackages: []\n", 1, ("pixi.lock", "--lock")),
    Bad("explicit lock", "# x\n@EXPLICIT\nhttps://h/a-1-0.conda\n", 1, ("@EXPLICIT",)),
    Bad("pixi.toml", '[workspace]\nname = "x"\n', 1, ("pixi.toml", "export")),
    Bad("pyproject.toml", '[project]\nname = "x"\n', 1, ("pyproject.toml",)),
    Bad("meta.yaml", "{% set v = 1 %}\npackage:\n  name: x\nbuild: {}\n", 1, ("meta.yaml",)),
    Bad("recipe.yaml", "schema_version: 1\npackage: {}\n", 1, ("recipe.yaml",)),
    Bad("condarc", "channels: [x]\nchannel_priority: strict\n", 1, (".condarc",)),
    Bad("workflow", "name: CI\non: push\njobs: {}\n", 1, ("GitHub Actions",)),
    Bad("web page", "<!DOCTYPE html>\n<html>", 1, ("a web page", "Raw")),
    Bad(
        "merge conflict",
        "dependencies:\n<<<<<<< HEAD\n  - numpy\n=======\n  - scipy\n>>>>>>> main\n",
        2,
        ("merge conflict", "<<<<<<<"),
    ),
    Bad(
        "password that breaks a URL",
        "channels:\n  - https://user:se#cret@host/x\ndependencies: [a]\n",
        2,
        ("'https://********@host/x'", "%23"),
    ),
    # what is not YAML
    Bad("tab", "dependencies:\n  - numpy\n\t- pandas\n", 3, ("a tab", "spaces")),
    Bad("open quote", 'name: "x\ndependencies: []\n', 1, ("never closed",)),
    Bad("open bracket", "dependencies: [numpy, pandas\n", 1, ("bracket", "never closed")),
    Bad("colon in a value", "name: a: b\ndependencies: []\n", 1, ("a ':' where no key",)),
    Bad("no colon after a key", "dependencies\n  - numpy\nname: x\n", 3, ("the line before",)),
    Bad("undefined alias", "dependencies:\n  - *numpy\n", 2, ("defined nowhere", "Quote")),
    Bad("at sign", depends("@conda-forge"), 2, ("no YAML text may begin with",)),
    Bad("crooked indentation", "name: x\n dependencies: []\n", 2, ("a ':'", "indentation")),
    Bad("out of the list", "dependencies:\n  - a\n pip: b\n", 3, ("indented", "below each other")),
    Bad("two documents", "dependencies: []\n---\ndependencies: []\n", 2, ("second YAML document",)),
    Bad("control character", "name: x\ndependencies: [\x07]\n", 2, ("'\\x07'", "damaged")),
    Bad("lone surrogate", "name: \ud800\ndependencies: []\n", 1, ("'\\ud800'",)),
    Bad("deep nesting", "dependencies:\n  " + "- " * 200_000, 2, ("deep", "few levels")),
    Bad("Jinja block", "{% if gpu %}\nname: x\n{% endif %}\n", 1, ("Jinja", "write out")),
    Bad("Jinja name", "name: {{ name }}\ndependencies: []\n", 1, ("Jinja", "write out")),
    Bad("a huge file", "#" * 1_000_001, 1, ("1,000,001 characters",)),
    # the keys at the top
    Bad("no dependencies", "name: x\n", 1, ("no key 'dependencies'", "Add 'dependencies:'")),
    Bad("dependancies", "dependancies:\n  - numpy\n", 1, ("Did you mean 'dependencies:'?",)),
    Bad("Dependencies", "name: x\nDependencies: []\n", 2, ("Did you mean 'dependencies:'?",)),
    Bad("channel", "channel: x\ndependencies: []\n", 1, ("Did you mean 'channels:'?",)),
    Bad("chanels", "dependencies: []\nchanels: [x]\n", 2, ("Did you mean 'channels:'?",)),
    Bad("platform", "platform: x\ndependencies: []\n", 1, ("Did you mean 'platforms:'?",)),
    Bad(
        "system_requirements",
        "dependencies: []\nsystem_requirements: {}\n",
        2,
        ("Did you mean 'system-requirements:'?",),
    ),
    Bad("env_vars", "dependencies: []\nenv_vars: {A: b}\n", 2, ("Call it 'variables:'",)),
    Bad("pip at the top", "dependencies: [python]\npip: [rich]\n", 2, ("'- pip:'",)),
    Bad("key twice", "name: x\ndependencies: []\nname: y\n", 3, ("second time", "in line 1")),
    Bad("list as a key", "? [a]\n: b\ndependencies: []\n", 1, ("a list as a key",)),
    # name
    Bad("slash in name", "name: lab/fit\ndependencies: []\n", 1, ("'lab/fit'", "'lab-fit'")),
    Bad("space in name", "dependencies: []\nname: my env\n", 2, ("'my env'", "'my-env'")),
    Bad("colon in name", 'name: "a:b"\ndependencies: []\n', 1, ("without '/'",)),
    Bad("hash in name", "name: a#b\ndependencies: []\n", 1, ("'#'",)),
    Bad("base as name", "name: base\ndependencies: []\n", 1, ("conda's own environment",)),
    Bad("empty name", "name: ''\ndependencies: []\n", 1, ("as the name",)),
    Bad("list as name", "name: [x]\ndependencies: []\n", 1, ("a list as the name",)),
    # channels
    Bad("channel as text", "channels: x\ndependencies: []\n", 1, ("'channels: [x]'",)),
    Bad("channels in one text", "channels: [a]\ndependencies: []\nname: [b]\n", 3, ("a list",)),
    Bad("comma in channels", "channels:\n  - a, b\ndependencies: []\n", 2, ("item of its own",)),
    Bad("space in channel", "channels:\n  - a b\ndependencies: []\n", 2, ("no spaces",)),
    Bad("empty channel", "channels:\n  - a\n  - ''\ndependencies: []\n", 3, ("Delete the item",)),
    Bad("null channel", "channels:\n  -\ndependencies: []\n", 2, ("nothing", "Delete")),
    Bad("channel as mapping", "channels:\n  - url: x\ndependencies: []\n", 2, ("'url: …'",)),
    Bad("package as channel", "channels: ['a::b']\ndependencies: []\n", 1, ("'::'",)),
    Bad("one slash in a URL", "channels: ['https:/h/c']\ndependencies: []\n", 1, ("'://'",)),
    # dependencies
    Bad("null dependencies", "name: x\ndependencies:\n", 2, ("nothing", "write []")),
    Bad("dependencies as text", "dependencies: numpy\n", 1, ("a list", "'- '")),
    Bad("dependencies as mapping", "dependencies:\n  numpy: 1\n", 2, ("no colon",)),
    Bad("number", depends("3.10"), 2, ("the number 3.10", "'python =3.10'")),
    Bad("quoted number", depends("'3.10'"), 2, ("'3.10'", "'python =3.10'")),
    Bad("bool", depends("numpy", "yes"), 3, ("true or false", "between quotes: 'yes'")),
    Bad("date", depends("2024-01-01"), 2, ("the date 2024-01-01",)),
    Bad("null item", depends("numpy", ""), 3, ("nothing", "Delete the item")),
    Bad("list in list", depends("[numpy, scipy]"), 2, ("a list", "no lists inside")),
    Bad("package as mapping", depends("numpy: 1.2"), 2, ("'numpy:'", "'- numpy=1.2'")),
    Bad("range as mapping", depends("numpy: '>=1'"), 2, ("'- numpy>=1'",)),
    Bad("stray colon", depends("numpy:"), 2, ("'- numpy' without a colon",)),
    Bad("unknown installer", depends("npm: [d3]"), 2, ("'npm:'", "No installer")),
    Bad("pypi list", depends("python", "pypi: [rich]"), 3, ("Call it 'pip:'",)),
    Bad("wrong indentation", "dependencies:\n- a\n - b\n", 2, ("next line", "indentation")),
    Bad("comment selector", depends("numpy", "pywin32  # [win]"), 3, ("[win]", "each platform")),
    Bad("longer selector", depends("a # [linux and not arm64]"), 2, ("selector",)),
    Bad("sel()", depends("sel(win): pywin32"), 2, ("'sel(win):'", "each platform")),
    Bad("Jinja in item", depends("python={{ py }}"), 2, ("Jinja",)),
    Bad("Jinja item", depends("{{ python }}"), 2, ("Jinja",)),
    Bad("two operators", depends("numpy==>1.2"), 2, ("'==>'", "'numpy>1.2'")),
    Bad("operator reversed", depends("numpy=>1.2"), 2, ("'numpy>=1.2'",)),
    Bad("triple equals", depends("numpy===1.2"), 2, ("'numpy==1.2'",)),
    Bad("caret", depends("numpy^1.2"), 2, ("'^'", "a range")),
    Bad("version missing", depends("numpy >="), 2, ("A version is missing",)),
    Bad("half a range", depends("numpy >=1.2,"), 2, ("missing after ','",)),
    Bad("no comma", depends("numpy >=1.2 <2"), 2, ("comma", "'numpy >=1.2,<2'")),
    Bad("and", depends("numpy >=1.2 and <2"), 2, ("','", "'|'")),
    Bad("pip extra", depends("dask[complete]>=2"), 2, ("no extras", "'dask>=2'", "- pip:")),
    Bad("marker", depends("tomli; python_version < '3.11'"), 2, ("Markers",)),
    Bad("option of pip", depends("-r requirements.txt"), 2, ("option of pip",)),
    Bad("git among conda", depends("git+https://h/a/b"), 2, ("repository",)),
    Bad("local folder", depends("./mine"), 2, ("local", "channel")),
    Bad("package URL", depends("https://h/c/linux-64/a-1-0.conda"), 2, ("'https://h/c::a==1=0'",)),
    Bad("package file", depends("a-1-0.tar.bz2"), 2, ("'a==1=0'",)),
    Bad("pip:name", depends("pip:rich"), 2, ("with a space",)),
    Bad("one colon", depends("conda-forge:numpy"), 2, ("'conda-forge::numpy'",)),
    Bad("channel with slash", depends("conda-forge/numpy"), 2, ("'conda-forge::numpy'",)),
    Bad("two in an item", depends("numpy scipy"), 2, ("item of its own",)),
    Bad("comma in an item", depends("numpy, scipy"), 2, ("item of its own",)),
    Bad("a command", depends("conda install numpy"), 2, ("a command",)),
    Bad("latest", depends("numpy=latest"), 2, ("Leave 'latest' out",)),
    Bad("glob", depends("numpy-*"), 2, ("in full",)),
    Bad("name missing", depends("conda-forge::"), 2, ("name after 'conda-forge::'",)),
    Bad("quoted channel alone", depends("'conda-forge::'"), 2, ("name after '::'",)),
    Bad("bad character", depends("num$py"), 2, ("letters, digits",)),
    # pip
    Bad("pip without Python", "dependencies:\n  - zlib\n  - pip: [rich]\n", 3, ("Add python",)),
    Bad("pip as text", "dependencies:\n  - python\n  - pip: rich\n", 3, ("'rich'", "a list")),
    Bad(
        "null pip", "dependencies:\n  - python\n  - pip:\n  - zlib\n", 3, ("nothing after 'pip:'",)
    ),
    Bad("single equals", piplist("rich=13"), 4, ("'rich==13'",)),
    Bad("two requirements", piplist("rich", "numpy scipy"), 5, ("item of its own",)),
    Bad("bad requirement", piplist("rich>=>1"), 4, ("PEP 508",)),
    Bad("channel in pip", piplist("conda-forge::rich"), 4, ("conda packages",)),
    Bad("number in pip", piplist("3.10"), 4, ("the number",)),
    Bad("mapping in pip", piplist("rich: 13"), 4, ("'rich: …'",)),
    Bad("-r", piplist("-r requirements.txt"), 4, ("Copy the lines",)),
    Bad("-rfile", piplist("-rrequirements.txt"), 4, ("Copy the lines",)),
    Bad("-e .", piplist("-e ."), 4, ("PYTHONPATH",)),
    Bad("-c", piplist("-c constraints.txt"), 4, ("constraints",)),
    Bad("local path", piplist("./mine"), 4, ("local", "index")),
    Bad("local wheel", piplist("mine-1.0-py3-none-any.whl"), 4, ("local",)),
    Bad("file URL", piplist("mine @ file:///src/mine"), 4, ("local",)),
    Bad("repository", piplist("git+https://h/a/b@main"), 4, ("no hash", "released version")),
    Bad("named repository", piplist("b @ git+https://h/a/b"), 4, ("no hash",)),
    Bad("bare URL", piplist("https://h/b-1-py3-none-any.whl"), 4, ("'NAME @ https://h/b-1",)),
    Bad("URL of a page", piplist("b @ https://h/b"), 4, (".whl",)),
    Bad("hash", piplist("rich==13 --hash=sha256:00"), 4, ("Leave --hash out",)),
    Bad("index without URL", piplist("--index-url"), 4, ("a value after --index-url",)),
    Bad("index without scheme", piplist("-i pypi.example/simple"), 4, ("https://",)),
    Bad("unknown option", piplist("--user"), 4, ("--user", "--extra-index-url")),
    Bad("option behind", piplist("rich --pre"), 4, ("item of their own",)),
    Bad("python in pip", piplist("python>=3.10"), 4, ("a conda package",)),
    # variables
    Bad("variables as list", "dependencies: []\nvariables:\n  - A=b\n", 3, ("'NAME: value'",)),
    Bad("variable's name", "dependencies: []\nvariables:\n  MY-VAR: x\n", 3, ("'MY-VAR'", "'_'")),
    Bad("null variable", "dependencies: []\nvariables:\n  A:\n", 3, ("nothing", 'Write ""')),
    Bad("list variable", "dependencies: []\nvariables:\n  A: [b]\n", 3, ("a list for the",)),
    Bad("variable twice", "dependencies: []\nvariables: {A: b,\n  A: c}\n", 3, ("second time",)),
    Bad("NUL", 'dependencies: []\nvariables: {A: "a\\0b"}\n', 2, ("NUL",)),
    # platforms
    Bad("platform as text", "platforms: osx-64\ndependencies: []\n", 1, ("[osx-64]",)),
    Bad("linux", "dependencies: []\nplatforms:\n  - linux\n", 3, ("Did you mean 'linux-64'?",)),
    Bad("macOS", "dependencies: []\nplatforms: [macos-arm64]\n", 2, ("'osx-arm64'?",)),
    Bad("linux_64", "dependencies: []\nplatforms: [linux_64]\n", 2, ("'linux-64'?",)),
    Bad("noarch", "dependencies: []\nplatforms: [noarch]\n", 2, ("every platform",)),
    Bad("amiga", "dependencies: []\nplatforms: [amiga]\n", 2, ("These are known", "win-64")),
    # system-requirements
    Bad(
        "unknown requirement",
        "dependencies: []\nsystem-requirements:\n  __cuda: 12\n",
        3,
        ("Did you mean 'cuda'?",),
    ),
    Bad("libc", "dependencies: []\nsystem-requirements: {libc: 2}\n", 2, ("mean 'glibc'?",)),
    Bad(
        "a range", "dependencies: []\nsystem-requirements: {cuda: '>=12'}\n", 2, ("'>=12'", "12.4")
    ),
    Bad("a bool", "dependencies: []\nsystem-requirements: {cuda: true}\n", 2, ("digits",)),
    Bad("no version", "dependencies: []\nsystem-requirements:\n  cuda:\n", 3, ("nothing",)),
    Bad(
        "bad archspec", "dependencies: []\nsystem-requirements: {archspec: 3}\n", 2, ("x86_64_v3",)
    ),
    Bad(
        "osx twice", "dependencies: []\nsystem-requirements: {osx: 13,\n macos: 13}\n", 3, ("same",)
    ),
    Bad("as list", "dependencies: []\nsystem-requirements: [cuda]\n", 2, ("a list", "cuda:")),
]


@pytest.mark.parametrize("bad", BAD, ids=lambda bad: bad.kind)
def test_a_bad_spec_is_refused_at_its_line_in_words_that_help(bad: Bad) -> None:
    error = refusal(bad.text)
    assert error.line == bad.line, all_words(error)
    assert [word for word in bad.words if word not in all_words(error)] == [], all_words(error)
    assert error.message.startswith(f"environment.yml:{bad.line}:{error.column}: found ")


def test_the_table_has_every_kind_once() -> None:
    assert len({bad.kind for bad in BAD}) == len(BAD) >= 40
