"""Instructions of a patch_instructions.json: what becomes of single files of a subdir.

They are applied in this order, as every indexer does: `packages` to the .tar.bz2 records; the same
entries to the .conda records of the same packages; `packages.conda`; `revoke`; `remove`. The last
two also reach the .conda file of a .tar.bz2. Files that are not in the channel are passed over.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from condarium.model.patches.file_names import package_name, twin

_REVOKED = "package_has_been_revoked"


@dataclass(frozen=True, kw_only=True)
class Instructions:
    """What becomes of the files of one subdir."""

    packages: Mapping[str, Mapping[str, Any]]
    packages_conda: Mapping[str, Mapping[str, Any]]
    revoke: frozenset[str]
    remove: frozenset[str]

    def apply(self, file: str, record: dict[str, Any]) -> dict[str, Any] | None:
        """Give a record as it should be, the same object where nothing changes; None: removed."""
        after = record
        for update in self._updates.get(file, ()):
            after = merged(after, update)
        if file in self._revoked:
            after = _revoked(after)
        if file in self._removed:
            return None
        return record if after == record else after

    @cached_property
    def files(self) -> frozenset[str]:
        """All files that there may be a change for."""
        return frozenset(self._updates) | self._revoked | self._removed

    @cached_property
    def names(self) -> frozenset[str]:
        return frozenset(map(package_name, self.files))

    @cached_property
    def _updates(self) -> dict[str, list[Mapping[str, Any]]]:
        """What is to be merged into each file's record, in order."""
        updates = dict[str, list[Mapping[str, Any]]]()
        for file, update in self.packages.items():
            for each in (file, twin(file)):
                if each is not None:
                    updates.setdefault(each, []).append(update)
        for file, update in self.packages_conda.items():
            updates.setdefault(file, []).append(update)
        return updates

    @cached_property
    def _revoked(self) -> frozenset[str]:
        return _with_twins(self.revoke)

    @cached_property
    def _removed(self) -> frozenset[str]:
        return _with_twins(self.remove)


def merged(base: Mapping[str, Any], update: Mapping[str, Any]) -> dict[str, Any]:
    """Merge an update into a mapping: null deletes a key, mappings merge, the rest replaces."""
    result = dict(base)
    for key, value in update.items():
        if value is None:
            result.pop(key, None)
        elif isinstance(value, Mapping):
            inner = result.get(key)
            result[key] = merged(inner if isinstance(inner, Mapping) else {}, value)
        else:
            result[key] = value
    return result


def _revoked(record: Mapping[str, Any]) -> dict[str, Any]:
    depends = record.get("depends") or []
    if _REVOKED not in depends:
        depends = [*depends, _REVOKED]
    return {**record, "revoked": True, "depends": depends}


def _with_twins(files: Iterable[str]) -> frozenset[str]:
    files = frozenset(files)
    return files | {each for each in map(twin, files) if each is not None}
