"""Published forecasts."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "forecasts",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("model", sa.String(63), nullable=False, index=True),
        sa.Column("by", sa.String(254), nullable=False),
        sa.Column("scope", sa.String(16), nullable=False),
        sa.Column("query", sa.Text, nullable=False),
        sa.Column("models", sa.String(500), nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("made_at", sa.DateTime, nullable=False),
    )


def downgrade() -> None:
    """Drop the table."""
    op.drop_table("forecasts")
