"""The ledger: every load of an installation, oldest first, and which of their lines are in the facts.

It lives in the snapshot it describes, so that data and ledger change in one step. The facts are a function of
the ledger alone: taking a load back and building again gives what would have been without it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, fields, replace
from decimal import Decimal
from enum import StrEnum
from pathlib import Path

import duckdb
import orjson
import sqlalchemy as sa

from services import imaging, renewing, rollup_tables, surveying, tuning
from services.errors import LoadError, RebuildError
from services.model import SQL_TYPES, SalesModel
from services.periods import Grain
from services.sqltext import literal_type, name_of, one, path_of
from services.touched import Touched
from services.warehouse import KEEP, Warehouse, rows_of, sync

#: Line ids of one load lie below this; the load's number is added in multiples of it.
LOAD_STRIDE = 10**10


class Mode(StrEnum):
    """What a load does with the lines that are there already."""

    APPEND = "append"
    REPLACE_KEY = "replace-key"
    REPLACE_PERIOD = "replace-period"
    START_OVER = "start-over"


@dataclass(frozen=True)
class Load:
    """A load. rows_read = rows_kept + rows_left_out + rows_rejected.

    `totals` (facts column -> exact sum) and the two times are of the rows kept, for comparison with the source.
    """

    digest: str
    name: str
    rows_read: int
    rows_kept: int
    rows_left_out: int
    first_time: dt.datetime
    last_time: dt.datetime
    loaded_at: dt.datetime
    loaded_by: str
    number: int = 0
    model: str = ""
    mode: Mode = Mode.APPEND
    rows_rejected: int = 0
    files: tuple[str, ...] = ()
    key: tuple[str, ...] = ()
    totals: tuple[tuple[str, Decimal], ...] = ()
    undone_at: dt.datetime | None = None
    undone_by: str = ""

    @property
    def active(self) -> bool:
        """False once somebody took the load back."""
        return self.undone_at is None

    def parquet(self, root: Path) -> Path:
        """Return the file of the load's lines in a warehouse folder."""
        return root / "loads" / f"{self.digest}.parquet"


#: Columns of the table `loads` that are kept as JSON.
_JSON = ("files", "key", "totals")


def loads(warehouse: Warehouse) -> list[Load]:
    """Return the ledger of the live snapshot, oldest first, loads taken back included; empty before the first."""
    if warehouse.pointer() is None:
        return []
    rows = rows_of(warehouse.current(), sa.text("SELECT * FROM loads ORDER BY loaded_at"))
    known = {field.name for field in fields(Load)}
    return [
        _entry({name: value for name, value in row.items() if name in known}, index) for index, row in enumerate(rows)
    ]


def write_file(root: Path, version: int, ledger: Sequence[Load]) -> None:
    """Keep the ledger of a version beside the loads, for the case that its snapshot is damaged."""
    folder = root / "loads"
    folder.mkdir(exist_ok=True, mode=0o700)
    partial = folder / "ledger.part"
    partial.write_bytes(orjson.dumps([asdict(entry) for entry in ledger], default=str))
    sync(partial)
    partial.replace(_file(root, version))
    sync(folder)
    for old in folder.glob("ledger-*.json"):
        if old < _file(root, version - KEEP):
            old.unlink()


def read_file(root: Path, version: int) -> list[Load]:
    """Return the ledger kept of a version; raises LoadError when it is gone."""
    try:
        rows = orjson.loads(_file(root, version).read_bytes())
    except (OSError, orjson.JSONDecodeError):
        raise LoadError(f"The ledger of version {version} is gone with its snapshot; restore a backup.") from None
    times = ("first_time", "last_time", "loaded_at", "undone_at")
    return [
        _entry(
            row
            | {name: row[name] and dt.datetime.fromisoformat(row[name]) for name in times}
            | {name: _json(row[name]) for name in _JSON},
            index,
        )
        for index, row in enumerate(rows)
    ]


def _file(root: Path, version: int) -> Path:
    return root / "loads" / f"ledger-{version:06d}.json"


def _entry(row: dict[str, object], index: int) -> Load:
    entry = Load(**({"number": index} | row))  # type: ignore[arg-type]
    return replace(
        entry,
        mode=Mode(entry.mode),
        files=tuple(orjson.loads(str(row.get("files", "[]")))),
        key=tuple(orjson.loads(str(row.get("key", "[]")))),
        totals=tuple((name, Decimal(total)) for name, total in orjson.loads(str(row.get("totals", "[]")))),
    )


