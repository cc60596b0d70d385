"""Where what a command says goes: results to standard output, everything else to standard error.

With `--json` standard output is one JSON document, whatever happens: the result, or
`{"error": {"code": …, "message": …, "hint": …}}` with the data that the error carries.
"""

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self, TextIO

from condarium.cli import exit_codes
from condarium.cli.page import Page, red
from condarium.errors import CondariumError, Failed
from condarium.model.jobs import Job, JobEvent
from condarium.model.progress import Progress, Quiet
from condarium.operation import Operation


class ReaderGone(Exception):
    """Nobody reads the stream any more."""


class Unwritable(Failed):
    """What was to be said cannot be written."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"the output cannot be written: {reason}")


@dataclass(kw_only=True)
class Output:
    """The two streams of a command, and how they are written to."""

    json: bool
    color: bool
    debug: bool
    operation: Operation | None = None
    program: str = "condarium"
    place: str = ""
    remote: bool = False
    follows: bool = False
    """Whether what happens is told as it does, so that there is nothing to be said in the end."""

    @classmethod
    def early(cls, argv: Sequence[str]) -> Self:
        """Read what concerns errors too, before the command line is understood."""
        own = argv[: argv.index("--")] if "--" in argv else argv
        environ = os.environ
        plain = "--no-color" in own or environ.get("NO_COLOR") or environ.get("TERM") == "dumb"
        return cls(
            json="--json" in own, color=not plain, debug=bool(environ.get("CONDARIUM_DEBUG"))
        )

    def progress(self, *, quiet: bool) -> Progress:
        from condarium.cli.progress import Drawn, Lines, Told

        if self.follows:
            return Told(sys.stderr, self._event)
        if quiet:
            return Quiet()

        if self.json or not sys.stderr.isatty():
            return Lines(sys.stderr)
        return Drawn(sys.stderr, color=self.color)

    @contextmanager
    def kept_clean(self) -> Iterator[None]:
        """With `--json`, let programs that the operation starts write to standard error instead."""
        try:
            number = sys.stdout.fileno() if self.json and not self.follows else None
        except (OSError, ValueError):
            number = None  # not a file: a test's, or a notebook's
        if number is None:
            yield
            return
        sys.stdout.flush()
        kept = os.dup(number)
        os.dup2(2, number)
        try:
            yield
        finally:
            os.dup2(kept, number)
            os.close(kept)

    def version(self, version: str) -> None:
        _write(_document({"version": version}) if self.json else f"condarium {version}\n")

    def help(self, text: str) -> None:
        _write(_document({"help": text}) if self.json else f"{text}\n")

    def result(
        self, operation: Operation, result: object, arguments: Mapping[str, Any], *, quiet: bool
    ) -> None:
        if self.follows:
            return
        if self.json:
            from condarium.model.plain import to_plain

            _write(_document(to_plain(result)))
            return
        detached = isinstance(result, Job) and operation.result is not Job
        if detached and quiet:
            _write(f"{result.id}\n")  # type: ignore[attr-defined]  # it is a job
            return
        saved = arguments.get("output")
        document = operation.saves and saved is None and not detached
        if document:
            page = self._page(sys.stdout)
            page.raw(getattr(result, operation.saves or ""))
            _write(page.text())
        changed = operation.changes and not arguments.get("dry_run")
        wrong = not getattr(result, "ok", True)  # there may be nothing else that tells of it
        if wrong or not (quiet and (operation.saves or changed)):
            to = sys.stderr if document else sys.stdout
            remarks = self._summary(operation, result, saved, to)
            if remarks and not quiet:
                _write(remarks, sys.stderr)

    def _summary(self, operation: Operation, result: object, saved: object, to: TextIO) -> str:
        """Write what came of it; give the remarks that do not belong among that."""
        from condarium.cli.render import renderer

        page = self._page(to)
        detached = isinstance(result, Job) and operation.result is not Job
        renderer(Job if detached else operation.result)(result, page)
        if saved is not None:
            page.line(f"written to {saved}")
        _write(page.text(), to)
        return "".join(f"{remark}\n" for remark in page.remarks)

    def _event(self, event: JobEvent) -> None:
        """A job's event: a line, or with `--json` an object on one."""
        if self.json:
            import json

            from condarium.model.plain import to_plain

            _write(f"{json.dumps(to_plain(event))}\n")
            return
        from condarium.cli.render.jobs import job_event

        page = self._page(sys.stdout)
        job_event(event, page)
        _write(page.text())

    def known_error(self, error: CondariumError) -> int:
        data = {"code": error.code, "message": error.message, "hint": error.hint}
        return self._error(data, error, exit_codes.of_error(error))

    def unexpected_error(self, error: Exception) -> int:
        message = f"something unexpected happened: {type(error).__name__}: {error}"
        hint = "This is a defect in condarium; CONDARIUM_DEBUG=1 prints the traceback."
        data = {"code": "unexpected", "message": message, "hint": hint}
        return self._error(data, error, exit_codes.UNEXPECTED)

    def interrupted(self) -> int:
        message = "interrupted"
        if self.operation and self.operation.changes:
            goes_on = self.remote and not self.operation.job
            message += (
                "; the server may go on with it" if goes_on else "; nothing is left half done"
            )
        data = {"code": "interrupted", "message": message, "hint": None}
        return self._error(data, None, exit_codes.INTERRUPTED)

    def abandon(self) -> None:
        """Nobody reads standard output any more: what is still to be written goes nowhere."""
        with suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())

    def _error(self, data: Mapping[str, Any], error: Exception | None, code: int) -> int:
        if self.debug and error:
            import traceback

            traceback.print_exception(error)
        page = self._page(sys.stderr)
        if error is None and page.terminal:
            page.line()  # the terminal has just shown ^C, and stays on that line
        first, *others = data["message"].splitlines() or [""]
        page.line(red("error: " if error else ""), first)
        for line in others:
            page.line(line)
        if data["hint"]:
            page.lines(f"hint: {data['hint']}")
        with suppress(ReaderGone, Unwritable):  # the exit status still tells
            _write(page.text(), sys.stderr)
            if self.json:
                _write(_document({"error": {**data, **_details(error)}}))
        return code

    def _page(self, stream: TextIO) -> Page:
        import shutil

        terminal = stream.isatty()
        width = shutil.get_terminal_size().columns if terminal else None
        return Page(
            now=datetime.now(UTC),
            color=self.color and terminal,
            width=width,
            program=self.program,
            place=self.place,
            remote=self.remote,
            command=self.operation.name if self.operation else "",
        )


