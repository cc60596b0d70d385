"""Environments, their generations and builds, prefixes, and what was solved."""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from condarium.storage.tables.base import Instant, metadata

environments = Table(
    "environments",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("namespace", String(64), nullable=False),
    Column("name", String(64), nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("created_by", String(255), nullable=False),
    UniqueConstraint("namespace", "name"),
)

generations = Table(
    "generations",
    metadata,
    Column("environment_id", ForeignKey("environments.id", ondelete="CASCADE"), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("spec", String(64)),
    Column("lock", String(64), nullable=False),
    Column("platforms", JSON, nullable=False),
    Column("packages", Integer, nullable=False),
    # against the generation before
    Column("added", Integer, nullable=False),
    Column("removed", Integer, nullable=False),
    Column("changed", Integer, nullable=False),
    Column("prefix", String(32)),
    Column("created_at", Instant, nullable=False),
    Column("created_by", String(255), nullable=False),
    Column("reason", Text, nullable=False),
    Column("archived_at", Instant),
    Index(None, "prefix"),
)

activations = Table(
    "activations",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("environment_id", Integer, nullable=False),
    Column("number", Integer, nullable=False),
    Column("at", Instant, nullable=False),
    Column("actor", String(255), nullable=False),
    Column("reason", Text, nullable=False),
    ForeignKeyConstraint(
        ["environment_id", "number"],
        ["generations.environment_id", "generations.number"],
        ondelete="CASCADE",
    ),
    Index(None, "environment_id", "id"),
)

prefixes = Table(
    "prefixes",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("lock", String(64), nullable=False),
    Column("platform", String(32), nullable=False),
    Column("built_at", Instant, nullable=False),
    Column("files", Integer, nullable=False),
    Column("link", String(16), nullable=False),
    Column("manifest", String(64), nullable=False),
    Column("link_scripts", Boolean, nullable=False),
    Column("compiled", Boolean, nullable=False),
    # of the files that packages brought, as their records say; null in rows of old releases
    Column("bytes", BigInteger),
)

solves = Table(
    "solves",
    metadata,
    Column("key", String(64), primary_key=True),
    Column("lock", String(64), nullable=False),
    Column("packages", JSON, nullable=False),
    Column("at", Instant, nullable=False),
)

builds = Table(
    "builds",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("namespace", String(64), nullable=False),
    Column("name", String(64), nullable=False),
    Column("status", String(16), nullable=False),
    Column("started_at", Instant, nullable=False),
    Column("ended_at", Instant),
    Column("actor", String(255), nullable=False),
    Column("generation", Integer),
    Column("phases", JSON, nullable=False),
    Column("log", String(64)),
    Column("error", Text),
    # the job that it was, where it was one
    Column("job", Integer),
    Index(None, "namespace", "name"),
    # a number is never given twice: a build may outlive the removal of its environment
    sqlite_autoincrement=True,
)
