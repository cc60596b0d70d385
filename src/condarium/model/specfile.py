"""Read environment.yml (CEP 24): all of it, and say everything that is wrong at once."""

import codecs
import re
from difflib import get_close_matches

import yaml

from condarium.errors import BadName, BadSpec, SpecProblem
from condarium.model.lookalikes import lookalike
from condarium.model.names import EnvironmentName
from condarium.model.spec import EnvironmentSpec, SpecReading
from condarium.model.specdepends import Dependencies, MatchSpecCheck, read_dependencies
from condarium.model.speckeys import read_channels, read_platforms, read_system, read_variables
from condarium.model.yamlnodes import JINJA_HINT, Findings, Place, entries, is_null
from condarium.model.yamltext import compose

_KEYS = (
    "name",
    "channels",
    "dependencies",
    "variables",
    "platforms",
    "system-requirements",
    "category",
    "prefix",
)
_TOP = "the keys of an environment.yml: name, channels, dependencies …"
_CONFLICT = re.compile(r"^(<{7}|={7}|>{7})(?: |$)", re.MULTILINE)


def decode(content: bytes, source: str = "environment.yml") -> str:
    """Turn the bytes of a file into text: UTF-8, or UTF-16 where a byte order mark says so.

    PowerShell writes UTF-16 when `conda env export` is redirected into a file.
    """
    utf16 = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        return content.decode("utf-16" if utf16 else "utf-8-sig")
    except UnicodeDecodeError as error:
        before = content[: error.start].replace(b"\r\n", b"\n")
        problem = SpecProblem(
            line=before.count(b"\n") + 1,
            column=len(before) - before.rfind(b"\n"),
            found=f"the byte 0x{content[error.start]:02x}, which is not UTF-8",
            expected="text in UTF-8",
            hint="Save the file as UTF-8 in your editor.",
        )
        raise BadSpec(source, [problem]) from error


def read_spec(
    text: str, *, check_matchspec: MatchSpecCheck, source: str = "environment.yml"
) -> SpecReading:
    """Read an environment.yml from its text; `source` is what errors call it.

    `check_matchspec` judges each conda dependency: it gives None, or says what is wrong.

    Raises BadSpec, and nothing else, with every problem of the file.
    """
    findings = Findings(text=text.removeprefix("\ufeff"), source=source)
    top = _read_top(findings)
    values = {key.value: (key, value) for key, value in top}
    for key, value in top:
        _check_key(key, value, findings)
    depends = _dependencies(values, check_matchspec, findings)
    found = {name: value for name, (_, value) in values.items() if not is_null(value)}
    channels, nodefaults = read_channels(found.get("channels"), findings)
    spec = EnvironmentSpec(
        name=_read_name(found.get("name"), findings),
        channels=channels,
        nodefaults=nodefaults,
        dependencies=tuple(depends.conda),
        pip=tuple(depends.pip),
        pip_options=tuple(depends.pip_options),
        variables=read_variables(found.get("variables"), findings),
        platforms=read_platforms(found.get("platforms"), findings),
        system_requirements=read_system(found.get("system-requirements"), findings),
    )
    findings.raise_any()
    return SpecReading(spec=spec, warnings=tuple(findings.warnings))


def _read_top(findings: Findings) -> list[tuple[yaml.ScalarNode, yaml.Node]]:
    """The top-level keys and values; raises BadSpec where there is no use in reading on."""
    _refuse_conflict(findings)
    try:
        node = compose(findings)
    except BadSpec:
        _refuse_lookalike(findings)
        raise
    if isinstance(node, yaml.MappingNode) and not _is_jinja(node, findings):
        top = entries(node, findings)
        if "dependencies" not in {key.value for key, _ in top}:
            _refuse_lookalike(findings)
        return top
    _refuse_lookalike(findings)
    if node is None or is_null(node):
        hint = "The shortest one is 'dependencies: [python]'."
        findings.problem(node, "an empty file", _TOP, hint)
    elif isinstance(node, yaml.SequenceNode):
        hint = "Put 'dependencies:' in a line above the list."
        findings.problem(node, "a list at the top", _TOP, hint)
    else:
        hint = JINJA_HINT if _is_jinja(node, findings) else "Write 'dependencies:' with a list."
        findings.problem(node, findings.describe(node), _TOP, hint)
    findings.raise_any()
    return []


