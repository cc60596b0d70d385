"""Read the changes under `then:` of a patch rule."""

import re
from collections.abc import Callable, Iterable
from difflib import get_close_matches

import yaml

from condarium.model.patches import changes
from condarium.model.patches.changes import BoundTemplate, Change, Edit
from condarium.model.patches.templates import FIELDS, OLD, Template
from condarium.model.patches.values import read_optional, read_text, read_texts
from condarium.model.yamlnodes import Findings, entries, quoted

_SPECS = ("depends", "constrains")
_LISTS = (*_SPECS, "track_features")
_EXAMPLES = "a change: add_depends, replace_depends, tighten_depends, add_constrains …"
_MAX_PIN = re.compile(r"x(\.x)*")
_NUMBERS = re.compile(r"\d+(\.\d+)*")
_NO_SPEC = re.compile(r"[^\w$]")

Reader = Callable[[yaml.Node, Findings], Edit | None]


def read_changes(node: yaml.Node, findings: Findings) -> tuple[Change, ...]:
    """Read the list under `then:`."""
    if not isinstance(node, yaml.SequenceNode) or not node.value:
        hint = "Begin each change with '- ', for example '- add_depends: numpy'."
        findings.problem(node, findings.describe(node), "a list of changes under 'then:'", hint)
        return ()
    return tuple(change for each in node.value for change in _changes(each, findings))


def _changes(node: yaml.Node, findings: Findings) -> Iterable[Change]:
    if not isinstance(node, yaml.MappingNode) or not node.value:
        findings.problem(node, findings.describe(node), _EXAMPLES)
        return
    for key, value in entries(node, findings):
        if (known := _READERS.get(key.value)) is None:
            near = get_close_matches(key.value, _READERS, n=1, cutoff=0.6)
            hint = f"Did you mean '{near[0]}:'?" if near else None
            findings.problem(key, f"the change {key.value!r}", _EXAMPLES, hint)
        elif edit := known[1](value, findings):
            yield Change(known[0], edit)


def _of_texts(make: Callable[[tuple[Template, ...]], Edit], *, specs: bool) -> Reader:
    def read(node: yaml.Node, findings: Findings) -> Edit | None:
        nodes = node.value if isinstance(node, yaml.SequenceNode) else [node]
        found = [_template(each, findings, spec=specs) for each in nodes]
        # Says what is wrong with an empty list.
        read_texts(node, findings)
        return make(tuple(each for each in found if each is not None))

    return read


def _of_pair(make: Callable[[Template, Template], Edit], *, with_old: bool) -> Reader:
    def read(node: yaml.Node, findings: Findings) -> Edit | None:
        given = _mapping(node, ("old", "new"), findings, needed=("old", "new"))
        if given is None:
            return None
        old = _template(given["old"], findings)
        new = _template(given["new"], findings, spec=True, with_old=with_old)
        return make(old, new) if old and new else None

    return read


def _relax(node: yaml.Node, findings: Findings) -> Edit | None:
    given = _mapping(node, ("name", "max_pin"), findings, needed=("name",))
    if given is None:
        return None
    name = _template(given["name"], findings)
    return changes.relax_exact(name, _places(given.get("max_pin"), findings)) if name else None


def _tighten(node: yaml.Node, findings: Findings) -> Edit | None:
    name, bound = _name_and_bound(node, findings)
    if name and bound is None:
        hint = "Add 'upper_bound: \"2.0\"', or 'max_pin: x.x'."
        findings.problem(node, "no bound to tighten to", "upper_bound or max_pin", hint)
    return changes.tighten_upper(name, bound) if name and bound else None


def _loosen(node: yaml.Node, findings: Findings) -> Edit | None:
    name, bound = _name_and_bound(node, findings)
    return changes.loosen_upper(name, bound) if name else None


def _name_and_bound(
    node: yaml.Node, findings: Findings
) -> tuple[Template | None, BoundTemplate | None]:
    given = _mapping(node, ("name", "max_pin", "upper_bound"), findings, needed=("name",))
    if given is None:
        return None, None
    places = _places(given.get("max_pin"), findings)
    version = _upper_bound(given.get("upper_bound"), findings)
    known = version is not None or places is not None
    bound = BoundTemplate(version=version, places=places) if known else None
    return _template(given["name"], findings), bound


def _upper_bound(node: yaml.Node | None, findings: Findings) -> Template | None:
    if node is None or read_optional(node, findings) is None:
        return None
    template = _template(node, findings)
    if template and not template.fields and not _NUMBERS.fullmatch(template.text):
        hint = "The 'a0' after it is added by itself." if "a0" in template.text else None
        findings.problem(node, quoted(template.text), "numbers with dots, such as 2.0", hint)
    return template


def _places(node: yaml.Node | None, findings: Findings) -> int | None:
    text = read_optional(node, findings)
    if node is None or text is None:
        return None
    if not _MAX_PIN.fullmatch(text):
        findings.problem(node, quoted(text), "x, x.x, x.x.x …")
    return text.count("x")


def _mapping(
    node: yaml.Node, allowed: tuple[str, ...], findings: Findings, *, needed: tuple[str, ...]
) -> dict[str, yaml.Node] | None:
    """Give the values by their keys; None where one that is needed is not there."""
    wanted = f"a mapping with {' and '.join(needed)}"
    if not isinstance(node, yaml.MappingNode):
        findings.problem(node, findings.describe(node), wanted)
        return None
    given = dict[str, yaml.Node]()
    for key, value in entries(node, findings):
        given[key.value] = value
        if key.value not in allowed:
            findings.problem(key, f"the key {key.value!r}", ", ".join(allowed))
    missing = [each for each in needed if each not in given]
    if missing:
        findings.problem(node, f"no {missing[0]}", wanted)
    return None if missing else given


def _template(
    node: yaml.Node, findings: Findings, *, spec: bool = False, with_old: bool = False
) -> Template | None:
    if (text := read_text(node, findings)) is None:
        return None
    template = Template(text)
    unknown = sorted(template.fields - {*FIELDS, *([OLD] if with_old else [])})
    if not template.is_valid:
        hint = "Write '$$' for a dollar sign."
        findings.problem(node, f"a '$' without a field in {quoted(text)}", "${version} …", hint)
    elif unknown:
        hint = f"There are {', '.join(FIELDS)}; and old, in 'new:' of a replacement."
        findings.problem(node, f"the field ${{{unknown[0]}}}", "a field of the record", hint)
    elif spec and _NO_SPEC.match(text):
        hint = "Put the package's name before its version."
        findings.problem(node, quoted(text), "a dependency, which begins with a name", hint)
    else:
        return template
    return None


_READERS: dict[str, tuple[str, Reader]] = {
    **{f"add_{key}": (key, _of_texts(changes.add, specs=True)) for key in _LISTS},
    **{f"remove_{key}": (key, _of_texts(changes.remove, specs=False)) for key in _LISTS},
    **{f"reset_{key}": (key, _of_texts(changes.reset, specs=True)) for key in _SPECS},
    **{f"replace_{key}": (key, _of_pair(changes.replace, with_old=True)) for key in _SPECS},
    **{f"rename_{key}": (key, _of_pair(changes.rename, with_old=False)) for key in _SPECS},
    "relax_exact_depends": ("depends", _relax),
    "tighten_depends": ("depends", _tighten),
    "loosen_depends": ("depends", _loosen),
}
