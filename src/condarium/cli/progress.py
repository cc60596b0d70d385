"""Progress on standard error: drawn on a terminal, and only for what takes a while."""

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, TextIO

from condarium.model.jobs import JobEvent
from condarium.model.visible import visible

if TYPE_CHECKING:
    from rich.progress import Progress as Bars
    from rich.progress import TaskID

_PATIENCE = 0.8
"""Seconds before anything is drawn: what is over by then needs no progress."""


class Lines:
    """Passes on what is said, line by line, and draws nothing."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def phase(self, name: str, total: int | None = None, unit: str = "") -> None: ...

    def advance(self, amount: int = 1) -> None: ...

    def say(self, message: str) -> None:
        print(visible(message), file=self._stream, flush=True)

    def log(self, line: str) -> None: ...

    def finish(self) -> None: ...


class Told(Lines):
    """Tells on another stream what happens in a job that is followed, event by event."""

    def __init__(self, stream: TextIO, tell: Callable[[JobEvent], None]) -> None:
        super().__init__(stream)
        self._tell = tell

    def hear(self, event: JobEvent) -> None:
        self._tell(event)


class Drawn:
    """One bar for each phase, wiped away in the end.

    A timer starts the drawing, because a phase may be long and silent. rich is imported then: most
    commands are over before. Every method may be called from any thread.
    """

    def __init__(self, stream: TextIO, *, color: bool, patience: float = _PATIENCE) -> None:
        self._stream, self._color, self._patience = stream, color, patience
        self._lock = threading.RLock()
        self._timer: threading.Timer | None = None
        self._bars: Bars | None = None
        self._task: TaskID | None = None
        self._phase: tuple[str, int | None, str] | None = None
        self._done = 0

    def phase(self, name: str, total: int | None = None, unit: str = "") -> None:
        with self._lock:
            self._end_phase()
            self._phase, self._done = (name, total, unit), 0
            if self._bars:
                self._draw_phase()
            elif not self._timer:
                self._timer = threading.Timer(self._patience, self._start)
                self._timer.daemon = True
                self._timer.start()

    def advance(self, amount: int = 1) -> None:
        with self._lock:
            self._done += amount
            if self._bars and self._phase and self._task is not None:
                self._bars.update(self._task, completed=self._done, amount=self._amount())

    def say(self, message: str) -> None:
        with self._lock:
            if self._bars:
                self._bars.console.print(visible(message), markup=False, highlight=False)
            else:
                print(visible(message), file=self._stream, flush=True)

    def log(self, line: str) -> None: ...

    def finish(self) -> None:
        with self._lock:
            if self._timer:
                self._timer.cancel()
            if self._bars:
                self._bars.stop()
            self._timer = self._bars = self._task = self._phase = None

    def _start(self) -> None:
        bars = _new_bars(self._stream, color=self._color)
        with self._lock:
            if self._timer is None or self._phase is None or self._bars:
                return  # it was over meanwhile
            self._bars = bars
            bars.start()
            self._draw_phase()

    def _draw_phase(self) -> None:
        assert self._bars
        assert self._phase
        name, total, _ = self._phase
        self._task = self._bars.add_task(
            visible(name), total=total, completed=self._done, amount=self._amount()
        )

    def _end_phase(self) -> None:
        if self._bars and self._phase and self._task is not None:
            total = self._phase[1]
            self._bars.update(self._task, total=total or 1, completed=total or 1)

    def _amount(self) -> str:
        from condarium.cli.amounts import size

        assert self._phase
        _, total, unit = self._phase
        if total is None:
            return ""
        if unit and unit != "bytes":
            return f"{self._done:,}/{total:,} {unit}"
        return f"{size(self._done)} of {size(total)}"


def _new_bars(stream: TextIO, *, color: bool) -> "Bars":
    from rich.console import Console
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    return Progress(
        SpinnerColumn(finished_text="✓"),
        TextColumn("{task.description:<12}", markup=False),
        BarColumn(bar_width=28),
        TextColumn("{task.fields[amount]}", markup=False),
        TimeElapsedColumn(),
        console=Console(file=stream, no_color=not color, force_terminal=True),
        transient=True,
        redirect_stdout=False,
    )
