"""The `dependencies:` of an environment.yml: MatchSpecs, and `pip:` lists among them."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field

import yaml

from condarium.model.piplist import PipProblem, read_pip_entry
from condarium.model.yamlnodes import JINJA_HINT, Findings, entries, is_null, is_text, quoted

MatchSpecCheck = Callable[[str], str | None]
"""Says in words what is wrong with a MatchSpec; None where nothing is."""

_MATCHSPEC = "a conda MatchSpec such as 'numpy >=1.26,<2'"
_SELECTOR = re.compile(r"\s+#\s*\[([^\]]+)\]")
_SELECTOR_WORD = re.compile(
    r"(linux|osx|win)(32|64)?|unix|x86|x86_64|x64|arm64|aarch64|armv[67]l|ppc64|ppc64le|s390x|"
    r"riscv64|emscripten|wasm32|py|py\d+k?|np|and|or|not"
)
_SELECTOR_HINT = (
    "Every dependency is for every platform here: write one environment.yml for each platform "
    "that needs its own, and leave the selector out."
)
# What brings a Python along; with `pip`, its author asked for one too.
_PYTHONS = frozenset({"python", "pip", "cpython", "pypy", "python-freethreading", "python-gil"})


@dataclass
class Dependencies:
    """What was asked for, in the order of the file, every text once."""

    conda: list[str] = field(default_factory=list)
    pip: list[str] = field(default_factory=list)
    pip_options: list[str] = field(default_factory=list)
    pip_lists: list[yaml.ScalarNode] = field(default_factory=list)


def read_dependencies(
    key: yaml.ScalarNode, node: yaml.Node, check_matchspec: MatchSpecCheck, findings: Findings
) -> Dependencies:
    """Read the value of `dependencies:`; what is wrong goes to `findings`."""
    found = Dependencies()
    if not isinstance(node, yaml.SequenceNode):
        where = key if is_null(node) else node
        findings.problem(
            where, f"{findings.describe(node)} under 'dependencies:'", "a list", _as_list(node)
        )
        return found
    for item in node.value:
        if isinstance(item, yaml.MappingNode) and not is_jinja(item, findings):
            _read_mapping(item, found, findings)
        else:
            text = read_text(item, _MATCHSPEC, findings)
            if text is not None:
                _read_conda(item, text, check_matchspec, found, findings)
    if found.pip and not any(_package(each) in _PYTHONS for each in found.conda):
        _no_python(found, findings)
    return found


def read_text(node: yaml.Node, expected: str, findings: Findings) -> str | None:
    """The text of a list's item, or None and a problem."""
    if is_jinja(node, findings):
        findings.problem(node, "a Jinja expression", expected, JINJA_HINT)
    elif not is_text(node) or not node.value.strip():
        findings.problem(node, findings.describe(node), expected, _not_text(node))
    elif (
        isinstance(node, yaml.ScalarNode)
        and not node.style
        and node.end_mark.line > node.start_mark.line
    ):
        findings.problem(
            node,
            f"{quoted(node.value)}, which goes on in the next line",
            f"{expected} in one line",
            "Check the indentation of the next line: every item's '-' stands below the others.",
        )
    elif (selector := selector_after(node, findings)) is not None:
        findings.problem(node, f"the selector '# [{selector}]'", "no selectors", _SELECTOR_HINT)
    else:
        return str(node.value).strip()
    return None


def selector_after(node: yaml.Node, findings: Findings) -> str | None:
    """The expression of a conda-build selector that stands behind a node, as a comment."""
    match = _SELECTOR.match(findings.after(node))
    if not match:
        return None
    words = re.findall(r"[A-Za-z_]\w*", match[1])
    fits = words and all(_SELECTOR_WORD.fullmatch(word) for word in words)
    return match[1] if fits else None


def is_jinja(node: yaml.Node, findings: Findings) -> bool:
    if isinstance(node, yaml.ScalarNode):
        return "{{" in node.value or "{%" in node.value
    return findings.describe(node) == "a Jinja expression"


def _read_conda(
    node: yaml.Node,
    text: str,
    check_matchspec: MatchSpecCheck,
    found: Dependencies,
    findings: Findings,
) -> None:
    problem = check_matchspec(text)
    if problem is not None:
        findings.problem(node, quoted(text), _MATCHSPEC, problem)
    elif text not in found.conda:
        found.conda.append(text)


