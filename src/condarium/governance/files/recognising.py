"""Tell by its content which format a file is in, and read several as one."""

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from enum import StrEnum

import yaml

from condarium.errors import BadSpec
from condarium.governance.files.cirun import read_access, read_runners
from condarium.governance.files.conda_forge import date_of, read_request
from condarium.governance.files.parts import Part
from condarium.governance.files.reading import BadAccessFile, Sections
from condarium.governance.files.state import State
from condarium.model.document import Document
from condarium.model.specfile import decode
from condarium.model.yamlnodes import Findings
from condarium.model.yamltext import compose_all

_LARGEST = 50_000_000
"""Characters: 100,000 grants."""


class Format(StrEnum):
    """What a file can be."""

    CONDARIUM = "condarium"
    REQUEST = "a request of conda-forge"
    ACCESS = ".access.yml"
    RUNNERS = ".cirun.global.yml"


_TELLING: Mapping[str, Format] = {
    "action": Format.REQUEST,
    "policies": Format.ACCESS,
    "access_control": Format.ACCESS,
    "runners": Format.RUNNERS,
    "resources": Format.CONDARIUM,
    "grants": Format.CONDARIUM,
    "terms": Format.CONDARIUM,
    "version": Format.CONDARIUM,
}
"""The key that tells the format, the most telling first."""


def read_states(documents: Iterable[Document]) -> State:
    """Read files of our own format, as many as there are, as one state.

    Raises BadAccessFile with all that is wrong in the first file that is wrong.
    """
    sections, read = Sections(), []
    for document in documents:
        with reading(document) as findings:
            for node in nodes_of(findings):
                _refuse_others(node, findings)
                sections.read(node, findings)
        read.append(findings)
    state = sections.state()
    for findings in read:
        with _ours():
            findings.raise_any()
    return state


def read_parts(documents: Iterable[Document], *, organisation: str) -> Part:
    """Read files of conda-forge and of Cirun: those without a day in their name first, then
    requests in the order of their days.

    Raises BadAccessFile with all that is wrong in the first file that is wrong.
    """
    part = Part()
    for document in sorted(documents, key=lambda each: date_of(each.name) or date.min):
        with reading(document) as findings:
            for node in nodes_of(findings):
                part.add(_part(node, findings, organisation))
    return part


def _part(node: yaml.MappingNode, findings: Findings, organisation: str) -> Part:
    match format_of(node, findings):
        case Format.REQUEST:
            return read_request(node, findings, organisation=organisation)
        case Format.ACCESS:
            return read_access(node, findings, organisation=organisation)
        case Format.RUNNERS:
            return read_runners(node, findings)
        case Format.CONDARIUM:
            hint = "`condarium access plan FILE` says what it would change."
            expected = "a request, an .access.yml or a .cirun.global.yml"
            findings.problem(node, "a file of condarium's own format", expected, hint)
    return Part()


@contextmanager
def reading(document: Document) -> Iterator[Findings]:
    """Findings of a file; what turned up is raised at the end, as BadAccessFile."""
    with _ours():
        text = decode(document.content, document.name).removeprefix("\ufeff")
        kind = "a file that says who may use what"
        findings = Findings(text=text, source=document.name, kind=kind, largest=_LARGEST)
        yield findings
        findings.raise_any()


def nodes_of(findings: Findings) -> list[yaml.MappingNode]:
    """The documents of a text, each a mapping."""
    found = []
    for node in compose_all(findings):
        if isinstance(node, yaml.MappingNode):
            found.append(node)
        else:
            findings.problem(node, findings.describe(node), _EXPECTED)
    if not found and not findings.problems:
        findings.problem(None, "an empty file", _EXPECTED)
    return found


def format_of(node: yaml.MappingNode, findings: Findings) -> Format | None:
    """None, and a problem, where no key tells."""
    keys = {key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)}
    for key, kind in _TELLING.items():
        if key in keys:
            return kind
    findings.problem(node, findings.describe(node), _EXPECTED)
    return None


def _refuse_others(node: yaml.MappingNode, findings: Findings) -> None:
    kind = format_of(node, findings)
    if kind not in (Format.CONDARIUM, None):
        hint = (
            "`condarium access import FILE` takes it in; `condarium access export` then says all."
        )
        findings.problem(node, f"what looks like {kind}", "condarium's own format", hint)
        findings.raise_any()
    if kind is Format.CONDARIUM and re.search(r"^copy:", findings.text, re.MULTILINE):
        hint = "Export without --public: what a public copy leaves out would be taken away."
        findings.problem(node, "a copy for the public", "a whole export", hint)
        findings.raise_any()


@contextmanager
def _ours() -> Iterator[None]:
    try:
        yield
    except BadSpec as error:
        raise BadAccessFile(error.source, error.problems) from error.__cause__


_EXPECTED = (
    "what is lent: 'version: 1' with resources and grants, a request ('action: …'), "
    "an .access.yml ('policies: …') or a .cirun.global.yml ('runners: …')"
)
