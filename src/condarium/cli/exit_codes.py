"""The exit status of the command line: one table."""

from collections.abc import Mapping

from condarium.errors import BadInput, CondariumError, Conflict, NotFound, Refused

OK = 0
FAILED = 1
BAD_INPUT = 2
NOT_FOUND = 3
CONFLICT = 4
REFUSED = 5
UNEXPECTED = 70
INTERRUPTED = 130
BROKEN_PIPE = 141

MEANINGS: Mapping[int, str] = {
    OK: "it is done, or was so already",
    FAILED: "the work was tried and did not succeed, or a verification found something wrong",
    BAD_INPUT: "the command line, a file or a setting is not what it must be",
    NOT_FOUND: "a thing that was named does not exist",
    CONFLICT: "the state of a thing forbids what was asked",
    REFUSED: "you may not do this",
    UNEXPECTED: "a defect in condarium; CONDARIUM_DEBUG=1 prints the traceback",
    INTERRUPTED: "Ctrl-C",
    BROKEN_PIPE: "the reader of standard output went away",
}

_BY_BRANCH: Mapping[type[CondariumError], int] = {
    BadInput: BAD_INPUT,
    NotFound: NOT_FOUND,
    Conflict: CONFLICT,
    Refused: REFUSED,
}


def of_error(error: CondariumError) -> int:
    if error.code == "unexpected":  # a server's defect
        return UNEXPECTED
    for branch, code in _BY_BRANCH.items():
        if isinstance(error, branch):
            return code
    return FAILED


def of_result(result: object) -> int:
    """A command that ran gives its own status; a result that says it is not ok is a failure."""
    code: int | None = getattr(result, "exit_code", None)
    if code is not None:
        return code if code >= 0 else 128 - code  # a signal, as shells count them
    return OK if getattr(result, "ok", True) else FAILED
