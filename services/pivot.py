"""Pivots: measures by rows and columns, with subtotals and totals that the engine computes and nobody adds up.

Every level of a pivot is a query of its own, so that a total of distinct customers, or of an average, is that of the
rows behind it. A dimension with many values shows the leading ones; the rest stand together as "other", which is a
query too.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

import pandas as pd

from services.access import Viewer
from services.errors import QueryError, UnknownNameError
from services.model import TIME_PARTS, SalesModel
from services.query import MAX_VALUES, Filter, SalesQuery, Sort
from services.sales import Answer, Sales

TIME = "time"
MAX_FIELDS = 4
#: Columns across, and rows down, that are read and drawn at most.
MAX_ACROSS, MAX_DOWN = 120, 2_000


class _Other:
    """Stands where a value would: all that are not among the leading ones."""

    def __repr__(self) -> str:
        return "OTHER"


OTHER = _Other()
#: The values of a row's (or column's) fields: texts, weekdays and hours, the start of a bucket of time, None or OTHER.
Path = tuple[Any, ...]


@dataclass(frozen=True)
class Pivot:
    """What a pivot shows.

    `query` holds measures, grain, period, filters, segments, comparison and `having`, which chooses values of the first
    row field; its `sort` orders the rows. `rows` and `columns` name dimensions, or `time` where the query has a grain.
    Of each dimension the `top` leading values are shown; with `others` the rest as one.
    """

    query: SalesQuery
    rows: tuple[str, ...]
    columns: tuple[str, ...] = ()
    top: int = 25
    others: bool = True

    def __post_init__(self) -> None:
        fields = (*self.rows, *self.columns)
        if not 1 <= self.top <= MAX_VALUES:
            raise QueryError(f"A pivot shows 1 to {MAX_VALUES} values of each field, not {self.top}.")
        if len(fields) > MAX_FIELDS:
            raise QueryError(f"A pivot has at most {MAX_FIELDS} fields in rows and columns, not {len(fields)}.")
        if len(set(fields)) != len(fields):
            raise QueryError(f"A field stands once in a pivot; received {', '.join(fields)}.")
        if (TIME in fields) != (self.query.grain is not None):
            raise QueryError("A pivot by time needs a time grain, and a grain needs time in rows or columns.")

    @property
    def fields(self) -> tuple[str, ...]:
        """The fields of rows and columns."""
        return (*self.rows, *self.columns)

    def check(self, model: SalesModel) -> Pivot:
        """Return the pivot when the model knows every name in it; raises UnknownNameError otherwise."""
        for name in self.fields:
            if name not in (TIME, *TIME_PARTS, *model.dimensions):
                raise UnknownNameError("field", name, (TIME, *TIME_PARTS, *model.dimensions))
        self.query.check(model)
        return self


@dataclass(frozen=True)
class Table:
    """An answered pivot.

    `rows` and `columns` are the paths to show in order, subtotals (shorter paths) behind what they are of, the total
    (the empty path) last; `cells` maps (row, column) to measure fields, `<measure>__before` among them. `labels` maps
    (field, value) to what people read. `answer` is that of the total: its window and trust hold for the whole.
    `cut` counts rows and columns left out because there are too many.
    """

    pivot: Pivot
    rows: tuple[Path, ...]
    columns: tuple[Path, ...]
    cells: Mapping[tuple[Path, Path], Mapping[str, float]]
    labels: Mapping[tuple[str, Any], str]
    codes: Mapping[tuple[str, Any], str]
    answer: Answer
    milliseconds: float
    cut: tuple[int, int] = (0, 0)

    def value(self, row: Path, column: Path, field: str) -> float:
        """Return a field of a cell; NaN where there is nothing."""
        return self.cells.get((row, column), {}).get(field, math.nan)

    def leaf_rows(self) -> list[Path]:
        """Return the rows that are neither subtotals nor the total."""
        return [row for row in self.rows if len(row) == len(self.pivot.rows)]

    def leaf_columns(self) -> list[Path]:
        """Return the columns that are neither subtotals nor the total."""
        return [column for column in self.columns if len(column) == len(self.pivot.columns)]


def leaves(table: Table, others: str = "All others") -> Answer:
    """Return the leaves of a pivot as an answer, a row per cell, in the order shown; "other" is called `others`."""
    pivot = table.pivot
    query = replace(pivot.query, dimensions=tuple(name for name in pivot.fields if name != TIME), having=())
    found = [
        ((*row, *column), table.cells[row, column])
        for row, column in product(table.leaf_rows(), table.leaf_columns())
        if (row, column) in table.cells
    ]
    frame: dict[str, list[Any]] = {}
    for name in query.fields[: len(pivot.fields)]:
        keys = [path[pivot.fields.index(name)] for path, _ in found]
        frame[name] = [others if key is OTHER else key for key in keys]
        for suffix, known in (("label", table.labels), ("code", table.codes)):
            if any(field == name for field, _ in known):
                frame[f"{name}__{suffix}"] = [others if key is OTHER else known.get((name, key)) for key in keys]
    for name in (*query.fields[len(pivot.fields) :], "rows"):
        frame[name] = [values.get(name, math.nan) for _, values in found]
    made = pd.DataFrame(frame)
    if TIME in made:
        made[TIME] = pd.to_datetime(made[TIME])
    trust = replace(table.answer.trust, milliseconds=table.milliseconds)
    return replace(table.answer, query=query, frame=made, trust=trust)


def table(sales: Sales, pivot: Pivot, viewer: Viewer) -> Table:
    """Answer a pivot for a viewer; raises what `Sales.answer` raises."""
    pivot.check(sales.model)
    asked = _Asked(sales, viewer)
    leading = {name: found for name in pivot.fields if (found := _leading(asked, pivot, name)) is not None}
    cells: dict[tuple[Path, Path], Mapping[str, float]] = {}
    total = sales.answer(_plain(pivot.query, ()), viewer)
    cells[(), ()] = {name: total.value(name) for name in (*total.query.fields, "rows")}
    for deep, across in product(range(len(pivot.rows) + 1), range(len(pivot.columns) + 1)):
        if not deep and not across:
            continue
        for row, column, values in _level(asked, pivot, leading, pivot.rows[:deep], pivot.columns[:across]):
            cells[row, column] = values
    kept = _kept(asked, pivot)
    rows, down = _ordered(pivot, cells, {row for row, _ in cells}, pivot.rows, kept, MAX_DOWN, by_columns=False)
    columns, over = _ordered(pivot, cells, {c for _, c in cells}, pivot.columns, None, MAX_ACROSS, by_columns=True)
    return Table(
        pivot,
        rows,
        columns,
        cells,
        asked.labels,
        asked.codes,
        total,
        asked.milliseconds + total.trust.milliseconds,
        (down, over),
    )


class _Asked:
    """The queries of one pivot: their time, and the labels they bring."""

    def __init__(self, sales: Sales, viewer: Viewer) -> None:
        self.sales, self.viewer = sales, viewer
        self.labels: dict[tuple[str, Any], str] = {}
        self.codes: dict[tuple[str, Any], str] = {}
        self.milliseconds = 0.0

    def frame(self, query: SalesQuery) -> pd.DataFrame:
        found = self.sales.answer(query, self.viewer)
        self.milliseconds += found.trust.milliseconds
        for name in query.dimensions:
            for suffix, kept in (("label", self.labels), ("code", self.codes)):
                if f"{name}__{suffix}" in found.frame:
                    keys = zip(found.frame[name], found.frame[f"{name}__{suffix}"], strict=True)
                    kept.update({(name, key): str(text) for key, text in keys if not pd.isna(text)})
        return found.frame


def _plain(query: SalesQuery, fields: Sequence[str]) -> SalesQuery:
    """Return the query of a level: by these fields, unsorted."""
    return replace(
        query,
        dimensions=tuple(name for name in fields if name != TIME),
        grain=query.grain if TIME in fields else None,
        having=(),
        sort=(),
    )


def _leading(asked: _Asked, pivot: Pivot, name: str) -> tuple[str, ...] | None:
    """Return the leading values of a dimension in their order, None when all of them are shown."""
    if name == TIME or name in TIME_PARTS:
        return None
    having = pivot.query.having if pivot.rows and name == pivot.rows[0] else ()
    query = _plain(pivot.query, (name,))
    query = replace(query, having=having, sort=_ranked(pivot.query), limit=pivot.top + 2)
    found = asked.frame(query)[name]
    if len(found) <= pivot.top and not having:
        return None
    return tuple(str(value) for value in found if not pd.isna(value))[: pivot.top]


def _ranked(query: SalesQuery) -> tuple[Sort, ...]:
    named = tuple(sort for sort in query.sort if sort.field in query.sortable and sort.field != TIME)
    numbers = tuple(sort for sort in named if sort.field.split("__")[0] in query.measures)
    return numbers or (Sort(query.measures[0], descending=True),)


def _kept(asked: _Asked, pivot: Pivot) -> frozenset[Any] | None:
    """Return the buckets of time, or parts of it, that meet the pivot's conditions; None when all do."""
    if not pivot.query.having or not pivot.rows or pivot.rows[0] not in (TIME, *TIME_PARTS):
        return None
    found = asked.frame(replace(_plain(pivot.query, pivot.rows[:1]), having=pivot.query.having))
    return frozenset(found[pivot.rows[0]])


