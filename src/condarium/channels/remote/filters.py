"""What a proxy lets through, compiled: which names, and which of their records."""

from collections.abc import Mapping
from enum import Enum, auto
from functools import lru_cache
from typing import Any

from condarium.engine.solving.record_spec import RecordSpec
from condarium.model.hosting.hosted import Filter


class Share(Enum):
    """How much of a package name is let through."""

    ALL = auto()
    SOME = auto()
    """It depends on the records."""
    NONE = auto()


class Sieve:
    """A filter, compiled. Its cooldown is no part of it: a view of the proxy sees to that."""

    def __init__(self, chosen: Filter) -> None:
        self._specs = [RecordSpec.parse(text) for text in chosen.specs]
        self._exclude = [RecordSpec.parse(text) for text in chosen.exclude]
        self._subdirs = frozenset(chosen.subdirs)
        self._licenses = frozenset(each.lower() for each in chosen.licenses)

    @property
    def asks_all(self) -> bool:
        """Whether it has to see every record: then an index as a whole is better than shards."""
        anything = any(spec.name is None for spec in (*self._specs, *self._exclude))
        return anything or bool(self._licenses)

    def share(self, subdir: str, name: str) -> Share:
        """What can be said of a package name without its records."""
        wanted, unwanted = _about(self._specs, name), _about(self._exclude, name)
        if self._subdirs and subdir not in self._subdirs:
            return Share.NONE
        if self._specs and not wanted:
            return Share.NONE
        if any(_is_plain(spec) for spec in unwanted):
            return Share.NONE
        narrowed = self._specs and not any(_is_plain(spec) for spec in wanted)
        return Share.SOME if unwanted or narrowed or self._licenses else Share.ALL

    def lets(self, subdir: str, file_name: str, record: Mapping[str, Any]) -> bool:
        """Whether a record is let through."""
        name = record["name"]
        if self.share(subdir, name) is Share.NONE:
            return False
        if self._licenses and str(record.get("license") or "").lower() not in self._licenses:
            return False
        wanted, unwanted = _about(self._specs, name), _about(self._exclude, name)
        if self._specs and not any(spec.fits(subdir, file_name, record) for spec in wanted):
            return False
        return not any(spec.fits(subdir, file_name, record) for spec in unwanted)


@lru_cache(maxsize=64)
def sieve_of(chosen: Filter) -> Sieve:
    """Compile a filter. Raises BadPackageSpec."""
    return Sieve(chosen)


def _about(specs: list[RecordSpec], name: str) -> list[RecordSpec]:
    """Those that a record of this name may match."""
    return [spec for spec in specs if spec.name in (None, name)]


def _is_plain(spec: RecordSpec) -> bool:
    """Whether it is a name and nothing else."""
    return spec.text.strip() == spec.name
