"""The inbox: orders that programs sent, kept on the disk the moment they are taken, and their way into the snapshot.

`<warehouse>/inbox/<batch>.parquet` is one accepted batch, whole or not there at all; its name is a digest of sender and
idempotency key. A publisher folds all that lie there into one load, whose snapshot remembers them in the table
`batches`, and then removes the files. Wherever it is interrupted, the next one finds either the file alone, and
publishes it, or the file and its row, and removes the file.

Two locks order the publishers: one works under PUBLISHER; the next waits for it under WAITING, and has not looked into
the inbox yet, so that whoever finds WAITING taken can be sure that their file will be seen.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import hashlib
import logging
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb
import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from services import batches
from services.batches import Batch
from services.database import utc_now
from services.errors import LoadError, NotReadyError
from services.loading import Loaded, publish_parquet
from services.model import EMPTY, SalesModel
from services.orders import OrderForm, Record
from services.processes import locked, spawn, try_lock
from services.sqltext import name_of, path_of
from services.warehouse import NO_DATA, Warehouse, sync

log = logging.getLogger("salescope")

COMMAND = (sys.executable, "-m", "salescope", "publish-inbox")
LOAD_NAME = "orders by API"
MAX_KEY = 200
#: Files that nobody finished are removed after this.
STALE_SECONDS = 3600


class KeyReusedError(LoadError):
    """An idempotency key came a second time with other orders."""


@dataclass(frozen=True)
class _Pending:
    """An accepted batch that is not published: its file, and what the file says of itself."""

    path: Path
    batch: Batch
    model: str
    by: str


class Inbox:
    """Accepted batches of one warehouse."""

    def __init__(self, warehouse: Warehouse, command: Sequence[str] = COMMAND) -> None:
        self._warehouse, self._command = warehouse, tuple(command)
        self.folder = warehouse.root / "inbox"

    def accept(
        self, model: SalesModel, records: Iterable[Record], *, user_id: int, by: str, key: str
    ) -> tuple[Batch, bool]:
        """Check orders, write them to the disk and return their batch, and whether it is a new one.

        When this returns the orders are safe. The same key with the same orders is the same batch, published or not.
        Raises RefusedOrdersError when any of them is not as the model says, KeyReusedError, NotReadyError before the
        first load.
        """
        if model is EMPTY:
            raise NotReadyError(NO_DATA)
        if not 1 <= len(key) <= MAX_KEY or not key.isprintable():
            raise LoadError(f"The idempotency key must have 1 to {MAX_KEY} printable characters.")
        identity = hashlib.sha256(f"{user_id}\n{key}".encode()).hexdigest()
        with self._written(model, records, by) as (path, batch):
            return self._keep(path, replace(batch, batch=identity))

    def temporary(self) -> Path:
        """Return a new file in the inbox's folder, to be removed by the caller."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle, name = tempfile.mkstemp(dir=self.folder, prefix=".")
        os.close(handle)
        return Path(name)

    @contextlib.contextmanager
    def _written(self, model: SalesModel, records: Iterable[Record], by: str) -> Iterator[tuple[Path, Batch]]:
        form, content, rows, now = OrderForm(model), hashlib.sha256(), 0, utc_now()
        path = self.temporary()
        try:
            with pq.ParquetWriter(path, form.schema) as writer:
                for columns in form.batches(records):
                    content.update(orjson.dumps(columns, default=str))
                    made = pa.RecordBatch.from_pydict(columns, schema=form.schema)
                    rows += made.num_rows
                    writer.write_batch(made)
                said = {"content": content.hexdigest(), "model": model.name, "by": by, "at": now.isoformat()}
                writer.add_key_value_metadata({"salescope": orjson.dumps(said).decode()})
            if not rows:
                raise LoadError("There is no order in it.")
            sync(path)
            yield path, Batch("", content.hexdigest(), rows, "", now)
        finally:
            path.unlink(missing_ok=True)

    def _keep(self, path: Path, batch: Batch) -> tuple[Batch, bool]:
        """Give a written file its name, unless the batch is there already, pending or published."""
        final = self.folder / f"{batch.batch}.parquet"
        while True:
            if known := batches.published(self._warehouse, batch.batch):
                return _same(known[0], batch), False
            try:
                final.hardlink_to(path)
            except FileExistsError:
                # It may be published and removed in this very moment; then the next round finds it in the snapshot.
                with contextlib.suppress(FileNotFoundError):
                    return _same(_pending(final).batch, batch), False
                continue
            sync(self.folder)
            if known := batches.published(self._warehouse, batch.batch):
                final.unlink(missing_ok=True)
                return _same(known[0], batch), False
            return batch, True

    def wake(self) -> None:
        """Start a publisher, unless one is about to look into the inbox anyway."""
        waiting = try_lock(self.folder / "WAITING")
        if waiting is None:
            return
        try:
            command = [*self._command, "--waiting", str(waiting)]
            spawn(command, log=self.folder / "log", locks=(waiting,))
        finally:
            os.close(waiting)

    def pending(self) -> list[Path]:
        """Return the files of batches that are not published, or not removed yet."""
        return sorted(self.folder.glob("*.parquet"))

    def publish_pending(self, in_use: Callable[[], SalesModel], *, waiting: int | None = None) -> Iterator[Loaded]:
        """Publish what lies in the inbox until nothing does, and yield what was published.

        Nothing happens when somebody else is about to; `waiting` is the descriptor of WAITING when it is held already.
        Raises LoadError when batches are left that were accepted for another model than the one in use.
        """
        waiting = try_lock(self.folder / "WAITING") if waiting is None else waiting
        if waiting is None:
            return
        with locked(self.folder / "PUBLISHER"):
            os.close(waiting)
            self._sweep()
            while loaded := self._publish(in_use):
                yield loaded
        model = in_use()
        left = [each for path in self.pending() if (each := _pending(path)).model != model.name]
        if left:
            raise LoadError(
                f"{len(left)} batches of orders wait in {self.folder}: they were accepted for the model "
                f"{left[0].model!r}, the data are of {model.name!r} now. They are published when data of their model "
                "are live again."
            )

    def _publish(self, in_use: Callable[[], SalesModel]) -> Loaded | None:
        with self._warehouse.writing():
            model = in_use()
            there = {each.batch for each in batches.published(self._warehouse)}
            for path in self.pending():
                if path.stem in there:
                    path.unlink()
            found = [each for path in self.pending() if (each := _pending(path)).model == model.name]
            if not found:
                return None
            loaded = self._fold_and_publish(model, found)
        for each in found:
            each.path.unlink()
        return loaded

    def _fold_and_publish(self, model: SalesModel, found: Sequence[_Pending]) -> Loaded:
        names = "\n".join(f"{each.batch.batch}:{each.batch.content}" for each in found)
        digest = hashlib.sha256(names.encode()).hexdigest()
        folded = self.temporary()

        def remember(connection: duckdb.DuckDBPyConnection) -> None:
            batches.add(connection, [replace(each.batch, load=digest) for each in found])

        try:
            _fold(model, [each.path for each in found], folded)
            people = ", ".join(sorted({each.by for each in found}))
            return publish_parquet(
                self._warehouse, model, folded, name=LOAD_NAME, by=people, digest=digest, extra=remember
            )
        finally:
            folded.unlink()

    def _sweep(self) -> None:
        """Remove what requests and publishers left unfinished."""
        for path in self.folder.glob(".*"):
            with contextlib.suppress(FileNotFoundError):
                if time.time() - path.stat().st_mtime > STALE_SECONDS:
                    path.unlink()


