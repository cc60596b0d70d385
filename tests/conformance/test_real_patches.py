"""conda-forge's own patches on real records, and the changes that real records have had."""

import itertools
import json
import re
from functools import cache
from typing import Any

import pytest
from tests.support.naive_patches import load_rules, patch_naively
from tests.support.patches import instructions_between
from tests.support.real_data import data_folder, real_records, unpack, why_absent

from condarium.model.document import Document
from condarium.model.patches import BadPatch, Patch, PatchSet, Record, read_patch

pytestmark = [
    pytest.mark.data,
    pytest.mark.skipif(why_absent() is not None, reason=why_absent() or ""),
]

# Each real file that is refused, and why. There is none.
REFUSED: dict[str, str] = {}

_SUBDIRS = ("linux-64", "noarch")


@cache
def _documents() -> tuple[Document, ...]:
    files = sorted((data_folder() / "patches").glob("*.yaml"))
    return tuple(Document(file.name, file.read_bytes()) for file in files)


@cache
def _patches() -> tuple[Patch, ...]:
    return tuple(read_patch(each) for each in _documents() if each.name not in REFUSED)


def test_every_file_compiles_or_is_refused_with_the_reason() -> None:
    said = {}
    for document in _documents():
        try:
            patch = read_patch(document)
        except BadPatch as error:
            said[document.name] = error.message
        else:
            assert len(patch.rules) == len(load_rules(document.content.decode())), document.name
    assert len(_documents()) == 351
    assert said.keys() == REFUSED.keys()
    assert all(REFUSED[name] in message for name, message in said.items())


@pytest.mark.parametrize("subdir", _SUBDIRS)
def test_all_at_once_is_as_one_after_the_other(subdir: str) -> None:
    rules = [rule for document in _documents() for rule in load_rules(document.content.decode())]
    records = real_records(subdir)
    before = json.dumps(records)

    patched = PatchSet(_patches()).apply(subdir, records)

    assert json.dumps(records) == before
    assert len(patched.changed) > 300
    assert all((patched.records[f] is records[f]) == (f not in patched.changed) for f in records)
    assert patched.records == patch_naively(rules, records, subdir, stumbling=True)


@pytest.mark.parametrize("subdir", _SUBDIRS)
def test_a_patch_changes_its_candidates_only(subdir: str) -> None:
    records = real_records(subdir)
    changed = PatchSet(_patches()).apply(subdir, records).changed
    some = {file: records[file] for file in [*changed, *list(records)[::60]]}
    for patch in _patches():
        candidates = patch.candidates(subdir)
        touched = {some[file]["name"] for file in PatchSet([patch]).apply(subdir, some).changed}
        assert candidates is None or touched <= candidates, patch.describe()


def _changes() -> list[tuple[str, str, Record, Record]]:
    """Subdir, file, and the record before and after each change that was seen at least twice."""
    lines = unpack(data_folder() / "patches" / "history.jsonl.zst").splitlines()
    changes = []
    for row in map(json.loads, lines):
        subdir, file = row["url"].rsplit("/", 2)[1:]
        seen = [variant for variant in row["variants"] if variant[1] >= 2]
        for old, new in itertools.pairwise(seen):
            before, after = _record(file, old), _record(file, new)
            if before != after:
                changes.append((subdir, file, before, after))
    return changes


def _record(file: str, variant: list[Any]) -> Record:
    name, version, build = re.sub(r"\.conda$|\.tar\.bz2$", "", file).rsplit("-", 2)
    _, _, depends, constrains = variant
    record = {"name": name, "version": version, "build": build, "depends": depends}
    return record | {"constrains": constrains} if constrains else record


def test_every_real_change_can_be_expressed() -> None:
    changes = _changes()
    assert len(changes) > 3000
    rounds: list[dict[str, dict[str, tuple[Record, Record]]]] = []
    for subdir, file, before, after in changes:
        free = next((each for each in rounds if file not in each.get(subdir, {})), None)
        if free is None:
            rounds.append(free := {})
        free.setdefault(subdir, {})[file] = (before, after)
    for subdirs in rounds:
        content = {
            subdir: instructions_between(
                {file: before for file, (before, _) in pairs.items()},
                {file: after for file, (_, after) in pairs.items()},
            )
            for subdir, pairs in subdirs.items()
        }
        patch = read_patch(Document("patch_instructions.json", json.dumps(content).encode()))
        for subdir, pairs in subdirs.items():
            records = {file: before for file, (before, _) in pairs.items()}
            patched = PatchSet([patch]).apply(subdir, records)
            assert patched.records == {file: after for file, (_, after) in pairs.items()}
            assert patched.changed == pairs.keys()
