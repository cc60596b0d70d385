"""What the threat model says that tests hold is held by tests that there are."""

import re
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
PAGE = TESTS.parent / "docs" / "explanation" / "lending-threats.md"
NAMED = re.findall(r"`((?:unit|conformance|integration|acceptance)/[^`]+)`", PAGE.read_text())


def test_every_line_of_its_tables_names_a_test() -> None:
    rows = [line for line in PAGE.read_text().splitlines() if line.startswith("| ")]
    without = [row for row in rows if ".py" not in row.rsplit("|", 2)[1]]
    assert {row.split("|")[1].strip() for row in without} - {"---"} == {
        "attack",
        "mishap or attack",
    }
    assert len(rows) > 30


@pytest.mark.parametrize("named", sorted(set(NAMED)))
def test_a_named_test_is_there(named: str) -> None:
    file, *names = named.split("::")
    source = (TESTS / file).read_text()
    for name in names:
        assert re.search(rf"(def|class) {name}\b", source), f"{file} has no {name}"
