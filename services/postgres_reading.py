"""PostgreSQL reading: the engine that reads one version's schema of the warehouse, read-only and with a time limit."""

from __future__ import annotations

import select
from typing import Any

import psycopg
import sqlalchemy as sa
from psycopg.pq import ExecStatus
from sqlalchemy.pool import QueuePool

from services.dialects import FOLDING
from services.postgres_tables import NUL

CONNECT_SECONDS = 2


def reading_engine(url: sa.URL, schema: str, *, seconds: float, size: int = 8) -> sa.Engine:
    """Return an engine that reads the tables of one schema and cannot change anything."""
    given = url.query.get("options", "")
    engine = sa.create_engine(
        url.difference_update_query(["options"]),
        poolclass=QueuePool,
        pool_size=size,
        max_overflow=size,
        pool_timeout=5,
        pool_use_lifo=True,
        isolation_level="AUTOCOMMIT",
        connect_args={
            "connect_timeout": CONNECT_SECONDS,
            "application_name": "salescope",
            "options": f"{given} -c search_path={schema.replace(' ', chr(92) + ' ')} "
            f"-c statement_timeout={int(seconds * 1000)} "
            "-c default_transaction_read_only=on -c client_encoding=UTF8",
        },
    )
    sa.event.listen(engine, "first_connect", lambda driver, _record: _find_folding(engine, driver))
    sa.event.listen(engine, "checkout", _ping)
    sa.event.listen(engine, "before_cursor_execute", _without_nul, retval=True)
    return engine


def _find_folding(engine: sa.Engine, driver: Any) -> None:
    with driver.cursor() as cursor:
        cursor.execute(
            "SELECT collname FROM pg_catalog.pg_collation WHERE collname = ANY(%s) "
            "ORDER BY array_position(%s::name[], collname) LIMIT 1",
            [list(FOLDING), list(FOLDING)],
        )
        row = cursor.fetchone()
    driver.rollback()
    if row is not None:
        engine.dialect.salescope_folding = row[0]  # type: ignore[attr-defined]


def _ping(driver: Any, _record: object, _proxy: object) -> None:
    """Have the pool open another connection for one that is dead, or whose server does not answer in time."""
    line = driver.pgconn
    try:
        line.send_query(b"")
        answers = select.poll()  # select.select() knows the first 1,024 open files only
        answers.register(line.socket, select.POLLIN)
        if not answers.poll(CONNECT_SECONDS * 1000):
            raise sa.exc.DisconnectionError
        line.consume_input()
        alive = True
        while (result := line.get_result()) is not None:
            alive = alive and result.status == ExecStatus.EMPTY_QUERY
        if not alive:
            raise sa.exc.DisconnectionError
    except (psycopg.Error, OSError, ValueError) as error:
        raise sa.exc.DisconnectionError from error


def _without_nul(
    _connection: object, _cursor: object, statement: str, parameters: Any, _context: object, _many: object
) -> tuple[str, Any]:
    """Ask for a text as it was stored: without the character that PostgreSQL has no room for."""
    if isinstance(parameters, dict):
        parameters = {
            name: value.replace("\0", NUL) if isinstance(value, str) else value for name, value in parameters.items()
        }
    return statement, parameters


def conninfo_of(url: sa.URL) -> str:
    """Return what libpq takes for a URL, without options of the session."""
    query = {name: value for name, value in url.query.items() if name != "options"}
    given = {"host": url.host, "port": url.port, "user": url.username, "password": url.password, "dbname": url.database}
    return psycopg.conninfo.make_conninfo(**{k: v for k, v in (given | query).items() if v is not None})  # type: ignore[arg-type]
