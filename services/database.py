"""The application database: users, sessions, roles, row limits, audit log, usage, API tokens, jobs."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

from services import circumstances
from services.errors import AccessDeniedError
from services.patience import give_up_in_time

#: How long a server may take to accept a connection, or the pool to have one free, and to run a statement.
WAIT_SECONDS, STATEMENT_SECONDS = 2, 10
MIGRATIONS = Path(__file__).parent / "migrations"


def utc_now() -> dt.datetime:
    """Return the time in UTC without a zone, as the application database keeps it."""
    return dt.datetime.now(dt.UTC).replace(tzinfo=None)


class Base(DeclarativeBase):
    """Tables of the application database."""


#: Marks tables whose rows go with the user; those of other tables can be given to somebody else.
PERSONAL: Any = {"info": {"personal": True}}


class User(Base):
    """A person who may sign in."""

    __tablename__ = "users"

    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(sa.String(254), unique=True)
    name: Mapped[str] = mapped_column(sa.String(200))
    role: Mapped[str] = mapped_column(sa.String(40))
    password_hash: Mapped[str] = mapped_column(sa.String(200))
    active: Mapped[bool] = mapped_column(default=True)
    sees_everything: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[dt.datetime] = mapped_column(default=utc_now)
    totp_secret: Mapped[str | None] = mapped_column(sa.String(200))
    totp_used: Mapped[int | None]
    subject: Mapped[str | None] = mapped_column(sa.String(400), index=True, unique=True)
    locale: Mapped[str | None] = mapped_column(sa.String(20))
    limits: Mapped[list[RowLimit]] = relationship(cascade="all, delete-orphan", lazy="selectin")


class RowLimit(Base):
    """A value of a dimension that a user may see."""

    __tablename__ = "row_limits"
    __table_args__ = PERSONAL

    user_id: Mapped[int] = mapped_column(sa.ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    dimension: Mapped[str] = mapped_column(sa.String(63), primary_key=True)
    value: Mapped[str] = mapped_column(sa.String(500), primary_key=True)


class SignedIn(Base):
    """A session; `token_hash` is the SHA-256 of what the cookie holds."""

    __tablename__ = "sessions"
    __table_args__ = PERSONAL

    token_hash: Mapped[str] = mapped_column(sa.String(64), primary_key=True)
    user_id: Mapped[int] = mapped_column(sa.ForeignKey("users.id", ondelete="CASCADE"), index=True)
    created_at: Mapped[dt.datetime]
    seen_at: Mapped[dt.datetime]
    address: Mapped[str] = mapped_column(sa.String(60))
    agent: Mapped[str] = mapped_column(sa.String(300))
    pending: Mapped[bool] = mapped_column(default=False)
    seen_as: Mapped[int | None]


class Link(Base):
    """A one-time link by which a person sets a password; `token_hash` is the SHA-256 of what the link holds."""

    __tablename__ = "links"
    __table_args__ = PERSONAL

    token_hash: Mapped[str] = mapped_column(sa.String(64), primary_key=True)
    user_id: Mapped[int] = mapped_column(sa.ForeignKey("users.id", ondelete="CASCADE"), index=True)
    purpose: Mapped[str] = mapped_column(sa.String(20))
    created_at: Mapped[dt.datetime]
    expires_at: Mapped[dt.datetime]


class RecoveryCode(Base):
    """A code that stands in for a second factor once; `code_hash` is the SHA-256 of it."""

    __tablename__ = "recovery_codes"
    __table_args__ = PERSONAL

    user_id: Mapped[int] = mapped_column(sa.ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    code_hash: Mapped[str] = mapped_column(sa.String(64), primary_key=True)


class CustomRole(Base):
    """A role an admin put together; the built-in ones are in services/access.py."""

    __tablename__ = "roles"

    name: Mapped[str] = mapped_column(sa.String(40), primary_key=True)
    label: Mapped[str] = mapped_column(sa.String(100))
    permissions: Mapped[list[str]] = mapped_column(sa.JSON)


class Usage(Base):
    """How often somebody used a page or function on a day, and how long the answers took."""

    __tablename__ = "usage"

    day: Mapped[dt.date] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(sa.String(254), primary_key=True)
    what: Mapped[str] = mapped_column(sa.String(200), primary_key=True)
    times: Mapped[int]
    milliseconds: Mapped[float]
    slowest: Mapped[float]


class SlowAnswer(Base):
    """An answer that took long, and what was asked."""

    __tablename__ = "slow_answers"

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[dt.datetime] = mapped_column(index=True)
    email: Mapped[str] = mapped_column(sa.String(254))
    what: Mapped[str] = mapped_column(sa.String(200))
    milliseconds: Mapped[float]
    detail: Mapped[str] = mapped_column(sa.String(2000))


class ViewRow(Base):
    """A page with its filters that somebody keeps under a name; services/views.py."""

    __tablename__ = "views"
    __table_args__ = PERSONAL

    id: Mapped[int] = mapped_column(primary_key=True)
    model: Mapped[str] = mapped_column(sa.String(63))
    user_id: Mapped[int] = mapped_column(sa.ForeignKey("users.id", ondelete="CASCADE"), index=True)
    owner: Mapped[str] = mapped_column(sa.String(254))
    name: Mapped[str] = mapped_column(sa.String(80))
    address: Mapped[str] = mapped_column(sa.Text)
    shared: Mapped[bool]
    home: Mapped[bool]
    follows: Mapped[bool]
    made_at: Mapped[dt.datetime]


class AskedRow(Base):
    """A question somebody asked, and how surely it was read; services/language/questions.py."""

    __tablename__ = "asked"
    __table_args__ = PERSONAL

    id: Mapped[int] = mapped_column(primary_key=True)
    model: Mapped[str] = mapped_column(sa.String(63))
    user_id: Mapped[int] = mapped_column(sa.ForeignKey("users.id", ondelete="CASCADE"), index=True)
    text: Mapped[str] = mapped_column(sa.String(500))
    confidence: Mapped[float]
    reason: Mapped[str] = mapped_column(sa.String(200))
    asked_at: Mapped[dt.datetime]


class TaughtRow(Base):
    """A synonym or a verified wording that somebody taught; services/language/questions.py."""

    __tablename__ = "taught"

    id: Mapped[int] = mapped_column(primary_key=True)
    model: Mapped[str] = mapped_column(sa.String(63), index=True)
    kind: Mapped[str] = mapped_column(sa.String(20))
    phrase: Mapped[str] = mapped_column(sa.String(200))
    meaning: Mapped[str] = mapped_column(sa.String(500))
    by: Mapped[str] = mapped_column(sa.String(254))
    made_at: Mapped[dt.datetime]


class TargetRow(Base):
    """What a measure is to reach in a period; services/planning.py."""

    __tablename__ = "targets"

    id: Mapped[int] = mapped_column(primary_key=True)
    model: Mapped[str] = mapped_column(sa.String(63), index=True)
    user_id: Mapped[int]
    measure: Mapped[str] = mapped_column(sa.String(63))
    first: Mapped[dt.date]
    last: Mapped[dt.date]
    value: Mapped[float]
    dimension: Mapped[str] = mapped_column(sa.String(63))
    key: Mapped[str] = mapped_column(sa.String(500))


class NoteRow(Base):
    """A remark about days, shown on charts over time; services/planning.py."""

    __tablename__ = "notes"

    id: Mapped[int] = mapped_column(primary_key=True)
    model: Mapped[str] = mapped_column(sa.String(63), index=True)
    first: Mapped[dt.date]
    last: Mapped[dt.date]
    text: Mapped[str] = mapped_column(sa.String(300))
    by: Mapped[str] = mapped_column(sa.String(254))
    made_at: Mapped[dt.datetime]


class ForecastRow(Base):
    """A published forecast, scored when what it foresaw has come; services/forecasting/record.py."""

    __tablename__ = "forecasts"

    id: Mapped[int] = mapped_column(primary_key=True)
    model: Mapped[str] = mapped_column(sa.String(63), index=True)
    by: Mapped[str] = mapped_column(sa.String(254))
    scope: Mapped[str] = mapped_column(sa.String(16))
    query: Mapped[str] = mapped_column(sa.Text)
    models: Mapped[str] = mapped_column(sa.String(500))
    body: Mapped[str] = mapped_column(sa.Text)
    version: Mapped[int]
    made_at: Mapped[dt.datetime]


class ScenarioRow(Base):
    """A forecast and what somebody assumes beside it; services/forecasting/scenarios.py."""

    __tablename__ = "scenarios"
    __table_args__ = PERSONAL

    id: Mapped[int] = mapped_column(primary_key=True)
    model: Mapped[str] = mapped_column(sa.String(63))
    user_id: Mapped[int] = mapped_column(sa.ForeignKey("users.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(sa.String(80))
    query: Mapped[str] = mapped_column(sa.Text)
    horizon: Mapped[int]
    changes: Mapped[dict[str, float]] = mapped_column(sa.JSON)
    made_at: Mapped[dt.datetime]


class AuditEvent(Base):
    """Something somebody did or tried."""

    __tablename__ = "audit_events"

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[dt.datetime] = mapped_column(index=True)
    action: Mapped[str] = mapped_column(sa.String(60))
    actor: Mapped[str] = mapped_column(sa.String(254), index=True)
    address: Mapped[str] = mapped_column(sa.String(60))
    detail: Mapped[str] = mapped_column(sa.String(1000))
    seen_as: Mapped[str] = mapped_column(sa.String(254), default="")
    request: Mapped[str] = mapped_column(sa.String(32), default="")


class ApiToken(Base):
    """A key for programs that act as a user; `token_hash` is the SHA-256 of it."""

    __tablename__ = "api_tokens"
    __table_args__ = PERSONAL

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(sa.ForeignKey("users.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(sa.String(100))
    token_hash: Mapped[str] = mapped_column(sa.String(64), unique=True)
    permissions: Mapped[list[str]] = mapped_column(sa.JSON)
    created_at: Mapped[dt.datetime]
    expires_at: Mapped[dt.datetime]
    last_used_at: Mapped[dt.datetime | None]
    refused_at: Mapped[dt.datetime | None]
    revoked_at: Mapped[dt.datetime | None]


class Job(Base):
    """Work in a process of its own; services/jobs.py says what the states mean."""

    __tablename__ = "jobs"

    id: Mapped[str] = mapped_column(sa.String(36), primary_key=True)
    kind: Mapped[str] = mapped_column(sa.String(40))
    user_id: Mapped[int] = mapped_column(sa.ForeignKey("users.id", ondelete="CASCADE"), index=True)
    owner: Mapped[str] = mapped_column(sa.String(254))
    state: Mapped[str] = mapped_column(sa.String(20), index=True)
    stage: Mapped[str] = mapped_column(sa.String(200), default="")
    share: Mapped[float] = mapped_column(default=0.0)
    arguments: Mapped[dict[str, Any]] = mapped_column(sa.JSON)
    result: Mapped[dict[str, Any] | None] = mapped_column(sa.JSON)
    error: Mapped[str] = mapped_column(sa.Text, default="")
    created_at: Mapped[dt.datetime] = mapped_column(index=True)
    started_at: Mapped[dt.datetime | None]
    finished_at: Mapped[dt.datetime | None]
    cancel_requested_at: Mapped[dt.datetime | None]
    committed: Mapped[bool] = mapped_column(default=False)
    pid: Mapped[int | None]


def open_database(url: str) -> sa.Engine:
    """Return an engine on the application database (SQLite in WAL mode, or any other by URL)."""
    given: dict[str, Any] = {} if url.startswith("sqlite") else {"pool_pre_ping": True, "pool_timeout": WAIT_SECONDS}
    if url.startswith("postgresql"):
        options = f"-c statement_timeout={STATEMENT_SECONDS * 1000}"
        given["connect_args"] = {"connect_timeout": WAIT_SECONDS, "options": options}
    engine = sa.create_engine(url, **given)
    if engine.dialect.driver == "psycopg":
        give_up_in_time(engine)
    if engine.dialect.name == "sqlite":
        sa.event.listen(engine, "connect", _sqlite_settings)
    sa.event.listen(engine, "before_cursor_execute", _refuse_changes)
    return engine


def _refuse_changes(_connection: Any, _cursor: Any, statement: str, *_more: object) -> None:
    """Hold that nothing is changed while somebody looks with another person's eyes, whoever wrote the code."""
    if circumstances.now().read_only and statement.lstrip()[:6].upper() in ("INSERT", "UPDATE", "DELETE"):
        raise AccessDeniedError(
            f"You are looking as {circumstances.now().looking_as}; nothing can be changed. End it in the banner first."
        )


def _sqlite_settings(connection: Any, _record: object) -> None:
    for pragma in ("journal_mode=WAL", "foreign_keys=ON", "busy_timeout=5000", "synchronous=NORMAL"):
        connection.execute(f"PRAGMA {pragma}")


def migrate(engine: sa.Engine) -> None:
    """Bring the database's tables to this version of the application; nothing happens when they are there."""
    config = _config()
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def is_current(engine: sa.Engine) -> bool:
    """Tell whether the tables are those of this version."""
    with engine.connect() as connection:
        if not sa.inspect(connection).has_table("alembic_version"):
            return False
        found = connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()
    return bool(found == ScriptDirectory.from_config(_config()).get_current_head())


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("path_separator", "os")
    return config
