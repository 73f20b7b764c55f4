"""How a person wants numbers and dates written."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Add the column."""
    op.add_column("users", sa.Column("locale", sa.String(20), nullable=True))


def downgrade() -> None:
    """Drop the column."""
    op.drop_column("users", "locale")
