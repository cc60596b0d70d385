"""Why a solve failed, in a form that a person can act on: rattler's tree made short, and a hint."""

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

_MOST = 8  # of the branches at one point; more of them tell nothing new
_LINES = 40  # of an explanation; of one that is longer, the ends of the branches are left out
_DEPTHS = (100, 8, 6, 5, 4, 3, 2)

_NONE_FOUND = ", for which no candidates were found."
_UNKNOWN = re.compile(r"No candidates were found for (?P<wanted>.+)\.$")
_CONFLICTS = re.compile(
    r", which conflicts with (any installable versions previously reported|the versions reported "
    r"above)\.?$"
)
_HIDDEN = re.compile(
    r"(?P<name>\S+) (?P<versions>.+) is excluded because due to strict channel priority not using "
    r"this option from: '(?P<channel>[^']*)'$"
)
_ELSEWHERE = re.compile(r"is excluded because candidate not in requested channel: '(?P<name>.*)'$")
_PIN = re.compile(r"the constraint (?P<pin>.+) cannot be fulfilled$")
_LEAF = re.compile(r"(?P<name>\S+) (?P<versions>\d[^\s,]*(?: \| \S+)*)(?P<rest>, which [^:]+|)")
_OF_CHANNEL = re.compile(r'(?P<name>\S+)(?P<rest>.*?) \[channel="(?P<channel>[^"]*?)/?"\]')
_BRANCH = re.compile(r"(?:[│ ]  )*(?:[├└]─ )?")

_SYSTEMS = {"__win": "Windows", "__osx": "macOS", "__linux": "Linux", "__glibc": "Linux"}
_FAMILIES = {"Windows": "win", "macOS": "osx", "Linux": "linux"}
_USUAL = {"cuda": "12.4", "glibc": "2.34", "linux": "5.10", "osx": "13.0", "win": "10.0"}


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What the solver was asked.

    `specs` has the texts for each name that was asked for; `machine` the versions of the virtual
    packages; `channels` are URLs without credentials.
    """

    platform: str
    specs: Mapping[str, Sequence[str]] = field(default_factory=dict)
    machine: Mapping[str, str] = field(default_factory=dict)
    channels: Sequence[str] = ()

    def words(self, name: str) -> str:
        """The specs for a name as their author wrote them."""
        return " and ".join(self.specs.get(name, (name,)))


@dataclass(frozen=True, kw_only=True)
class Known:
    """What the channels have: all `names`, and of missing ones the `versions`, the oldest first.

    `elsewhere` are the platforms that have a missing one.
    """

    names: Sequence[str] = ()
    versions: Mapping[str, Sequence[str]] = field(default_factory=dict)
    elsewhere: Mapping[str, Sequence[str]] = field(default_factory=dict)


@dataclass(frozen=True)
class _Node:
    text: str
    children: "tuple[_Node, ...]" = ()


def tidy(explanation: str, asked: Asked) -> str:
    """Write rattler's explanation in fewer words and lines: each fact once, a line for a step."""
    roots = _merged([_short(node, asked) for node in _parse(explanation)])
    for depth in _DEPTHS:
        lines = [line for root in roots for line in (root.text, *_drawn(root.children, "", depth))]
        if len(lines) <= _LINES:
            break
    return "\n".join(lines)


def missing_names(explanation: str) -> tuple[str, ...]:
    """The packages for which the solver found nothing that fits."""
    return tuple(dict.fromkeys(missing.name for missing in _missing(_parse(explanation))))


def hint(explanation: str, asked: Asked, known: Known) -> str:
    """Say what to do about it."""
    roots = _parse(explanation)
    missing = _missing(roots)
    advice = [
        *_twice(roots, asked),
        *_priority(explanation),
        *_pins(explanation),
        *_of_channel(roots),
        *(_advice(each, asked, known) for each in missing if _matters(each, missing, asked)),
    ]
    said = " ".join(dict.fromkeys(advice)) or _together(roots, asked)
    if not said and missing:
        said = _advice(missing[0], asked, known)
    return said or "Ask for another version of what the explanation names, or for none."


# Reading rattler's tree


