"""DuckWarehouse: versions of the data as immutable DuckDB files in one folder.

`<root>/NNNN.duckdb` are snapshots, `<root>/CURRENT` (JSON) names the live one with its checksum.
"""

from __future__ import annotations

import contextlib
import logging
import os
import threading
import time
import weakref
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, replace
from pathlib import Path

import orjson
import sqlalchemy as sa
from sqlalchemy.pool import QueuePool

from services.errors import NotReadyError, SalescopeError
from services.priority import lower_thread
from services.warehouse import (
    HARDENED,
    KEEP,
    NO_DATA,
    Build,
    Pointer,
    Snapshot,
    Update,
    building_connection,
    building_file,
    file_digest,
    remove,
    sweep_unfinished,
    sync,
    updated,
    writer_lock,
)

log = logging.getLogger("salescope")
#: Statements after which a file is opened anew: until it is closed DuckDB 2.0 keeps 0.5 to 3 kB of each that groups.
RENEW_AFTER = 4_000

#: No query takes as long as this: an older folder of spilled data has no owner any more.
SPILL_SECONDS = 24 * 3600


class _Wear:
    """Counts the statements on a file, and opens it anew after RENEW_AFTER, when none runs."""

    def __init__(self, engine: sa.Engine, path: Path) -> None:
        self._engine, self._path, self._statements, self._lock = engine, path, 0, threading.Lock()

    def __call__(self) -> None:
        """Count one."""
        self._statements += 1
        pool = self._engine.pool
        busy = not isinstance(pool, QueuePool) or pool.checkedout() > 0
        if self._statements < RENEW_AFTER or busy or not self._path.exists() or not self._lock.acquire(blocking=False):
            return
        try:
            self._statements = 0
            self._engine.dispose()
            # Where it cannot be opened the next statement says why: this one has its answer.
            with contextlib.suppress(sa.exc.SQLAlchemyError):
                _start(self._engine)
        finally:
            self._lock.release()


def _start(engine: sa.Engine) -> None:
    """Open a DuckDB file: the first connection starts its threads, which give way; queries keep their own thread."""
    with ThreadPoolExecutor(1, "opening", lower_thread) as opening:
        opening.submit(lambda: engine.connect().close()).result()


class DuckWarehouse:
    """Reads and publishes the snapshots in one folder.

    `memory` and `threads` limit each process; spills go to a folder of this process under `root`.
    """

    def __init__(self, root: Path, *, memory: str = "1GB", threads: int = 2) -> None:
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
        pointer = self._whole()
        path = self.root / pointer.file
        previous = self._open[1] if self._open else None
        if previous is not None and previous.version == pointer.version:
            return previous
        engine = sa.create_engine(
            f"duckdb:///{path}",
            poolclass=QueuePool,
            pool_size=8,
            max_overflow=8,
            connect_args={"read_only": True, "config": HARDENED | self._config | {"temp_directory": self._spill()}},
        )
        # Each statement reads a snapshot that never changes: beginning and ending a transaction would only take time.
        engine.dialect.do_begin = engine.dialect.do_rollback = lambda *_: None  # type: ignore[method-assign]
        # DuckDB's threads must end before the interpreter does: this closes the file at exit at the latest.
        weakref.finalize(self, engine.dispose)
        _start(engine)
        if previous is not None:
            previous.engine.dispose()
        return Snapshot(pointer.version, pointer.published_at, engine, used=_Wear(engine, path))

    def _spill(self) -> str:
        """Return where this process alone puts what does not fit its memory; what crashes left behind goes away."""
        for path in self.root.glob("spill-*"):
            with contextlib.suppress(OSError):
                if time.time() - path.stat().st_mtime > SPILL_SECONDS:
                    remove(path)
        # One process may open a file in one way only: all its warehouses in a folder share the place.
        return str(self.root.resolve() / f"spill-{os.getpid()}")

    def _whole(self) -> Pointer:
        """Return the live pointer, or the one before when the live file is damaged or missing."""
        pointer = self.live()
        try:
            self._check(pointer)
        except SalescopeError as error:
            before = Pointer(**pointer.previous) if pointer.previous else None
            if before is None:
                raise
            self._check(before)
            log.error("%s Version %d is served instead.", error, before.version)
            return before
        return pointer

    def _check(self, pointer: Pointer) -> None:
        path = self.root / pointer.file
        if not path.exists():
            raise SalescopeError(f"The snapshot {path} named by CURRENT is missing. Load the data again.")
        if file_digest(path) != pointer.sha256:
            raise SalescopeError(f"The snapshot {path} is damaged: its checksum differs. Load the data again.")

    @contextlib.contextmanager
    def writing(self) -> Iterator[None]:
        """Hold the one writer's lock; other writers wait."""
        with writer_lock(self.root):
            yield

    def publish(self, build: Build, now: str, update: Update | None = None) -> Pointer:
        """Build the next snapshot with `build(connection)`, or by `update(connection)` of a copy; make it the live one.

        The caller holds `writing()`. When `build` raises, the live snapshot stays and nothing is left behind.
        """
        before = self.pointer()
        version = before.version + 1 if before else 1
        self._collect(keep=before)
        building = building_file(self.root, version)
        try:
            if update is None or before is None or not self._updated(building, before, update):
                self._fill(building, build)
            sync(building)
            final = self.root / f"{version:04d}.duckdb"
            building.rename(final)
        except BaseException:
            self._collect(keep=before)
            raise
        previous = asdict(replace(before, previous=None)) if before else None
        pointer = Pointer(version, final.name, file_digest(final), now, previous)
        self._point(pointer)
        self._collect(keep=pointer)
        return pointer

    def _fill(self, building: Path, build: Build) -> None:
        with building_connection(building, self._config) as connection:
            build(connection)
            connection.execute("CHECKPOINT")

    def _updated(self, building: Path, before: Pointer, update: Update) -> bool:
        """Tell whether a copy of the version before could be brought up to date; nothing is left of one that not."""
        try:
            self._check(before)
        except SalescopeError:
            return False
        return updated(self.root / before.file, building, update, self._config) is not None

    def _point(self, pointer: Pointer) -> None:
        fresh = self.root / ".CURRENT.new"
        fresh.write_bytes(orjson.dumps(asdict(pointer)))
        sync(fresh)
        fresh.rename(self.root / "CURRENT")
        sync(self.root)

    def _collect(self, keep: Pointer | None) -> None:
        """Remove builds nobody finished and all but the last versions (open readers keep theirs)."""
        sweep_unfinished(self.root)
        newest = keep.version if keep else 0
        for path in self.root.glob("[0-9]*.duckdb"):
            version = int(path.stem)
            if version > newest or version <= newest - KEEP:
                remove(path)

    def verify(self) -> Pointer | None:
        """Return the pointer after comparing the live file with its checksum; raises SalescopeError if damaged."""
        pointer = self.pointer()
        if pointer is not None:
            self._check(pointer)
        return pointer
