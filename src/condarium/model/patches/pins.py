"""Upper bounds of one dependency, made tighter or looser.

Bounds are written as conda-build's pinning writes them, `>=1.2,<2.0a0`: the last place is 0, and
`a0` keeps the pre-releases of the bound out as well. A dependency of another form stays as it is.
"""

import re
from dataclasses import dataclass

from condarium.model.version_order import compare_versions

_NUMBERS = r"\d+(?:\.\d+)*"
_BOUNDED = re.compile(rf">=(?P<lower>{_NUMBERS}a?),<(?P<upper>{_NUMBERS})a0")
_UNBOUNDED = re.compile(rf">=(?P<lower>{_NUMBERS}a?)[^<*|]*")
_ONLY_UPPER = re.compile(r"<(?P<equal>=?)(?P<upper>[\w.]+)")
_EXACT = re.compile(r"\d[\w.!+]*")


@dataclass(frozen=True, kw_only=True)
class Bound:
    """An upper bound: a version, or so many places above the lower bound (`x.x` is 2)."""

    version: str | None = None
    places: int | None = None

    def above(self, lower: str) -> list[str] | None:
        """Give the bound's numbers; None where there is none above such a version."""
        if self.version is not None:
            return self.version.split(".")
        return None if self.places is None else _raised(lower, self.places)


def tighten(dependency: str, bound: Bound) -> str:
    """Lower the upper bound of a dependency, or give it one."""
    name, version, build = _split(dependency)
    if version is None:
        return f"{name} <{_written(bound.version.split('.'))}" if bound.version else dependency
    if match := _UNBOUNDED.fullmatch(version):
        upper = _aligned(bound.above(match["lower"]), match["lower"])
        if upper and compare_versions(match["lower"], ".".join(upper)) < 0:
            return f"{name} {version},<{_written(upper)}{build}"
    elif match := _BOUNDED.fullmatch(version):
        upper = _aligned(bound.above(match["lower"]), match["upper"])
        if upper and compare_versions(match["upper"], ".".join(upper)) > 0:
            return f"{name} >={match['lower']},<{_written(upper)}{build}"
    elif not build and bound.version and _is_looser(version, bound.version):
        return f"{name} <{_written(bound.version.split('.'))}"
    return dependency


def loosen(dependency: str, bound: Bound | None) -> str:
    """Raise the upper bound of a dependency that has both bounds; without `bound`, drop it."""
    name, version, build = _split(dependency)
    match = _BOUNDED.fullmatch(version or "")
    if match is None:
        return dependency
    if bound is None:
        return f"{name} >={match['lower']}{build}"
    upper = _aligned(bound.above(match["lower"]), match["upper"])
    if upper and compare_versions(match["upper"], ".".join(upper)) < 0:
        return f"{name} >={match['lower']},<{_written(upper)}{build}"
    return dependency


def relax(dependency: str, places: int | None) -> str:
    """Turn `name version build` into `name >=version`, with an upper bound where it has places."""
    parts = dependency.split(" ")
    if len(parts) != 3 or not _EXACT.fullmatch(parts[1]):
        return dependency
    if places is None:
        return f"{parts[0]} >={parts[1]}"
    upper = _raised(parts[1], places)
    return f"{parts[0]} >={parts[1]},<{'.'.join(upper)}a0" if upper else dependency


def _is_looser(version: str, bound: str) -> bool:
    """Whether `<…` or `<=…` allows more than a bound does: `<=2` allows 2 itself."""
    match = _ONLY_UPPER.fullmatch(version)
    if match is None:
        return False
    difference = compare_versions(match["upper"], bound)
    return difference > 0 or (difference == 0 and match["equal"] == "=")


def _split(dependency: str) -> tuple[str, str | None, str]:
    """Name, version (None where it has none) and build with the space before it.

    The version is "" where the dependency has a form of its own.
    """
    parts = dependency.split(" ")
    if len(parts) == 1:
        return parts[0], None, ""
    if len(parts) == 2:
        return parts[0], parts[1], ""
    return (parts[0], parts[1], f" {parts[2]}") if len(parts) == 3 else (parts[0], "", "")


def _raised(version: str, places: int) -> list[str] | None:
    """Count up at a place and clear those after it: 1.2.3 at 2 places is 1.3.0."""
    numbers = version.split(".")
    numbers += ["0"] * (places - len(numbers))
    if not numbers[places - 1].isdecimal():
        return None
    last = str(int(numbers[places - 1]) + 1)
    return [*numbers[: places - 1], last, *["0"] * (len(numbers) - places)]


def _aligned(bound: list[str] | None, other: str) -> list[str] | None:
    """Give a bound as many places as another version has."""
    return None if bound is None else bound + ["0"] * (other.count(".") + 1 - len(bound))


def _written(bound: list[str]) -> str:
    return ".".join(bound if bound[-1] == "0" else [*bound, "0"]) + "a0"
