"""What a proxy knows of the channel that is behind it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, kw_only=True)
class UpstreamIndex:
    """The index of a subdir as it was last read: its file, and what asks for it if it changed.

    Packages lie under `base_url`, shards under `shards_url` (None where it has none); both end
    with a slash.
    """

    file: str
    validators: Mapping[str, str]
    base_url: str
    shards_url: str | None


@dataclass(frozen=True, kw_only=True)
class UpstreamState:
    """Whether a channel elsewhere answered when it was last asked, and what it has.

    While it fails, `failing_since` is when it began to, and `reason` why. `probed_at` is when all
    subdirs were looked for, also those that it does not have.
    """

    checked_at: datetime
    probed_at: datetime | None = None
    failing_since: datetime | None = None
    reason: str = ""
    indexes: Mapping[str, UpstreamIndex] = field(default_factory=dict)

    @property
    def up(self) -> bool:
        return self.failing_since is None

    @property
    def known(self) -> bool:
        """Whether it ever answered."""
        return bool(self.indexes)
