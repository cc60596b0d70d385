"""Jobs, what happened in them, workers and schedules."""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
)

from condarium.storage.tables.base import Instant, metadata

jobs = Table(
    "jobs",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("operation", String(64), nullable=False),
    # in their plain form; a document is {"name": …, "blob": SHA-256, "folder": …, "bytes": …}
    Column("arguments", JSON, nullable=False),
    # the blobs among them, which gc keeps
    Column("documents", JSON, nullable=False),
    Column("target", String(255), nullable=False),
    # what it is about: a namespace's name or a channel's
    Column("kind", String(16)),
    Column("resource", String(64)),
    Column("queue", String(64), nullable=False),
    Column("priority", Integer, nullable=False),
    Column("status", String(16), nullable=False),
    Column("actor", String(255), nullable=False),
    # null where the store's owner asked for it
    Column("principal", String(32)),
    Column("token", String(32)),
    Column("address", String(64)),
    Column("created_at", Instant, nullable=False),
    Column("started_at", Instant),
    Column("ended_at", Instant),
    # one that is tried again waits until then
    Column("not_before", Instant),
    Column("worker", String(64)),
    Column("attempts", Integer, nullable=False),
    Column("most_attempts", Integer, nullable=False),
    # in seconds and bytes
    Column("wall_time", Integer, nullable=False),
    Column("memory", BigInteger, nullable=False),
    Column("cancelled_at", Instant),
    Column("cancelled_by", String(255)),
    # when the attempt that was begun last first committed changes
    Column("committed_at", Instant),
    Column("phases", JSON, nullable=False),
    Column("result", JSON),
    Column("error", JSON),
    Column("schedule", String(64)),
    Index(None, "status", "queue"),
    Index(None, "kind", "resource", "started_at"),
    Index(None, "ended_at"),
    # a number is never given twice: logs and links name it
    sqlite_autoincrement=True,
)

job_events = Table(
    "job_events",
    metadata,
    Column("job_id", ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("at", Instant, nullable=False),
    Column("kind", String(8), nullable=False),
    Column("phase", String(64), nullable=False),
    Column("text", Text, nullable=False),
    Column("total", BigInteger),
    Column("done", BigInteger),
    Column("unit", String(32), nullable=False),
)

workers = Table(
    "workers",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("host", String(255), nullable=False),
    Column("queues", JSON, nullable=False),
    Column("slots", Integer, nullable=False),
    Column("started_at", Instant, nullable=False),
    Column("heartbeat_at", Instant, nullable=False),
    Column("ended_at", Instant),
)

schedules = Table(
    "schedules",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("operation", String(64), nullable=False),
    Column("arguments", JSON, nullable=False),
    Column("cron", String(128), nullable=False),
    Column("enabled", Boolean, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("created_by", String(255), nullable=False),
    # the instant that it last stood for, and the job that it became
    Column("last_at", Instant),
    Column("last_job", Integer),
)
