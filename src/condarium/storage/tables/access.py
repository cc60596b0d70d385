"""Who there is, what they may do, and how they show who they are."""

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    UniqueConstraint,
)

from condarium.storage.tables.base import Instant, metadata

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
    # none of them: on the platform
    Column("namespace_id", ForeignKey("namespaces.id", ondelete="CASCADE")),
    Column("channel_id", ForeignKey("channels.id", ondelete="CASCADE")),
    Column("resource_id", ForeignKey("resources.id", ondelete="CASCADE")),
    Column("created_at", Instant, nullable=False),
    Column("created_by", String(255), nullable=False),
    Index(None, "principal_id"),
    Index(None, "group_id"),
    Index(None, "namespace_id"),
    Index("ix_bindings_channel_id", "channel_id"),
    Index(None, "resource_id"),
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
    Column("resources", JSON),
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
    # a name's digest, a network, or both; `known …` notes a network of somebody's, until `last_at`
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