def _read_mapping(node: yaml.MappingNode, found: Dependencies, findings: Findings) -> None:
    for key, value in entries(node, findings):
        if key.value == "pip":
            _read_pip(key, value, found, findings)
        else:
            findings.problem(
                key,
                f"the mapping '{key.value}:' among the dependencies",
                "a text, or a list called 'pip:'",
                _instead_of_mapping(key.value, value, findings),
            )


def _instead_of_mapping(key: str, value: yaml.Node, findings: Findings) -> str:
    if re.fullmatch(r"sel\(.*\)", key):
        return _SELECTOR_HINT
    if key.endswith(":"):
        return f"Write the package's name after '{key}:', with no space between."
    if is_null(value):
        return f"Write '- {key}' without a colon."
    if isinstance(value, yaml.ScalarNode):
        version = value.value if value.value[:1] in "=<>!~" else f"={value.value}"
        return f"Write '- {key}{version}' to ask for a version of {key}."
    if key.lower() in ("pypi", "pip3", "pips", "uv"):
        return "Call it 'pip:'."
    return f"No installer is called {key!r}: delete the block, or make its items dependencies."


def _read_pip(
    key: yaml.ScalarNode, value: yaml.Node, found: Dependencies, findings: Findings
) -> None:
    if found.pip_lists:
        first = found.pip_lists[0].start_mark.line + 1
        findings.warn(
            key,
            f"a second 'pip:' list; it is added to the one in line {first}, though conda "
            "would use this one alone",
        )
    found.pip_lists.append(key)
    if not isinstance(value, yaml.SequenceNode):
        found_words = f"{findings.describe(value)} after 'pip:'"
        findings.problem(
            key if is_null(value) else value,
            found_words,
            "a list",
            "Put every requirement below it as an item of its own: '- ' and two spaces more than "
            "the '- pip:' has.",
        )
        return
    for item in value.value:
        _read_pip_item(item, found, findings)


def _read_pip_item(item: yaml.Node, found: Dependencies, findings: Findings) -> None:
    text = read_text(item, "a requirement such as 'rich>=13' (PEP 508)", findings)
    if text is None:
        return
    entry = read_pip_entry(text)
    if isinstance(entry, PipProblem):
        findings.problem(item, f"{quoted(text)} in the 'pip:' list", entry.expected, entry.hint)
        return
    if isinstance(item, yaml.ScalarNode):
        findings.warn_secret(item)
    found.pip.extend(each for each in entry.requirements if each not in found.pip)
    found.pip_options.extend(each for each in entry.options if each not in found.pip_options)


def _no_python(found: Dependencies, findings: Findings) -> None:
    findings.problem(
        found.pip_lists[0],
        "a 'pip:' list in an environment without Python",
        "'python' among the dependencies",
        "Add python to the dependencies, for example '- python =3.12': packages of PyPI are "
        "chosen and installed for that Python.",
    )


def _package(matchspec: str) -> str:
    """The name in a MatchSpec that is known to be one."""
    bare = matchspec.rpartition("::")[2].strip()
    return re.split(r"[\s=<>!~\[]", bare, maxsplit=1)[0].lower()


def _as_list(node: yaml.Node) -> str:
    if is_null(node):
        return "Put every package below it as '- PACKAGE', or write [] for an empty environment."
    if isinstance(node, yaml.MappingNode):
        return "Write every package as an item, '- PACKAGE' or '- PACKAGE =VERSION', with no colon."
    return "Put every package below it, in a line of its own that begins with '- '."


def _not_text(node: yaml.Node) -> str:
    if isinstance(node, yaml.SequenceNode):
        return "Put its items into the list around it: a list has no lists inside."
    if is_null(node) or not node.value:
        return "Delete the item, or write what it should hold."
    if isinstance(node, yaml.MappingNode):
        return "Write a text, with no colon; quote it if it has ': ' in it."
    if node.tag.endswith((":int", ":float")):
        return f"Write the package's name before the version: 'python ={node.value}'."
    return f"If this is the name of a package, put it between quotes: '{node.value}'."
