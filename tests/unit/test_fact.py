"""Digests of revisions, as docs/reference/formats.md spells them."""

import hashlib
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from condarium.model.hosting.fact import Fact, FactKind, chain, changes_digest

SHA = "ab" * 32
FILE = Fact(kind=FactKind.FILE, subdir="noarch", name="tool", file_name="tool-1-0.conda", value=SHA)
PATCH = Fact(kind=FactKind.PATCH, value=SHA, position=3)
ENTRY: dict[str, Any] = {
    "at": datetime(2026, 3, 1, 9, 0, 0, 5, tzinfo=UTC),
    "actor": "ada",
    "action": "publish",
    "reason": 'because of "ä"',
    "changes": "c" * 64,
    "previous": "0" * 64,
}


def test_a_fact_is_a_line() -> None:
    assert FILE.line == f"file\tnoarch\ttool\ttool-1-0.conda\t{SHA}\t0"
    assert PATCH.line == f"patch\t\t\t\t{SHA}\t3"


def test_changes_are_sorted_lines() -> None:
    lines = f"+{FILE.line}\n-{PATCH.line}\n"
    assert changes_digest([FILE], [PATCH]) == hashlib.sha256(lines.encode()).hexdigest()


def test_the_chain_is_a_json_array() -> None:
    said = [
        "lab",
        7,
        "2026-03-01T09:00:00.000005+00:00",
        "ada",
        "publish",
        'because of "ä"',
        "c" * 64,
        "0" * 64,
    ]
    text = json.dumps(said, separators=(",", ":"), ensure_ascii=False)
    assert chain("lab", 7, **ENTRY) == hashlib.sha256(text.encode()).hexdigest()


@pytest.mark.parametrize(
    "other",
    [
        {"at": datetime(2026, 3, 1, 9, 0, 0, 6, tzinfo=UTC)},
        {"actor": "eve"},
        {"action": "yank"},
        {"reason": ""},
        {"changes": "d" * 64},
        {"previous": "1" * 64},
    ],
    ids=lambda other: next(iter(other)),
)
def test_nothing_can_be_altered_unnoticed(other: dict[str, Any]) -> None:
    assert chain("lab", 7, **ENTRY) != chain("lab", 7, **{**ENTRY, **other})


def test_a_revision_belongs_to_its_channel_and_place() -> None:
    assert len({chain(name, n, **ENTRY) for name in ("lab", "far") for n in (7, 8)}) == 4


_facts = st.builds(
    Fact,
    kind=st.sampled_from(FactKind),
    subdir=st.sampled_from(["", "noarch", "linux-64"]),
    name=st.sampled_from(["", "tool", "text"]),
    file_name=st.sampled_from(["", "tool-1-0.conda"]),
    value=st.sampled_from(["", "main", SHA]),
    position=st.integers(0, 3),
)
_changes = st.tuples(st.frozensets(_facts, max_size=5), st.frozensets(_facts, max_size=5))


@given(_changes, _changes)
def test_other_changes_have_another_digest(
    one: tuple[frozenset[Fact], frozenset[Fact]], other: tuple[frozenset[Fact], frozenset[Fact]]
) -> None:
    assert (changes_digest(*one) == changes_digest(*other)) == (one == other)
