"""Secrets, webhooks, schedules; see sql/0003_webhooks_and_schedules.sql."""

from alembic import op

from infra.migrations import run_sql

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add the tables."""
    run_sql("0003_webhooks_and_schedules.sql")


def downgrade() -> None:
    """Drop what this revision added."""
    for table in ("schedule_fires", "schedules", "delivery_attempts", "deliveries", "webhooks", "org_secrets"):
        op.execute(f"DROP TABLE {table}")
    op.execute("ALTER TABLE pipelines DROP COLUMN finished_at")
