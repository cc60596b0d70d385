"""All patches of a channel together, in the order in which they were added.

Since a rule and an instruction each look at one record alone, all can be applied to one record
after the other. Which of them to try on it is looked up: by its name, its file and what it depends
on. So a publish costs what its own package's patches cost, however many others there are.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from condarium.model.patches.changes import texts
from condarium.model.patches.patch import Patch
from condarium.model.patches.rules import Rule

Record = dict[str, Any]
_Step = Callable[[str, Record], Record | None]


@dataclass(frozen=True, kw_only=True)
class Patched:
    """Records as patches want them; those that no patch changes are the objects of before."""

    records: dict[str, Record]
    removed: tuple[str, ...]
    changed: frozenset[str]


class PatchSet:
    """Patches in their order; quick for the records of one name, and for those of all."""

    def __init__(self, patches: Sequence[Patch]) -> None:
        self._patches = tuple(patches)
        self._steps = dict[str, _Steps]()

    def apply(self, subdir: str, records: Mapping[str, Record]) -> Patched:
        """Patch the records of a subdir, given by their file names; none of them is altered.

        `removed` are the files that go, sorted; `changed` those that stay with other content.
        """
        steps = self._steps_of(subdir)
        after = {file: steps.apply(file, record) for file, record in records.items()}
        kept = {file: record for file, record in after.items() if record is not None}
        return Patched(
            records=kept,
            removed=tuple(sorted(records.keys() - kept.keys())),
            changed=frozenset(file for file, each in kept.items() if each is not records[file]),
        )

    def _steps_of(self, subdir: str) -> "_Steps":
        if subdir not in self._steps:
            self._steps[subdir] = _Steps(self._patches, subdir)
        return self._steps[subdir]


class _Steps:
    """What the patches do in one subdir, step by step, and where to look for the right ones."""

    def __init__(self, patches: Iterable[Patch], subdir: str) -> None:
        self._steps: list[_Step] = []
        self._always = list[int]()
        self._by_name = defaultdict[str, list[int]](list)
        self._by_file = defaultdict[str, list[int]](list)
        self._by_prefix = list[tuple[str, int]]()
        self._by_dependency = dict[str, tuple[int, ...]]()
        for patch in patches:
            if found := patch.instructions.get(subdir):
                self._add(found.apply, *(self._by_file[file] for file in found.files))
            for rule in patch.rules:
                if rule.is_for(subdir):
                    self._add_rule(rule, subdir)

    def apply(self, file: str, record: Record) -> Record | None:
        """Take all steps of a record, in order; None where one of them removes it."""
        if not self._steps:
            return record
        done = -1
        todo = self._todo(file, record, done)
        while todo:
            done = todo.pop(0)
            after = self._steps[done](file, record)
            if after is None:
                return None
            if after is not record:
                # What it depends on may have changed, so other rules may be for it now.
                record = after
                todo = self._todo(file, record, done)
        return record

    def _todo(self, file: str, record: Record, done: int) -> list[int]:
        numbers = {*self._always, *self._by_file.get(file, ())}
        numbers.update(self._by_name.get(str(record.get("name")), ()))
        for dependency in texts(record, "depends"):
            numbers.update(self._that_ask_for(dependency.partition(" ")[0]))
        return sorted(number for number in numbers if number > done)

    def _that_ask_for(self, name: str) -> tuple[int, ...]:
        """Give the rules that may ask for a dependency of this name; each name is met often."""
        if name not in self._by_dependency:
            self._by_dependency[name] = tuple(
                number for prefix, number in self._by_prefix if f"{name} ".startswith(prefix)
            )
        return self._by_dependency[name]

    def _add_rule(self, rule: Rule, subdir: str) -> None:
        step = partial(rule.apply, subdir=subdir)
        if rule.names is not None:
            self._add(step, *(self._by_name[name] for name in rule.names))
        elif rule.dependency is None:
            self._add(step, self._always)
        else:
            word, head = rule.dependency.first_word, rule.dependency.head
            self._by_prefix.append((head if word is None else f"{word} ", len(self._steps)))
            self._add(step)

    def _add(self, step: _Step, *places: list[int]) -> None:
        """Note a step in the places where it will be looked for."""
        for place in places:
            place.append(len(self._steps))
        self._steps.append(step)
