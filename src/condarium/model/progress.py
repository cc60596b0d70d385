"""How work says how far it is, to a terminal or to anybody else."""

from typing import Protocol, runtime_checkable

from condarium.model.jobs import JobEvent


class Progress(Protocol):
    """Receives the phases of an operation; every method may be called from any thread."""

    def phase(self, name: str, total: int | None = None, unit: str = "") -> None:
        """A phase begins (and the one before is over); `total` counts `unit`s, or bytes."""

    def advance(self, amount: int = 1) -> None:
        """So much more of the present phase is done."""

    def say(self, message: str) -> None:
        """Something that a person would want to read, a line."""

    def log(self, line: str) -> None:
        """A detail, which whoever reads a job's log may want; a terminal does not show it."""

    def finish(self) -> None:
        """There is no more to show."""


@runtime_checkable
class Listener(Protocol):
    """A Progress that wants the events of a job which is followed as they are."""

    def hear(self, event: JobEvent) -> None:
        """This has happened in it."""


class Quiet:
    """A Progress that shows nothing."""

    def phase(self, name: str, total: int | None = None, unit: str = "") -> None: ...

    def advance(self, amount: int = 1) -> None: ...

    def say(self, message: str) -> None: ...

    def log(self, line: str) -> None: ...

    def finish(self) -> None: ...
