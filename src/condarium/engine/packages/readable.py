"""What clients can read of what a package says: rattler is asked, as pixi or mamba would."""

from functools import lru_cache

from rattler import IndexJson, MatchSpec, Version
from rattler.exceptions import InvalidMatchSpecError, InvalidVersionError

from condarium.engine.solving.matchspec import matchspec_problem

_LONGEST, _LONGEST_ADVISED = 2000, 200


@lru_cache(4096)
def dependency_problem(text: str) -> str | None:
    """Say why no client can read a dependency; None where they can."""
    if len(text) > _LONGEST:
        return f"it has {len(text):,} characters"
    if not text.isprintable():
        return "it has a character that cannot be printed"
    try:
        MatchSpec(text, strict=False)
    except InvalidMatchSpecError as error:
        return _first_line(error)
    return None


@lru_cache(4096)
def dependency_advice(text: str) -> str | None:
    """Say what the author of a dependency that can be read probably did not mean."""
    return matchspec_problem(text) if len(text) <= _LONGEST_ADVISED else None


def version_problem(text: str) -> str | None:
    """Say why a version cannot be ordered among others; None where it can."""
    try:
        Version(text)
    except InvalidVersionError as error:
        return _first_line(error)
    return None


def index_problem(text: str) -> str | None:
    """Say why clients cannot read an index.json as it is; None where they can.

    A record that they cannot read makes them refuse the whole repodata.json that it is in.
    """
    try:
        IndexJson.from_str(text)
    except Exception as error:  # noqa: BLE001  # rattler names no class of its own for this
        return _first_line(error)
    return None


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
