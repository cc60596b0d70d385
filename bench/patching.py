"""Patching the records of one package name in a channel of conda-forge's size."""

import time
from typing import Any

from bench.hosting import CHANNEL, Hosted, hosted_grown
from bench.line import Line, Result
from bench.processes import MeasureFailed
from bench.served import Client, Served, served
from bench.setting import Setting

_SUBDIR = "linux-64"
_RECORDS = 35
_PATIENCE = 60


def run(setting: Setting) -> Result:
    hosted = hosted_grown(setting)
    (name, records), (other, _) = _packages(hosted)
    with served(setting, hosted.store) as server, Client(server) as client:
        server.settle(_SUBDIR, "noarch")
        patched = _Patched(setting, hosted, name, other, server, client)
        cold = [patched.until_seen(warm=False) for _ in range(setting.runs)]
        warm = [patched.until_seen(warm=True) for _ in range(max(setting.runs, 5))]
    return Result(
        name="patch",
        title="Patching the records of one name",
        facts=[
            f"{hosted.said}; {name} has {records} records in {_SUBDIR}",
            "`channel.patch.add` of one YAML rule, by a process that has the store open, until a "
            "client of `condarium serve` sees it in the shard, as when publishing",
        ],
        lines=[
            Line(name="patched until seen", ours=[seen for _, seen in warm], kind="value",
                 limit=0.05),
            Line(name="of that, the operation", ours=[done for done, _ in warm], kind="value"),
            Line(name="patched until seen, by a process that had not patched before",
                 ours=[seen for _, seen in cold], kind="value"),
            Line(name="of that, the operation", ours=[done for done, _ in cold], kind="value"),
        ],
    )  # fmt: skip


def _packages(hosted: Hosted) -> list[tuple[Any, ...]]:
    """The two names whose numbers of records come nearest."""
    return hosted.ask(
        "select name, count(*) from files where subdir = ? group by name "
        "order by abs(count(*) - ?), name limit 2",
        _SUBDIR,
        _RECORDS,
    )


class _Patched:
    """Patches, each with another bound, to one package."""

    def __init__(
        self,
        setting: Setting,
        hosted: Hosted,
        name: str,
        other: str,
        server: Served,
        client: Client,
    ) -> None:
        self.setting, self.hosted, self.name, self.other = setting, hosted, name, other
        self.server, self.client = server, client
        self.count = 0

    def until_seen(self, *, warm: bool) -> tuple[float, float]:
        """The seconds of the operation, and until it is seen."""
        first = [self._call(self.other)] if warm else []
        job = {
            "kind": "calls", "store": str(self.hosted.store), "first": first,
            "calls": [self._call(self.name)],
        }  # fmt: skip
        wanted = f"bench <{self.count}"
        self.client.seen(_SUBDIR, self.name)
        with self.setting.installed.worker(job) as worker:
            begun = time.perf_counter()
            worker.go()
            while not self._shows(wanted):
                if time.perf_counter() > begun + _PATIENCE:
                    raise MeasureFailed("the patch was never seen")
                time.sleep(0.001)
            seconds = time.perf_counter() - begun
            done = worker.result()
        self.server.settle(_SUBDIR)
        return done.answer[0], seconds

    def _call(self, name: str) -> list[object]:
        self.count += 1
        file = self.setting.folder("patch").with_suffix(".yaml")
        rule = f'if:\n  name: {name}\nthen:\n  - add_constrains: "bench <{self.count}"\n'
        file.write_text(rule)
        return ["channel.patch.add", [CHANNEL, [str(file)]], {}]

    def _shows(self, constraint: str) -> bool:
        shard = self.client.seen(_SUBDIR, self.name)
        if shard is None:
            return False
        records = [*shard["packages"].values(), *shard["packages.conda"].values()]
        return all(constraint in record.get("constrains", ()) for record in records)
