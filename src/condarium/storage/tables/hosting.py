"""Channels: revisions, facts, files, shards; sources."""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
)

from condarium.storage.tables.base import Instant, metadata

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
