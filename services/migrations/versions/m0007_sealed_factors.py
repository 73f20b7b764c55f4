"""Room for second factors that are sealed; the site seals those that are there when it starts."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Widen the column; SQLite holds no text to a length."""
    if op.get_bind().dialect.name != "sqlite":
        op.alter_column("users", "totp_secret", type_=sa.String(200), existing_nullable=True)


def downgrade() -> None:
    """Do nothing: what is sealed does not fit into less."""
