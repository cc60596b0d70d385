"""Which function makes which check."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from condarium.model.operating import Finding, Verdict
from condarium.model.progress import Progress
from condarium.storage.store import Store


@dataclass(frozen=True, kw_only=True)
class Examination:
    """What a check is given: `all_bytes` asks for every blob to be read."""

    store: Store
    all_bytes: bool
    progress: Progress


@dataclass(frozen=True)
class Found:
    """What a check says of one thing; its name is that of the check."""

    verdict: Verdict
    found: str
    hint: str | None = None


def ok(found: str) -> Found:
    return Found(Verdict.OK, found)


def warning(found: str, hint: str | None = None) -> Found:
    return Found(Verdict.WARNING, found, hint)


def problem(found: str, hint: str | None = None) -> Found:
    return Found(Verdict.PROBLEM, found, hint)


Check = Callable[[Examination], Iterator[Found]]
CHECKS: dict[str, Check] = {}


def check(name: str) -> Callable[[Check], Check]:
    """Declare a check: a generator of what it found."""

    def declare(function: Check) -> Check:
        CHECKS[name] = function
        return function

    return declare


def finding(name: str, found: Found) -> Finding:
    return Finding(check=name, verdict=found.verdict, found=found.found, hint=found.hint)
