"""What the conditions and changes of a patch rule may say: texts, and lists of them."""

import re

import yaml

from condarium.model.yamlnodes import Findings

_TAG = "tag:yaml.org,2002:"
_QUOTE = "Put it in quotes."


def read_text(node: yaml.Node, findings: Findings) -> str | None:
    """Give a text, or a number as its author wrote it; None, with a problem, for anything else."""
    if not isinstance(node, yaml.ScalarNode):
        findings.problem(node, findings.describe(node), "one text")
        return None
    kind = node.tag.removeprefix(_TAG)
    plain = kind == "str" or (kind == "int" and node.value.isdecimal())
    if not plain and not (kind == "float" and _is_kept(node.value)):
        findings.problem(node, findings.describe(node), "a text", _QUOTE)
    elif not node.value.strip():
        findings.problem(node, "an empty text", "a text")
    else:
        return str(node.value)
    return None


def read_texts(node: yaml.Node, findings: Findings) -> tuple[str, ...]:
    """Give the texts of a list, or of a single one."""
    if isinstance(node, yaml.SequenceNode):
        if not node.value:
            findings.problem(node, "an empty list", "a text, or a list of texts")
        texts = [read_text(each, findings) for each in node.value]
        return tuple(each for each in texts if each is not None)
    text = read_text(node, findings)
    return () if text is None else (text,)


def read_optional(node: yaml.Node | None, findings: Findings) -> str | None:
    """Give a text; None where there is none, or `null`, or the word `None`."""
    if node is None or node.tag == f"{_TAG}null" or getattr(node, "value", "") == "None":
        return None
    return read_text(node, findings)


def _is_kept(number: str) -> bool:
    """Whether YAML would give back what its author wrote: 1.10 is 1.1 to YAML."""
    return re.fullmatch(r"\d+\.\d+", number) is not None and str(float(number)) == number
