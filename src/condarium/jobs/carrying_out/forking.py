"""A small process that starts each job's own: all that a job needs is imported already.

`python -m condarium.jobs.carrying_out.forking` is started by a worker. Each socket that it is sent
becomes a new process, which talks to the worker over it. It never has threads, so that it may fork.
"""

import gc
import os
import signal
import socket
import sys
from contextlib import suppress
from importlib import import_module

from condarium.jobs.carrying_out.sealing import seal

_NEEDED = (
    "condarium.environments.building",
    "condarium.environments.collecting",
    "condarium.jobs.carrying_out.child",
    "condarium.storage.database",
    "condarium.access.checking",
)


def main() -> None:
    """Fork for every socket that comes over standard input, until that ends."""
    seal()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal's Ctrl-C is for the worker
    control = socket.socket(fileno=os.dup(0))
    for name in _NEEDED:
        import_module(name)
    from condarium.app import operations

    operations()
    gc.collect()
    gc.freeze()  # pages that nobody writes to stay shared
    while True:
        with suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        message, sockets, _, _ = socket.recv_fds(control, 1, 1)
        if not message:
            return
        if os.fork() == 0:
            control.close()
            _become_child(sockets[0])
        os.close(sockets[0])


def _become_child(number: int) -> None:
    """Carry out a job in the process that was just forked; it never returns."""
    try:
        os.dup2(os.open(os.devnull, os.O_RDWR), 0)
        os.dup2(2, 1)
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        from condarium.jobs.carrying_out.child import live

        live(socket.socket(fileno=number))
    except BaseException:  # noqa: BLE001 - nothing is above it
        sys.excepthook(*sys.exc_info())
    finally:
        os._exit(0)


if __name__ == "__main__":
    main()