def in_force(ledger: Sequence[Load]) -> list[Load]:
    """Return the loads whose lines count: those not taken back, from the last one that started over."""
    active = [entry for entry in ledger if entry.active]
    starts = [index for index, entry in enumerate(active) if entry.mode is Mode.START_OVER]
    return active[starts[-1] :] if starts else active


def write(connection: duckdb.DuckDBPyConnection, ledger: Sequence[Load]) -> None:
    """Make the table `loads`."""
    connection.execute(
        "CREATE TABLE loads (digest VARCHAR, name VARCHAR, rows_read BIGINT, rows_kept BIGINT, "
        "rows_left_out BIGINT, first_time TIMESTAMP, last_time TIMESTAMP, loaded_at TIMESTAMP, loaded_by VARCHAR, "
        "number INTEGER PRIMARY KEY, model VARCHAR, mode VARCHAR, rows_rejected BIGINT, files VARCHAR, "
        "key VARCHAR, totals VARCHAR, undone_at TIMESTAMP, undone_by VARCHAR)"
    )
    rows = [asdict(entry) | {name: _json(getattr(entry, name)) for name in _JSON} for entry in ledger]
    marks = ", ".join("?" for _ in fields(Load))
    if rows:
        connection.executemany(f"INSERT INTO loads VALUES ({marks})", [list(row.values()) for row in rows])


def _json(value: object) -> str:
    return orjson.dumps(value, default=str).decode()


def facts_select(connection: duckdb.DuckDBPyConnection, root: Path, model: SalesModel, ledger: Sequence[Load]) -> str:
    """Return the DuckDB select of the facts: the lines of the loads in force that no later load replaces."""
    entries = in_force(ledger)
    parts = [_part(connection, root, model, entry, entries[index + 1 :]) for index, entry in enumerate(entries)]
    return " UNION ALL ".join(parts) or _part_of_nothing(model)


def _part(
    connection: duckdb.DuckDBPyConnection, root: Path, model: SalesModel, entry: Load, later: Sequence[Load]
) -> str:
    file = path_of(entry.parquet(root))
    there = {row[0] for row in connection.execute(f"DESCRIBE SELECT * FROM read_parquet('{file}')").fetchall()}
    columns = []
    for column, found in model.facts.columns.items():
        kind = literal_type(SQL_TYPES[found.type])
        value = f"line.{name_of(column)}" if column in there else "NULL"
        if column == model.facts.key:
            value = f"{value} + {entry.number * LOAD_STRIDE}"
        columns.append(f"CAST({value} AS {kind}) AS {name_of(column)}")
    conditions = [condition for each in later for condition in _survives(root, model, each)]
    where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
    return f"SELECT {', '.join(columns)} FROM read_parquet('{file}') AS line{where}"


def _part_of_nothing(model: SalesModel) -> str:
    columns = (
        f"CAST(NULL AS {literal_type(SQL_TYPES[column.type])}) AS {name_of(name)}"
        for name, column in model.facts.columns.items()
    )
    return f"SELECT {', '.join(columns)} WHERE false"


def _survives(root: Path, model: SalesModel, later: Load) -> Iterator[str]:
    """Yield the condition under which a line outlives a later load."""
    if later.mode is Mode.REPLACE_PERIOD:
        first, after = period_of(later)
        time = f"line.{name_of(model.facts.time)}"
        yield f"NOT ({time} >= TIMESTAMP '{first}' AND {time} < TIMESTAMP '{after}')"
    elif later.mode is Mode.REPLACE_KEY:
        newer = f"read_parquet('{path_of(later.parquet(root))}')"
        yield f"NOT {same_key(later.key, newer)}"


def same_key(key: Sequence[str], lines: str) -> str:
    """Return the condition that the key columns of `line` stand together in other lines."""
    same = " AND ".join(f"newer.{name_of(name)} IS NOT DISTINCT FROM line.{name_of(name)}" for name in key)
    return f"EXISTS (SELECT 1 FROM {lines} AS newer WHERE {same})"


def period_of(load: Load) -> tuple[dt.datetime, dt.datetime]:
    """Return the whole days a load covers: its first midnight, and the one after its last."""
    midnight = dt.time()
    last = dt.datetime.combine(load.last_time.date(), midnight)
    return dt.datetime.combine(load.first_time.date(), midnight), last + dt.timedelta(days=1)