def _parse(explanation: str) -> list[_Node]:
    text = explanation.strip().removeprefix("Cannot solve the request because of:").strip()
    lines = [line.rstrip() for line in text.splitlines() if line.strip()]
    parts = [(len(found[0]) // 3, line[found.end() :]) for line in lines
             if (found := _BRANCH.match(line))]  # fmt: skip
    return _level(parts, 0, len(parts), 0)


def _level(parts: Sequence[tuple[int, str]], start: int, end: int, depth: int) -> list[_Node]:
    heads = [index for index in range(start, end) if parts[index][0] <= depth]
    ends = [*heads[1:], end]
    return [
        _Node(parts[head][1], tuple(_level(parts, head + 1, stop, parts[head + 1][0])))
        if head + 1 < stop
        else _Node(parts[head][1])
        for head, stop in zip(heads, ends, strict=True)
    ]


@dataclass(frozen=True)
class _Missing:
    """Something that `root`, a spec, leads to, and of which there is nothing: `glibc >=2.34`."""

    wanted: str
    root: str | None

    @property
    def name(self) -> str:
        return self.wanted.split(" ")[0]


def _missing(nodes: Sequence[_Node], root: str | None = None) -> list[_Missing]:
    found = []
    for node in nodes:
        if direct := _UNKNOWN.search(node.text):
            found.append(_Missing(direct["wanted"], None))
        elif node.text.endswith(_NONE_FOUND):
            found.append(_Missing(node.text.removesuffix(_NONE_FOUND), root))
        named = re.match(r"(.+?) cannot be installed because", node.text)
        found += _missing(node.children, root or (named[1] if named else None))
    return list(dict.fromkeys(found))


# Writing it shorter


def _short(node: _Node, asked: Asked) -> _Node:
    children = _merged([_short(child, asked) for child in node.children])
    text = _words(node.text, asked)
    alone = children[0] if len(children) == 1 else None
    if alone and text.endswith((" needs", " allows only")):
        return _Node(f"{text} {alone.text}", alone.children)
    if alone and (leaf := _LEAF.fullmatch(alone.text)) and text.endswith(" can be any of:"):
        return _Node(f"{text.removesuffix(' any of:')} {leaf['versions']}")
    if not children:
        return _Node(text.removesuffix(":"))
    return _Node(f"{text}:" if text.endswith((" needs", " allows only")) else text, children)


def _words(text: str, asked: Asked) -> str:
    if direct := _UNKNOWN.search(text):
        return f"There is no {_plain(direct['wanted'])}."
    if hidden := _HIDDEN.match(text):
        name, versions, channel = hidden["name"], hidden["versions"], hidden["channel"]
        return f"{name} {versions} is hidden in {channel.rstrip('/')}"
    if pin := _PIN.match(text):
        return f"the pin {_plain(pin['pin'])} must hold"
    if text.startswith("The following packages are incompatible"):
        return "These do not go together:"
    if text.endswith(_NONE_FOUND):
        return _none(text.removesuffix(_NONE_FOUND), asked)
    text = _CONFLICTS.sub(", which conflicts with the others", text)
    text = _ELSEWHERE.sub("is in other channels only", text)
    text = re.sub(r"( cannot be installed) because there are no viable options:$", r"\1:", text)
    text = text.replace(" can be installed with any of the following options:", " can be any of:")
    text = re.sub(r" would require$", " needs", text)
    text = re.sub(r" would constrain$", " allows only", text)
    text = _OF_CHANNEL.sub(r"\g<channel>::\g<name>\g<rest>", text)
    return _plain(text)


def _none(wanted: str, asked: Asked) -> str:
    name, plain = wanted.split(" ")[0], _plain(wanted)
    if name in asked.machine:
        return f"{plain}, and {asked.platform} has {asked.machine[name]}"
    if name.startswith("__"):
        return f"{plain}, which {asked.platform} does not have"
    # Of a name that was asked for, rattler sees only what fits that: other versions may be there.
    return plain if name in asked.specs else f"{plain}, which is in no channel"


def _plain(text: str) -> str:
    """Leave out the `*` by which rattler says: any version."""
    return re.sub(r"(?<=\S) \*(?=,| can|$)", "", text)


def _merged(nodes: Sequence[_Node]) -> tuple[_Node, ...]:
    """Put leaves together that differ in a version only, and leave out what is there already."""
    versions: dict[tuple[str, str], list[str]] = {}
    merged: dict[object, _Node] = {}
    for node in nodes:
        leaf = _LEAF.fullmatch(node.text)
        if leaf and not node.children:
            key = leaf["name"], leaf["rest"]
            versions.setdefault(key, []).extend(leaf["versions"].split(" | "))
            merged[key] = _Node(f"{leaf['name']} {_some(versions[key])}{leaf['rest']}")
        else:
            merged[node] = node
    every = tuple(merged.values())
    if len(every) <= _MOST + 1:
        return every
    return (*every[:_MOST], _Node(f"and {len(every) - _MOST} more like these"))


def _some(versions: Sequence[str]) -> str:
    each = list(dict.fromkeys(versions))
    return " | ".join(each if len(each) <= 4 else [each[0], each[1], "...", each[-1]])


def _drawn(nodes: Sequence[_Node], indent: str, depth: int) -> list[str]:
    lines: list[str] = []
    for node in nodes:
        last = node is nodes[-1]
        deeper = depth > 1 or not node.children
        text = node.text if deeper else f"{node.text.removesuffix(':')} …"
        lines.append(f"{indent}{'└─ ' if last else '├─ '}{text}")
        if deeper:
            lines += _drawn(node.children, indent + ("   " if last else "│  "), depth - 1)
    return lines


# What to do


def _advice(missing: _Missing, asked: Asked, known: Known) -> str:
    name = missing.name
    if name.startswith("__"):
        return _of_machine(missing, asked)
    if name in asked.specs and missing.root:
        root = missing.root.split(" ")[0]
        return f"{asked.words(root)} does not go with {asked.words(name)}: loosen one of them."
    if found := known.versions.get(name):
        return f"{name} is there in {_range(found)}."
    if elsewhere := known.elsewhere.get(name):
        return f"{name} is there for {_or(elsewhere, 'and')}, and not for {asked.platform}."
    there = f"There is no {name} in {', '.join(asked.channels)}"
    if close := difflib.get_close_matches(name, known.names, 3, 0.75):
        return f"{there}; did you mean {_or(close)}?"
    return f"{there} for {asked.platform}: check the name, and add the channel that has it."


def _of_machine(missing: _Missing, asked: Asked) -> str:
    name = missing.name
    if system := _foreign(name, asked):
        return f"{_plain(missing.root or missing.wanted)} is for {system}, not {asked.platform}."
    key = name.removeprefix("__")
    if key == "archspec":
        value = missing.wanted.split(" ")[-1]
        written = f"system-requirements: {{archspec: {value}}}"
        return f"If the machines have it, say so in the environment.yml: {written}."
    if key not in _USUAL:
        return f"No package brings {name}: the machine has it or has not."
    wanted = re.search(r">=?(\d[\d.]*\d|\d)", missing.wanted)
    version = wanted[1] if wanted else _USUAL[key]
    option = f" with --cuda {version}, or" if key == "cuda" else ""
    written = f'system-requirements: {{{key}: "{version}"}}'
    return f"If the machines have it, say so{option} in the environment.yml: {written}."


def _matters(missing: _Missing, every: Sequence[_Missing], asked: Asked) -> bool:
    """Whether to loosen or to add this helps: of many ways that all end, not every end does."""
    if missing.root is None or missing.name in asked.specs:
        return True
    if missing.name.startswith("__") and not _foreign(missing.name, asked):
        return True
    return all(each.name == missing.name for each in every if each.root == missing.root)


def _foreign(name: str, asked: Asked) -> str | None:
    """The system that has this virtual package, where the platform is one of another."""
    system = _SYSTEMS.get(name)
    return system if system and not asked.platform.startswith(_FAMILIES[system]) else None


def _together(roots: Sequence[_Node], asked: Asked) -> str:
    """Name what does not go together, where it is asked for by name."""
    heads = [
        child.text.split(" ")[0]
        for root in roots
        if root.text.startswith("The following packages are incompatible")
        for child in root.children
    ]
    names = [name for name in dict.fromkeys(heads) if name in asked.specs]
    if len(names) < 2:
        return ""
    return f"{_or([asked.words(name) for name in names], 'and')} exclude each other: loosen one."


def _twice(roots: Sequence[_Node], asked: Asked) -> list[str]:
    heads = [node.text.split(" ")[0] for root in roots for node in (root, *root.children)]
    return [
        f"{name} is asked for {'twice' if len(texts) == 2 else f'{len(texts)} times'}: "
        f"{_or(texts, 'and')}. Leave one of them."
        for name, texts in asked.specs.items()
        if len(texts) > 1 and name in heads
    ]


def _priority(explanation: str) -> list[str]:
    found = [match for line in explanation.splitlines()
             if (match := _HIDDEN.match(_BRANCH.sub("", line, count=1)))]  # fmt: skip
    return [_hidden(match["name"], match["channel"].rstrip("/")) for match in found]


def _hidden(name: str, channel: str) -> str:
    # A spec cannot name a local channel by its address.
    by_name = "" if channel.startswith("file:") else f", or write '{channel}::{name}'"
    return (
        f"A channel before {channel} has {name} too, and hides what comes after it: put the other "
        f"channel first{by_name}."
    )


def _pins(explanation: str) -> list[str]:
    found = re.findall(r"the constraint (.+) cannot be fulfilled", explanation)
    return [f"{_plain(pin)} is a pinned package of the .condarc." for pin in found]


def _of_channel(roots: Sequence[_Node]) -> list[str]:
    return [
        f"{wanted['channel']} has no {wanted['name']} that fits."
        for root in roots
        for node in (root, *root.children)
        if (wanted := _OF_CHANNEL.match(node.text))
        and all(_ELSEWHERE.search(child.text) for child in node.children)
    ]


def _range(versions: Sequence[str]) -> str:
    if len(versions) <= 5:
        return f"version{'s' if len(versions) > 1 else ''} {', '.join(versions)}"
    return f"{len(versions)} versions from {versions[0]} to {versions[-1]}"


def _or(names: Sequence[str], word: str = "or") -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} {word} {names[-1]}"
