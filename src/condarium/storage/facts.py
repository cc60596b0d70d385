"""All facts of a store over one connection, in groups by what they are about."""

from functools import cached_property

from sqlalchemy import Connection

from condarium.storage.access.bindings import Bindings
from condarium.storage.access.memberships import Memberships
from condarium.storage.access.namespaces import Namespaces
from condarium.storage.access.principals import Principals
from condarium.storage.access.sign_ins import SignIns
from condarium.storage.access.signing_keys import SigningKeys
from condarium.storage.access.tokens import Tokens
from condarium.storage.audit import Audit
from condarium.storage.backing_up.dump import Dump
from condarium.storage.builds import Builds
from condarium.storage.environments import Environments
from condarium.storage.governance.admissions import Admissions
from condarium.storage.governance.applied import AppliedFiles
from condarium.storage.governance.deliveries import Deliveries
from condarium.storage.governance.grants import Grants
from condarium.storage.governance.identities import Identities
from condarium.storage.governance.ledger import Ledger
from condarium.storage.governance.requests import Requests
from condarium.storage.governance.resources import Resources
from condarium.storage.governance.runs import Runs
from condarium.storage.governance.terms import TermsVersions
from condarium.storage.health import Health
from condarium.storage.hosting.channels import Channels
from condarium.storage.hosting.contents import Contents
from condarium.storage.hosting.encodings import Encodings
from condarium.storage.hosting.holdings import Holdings
from condarium.storage.hosting.inspection import Inspection
from condarium.storage.hosting.obtained import Obtained
from condarium.storage.hosting.shards import Shards
from condarium.storage.hosting.sources import Sources
from condarium.storage.hosting.upstreams import Upstreams
from condarium.storage.idempotency import Idempotency
from condarium.storage.measures import Measures
from condarium.storage.naming import Naming
from condarium.storage.prefixes import Prefixes
from condarium.storage.solves import Solves
from condarium.storage.work.job_events import JobEvents
from condarium.storage.work.jobs import Jobs
from condarium.storage.work.schedules import Schedules
from condarium.storage.work.workers import Workers


class Facts:
    """Facts as one transaction sees them; rows become model values before they leave."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    @cached_property
    def environments(self) -> Environments:
        return Environments(self._connection)

    @cached_property
    def builds(self) -> Builds:
        return Builds(self._connection)

    @cached_property
    def prefixes(self) -> Prefixes:
        return Prefixes(self._connection)

    @cached_property
    def solves(self) -> Solves:
        return Solves(self._connection)

    @cached_property
    def channels(self) -> Channels:
        return Channels(self._connection)

    @cached_property
    def holdings(self) -> Holdings:
        return Holdings(self._connection)

    @cached_property
    def shards(self) -> Shards:
        return Shards(self._connection)

    @cached_property
    def obtained(self) -> Obtained:
        return Obtained(self._connection)

    @cached_property
    def encodings(self) -> Encodings:
        return Encodings(self._connection)

    @cached_property
    def contents(self) -> Contents:
        return Contents(self._connection)

    @cached_property
    def sources(self) -> Sources:
        return Sources(self._connection)

    @cached_property
    def upstreams(self) -> Upstreams:
        return Upstreams(self._connection)

    @cached_property
    def inspection(self) -> Inspection:
        return Inspection(self._connection)

    @cached_property
    def measures(self) -> Measures:
        return Measures(self._connection)

    @cached_property
    def idempotency(self) -> Idempotency:
        return Idempotency(self._connection)

    @cached_property
    def jobs(self) -> Jobs:
        return Jobs(self._connection)

    @cached_property
    def job_events(self) -> JobEvents:
        return JobEvents(self._connection)

    @cached_property
    def workers(self) -> Workers:
        return Workers(self._connection)

    @cached_property
    def schedules(self) -> Schedules:
        return Schedules(self._connection)

    @cached_property
    def principals(self) -> Principals:
        return Principals(self._connection)

    @cached_property
    def memberships(self) -> Memberships:
        return Memberships(self._connection)

    @cached_property
    def bindings(self) -> Bindings:
        return Bindings(self._connection)

    @cached_property
    def tokens(self) -> Tokens:
        return Tokens(self._connection)

    @cached_property
    def namespaces(self) -> Namespaces:
        return Namespaces(self._connection)

    @cached_property
    def signing_keys(self) -> SigningKeys:
        return SigningKeys(self._connection)

    @cached_property
    def sign_ins(self) -> SignIns:
        return SignIns(self._connection)

    @cached_property
    def resources(self) -> Resources:
        return Resources(self._connection)

    @cached_property
    def terms(self) -> TermsVersions:
        return TermsVersions(self._connection)

    @cached_property
    def identities(self) -> Identities:
        return Identities(self._connection)

    @cached_property
    def requests(self) -> Requests:
        return Requests(self._connection)

    @cached_property
    def applied(self) -> AppliedFiles:
        return AppliedFiles(self._connection)

    @cached_property
    def grants(self) -> Grants:
        return Grants(self._connection)

    @cached_property
    def admissions(self) -> Admissions:
        return Admissions(self._connection)

    @cached_property
    def ledger(self) -> Ledger:
        return Ledger(self._connection)

    @cached_property
    def runs(self) -> Runs:
        return Runs(self._connection)

    @cached_property
    def deliveries(self) -> Deliveries:
        return Deliveries(self._connection)

    @cached_property
    def audit(self) -> Audit:
        return Audit(self._connection)

    @cached_property
    def naming(self) -> Naming:
        return Naming(self._connection)

    @cached_property
    def health(self) -> Health:
        return Health(self._connection)

    @cached_property
    def dump(self) -> Dump:
        return Dump(self._connection)
