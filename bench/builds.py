"""Building an environment: from nothing, from packages that are there, again, and from its lock."""

from pathlib import Path

from tests.support.server import ServerProcess

from bench.channel import LARGE, describe, environment_file, real_channel, specs
from bench.line import Line, Result
from bench.processes import MeasureFailed, interleaved
from bench.setting import Setting

_ENVIRONMENT = "bench/large"


class Builds:
    """Ours and bare builds of one environment against one server, cold and warm."""

    def __init__(self, setting: Setting, url: str) -> None:
        self.setting, self.url = setting, url
        self.installed = setting.installed
        self.asked = specs(LARGE)
        self.file = environment_file(setting.folder("spec") / "environment.yml", url, self.asked)
        self.warm_store = setting.store()
        self.warm_cache = setting.folder("bare")
        self.count = 0
        self.installed.work(self._ours(self.warm_store, self.file, _ENVIRONMENT))
        self.installed.work(self._bare(self.warm_cache))

    def cold(self, number: int) -> float:
        job = self._ours(self.setting.store(), self.file, _ENVIRONMENT)
        return self.installed.work(job).seconds

    def cold_bare(self, number: int) -> float:
        return self.installed.work(self._bare(self.setting.folder("bare"))).seconds

    def warm(self, number: int) -> float:
        file, name = self.unknown()
        done = self.installed.work(self._ours(self.warm_store, file, name))
        if "solve" not in done.answer["phases"] or "link" not in done.answer["phases"]:
            raise MeasureFailed(f"nothing was built: {done.answer}")
        return done.seconds

    def warm_bare(self, number: int) -> float:
        return self.installed.work(self._bare(self.warm_cache)).seconds

    def cold_process(self, number: int) -> float:
        command = self._command(self.setting.store(), self.file, _ENVIRONMENT)
        return self.installed.command_seconds(*command)

    def cold_process_bare(self, number: int) -> float:
        return self.installed.worker_seconds(self._bare(self.setting.folder("bare")))

    def warm_process(self, number: int) -> float:
        file, name = self.unknown()
        return self.installed.command_seconds(*self._command(self.warm_store, file, name))

    def warm_process_bare(self, number: int) -> float:
        return self.installed.worker_seconds(self._bare(self.warm_cache))

    def again(self, number: int) -> float:
        done = self.installed.work(self._ours(self.warm_store, self.file, _ENVIRONMENT))
        if done.answer["changed"]:
            raise MeasureFailed("a build of what was built did something")
        return done.seconds

    def again_process(self, number: int) -> float:
        command = self._command(self.warm_store, self.file, _ENVIRONMENT)
        return self.installed.command_seconds(*command)

    def started_process(self, number: int) -> float:
        return self.installed.worker_seconds({"kind": "nothing"})

    def version_process(self, number: int) -> float:
        return self.installed.command_seconds("--version")

    def unknown(self) -> tuple[Path, str]:
        """A spec whose question the store has not heard, for a prefix that it has not.

        The answer is the same set of packages, so bare rattler does the same work.
        """
        self.count += 1
        folder = self.setting.folder("spec")
        asked = [*self.asked, f"python >=3.0.{self.count}"]
        file = folder / "environment.yml"
        environment_file(file, self.url, asked, variables={"BENCH": str(self.count)})
        return file, f"bench/warm-{self.count}"

    def _ours(self, store: Path, file: Path, environment: str) -> dict[str, str]:
        return {
            "kind": "build", "store": str(store), "file": str(file), "environment": environment,
        }  # fmt: skip

    def _bare(self, cache: Path) -> dict[str, object]:
        return {
            "kind": "bare_build", "channel": self.url, "specs": self.asked,
            "cache": str(cache), "prefix": str(self.setting.folder("prefix")),
        }  # fmt: skip

    def _command(self, store: Path, file: Path, environment: str) -> list[object]:
        command = ["env", "build", environment, "-f", file]
        return [*command, "--no-compile", "--store", store]


def run(setting: Setting) -> Result:
    channel = real_channel(setting.cache)
    with ServerProcess(channel) as server:
        builds = Builds(setting, server.url)
        cold = interleaved(setting.runs, ours=builds.cold, bare=builds.cold_bare)
        warm = interleaved(setting.runs, ours=builds.warm, bare=builds.warm_bare)
        again = interleaved(
            max(setting.runs, 9),
            inside=builds.again,
            process=builds.again_process,
            started=builds.started_process,
            version=builds.version_process,
        )
        cold_whole = interleaved(
            setting.runs, ours=builds.cold_process, bare=builds.cold_process_bare
        )
        warm_whole = interleaved(
            setting.runs, ours=builds.warm_process, bare=builds.warm_process_bare
        )
    bare = "bare"
    return Result(
        name="builds",
        title="Building an environment",
        facts=[describe(channel), f"the environment asks for {', '.join(LARGE)}", "--no-compile"],
        lines=[
            Line(name="cold build", ours=cold["ours"], peer=cold["bare"], peer_name=bare,
                 limit=1.15),
            Line(name="warm build", ours=warm["ours"], peer=warm["bare"], peer_name=bare,
                 limit=1.3),
            Line(name="same lock again, beyond a process that started and imported",
                 ours=again["process"], peer=again["started"], peer_name="started",
                 kind="difference", limit=0.1),
            Line(name="same lock again, beyond `condarium --version`", ours=again["process"],
                 peer=again["version"], peer_name="--version", kind="difference"),
            Line(name="same lock again, in process", ours=again["inside"], kind="value"),
            Line(name="cold build, whole process", ours=cold_whole["ours"],
                 peer=cold_whole["bare"], peer_name=bare),
            Line(name="warm build, whole process", ours=warm_whole["ours"],
                 peer=warm_whole["bare"], peer_name=bare),
        ],
    )  # fmt: skip


def run_restore(setting: Setting) -> Result:
    """Restore against a warm build of the same environment."""
    channel = real_channel(setting.cache)
    with ServerProcess(channel) as server:
        builds = Builds(setting, server.url)
        other = environment_file(
            setting.folder("spec") / "environment.yml", server.url, specs(["rich"])
        )
        setting.installed.work(builds._ours(builds.warm_store, other, _ENVIRONMENT))

        def restore(number: int) -> float:
            archive = ["env", "archive", _ENVIRONMENT, "1", "--store", builds.warm_store]
            setting.installed.command_seconds(*archive)
            job = {
                "kind": "restore", "store": str(builds.warm_store), "environment": _ENVIRONMENT,
                "generation": 1,
            }  # fmt: skip
            done = setting.installed.work(job)
            if done.answer != {"identical": True, "changed": True}:
                raise MeasureFailed(f"not restored: {done.answer}")
            return done.seconds

        found = interleaved(setting.runs, ours=restore, warm=builds.warm)
    return Result(
        name="restore",
        title="Restoring an archived generation",
        facts=[describe(channel), "its packages are still in the store"],
        lines=[
            Line(name="restore", ours=found["ours"], peer=found["warm"], peer_name="warm build",
                 limit=1.3),
        ],
    )  # fmt: skip
