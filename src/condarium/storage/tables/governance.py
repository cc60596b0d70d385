"""What is lent, to whom, on whose decision, and what it cost. Amounts are in microcredits."""

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from condarium.storage.tables.base import Instant, metadata

terms = Table(
    "terms",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("text", Text, nullable=False),
    Column("digest", String(64), nullable=False),
    Column("published_at", Instant, nullable=False),
    Column("published_by", String(255), nullable=False),
)

acceptances = Table(
    "acceptances",
    metadata,
    Column("terms", String(64), primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    # `github:123`, `user:f00…`: an id that never changes
    Column("person", String(128), primary_key=True),
    Column("name", String(128), nullable=False),
    Column("at", Instant, nullable=False),
    # the principal who accepted for this account of theirs, as long as it is linked
    Column("through", String(32)),
)

resources = Table(
    "resources",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", String(64), nullable=False, unique=True),
    Column("provider", String(64), nullable=False),
    # what jobs ask for it by, in small letters
    Column("label", String(128), nullable=False, unique=True),
    # model.governance.resources.Settings
    Column("settings", JSON, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("created_by", String(255), nullable=False),
    Column("changed_at", Instant, nullable=False),
    Column("retired_at", Instant),
    Index(None, "provider"),
    # a number is never given twice: grants and the ledger name it
    sqlite_autoincrement=True,
)

budgets = Table(
    "budgets",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("resource_id", ForeignKey("resources.id"), nullable=False),
    Column("donor", String(64), nullable=False),
    Column("amount", BigInteger, nullable=False),
    Column("period", String(8), nullable=False),
    Column("starts_at", Instant, nullable=False),
    Column("ends_at", Instant),
    Column("created_at", Instant, nullable=False),
    Column("created_by", String(255), nullable=False),
    Index(None, "resource_id"),
    Index(None, "donor"),
    sqlite_autoincrement=True,
)

requests = Table(
    "requests",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("asked", String(8), nullable=False),
    Column("project_kind", String(16), nullable=False),
    Column("project", String(255), nullable=False),
    Column("project_id", String(64)),
    Column("purpose", Text, nullable=False),
    # in seconds
    Column("duration", BigInteger),
    Column("use", BigInteger),
    # model.governance.grants.Lending
    Column("lending", JSON, nullable=False),
    Column("state", String(16), nullable=False),
    Column("at", Instant, nullable=False),
    Column("by", String(255), nullable=False),
    Column("principal", String(32)),
    Column("decided_at", Instant),
    Index(None, "state"),
    Index(None, "project_kind", "project"),
    sqlite_autoincrement=True,
)

request_resources = Table(
    "request_resources",
    metadata,
    Column("request_id", ForeignKey("requests.id"), primary_key=True),
    Column("resource_id", ForeignKey("resources.id"), primary_key=True),
    Index(None, "resource_id"),
)

request_events = Table(
    "request_events",
    metadata,
    Column("request_id", ForeignKey("requests.id"), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("at", Instant, nullable=False),
    Column("step", String(16), nullable=False),
    Column("by", String(255), nullable=False),
    Column("principal", String(32)),
    Column("text", Text, nullable=False),
)

grants = Table(
    "grants",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("resource_id", ForeignKey("resources.id"), nullable=False),
    Column("project_kind", String(16), nullable=False),
    Column("project", String(255), nullable=False),
    # null where it is not known: then nothing is admitted
    Column("project_id", String(64)),
    Column("request_id", ForeignKey("requests.id")),
    Index(None, "resource_id"),
    Index(None, "project_kind", "project_id"),
    Index(None, "request_id"),
    sqlite_autoincrement=True,
)

grant_decisions = Table(
    "grant_decisions",
    metadata,
    Column("grant_id", ForeignKey("grants.id"), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("at", Instant, nullable=False),
    Column("change", String(16), nullable=False),
    Column("by", String(255), nullable=False),
    Column("principal", String(32)),
    Column("reason", Text, nullable=False),
    # model.governance.grants.Lending
    Column("lending", JSON, nullable=False),
    Index(None, "at"),
)

commit_approvals = Table(
    "commit_approvals",
    metadata,
    Column("grant_id", ForeignKey("grants.id"), primary_key=True),
    Column("commit", String(64), primary_key=True),
    # "" for the store's owner
    Column("principal", String(32), primary_key=True),
    Column("at", Instant, nullable=False),
    Column("by", String(255), nullable=False),
)

identities = Table(
    "identities",
    metadata,
    # who a principal is elsewhere: `github:123`
    Column("person", String(128), primary_key=True),
    Column("principal_id", ForeignKey("principals.id", ondelete="CASCADE"), nullable=False),
    Column("name", String(128), nullable=False),
    Column("at", Instant, nullable=False),
    Column("by", String(255), nullable=False),
    Index(None, "principal_id"),
)

admissions = Table(
    "admissions",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("source", String(16), nullable=False),
    # the job's id there
    Column("external", String(64), nullable=False),
    Column("project_kind", String(16), nullable=False),
    Column("project", String(255), nullable=False),
    Column("project_id", String(64)),
    Column("resource_id", ForeignKey("resources.id")),
    Column("grant_id", ForeignKey("grants.id")),
    Column("state", String(16), nullable=False),
    Column("reasons", JSON, nullable=False),
    Column("commit", String(64), nullable=False),
    Column("event", String(64), nullable=False),
    Column("branch", String(255)),
    # a person's key and name
    Column("person", String(128)),
    Column("person_name", String(128)),
    # of a fork, with its id; and what the person is in the repository
    Column("head", String(400)),
    Column("role", String(255)),
    Column("labels", JSON, nullable=False),
    Column("run", String(64), nullable=False),
    # a job of our own workers
    Column("job_id", Integer),
    Column("priority", Integer, nullable=False),
    Column("chain", Integer, nullable=False),
    Column("at", Instant, nullable=False),
    Column("reserved", BigInteger, nullable=False),
    Column("cost", BigInteger),
    # in seconds, at most
    Column("time", BigInteger),
    # SHA-256 of the last credential; it is good until then, and null once it is redeemed or void
    Column("credential", String(64), unique=True),
    Column("credential_until", Instant),
    # how often it was presented for what it is not for
    Column("wrong", Integer, nullable=False),
    Column("offered_at", Instant),
    Column("started_at", Instant),
    # the last heartbeat
    Column("heard_at", Instant),
    Column("lease_until", Instant),
    Column("ended_at", Instant),
    Column("runner", String(255), nullable=False),
    # the principal that took the last offer; "" for the store's owner
    Column("holder", String(32), nullable=False),
    Column("flagged", Text, nullable=False),
    # why it ended, and who ended it, where somebody did
    Column("why", Text, nullable=False),
    UniqueConstraint("source", "external"),
    Index(None, "state", "resource_id"),
    Index(None, "grant_id", "at"),
    Index(None, "job_id"),
    Index(None, "at"),
    sqlite_autoincrement=True,
)

ledger_accounts = Table(
    "ledger_accounts",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("donor", String(64), nullable=False),
    Column("resource_id", ForeignKey("resources.id"), nullable=False),
    # "" where it is of none; 0 where it is of no budget; "" or 2026-03-01 of a period's first day
    Column("project", String(300), nullable=False),
    Column("budget_id", Integer, nullable=False),
    Column("period", String(10), nullable=False),
    # the sum of the transfers to it without those from it
    Column("balance", BigInteger, nullable=False),
    UniqueConstraint(
        "resource_id",
        "kind",
        "donor",
        "project",
        "budget_id",
        "period",
        name="uq_ledger_accounts",
    ),
)

ledger_transfers = Table(
    "ledger_transfers",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("at", Instant, nullable=False),
    Column("kind", String(16), nullable=False),
    Column(
        "source_id",
        ForeignKey("ledger_accounts.id", name="fk_ledger_transfers_source"),
        nullable=False,
    ),
    Column(
        "target_id",
        ForeignKey("ledger_accounts.id", name="fk_ledger_transfers_target"),
        nullable=False,
    ),
    Column("amount", BigInteger, nullable=False),
    Column("admission_id", ForeignKey("admissions.id")),
    Index(None, "admission_id"),
    Index(None, "source_id"),
    Index(None, "target_id"),
    Index(None, "at"),
    CheckConstraint("amount > 0", name="positive"),
    sqlite_autoincrement=True,
)

workflow_runs = Table(
    "workflow_runs",
    metadata,
    # what GitHub said of a run: who triggered it, why, and where its commit is from
    Column("repository", String(64), primary_key=True),
    Column("run", String(64), primary_key=True),
    Column("attempt", Integer, primary_key=True, autoincrement=False),
    Column("said", JSON, nullable=False),
    Column("at", Instant, nullable=False),
    Index(None, "at"),
)

workflow_jobs = Table(
    "workflow_jobs",
    metadata,
    # jobs at GitHub that cannot be decided about, or not any more; the others are admissions
    Column("job", String(64), primary_key=True),
    Column("repository", String(64), nullable=False),
    Column("run", String(64), nullable=False),
    Column("attempt", Integer, nullable=False),
    # model.governance.workflow_job.WorkflowJob
    Column("said", JSON, nullable=False),
    # undecided, or over: it had ended before it was heard of
    Column("state", String(16), nullable=False),
    Column("at", Instant, nullable=False),
    # when what is undecided is looked at again
    Column("again_at", Instant, nullable=False),
    Index(None, "repository", "run"),
    Index(None, "state", "again_at"),
)

webhook_deliveries = Table(
    "webhook_deliveries",
    metadata,
    # SHA-256 of the body, which is what the signature covers; the delivery's id is not
    Column("digest", String(64), primary_key=True),
    Column("at", Instant, nullable=False),
    Index(None, "at"),
)

applied_files = Table(
    "applied_files",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("at", Instant, nullable=False),
    Column("by", String(255), nullable=False),
    # what was lent when files had been applied, as governance.files.writing says it
    Column("state", JSON, nullable=False),
    sqlite_autoincrement=True,
)
