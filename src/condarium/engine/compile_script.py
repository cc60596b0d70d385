"""Run by the Python of a prefix, not by ours: compile the sources named on standard input.

Standard input is a JSON list of [source, target]; the argument is how many processes to use. Only
the standard library may be used, and nothing newer than Python 3.7.
"""

import json
import os
import py_compile
import sys

_CHUNK = 64


def compile_one(job: "list[str]") -> None:
    source, target = job
    try:
        py_compile.compile(
            source,
            cfile=target,
            dfile=source.rpartition(os.sep)[2],
            doraise=True,
            invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
        )
    except (py_compile.PyCompileError, SyntaxError, ValueError, RecursionError):
        return


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
