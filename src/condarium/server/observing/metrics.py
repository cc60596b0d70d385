"""What /metrics says, in Prometheus' text format: of this process, and of the store.

Labels are operations, routes, methods and statuses, of which there are only so many; no name of a
person, a channel or a package is one.
"""

from collections.abc import Callable, Iterator
from datetime import datetime
from threading import Lock
from time import monotonic
from typing import TYPE_CHECKING, Any

from condarium.storage.store import Store

if TYPE_CHECKING:
    from prometheus_client.core import Metric

    from condarium.storage.measures import Holdings

MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_BUCKETS = (0.001, 0.005, 0.02, 0.1, 0.5, 2.0, 10.0, 60.0)  # seconds
_HOLDINGS_FOR = 60.0
"""For how many seconds the figures are kept that cost more."""


class Metrics:
    """Counts requests, and says how the store is when somebody asks."""

    def __init__(self, store: Store, *, lag: Callable[[], float]) -> None:
        from prometheus_client import (
            CollectorRegistry,
            Counter,
            Gauge,
            Histogram,
            PlatformCollector,
            ProcessCollector,
        )

        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        self.registry.register(_OfStore(store, lag))
        self._requests = Counter(
            "condarium_requests", "Requests answered.", ("method", "route", "status"),
            registry=self.registry,
        )  # fmt: skip
        self._seconds = Histogram(
            "condarium_request_seconds", "How long they took, to the last byte.", ("route",),
            buckets=_BUCKETS, registry=self.registry,
        )  # fmt: skip
        self._bytes = Counter(
            "condarium_response_bytes", "Bytes of their bodies.", ("route",),
            registry=self.registry,
        )  # fmt: skip
        self.in_flight = Gauge(
            "condarium_requests_in_flight", "Requests being answered.", registry=self.registry
        )
        self._known: dict[tuple[str, str, int], tuple[Any, Any, Any]] = {}

    def note(self, method: str, route: str, status: int, *, seconds: float, size: int) -> None:
        """Count a request."""
        key = method, route, status
        if key not in self._known:  # to look labels up costs more than to count
            self._known[key] = (
                self._requests.labels(method, route, str(status)),
                self._seconds.labels(route),
                self._bytes.labels(route),
            )
        requests, duration, sent = self._known[key]
        requests.inc()
        duration.observe(seconds)
        sent.inc(size)

    def text(self) -> bytes:
        """All of it. Raises what the database raises."""
        from prometheus_client import generate_latest

        return generate_latest(self.registry)


class _OfStore:
    """Figures that are asked of the database."""

    def __init__(self, store: Store, lag: Callable[[], float]) -> None:
        self._store, self._lag = store, lag
        self._lock, self._asked = Lock(), 0.0
        self._held: Holdings | None = None

    def describe(self) -> list["Metric"]:
        """Nothing: to register it must not ask the database."""
        return []

    def collect(self) -> Iterator["Metric"]:
        from prometheus_client.core import GaugeMetricFamily

        yield from self._activity()
        held = self._holdings()
        yield _gauge("channels", "Channels.", held.channels)
        yield _gauge("channel_revisions", "Revisions of all channels.", held.revisions)
        sizes = GaugeMetricFamily("condarium_store_bytes", "Bytes by what.", labels=("of",))
        for name, size in held.bytes.items():
            sizes.add_metric([name], size)
        yield sizes
        said = "Seconds for which the longest waiting index file has been out of date."
        yield _gauge("encodings_lag_seconds", said, self._lag())

    def _activity(self) -> Iterator["Metric"]:
        from prometheus_client.core import GaugeMetricFamily, SummaryMetricFamily

        with self._store.database.read() as facts:
            found = facts.measures.activity()
        jobs = GaugeMetricFamily("condarium_jobs", "Jobs.", labels=("operation", "status"))
        for (operation, status), count in found.jobs.items():
            jobs.add_metric([operation, status], count)
        yield jobs
        took = SummaryMetricFamily("condarium_job_seconds", "How long.", labels=("operation",))
        for operation, (count, seconds) in found.ended.items():
            took.add_metric([operation], count_value=count, sum_value=seconds)
        yield took
        yield _gauge("workers", "Workers that have not ended.", found.workers)
        for name, since in {
            "worker_silence_seconds": found.heard_at,
            "job_waiting_seconds": found.waiting_since,
        }.items():
            yield _gauge(name, _LONGEST[name], self._since(since))

    def _since(self, instant: datetime | None) -> float:
        return max(0.0, (self._store.now() - instant).total_seconds()) if instant else 0.0

    def _holdings(self) -> "Holdings":
        with self._lock:
            if self._held is None or monotonic() > self._asked + _HOLDINGS_FOR:
                with self._store.database.read() as facts:
                    self._held = facts.measures.holdings()
                self._asked = monotonic()
            return self._held


_LONGEST = {
    "worker_silence_seconds": "Seconds since the most silent worker was heard of.",
    "job_waiting_seconds": "Seconds for which the first waiting job has waited.",
}


def _gauge(name: str, said: str, value: float) -> "Metric":
    from prometheus_client.core import GaugeMetricFamily

    return GaugeMetricFamily(f"condarium_{name}", said, value=value)
