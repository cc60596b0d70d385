"""A queue whose machines are lent, and what claims and ends its jobs without a process.

with lent_queue(tmp_path, capacity=1) as lent:
    lent.grant("lab")
    number = lent.submit("lab/fit")
    claim = lent.claim()
    lent.clock.now += timedelta(minutes=30)
    lent.ends(claim)
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from condarium.app import operations
from condarium.governance.grants.granting import grant_in
from condarium.governance.grants.revoking import Which, revoke
from condarium.jobs.asking import explaining, submitting, watching
from condarium.jobs.carrying_out.claiming import claim_next
from condarium.jobs.carrying_out.settling import settle
from condarium.model.actor import Actor, JobClaim
from condarium.model.document import Document
from condarium.model.governance.admission import Admission
from condarium.model.governance.amounts import CREDIT, Period
from condarium.model.governance.grants import Conditions, Grant, Lending
from condarium.model.governance.projects import Project, ProjectKind
from condarium.model.governance.resources import Budget, ResourceKind, Settings
from condarium.model.jobs import Job, JobStatus, Placing
from condarium.settings import Settings as StoreSettings
from condarium.storage.store import Store
from condarium.values import accept
from tests.support.people import Caller, Clock, someone, user

OWNER = Actor(name="owner")
QUEUE = "gpu"
_ANYWHERE: Mapping[str, Any] = MappingProxyType({})
SPEC = Document("e.yml", b"channels: [/nowhere]\ndependencies: []\n")


@dataclass
class LentQueue:
    """The queue `gpu`; ada may build in the namespaces lab and far, and wrote the jobs."""

    store: Store
    clock: Clock

    @property
    def ada(self) -> Actor:
        actor = someone(self.store, "ada").app.actor
        assert actor
        return actor

    def grant(
        self,
        namespace: str,
        conditions: Conditions = Conditions(),  # noqa: B008 - a frozen value
        *,
        resource: str = QUEUE,
        **lending: Any,
    ) -> Grant:
        with self.store.database.note() as facts:
            identifier = str(facts.namespaces.id(namespace))
            project = Project(kind=ProjectKind.NAMESPACE, name=namespace, id=identifier)
            wanted = Lending(conditions=conditions, **lending)
            return grant_in(
                facts, resource, project, wanted, actor=OWNER, reason="tests", at=self.clock()
            )

    def budget(self, amount: int, donor: str = "ada") -> None:
        """So many credits for all time."""
        given = Budget(
            id=0, donor=donor, amount=amount * CREDIT, period=Period.ONCE, starts_at=self.clock()
        )
        with self.store.database.note() as facts:
            facts.resources.add_budget(facts.resources.get(QUEUE), given, at=self.clock(), by="ada")

    def submit(
        self, environment: str = "lab/fit", actor: Actor | None = None, **placing: Any
    ) -> int:
        """Have an environment built there, and give the job's number."""
        given = {"environment": environment, "file": SPEC}
        return self.submit_operation("env build", actor or self.ada, placing, **given)

    def submit_operation(
        self, name: str, actor: Actor, placing: Mapping[str, Any] = _ANYWHERE, **given: Any
    ) -> int:
        operation = operations()[name]
        known = {parameter.name: parameter for parameter in operation.parameters}
        accepted = {key: accept(known[key], value, label=key) for key, value in given.items()}
        placed = Placing(**{"queue": QUEUE, **placing})
        return submitting.submit(self.store, actor, operation, accepted, placing=placed).id

    def claim(self, worker: str = "one", *queues: str) -> JobClaim | None:
        return claim_next(self.store, worker, queues or (QUEUE,), 8)

    def ends(self, claim: JobClaim | None, status: JobStatus = JobStatus.SUCCEEDED) -> None:
        assert claim
        settle(self.store, claim, {"status": str(status), "result": None, "phases": {}})

    def job(self, number: int) -> Job:
        return watching.job(self.store, number)

    def why(self, number: int) -> str:
        """Why it waits, for somebody who asks while a worker is at work."""
        return "".join(explaining.with_reasons(self.store, self.job(number)).reasons)

    def admission(self, number: int) -> Admission:
        """The newest of a job."""
        with self.store.database.read() as facts:
            found = facts.admissions.of_job(number)
        assert found
        return found

    def works(self, name: str = "one") -> None:
        """Have a worker that is at work."""
        with self.store.database.note() as facts:
            facts.workers.begin(name, host="here", queues=[QUEUE], slots=8, at=self.clock())

    def revoke(self, grant: Grant, *, running: bool = False) -> None:
        which = Which(numbers=(grant.id,))
        revoke(self.store, which=which, reason="misused", running=running, actor=OWNER)

    def balances(self) -> int:
        """What all accounts together have, which is nothing."""
        with self.store.database.read() as facts:
            return sum(each.balance for each in facts.ledger.balances())


@contextmanager
def lent_queue(folder: Path, *, database: str = "", **settings: Any) -> Iterator[LentQueue]:
    """A store that lends the queue, in SQLite or a database at a URL."""
    clock = Clock()
    environ = {"HOME": str(folder), "CONDARIUM_DATABASE": database}
    store = Store(StoreSettings.read(environ, store=folder / "store"), now=clock)
    try:
        owner = Caller(store)
        for name in ("lab", "far"):
            owner("namespace create", name=name)
        user(owner, "ada", lab="editor", far="editor")
        with store.database.note() as facts:
            lent = Settings(kind=ResourceKind.QUEUE, **{"terms": None, **settings})
            facts.resources.add(QUEUE, lent, at=clock(), by="owner")
        yield LentQueue(store, clock)
    finally:
        store.close()
