"""Loading: staged tables -> a prepared load -> a new snapshot of the warehouse; and taking loads back."""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb

from services import batches
from services.binding import staged_sources
from services.database import utc_now
from services.errors import LoadError, NotReadyError, SalescopeError, UserError
from services.ledger import (
    LOAD_STRIDE,
    Load,
    Mode,
    build,
    facts_select,
    in_force,
    keeps_to_its_days,
    loads,
    period_of,
    read_file,
    same_key,
    update,
    write_file,
)
from services.model import SalesModel
from services.prepared import Prepared
from services.preparing import Progress, prepare
from services.recipe import Recipe
from services.scratch import require_space
from services.sqltext import name_of, one, path_of
from services.touched import Touched
from services.warehouse import Pointer, Warehouse, sync

__all__ = ["LOAD_STRIDE", "Load", "Loaded", "Mode", "Overlap", "load", "loads", "publish", "publish_parquet", "undo"]

Build = Callable[[duckdb.DuckDBPyConnection], None]


@dataclass(frozen=True)
class Loaded:
    """Outcome of a load: the ledger entry, the live version, whether anything changed, what was there already."""

    load: Load
    version: int
    changed: bool
    overlap: Overlap | None = None


@dataclass(frozen=True)
class Overlap:
    """What a load has in common with the data that are there.

    `lines` of the data lie between the load's first and last day; `identical` of the load's lines stand there in
    every column; `same_key` of them have a key that is there (0 when the recipe names none).
    """

    first: dt.datetime
    last: dt.datetime
    lines: int
    identical: int
    same_key: int

    def describe(self) -> str:
        """Return the overlap in a sentence."""
        found = f"{self.identical:,} of the new lines are there already, in every column" if self.identical else ""
        keys = f"{self.same_key:,} have a key that is there already" if self.same_key else ""
        more = "; ".join(part for part in (found, keys) if part) or "none of the new lines is among them"
        return f"The data already hold {self.lines:,} lines from {self.first:%Y-%m-%d} to {self.last:%Y-%m-%d}; {more}."


class OverlapError(LoadError):
    """A load overlaps with the data and nobody said what to do about it."""

    def __init__(self, overlap: Overlap) -> None:
        self.overlap = overlap
        modes = ", ".join(mode.value for mode in Mode)
        super().__init__(f"{overlap.describe()} Nothing was published. Choose what to do with them: {modes}.")


class RejectedError(LoadError):
    """Some rows cannot be taken and nobody allowed to load the others."""

    def __init__(self, prepared: Prepared) -> None:
        self.prepared = prepared
        super().__init__(
            f"{prepared.refused:,} of {prepared.rows_read:,} rows cannot be taken; nothing was published. Correct the "
            "rows of the reject report, or load the good ones only."
        )


class ModelMismatchError(LoadError):
    """The installation holds data of another model."""


def publish(
    warehouse: Warehouse,
    model: SalesModel,
    prepared: Prepared,
    *,
    by: str,
    mode: Mode | None = None,
    keep_good: bool = False,
    progress: Progress = lambda stage, share: None,
    commit: Callable[[], None] = lambda: None,
) -> Loaded:
    """Publish a prepared load and remove its folder; `commit` is called before anything becomes visible.

    Without a `mode` the lines are appended, unless they overlap with what is there. The same content under the
    same recipe is recognised and changes nothing. Raises RejectedError when rows were refused and `keep_good` is
    not set, OverlapError, ModelMismatchError, LoadError; the live snapshot then stays as it is.
    """
    if prepared.refused and not keep_good:
        raise RejectedError(prepared)
    if not prepared.rows_kept:
        raise LoadError(f"None of the {prepared.rows_read:,} rows can be taken; see the reject report.")
    with warehouse.writing():
        progress("Reading the ledger", 0.55)
        ledger = ledger_to_go_on(warehouse)
        known = _known(ledger, prepared.digest)
        if known is not None and mode is not Mode.START_OVER:
            prepared.discard_alike()
            return Loaded(known, warehouse.live().version, changed=False)
        start = Mode.START_OVER if mode is Mode.START_OVER else Mode.APPEND
        entry = _entry(prepared, ledger, by, mode or start)
        require_model(ledger, entry.model, entry.mode)
        overlap = None if entry.mode is Mode.START_OVER else _overlap(warehouse, model, ledger, entry, prepared.facts)
        if overlap is not None and mode is None:
            raise OverlapError(overlap)
        commit()
        progress("Building the snapshot", 0.6)
        _keep(prepared.facts, entry.parquet(warehouse.root))
        if prepared.report.exists():
            _keep(prepared.report, report_path(warehouse.root, entry.digest))
        pointer = _publish(warehouse, model, [*ledger, entry])
        prepared.discard_alike()
        progress("Published", 1.0)
        return Loaded(entry, pointer.version, changed=True, overlap=overlap)