def _level(
    asked: _Asked, pivot: Pivot, leading: Mapping[str, tuple[str, ...]], rows: Sequence[str], columns: Sequence[str]
) -> Iterator[tuple[Path, Path, dict[str, float]]]:
    """Yield the cells by these fields, those of "other" included."""
    cut = [name for name in (*rows, *columns) if name in leading]
    for others in product(*([False, True] if pivot.others else [False] for _ in cut)):
        rest = {name for name, other in zip(cut, others, strict=True) if other}
        if any(not leading[name] for name in cut if name not in rest):
            continue
        shown = [name for name in (*rows, *columns) if name not in rest]
        query = _plain(pivot.query, shown)
        conditions = [each for name in cut for each in _conditions(asked, query, name, leading[name], name in rest)]
        query = replace(query, filters=(*query.filters, *conditions))
        frame = asked.frame(query)
        names = (*query.measures, *_before(query), "rows")
        values = [frame[name].tolist() for name in names]
        keys = {name: _values(frame[name]) for name in shown}
        for number in range(len(frame)):
            row, column = (
                tuple(OTHER if name in rest else keys[name][number] for name in fields) for fields in (rows, columns)
            )
            yield row, column, {name: float(each[number]) for name, each in zip(names, values, strict=True)}


def _before(query: SalesQuery) -> tuple[str, ...]:
    return query.fields[-len(query.measures) :] if query.fields[-1].endswith("__before") else ()


