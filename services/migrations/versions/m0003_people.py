"""Custom roles, one-time links, second factors, looking as somebody, usage."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

ADDED = (
    ("users", sa.Column("totp_secret", sa.String(64))),
    ("users", sa.Column("totp_used", sa.Integer)),
    ("users", sa.Column("subject", sa.String(400))),
    ("sessions", sa.Column("pending", sa.Boolean, nullable=False, server_default=sa.false())),
    ("sessions", sa.Column("seen_as", sa.Integer)),
    ("audit_events", sa.Column("seen_as", sa.String(254), nullable=False, server_default="")),
    ("audit_events", sa.Column("request", sa.String(32), nullable=False, server_default="")),
)


def upgrade() -> None:
    """Create the tables and columns."""
    for table, column in ADDED:
        op.add_column(table, column)
    op.create_index("ix_users_subject", "users", ["subject"], unique=True)
    op.create_index("ix_audit_events_actor", "audit_events", ["actor"])
    op.create_table(
        "roles",
        sa.Column("name", sa.String(40), primary_key=True),
        sa.Column("label", sa.String(100), nullable=False),
        sa.Column("permissions", sa.JSON, nullable=False),
    )
    op.create_table(
        "links",
        sa.Column("token_hash", sa.String(64), primary_key=True),
        sa.Column("user_id", sa.Integer, sa.ForeignKey("users.id", ondelete="CASCADE"), nullable=False, index=True),
        sa.Column("purpose", sa.String(20), nullable=False),
        sa.Column("created_at", sa.DateTime, nullable=False),
        sa.Column("expires_at", sa.DateTime, nullable=False),
    )
    op.create_table(
        "recovery_codes",
        sa.Column("user_id", sa.Integer, sa.ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("code_hash", sa.String(64), primary_key=True),
    )
    op.create_table(
        "usage",
        sa.Column("day", sa.Date, primary_key=True),
        sa.Column("email", sa.String(254), primary_key=True),
        sa.Column("what", sa.String(200), primary_key=True),
        sa.Column("times", sa.Integer, nullable=False),
        sa.Column("milliseconds", sa.Float, nullable=False),
        sa.Column("slowest", sa.Float, nullable=False),
    )
    op.create_table(
        "slow_answers",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("at", sa.DateTime, nullable=False, index=True),
        sa.Column("email", sa.String(254), nullable=False),
        sa.Column("what", sa.String(200), nullable=False),
        sa.Column("milliseconds", sa.Float, nullable=False),
        sa.Column("detail", sa.String(2000), nullable=False),
    )


def downgrade() -> None:
    """Drop them."""
    for table in ("slow_answers", "usage", "recovery_codes", "links", "roles"):
        op.drop_table(table)
    op.drop_index("ix_audit_events_actor", "audit_events")
    op.drop_index("ix_users_subject", "users")
    for table, column in reversed(ADDED):
        op.drop_column(table, column.name)
