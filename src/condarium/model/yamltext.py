"""YAML text to nodes, or to words that its author understands."""

import re

import yaml

from condarium.model.yamlnodes import JINJA_HINT, Findings, Place

_DEEPEST = 50
_NEVER_CLOSED = ("unexpected end of stream", "did not find expected ','")
_JINJA = re.compile(r"\{\{|\{%")

# What libyaml says, and what that means to the author of an environment.yml.
_YAML_WORDS: tuple[tuple[str, str, str, str], ...] = (
    (
        "mapping values are not allowed",
        "a ':' where no key can be",
        "each key on a line of its own, with its ':' and one space after it",
        "Check that the line before ends as it should and that the indentation is right; "
        "quote a text that has ': ' in it.",
    ),
    (
        "unexpected end of stream",
        "a quote that is never closed",
        "the same quote at the end of the text",
        "Close the quote, or remove the one that opens it.",
    ),
    (
        "undefined alias",
        "a name after '*' that is defined nowhere",
        "a text, or an alias of an anchor ('&name') further up",
        "Quote a text that begins with '*'.",
    ),
    (
        "another document",
        "a second YAML document ('---')",
        "one document in a file",
        "Put each environment into a file of its own.",
    ),
    (
        "cannot start any token",
        "a character that no YAML text may begin with",
        "a text that begins with a letter or a quote",
        "Quote a text that begins with one of @ ` %.",
    ),
    (
        "unknown escape character",
        "a '\\' that YAML does not understand",
        "'\\\\' between double quotes",
        "Put the text between single quotes instead.",
    ),
    (
        "could not find expected ':'",
        "a line without ':'",
        "'key: value', or '- item' in a list",
        "Check the spelling and the indentation of this line and the one before it.",
    ),
    (
        "did not find expected key",
        "a line that is not indented like those around it",
        "the indentation of the block that it belongs to",
        "Put the items of one list, and the keys of one mapping, exactly below each other.",
    ),
    (
        "did not find expected '-'",
        "a line that is no item of the list above it",
        "'- ' at its beginning, below the other ones",
        "Put '- ' before it, or correct its indentation.",
    ),
    (
        "did not find expected ','",
        "a list or mapping in brackets that is never closed",
        "',' between items and a bracket at the end",
        "Close the bracket, or quote the text that begins with one.",
    ),
)


def compose(findings: Findings) -> yaml.Node | None:
    """Parse a text; None where it holds nothing. Raises BadSpec where it is not YAML."""
    return next(iter(_composed(findings, several=False)), None)


def compose_all(findings: Findings) -> list[yaml.Node]:
    """Parse a text of several documents (`---`); raises BadSpec where it is not YAML."""
    return _composed(findings, several=True)


def _composed(findings: Findings, *, several: bool) -> list[yaml.Node]:
    try:
        if len(findings.text) > findings.largest:
            findings.problem(
                None,
                f"a file of {len(findings.text):,} characters",
                f"{findings.kind}, of at most {findings.largest:,}",
                "Check that this is the file that you meant.",
            )
        elif _is_shallow(findings):
            loader = yaml.CSafeLoader
            if several:
                return [each for each in yaml.compose_all(findings.text, loader) if each]
            node = yaml.compose(findings.text, loader)
            return [] if node is None else [node]
    except yaml.MarkedYAMLError as error:
        _explain(error, findings)
    except yaml.reader.ReaderError as error:
        _explain_character(int(error.position), findings)
    except UnicodeEncodeError as error:  # a lone surrogate
        _explain_character(error.start, findings)
    findings.raise_any()
    return []


def _is_shallow(findings: Findings) -> bool:
    """Look at the depth first: to compose deep nesting overflows the stack of the C library."""
    depth = 0
    for event in yaml.parse(findings.text, Loader=yaml.CSafeLoader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > _DEEPEST:
            mark = event.start_mark
            findings.problem(
                Place(mark.line, mark.column) if mark is not None else None,
                f"lists or mappings {depth} deep",
                f"the few levels of {findings.kind}",
            )
            return False
    return True


def _explain(error: yaml.MarkedYAMLError, findings: Findings) -> None:
    problem = str(error.problem or error.context)
    place = _where(error, opening=any(each in problem for each in _NEVER_CLOSED))
    lines = findings.text.splitlines()
    line = lines[place.line] if place.line < len(lines) else ""
    jinja = next((i for i, each in enumerate(lines) if _has_jinja(each)), None)
    if jinja is not None:
        findings.problem(Place(jinja), "a Jinja expression", "plain YAML", JINJA_HINT)
    elif "\t" in line[: len(line) - len(line.lstrip())]:
        hint = "Replace every tab by two spaces."
        findings.problem(Place(place.line), "a tab", "spaces for indentation", hint)
    else:
        findings.problem(place, *_in_words(problem))


def _where(error: yaml.MarkedYAMLError, *, opening: bool) -> Place:
    """Where it went wrong, or where the quote or the bracket is that was never closed."""
    first, second = error.problem_mark, error.context_mark
    mark = (second or first) if opening else (first or second)
    return Place(mark.line, mark.column) if mark is not None else Place(0)


def _in_words(problem: str) -> tuple[str, str, str]:
    for fragment, found, expected, hint in _YAML_WORDS:
        if fragment in problem:
            return found, expected, hint
    return (
        f"something that is not YAML ({problem})",
        "YAML",
        "Check the indentation, quotes and brackets here and in the line before.",
    )


def _has_jinja(line: str) -> bool:
    return _JINJA.search(line.partition("#")[0]) is not None


def _explain_character(position: int, findings: Findings) -> None:
    before = findings.text[:position]
    line = before.count("\n")
    column = position - (before.rfind("\n") + 1)
    findings.problem(
        Place(line, column),
        f"the character {findings.text[position : position + 1]!a}, which YAML does not allow",
        "text",
        "Delete it; the file may have been damaged, or may not be a text at all.",
    )
