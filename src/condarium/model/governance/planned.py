"""What files would change of what is lent, and what came of it."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, kw_only=True)
class FieldChange:
    """What is said of a thing, before and after: where a file is silent, what that means.

    None where the thing is not there, and for both where the value is not for other eyes.
    """

    field: str
    before: str | None
    after: str | None


@dataclass(frozen=True, kw_only=True)
class StateChange:
    """A thing (`terms`, `resource`, `budget`, `grant`) is `made`, `changed` or `ended`."""

    kind: str
    name: str
    does: str
    fields: tuple[FieldChange, ...] = ()


@dataclass(frozen=True, kw_only=True)
class AffectedJob:
    """A job that was admitted, by its admission's number; `job` is one of our own workers."""

    admission: int
    project: str
    resource: str
    state: str
    job: int | None = None


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What files would change.

    `id` is of what they say and of what there is: `access apply` wants it, and refuses where
    either has become another. `loses` says who may use less, `gains` who may use more and what
    guards it no more. `cancelled` are the jobs that end with what they are admitted on; of these,
    `running` ones go on where that is not asked for.
    `drift` is what was changed by hand since files were applied last, at `applied_at`.
    """

    id: str
    changes: tuple[StateChange, ...]
    loses: tuple[str, ...] = ()
    gains: tuple[str, ...] = ()
    cancelled: tuple[AffectedJob, ...] = ()
    running: tuple[AffectedJob, ...] = ()
    drift: tuple[StateChange, ...] = ()
    applied_at: datetime | None = None
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Applied:
    """What applying files changed, the admissions and jobs that it cancelled, and the admissions
    that go on without a grant."""

    plan: str
    changes: tuple[StateChange, ...]
    cancelled: tuple[int, ...] = ()
    jobs: tuple[int, ...] = ()
    running: tuple[int, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Imported:
    """What importing files changed, or would; `warnings` say what they say and is not kept."""

    files: int
    changes: tuple[StateChange, ...]
    dry_run: bool = False
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Exported:
    """What is lent, as a file of a format; `left_out` is what that cannot say."""

    format: str
    content: str
    left_out: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class NamesResolved:
    """Those whose ids were found, with these, and those whose ids are still not known."""

    found: tuple[str, ...]
    unknown: tuple[str, ...]
    warnings: tuple[str, ...] = ()
