"""Which workers fell silent, by the clock of whoever listens: those of two machines may differ."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta


@dataclass
class Heartbeats:
    """When each worker's heartbeat was last seen to be another one, in seconds of one's own."""

    _seen: dict[str, tuple[datetime, float]] = field(default_factory=dict)

    def silent(
        self, beats: Mapping[str, datetime], *, patience: timedelta, now: float
    ) -> list[str]:
        """The workers whose heartbeat has been the same for longer than `patience`."""
        before = self._seen
        self._seen = {
            worker: before[worker] if worker in before and before[worker][0] == at else (at, now)
            for worker, at in beats.items()
        }
        since = now - patience.total_seconds()
        return sorted(worker for worker, (_, changed) in self._seen.items() if changed < since)

    def forget(self) -> None:
        """Begin anew: while the database did not answer, nobody could be heard."""
        self._seen.clear()