def _is_jinja(node: yaml.Node, findings: Findings) -> bool:
    return findings.describe(node) == "a Jinja expression"


def _refuse_lookalike(findings: Findings) -> None:
    """Say which other file this is, if that can be told, instead of what is wrong in it."""
    if (other := lookalike(findings.text)) is not None:
        findings.problems.clear()
        findings.problem(None, f"what looks like {other.what}", "an environment.yml", other.advice)
        findings.raise_any()


def _refuse_conflict(findings: Findings) -> None:
    match = _CONFLICT.search(findings.text)
    if match and match[1][0] != "=":
        line = findings.text.count("\n", 0, match.start())
        findings.problem(
            Place(line),
            f"the mark of a merge conflict ({match[1]})",
            "a file without conflicts",
            "Resolve the conflict in git, and delete the lines with <<<<<<<, ======= and >>>>>>>.",
        )
        findings.raise_any()


def _check_key(key: yaml.ScalarNode, value: yaml.Node, findings: Findings) -> None:
    """Refuse what must be a slip; warn of what is unknown and so has no effect (CEP 24)."""
    if key.value in _KEYS:
        return
    called = key.value.lower().replace("_", "-").strip()
    meant = get_close_matches(called, _KEYS, n=1, cutoff=0.75)
    if called in ("pip", "pypi", "requirements"):
        hint = "Put it into the list under 'dependencies:', as an item '- pip:' with a list below."
        findings.problem(key, f"'{key.value}:' at the top", _TOP, hint)
    elif called == "env-vars" or called == "environment-variables":
        findings.problem(key, f"the key {key.value!r}", _TOP, "Call it 'variables:'.")
    elif meant:
        findings.problem(key, f"the key {key.value!r}", _TOP, f"Did you mean '{meant[0]}:'?")
    else:
        findings.warn(key, f"the key {key.value!r} is not known and has no effect")


def _dependencies(
    values: dict[str, tuple[yaml.ScalarNode, yaml.Node]],
    check_matchspec: MatchSpecCheck,
    findings: Findings,
) -> Dependencies:
    if "dependencies" in values:
        key, value = values["dependencies"]
        return read_dependencies(key, value, check_matchspec, findings)
    if not findings.problems:  # a misspelt key has been told already
        hint = "Add 'dependencies:' with a list of packages, or 'dependencies: []' for none."
        findings.problem(None, "no key 'dependencies'", _TOP, hint)
    return Dependencies()


def _read_name(node: yaml.Node | None, findings: Findings) -> str | None:
    if node is None:
        return None
    expected = "a name without '/', ' ', ':' and '#'"
    if not isinstance(node, yaml.ScalarNode) or not node.value.strip():
        hint = JINJA_HINT if _is_jinja(node, findings) else "Write a word, or leave 'name:' out."
        findings.problem(node, f"{findings.describe(node)} as the name", expected, hint)
        return None
    name = str(node.value).strip()
    found = f"{findings.describe(node)} as the name"
    if re.search(r"[/\s:#]", name):
        better = re.sub(r"[/\s:#]+", "-", name).strip("-")
        findings.problem(node, found, expected, f"Write, for example, '{better or 'science'}'.")
    elif name in ("base", "root"):
        hint = "That one is conda's own environment; give yours another name."
        findings.problem(node, found, "any name but 'base' and 'root'", hint)
    else:
        _warn_of_name(node, name, findings)
    return name


def _warn_of_name(node: yaml.Node, name: str, findings: Findings) -> None:
    """conda allows more characters in a name than a store does."""
    try:
        EnvironmentName.parse(name)
    except BadName as error:
        findings.warn(node, f"{error.message}; give another one when you build it. {error.hint}")
