"""Texts of others as they are shown: what moves a cursor, or turns a line around, is spelled."""

import re

_CONTROL = re.compile("[\x00-\x08\x0a-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")


def visible(text: str, *, lines: bool = False) -> str:
    r"""The text with its control characters spelled out, in one line unless `lines` stay.

    >>> visible("a\x1b[2J\nb")
    'a\\x1b[2J b'
    """
    return _CONTROL.sub(lambda found: _spelled(found[0], lines), text)


def _spelled(character: str, lines: bool) -> str:
    if character in "\r\n":
        return "\n" if lines and character == "\n" else " "
    return character.encode("unicode_escape").decode()
