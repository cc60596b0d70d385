"""What a server and its workers tell those who watch them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Self, get_args

from condarium.model.secret import Secret
from condarium.settings import reading

LogFormat = Literal["text", "json"]
LogLevel = Literal["debug", "info", "warning", "error"]


@dataclass(frozen=True, kw_only=True)
class TelemetrySettings:
    """What a server and its workers tell.

    Whoever has `metrics_token` may read /metrics and nothing else. Requests are logged at level
    `info`. Traces go to `traces`, an OTLP endpoint, where there is one.
    """

    metrics_token: Secret | None = None
    log_format: LogFormat = "text"
    log_level: LogLevel = "warning"
    traces: str | None = None

    @classmethod
    def read(cls, environ: Mapping[str, str]) -> Self:
        """Take CONDARIUM_METRICS_TOKEN (_FILE), _LOG_FORMAT, _LOG_LEVEL and
        OTEL_EXPORTER_OTLP_ENDPOINT.

        Raises BadSetting.
        """
        return cls(
            metrics_token=reading.secret("CONDARIUM_METRICS_TOKEN", environ),
            log_format=_choice("CONDARIUM_LOG_FORMAT", environ, LogFormat, cls.log_format),
            log_level=_choice("CONDARIUM_LOG_LEVEL", environ, LogLevel, cls.log_level),
            traces=environ.get("OTEL_EXPORTER_OTLP_ENDPOINT") or None,
        )


def _choice(name: str, environ: Mapping[str, str], choices: object, default: Any) -> Any:
    text = environ.get(name, "").strip().lower()
    if not text:
        return default
    if text not in get_args(choices):
        raise reading.BadSetting(name, text, " or ".join(get_args(choices)))
    return text