def _same(known: Batch, batch: Batch) -> Batch:
    if known.content != batch.content:
        raise KeyReusedError(
            "This idempotency key was used for other orders. Send the same orders again, or these under a new key."
        )
    return known


def _pending(path: Path) -> _Pending:
    with pq.ParquetFile(path) as file:
        rows, metadata = file.metadata.num_rows, file.metadata.metadata
    said = orjson.loads(metadata[b"salescope"])
    batch = Batch(path.stem, said["content"], rows, "", dt.datetime.fromisoformat(said["at"]))
    return _Pending(path, batch, said["model"], said["by"])


def _fold(model: SalesModel, paths: Sequence[Path], target: Path) -> None:
    """Write the orders of all files into one, numbered."""
    files = ", ".join(f"'{path_of(path)}'" for path in paths)
    columns = ", ".join(name_of(name) for name in OrderForm(model).columns)
    with duckdb.connect(config={"memory_limit": "1GB", "threads": "2"}) as connection:
        connection.execute(
            f"COPY (SELECT row_number() OVER () AS {name_of(model.facts.key)}, {columns} "  # noqa: S608
            f"FROM read_parquet([{files}], union_by_name = true)) "
            f"TO '{path_of(target)}' (FORMAT parquet, USE_TMP_FILE false)"
        )