def publish_parquet(
    warehouse: Warehouse,
    model: SalesModel,
    parquet: Path,
    *,
    name: str,
    by: str,
    digest: str,
    extra: Build = lambda connection: None,
) -> Loaded:
    """Append a Parquet file of the model's columns as one load; the caller holds `warehouse.writing()`.

    `extra(connection)` runs inside the build of the snapshot, in the same step as the facts.
    """
    ledger = ledger_to_go_on(warehouse)
    known = _known(ledger, digest)
    if known is not None:
        return Loaded(known, warehouse.live().version, changed=False)
    time = name_of(model.facts.time)
    with duckdb.connect() as connection:
        rows, first, last = one(
            connection,
            f"SELECT count(*), min({time}), max({time}) FROM read_parquet(?)",
            [str(parquet)],
        )
    entry = Load(digest, name, rows, rows, 0, first, last, utc_now(), by, number=_next(ledger), model=model.name)
    require_model(ledger, entry.model, entry.mode)
    _keep(parquet, entry.parquet(warehouse.root))
    pointer = _publish(warehouse, model, [*ledger, entry], extra)
    return Loaded(entry, pointer.version, changed=True)


def undo(warehouse: Warehouse, models: Callable[[str], SalesModel], number: int, *, by: str) -> Loaded:
    """Take a load back: publish the facts as they would be without it. Its lines are kept on disk.

    `models(name)` returns the model of the loads that are then in force.
    """
    with warehouse.writing():
        ledger = ledger_to_go_on(warehouse)
        found = next((entry for entry in ledger if entry.number == number and entry.active), None)
        if found is None:
            raise UserError(
                f"There is no load number {number} that could be taken back. `salescope load --list` shows all."
            )
        taken = replace(found, undone_at=utc_now(), undone_by=by)
        after = [taken if entry is found else entry for entry in ledger]
        remaining = in_force(after) or [taken]
        pointer = _publish(warehouse, models(remaining[-1].model), after)
        return Loaded(taken, pointer.version, changed=True)


def load(
    warehouse: Warehouse,
    model: SalesModel,
    recipe: Recipe,
    folder: Path,
    *,
    by: str,
    mode: Mode | None = Mode.APPEND,
    keep_good: bool = False,
    progress: Progress = lambda stage, share: None,
) -> Loaded:
    """Load the files a recipe names, relative to `folder`, and publish them; see `publish`."""
    with staged_sources(warehouse.root, recipe, folder, progress) as bound:
        prepared = prepare(warehouse.root, model, recipe, bound, progress=progress)
    try:
        return publish(warehouse, model, prepared, by=by, mode=mode, keep_good=keep_good, progress=progress)
    except LoadError:
        prepared.discard()
        raise


def report_path(root: Path, digest: str) -> Path:
    """Return where the reject report of a published load is kept."""
    return root / "loads" / f"{digest}.rejects.parquet"


def ledger_to_go_on(warehouse: Warehouse) -> list[Load]:
    """Return the ledger a next version is made from: that of the live one, however damaged its snapshot is."""
    try:
        warehouse.verify()
    except NotReadyError:
        raise
    except SalescopeError:
        pointer = warehouse.pointer()
        return read_file(warehouse.root, pointer.version) if pointer else []
    return loads(warehouse)


