"""Run by the Python of a prefix, not by ours: compile the sources named on standard input.

Standard input is a JSON list of [source, target]; the arguments are how many processes to use, and
the time of change and the permissions that a target is to have. Only the standard library may be
used, and nothing newer than Python 3.7.

The last 32 bytes of a target are the SHA-256 of all that is before them. Python passes over what
follows the code in a .pyc (`marshal.loads`).
"""

import hashlib
import json
import os
import py_compile
import sys
from pathlib import Path

_CHUNK = 64


def compile_one(job: "list[str]") -> None:
    source, target = job
    fresh = Path(f"{target}.{os.getpid()}")
    try:
        py_compile.compile(
            source,
            cfile=str(fresh),
            dfile=source.rpartition(os.sep)[2],
            doraise=True,
            invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
        )
    except (py_compile.PyCompileError, SyntaxError, ValueError, RecursionError):
        return
    with fresh.open("r+b") as file:
        file.write(hashlib.sha256(file.read()).digest())
    time, mode = map(int, sys.argv[2:])
    fresh.chmod(mode)
    os.utime(fresh, (time, time))
    fresh.replace(target)


def main() -> None:
    jobs = json.load(sys.stdin)
    workers = min(int(sys.argv[1]), 1 + len(jobs) // _CHUNK)
    if workers < 2:
        for job in jobs:
            compile_one(job)
        return
    import multiprocessing

    with multiprocessing.Pool(workers) as pool:
        for _ in pool.imap_unordered(compile_one, jobs, _CHUNK):
            pass


if __name__ == "__main__":
    main()
