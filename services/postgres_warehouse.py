"""PostgreSQL as the warehouse: each version of the data is a schema, a row says which one is live.

A publish builds the version as a DuckDB file first, by the very steps of the embedded warehouse, and copies its tables
into a new schema; rows of days that did not change come from the schema before. Schema, rows and the pointer change in
one transaction, so that a crash at any moment leaves the version before, whole, and nothing beside it.
"""

from __future__ import annotations

import contextlib
import threading
import time
import weakref
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import orjson
import psycopg
import sqlalchemy as sa
from psycopg import sql

from services.dialects import reading
from services.errors import AwayError, NotReadyError, SalescopeError
from services.postgres_reading import CONNECT_SECONDS, conninfo_of, reading_engine
from services.postgres_tables import Before, copy_all, digest_of, present
from services.touched import Touched
from services.warehouse import (
    KEEP,
    NO_DATA,
    Build,
    Pointer,
    Snapshot,
    Update,
    building_connection,
    building_file,
    file_digest,
    sweep_unfinished,
    updated,
    writer_lock,
)

#: Advisory lock of writers: the first eight bytes of "salescope" as a number.
WRITER = int.from_bytes(b"salescop")
LOOK_EVERY = 1.0
POINTER = sql.SQL("SELECT version, file, sha256, published_at FROM salescope.current")


class PostgresWarehouse:
    """Reads and publishes the versions in one PostgreSQL database; `root` keeps the loads' files.

    `memory` and `threads` limit the DuckDB that builds a version, `seconds` any statement that reads.
    """

    def __init__(
        self, url: sa.URL, root: Path, *, memory: str = "2GB", threads: int = 2, seconds: float = 30.0
    ) -> None:
        self.root = root
        self._url, self._seconds = url, seconds
        self._config = {"memory_limit": memory, "threads": str(threads)}
        self._kept = KeptCopy(root)
        self._lock = threading.Lock()
        self._looked: tuple[float, Pointer | AwayError | None] | None = None
        self._open: Snapshot | None = None
        self._writer: psycopg.Connection[Any] | None = None
        self._control = reading_engine(url, "pg_catalog", seconds=CONNECT_SECONDS, size=1)
        weakref.finalize(self, self._control.dispose)

    def pointer(self) -> Pointer | None:
        """Return what is live, or None before the first load; raises AwayError when the server does not answer."""
        try:
            with reading(self._control, CONNECT_SECONDS) as connection:
                if not connection.exec_driver_sql("SELECT to_regclass('salescope.current')").scalar():
                    return None
                row = connection.exec_driver_sql(POINTER.as_string()).one_or_none()
        except sa.exc.DBAPIError as error:
            raise SalescopeError(f"The data in PostgreSQL cannot be read: {_first_line(error.orig)}") from error
        return None if row is None else Pointer(*row)

    def live(self) -> Pointer:
        """Return what is live; raises NotReadyError before the first load, AwayError."""
        return _required(self.pointer())

    def current(self) -> Snapshot:
        """Return the live version, looked for once a second at most.

        Raises NotReadyError before the first load, AwayError when the server does not answer.
        """
        if not self._fresh() and self._lock.acquire(blocking=self._looked is None):
            try:
                if not self._fresh():
                    self._look()
            finally:
                self._lock.release()
        opened, found = self._open, self._looked[1] if self._looked else None
        if isinstance(found, AwayError):
            raise AwayError(str(found)) from found
        if found is None or opened is None:
            raise NotReadyError(NO_DATA)
        return opened

    def _fresh(self) -> bool:
        return self._looked is not None and time.monotonic() - self._looked[0] < LOOK_EVERY

    def _look(self) -> None:
        try:
            pointer = self.pointer()
        except AwayError as error:
            self._looked = (time.monotonic(), error)
            return
        opened = self._open
        if pointer is not None and (opened is None or _told_apart(opened) != (pointer.version, pointer.published_at)):
            self._open = self._opened(pointer)
            if opened is not None:
                opened.engine.dispose()
        self._looked = (time.monotonic(), pointer)

    def _opened(self, pointer: Pointer) -> Snapshot:
        engine = reading_engine(self._url, pointer.file, seconds=self._seconds)
        weakref.finalize(self, engine.dispose)
        return Snapshot(pointer.version, pointer.published_at, engine)

    @contextlib.contextmanager
    def writing(self) -> Iterator[None]:
        """Hold the one writer's lock, on this machine and on the server; other writers wait."""
        with writer_lock(self.root), self._server_errors(), self._connection() as connection:
            connection.execute("SELECT pg_advisory_lock(%s)", [WRITER])
            self._writer = connection
            try:
                yield
            finally:
                self._writer = None

    def _connection(self) -> psycopg.Connection[Any]:
        given = self._url.query.get("options", "")
        return psycopg.connect(
            conninfo_of(self._url),
            autocommit=True,
            connect_timeout=CONNECT_SECONDS,
            options=f"{given} -c statement_timeout=0 -c client_encoding=UTF8 -c search_path=pg_catalog",
            application_name="salescope load",
        )

    @contextlib.contextmanager
    def _server_errors(self) -> Iterator[None]:
        try:
            yield
        except psycopg.errors.InsufficientPrivilege as error:
            raise SalescopeError(
                f"The role of SALESCOPE_WAREHOUSE_URL may not do this: {_first_line(error)}. It needs the right to "
                "make schemas: GRANT CREATE ON DATABASE … TO …"
            ) from error
        except (psycopg.OperationalError, psycopg.InterfaceError) as error:
            raise AwayError(
                f"The PostgreSQL server stopped answering ({_first_line(error)}). Nothing was published; try again."
            ) from error
        except psycopg.Error as error:
            raise SalescopeError(f"PostgreSQL refused the data: {_first_line(error)}") from error

    def publish(self, build: Build, now: str, update: Update | None = None) -> Pointer:
        """Build the next version with `build(connection)`, or by `update(connection)` of what was kept of the live one.

        It is the live one then. The caller holds `writing()`. When anything fails, the version before stays live and
        nothing is left behind.
        """
        writer = self._writer
        if writer is None:
            raise SalescopeError("Publishing needs the writer's lock.")
        before = self.pointer()
        version = before.version + 1 if before else 1
        schema = f"salescope_v{version:04d}"
        sweep_unfinished(self.root)
        try:
            building = building_file(self.root, version)
            touched = self._updated(building, before, update)
            with building_connection(building, self._config) as built:
                if touched is None:
                    build(built)
                with writer.transaction():
                    known = Before(before.file, touched) if before and touched else None
                    tables = copy_all(built, writer, schema, known)
                    pointer = Pointer(version, schema, digest_of(tables), now)
                    _point(writer, pointer, before)
            self._kept.keep(building, pointer)
        finally:
            sweep_unfinished(self.root)
        self._looked = None
        _drop_old(writer, version)
        return pointer

    def _updated(self, building: Path, before: Pointer | None, update: Update | None) -> Touched | None:
        """Return the days that changed in the copy kept of the live version; None where there is none to go on from."""
        if update is None or before is None:
            return None
        copied = self._kept.of(before)
        return None if copied is None else updated(copied, building, update, self._config)

    def verify(self) -> Pointer | None:
        """Return what is live after counting its rows; raises SalescopeError when they are not those published."""
        pointer = self.pointer()
        if pointer is None:
            return None
        with self._server_errors(), self._connection() as connection:
            if digest_of(present(connection, pointer.file)) != pointer.sha256:
                raise SalescopeError(
                    f"The schema {pointer.file} is not as it was published: tables, columns or rows are missing or "
                    "were added. Load the data again."
                )
        return pointer


