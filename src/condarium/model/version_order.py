"""The order of conda versions, as conda's VersionOrder has it, on any text at all.

Versions split at `.`, `_` and `-` into parts, and these into numbers and words. Missing numbers
count as 0 (1.1 = 1.1.0), a word comes before every number (1.0a1 < 1.0), `dev` before all words
and `post` after all numbers. An epoch (`1!`) decides first, what follows a `+` last.
"""

import re
from functools import lru_cache
from itertools import zip_longest

_Atom = tuple[int, int, str]
"""What is compared: words (0, 0, word), numbers (1, number, ""), post (2, 0, "")."""
_Parts = tuple[tuple[_Atom, ...], ...]

_ATOM = re.compile(r"[0-9]+|\*+|[^0-9*]+")
_VALID = re.compile(
    r"(?:[0-9]+!)?[0-9a-z*]+(?:[._-][0-9a-z*]+)*_?(?:\+[0-9a-z._]+)?", re.IGNORECASE
)
_ZERO: _Atom = (1, 0, "")
_SPECIAL: dict[str, _Atom] = {"post": (2, 0, ""), "dev": (0, 0, "")}


def is_version(text: str) -> bool:
    """Whether a text is a version as conda allows it."""
    return _VALID.fullmatch(text) is not None


def compare_versions(left: str, right: str) -> int:
    """Give -1, 0 or 1, as `left` comes before, equals or comes after `right`.

    It never fails: what is no version is compared by the same rules, as far as they go.
    """
    if left == right:
        return 0
    for ours, theirs in zip(_parse(left), _parse(right), strict=True):
        if difference := _compare(ours, theirs):
            return difference
    return 0


def _compare(left: _Parts, right: _Parts) -> int:
    for ours, theirs in zip_longest(left, right, fillvalue=()):
        for mine, other in zip_longest(ours, theirs, fillvalue=_ZERO):
            if mine != other:
                return -1 if mine < other else 1
    return 0


@lru_cache(maxsize=65536)
def _parse(text: str) -> tuple[_Parts, _Parts]:
    """The parts of a version, its epoch first, and those of what follows its `+`."""
    text = text.strip().lower().replace("-", "_")
    epoch, mark, rest = text.partition("!")
    if not mark:
        epoch, rest = "0", text
    main, _, local = rest.partition("+")
    # An underscore at the end is a word of its own: 1.0.1_ comes before 1.0.1a (openssl).
    body, tail = (main[:-1], "_") if main.endswith("_") else (main, "")
    return _parts([epoch, *(body.replace("_", ".") + tail).split(".")]), (
        _parts(local.replace("_", ".").split(".")) if local else ()
    )


def _parts(texts: list[str]) -> _Parts:
    return tuple(tuple(_atoms(text)) for text in texts)


def _atoms(text: str) -> list[_Atom]:
    atoms = [_atom(each) for each in _ATOM.findall(text)]
    return atoms if text[:1].isdigit() else [_ZERO, *atoms]


def _atom(text: str) -> _Atom:
    if text.isascii() and text.isdigit():
        return (1, int(text), "")
    return _SPECIAL.get(text, (0, 0, text))
