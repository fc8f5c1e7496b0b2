"""The first schema; see sql/0001_first.sql."""

from alembic import op

from infra.migrations import run_sql

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create everything."""
    run_sql("0001_first.sql")


def downgrade() -> None:
    """Drop everything this revision made."""
    op.execute("DROP SCHEMA public CASCADE")
    op.execute("CREATE SCHEMA public")
