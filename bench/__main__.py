"""Run the benchmarks: `python -m bench [NAME…] [--runs N] [--quick]`."""

import argparse
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

from bench import (
    access_replay,
    backup,
    builds,
    decisions,
    disk,
    gateway,
    list_page,
    locks,
    past,
    patching,
    publishing,
    queue,
    results,
    rewriting,
    serving,
    startup,
    through_server,
    together,
    webhooks,
)
from bench.line import Result
from bench.processes import ROOT, Installed, install
from bench.setting import Setting

BENCHMARKS: dict[str, Callable[[Setting], Result]] = {
    "builds": builds.run,
    "startup": startup.run,
    "disk": disk.run,
    "locks": locks.run,
    "together": together.run,
    "restore": builds.run_restore,
    "publish": publishing.run,
    "publish-many": publishing.run_many,
    "publish-sizes": publishing.run_sizes,
    "past": past.run,
    "patch": patching.run,
    "rewriting": rewriting.run,
    "serving": serving.run,
    "gateway": gateway.run,
    "list-page": list_page.run,
    "through-server": through_server.run,
    "queue": queue.run,
    "decisions": decisions.run,
    "access-replay": access_replay.run,
    "backup": backup.run,
    "webhooks": webhooks.run,
}


def main() -> int:
    """Give 1 where a limit was missed."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(BENCHMARKS))
    parser.add_argument("--runs", type=int, default=5, help="how often each is measured")
    parser.add_argument("--quick", action="store_true", help="once and small; nothing is kept")
    arguments = parser.parse_args()
    if unknown := set(arguments.names) - set(BENCHMARKS):
        parser.error(f"no benchmark is called {', '.join(sorted(unknown))}")
    cache = Path(os.environ.get("CONDARIUM_BENCH_CACHE") or Path.home() / ".cache/condarium-bench")
    scratch = cache / f"scratch-{uuid4().hex[:8]}"
    scratch.mkdir(parents=True)
    setting = Setting(
        runs=1 if arguments.quick else arguments.runs,
        quick=arguments.quick,
        cache=cache,
        scratch=scratch,
        data=_data(),
        installed=Installed(python=install(cache), home=scratch / "home"),
    )
    try:
        return _run(arguments.names or list(BENCHMARKS), setting)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _run(names: list[str], setting: Setting) -> int:
    missed = 0
    for name in names:
        result = BENCHMARKS[name](setting)
        results.show(result)
        sys.stdout.flush()
        missed += sum(line.kept is False for line in result.lines)
        if not setting.quick:
            results.keep(result, runs=setting.runs)
    if not setting.quick:
        results.write_table(list(BENCHMARKS))
    print(f"\n{missed} limits missed" if missed else "\nall limits kept")
    return 1 if missed else 0


def _data() -> Path | None:
    """The folder of real records, which the project does not bring."""
    named = os.environ.get("CONDARIUM_DATA")
    folder = Path(named) if named else ROOT.parent / "shared" / "data"
    return folder if folder.is_dir() else None


if __name__ == "__main__":
    sys.exit(main())
