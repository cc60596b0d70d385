"""How soon commands answer: help, and a list of many environments."""

from pathlib import Path

from bench.line import Line, Result
from bench.processes import interleaved
from bench.setting import Setting
from condarium.environments.prefixes import MARKER
from condarium.model.difference import ChangeCounts
from condarium.model.names import EnvironmentName
from condarium.settings import Settings
from condarium.storage.environments import NewGeneration
from condarium.storage.store import Store

_ENVIRONMENTS = 1000


def run(setting: Setting) -> Result:
    store = setting.store()
    _fill(store, _ENVIRONMENTS)
    installed = setting.installed
    found = interleaved(
        max(setting.runs, 9),
        python=lambda number: installed.process_seconds([installed.python, "-c", "pass"]),
        version=lambda number: installed.command_seconds("--version"),
        help=lambda number: installed.command_seconds("--help"),
        list=lambda number: installed.command_seconds("env", "list", "--store", store),
        json=lambda number: installed.command_seconds("env", "list", "--store", store, "--json"),
    )
    return Result(
        name="startup",
        title="Starting",
        facts=["whole processes, from start to end; Python's bytecode is there"],
        lines=[
            Line(name="`condarium --help`", ours=found["help"], kind="value", limit=0.15),
            Line(name=f"`condarium env list`, {_ENVIRONMENTS:,} environments", ours=found["list"],
                 kind="value", limit=0.3),
            Line(name="the same with `--json`", ours=found["json"], kind="value", limit=0.3),
            Line(name="`condarium --version`", ours=found["version"], kind="value"),
            Line(name="`python -c pass`", ours=found["python"], kind="value"),
        ],
    )  # fmt: skip


def _fill(folder: Path, count: int) -> None:
    """Note environments as built, with the folders that a list looks for."""
    store = Store(Settings.read({"HOME": str(folder)}, store=folder))
    with store.database.note() as facts:
        for number in range(count):
            name = EnvironmentName(f"team-{number % 20}", f"environment-{number}")
            prefix = f"{number:016d}"
            new = NewGeneration(
                spec=None, lock=f"{number:064x}", platforms=["linux-64"], packages=50,
                changes=ChangeCounts(added=50, removed=0, changed=0), prefix=prefix, reason="",
            )  # fmt: skip
            at = store.now()
            identifier = facts.environments.ensure(name, at=at, actor="bench")
            generation = facts.environments.add_generation(identifier, new, at=at, actor="bench")
            facts.environments.activate(name, generation, at=at, actor="bench", reason="built")
            marker = store.layout.prefix(prefix) / MARKER
            marker.parent.mkdir(parents=True)
            marker.write_text("{}\n")
    store.close()
