"""Who runs a job, and which attempts count; see sql/0002_life_of_a_job.sql."""

from alembic import op

from infra.migrations import run_sql

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add the columns and indexes."""
    run_sql("0002_life_of_a_job.sql")


def downgrade() -> None:
    """Drop what this revision added."""
    for index in ("jobs_held", "jobs_unfinished", "jobs_measured", "jobs_with_deadline"):
        op.execute(f"DROP INDEX {index}")
    op.execute("DROP FUNCTION job_rank")
    op.execute("ALTER TABLE jobs DROP COLUMN charged, DROP COLUMN child_pid")
