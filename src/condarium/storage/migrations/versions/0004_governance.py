"""What is lent: resources and terms, requests, grants, admissions, the ledger."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_table(
        "acceptances",
        sa.Column("terms", sa.String(length=64), nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("person", sa.String(length=128), nullable=False),
        sa.Column("name", sa.String(length=128), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.Column("through", sa.String(length=32), nullable=True),
        sa.PrimaryKeyConstraint("terms", "version", "person", name="pk_acceptances"),
    )
    op.create_table(
        "requests",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("asked", sa.String(length=8), nullable=False),
        sa.Column("project_kind", sa.String(length=16), nullable=False),
        sa.Column("project", sa.String(length=255), nullable=False),
        sa.Column("project_id", sa.String(length=64), nullable=True),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("duration", sa.BigInteger(), nullable=True),
        sa.Column("use", sa.BigInteger(), nullable=True),
        sa.Column("lending", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.Column("by", sa.String(length=255), nullable=False),
        sa.Column("principal", sa.String(length=32), nullable=True),
        sa.Column("decided_at", sa.DateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_requests"),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_requests_project_kind_project", "requests", ["project_kind", "project"], unique=False
    )
    op.create_index("ix_requests_state", "requests", ["state"], unique=False)

    op.create_table(
        "resources",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("provider", sa.String(length=64), nullable=False),
        sa.Column("label", sa.String(length=128), nullable=False),
        sa.Column("settings", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("created_by", sa.String(length=255), nullable=False),
        sa.Column("changed_at", sa.DateTime(), nullable=False),
        sa.Column("retired_at", sa.DateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_resources"),
        sa.UniqueConstraint("label", name="uq_resources_label"),
        sa.UniqueConstraint("name", name="uq_resources_name"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_resources_provider", "resources", ["provider"], unique=False)

    op.create_table(
        "terms",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("published_at", sa.DateTime(), nullable=False),
        sa.Column("published_by", sa.String(length=255), nullable=False),
        sa.PrimaryKeyConstraint("name", "version", name="pk_terms"),
    )
    op.create_table(
        "webhook_deliveries",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name="pk_webhook_deliveries"),
    )
    op.create_index("ix_webhook_deliveries_at", "webhook_deliveries", ["at"], unique=False)

    op.create_table(
        "workflow_runs",
        sa.Column("repository", sa.String(length=64), nullable=False),
        sa.Column("run", sa.String(length=64), nullable=False),
        sa.Column("attempt", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("said", sa.JSON(), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("repository", "run", "attempt", name="pk_workflow_runs"),
    )
    op.create_index("ix_workflow_runs_at", "workflow_runs", ["at"], unique=False)

    op.create_table(
        "workflow_jobs",
        sa.Column("job", sa.String(length=64), nullable=False),
        sa.Column("repository", sa.String(length=64), nullable=False),
        sa.Column("run", sa.String(length=64), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("said", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.Column("again_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("job", name="pk_workflow_jobs"),
    )
    op.create_index(
        "ix_workflow_jobs_repository_run", "workflow_jobs", ["repository", "run"], unique=False
    )
    op.create_index(
        "ix_workflow_jobs_state_again_at", "workflow_jobs", ["state", "again_at"], unique=False
    )

    op.create_table(
        "budgets",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("resource_id", sa.Integer(), nullable=False),
        sa.Column("donor", sa.String(length=64), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("period", sa.String(length=8), nullable=False),
        sa.Column("starts_at", sa.DateTime(), nullable=False),
        sa.Column("ends_at", sa.DateTime(), nullable=True),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("created_by", sa.String(length=255), nullable=False),
        sa.ForeignKeyConstraint(["resource_id"], ["resources.id"], name="fk_budgets_resources"),
        sa.PrimaryKeyConstraint("id", name="pk_budgets"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_budgets_donor", "budgets", ["donor"], unique=False)
    op.create_index("ix_budgets_resource_id", "budgets", ["resource_id"], unique=False)

    op.create_table(
        "grants",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("resource_id", sa.Integer(), nullable=False),
        sa.Column("project_kind", sa.String(length=16), nullable=False),
        sa.Column("project", sa.String(length=255), nullable=False),
        sa.Column("project_id", sa.String(length=64), nullable=True),
        sa.Column("request_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["request_id"], ["requests.id"], name="fk_grants_requests"),
        sa.ForeignKeyConstraint(["resource_id"], ["resources.id"], name="fk_grants_resources"),
        sa.PrimaryKeyConstraint("id", name="pk_grants"),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_grants_project_kind_project_id", "grants", ["project_kind", "project_id"], unique=False
    )
    op.create_index("ix_grants_request_id", "grants", ["request_id"], unique=False)
    op.create_index("ix_grants_resource_id", "grants", ["resource_id"], unique=False)

    op.create_table(
        "identities",
        sa.Column("person", sa.String(length=128), nullable=False),
        sa.Column("principal_id", sa.String(length=32), nullable=False),
        sa.Column("name", sa.String(length=128), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.Column("by", sa.String(length=255), nullable=False),
        sa.ForeignKeyConstraint(
            ["principal_id"], ["principals.id"], name="fk_identities_principals", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("person", name="pk_identities"),
    )
    op.create_index("ix_identities_principal_id", "identities", ["principal_id"], unique=False)

    op.create_table(
        "ledger_accounts",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("donor", sa.String(length=64), nullable=False),
        sa.Column("resource_id", sa.Integer(), nullable=False),
        sa.Column("project", sa.String(length=300), nullable=False),
        sa.Column("budget_id", sa.Integer(), nullable=False),
        sa.Column("period", sa.String(length=10), nullable=False),
        sa.Column("balance", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["resource_id"], ["resources.id"], name="fk_ledger_accounts_resources"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_ledger_accounts"),
        sa.UniqueConstraint(
            "resource_id",
            "kind",
            "donor",
            "project",
            "budget_id",
            "period",
            name="uq_ledger_accounts",
        ),
    )
    op.create_table(
        "request_events",
        sa.Column("request_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.Column("step", sa.String(length=16), nullable=False),
        sa.Column("by", sa.String(length=255), nullable=False),
        sa.Column("principal", sa.String(length=32), nullable=True),
        sa.Column("text", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["request_id"], ["requests.id"], name="fk_request_events_requests"),
        sa.PrimaryKeyConstraint("request_id", "number", name="pk_request_events"),
    )
    op.create_table(
        "request_resources",
        sa.Column("request_id", sa.Integer(), nullable=False),
        sa.Column("resource_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["request_id"], ["requests.id"], name="fk_request_resources_requests"
        ),
        sa.ForeignKeyConstraint(
            ["resource_id"], ["resources.id"], name="fk_request_resources_resources"
        ),
        sa.PrimaryKeyConstraint("request_id", "resource_id", name="pk_request_resources"),
    )
    op.create_index(
        "ix_request_resources_resource_id", "request_resources", ["resource_id"], unique=False
    )

    op.create_table(
        "admissions",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("source", sa.String(length=16), nullable=False),
        sa.Column("external", sa.String(length=64), nullable=False),
        sa.Column("project_kind", sa.String(length=16), nullable=False),
        sa.Column("project", sa.String(length=255), nullable=False),
        sa.Column("project_id", sa.String(length=64), nullable=True),
        sa.Column("resource_id", sa.Integer(), nullable=True),
        sa.Column("grant_id", sa.Integer(), nullable=True),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("reasons", sa.JSON(), nullable=False),
        sa.Column("commit", sa.String(length=64), nullable=False),
        sa.Column("event", sa.String(length=64), nullable=False),
        sa.Column("branch", sa.String(length=255), nullable=True),
        sa.Column("person", sa.String(length=128), nullable=True),
        sa.Column("person_name", sa.String(length=128), nullable=True),
        sa.Column("head", sa.String(length=400), nullable=True),
        sa.Column("role", sa.String(length=255), nullable=True),
        sa.Column("labels", sa.JSON(), nullable=False),
        sa.Column("run", sa.String(length=64), nullable=False),
        sa.Column("job_id", sa.Integer(), nullable=True),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("chain", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.Column("reserved", sa.BigInteger(), nullable=False),
        sa.Column("cost", sa.BigInteger(), nullable=True),
        sa.Column("time", sa.BigInteger(), nullable=True),
        sa.Column("credential", sa.String(length=64), nullable=True),
        sa.Column("credential_until", sa.DateTime(), nullable=True),
        sa.Column("wrong", sa.Integer(), nullable=False),
        sa.Column("offered_at", sa.DateTime(), nullable=True),
        sa.Column("started_at", sa.DateTime(), nullable=True),
        sa.Column("heard_at", sa.DateTime(), nullable=True),
        sa.Column("lease_until", sa.DateTime(), nullable=True),
        sa.Column("ended_at", sa.DateTime(), nullable=True),
        sa.Column("runner", sa.String(length=255), nullable=False),
        sa.Column("holder", sa.String(length=32), nullable=False),
        sa.Column("flagged", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["grant_id"], ["grants.id"], name="fk_admissions_grants"),
        sa.ForeignKeyConstraint(["resource_id"], ["resources.id"], name="fk_admissions_resources"),
        sa.PrimaryKeyConstraint("id", name="pk_admissions"),
        sa.UniqueConstraint("credential", name="uq_admissions_credential"),
        sa.UniqueConstraint("source", "external", name="uq_admissions_source_external"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_admissions_at", "admissions", ["at"], unique=False)
    op.create_index("ix_admissions_grant_id_at", "admissions", ["grant_id", "at"], unique=False)
    op.create_index("ix_admissions_job_id", "admissions", ["job_id"], unique=False)
    op.create_index(
        "ix_admissions_state_resource_id", "admissions", ["state", "resource_id"], unique=False
    )

    op.create_table(
        "applied_files",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.Column("by", sa.String(length=255), nullable=False),
        sa.Column("state", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_applied_files"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "commit_approvals",
        sa.Column("grant_id", sa.Integer(), nullable=False),
        sa.Column("commit", sa.String(length=64), nullable=False),
        sa.Column("principal", sa.String(length=32), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.Column("by", sa.String(length=255), nullable=False),
        sa.ForeignKeyConstraint(["grant_id"], ["grants.id"], name="fk_commit_approvals_grants"),
        sa.PrimaryKeyConstraint("grant_id", "commit", "principal", name="pk_commit_approvals"),
    )
    op.create_table(
        "grant_decisions",
        sa.Column("grant_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.Column("change", sa.String(length=16), nullable=False),
        sa.Column("by", sa.String(length=255), nullable=False),
        sa.Column("principal", sa.String(length=32), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("lending", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["grant_id"], ["grants.id"], name="fk_grant_decisions_grants"),
        sa.PrimaryKeyConstraint("grant_id", "number", name="pk_grant_decisions"),
    )
    op.create_index("ix_grant_decisions_at", "grant_decisions", ["at"], unique=False)

    op.create_table(
        "ledger_transfers",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("source_id", sa.Integer(), nullable=False),
        sa.Column("target_id", sa.Integer(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("admission_id", sa.Integer(), nullable=True),
        sa.CheckConstraint("amount > 0", name="positive"),
        sa.ForeignKeyConstraint(
            ["admission_id"], ["admissions.id"], name="fk_ledger_transfers_admissions"
        ),
        sa.ForeignKeyConstraint(
            ["source_id"], ["ledger_accounts.id"], name="fk_ledger_transfers_source"
        ),
        sa.ForeignKeyConstraint(
            ["target_id"], ["ledger_accounts.id"], name="fk_ledger_transfers_target"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_ledger_transfers"),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_ledger_transfers_admission_id", "ledger_transfers", ["admission_id"], unique=False
    )
    op.create_index("ix_ledger_transfers_at", "ledger_transfers", ["at"], unique=False)
    op.create_index(
        "ix_ledger_transfers_source_id", "ledger_transfers", ["source_id"], unique=False
    )
    op.create_index(
        "ix_ledger_transfers_target_id", "ledger_transfers", ["target_id"], unique=False
    )

    with op.batch_alter_table("bindings") as batch:
        batch.add_column(sa.Column("resource_id", sa.Integer(), nullable=True))
        batch.create_index("ix_bindings_resource_id", ["resource_id"], unique=False)
        batch.create_foreign_key(
            "fk_bindings_resources", "resources", ["resource_id"], ["id"], ondelete="CASCADE"
        )

    with op.batch_alter_table("tokens") as batch:
        batch.add_column(sa.Column("resources", sa.JSON(), nullable=True))

    # a store that keeps itself tidy each day gives notice of grants as well, as new ones do
    op.execute("""
        INSERT INTO schedules (name, operation, arguments, cron, enabled, created_at, created_by)
        SELECT 'grant-review-due', 'grant review-due', '{}', '37 4 * * *', enabled, created_at,
            'condarium'
        FROM schedules
        WHERE name IN ('gc', 'job-prune') AND created_by = 'condarium'
            AND NOT EXISTS (SELECT 1 FROM schedules WHERE name = 'grant-review-due')
        ORDER BY name
        LIMIT 1
    """)
