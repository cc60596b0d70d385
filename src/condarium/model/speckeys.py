"""The other keys of an environment.yml: channels, variables, platforms, system requirements."""

import re
from difflib import get_close_matches

import yaml

from condarium.model.channel_url import BadChannel, parse_channel_url, unset_variable
from condarium.model.secret import redact_broken_url
from condarium.model.specdepends import read_text, selector_after
from condarium.model.subdirs import SUBDIRS, likely_subdir
from condarium.model.yamlnodes import JINJA_HINT, Findings, entries, is_null, quoted

Pairs = tuple[tuple[str, str], ...]

_SYSTEM = ("archspec", "cuda", "glibc", "linux", "osx", "win")
_VERSION = re.compile(r"\d+(\.\d+)*")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def read_channels(node: yaml.Node | None, findings: Findings) -> tuple[tuple[str, ...], bool]:
    """The channels in their order, and whether `nodefaults` stands among them."""
    channels: list[str] = []
    for item in _items(node, "channels", "conda-forge", findings):
        text = read_text(item, "a channel's name, URL or folder", findings)
        if text is None or text in channels:
            continue
        if isinstance(item, yaml.ScalarNode):
            findings.warn_secret(item)
        hint = _bad_channel(text)
        if broken := _broken_url(text):
            found = f"{redact_broken_url(text)!r}, {broken.reason}"
            findings.problem(item, found, "the URL of a channel", broken.hint)
        elif hint:
            findings.problem(item, f"{quoted(text)} as a channel", "one name, URL or folder", hint)
        channels.append(text)
    return tuple(each for each in channels if each != "nodefaults"), "nodefaults" in channels


def _bad_channel(text: str) -> str | None:
    if "::" in text:
        return "Put what follows '::' into the dependencies; here stands the channel alone."
    if "," in text:
        return "Write every channel as an item of its own."
    if re.search(r"\s", text) and "/" not in text and "\\" not in text:
        return "Write every channel as an item of its own; a name has no spaces."
    if re.match(r"\w+:/[^/]", text) and not re.match(r"[A-Za-z]:", text):
        return "A URL has '://' after its scheme."
    return None


def _broken_url(text: str) -> BadChannel | None:
    if "://" not in text or "," in text or "::" in text or unset_variable(text) is not None:
        return None
    try:
        parse_channel_url(text)
    except BadChannel as error:
        return error
    return None


def read_platforms(node: yaml.Node | None, findings: Findings) -> tuple[str, ...]:
    platforms: list[str] = []
    for item in _items(node, "platforms", "linux-64", findings):
        text = read_text(item, "a platform such as linux-64", findings)
        if text is None or text in platforms:
            continue
        if text not in SUBDIRS:
            findings.problem(
                item, f"{quoted(text)} as a platform", "a platform such as linux-64", _meant(text)
            )
        platforms.append(text)
    return tuple(platforms)


def _meant(text: str) -> str:
    if text == "noarch":
        return "Packages that are noarch go with every platform: name the platforms to solve for."
    likely = likely_subdir(text)
    if likely:
        return f"Did you mean '{likely}'?"
    return f"These are known: {', '.join(SUBDIRS)}."


def read_variables(node: yaml.Node | None, findings: Findings) -> Pairs:
    """Names and values, the values as they are written: `1.10` and `true` are text here."""
    variables: list[tuple[str, str]] = []
    for key, value in _pairs(node, "variables", "NAME: value", findings):
        if not _VARIABLE.fullmatch(key.value):
            findings.problem(
                key,
                f"{quoted(key.value)} as the name of a variable",
                "letters, digits and '_', with no digit first",
                "Choose a name that every operating system allows.",
            )
        text = _value(value, f"the variable {key.value}", 'Write "" for an empty value.', findings)
        if text is not None and "\0" in text:
            findings.problem(value, "a NUL in a variable", "a text without it", "Delete the \\0.")
        variables.append((key.value, text or ""))
    return tuple(variables)


