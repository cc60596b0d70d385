"""What a job's own process does: it runs the operation, and says to its worker how that goes.

It says JSON, a line each: `{"phase": …}`, `{"done": …}`, `{"say": …}`, and at the end `{"result":
…}` or `{"error": …}`. When its worker is gone it ends at once, with all that it started.
"""

import json
import os
import pickle
import signal
import socket
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from typing import Any

from condarium.errors import CondariumError, DatabaseFailed
from condarium.jobs.asking.arguments import unpack
from condarium.jobs.carrying_out.descendants import adopt, end_descendants
from condarium.jobs.carrying_out.standing import asker
from condarium.model.actor import JobClaim
from condarium.model.jobs import JobError, Order
from condarium.model.plain import to_plain
from condarium.operating.tracing import configure_traces, send_traces, span
from condarium.settings import Settings
from condarium.settings.reach import for_others
from condarium.settings.telemetry import TelemetrySettings
from condarium.settings.withheld import without_secrets
from condarium.storage.failures import BlobsFailed, StoreBusy
from condarium.storage.store import Store

_PASSING = ("channel-unreachable", "package-unfetchable", "wheel-not-fetched")
"""Codes of what may be otherwise in a while: trouble with the network."""
_OFTEN = 0.25
"""How many seconds lie between two messages on how far a phase is."""


@dataclass(frozen=True, kw_only=True)
class Task:
    """What a worker sends to a process: the job, and how to reach its store."""

    settings: Settings
    order: Order
    claim: JobClaim
    environ: Mapping[str, str] = field(default_factory=lambda: without_secrets(os.environ))
    """The worker's environment: in that with which the child begins are no secrets."""


def live(connection: socket.socket) -> None:
    """Carry out the task that comes first over a connection."""
    os.setsid()  # a group of its own, which is ended as one
    adopt()
    with connection.makefile("rb") as reader:
        task: Task = pickle.load(reader)  # noqa: S301 - from the worker that started this
    os.environ.update(task.environ)
    threading.Thread(target=_end_with, args=(connection,), daemon=True).start()
    talk = _Talk(connection)
    talk.tell(pid=os.getpid())
    try:
        talk.tell(result=_carry_out(task, talk))
    except CondariumError as error:
        talk.tell(error=asdict(said(error)), passing=_may_pass(error))
    except MemoryError:
        talk.tell(error=asdict(JobError(code="out-of-memory", message="there was no memory left")))
    except BaseException as error:  # noqa: BLE001 - a job's boundary
        talk.tell(error=asdict(_unexpected(error)))
    finally:
        end_descendants(os.getpid())


def said(error: CondariumError) -> JobError:
    """An error as a job keeps it."""
    from condarium.model.secret import redact_url

    data: dict[str, Any] = {}
    for name, value in vars(error).items():
        if not name.startswith("_") and name not in ("message", "hint"):
            with suppress(TypeError):
                data[name] = to_plain(value)
    return JobError(code=error.code, message=redact_url(error.message), hint=error.hint, data=data)


def _carry_out(task: Task, talk: "_Talk") -> Any:
    from condarium.app import App, operations

    settings = for_others(task.settings)
    store = Store(settings)
    operation = operations().get(task.order.operation)
    if operation is None:
        raise _Gone(task.order.operation)
    actor = asker(store, task.order, task.claim)
    arguments = unpack(operation, task.order.arguments, store.blobs)
    app = App(settings, actor=actor, progress=talk, store=store)
    configure_traces(TelemetrySettings.read(settings.environ), service="condarium-worker")
    try:
        with span("job", job=task.claim.job, attempt=task.claim.attempt):
            return to_plain(app.call(operation, arguments))
    finally:
        send_traces()


def _may_pass(error: CondariumError) -> bool:
    if isinstance(error, StoreBusy | BlobsFailed) or error.code in _PASSING:
        return True
    return type(error) is DatabaseFailed


def _unexpected(error: BaseException) -> JobError:
    return JobError(
        code="unexpected",
        message=f"something unexpected happened: {type(error).__name__}: {error}",
        hint="This is a defect in condarium.",
    )


def _end_with(connection: socket.socket) -> None:
    """Wait for the worker's end of the connection to close, and end the whole group."""
    with suppress(OSError):
        connection.recv(1)
    end_descendants(os.getpid())
    os.killpg(0, signal.SIGKILL)


class _Gone(CondariumError):
    """The operation is not known any more."""

    def __init__(self, operation: str) -> None:
        self.operation = operation
        super().__init__(f"this condarium has no operation {operation!r}")


class _Talk:
    """A Progress that tells the worker; how far a phase is it tells now and then."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection, self._lock = connection, threading.Lock()
        self._done, self._told, self._at = 0, 0, 0.0

    def tell(self, **message: Any) -> None:
        line = json.dumps(message).encode() + b"\n"
        with self._lock:
            self._connection.sendall(line)

    def phase(self, name: str, total: int | None = None, unit: str = "") -> None:
        self.finish()
        self._done = self._told = 0
        self.tell(phase=name, total=total, unit=unit)

    def advance(self, amount: int = 1) -> None:
        self._done += amount
        if time.monotonic() - self._at >= _OFTEN:
            self.finish()

    def say(self, message: str) -> None:
        self.tell(say=message)

    def log(self, line: str) -> None:
        self.tell(log=line)

    def finish(self) -> None:
        if self._done != self._told:
            self._told, self._at = self._done, time.monotonic()
            self.tell(done=self._told)
