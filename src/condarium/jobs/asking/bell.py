"""A bell within this process: rung when a job waits, or anything happened in one.

Whoever waits for that looks at the database from time to time anyway, for what other processes do;
the bell saves the time until then.
"""

import threading

_rung = threading.Condition()
_count = 0


def ring() -> None:
    global _count  # noqa: PLW0603 - one for the process
    with _rung:
        _count += 1
        _rung.notify_all()


def rings() -> int:
    """How often it was rung: ask before looking, and wait for more than that."""
    return _count


def wait(heard: int, timeout: float) -> None:
    """Wait until it has been rung more often than `heard`, or `timeout` seconds."""
    with _rung:
        _rung.wait_for(lambda: _count > heard, timeout)