def build(
    connection: duckdb.DuckDBPyConnection, root: Path, model: SalesModel, ledger: Sequence[Load], version: int
) -> None:
    """Fill the snapshot of a new version: facts sorted by time, the ledger, what the data cover, rollups."""
    time, key, table = name_of(model.facts.time), name_of(model.facts.key), name_of(model.facts.table)
    lines = facts_select(connection, root, model, ledger)
    connection.execute(f"CREATE TABLE {table} AS SELECT * FROM ({lines}) ORDER BY {time}, {key}")
    _describe(connection, model, ledger)
    found, chosen = surveying.survey(connection, model), tuning.read(root)
    connection.execute("CREATE TABLE chosen (tuning VARCHAR)")
    connection.execute("INSERT INTO chosen VALUES (?)", [repr(chosen)])
    made = rollup_tables.build(connection, model, found, chosen)
    imaging.build(connection, model, found, root, version, chosen, made)


def keeps_to_its_days(ledger: Sequence[Load]) -> bool:
    """Tell whether the last load of a ledger changes nothing but the days it has lines of."""
    return bool(ledger) and ledger[-1].active and ledger[-1].mode in (Mode.APPEND, Mode.REPLACE_PERIOD)


def update(
    connection: duckdb.DuckDBPyConnection, root: Path, model: SalesModel, ledger: Sequence[Load], version: int
) -> Touched:
    """Bring a copy of the snapshot before up to date with the last load; return the days made anew, those it has.

    Raises RebuildError where `build` has to make the version from nothing.
    """
    touched = _touched(connection, root, model, ledger)
    time, key, table = name_of(model.facts.time), name_of(model.facts.key), name_of(model.facts.table)
    if ledger[-1].mode is Mode.REPLACE_PERIOD:
        connection.execute(f"DELETE FROM {table} WHERE {touched.within(Grain.DAY)}")
    lines = _part(connection, root, model, ledger[-1], ())
    connection.execute(f"INSERT INTO {table} BY NAME SELECT * FROM ({lines}) ORDER BY {time}, {key}")
    for name in ("loads", "coverage"):
        connection.execute(f"DROP TABLE {name}")
    _describe(connection, model, ledger)
    rollup_tables.renew(connection, model, touched)
    renewing.renew(connection, model, root, version, touched)
    return touched


def _touched(connection: duckdb.DuckDBPyConnection, root: Path, model: SalesModel, ledger: Sequence[Load]) -> Touched:
    """Return the days that the last load of a ledger changes in a snapshot with the loads before it."""
    there = {row[0] for row in connection.execute("SELECT table_name FROM information_schema.tables").fetchall()}
    if not {"images", "chosen"} <= there or not one(connection, "SELECT count(*) FROM images")[0]:
        raise RebuildError("There are no tables to go on from.")
    last, (chosen,) = ledger[-1], one(connection, "SELECT tuning FROM chosen")
    before = connection.execute("SELECT number, digest, undone_at IS NULL FROM loads ORDER BY number").fetchall()
    expected = [(each.number, each.digest, each.active) for each in sorted(ledger[:-1], key=lambda each: each.number)]
    if before != expected or chosen != repr(tuning.read(root)):
        raise RebuildError("More than the last load is new.")
    return Touched(model.facts.table, model.facts.time, *period_of(last))


def _describe(connection: duckdb.DuckDBPyConnection, model: SalesModel, ledger: Sequence[Load]) -> None:
    """Make the tables of the loads and of what the data cover, and look that all lines are there."""
    write(connection, ledger)
    time = name_of(model.facts.time)
    connection.execute(
        f"CREATE TABLE coverage AS SELECT count(*) AS line_count, min({time}) AS first_time, "
        f"max({time}) AS last_time, coalesce(bool_or({time} <> date_trunc('day', {time})), false) AS has_hours, "
        f"'{model.name}' AS model_name FROM {name_of(model.facts.table)}"
    )
    _check(connection, model, in_force(ledger))


def _check(connection: duckdb.DuckDBPyConnection, model: SalesModel, entries: Sequence[Load]) -> None:
    """Raise LoadError unless each load stands in the facts with all its lines, or fewer where a later one replaces."""
    key, table = name_of(model.facts.key), name_of(model.facts.table)
    found = dict(connection.execute(f"SELECT {key} // {LOAD_STRIDE}, count(*) FROM {table} GROUP BY ALL").fetchall())
    replaced = False
    for entry in reversed(entries):
        stored = found.pop(entry.number, 0)
        if stored > entry.rows_kept or (stored < entry.rows_kept and not replaced):
            raise LoadError(f"The snapshot holds {stored} rows of {entry.name!r}, the load {entry.rows_kept}.")
        replaced = replaced or entry.mode in (Mode.REPLACE_KEY, Mode.REPLACE_PERIOD)
    if found:
        raise LoadError(f"The snapshot holds rows of loads that are not in force: {sorted(found)}.")
