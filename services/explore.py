"""The Explore page's state: a pivot, what its cells say and how it is drawn, to and from a URL."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any
from urllib.parse import urlencode

from services.adding import adding, shared
from services.errors import QueryError, UnknownNameError, UserError
from services.model import TIME_PARTS, SalesModel
from services.overview import default_query
from services.periods import Compare
from services.pivot import MAX_FIELDS, TIME, Path, Pivot, Table
from services.query import OPERATORS, Filter, Params, SalesQuery, from_params, to_params

PREFIX = "explore-"
TOPS = (5, 10, 25, 50, 100, 250)


class Show(StrEnum):
    """How a pivot is drawn."""

    TABLE = "table"
    HEAT = "heat"
    BARS = "bars"
    LINES = "lines"
    MAP = "map"


class Cells(StrEnum):
    """What the cells say."""

    VALUE = "value"
    BEFORE = "before"
    OF_ROW = "row"
    OF_COLUMN = "column"
    OF_TOTAL = "total"
    CHANGE = "change"
    GROWTH = "growth"


SHOWS = {
    Show.TABLE: "Table",
    Show.HEAT: "Heat table",
    Show.BARS: "Bars",
    Show.LINES: "Lines",
    Show.MAP: "Map",
}
CELLS = {
    Cells.VALUE: "Values",
    Cells.BEFORE: "Before",
    Cells.OF_ROW: "% of row",
    Cells.OF_COLUMN: "% of column",
    Cells.OF_TOTAL: "% of total",
    Cells.CHANGE: "Change",
    Cells.GROWTH: "Change in %",
}


@dataclass(frozen=True)
class Exploration:
    """What the page shows; `totals` adds subtotals and totals."""

    pivot: Pivot
    show: Show = Show.TABLE
    cells: Cells = Cells.VALUE
    totals: bool = True

    @property
    def query(self) -> SalesQuery:
        """The page's query: measures, rows as dimensions, grain, period, filters, comparison, order."""
        rows = tuple(name for name in self.pivot.rows if name != TIME)
        return replace(self.pivot.query, dimensions=rows)


def default(model: SalesModel) -> SalesQuery:
    """Return what the page shows when the URL says nothing: the first measure by what people filter by first."""
    base = default_query(model)
    names = (*model.filters, *model.dimensions)
    return replace(base, measures=base.measures[:1], dimensions=names[:1])


def read(params: Params, model: SalesModel) -> tuple[Exploration, tuple[str, ...]]:
    """Return what a URL's parameters ask for, and a notice per parameter not used. Never raises.

    Beside what every page reads: rows are `by` and `grain`, columns `explore-columns`; see `_READERS`.
    """
    start = default(model)
    if any(key in ("by", "grain") for key, _ in params):
        start = replace(start, dimensions=())
    query, notices = from_params(params, start, model)
    own: dict[str, list[str]] = {}
    for key, value in params:
        if key.startswith(PREFIX):
            own.setdefault(key.removeprefix(PREFIX), []).append(value)
    state = _State(query)
    problems = []
    for name, found in own.items():
        try:
            if name not in _READERS:
                raise UnknownNameError("setting of this page", PREFIX + name, [PREFIX + each for each in _READERS])
            state = _READERS[name](state, found, model)
        except UserError as error:
            problems.append(f"{PREFIX}{name}={', '.join(found)[:80]} was ignored: {error}")
    exploration, problem = _fitted(state)
    return exploration, (*notices, *problems, *([problem] if problem else []))


@dataclass(frozen=True)
class _State:
    query: SalesQuery
    columns: tuple[str, ...] = ()
    time: str = ""
    top: int = 25
    others: bool = True
    show: Show = Show.TABLE
    cells: Cells = Cells.VALUE
    totals: bool = True


def _fitted(state: _State) -> tuple[Exploration, str]:
    """Return the exploration, and what had to be left out of it."""
    rows = tuple(name for name in state.query.dimensions if name not in state.columns)
    columns = state.columns
    if state.query.grain is not None:
        down = state.time == "down" or (not state.time and not rows)
        rows, columns = ((TIME, *rows), columns) if down else (rows, (TIME, *columns))
    over = len(rows) + len(columns) - MAX_FIELDS
    problem = ""
    if over > 0:
        problem = f"A pivot has at most {MAX_FIELDS} fields; {', '.join((*rows, *columns)[MAX_FIELDS:])} was left out."
        rows, columns = rows[:MAX_FIELDS], columns[: max(0, MAX_FIELDS - len(rows))]
    query = state.query
    if TIME not in (*rows, *columns):
        query = replace(query, grain=None)
    query = replace(query, dimensions=(), sort=tuple(each for each in query.sort if each.field not in query.dimensions))
    pivot = Pivot(query, rows, columns, state.top, state.others)
    return Exploration(pivot, state.show, state.cells, state.totals), problem


def _one(found: Sequence[str]) -> str:
    if len(found) > 1:
        raise QueryError(f"It is given {len(found)} times; give it once.")
    return found[0]


def _read_columns(state: _State, found: Sequence[str], model: SalesModel) -> _State:
    names = tuple(dict.fromkeys(filter(None, found)))
    for name in names:
        if name not in (*TIME_PARTS, *model.dimensions):
            raise UnknownNameError("dimension", name, (*TIME_PARTS, *model.dimensions))
    return replace(state, columns=names)


