"""Reproductions, quotas, retention; see sql/0004_quotas_and_retention.sql."""

from alembic import op

from infra.migrations import run_sql

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add columns, indexes and the table of what is to be deleted."""
    run_sql("0004_quotas_and_retention.sql")


def downgrade() -> None:
    """Drop what this revision added."""
    op.execute("DROP TRIGGER doom_lost_attempt ON jobs")
    op.execute("DROP FUNCTION doom_lost_attempt")
    op.execute("DROP TABLE doomed_objects")
    for index in ("uploads_pending", "artifacts_stored", "jobs_of_month"):
        op.execute(f"DROP INDEX {index}")
    op.execute("ALTER TABLE orgs DROP COLUMN held_until")
    op.execute("ALTER TABLE jobs DROP COLUMN reproduction_of")
