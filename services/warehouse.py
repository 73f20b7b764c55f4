"""Where the data are: immutable versions behind an atomic pointer, and how they are read.

A publish builds the next version beside the live one under a file lock and swaps the pointer; readers open versions
read-only and move to a new one when the pointer changes. A crash at any moment leaves the last pointer valid.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import fcntl
import hashlib
import logging
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypedDict

import duckdb
import numpy as np
import numpy.typing as npt
import sqlalchemy as sa

from services.dialects import never, reading
from services.errors import RebuildError
from services.touched import Touched

log = logging.getLogger("salescope")
KEEP = 3
#: What DuckDB may use to build a version; what does not fit is sorted on the disk.
BUILD_MEMORY = "600MB"
NO_DATA = "There are no data yet. Load some: `salescope load --sample`."
#: What a web connection may not do: DuckDB can read files and load code unless told otherwise.
HARDENED = {
    "enable_external_access": "false",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "allow_community_extensions": "false",
    "python_enable_replacements": "false",
    "lock_configuration": "true",
}


@dataclass(frozen=True)
class Pointer:
    """What is live: the content of CURRENT, or of the table of that name.

    `file` names the snapshot's file or the schema, `sha256` a digest of its content or of what the schema holds,
    `previous` is the pointer before, which is served when this one's file is damaged.
    """

    version: int
    file: str
    sha256: str
    published_at: str
    previous: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Snapshot:
    """A version to read from, through a read-only engine whose tables need no schema.

    `coverage` is the row of the table of that name where there is no such table; ask `coverage_of`. `used` is told of
    each statement that ended.
    """

    version: int
    published_at: str
    engine: sa.Engine
    coverage: Mapping[str, Any] | None = None
    used: Callable[[], None] = lambda: None


Build = Callable[[duckdb.DuckDBPyConnection], None]
Update = Callable[[duckdb.DuckDBPyConnection], Touched]


class Limits(TypedDict):
    """What DuckDB may use in each process, such as 2GB and 2 threads."""

    memory: str
    threads: int


class Warehouse(Protocol):
    """Versions of the data, one of them live; `root` is the folder of what loads keep beside them."""

    root: Path

    def pointer(self) -> Pointer | None:
        """Return what is live, or None before the first load."""

    def live(self) -> Pointer:
        """Return what is live; raises NotReadyError before the first load."""

    def current(self) -> Snapshot:
        """Return the live version to read from; raises NotReadyError before the first load."""

    def writing(self) -> contextlib.AbstractContextManager[None]:
        """Hold the one writer's lock; other writers wait."""

    def publish(self, build: Build, now: str, update: Update | None = None) -> Pointer:
        """Make what `build(connection)` puts into an empty DuckDB the live version; the caller holds `writing()`.

        `update(connection)`, tried first where there is a copy of the live one, makes the same of it and returns the
        days that changed, or raises RebuildError.
        When anything fails, the version before stays live and nothing is left behind.
        """

    def verify(self) -> Pointer | None:
        """Return what is live after checking that it is whole; raises SalescopeError otherwise."""


@contextlib.contextmanager
def writer_lock(root: Path) -> Iterator[None]:
    """Hold the lock of the one writer on this machine; others wait."""
    root.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (root / "LOCK").open("w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def building_file(root: Path, version: int) -> Path:
    """Return where this process builds a version."""
    return root / f".build-{version:04d}-{os.getpid()}.duckdb"


@contextlib.contextmanager
def building_connection(path: Path, config: Mapping[str, str]) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open a new DuckDB file to build a version in; it spills beside the file."""
    with duckdb.connect(str(path), config={**config, "memory_limit": BUILD_MEMORY}) as connection:
        connection.execute("SET temp_directory = ?", [str(path) + ".tmp"])
        yield connection


def updated(copied: Path, building: Path, update: Update, config: Mapping[str, str]) -> Touched | None:
    """Bring a copy of a version's file up to date; return the days that changed.

    None where the version is to be built from nothing; nothing is left of the copy then.
    """
    try:
        shutil.copyfile(copied, building)
        with building_connection(building, config) as connection:
            touched = update(connection)
            connection.execute("CHECKPOINT")
    except RebuildError as reason:
        log.info("The version is built from nothing: %s", reason)
        sweep_unfinished(building.parent)
        return None
    return touched


def sweep_unfinished(root: Path) -> None:
    """Remove builds and files of loads that nobody finished; the caller holds the writer's lock."""
    for orphan in (*root.glob(".build-*"), *root.glob("loads/*.part")):
        remove(orphan)


def file_digest(path: Path) -> str:
    """Return the SHA-256 of a file's content, as hex."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def sync(path: Path) -> None:
    """Make sure that a file or folder is on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def remove(path: Path) -> None:
    """Remove a file, or a folder with all in it."""
    if path.is_dir():
        for child in path.iterdir():
            remove(child)
        path.rmdir()
    else:
        path.unlink(missing_ok=True)


def rows_of(
    snapshot: Snapshot, statement: sa.Executable, seconds: float = 30.0, unwanted: Callable[[], bool] = never
) -> list[dict[str, Any]]:
    """Run a statement on a snapshot and return its rows as dictionaries.

    Raises QueryError for one that takes longer than `seconds` or turns out `unwanted()`, AwayError when the server
    does not answer.
    """
    with reading(snapshot.engine, seconds, unwanted) as connection:
        rows = [dict(row) for row in connection.execute(statement).mappings()]
    snapshot.used()
    return rows


def columns_of(
    snapshot: Snapshot, statement: sa.Executable, seconds: float = 30.0, unwanted: Callable[[], bool] = never
) -> dict[str, npt.NDArray[Any]]:
    """Run a statement on a snapshot and return its columns; decimals as doubles, nothing as None in `tolist()`.

    Raises as `rows_of` does.
    """
    with reading(snapshot.engine, seconds, unwanted) as connection:
        found = connection.execute(statement)
        if snapshot.engine.dialect.name == "duckdb" and found.cursor is not None:
            columns = dict(found.cursor.fetchnumpy())
        else:
            rows = found.all()
            columns = {name: _column([row[place] for row in rows]) for place, name in enumerate(found.keys())}
    snapshot.used()
    return columns


def _column(values: list[Any]) -> npt.NDArray[Any]:
    if any(isinstance(value, dt.datetime) for value in values):
        return np.array(values, "datetime64[us]")
    column = np.empty(len(values), object)
    column[:] = values
    return column


def coverage_of(snapshot: Snapshot) -> Mapping[str, Any]:
    """Return what a version covers: line_count, first_time, last_time, has_hours, model_name."""
    return snapshot.coverage or rows_of(snapshot, sa.text("SELECT * FROM coverage"))[0]
