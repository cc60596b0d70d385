"""What a command says to a person: lines and tables, styled on a terminal and plain elsewhere.

Texts come from files, channels and other people, so control characters are made visible before
they can reach a terminal. Only `raw` leaves a text as it is.
"""

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from condarium.cli.amounts import ago, clock
from condarium.model.instants import say_instant
from condarium.model.visible import visible

_CODES = {
    "bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "cyan": "36",
}  # fmt: skip


@dataclass(frozen=True)
class Styled:
    text: str
    style: str


def bold(text: object) -> Styled:
    return Styled(str(text), "bold")


def dim(text: object) -> Styled:
    return Styled(str(text), "dim")


def red(text: object) -> Styled:
    return Styled(str(text), "red")


def green(text: object) -> Styled:
    return Styled(str(text), "green")


def yellow(text: object) -> Styled:
    return Styled(str(text), "yellow")


def cyan(text: object) -> Styled:
    return Styled(str(text), "cyan")


Part = Styled | str


class Page:
    """Collects what is said. `width` is the terminal's, None where there is no terminal.

    `program` is what a reader types to call condarium again, `place` the store or the server that
    answered, which is `remote` where it is a server; `command` is the operation's name. `remarks`
    are for people alone: a program that reads the answer must not come upon them.
    """

    def __init__(
        self,
        *,
        now: datetime,
        color: bool = False,
        width: int | None = None,
        program: str = "condarium",
        place: str = "",
        remote: bool = False,
        command: str = "",
    ) -> None:
        self.now, self.color, self.width = now, color, width
        self.program, self.place, self.remote = program, place, remote
        self.command = command
        self.remarks: list[str] = []
        self._lines: list[str] = []

    @property
    def terminal(self) -> bool:
        return self.width is not None

    def text(self) -> str:
        return "".join(self._lines)

    def line(self, *parts: Part) -> None:
        self._lines.append("".join(self._paint(part) for part in parts).rstrip() + "\n")

    def lines(self, text: str, *, indent: str = "") -> None:
        """A text that has line ends."""
        for line in text.splitlines():
            self.line(indent, line)

    def more(self, cursor: str | None) -> None:
        """Say how to see what follows a page of a list."""
        if cursor is not None:
            self.line(dim(f"more follow: --cursor {cursor} shows them"))

    def nothing(self, text: str) -> None:
        """Say that an answer is empty; a program that counts lines must count none."""
        if self.terminal:
            self.line(text)
        else:
            self.remarks.append(text)

    def raw(self, text: str) -> None:
        """A document that is what was asked for."""
        self._lines.append(text if text.endswith("\n") else f"{text}\n")

    def when(self, moment: datetime) -> str:
        """How long ago on a terminal; the moment itself where a program may read it."""
        return ago(moment, self.now) if self.terminal else say_instant(moment)

    def clock(self, moment: datetime) -> str:
        """How long ago on a terminal; elsewhere the moment, cut off as clocks show it."""
        return ago(moment, self.now) if self.terminal else clock(moment)

    def table(
        self,
        titles: Sequence[str],
        rows: Iterable[Sequence[Part]],
        *,
        right: Sequence[int] = (),
        crop: int | Sequence[int] | None = None,
    ) -> None:
        """Columns as wide as their widest cell.

        `right` columns are aligned so; on a terminal the column `crop` gives way where a row would
        not fit, or several do, one after the other. Nothing is ever shortened where there is no
        terminal.
        """
        cells = [[_clean(part) for part in row] for row in rows]
        heads: list[Styled] = [dim(title.upper()) for title in titles]
        body = [heads, *cells] if any(titles) else cells
        widths = [max(map(_width, column)) for column in zip(*body, strict=True)] if body else []
        for column in () if self.width is None or not widths else _columns(crop):
            excess = sum(widths) + 2 * (len(widths) - 1) - (self.width or 0)
            widths[column] = max(widths[column] - max(excess, 0), min(widths[column], 8))
        for row in body:
            self._row(row, widths, right)

    def _row(self, row: Sequence[Styled], widths: Sequence[int], right: Sequence[int]) -> None:
        texts = []
        for index, (part, width) in enumerate(zip(row, widths, strict=True)):
            if _width(part) > width:
                part = Styled(f"{part.text[: width - 1]}…", part.style)
            space = " " * (width - _width(part))
            painted = self._style(part)
            texts.append(space + painted if index in right else painted + space)
        self._lines.append("  ".join(texts).rstrip() + "\n")

    def _paint(self, part: Part) -> str:
        return self._style(_clean(part))

    def _style(self, part: Styled) -> str:
        if not (self.color and part.style and part.text):
            return part.text
        return f"\x1b[{_CODES[part.style]}m{part.text}\x1b[0m"


def _columns(crop: int | Sequence[int] | None) -> Sequence[int]:
    return () if crop is None else (crop,) if isinstance(crop, int) else crop


def _clean(part: Part) -> Styled:
    text, style = (part.text, part.style) if isinstance(part, Styled) else (part, "")
    return Styled(visible(text), style)


def _width(part: Styled) -> int:
    if part.text.isascii():
        return len(part.text)
    return sum(
        0 if unicodedata.combining(c) else 1 + (unicodedata.east_asian_width(c) in "WF")
        for c in part.text
    )
