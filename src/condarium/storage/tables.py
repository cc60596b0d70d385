"""The tables. A change here needs a migration in `migrations/versions`; a test compares both.

`answers.HEAD` is the migration that they correspond to.
"""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    DateTime,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy.types import TypeDecorator


class Instant(TypeDecorator[datetime]):
    """An aware UTC datetime; SQLite keeps no time zone, so none is stored anywhere."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Any) -> datetime | None:
        return value.astimezone(UTC).replace(tzinfo=None) if value else None

    def process_result_value(self, value: datetime | None, dialect: Any) -> datetime | None:
        return value.replace(tzinfo=UTC) if value else None


metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(referred_table_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    }
)

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
    Index(None, "namespace", "name"),
    # a number is never given twice: a build may outlive the removal of its environment
    sqlite_autoincrement=True,
)

audit = Table(
    "audit",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("at", Instant, nullable=False),
    Column("actor", String(255), nullable=False),
    Column("action", String(64), nullable=False),
    Column("target", String(255), nullable=False),
    Column("detail", JSON, nullable=False),
)
