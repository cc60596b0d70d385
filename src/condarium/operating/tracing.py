"""OpenTelemetry spans, where an endpoint for them is named and the `telemetry` extra installed.

Without both nothing of it is imported, and a span costs a comparison.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from condarium.settings.telemetry import TelemetrySettings

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import Tracer


class _Here:
    tracer: "Tracer | None" = None
    provider: "TracerProvider | None" = None


_here = _Here()


def configure_traces(settings: TelemetrySettings, *, service: str) -> bool:
    """Begin to send spans; the endpoint and the rest are told by OpenTelemetry's own variables.

    False where there is nothing to send to, or nothing to send with.
    """
    if settings.traces is None:
        return False
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ModuleNotFoundError:
        return False
    if _here.tracer is None:
        provider = TracerProvider(resource=Resource.create({"service.name": service}))
        provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
        _here.tracer, _here.provider = provider.get_tracer("condarium"), provider
    return True


def send_traces() -> None:
    """Send what has not been sent: before a process ends that nobody else's spans wait for."""
    if _here.provider is not None:
        _here.provider.force_flush(2_000)


@contextmanager
def span(
    name: str, *, parent: str | None = None, **attributes: str | int | float
) -> Iterator[None]:
    """A span around what happens inside; `parent` is the `traceparent` of one elsewhere."""
    if _here.tracer is None:
        yield
        return
    from opentelemetry.trace import SpanKind

    kind = SpanKind.SERVER if parent is not None else SpanKind.INTERNAL
    with _here.tracer.start_as_current_span(
        name, context=_context(parent), kind=kind, attributes=attributes
    ):
        yield


def _context(parent: str | None) -> "Context | None":
    if not parent:
        return None
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    carrier: Mapping[str, str] = {"traceparent": parent}
    return TraceContextTextMapPropagator().extract(carrier)
