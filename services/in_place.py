"""A database whose own tables are the facts: nothing is copied, nothing can be loaded."""

from __future__ import annotations

import contextlib
import hashlib
import threading
import time
import weakref
from collections.abc import Iterator
from pathlib import Path

import sqlalchemy as sa

from services.dialects import reading
from services.errors import NotReadyError, SalescopeError, UserError
from services.model import SalesModel
from services.postgres_reading import reading_engine
from services.warehouse import NO_DATA, Build, Pointer, Snapshot, Update

LOOK_EVERY = 15.0
NO_LOADS = (
    "The data are used where they are, in a database, so nothing can be loaded beside them. To load data instead, "
    "run: salescope connect --off"
)


class InPlace:
    """Reads the tables that the `place` of a model names; `root` is the folder of what other data may be there.

    A version is how many lines there are and when the first and the last were; looked at every LOOK_EVERY seconds.
    """

    def __init__(self, url: sa.URL, model: SalesModel, root: Path, *, seconds: float = 30.0) -> None:
        self.root = root
        self._model, self._seconds = model, seconds
        self._lock = threading.Lock()
        self._looked: float | None = None
        self._snapshot: Snapshot | None = None
        self._engine = reading_engine(url, "pg_catalog", seconds=seconds)
        weakref.finalize(self, self._engine.dispose)

    def pointer(self) -> Pointer | None:
        """Return None: nothing was ever loaded."""
        return None

    def live(self) -> Pointer:
        """Raise NotReadyError: nothing was ever loaded."""
        raise NotReadyError(NO_DATA)

    def current(self) -> Snapshot:
        """Return the tables as they are; raises AwayError when the server does not answer."""
        with self._lock:
            if self._snapshot is None or self._looked is None or time.monotonic() - self._looked >= LOOK_EVERY:
                self._snapshot = self._look()
                self._looked = time.monotonic()
            return self._snapshot

    def _look(self) -> Snapshot:
        facts = self._model.table
        moment = facts.c[self._model.facts.time]
        hours = sa.func.bool_or(moment != sa.func.date_trunc(sa.literal_column("'day'"), moment))
        asked = sa.select(
            sa.func.count(moment).label("line_count"),
            sa.func.min(moment).label("first_time"),
            sa.func.max(moment).label("last_time"),
            sa.func.coalesce(hours, sa.false()).label("has_hours"),
        ).select_from(facts)
        try:
            with reading(self._engine, self._seconds) as connection:
                row = dict(connection.execute(asked).mappings().one())
        except sa.exc.DBAPIError as error:
            said = " ".join(str(error.orig).split())[:300]
            raise SalescopeError(f"The tables of the model {self._model.name!r} cannot be read: {said}") from error
        mark = hashlib.sha256(repr(sorted(row.items())).encode()).digest()
        covered = row | {"model_name": self._model.name}
        return Snapshot(int.from_bytes(mark[:6]), str(row["last_time"]), self._engine, covered)

    @contextlib.contextmanager
    def writing(self) -> Iterator[None]:
        """Raise UserError: nothing can be loaded."""
        raise UserError(NO_LOADS)
        yield

    def publish(self, build: Build, now: str, update: Update | None = None) -> Pointer:  # noqa: ARG002 - as every warehouse
        """Raise UserError: nothing can be loaded."""
        raise UserError(NO_LOADS)

    def verify(self) -> Pointer | None:
        """Read the tables once; raises SalescopeError when that fails."""
        self.current()
        return None
