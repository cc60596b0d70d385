"""Which other file somebody gave where an environment.yml was expected."""

import re
from dataclasses import dataclass

_ASK_FOR_ENVIRONMENT = "Give an environment.yml, which has a list under 'dependencies:'."


@dataclass(frozen=True)
class Lookalike:
    """A kind of file (`what`, with its article) and what its owner can do with it here."""

    what: str
    advice: str


_LOCK = "It holds the outcome of a solve: "
_CONDA_LOCK = Lookalike(
    "a conda-lock.yml", _LOCK + "give the environment.yml that it was made from."
)
_PIXI_LOCK = Lookalike("a pixi.lock", _LOCK + "give it with --lock to install exactly that.")
_EXPLICIT = Lookalike(
    "an explicit lock (@EXPLICIT)", _LOCK + "give the environment.yml that it was made from."
)
_RECIPE = Lookalike("a package's recipe (meta.yaml)", _ASK_FOR_ENVIRONMENT)
_NEW_RECIPE = Lookalike("a package's recipe (recipe.yaml)", _ASK_FOR_ENVIRONMENT)
_PIXI = Lookalike(
    "a pixi.toml", "Write an environment.yml: `pixi workspace export conda-environment` does so."
)
_PYPROJECT = Lookalike("a pyproject.toml", _ASK_FOR_ENVIRONMENT)
_REQUIREMENTS = Lookalike(
    "a requirements.txt",
    "Write an environment.yml: below 'dependencies:' each conda package as an item, '- NAME', and "
    "each package of PyPI as an item of a list '- pip:', with python beside it.",
)
_CONDARC = Lookalike("conda's configuration (.condarc)", _ASK_FOR_ENVIRONMENT)
_WORKFLOW = Lookalike("a GitHub Actions workflow", _ASK_FOR_ENVIRONMENT)
_COMPOSE = Lookalike("a docker-compose.yml", _ASK_FOR_ENVIRONMENT)
_PRE_COMMIT = Lookalike("a .pre-commit-config.yaml", _ASK_FOR_ENVIRONMENT)
_HTML = Lookalike(
    "a web page", "Download the file itself; on GitHub the button for that is called 'Raw'."
)

# Keys that stand at the left margin of a YAML file; the first row that fits is the answer.
_BY_KEYS: tuple[tuple[frozenset[str], Lookalike], ...] = (
    (frozenset({"version", "metadata", "package"}), _CONDA_LOCK),
    (frozenset({"version", "environments", "packages"}), _PIXI_LOCK),
    (frozenset({"package", "schema_version"}), _NEW_RECIPE),
    (frozenset({"package", "context"}), _NEW_RECIPE),
    (frozenset({"recipe", "outputs"}), _NEW_RECIPE),
    (frozenset({"package", "requirements"}), _RECIPE),
    (frozenset({"package", "build"}), _RECIPE),
    (frozenset({"jobs", "on"}), _WORKFLOW),
    (frozenset({"services"}), _COMPOSE),
    (frozenset({"repos"}), _PRE_COMMIT),
    (frozenset({"channel_priority"}), _CONDARC),
    (frozenset({"channel_alias"}), _CONDARC),
)
_KEY = re.compile(r"^([A-Za-z_][\w-]*)[ \t]*:", re.MULTILINE)
_TABLE = re.compile(r"^\[\[?([A-Za-z_][\w.\-\"' ]*)\]\]?[ \t]*(?:#.*)?$", re.MULTILINE)
_REQUIREMENT = re.compile(r"-{1,2}[a-z]|[\w.\-]+ *(\[[\w., \-]*\])? *($|[=<>!~@;])")
_PIXI_TABLES = {"workspace", "dependencies", "pypi-dependencies", "feature", "environments"}


def lookalike(text: str) -> Lookalike | None:
    """Recognise a file by its text, which need not be YAML; None where it is like nothing known."""
    if re.match(r"\s*<(!doctype|html|\?xml)", text, re.IGNORECASE):
        return _HTML
    if re.search(r"^@EXPLICIT\s*$", text, re.MULTILINE):
        return _EXPLICIT
    tables = {each.split(".")[0].strip() for each in _TABLE.findall(text)}
    if tables:
        return _of_tables(tables)
    keys = set(_KEY.findall(text))
    for wanted, found in _BY_KEYS:
        if wanted <= keys and "dependencies" not in keys:
            return found
    return _REQUIREMENTS if not keys and _is_requirements(text) else None


def _of_tables(tables: set[str]) -> Lookalike | None:
    if tables & {"build-system", "tool"}:
        return _PYPROJECT
    if tables & _PIXI_TABLES:
        return _PIXI
    return _PYPROJECT if "project" in tables else None


def _is_requirements(text: str) -> bool:
    stripped = (line.partition("#")[0].strip() for line in text.splitlines())
    lines = [line for line in stripped if line]
    return (len(lines) > 1 or "=" in text) and all(_REQUIREMENT.match(line) for line in lines)