def _read_time(state: _State, found: Sequence[str], _model: SalesModel) -> _State:
    if (asked := _one(found)) not in ("down", "across"):
        raise UnknownNameError("place for time", asked, ("down", "across"))
    return replace(state, time=asked)


def _read_top(state: _State, found: Sequence[str], _model: SalesModel) -> _State:
    asked = _one(found)
    if not asked.isdecimal() or not 1 <= int(asked) <= TOPS[-1]:
        raise QueryError(f"It is a whole number from 1 to {TOPS[-1]}.")
    return replace(state, top=int(asked))


def _read_having(state: _State, found: Sequence[str], model: SalesModel) -> _State:
    having = []
    for text in filter(None, found):
        name, operator, value = (*text.split(".", 2), "", "")[:3]
        if operator not in COMPARING or not value:
            example = f"{state.query.measures[0]}.gt.1000"
            raise QueryError(f"It is a measure, one of {', '.join(COMPARING)} and a number, such as {example}.")
        if name not in state.query.measures:
            raise UnknownNameError("measure of the pivot", name, state.query.measures)
        try:
            float(value)
        except ValueError:
            raise QueryError(f"{value!r} is not a number.") from None
        having.append(Filter(name, operator, (value,)))
    query = replace(state.query, having=tuple(having)).check(model)
    return replace(state, query=query)


def _choice(field: str, kind: type[StrEnum]) -> Callable[[_State, Sequence[str], SalesModel], _State]:
    def read(state: _State, found: Sequence[str], _model: SalesModel) -> _State:
        if (asked := _one(found)) not in list(kind):
            raise UnknownNameError("choice", asked, list(kind))
        changes: dict[str, Any] = {field: kind(asked)}
        return replace(state, **changes)

    return read


def _switch(field: str) -> Callable[[_State, Sequence[str], SalesModel], _State]:
    def read(state: _State, found: Sequence[str], _model: SalesModel) -> _State:
        if (asked := _one(found)) not in ("yes", "no"):
            raise UnknownNameError("choice", asked, ("yes", "no"))
        changes: dict[str, Any] = {field: asked == "yes"}
        return replace(state, **changes)

    return read


#: Operators a condition on a measure may have.
COMPARING = tuple(name for name in OPERATORS if name in ("gt", "ge", "lt", "le"))
_READERS: Mapping[str, Callable[[_State, Sequence[str], SalesModel], _State]] = {
    "columns": _read_columns,
    "time": _read_time,
    "top": _read_top,
    "others": _switch("others"),
    "totals": _switch("totals"),
    "having": _read_having,
    "show": _choice("show", Show),
    "cells": _choice("cells", Cells),
}


def search(exploration: Exploration) -> str:
    """Return the search part of the page's URL; `read` gives the exploration back."""
    pivot, plain = exploration.pivot, _State(SalesQuery(measures=("any",)))
    params = to_params(replace(exploration.query, having=()))
    rows = [name for name in pivot.rows if name != TIME]
    params += [] if rows or pivot.query.grain else [("by", "")]
    params += [(f"{PREFIX}columns", name) for name in pivot.columns if name != TIME]
    if pivot.query.grain and (TIME in pivot.rows) is bool(rows):
        params.append((f"{PREFIX}time", "down" if rows else "across"))
    params += [(f"{PREFIX}having", ".".join((f.field, f.operator, f.values[0]))) for f in pivot.query.having]
    for name, value in (
        ("top", pivot.top),
        ("others", pivot.others),
        ("totals", exploration.totals),
        ("show", exploration.show),
        ("cells", exploration.cells),
    ):
        if value != getattr(plain, name):
            params.append((PREFIX + name, ("no", "yes")[value] if isinstance(value, bool) else str(value)))
    return f"?{urlencode(params)}"


def cell(table: Table, model: SalesModel, cells: Cells, row: Path, column: Path, measure: str) -> float:
    """Return what a cell says: a value, a share of 1 of the total it is asked of, or a change; NaN for nothing.

    Shares are of totals the engine computed; those of measures that neither add up nor count are NaN.
    """
    value = table.value(row, column, measure)
    if cells is Cells.VALUE:
        return value
    if cells is Cells.BEFORE:
        return table.value(row, column, f"{measure}__before")
    if cells in (Cells.CHANGE, Cells.GROWTH):
        return _changed(table, model, cells, row, column, measure)
    if not shared(model, measure):
        return float("nan")
    whole = {Cells.OF_ROW: (row, ()), Cells.OF_COLUMN: ((), column), Cells.OF_TOTAL: ((), ())}[cells]
    total = table.value(*whole, measure)
    return value / total if total else float("nan")


def _changed(table: Table, model: SalesModel, cells: Cells, row: Path, column: Path, measure: str) -> float:
    """Return how a cell changed; where there is nothing, that is 0 for measures that count or add up."""
    window = table.answer.window
    if window.before is None or not window.before_known:
        return float("nan")
    now, before = (table.value(row, column, name) for name in (measure, f"{measure}__before"))
    if adding(model, measure).zero and not (math.isnan(now) and math.isnan(before)):
        now, before = (0.0 if math.isnan(each) else each for each in (now, before))
    if cells is Cells.CHANGE:
        return now - before
    return (now - before) / abs(before) if before else float("nan")


def offered_cells(query: SalesQuery) -> tuple[Cells, ...]:
    """Return what cells may say: changes need a comparison."""
    compared = query.compare is not Compare.NONE
    return tuple(each for each in Cells if compared or each not in (Cells.BEFORE, Cells.CHANGE, Cells.GROWTH))