def as_called(argument: str, *, store: str | None, server: str | None = None) -> str:
    """What to type to call this condarium on this place again; `argument` is argv[0]."""
    import shlex
    import shutil

    found = shutil.which("condarium")
    words = ["condarium"]
    if Path(argument).name == "__main__.py":
        words = ["python", "-m", "condarium"]
    elif Path(argument).name == "condarium" and not _same(found, argument):
        words = [argument]
    place = ["--store", store] if store else ["--server", server] if server else []
    return shlex.join([*words, *place])


def _same(found: str | None, argument: str) -> bool:
    try:
        return found is not None and Path(found).samefile(argument)
    except OSError:
        return False


def _details(error: Exception | None) -> dict[str, Any]:
    from condarium.model.plain import error_data

    return error_data(error) if isinstance(error, CondariumError) else {}


def _document(value: object) -> str:
    import json

    return json.dumps(value, indent=2) + "\n"


def _write(text: str, stream: TextIO | None = None) -> None:
    stream = stream or sys.stdout
    encoding = stream.encoding or "utf-8"
    try:
        # an old terminal's encoding may lack a character: better spelled out than no answer
        stream.write(text.encode(encoding, "backslashreplace").decode(encoding))
        stream.flush()
    except BrokenPipeError as error:
        raise ReaderGone from error
    except OSError as error:
        raise Unwritable(error.strerror or str(error)) from error
