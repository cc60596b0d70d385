"""The results: shown, kept as JSON, and made into the table that readers see."""

import json
import os
import platform
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from bench.line import Result

RESULTS = Path(__file__).parent / "results"
_HEAD = ("what", "condarium", "beside", "figure", "limit", "")
_INTRODUCTION = """\
# Results

Made by `make bench`: medians of several runs, taken in turns with what they are compared with.
[Performance](../../docs/explanation/performance.md) says what is measured and how.
"""


def show(result: Result) -> None:
    print(f"\n{result.title}")
    for fact in result.facts:
        print(f"  {fact}")
    if result.skipped:
        print(f"  skipped: {result.skipped}")
        return
    rows = [_HEAD, *(line.cells() for line in result.lines)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEAD))]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        print(f"  {'  '.join(cells)}".rstrip())


def keep(result: Result, *, runs: int) -> None:
    """Write a result down; one that was skipped leaves what was measured before."""
    if result.skipped:
        return
    content = {
        "name": result.name,
        "title": result.title,
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "runs": runs,
        "machine": machine(),
        "facts": list(result.facts),
        "lines": [line.to_json() for line in result.lines],
    }
    text = json.dumps(content, indent=1, ensure_ascii=False)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{result.name}.json").write_text(text + "\n")


def machine() -> dict[str, str]:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return {
        "cores": str(os.cpu_count()),
        "memory": f"{memory:.0f} GiB",
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "py-rattler": version("py-rattler"),
        "condarium": version("condarium"),
    }


def write_table(order: list[str]) -> None:
    """Make the page of all results that are kept."""
    parts = [_INTRODUCTION]
    for name in order:
        path = RESULTS / f"{name}.json"
        if path.exists():
            parts.append(_section(json.loads(path.read_text())))
    (RESULTS / "README.md").write_text("\n".join(parts))


def _section(content: dict[str, object]) -> str:
    machine_facts = content["machine"]
    lines = content["lines"]
    facts = content["facts"]
    assert isinstance(machine_facts, dict)
    assert isinstance(lines, list)
    assert isinstance(facts, list)
    where = (
        f"{machine_facts['cores']} cores, {machine_facts['memory']}, {machine_facts['system']}, "
        f"Python {machine_facts['python']}, py-rattler {machine_facts['py-rattler']}"
    )
    rows = [_HEAD, *(line["cells"] for line in lines)]
    table = [f"| {' | '.join(row)} |" for row in rows]
    table.insert(1, f"|{' --- |' * len(_HEAD)}")
    notes = [f"- {line['name']}: {line['note']}" for line in lines if line["note"]]
    said = [f"- {fact}" for fact in facts]
    day = str(content["measured_at"])[:10]
    head = f"## {content['title']}\n\n{day}, medians of {content['runs']} runs, {where}.\n"
    return "\n".join([head, *said, "", *table, "", *notes, ""])
