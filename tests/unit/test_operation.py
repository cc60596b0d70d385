"""Every operation that is declared has all its faces."""

import dataclasses
import types
import typing
from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import Enum
from functools import reduce
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import pytest

from condarium.app import operations
from condarium.cli import arguments, help  # noqa: A004
from condarium.cli.render import renderer
from condarium.client import Client
from condarium.client.signature import OUTPUT, method_name
from condarium.model.names import EnvironmentName
from condarium.model.paging import Page
from condarium.model.view import ChannelName, View
from condarium.operation import SCALARS, Operation

EVERY = tuple(operations().values())
every_operation = pytest.mark.parametrize("operation", EVERY, ids=lambda found: found.name)


def test_names_are_unique() -> None:
    faces = Counter((found.group, method_name(found)) for found in EVERY)
    assert set(faces.values()) == {1}


def test_routes_are_unique_and_only_local_operations_have_none() -> None:
    routes = Counter(found.route for found in EVERY if found.route)
    assert set(routes.values()) <= {1}
    assert all((found.route is None) == found.local for found in EVERY)


@every_operation
def test_it_is_explained(operation: Operation) -> None:
    assert operation.summary.endswith(".")
    assert all(parameter.argument.help for parameter in operation.parameters)


@every_operation
def test_its_parameters_have_types_that_every_face_understands(operation: Operation) -> None:
    for parameter in operation.parameters:
        assert parameter.choices or parameter.type in SCALARS
        assert parameter.type is not bool or parameter.default is False
        assert parameter.optional == (parameter.default is None)


@every_operation
def test_it_is_a_command_whose_flags_are_its_own(operation: Operation) -> None:
    flags = Counter(arguments.all_flags(operation))
    assert max(flags.values()) == 1
    names = {parameter.name for parameter in operation.parameters}
    assert names.isdisjoint({*arguments.GLOBAL_OPTIONS, OUTPUT})
    assert operation.name.split()[0] != "help"


@every_operation
def test_its_page_fits_a_terminal_and_names_all_that_it_takes(operation: Operation) -> None:
    page = help.page(operation)
    assert max(map(len, page.splitlines())) <= 80
    assert all(arguments.label(parameter) in page for parameter in operation.parameters)


@every_operation
def test_it_is_a_method_of_the_client(operation: Operation, tmp_path: Path) -> None:
    client = Client(tmp_path / "store")
    place = reduce(getattr, operation.name.split()[:-1], client)
    assert method_name(operation) in dir(place)
    assert (getattr(place, method_name(operation)).__doc__ or "").startswith(operation.summary)


def test_no_operation_hides_what_a_client_has_itself() -> None:
    own = {name for name in vars(Client) if not name.startswith("_")}
    assert own.isdisjoint({(*found.groups, method_name(found))[0] for found in EVERY})


@every_operation
def test_its_result_can_be_shown(operation: Operation) -> None:
    assert callable(renderer(operation.result))


@every_operation
def test_its_result_can_be_written_as_json(operation: Operation) -> None:
    _assert_plain(operation.result)
    if operation.saves:
        assert operation.saves in {field.name for field in dataclasses.fields(operation.result)}


_NAMES = (EnvironmentName, ChannelName, View)
"""What is written as a text."""


def _assert_plain(hint: Any) -> None:
    """Every type that a result is made of has a plain form."""
    if dataclasses.is_dataclass(hint) and hint not in _NAMES:
        for value in typing.get_type_hints(hint).values():
            _assert_plain(value)
    elif get_origin(hint) in (tuple, Page, Mapping, typing.Union, types.UnionType):
        for inner in get_args(hint):
            _assert_plain(inner)
    elif get_origin(hint) is not Literal and hint not in (type(None), Ellipsis):
        allowed = (str, int, float, bool, datetime, timedelta, Path, Any, *_NAMES)
        assert hint in allowed or issubclass(hint, Enum)
