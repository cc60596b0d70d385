"""The reference page of all errors, made from their classes.

`python -m condarium.cli.error_reference FILE` writes it.
"""

import importlib
import pkgutil
import sys
from collections.abc import Iterator
from pathlib import Path

import condarium
from condarium.cli import exit_codes
from condarium.errors import BadInput, CondariumError, Conflict, Failed, NotFound, Refused

_INTRODUCTION = """\
# Errors

<!-- Generated from the classes by `make docs`; changes here are lost. -->

What condarium says when it cannot do what was asked: an `error:` with what was found and what was
expected, and mostly a `hint:` with what to do next, on standard error. With `--json`, standard
output has `{"error": {"code": …, "message": …, "hint": …}}` with the error's data. In Python, an
error is an exception of the class that its code names: `no-such-environment` is
`NoSuchEnvironment`. Each class belongs to one of five branches of
`condarium.errors.CondariumError`, and the branch decides the exit status.

A status of 70 is a defect in condarium. `CONDARIUM_DEBUG=1` prints the traceback of any error.
"""
_BRANCHES = (BadInput, NotFound, Conflict, Refused, Failed)
_NO_MODULES = (
    "condarium.storage.migrations",
    "condarium.__main__",
    "condarium.engine.prefixes.compile_script",
)
"""Scripts: to import one is to run it."""


def errors_page() -> str:
    """The page, in Markdown."""
    _import_all()
    parts = [_INTRODUCTION]
    for branch in _BRANCHES:
        status = exit_codes.of_error(branch())
        parts.append(f"## {branch.__name__}: exit status {status}\n")
        parts.append(f"{exit_codes.MEANINGS[status].capitalize()}.\n")
        lines = ["| code | what it means |", "| --- | --- |"]
        lines += [f"| `{code}` | {meaning} |" for code, meaning in sorted(_codes(branch))]
        parts.append("\n".join(lines) + "\n")
    return "\n".join(parts)


def _codes(branch: type[CondariumError]) -> Iterator[tuple[str, str]]:
    for found in branch.__subclasses__():
        if found.__module__.startswith("condarium."):
            summary = (found.__doc__ or "").strip().splitlines()[0]
            yield found.code, summary.replace("|", "\\|")
            yield from _codes(found)


def _import_all() -> None:
    for module in pkgutil.walk_packages(condarium.__path__, "condarium."):
        if not module.name.startswith(_NO_MODULES):
            importlib.import_module(module.name)


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(errors_page())
