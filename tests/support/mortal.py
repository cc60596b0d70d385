"""A worker that is killed before a certain step of its first job: `python -m … STEP worker …`.

It kills itself with SIGKILL, so that each run dies at the same place.
"""

import os
import signal
import sys
from collections.abc import Callable
from typing import Any

from condarium.jobs import worker
from condarium.jobs.carrying_out import durable, processes, settling
from condarium.storage.work.jobs import Jobs


def _die(*_: Any, **__: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _after(function: Callable[..., Any]) -> Callable[..., Any]:
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        found = function(*args, **kwargs)
        if found:
            _die()
        return found

    return wrapped


def _before_result(function: Callable[..., Any]) -> Callable[..., Any]:
    """Die as soon as a job's process says its result, which is after its commit."""

    def wrapped(*args: Any, **kwargs: Any) -> Any:
        found = function(*args, **kwargs)
        lines = None if found is None else list(found)
        if any("result" in line for line in lines or ()):
            _die()
        return None if lines is None else iter(lines)

    return wrapped


def prepare(step: str) -> None:
    match step:
        case "claim":  # inside the transaction
            Jobs.claim = _after(Jobs.claim)  # type: ignore[method-assign]
        case "begin":  # claimed, and no workflow begun
            durable.Durable.start = _die  # type: ignore[method-assign]
        case "run":  # the workflow begun, and no process
            processes.Forge.start = _die  # type: ignore[method-assign,assignment]
        case "commit":  # the process made its changes, and nobody heard of it
            messages = _before_result(processes.JobProcess.messages)
            processes.JobProcess.messages = messages  # type: ignore[method-assign]
        case "settle":  # the outcome is kept, and not told
            worker.settle = _die  # type: ignore[attr-defined]
        case "settled":  # told, and the workflow not ended
            worker.settle = _after(lambda *args: settling.settle(*args) or True)  # type: ignore[attr-defined,func-returns-value]


STEPS = ("claim", "begin", "run", "commit", "settle", "settled")

if __name__ == "__main__":
    from condarium.cli.main import main

    prepare(sys.argv.pop(1))
    sys.exit(main())