def _conditions(asked: _Asked, query: SalesQuery, name: str, leading: tuple[str, ...], other: bool) -> list[Filter]:  # noqa: FBT001
    """Return what keeps the leading values, or all others."""
    if not other:
        return [Filter(name, "is", leading)]
    # A filter on a dimension would bring back the values the model hides.
    hidden = () if query.filtered(name) else asked.sales.model.dimension(name).hide
    values = tuple(dict.fromkeys((*leading, *hidden)))
    return [Filter(name, "not", values)] if leading else []


def _values(column: pd.Series[Any]) -> list[Any]:
    if pd.api.types.is_datetime64_any_dtype(column):
        return [None if pd.isna(each) else each.to_pydatetime() for each in column]
    return [None if pd.isna(each) else each for each in column.tolist()]


def _ordered(
    pivot: Pivot,
    cells: Mapping[tuple[Path, Path], Mapping[str, float]],
    found: set[Path],
    fields: tuple[str, ...],
    kept: frozenset[Any] | None,
    most: int,
    *,
    by_columns: bool,
) -> tuple[tuple[Path, ...], int]:
    """Return the paths of one side in the order to show, and how many were left out."""
    children: dict[Path, list[Path]] = {}
    for path in found:
        if path and (kept is None or path[0] in kept):
            children.setdefault(path[:-1], []).append(path)
    sort = _ranked(pivot.query)[0]

    def rank(path: Path) -> tuple[int, float, str]:
        last, name = path[-1], fields[len(path) - 1]
        if last is OTHER:
            return 3, 0.0, ""
        if name == TIME or name in TIME_PARTS:
            return 0 if last is not None else 2, _position(last), ""
        value = sort_value(cells.get(((), path) if by_columns else (path, ()), {}), sort.field)
        if math.isnan(value):
            return 1, 0.0, str(last)
        return 0, -value if sort.descending else value, str(last)

    def walk(parent: Path) -> Iterator[Path]:
        for path in sorted(children.get(parent, ()), key=rank):
            yield from walk(path)
        yield parent

    paths = tuple(walk(()))
    if len(paths) <= most:
        return paths, 0
    return (*paths[: most - 1], paths[-1]), len(paths) - most


def _position(value: Any) -> float:
    if isinstance(value, dt.datetime):
        return value.timestamp()
    return float(value) if value is not None else math.inf


def sort_value(cell: Mapping[str, float], field: str) -> float:
    """Return what a cell is ordered by: a field of it, or how it changed."""
    name, _, how = field.partition("__")
    if how not in ("change", "growth"):
        return cell.get(field, math.nan)
    now, before = cell.get(name, math.nan), cell.get(f"{name}__before", math.nan)
    if how == "change":
        both = [0.0 if math.isnan(each) else each for each in (now, before)]
        return both[0] - both[1] if not (math.isnan(now) and math.isnan(before)) else math.nan
    return (now - before) / abs(before) if before and not math.isnan(before) and not math.isnan(now) else math.nan
