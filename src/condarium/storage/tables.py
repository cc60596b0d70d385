"""The tables. A change here needs a migration in `migrations/versions`; a test compares both.

`answers.HEAD` is the migration that they correspond to.
"""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    DateTime,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
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

namespaces = Table(
    "namespaces",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", String(64), nullable=False, unique=True),
    Column("created_at", Instant, nullable=False),
    Column("created_by", String(255), nullable=False),
    # None is no limit
    Column("most_bytes", BigInteger),
    Column("most_environments", Integer),
    Column("most_builds", Integer),
    # in a calendar month
    Column("most_build_minutes", Integer),
    # an id is never given twice: a binding outlives nothing that it names
    sqlite_autoincrement=True,
)

principals = Table(
    "principals",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("kind", String(8), nullable=False),
    Column("name", String(64), nullable=False, unique=True),
    # as it is compared: no two names differ in their case alone
    Column("folded", String(64), nullable=False, unique=True),
    Column("display_name", String(255), nullable=False),
    Column("password", String(255)),
    # at an OIDC provider
    Column("issuer", String(512)),
    Column("subject", String(255)),
    Column("created_at", Instant, nullable=False),
    Column("created_by", String(255), nullable=False),
    Column("disabled_at", Instant),
    UniqueConstraint("issuer", "subject"),
)

groups = Table(
    "groups",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("name", String(64), nullable=False, unique=True),
    Column("created_at", Instant, nullable=False),
    Column("created_by", String(255), nullable=False),
)

memberships = Table(
    "memberships",
    metadata,
    Column("group_id", ForeignKey("groups.id", ondelete="CASCADE"), primary_key=True),
    Column("principal_id", ForeignKey("principals.id", ondelete="CASCADE"), primary_key=True),
    # "local", or the issuer whose claims say so at each sign-in
    Column("source", String(512), primary_key=True),
    Index(None, "principal_id"),
)

bindings = Table(
    "bindings",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("principal_id", ForeignKey("principals.id", ondelete="CASCADE")),
    Column("group_id", ForeignKey("groups.id", ondelete="CASCADE")),
    Column("role", String(16), nullable=False),
    # neither: on the platform
    Column("namespace_id", ForeignKey("namespaces.id", ondelete="CASCADE")),
    Column("channel_id", ForeignKey("channels.id", ondelete="CASCADE")),
    Column("created_at", Instant, nullable=False),
    Column("created_by", String(255), nullable=False),
    Index(None, "principal_id"),
    Index(None, "group_id"),
    Index(None, "namespace_id"),
    Index("ix_bindings_channel_id", "channel_id"),
)

tokens = Table(
    "tokens",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("principal_id", ForeignKey("principals.id", ondelete="CASCADE"), nullable=False),
    Column("name", String(64), nullable=False),
    # SHA-256 of the secret, which has 256 random bits
    Column("digest", String(64), nullable=False, unique=True),
    # null: not narrowed
    Column("permissions", JSON),
    Column("namespaces", JSON),
    Column("channels", JSON),
    Column("created_at", Instant, nullable=False),
    Column("created_by", String(255), nullable=False),
    Column("expires_at", Instant),
    Column("last_used_at", Instant),
    Column("revoked_at", Instant),
    Column("revoked_by", String(255)),
    Index(None, "principal_id"),
)

