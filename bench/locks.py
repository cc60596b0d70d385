"""Locking what public projects ask for, on real conda-forge records."""

import shutil
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from tests.support.server import ServerProcess

from bench.channel import environment_file
from bench.line import Line, Result
from bench.processes import MeasureFailed, interleaved
from bench.records import Question, questions, records_as_they_are, records_grown
from bench.setting import Setting

_CUDA = "12.4"
"""What the machine is said to have: some of the projects need a GPU."""
_TITLE = "Locking on conda-forge's records"


def run(setting: Setting) -> Result:
    data = setting.data
    if data is None:
        return Result(name="locks", title=_TITLE, skipped="there are no real records here")
    if shutil.which("zstd") is None:
        return Result(name="locks", title=_TITLE, skipped="there is no zstd to unpack records with")
    asked = questions(data, 5 if setting.quick else 20)
    lines = _lines(setting, records_as_they_are(data, setting.cache), asked, "as they are")
    lines += _lines(setting, records_grown(data, setting.cache), asked, "grown to full size")
    return Result(
        name="locks",
        title=_TITLE,
        facts=[
            f"{len(asked)} sets of specs of public projects, for linux-64, in one process",
            "caches are empty before the first set of a run, and stay for the next ones",
            "as they are: 58,811 records in repodata.json.zst; "
            "grown: 740,000 records in shards, as conda-forge serves them",
        ],
        lines=lines,
    )


class _Locks:
    """The same questions to one channel, by us and by bare rattler."""

    def __init__(self, setting: Setting, url: str, asked: Sequence[Question]) -> None:
        self.setting, self.url, self.asked = setting, url, asked
        self.files = [
            environment_file(
                setting.folder("spec") / "environment.yml", url, each.specs, system={"cuda": _CUDA}
            )
            for each in asked
        ]
        self.store = setting.store()
        self._locks(self.store, fresh=True)

    def fresh(self, number: int) -> float:
        return sum(self._locks(self.setting.store(), fresh=True))

    def bare(self, number: int) -> float:
        job = {
            "kind": "bare_lock", "channel": self.url, "cache": str(self.setting.folder("bare")),
            "virtual": [["__cuda", _CUDA]], "sets": [each.specs for each in self.asked],
        }  # fmt: skip
        seconds: list[float] = self.setting.installed.work(job).answer
        return sum(seconds)

    def known(self, number: int) -> float:
        """The median of the sets; `slowest` is of all of them."""
        return median(self._locks(self.store, fresh=False))

    def known_process(self, number: int) -> float:
        file = self.files[number % len(self.files)]
        output = self.setting.scratch / "pixi.lock"
        command = ["lock", "-f", file, "-o", output, "--store", self.store]
        return self.setting.installed.command_seconds(*command)

    def _locks(self, store: Path, *, fresh: bool) -> list[float]:
        files = [str(file) for file in self.files]
        job = {"kind": "lock", "store": str(store), "files": files, "fresh": fresh}
        done = self.setting.installed.work(job)
        if not isinstance(done.answer, list):
            raise MeasureFailed(f"no locks: {done.answer}")
        return done.answer


def _lines(setting: Setting, channel: Path, asked: Sequence[Question], name: str) -> list[Line]:
    with ServerProcess(channel) as server:
        locks = _Locks(setting, server.url, asked)
        solved = interleaved(setting.runs, ours=locks.fresh, bare=locks.bare)
        known = interleaved(max(setting.runs, 9), inside=locks.known, process=locks.known_process)
    return [
        Line(name=f"{len(asked)} locks, records {name}", ours=solved["ours"], peer=solved["bare"],
             peer_name="bare", limit=1.1),
        Line(name=f"a lock that is known, records {name}, in process", ours=known["inside"],
             kind="value", limit=0.2),
        Line(name=f"a lock that is known, records {name}, whole process", ours=known["process"],
             kind="value"),
    ]  # fmt: skip
