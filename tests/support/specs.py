"""Texts of environment.yml, and what comes of reading them."""

import pytest

from condarium.engine.solving.matchspec import matchspec_problem
from condarium.errors import BadSpec
from condarium.model.spec import EnvironmentSpec, SpecReading
from condarium.model.specfile import read_spec


def read(text: str) -> SpecReading:
    return read_spec(text, check_matchspec=matchspec_problem)


def spec_of(text: str) -> EnvironmentSpec:
    return read(text).spec


def refusal(text: str) -> BadSpec:
    with pytest.raises(BadSpec) as caught:
        read(text)
    return caught.value


def all_words(error: BadSpec) -> str:
    return f"{error.message} {error.hint or ''}"


def depends(*items: str) -> str:
    """The items stand from line 2 on."""
    return "dependencies:\n" + "".join(f"  - {item}\n" for item in items)


def piplist(*items: str) -> str:
    """The items stand from line 4 on."""
    return "dependencies:\n  - python\n  - pip:\n" + "".join(f"      - {i}\n" for i in items)