def _publish(
    warehouse: Warehouse, model: SalesModel, ledger: Sequence[Load], extra: Build = lambda connection: None
) -> Pointer:
    require_space(warehouse.root, sum(entry.parquet(warehouse.root).stat().st_size for entry in in_force(ledger)))

    before = warehouse.pointer()
    version = before.version + 1 if before else 1
    write_file(warehouse.root, version, ledger)

    def fill(connection: duckdb.DuckDBPyConnection) -> None:
        build(connection, warehouse.root, model, ledger, version)
        batches.carry(connection, warehouse)
        extra(connection)

    def renew(connection: duckdb.DuckDBPyConnection) -> Touched:
        touched = update(connection, warehouse.root, model, ledger, version)
        extra(connection)
        return touched

    shorter = renew if keeps_to_its_days(ledger) else None
    return warehouse.publish(fill, utc_now().isoformat(timespec="seconds"), shorter)


def _keep(made: Path, kept: Path) -> None:
    """Copy a file to where loads are kept, whole or not at all, and make sure it is on the disk."""
    kept.parent.mkdir(exist_ok=True, mode=0o700)
    partial = kept.with_suffix(".part")
    shutil.copyfile(made, partial)
    sync(partial)
    partial.replace(kept)
    sync(kept.parent)


def _known(ledger: Iterable[Load], digest: str) -> Load | None:
    return next((entry for entry in in_force([*ledger]) if entry.digest == digest), None)


def _next(ledger: Sequence[Load]) -> int:
    return max((entry.number for entry in ledger), default=-1) + 1


def _entry(prepared: Prepared, ledger: Sequence[Load], by: str, mode: Mode) -> Load:
    if mode is Mode.REPLACE_KEY and not prepared.key:
        raise LoadError(
            f"The recipe {prepared.name!r} names no key, so nothing tells which lines to replace. Add one to it, "
            "such as key: [order_id], or replace the period."
        )
    if prepared.first_time is None or prepared.last_time is None:
        raise LoadError("The load has no line.")
    return Load(
        digest=prepared.digest,
        name=prepared.name,
        rows_read=prepared.rows_read,
        rows_kept=prepared.rows_kept,
        rows_left_out=prepared.rows_left_out,
        first_time=prepared.first_time,
        last_time=prepared.last_time,
        loaded_at=utc_now(),
        loaded_by=by,
        number=_next(ledger),
        model=prepared.model,
        mode=mode,
        rows_rejected=prepared.rows_rejected,
        files=prepared.files,
        key=prepared.key,
        totals=tuple(prepared.totals.items()),
    )


def require_model(ledger: Sequence[Load], model: str, mode: Mode | None) -> None:
    """Raise ModelMismatchError when data of another model are in force and the mode does not start over."""
    present = in_force(ledger)
    if present and mode is not Mode.START_OVER and present[-1].model not in ("", model):
        raise ModelMismatchError(
            f"This installation holds data of the model {present[-1].model!r}; these are for {model!r}. "
            f"Start over with them ({Mode.START_OVER.value}; the present loads stay in the list and can be taken up "
            "again by undoing), or use another folder: SALESCOPE_INSTANCE=…"
        )


def _overlap(
    warehouse: Warehouse, model: SalesModel, ledger: Sequence[Load], entry: Load, facts: Path
) -> Overlap | None:
    """Return what the new lines share with those in the data, or None when their days do not meet."""
    if not in_force(ledger):
        return None
    first, after = period_of(entry)
    time = name_of(model.facts.time)
    columns = ", ".join(name_of(name) for name in model.facts.columns if name != model.facts.key)
    with duckdb.connect(config={"memory_limit": "1GB"}) as connection:
        lines = facts_select(connection, warehouse.root, model, ledger)
        connection.execute(
            f"CREATE TABLE there AS SELECT * FROM ({lines}) "
            f"WHERE {time} >= TIMESTAMP '{first}' AND {time} < TIMESTAMP '{after}'"
        )
        (found,) = one(connection, "SELECT count(*) FROM there")
        if not found:
            return None
        new = f"read_parquet('{path_of(facts)}')"
        (identical,) = one(
            connection,
            f"SELECT count(*) FROM (SELECT {columns} FROM {new} INTERSECT ALL SELECT {columns} FROM there)",
        )
        same = 0
        if entry.key:
            there = same_key(entry.key, "there")
            (same,) = one(connection, f"SELECT count(*) FROM {new} AS line WHERE {there}")
        return Overlap(first, entry.last_time, found, identical, same)
