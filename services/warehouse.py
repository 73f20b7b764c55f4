"""The embedded warehouse: immutable DuckDB snapshots behind an atomic pointer.

`<root>/NNNN.duckdb` are snapshots, `<root>/CURRENT` (JSON) names the live one with its checksum. A publish builds
the next snapshot beside the live one under a file lock and swaps the pointer; readers open snapshots read-only
and move to a new one when the pointer changes. A crash at any moment leaves the last pointer valid.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import threading
import weakref
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import duckdb
import orjson
import sqlalchemy as sa
from sqlalchemy.pool import QueuePool

from services.errors import NotReadyError, SalescopeError

KEEP = 3
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
    """The content of CURRENT."""

    version: int
    file: str
    sha256: str
    published_at: str


@dataclass(frozen=True)
class Snapshot:
    """An open snapshot: its version and a read-only engine."""

    version: int
    published_at: str
    engine: sa.Engine


class Warehouse:
    """Reads and publishes the snapshots in one folder.

    `memory` and `threads` limit each process; spills go to a folder of this process under `root`.
    """

    def __init__(self, root: Path, *, memory: str = "2GB", threads: int = 2) -> None:
        self.root = root
        self._config = {"memory_limit": memory, "threads": str(threads)}
        self._lock = threading.Lock()
        self._open: tuple[int, Snapshot] | None = None

    def pointer(self) -> Pointer | None:
        """Return what CURRENT names, or None before the first load."""
        try:
            return Pointer(**orjson.loads((self.root / "CURRENT").read_bytes()))
        except FileNotFoundError:
            return None
        except (orjson.JSONDecodeError, TypeError) as error:
            raise SalescopeError(f"{self.root / 'CURRENT'} is damaged ({error}). Load the data again.") from None

    def live(self) -> Pointer:
        """Return what CURRENT names; raises NotReadyError before the first load."""
        pointer = self.pointer()
        if pointer is None:
            raise NotReadyError(NO_DATA)
        return pointer

    def current(self) -> Snapshot:
        """Return the live snapshot, opened once per process and version.

        Raises NotReadyError before the first load.
        """
        try:
            changed = (self.root / "CURRENT").stat()
        except FileNotFoundError:
            raise NotReadyError(NO_DATA) from None
        stamp = changed.st_ino ^ changed.st_mtime_ns
        opened = self._open
        if opened is not None and opened[0] == stamp:
            return opened[1]
        with self._lock:
            if self._open is None or self._open[0] != stamp:
                self._open = (stamp, self._open_snapshot())
            return self._open[1]

    def _open_snapshot(self) -> Snapshot:
        pointer = self.live()
        path = self.root / pointer.file
        if not path.exists():
            raise SalescopeError(f"The snapshot {path} named by CURRENT is missing. Load the data again.")
        previous = self._open[1] if self._open else None
        if previous is not None and previous.version == pointer.version:
            return previous
        engine = sa.create_engine(
            f"duckdb:///{path}",
            poolclass=QueuePool,
            pool_size=8,
            max_overflow=8,
            connect_args={"read_only": True, "config": HARDENED | self._config},
        )
        # DuckDB's threads must end before the interpreter does: this closes the file at exit at the latest.
        weakref.finalize(self, engine.dispose)
        if previous is not None:
            previous.engine.dispose()
        return Snapshot(pointer.version, pointer.published_at, engine)

    @contextlib.contextmanager
    def writing(self) -> Iterator[None]:
        """Hold the one writer's lock; other writers wait."""
        self.root.mkdir(parents=True, exist_ok=True, mode=0o700)
        with (self.root / "LOCK").open("w", encoding="ascii") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def publish(self, build: Callable[[duckdb.DuckDBPyConnection], None], now: str) -> Pointer:
        """Build the next snapshot with `build(connection)` and make it the live one.

        The caller holds `writing()`. When `build` raises, the live snapshot stays and nothing is left behind.
        """
        before = self.pointer()
        version = before.version + 1 if before else 1
        self._collect(keep=before)
        building = self.root / f".build-{version:04d}-{os.getpid()}.duckdb"
        try:
            with duckdb.connect(str(building), config=dict(self._config)) as connection:
                connection.execute("SET temp_directory = ?", [str(building) + ".tmp"])
                build(connection)
                connection.execute("CHECKPOINT")
            _sync(building)
            final = self.root / f"{version:04d}.duckdb"
            building.rename(final)
        except BaseException:
            self._collect(keep=before)
            raise
        pointer = Pointer(version, final.name, file_digest(final), now)
        self._point(pointer)
        self._collect(keep=pointer)
        return pointer

    def _point(self, pointer: Pointer) -> None:
        fresh = self.root / ".CURRENT.new"
        fresh.write_bytes(orjson.dumps(asdict(pointer)))
        _sync(fresh)
        fresh.rename(self.root / "CURRENT")
        _sync(self.root)

    def _collect(self, keep: Pointer | None) -> None:
        """Remove builds nobody finished and all but the last versions (open readers keep theirs)."""
        for orphan in (*self.root.glob(".build-*"), *self.root.glob("loads/*.part")):
            _remove(orphan)
        newest = keep.version if keep else 0
        for path in self.root.glob("[0-9]*.duckdb"):
            version = int(path.stem)
            if version > newest or version <= newest - KEEP:
                _remove(path)

    def verify(self) -> Pointer | None:
        """Return the pointer after comparing the live file with its checksum; raises SalescopeError if damaged."""
        pointer = self.pointer()
        if pointer is None:
            return None
        path = self.root / pointer.file
        if not path.exists():
            raise SalescopeError(f"The snapshot {path} named by CURRENT is missing. Load the data again.")
        if file_digest(path) != pointer.sha256:
            raise SalescopeError(f"The snapshot {path} is damaged: its checksum differs. Load the data again.")
        return pointer


def file_digest(path: Path) -> str:
    """Return the SHA-256 of a file's content, as hex."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _remove(path: Path) -> None:
    if path.is_dir():
        for child in path.iterdir():
            _remove(child)
        path.rmdir()
    else:
        path.unlink(missing_ok=True)


def rows_of(snapshot: Snapshot, statement: sa.Executable) -> list[dict[str, Any]]:
    """Run a statement on a snapshot and return its rows as dictionaries."""
    with snapshot.engine.connect() as connection:
        return [dict(row) for row in connection.execute(statement).mappings()]
