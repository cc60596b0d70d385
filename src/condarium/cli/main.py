"""The console's entry: runs a command, and turns whatever happens into words and an exit status."""

import gc
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn, TextIO

from condarium import __version__
from condarium.app import operations
from condarium.cli import exit_codes
from condarium.cli.arguments import BadCommandLine, CommandLine, Options, global_flags, parse, split
from condarium.cli.output import Output, ReaderGone, as_called
from condarium.errors import CondariumError
from condarium.operation import Operation
from condarium.values import closest

if TYPE_CHECKING:
    from condarium.client import Client
    from condarium.model.jobs import Placing


def main(argv: Sequence[str] | None = None) -> int:
    """Give the exit status; as the console's entry (no `argv`), end the process with it."""
    sys.stdout = sys.stdout or _nowhere()
    sys.stderr = sys.stderr or _nowhere()
    if argv is None:
        # Imports leave no garbage; looking for it would take a tenth of a short command's time.
        gc.set_threshold(100_000)
        _leave(_guarded(sys.argv[1:]))
    return _guarded(argv)


def _guarded(argv: Sequence[str]) -> int:
    """Run, and let nothing but an exit status out."""
    output = Output.early(argv)
    try:
        return _run(argv, output)
    except CondariumError as error:
        return output.known_error(error)
    except ReaderGone:
        output.abandon()
        return exit_codes.BROKEN_PIPE
    except KeyboardInterrupt:
        return output.interrupted()
    except Exception as error:  # noqa: BLE001 - the process's own boundary
        return output.unexpected_error(error)


def _run(argv: Sequence[str], output: Output) -> int:
    declared = operations()
    line = split(argv, declared)
    if line.version:
        output.version(__version__)
        return exit_codes.OK
    name = " ".join(line.words)
    if name not in declared:
        return _explain(line, declared, output)
    options, arguments = (
        (Options(help=True), {}) if line.help else parse(declared[name], line.others)
    )
    if options.help:
        from condarium.cli.help import page

        output.help(page(declared[name]))
        return exit_codes.OK
    return _call(declared[name], options, arguments, output)


def _call(
    operation: Operation, options: Options, arguments: dict[str, object], output: Output
) -> int:
    output.operation = operation
    output.program = as_called(sys.argv[0], store=options.store, server=options.server)
    if arguments.get("output") == "-":
        del arguments["output"]
    output.follows = operation.name == "job logs" and bool(arguments.get("follow"))
    with _client(operation, options, output) as client:
        output.place, output.remote = client.place, client.remote
        with output.kept_clean():
            result = client.call(operation, arguments)
        if hear := getattr(result, "hear", None):  # who is told where it is may tell it to end
            hear()
        output.result(operation, result, arguments, quiet=options.quiet)
        if wait := getattr(result, "wait", None):  # it goes on until it is told to end
            wait()
    return exit_codes.of_result(result)


def _client(operation: Operation, options: Options, output: Output) -> "Client":
    """Who does it: what only works on a store of this machine has no use for a saved login."""
    from condarium.client import Client
    from condarium.client.connection import TwoPlaces, check_url

    if options.server and options.store:
        raise TwoPlaces(options.store, options.server)
    place = check_url(options.server) if options.server else options.store
    progress = output.progress(quiet=options.quiet)
    here = operation.local and "store" in operation.injected
    placing = _placing(options) if operation.job else None
    return Client(
        place, progress=progress, detach=options.detach, placing=placing, saved_login=not here
    )


def _placing(options: Options) -> "Placing":
    from condarium.model.jobs import Placing
    from condarium.values import parse_duration

    said = options.job_time
    time = parse_duration(said, label="job-time") if said is not None else None
    return Placing.read(options.job_queue, options.job_priority, options.job_chain, time)


def _explain(line: CommandLine, declared: Mapping[str, Operation], output: Output) -> int:
    """Show the commands there are, or raise BadCommandLine where one was named."""
    from condarium.cli.help import group_overview, overview

    flags = [word for word in line.others if word.startswith("-") and word != "--"]
    if unknown := [flag for flag in flags if flag.partition("=")[0] not in global_flags()]:
        raise BadCommandLine(f"condarium has no option {unknown[0]}", hint="Name a command first.")
    named = " ".join(line.words)
    members = [found for found in declared.values() if named in found.groups]
    if not line.words:
        output.help(overview(declared.values()))
    elif members:
        output.help(group_overview(named, members))
    else:
        raise BadCommandLine(f"condarium has no command {named!r}", hint=_suggest(named, declared))
    return exit_codes.OK


def _suggest(name: str, declared: Mapping[str, Operation]) -> str:
    """The command of a similar name, or the one whose last word was typed alone."""
    group, _, verb = name.rpartition(" ")
    found = [operation for operation in declared.values() if group in operation.groups]
    found += [] if group else declared.values()
    commands = {operation.verb: operation.name for operation in reversed(found)}
    close = closest(verb, commands)
    if close:
        return f"Did you mean `condarium {commands[close]}`?"
    known = any(group in operation.groups for operation in declared.values())
    return (
        f"`condarium {group}` shows its commands." if known else "`condarium` shows the commands."
    )


def _nowhere() -> TextIO:
    """In place of a stream that whoever started us has closed."""
    return Path(os.devnull).open("w")


def _leave(code: int) -> NoReturn:
    """End the process without Python's own clean-up; everything of ours is closed by now.

    Taking SQLAlchemy's modules apart costs a short command a sixth of its time, and a process that
    ran rattler's asynchronous functions may crash while Python shuts down.
    """
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:  # without a place to write to, Python would complain of it at its end
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
    os._exit(code)
