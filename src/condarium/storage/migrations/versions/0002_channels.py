"""Channels: revisions, facts, files, patches, shards; sources."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_STATISTICS = {
    ("facts", "ix_facts_channel_id_subdir_name"): "1000000 200000 50000 40",
    ("facts", "ix_facts_channel_id_since"): "1000000 200000 1000",
    ("facts", "ix_facts_channel_id_until"): "1000000 200000 1000",
    ("files", "sqlite_autoindex_files_1"): "500000 100000 30000 1",
    ("files", "ix_files_channel_id_subdir_name"): "500000 100000 30000 20",
    ("files", "ix_files_channel_id_indexed_at"): "500000 10000 100",
    ("files", "ix_files_sha256"): "500000 1",
    ("shards", "shards"): "200000 40000 30000 10000 2 1",
    ("shards", "ix_shards_channel_id_since"): "200000 40000 100",
    ("shards", "ix_shards_channel_id_until"): "200000 40000 100",
    ("shards", "ix_shards_channel_id_digest"): "200000 40000 2",
}
"""How selective SQLite takes each index to be: all rows, and those of each longer prefix.

Without, it takes a range of revisions for more selective than a package's name, and reads a whole
channel where it is asked for one package. Given once, plans never change with what is stored.
"""


def upgrade() -> None:
    op.create_table(
        "channels",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("public", sa.Boolean(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("config", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("created_by", sa.String(length=255), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_channels"),
        sa.UniqueConstraint("name", name="uq_channels_name"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "sources",
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("file_name", sa.String(length=255), nullable=False),
        sa.Column("public", sa.Boolean(), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.Column("actor", sa.String(length=255), nullable=False),
        sa.PrimaryKeyConstraint("sha256", name="pk_sources"),
    )
    op.create_table(
        "upstreams",
        sa.Column("channel_id", sa.Integer(), nullable=False),
        sa.Column("checked_at", sa.DateTime(), nullable=False),
        sa.Column("probed_at", sa.DateTime(), nullable=True),
        sa.Column("failing_since", sa.DateTime(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("indexes", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["channel_id"], ["channels.id"], name="fk_upstreams_channels", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("channel_id", name="pk_upstreams"),
    )
    op.create_table(
        "derived",
        sa.Column("channel_id", sa.Integer(), nullable=False),
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["channel_id"], ["channels.id"], name="fk_derived_channels", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("channel_id", "digest", name="pk_derived"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "obtained",
        sa.Column("channel_id", sa.Integer(), nullable=False),
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.ForeignKeyConstraint(
            ["channel_id"], ["channels.id"], name="fk_obtained_channels", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("channel_id", "digest", name="pk_obtained"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "encodings",
        sa.Column("channel_id", sa.Integer(), nullable=False),
        sa.Column("view", sa.String(length=512), nullable=False),
        sa.Column("subdir", sa.String(length=32), nullable=False),
        sa.Column("file_name", sa.String(length=64), nullable=False),
        sa.Column("revision", sa.String(length=512), nullable=False),
        sa.Column("content", sa.String(length=64), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["channel_id"], ["channels.id"], name="fk_encodings_channels", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("channel_id", "view", "subdir", "file_name", name="pk_encodings"),
    )
    op.create_index("ix_encodings_digest", "encodings", ["digest"], unique=False)
    op.create_table(
        "facts",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("channel_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("subdir", sa.String(length=32), nullable=False),
        sa.Column("name", sa.String(length=128), nullable=False),
        sa.Column("file_name", sa.String(length=255), nullable=False),
        sa.Column("value", sa.String(length=128), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("since", sa.Integer(), nullable=False),
        sa.Column("until", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["channel_id"], ["channels.id"], name="fk_facts_channels", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_facts"),
    )
    op.create_index("ix_facts_channel_id_since", "facts", ["channel_id", "since"], unique=False)
    op.create_index(
        "ix_facts_channel_id_subdir_name",
        "facts",
        ["channel_id", "subdir", "name"],
        unique=False,
    )
    op.create_index("ix_facts_channel_id_until", "facts", ["channel_id", "until"], unique=False)
    op.create_table(
        "files",
        sa.Column("channel_id", sa.Integer(), nullable=False),
        sa.Column("subdir", sa.String(length=32), nullable=False),
        sa.Column("file_name", sa.String(length=255), nullable=False),
        sa.Column("name", sa.String(length=128), nullable=False),
        sa.Column("version", sa.String(length=128), nullable=False),
        sa.Column("build", sa.String(length=128), nullable=False),
        sa.Column("build_number", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("md5", sa.String(length=32), nullable=True),
        sa.Column("size", sa.BigInteger(), nullable=True),
        sa.Column("indexed_at", sa.BigInteger(), nullable=False),
        sa.Column("record", sa.LargeBinary(), nullable=False),
        sa.Column("about", sa.LargeBinary(), nullable=True),
        sa.Column("source", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["channel_id"], ["channels.id"], name="fk_files_channels", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("channel_id", "subdir", "file_name", name="pk_files"),
    )
    op.create_index(
        "ix_files_channel_id_subdir_name",
        "files",
        ["channel_id", "subdir", "name"],
        unique=False,
    )
    op.create_index(
        "ix_files_channel_id_indexed_at", "files", ["channel_id", "indexed_at"], unique=False
    )
    op.create_index("ix_files_sha256", "files", ["sha256"], unique=False)
    op.create_table(
        "patches",
        sa.Column("channel_id", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("document", sa.String(length=64), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("subdir", sa.String(length=32), nullable=True),
        sa.Column("summary", sa.Text(), nullable=False),
        sa.Column("candidates", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["channel_id"], ["channels.id"], name="fk_patches_channels", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("channel_id", "position", name="pk_patches"),
    )
    op.create_table(
        "revisions",
        sa.Column("channel_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.Column("actor", sa.String(length=255), nullable=False),
        sa.Column("action", sa.String(length=64), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("opened", sa.Integer(), nullable=False),
        sa.Column("closed", sa.Integer(), nullable=False),
        sa.Column("changes", sa.String(length=64), nullable=False),
        sa.Column("previous", sa.String(length=64), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(
            ["channel_id"], ["channels.id"], name="fk_revisions_channels", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("channel_id", "number", name="pk_revisions"),
    )
    op.create_table(
        "shards",
        sa.Column("channel_id", sa.Integer(), nullable=False),
        sa.Column("label", sa.String(length=128), nullable=False),
        sa.Column("subdir", sa.String(length=32), nullable=False),
        sa.Column("name", sa.String(length=128), nullable=False),
        sa.Column("since", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("until", sa.Integer(), nullable=True),
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.ForeignKeyConstraint(
            ["channel_id"], ["channels.id"], name="fk_shards_channels", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("channel_id", "label", "subdir", "name", "since", name="pk_shards"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_shards_channel_id_digest", "shards", ["channel_id", "digest"], unique=False)
    op.create_index("ix_shards_channel_id_since", "shards", ["channel_id", "since"], unique=False)
    op.create_index("ix_shards_channel_id_until", "shards", ["channel_id", "until"], unique=False)
    op.create_table(
        "source_urls",
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["sha256"], ["sources.sha256"], name="fk_source_urls_sources", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("url", "sha256", name="pk_source_urls"),
    )
    op.create_index("ix_source_urls_sha256", "source_urls", ["sha256"], unique=False)
    if op.get_bind().dialect.name == "sqlite":
        _give_statistics()


def _give_statistics() -> None:
    op.execute("ANALYZE sqlite_schema")  # makes the table where there is none
    for (table, index), rows in _STATISTICS.items():
        op.execute(
            sa.text("INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES (:t, :i, :s)").bindparams(
                t=table, i=index, s=rows
            )
        )
    op.execute("ANALYZE sqlite_schema")  # has this connection read it
