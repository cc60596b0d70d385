"""Eight processes that build overlapping environments at once, from a store without packages."""

import os
import time
from contextlib import ExitStack
from pathlib import Path

from tests.support.server import ServerProcess

from bench.channel import describe, environment_file, real_channel, specs
from bench.line import Line, Result
from bench.processes import MeasureFailed, interleaved
from bench.setting import Setting

_ENVIRONMENTS = (
    ("numpy", "pandas", "rich", "requests"),
    ("numpy", "scipy", "scikit-learn", "rich"),
    ("numpy", "matplotlib", "pandas"),
    ("flask", "sqlalchemy", "requests", "pytest"),
    ("numpy", "scipy", "networkx", "flask"),
    ("pandas", "scikit-learn", "matplotlib", "requests"),
    ("httpx", "pydantic", "rich", "cryptography", "pytest"),
    ("numpy", "lxml", "pyyaml", "pandas", "flask"),
)
_UNION = tuple(sorted({name for each in _ENVIRONMENTS for name in each}))


def run(setting: Setting) -> Result:
    channel = real_channel(setting.cache)
    with ServerProcess(channel) as server:

        def build(environments: tuple[tuple[str, ...], ...]) -> float:
            server.forget()
            seconds = _together(setting, setting.store(), server.url, environments)
            _check_requests(server)
            return seconds

        found = interleaved(
            setting.runs,
            eight=lambda number: build(_ENVIRONMENTS),
            one=lambda number: build((_UNION,)),
        )
    return Result(
        name="together",
        title="Eight processes at once",
        facts=[
            describe(channel),
            "the processes have started and imported their libraries; then all begin at once",
            "all succeeded in every run, and each package was requested once",
        ],
        lines=[
            Line(name="eight builds at once", ours=found["eight"], peer=found["one"],
                 peer_name="one process, the union", limit=1.3),
        ],
    )  # fmt: skip


def _together(
    setting: Setting, store: Path, url: str, environments: tuple[tuple[str, ...], ...]
) -> float:
    """Seconds from the start of all to the end of the last."""
    with ExitStack() as stack:
        workers = []
        for number, asked in enumerate(environments):
            file = setting.folder("spec") / "environment.yml"
            environment_file(file, url, specs(asked))
            job = {
                "kind": "build", "store": str(store), "file": str(file),
                "environment": f"bench/environment-{number}",
            }  # fmt: skip
            workers.append(stack.enter_context(setting.installed.worker(job)))
        os.sync()
        begun = time.perf_counter()
        for worker in workers:
            worker.go()
        for worker in workers:
            worker.result()
        return time.perf_counter() - begun


def _check_requests(server: ServerProcess) -> None:
    asked = [each.path for each in server.requests if each.path.endswith(".conda")]
    twice = {path for path in asked if asked.count(path) > 1}
    if twice:
        raise MeasureFailed(f"requested more than once: {', '.join(sorted(twice))}")
