"""How much of everything a namespace may have, how much it has, and whether more fits."""

import re
from dataclasses import dataclass

from condarium.errors import BadInput, Conflict

_LIMIT = re.compile(r"(\d{1,15})\s*([kMGT]?)B?", re.ASCII)
_SIZES = {"": 1, "k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}
NO_LIMIT = "none"

_NOUNS = {
    "bytes": "bytes on disk",
    "environments": "environments",
    "builds": "builds at a time",
    "build_minutes": "minutes of builds this month",
}


class BadQuota(BadInput):
    """A limit is no number."""

    def __init__(self, what: str, found: str) -> None:
        self.what, self.found = what, found
        super().__init__(
            f"{what}: found {found!r}; expected a number such as 20, 500M or 20G, or `{NO_LIMIT}`"
        )


class QuotaExceeded(Conflict):
    """The namespace would have more than its quota."""

    def __init__(self, namespace: str, what: str, *, limit: int, used: int, wanted: int) -> None:
        self.namespace, self.what = namespace, what
        self.limit, self.used, self.wanted = limit, used, wanted
        super().__init__(
            f"the namespace {namespace} may have {limit:,} {_NOUNS[what]}; it has {used:,}, and "
            f"this needs {wanted:,} more",
            hint=_HINTS.get(what, "")
            + f"`condarium namespace show {namespace}` shows its quotas and its use; an "
            "administrator can change them.",
        )


_HINTS = {
    "bytes": "Archive generations that nobody needs (`condarium env archive`). ",
    "builds": "Wait until another build has ended. ",
}


@dataclass(frozen=True, kw_only=True)
class Quota:
    """The most that a namespace may have; None where there is no limit.

    `builds` run at a time; `build_minutes` are of a calendar month, in UTC.
    """

    bytes: int | None = None
    environments: int | None = None
    builds: int | None = None
    build_minutes: int | None = None


@dataclass(frozen=True, kw_only=True)
class Use:
    """What a namespace has, or what more is wanted for it.

    `bytes` are those of the prefixes that its generations want on disk, each once.
    """

    bytes: int = 0
    environments: int = 0
    builds: int = 0
    build_minutes: int = 0


def check_quota(namespace: str, quota: Quota, use: Use, wanted: Use) -> None:
    """Raise QuotaExceeded where what is wanted does not fit; what is not wanted is not asked."""
    for what in _NOUNS:
        limit, used, more = (getattr(each, what) for each in (quota, use, wanted))
        if limit is not None and more > 0 and used + more > limit:
            raise QuotaExceeded(namespace, what, limit=limit, used=used, wanted=more)


def read_limit(what: str, text: str) -> int | None:
    """Read `20`, `500M`, `20G`, or `none` for no limit. Raises BadQuota."""
    if text.strip().lower() == NO_LIMIT:
        return None
    found = _LIMIT.fullmatch(text.strip())
    if not found:
        raise BadQuota(what, text)
    return int(found[1]) * _SIZES[found[2]]
