"""What an operation answers comes through JSON as it was."""

import dataclasses
import json
import types
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from enum import Enum
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from condarium.app import operations
from condarium.model.from_plain import Misfit, from_plain
from condarium.model.names import EnvironmentName
from condarium.model.paging import Page
from condarium.model.plain import to_plain
from condarium.model.view import ChannelName, View
from condarium.operation import Operation

EVERY = [found for found in operations().values() if not found.local]
TEXT = st.text(max_size=8)
PLAIN: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-99, 99) | TEXT,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(TEXT, inner, max_size=2),
    max_leaves=3,
)
VALUES: Mapping[Any, st.SearchStrategy[Any]] = {
    str: TEXT,
    int: st.integers(-(2**53), 2**53),
    float: st.floats(allow_nan=False, allow_infinity=False),
    bool: st.booleans(),
    type(None): st.none(),
    Any: PLAIN,
    object: PLAIN,
    datetime: st.datetimes(timezones=st.just(UTC)),
    timedelta: st.integers(0, 10**9).map(lambda seconds: timedelta(seconds=seconds)),
    Path: st.sampled_from(["/srv/place", "a/b", "."]).map(Path),
    EnvironmentName: st.sampled_from(["lab/fit", "default/a.b"]).map(EnvironmentName.parse),
    ChannelName: st.sampled_from(["lab", "tools-2"]).map(ChannelName),
    View: st.sampled_from(
        ["lab", "lab/label/dev", "lab/as-of/r12", "lab/as-of/2026-03-01T09:00:00Z/cooldown/7d"]
    ).map(View.parse),
}


def values_of(hint: Any) -> st.SearchStrategy[Any]:
    """Any value of a type that results are made of."""
    origin, arguments = get_origin(hint), get_args(hint)
    if hint in VALUES:
        return VALUES[hint]
    if origin in (Union, types.UnionType):
        return st.one_of([values_of(arm) for arm in arguments])
    if origin is Literal:
        return st.sampled_from(arguments)
    if origin is tuple and arguments[-1] is ...:
        return st.lists(values_of(arguments[0]), max_size=2).map(tuple)
    if origin is tuple:
        return st.tuples(*map(values_of, arguments))
    if origin is Mapping:
        return st.dictionaries(values_of(arguments[0]), values_of(arguments[1]), max_size=2)
    if origin is Page:
        return st.builds(Page, items=values_of(tuple[arguments[0], ...]), next=TEXT | st.none())
    if isinstance(hint, type) and issubclass(hint, Enum):
        return st.sampled_from(list(hint))
    assert dataclasses.is_dataclass(hint), hint
    hints = get_type_hints(hint)
    return st.builds(
        hint, **{each.name: values_of(hints[each.name]) for each in dataclasses.fields(hint)}
    )


@pytest.mark.parametrize("operation", EVERY, ids=lambda found: found.name)
@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_a_result_comes_back_as_it_was(operation: Operation, data: st.DataObject) -> None:
    result = data.draw(values_of(operation.result))
    sent = json.loads(json.dumps(to_plain(result)))
    assert from_plain(operation.result, sent) == result


@dataclasses.dataclass(frozen=True, kw_only=True)
class Sample:
    number: int
    names: tuple[EnvironmentName, ...] = ()
    inner: "Sample | None" = None


def test_what_a_newer_server_adds_is_left_out_and_what_an_older_lacks_has_its_default() -> None:
    assert from_plain(Sample, {"number": 1, "colour": "red"}) == Sample(number=1)


@pytest.mark.parametrize(
    ("plain", "said"),
    [
        ([], r"the answer: found \[\]; expected Sample"),
        ({}, "the answer: found {}; expected Sample"),
        ({"number": "1"}, "the answer.number: found '1'; expected int"),
        ({"number": True}, "the answer.number: found True; expected int"),
        ({"number": 1, "names": ["a/b/c"]}, r"the answer.names\[0\]: found 'a/b/c'"),
        ({"number": 1, "inner": {"number": None}}, "the answer.inner.number: found None"),
    ],
)
def test_what_does_not_fit_is_named(plain: Any, said: str) -> None:
    with pytest.raises(Misfit, match=said):
        from_plain(Sample, plain)
