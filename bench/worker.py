"""A process that is ready before the clock starts: it has imported what its work needs, and waits.

Started as `python -m bench.worker`. It takes a job as a line of JSON, imports, says `ready`, waits
for another line, works, and says as JSON how long that took, with the work's own answer.
"""

import asyncio
import json
import operator
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

Job = dict[str, Any]
Work = Callable[[], object]


def nothing(job: Job) -> Work:
    """Start, and import what a build imports."""
    _ours()
    return lambda: None


def build(job: Job) -> Work:
    """`env build` of a file, through the Python client."""
    client_class = _ours()

    def work() -> object:
        with client_class(job["store"]) as client:
            built = client.env.build(
                job["environment"], file=job["file"], no_compile=not job.get("compile", False)
            )
        return {"prefix": str(built.prefix), "changed": built.changed, "phases": built.phases}

    return work


def restore(job: Job) -> Work:
    """`env restore` of a generation."""
    import condarium.environments.archiving  # noqa: F401 - before the clock starts

    client_class = _ours()

    def work() -> object:
        with client_class(job["store"]) as client:
            restored = client.env.restore(job["environment"], generation=job["generation"])
        return {"identical": restored.identical, "changed": restored.changed}

    return work


def lock(job: Job) -> Work:
    """`lock` of several files, one after the other, each with a client of its own."""
    client_class = _ours()

    def one(file: str) -> float:
        begun = time.perf_counter()
        with client_class(job["store"]) as client:
            locked = client.lock(file=file)
        assert locked.solved == job["fresh"], file
        return time.perf_counter() - begun

    return lambda: [one(file) for file in job["files"]]


def calls(job: Job) -> Work:
    """Methods of the Python client, each `[name, arguments, named arguments]`, one by one.

    The store is open and the calls of `first` are done before the clock starts. Answers with the
    seconds of each.
    """
    import condarium.channels.changing.patching
    import condarium.channels.changing.publishing
    import condarium.channels.revising.draft  # noqa: F401 - before the clock starts

    client = _ours()(job["store"])

    def one(name: str, arguments: list[Any], named: dict[str, Any]) -> float:
        begun = time.perf_counter()
        operator.attrgetter(name)(client)(*arguments, **named)
        return time.perf_counter() - begun

    for call in job.get("first", ()):
        one(*call)
    return lambda: [one(*call) for call in job["calls"]]


def bare_build(job: Job) -> Work:
    """The same work by bare py-rattler: solve, then install into a folder."""
    import rattler

    async def work() -> None:
        records = await _bare_solve(rattler, job, job["specs"])
        await rattler.install(
            records=records,
            target_prefix=Path(job["prefix"]),
            cache_dir=Path(job["cache"], "packages"),
            installed_packages=[],
            show_progress=False,
        )

    return lambda: asyncio.run(work())


def bare_lock(job: Job) -> Work:
    """Several solves by bare py-rattler, each with a gateway of its own over one cache."""
    import rattler

    def one(specs: list[str]) -> float:
        begun = time.perf_counter()
        asyncio.run(_bare_solve(rattler, job, specs))
        return time.perf_counter() - begun

    return lambda: [one(specs) for specs in job["sets"]]


async def _bare_solve(rattler: Any, job: Job, specs: list[str]) -> Any:
    machine = [each.into_generic() for each in rattler.VirtualPackage.detect()]
    machine += [_virtual(rattler, *each) for each in job.get("virtual", ())]
    gateway = rattler.Gateway(
        cache_dir=Path(job["cache"], "repodata"),
        default_config=rattler.SourceConfig(bz2_enabled=False),
    )
    return await rattler.solve(
        sources=[rattler.Channel(job["channel"])],
        specs=[rattler.MatchSpec(spec) for spec in specs],
        gateway=gateway,
        platforms=[rattler.Subdir.current(), rattler.Subdir("noarch")],
        virtual_packages=machine,
    )


def _virtual(rattler: Any, name: str, version: str) -> Any:
    return rattler.GenericVirtualPackage(
        rattler.PackageName(name), rattler.Version(version), rattler.BuildString("0")
    )


def _ours() -> Any:
    import httpcore  # noqa: F401 - httpx imports it when it is first used

    import condarium.app
    import condarium.client
    import condarium.engine.network.http
    import condarium.environments.building
    import condarium.storage.blobs
    import condarium.storage.database

    condarium.app.operations()
    return condarium.client.Client


KINDS: dict[str, Callable[[Job], Work]] = {
    each.__name__: each for each in (nothing, build, restore, lock, calls, bare_build, bare_lock)
}


def main() -> None:
    job = json.loads(sys.stdin.readline())
    work = KINDS[job["kind"]](job)
    print("ready", flush=True)
    if not job.get("at_once"):
        sys.stdin.readline()
    begun = time.perf_counter()
    answer = work()
    seconds = time.perf_counter() - begun
    print(json.dumps({"seconds": seconds, "answer": answer}), flush=True)
    os._exit(0)


if __name__ == "__main__":
    main()