class KeptCopy:
    """The DuckDB file that the live version was copied from: the next one is made of it by the days that change."""

    def __init__(self, root: Path) -> None:
        self._file, self._note = root / "kept.duckdb", root / "kept.json"

    def of(self, pointer: Pointer) -> Path | None:
        """Return the file of a version; None where it is another one's, or damaged."""
        try:
            noted = orjson.loads(self._note.read_bytes())
            whole = noted == {"pointer": asdict(pointer), "sha256": file_digest(self._file)}
        except (OSError, ValueError):
            return None
        return self._file if whole else None

    def keep(self, built: Path, pointer: Pointer) -> None:
        """Keep the file of a version that was published, in place of the one before; none where there is no room."""
        with contextlib.suppress(OSError):
            self._note.unlink(missing_ok=True)
            built.replace(self._file)
            self._note.write_bytes(orjson.dumps({"pointer": asdict(pointer), "sha256": file_digest(self._file)}))


def _required(pointer: Pointer | None) -> Pointer:
    if pointer is None:
        raise NotReadyError(NO_DATA)
    return pointer


def _told_apart(snapshot: Snapshot) -> tuple[int, str]:
    return snapshot.version, snapshot.published_at


def _first_line(error: object) -> str:
    return str(error).strip().partition("\n")[0]


def _point(writer: psycopg.Connection[Any], pointer: Pointer, before: Pointer | None) -> None:
    """Make the new version the live one, provided that the one before still is."""
    if before is None:
        writer.execute("CREATE SCHEMA IF NOT EXISTS salescope")
        writer.execute(
            "CREATE TABLE IF NOT EXISTS salescope.current (only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row), "
            "version integer NOT NULL, file text NOT NULL, sha256 text NOT NULL, published_at text NOT NULL)"
        )
    writer.execute("DELETE FROM salescope.current WHERE version = %s", [before.version if before else None])
    writer.execute(
        "INSERT INTO salescope.current (version, file, sha256, published_at) VALUES (%s, %s, %s, %s)",
        [pointer.version, pointer.file, pointer.sha256, pointer.published_at],
    )


def _drop_old(writer: psycopg.Connection[Any], newest: int) -> None:
    """Drop all but the last versions; one that somebody reads this long goes with the next publish."""
    rows = writer.execute("SELECT nspname FROM pg_namespace WHERE nspname ~ '^salescope_v[0-9]+$'").fetchall()
    for (schema,) in rows:
        if int(schema.removeprefix("salescope_v")) <= newest - KEEP:
            with contextlib.suppress(psycopg.Error), writer.transaction():
                writer.execute("SET LOCAL lock_timeout = '2s'")
                writer.execute(sql.SQL("DROP SCHEMA {} CASCADE").format(sql.Identifier(schema)))
