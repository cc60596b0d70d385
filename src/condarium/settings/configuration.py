"""The configuration file: TOML, read whole and strictly, and laid under the environment.

It is data: nothing in it is run, and `$VARIABLES` in it stay as they are.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from condarium.errors import BadDocument, SpecProblem
from condarium.settings import reading
from condarium.settings.options import SECTIONS, Kind, Option, by_key

SYSTEM_FILE = Path("/etc/condarium/condarium.toml")
FILE_NAME = "condarium.toml"

_SECTION = re.compile(r"\s*\[\s*([\w-]+)\s*\]")
_KEY = re.compile(r"\s*([\w-]+)\s*=")
_AT = re.compile(r"\(at line (\d+), column (\d+)\)")


class BadConfiguration(BadDocument):
    """A configuration file does not say what it may say."""


def find_file(environ: Mapping[str, str], store: Path) -> Path | None:
    """The file that holds: the one that is named, else the store's, else the system's."""
    if named := environ.get("CONDARIUM_CONFIG"):
        return Path(named).expanduser().absolute()
    return next((file for file in (store / FILE_NAME, SYSTEM_FILE) if file.is_file()), None)


def read_file(file: Path) -> dict[str, str]:
    """What a file says, as the environment would say it: by variable.

    Raises BadConfiguration, which has all that is wrong, with lines.
    """
    import tomllib

    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        said = getattr(error, "strerror", None) or "bytes that are not UTF-8"
        raise BadConfiguration(str(file), [_problem(1, said, "a TOML file to read")]) from error
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BadConfiguration(str(file), [_syntax_problem(str(error))]) from error
    found, problems = _take(content, _lines(text))
    if problems:
        raise BadConfiguration(str(file), sorted(problems, key=lambda each: each.line))
    return found


def as_text(option: Option, value: object) -> str | None:
    """A TOML value as the environment spells it; None where it is of another type."""
    if option.kind is Kind.FLAG:
        return None if not isinstance(value, bool) else "1" if value else "0"
    if isinstance(value, bool):
        return None
    if option.kind is Kind.WORDS and isinstance(value, list):
        return ",".join(value) if all(isinstance(each, str) for each in value) else None
    if option.kind in (Kind.COUNT, Kind.DURATION, Kind.SIZE) and isinstance(value, int):
        return str(value)
    return value if isinstance(value, str) and option.kind is not Kind.COUNT else None


def check_text(option: Option, text: str) -> None:
    """Raises BadSetting where a text is no value of the option's kind."""
    said = {option.variable: text}
    if option.kind is Kind.DURATION:
        reading.seconds(option.variable, said, 0)
    elif option.kind is Kind.SIZE:
        reading.size(option.variable, said, 0)
    elif option.kind is Kind.URL:
        reading.url(option.variable, said)
    elif option.kind is Kind.COUNT and not re.fullmatch(r"\d{1,8}", text, re.ASCII):
        raise reading.BadSetting(option.variable, text, "a whole number")


def _take(
    content: Mapping[str, Any], lines: Mapping[tuple[str, str], int]
) -> tuple[dict[str, str], list[SpecProblem]]:
    known, found, problems = by_key(), {}, []
    for section, name, value in _each(content):
        line = lines.get((section, name), lines.get((section, ""), 1))
        option = known.get((section, name))
        if option is None:
            problems.append(_unknown(section, name, line))
            continue
        text = as_text(option, value)
        if text is None:
            problems.append(_problem(line, f"{name} = {value!r}", _expected(option)))
            continue
        try:
            check_text(option, text)
        except reading.BadSetting as error:
            shown = "a secret" if option.secret else f"{name} = {error.found!r}"
            problems.append(_problem(line, shown, error.expected))
        else:
            found[option.variable] = text
    return found, problems


def _each(content: Mapping[str, Any]) -> Iterator[tuple[str, str, Any]]:
    for section, values in content.items():
        if isinstance(values, Mapping) and section in SECTIONS:
            yield from ((section, name, value) for name, value in values.items())
        elif isinstance(values, Mapping):
            yield section, "", values
        else:
            yield "", section, values


def _unknown(section: str, name: str, line: int) -> SpecProblem:
    import difflib

    if not name:
        close = difflib.get_close_matches(section, SECTIONS, n=1)
        hint = f"Did you mean [{close[0]}]?" if close else None
        every = ", ".join(f"[{each}]" for each in SECTIONS)
        return _problem(line, f"the section [{section}]", f"one of {every}", hint)
    places: dict[str, list[str]] = {}
    for known_section, known_name in by_key():
        places.setdefault(known_name, []).append(known_section)
    close = difflib.get_close_matches(name, places, n=1)
    hint = f"Did you mean {close[0]} in [{places[close[0]][0]}]?" if close else None
    where = f" in [{section}]" if section else " outside of a section"
    return _problem(line, f"{name}{where}", "an option that there is", hint)


def _expected(option: Option) -> str:
    if option.kind is Kind.WORDS:
        return 'a list of texts such as ["one", "two"]'
    if option.kind in (Kind.FLAG, Kind.COUNT):
        return option.kind if option.kind is Kind.FLAG else "a whole number"
    return f"a text in quotes ({option.kind})"


def _lines(text: str) -> dict[tuple[str, str], int]:
    """In which line each section, and each key of one, begins."""
    found: dict[tuple[str, str], int] = {}
    section = ""
    for number, line in enumerate(text.splitlines(), 1):
        if header := _SECTION.match(line):
            section = header[1]
            found.setdefault((section, ""), number)
        elif key := _KEY.match(line):
            found.setdefault((section, key[1]), number)
    return found


def _syntax_problem(said: str) -> SpecProblem:
    at = _AT.search(said)
    line, column = (int(at[1]), int(at[2])) if at else (1, 1)
    found = _AT.sub("", said).strip()
    return SpecProblem(line=line, column=column, found=found, expected="TOML")


def _problem(line: int, found: str, expected: str, hint: str | None = None) -> SpecProblem:
    return SpecProblem(line=line, column=1, found=found, expected=expected, hint=hint)


def line_of(file: Path, option: Option) -> int:
    """In which line of a file an option is set."""
    return _lines(file.read_text(encoding="utf-8")).get((option.section, option.name), 1)
