"""Patterns of patch rules: the shell's `*`, `?` and `[…]`, and `?( *)` for an optional space.

`numpy` matches only itself, `numpy?( *)` also `numpy >=1.2`, and `numpy*` also `numpy-base`.
Letter case matters.
"""

import fnmatch
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

_OPTIONAL = "?( *)"
_SPECIAL = re.compile(r"[*?\[]")


@dataclass(frozen=True)
class Glob:
    """A pattern; make one with `glob(text)`, which keeps those that were made."""

    text: str

    def matches(self, text: str) -> bool:
        if self.is_literal:
            return text == self.text
        return text.startswith(self.head) and self._regex.fullmatch(text) is not None

    def among(self, texts: Sequence[str]) -> list[str]:
        """Give those of several texts that match. Most time of a patch goes by here."""
        if self.is_literal:
            return [self.text] * texts.count(self.text)
        head, fits = self.head, self._regex.fullmatch
        return [each for each in texts if each.startswith(head) and fits(each)]

    @cached_property
    def is_literal(self) -> bool:
        return self.head == self.text

    @cached_property
    def first_word(self) -> str | None:
        """What everything that matches has before its first space; None where that varies."""
        head, space, _ = self.head.partition(" ")
        if space or self.is_literal or self.text == head + _OPTIONAL:
            return head
        return None

    @cached_property
    def head(self) -> str:
        """What everything that matches begins with."""
        return _SPECIAL.split(self.text, maxsplit=1)[0]

    @cached_property
    def _regex(self) -> re.Pattern[str]:
        return re.compile("(?s: .*)?".join(map(_translated, self.text.split(_OPTIONAL))))


@lru_cache(maxsize=16384)
def glob(text: str) -> Glob:
    return Glob(text)


def _translated(text: str) -> str:
    return fnmatch.translate(text).removesuffix(r"\Z").removesuffix(r"\z")
