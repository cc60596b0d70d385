"""How settings are read out of their text."""

from datetime import timedelta

import pytest

from condarium.settings import BadSetting, ServerSettings
from condarium.settings.reading import seconds, span


@pytest.mark.parametrize(
    ("text", "expected"), [("45", 45), ("45s", 45), ("2m", 120), ("1h", 3600), ("1d", 86400)]
)
def test_a_duration_is_read_alike_everywhere(text: str, expected: int) -> None:
    said = {"X": text}
    assert seconds("X", said, 0) == expected
    assert span("X", said, timedelta()) == timedelta(seconds=expected)
    assert ServerSettings.read({"CONDARIUM_ANSWER_TIMEOUT": text}).answer_timeout == expected


@pytest.mark.parametrize("text", ["soon", "-1", "1.5h", "1w", "٣", "1 2"])
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(BadSetting):
        span("X", {"X": text}, timedelta())


def test_no_time_at_all_is_one_only_where_that_makes_sense() -> None:
    assert seconds("X", {"X": "0"}, 9) == 0
    with pytest.raises(BadSetting):
        span("X", {"X": "0s"}, timedelta())