sessions = Table(
    "sessions",
    metadata,
    # SHA-256 of what the cookie holds
    Column("digest", String(64), primary_key=True),
    Column("principal_id", ForeignKey("principals.id", ondelete="CASCADE"), nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("address", String(64)),
    Index(None, "principal_id"),
)

one_time_secrets = Table(
    "one_time_secrets",
    metadata,
    # SHA-256 of a secret that is used up by being used: a first sign-in, a new password
    Column("digest", String(64), primary_key=True),
    Column("purpose", String(32), nullable=False),
    Column("principal_id", ForeignKey("principals.id", ondelete="CASCADE")),
    Column("created_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
)

failed_sign_ins = Table(
    "failed_sign_ins",
    metadata,
    # a name as it is compared, or an address
    Column("key", String(128), primary_key=True),
    Column("count", Integer, nullable=False),
    Column("last_at", Instant, nullable=False),
)

signing_keys = Table(
    "signing_keys",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("secret", LargeBinary, nullable=False),
    Column("created_at", Instant, nullable=False),
    # from then on it signs nothing and what it signed is not believed
    Column("expires_at", Instant),
)

idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    Column("principal", String(32), primary_key=True),
    Column("key", String(255), primary_key=True),
    # SHA-256 of the method, the path and the arguments
    Column("request", String(64), nullable=False),
    Column("at", Instant, nullable=False),
    # null while it is being answered
    Column("status", Integer),
    Column("body", LargeBinary),
    # the job that was asked for: it is the answer
    Column("job", Integer),
    Index(None, "at"),
)

jobs = Table(
    "jobs",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("operation", String(64), nullable=False),
    # in their plain form; a document is {"name": …, "blob": SHA-256}
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
    # when what it changes was committed: whoever carries it out again finds that done
    Column("committed_at", Instant),
    Column("phases", JSON, nullable=False),
    Column("result", JSON),
    Column("error", JSON),
    Column("schedule", String(64)),
    Index(None, "status", "queue"),
    Index(None, "kind", "resource"),
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

channels = Table(
    "channels",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", String(64), nullable=False, unique=True),
    Column("kind", String(8), nullable=False),
    Column("public", Boolean, nullable=False),
    Column("description", Text, nullable=False),
    # a union's members, a proxy's upstream and filter
    Column("config", JSON, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("created_by", String(255), nullable=False),
    # an id is never given twice: what was made for a channel may outlive it for a while
    sqlite_autoincrement=True,
)

revisions = Table(
    "revisions",
    metadata,
    Column("channel_id", ForeignKey("channels.id", ondelete="CASCADE"), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("at", Instant, nullable=False),
    Column("actor", String(255), nullable=False),
    Column("action", String(64), nullable=False),
    Column("reason", Text, nullable=False),
    Column("opened", Integer, nullable=False),
    Column("closed", Integer, nullable=False),
    Column("changes", String(64), nullable=False),
    Column("previous", String(64), nullable=False),
    Column("digest", String(64), nullable=False),
)

facts = Table(
    "facts",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("channel_id", ForeignKey("channels.id", ondelete="CASCADE"), nullable=False),
    Column("kind", String(8), nullable=False),
    Column("subdir", String(32), nullable=False),
    Column("name", String(128), nullable=False),
    Column("file_name", String(255), nullable=False),
    Column("value", String(128), nullable=False),
    Column("position", Integer, nullable=False),
    # from this revision, until that one, which it no longer holds at
    Column("since", Integer, nullable=False),
    Column("until", Integer),
    Index(None, "channel_id", "subdir", "name"),
    Index(None, "channel_id", "since"),
    Index("ix_facts_channel_id_until", "channel_id", "until"),
)

files = Table(
    "files",
    metadata,
    Column("channel_id", ForeignKey("channels.id", ondelete="CASCADE"), primary_key=True),
    Column("subdir", String(32), primary_key=True),
    Column("file_name", String(255), primary_key=True),
    Column("name", String(128), nullable=False),
    Column("version", String(128), nullable=False),
    Column("build", String(128), nullable=False),
    Column("build_number", BigInteger, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("md5", String(32)),
    Column("size", BigInteger),
    # in ms since 1970, by this server's clock
    Column("indexed_at", BigInteger, nullable=False),
    # JSON, as it was published
    Column("record", LargeBinary, nullable=False),
    Column("about", LargeBinary),
    Column("source", Text),
    Index(None, "channel_id", "subdir", "name"),
    Index("ix_files_channel_id_indexed_at", "channel_id", "indexed_at"),
    Index(None, "sha256"),
    # by rowid: records are large, and inserting them in the key's order leaves pages half empty
)

patches = Table(
    "patches",
    metadata,
    Column("channel_id", ForeignKey("channels.id", ondelete="CASCADE"), primary_key=True),
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("document", String(64), nullable=False),
    Column("name", Text, nullable=False),
    Column("kind", String(16), nullable=False),
    # of instructions for one subdir
    Column("subdir", String(32)),
    Column("summary", Text, nullable=False),
    # package names by subdir, null for any: what the patch may touch
    Column("candidates", JSON, nullable=False),
)

shards = Table(
    "shards",
    metadata,
    Column("channel_id", ForeignKey("channels.id", ondelete="CASCADE"), primary_key=True),
    Column("label", String(128), primary_key=True),
    Column("subdir", String(32), primary_key=True),
    Column("name", String(128), primary_key=True),
    Column("since", Integer, primary_key=True, autoincrement=False),
    Column("until", Integer),
    Column("digest", LargeBinary(32), nullable=False),
    Index(None, "channel_id", "since"),
    Index("ix_shards_channel_id_until", "channel_id", "until"),
    Index(None, "channel_id", "digest"),
    sqlite_with_rowid=False,
)

derived = Table(
    "derived",
    metadata,
    Column("channel_id", ForeignKey("channels.id", ondelete="CASCADE"), primary_key=True),
    Column("digest", LargeBinary(32), primary_key=True),
    Column("at", Instant, nullable=False),
    sqlite_with_rowid=False,
)

obtained = Table(
    "obtained",
    metadata,
    Column("channel_id", ForeignKey("channels.id", ondelete="CASCADE"), primary_key=True),
    Column("digest", LargeBinary(32), primary_key=True),
    sqlite_with_rowid=False,
)

encodings = Table(
    "encodings",
    metadata,
    Column("channel_id", ForeignKey("channels.id", ondelete="CASCADE"), primary_key=True),
    # the view's address, a subdir (empty for files of the whole channel) and a file's name
    Column("view", String(512), primary_key=True),
    Column("subdir", String(32), primary_key=True),
    Column("file_name", String(64), primary_key=True),
    Column("revision", String(512), nullable=False),
    # a digest of the shards that it joins
    Column("content", String(64), nullable=False),
    Column("digest", String(64), nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("at", Instant, nullable=False),
    Index(None, "digest"),
)

upstreams = Table(
    "upstreams",
    metadata,
    Column("channel_id", ForeignKey("channels.id", ondelete="CASCADE"), primary_key=True),
    Column("checked_at", Instant, nullable=False),
    Column("probed_at", Instant),
    Column("failing_since", Instant),
    Column("reason", Text, nullable=False),
    # by subdir: which file it was, its validators, where packages and shards lie
    Column("indexes", JSON, nullable=False),
)

sources = Table(
    "sources",
    metadata,
    Column("sha256", String(64), primary_key=True),
    Column("size", BigInteger, nullable=False),
    Column("file_name", String(255), nullable=False),
    Column("public", Boolean, nullable=False),
    Column("at", Instant, nullable=False),
    Column("actor", String(255), nullable=False),
)

source_urls = Table(
    "source_urls",
    metadata,
    Column("url", Text, primary_key=True),
    Column("sha256", ForeignKey("sources.sha256", ondelete="CASCADE"), primary_key=True),
    Column("at", Instant, nullable=False),
    Index(None, "sha256"),
)
