"""How work says how far it is, to a terminal or to anybody else."""

from typing import Protocol


class Progress(Protocol):
    """Receives the phases of an operation; every method may be called from any thread."""

    def phase(self, name: str, total: int | None = None, unit: str = "") -> None:
        """A phase begins (and the one before is over); `total` counts `unit`s, or bytes."""

    def advance(self, amount: int = 1) -> None:
        """So much more of the present phase is done."""

    def say(self, message: str) -> None:
        """Something that a person would want to read, a line."""

    def finish(self) -> None:
        """There is no more to show."""


class Quiet:
    """A Progress that shows nothing."""

    def phase(self, name: str, total: int | None = None, unit: str = "") -> None: ...

    def advance(self, amount: int = 1) -> None: ...

    def say(self, message: str) -> None: ...

    def finish(self) -> None: ...