def read_system(node: yaml.Node | None, findings: Findings) -> Pairs:
    """What the machines will have, as names of virtual packages without their underscores."""
    found: dict[str, str] = {}
    for key, value in _pairs(node, "system-requirements", 'cuda: "12.4"', findings):
        name = "osx" if key.value == "macos" else key.value
        text = _value(value, f"the version of {key.value}", _version_hint(name), findings)
        if name not in _SYSTEM:
            findings.problem(
                key, f"{quoted(key.value)}", f"one of {', '.join(_SYSTEM)}", _meant_system(name)
            )
        elif name in found:
            findings.problem(key, "osx and macos, which are the same", "one of them", None)
        elif text is not None and not _fits(name, text):
            expected = "a microarchitecture" if name == "archspec" else "a version: digits and dots"
            findings.problem(
                value, f"{quoted(text)} for {key.value}", expected, _version_hint(name)
            )
        found[name] = text or ""
    return tuple(found.items())


def _fits(name: str, text: str) -> bool:
    if name == "archspec":
        return re.fullmatch(r"[a-z][a-z0-9_]*", text) is not None
    return _VERSION.fullmatch(text) is not None


def _version_hint(name: str) -> str:
    examples = {"archspec": "x86_64_v3", "glibc": "2.28", "linux": "5.10", "osx": "13.0"}
    example = examples.get(name, "12.4" if name != "win" else "10")
    return (
        f'Write the one version that the machines have at least, such as {name}: "{example}"; '
        "leave it out to take that of the machine."
    )


def _meant_system(name: str) -> str:
    bare = name.lower().lstrip("_")
    also = {"libc": "glibc", "windows": "win", "mac": "osx", "kernel": "linux", "gpu": "cuda"}
    likely = also.get(bare) or next(iter(get_close_matches(bare, _SYSTEM, n=1)), None)
    if likely:
        return f"Did you mean '{likely}'?"
    return "Delete it: packages can ask for nothing of that name."


def _items(node: yaml.Node | None, key: str, example: str, findings: Findings) -> list[yaml.Node]:
    """The items of a list; a lone text is refused, with the list that it should be."""
    if node is None:
        return []
    if isinstance(node, yaml.SequenceNode):
        return list(node.value)
    lone = isinstance(node, yaml.ScalarNode) and "," not in node.value and "{" not in node.value
    text = node.value if lone else example
    hint = f"Write '{key}: [{text}]', or '- {text}' in a line of its own below '{key}:'."
    findings.problem(node, f"{findings.describe(node)} under '{key}:'", "a list", hint)
    return []


def _pairs(
    node: yaml.Node | None, key: str, example: str, findings: Findings
) -> list[tuple[yaml.ScalarNode, yaml.Node]]:
    if node is None:
        return []
    if isinstance(node, yaml.MappingNode) and findings.describe(node) != "a Jinja expression":
        return entries(node, findings)
    hint = f"Write '{example}', indented, in a line of its own below '{key}:'."
    findings.problem(node, f"{findings.describe(node)} under '{key}:'", f"'{example}'", hint)
    return []


def _value(node: yaml.Node, what: str, hint: str, findings: Findings) -> str | None:
    """The text of a scalar, whatever YAML takes it for; None and a problem where it is none."""
    described = findings.describe(node)
    if described == "a Jinja expression":
        findings.problem(node, described, f"a text for {what}", JINJA_HINT)
    elif not isinstance(node, yaml.ScalarNode) or is_null(node):
        findings.problem(node, f"{described} for {what}", "a text", hint)
    elif (selector := selector_after(node, findings)) is not None:
        words = "Every variable is set on every platform here: write one environment.yml for each."
        findings.problem(node, f"the selector '# [{selector}]'", "no selectors", words)
    else:
        return str(node.value)
    return None
