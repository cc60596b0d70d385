"""One line of a result: what was measured, beside what, and the limit that it has to keep."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any, Literal

Kind = Literal["ratio", "difference", "value"]
_TIMES = "\N{MULTIPLICATION SIGN}"


@dataclass(frozen=True, kw_only=True)
class Line:
    """`ours` and `peer` are what single runs gave, in `unit`; the figure is made of their medians.

    A line without a limit is shown for what it tells, and is not judged.
    """

    name: str
    ours: Sequence[float]
    peer: Sequence[float] = ()
    peer_name: str = ""
    unit: str = "s"
    kind: Kind = "ratio"
    limit: float | None = None
    note: str = field(default="")

    @property
    def figure(self) -> float:
        ours = median(self.ours)
        if self.kind == "value":
            return ours
        peer = median(self.peer)
        return ours - peer if self.kind == "difference" else ours / peer

    @property
    def kept(self) -> bool | None:
        return None if self.limit is None else self.figure <= self.limit

    @property
    def verdict(self) -> str:
        return {None: "", True: "ok", False: "MISSED"}[self.kept]

    def cells(self) -> tuple[str, ...]:
        """Name, ours, peer, figure, limit, verdict, as a table shows them."""
        sign = f"{_TIMES} " if self.kind == "ratio" else ""
        limit = "" if self.limit is None else f"≤ {sign}{self._limit(self.limit)}"
        digits = ".2f" if self.figure >= 0.1 else ".2g"
        figure = (
            f"{_TIMES} {self.figure:{digits}}"
            if self.kind == "ratio"
            else self._amount(self.figure)
        )
        peer = f"{self._amount(median(self.peer))} {self.peer_name}".strip() if self.peer else ""
        return (self.name, self._amount(median(self.ours)), peer, figure, limit, self.verdict)

    def to_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "kind": self.kind,
            "unit": self.unit,
            "figure": round(self.figure, 4),
            "limit": self.limit,
            "kept": self.kept,
            "ours": [round(each, 4) for each in self.ours],
            "peer": [round(each, 4) for each in self.peer],
            "peer_name": self.peer_name,
            "note": self.note,
            "cells": self.cells(),
        }

    def _limit(self, limit: float) -> str:
        if self.kind == "ratio":
            return f"{limit:.3g}"
        return f"{limit / 1e6:g} MB" if self.unit == "bytes" else f"{limit:g} {self.unit}"

    def _amount(self, value: float) -> str:
        return f"{value / 1e6:.1f} MB" if self.unit == "bytes" else f"{value:.3f} {self.unit}"


@dataclass(frozen=True, kw_only=True)
class Result:
    """What a benchmark gave; `facts` say on what it was measured, `skipped` why it was not."""

    name: str
    title: str
    lines: Sequence[Line] = ()
    facts: Sequence[str] = ()
    skipped: str = ""
