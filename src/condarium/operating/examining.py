"""doctor: every check, and what each found; one that fails is itself a finding."""

from condarium.errors import CondariumError
from condarium.model.operating import Diagnosis, Finding
from condarium.model.progress import Progress
from condarium.operating import checks
from condarium.operating.checks.registry import CHECKS, Examination, Found, finding, problem
from condarium.storage.store import Store

__all__ = ["ORDER", "checks", "examine"]

ORDER = (
    "settings", "secrets", "database", "blobs", "files", "space", "locks", "clock",
    "environments", "workers", "upstreams", "ledger", "audit",
)  # fmt: skip
"""The checks, those first that others stand on."""


def examine(store: Store, *, all_bytes: bool, progress: Progress) -> Diagnosis:
    """Make every check."""
    examined = Examination(store=store, all_bytes=all_bytes, progress=progress)
    findings: list[Finding] = []
    for name in ORDER:
        progress.phase(name)
        findings += [finding(name, found) for found in _made(name, examined)]
    return Diagnosis(findings=tuple(findings))


def _made(name: str, examined: Examination) -> list[Found]:
    found: list[Found] = []
    try:
        found.extend(CHECKS[name](examined))
    except Exception as error:  # noqa: BLE001 - damage may show as anything; the others go on
        hint = error.hint if isinstance(error, CondariumError) else None
        found.append(problem(f"it cannot be looked at: {error}", hint))
    return found
