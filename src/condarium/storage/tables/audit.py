"""The audit log, and keys by which a request that is sent again is known."""

from sqlalchemy import (
    JSON,
    Column,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
)

from condarium.storage.tables.base import Instant, metadata

audit = Table(
    "audit",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("at", Instant, nullable=False),
    # the name by which the actor went then, and the principal's id, which stays
    Column("actor", String(255), nullable=False),
    Column("principal", String(32)),
    Column("token", String(32)),
    Column("address", String(64)),
    Column("job", Integer),
    Column("action", String(64), nullable=False),
    Column("target", String(255), nullable=False),
    Column("outcome", String(8), nullable=False),
    Column("detail", JSON, nullable=False),
    # a digest of the entry and of the digest of the one before
    Column("digest", String(64), nullable=False),
    Index(None, "at"),
    Index(None, "target"),
    Index(None, "principal"),
)

audit_head = Table(
    "audit_head",
    metadata,
    # one row, which whoever appends an entry holds until the commit
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("entry", Integer, nullable=False),
    Column("digest", String(64), nullable=False),
)

idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    Column("principal", String(32), primary_key=True),
    Column("key", String(255), primary_key=True),
    # SHA-256 of the method, the path and the arguments
    Column("request", String(64), nullable=False),
    Column("at", Instant, nullable=False),
    # null while it is being answered; 102 once it has changed something
    Column("status", Integer),
    Column("body", LargeBinary),
    # the job that was asked for: it is the answer
    Column("job", Integer),
    Index(None, "at"),
)
