"""A process that others of its user do not look into.

Whoever may build runs programs as the user of the worker. By /proc such a program could read the
memory and the environment of the worker; the system refuses that for a process which is sealed,
but not to root.
"""

import ctypes
from contextlib import suppress

_DUMPABLE = 4  # PR_SET_DUMPABLE


def seal() -> None:
    """Have the system give neither this process's memory nor its environment to others."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_DUMPABLE, 0, 0, 0, 0)
