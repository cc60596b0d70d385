"""What DBOS keeps of attempts: one success is told, whoever dies in between, and nobody's else."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from queue import SimpleQueue

from condarium.jobs.carrying_out.durable import Durable
from condarium.jobs.carrying_out.running import Outcome
from condarium.model.actor import JobClaim
from condarium.settings import Settings

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@dataclass
class Life:
    """A worker whose attempts may die before they tell what came of them."""

    settings: Settings
    name: str
    dies: bool = False
    ran: list[JobClaim] = field(default_factory=list)
    told: list[Outcome] = field(default_factory=list)
    _left: SimpleQueue[JobClaim] = field(default_factory=SimpleQueue)

    def run(self, claim: JobClaim) -> Outcome:
        self.ran.append(claim)
        return {"status": "succeeded", "result": self.name}

    def settle(self, claim: JobClaim, outcome: Outcome) -> None:
        if self.dies:
            raise KeyboardInterrupt
        self.told.append(outcome)

    def attempt(self, durable: Durable, number: int, *, asked_at: datetime = NOON) -> None:
        durable.start(JobClaim(job=1, attempt=number), asked_at)
        self._left.get(timeout=20)

    @contextmanager
    def lives(self) -> Iterator[Durable]:
        durable = Durable(
            self.settings,
            self.name,
            run=self.run,
            settle=self.settle,
            let_go=self._left.put,
            over=frozenset,
        )
        try:
            yield durable
        finally:
            durable.stop()


def test_a_success_is_told_after_two_deaths_and_runs_once(tmp_path: Path) -> None:
    settings = Settings.read({"HOME": str(tmp_path)}, store=tmp_path)
    one, two = Life(settings, "one", dies=True), Life(settings, "two", dies=True)
    three = Life(settings, "three")
    for number, life in enumerate((one, two, three), start=1):
        with life.lives() as durable:
            life.attempt(durable, number)
            if life is three:
                life.attempt(durable, 4, asked_at=NOON + timedelta(seconds=1))
                durable.tidy()
                left = durable._dbos.list_workflows()
    assert (len(one.ran), two.ran) == (1, [])
    assert [outcome["result"] for outcome in three.told] == ["one", "three"]
    assert three.ran == [JobClaim(job=1, attempt=4)], "of another life nothing is taken"
    assert left == [], "jobs that are over leave nothing behind"
