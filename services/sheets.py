"""Answers as tables for files: what each column holds, numbers as numbers, a true totals row; and as CSV.

Workbooks are made of them by services/xlsx.py. Texts that a spreadsheet would run are defused (services/exports.py). A
total is asked for, not added up: distinct counts and ratios do not add.
"""

from __future__ import annotations

import csv
import datetime as dt
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import IO, Any

import pandas as pd

from services import formats
from services.access import Viewer
from services.errors import QueryError
from services.exports import safe_cell
from services.model import ColumnType, Format, SalesModel
from services.query import MAX_LIMIT, SalesQuery
from services.sales import Answer, Sales

#: Lines fetched at a time.
CHUNK = 5_000
#: What introduces filters, data time and definitions in a file.
ABOUT = "About this file"


class Kind(StrEnum):
    """What a column of a sheet holds."""

    TEXT = "text"
    TIME = "time"
    INTEGER = "integer"
    NUMBER = "number"
    CURRENCY = "currency"
    PERCENT = "percent"
    CHANGE = "change"


@dataclass(frozen=True)
class Column:
    """A column: what stands above it and what it holds."""

    label: str
    kind: Kind


@dataclass(frozen=True)
class Sheet:
    """A table to be written; `rows` is read once, `total` is one more row."""

    title: str
    columns: tuple[Column, ...]
    rows: Iterable[Sequence[Any]]
    total: tuple[Any, ...] = ()


KINDS = {
    Format.CURRENCY: Kind.CURRENCY,
    Format.INTEGER: Kind.INTEGER,
    Format.NUMBER: Kind.NUMBER,
    Format.PERCENT: Kind.PERCENT,
}
LINE_KINDS = {
    ColumnType.TEXT: Kind.TEXT,
    ColumnType.TIME: Kind.TIME,
    ColumnType.INTEGER: Kind.INTEGER,
    ColumnType.NUMBER: Kind.NUMBER,
    ColumnType.MONEY: Kind.CURRENCY,
}


def sheet_of(sales: Sales, answer: Answer, viewer: Viewer, title: str, measure: str = "") -> Sheet:
    """Return an answer as a sheet, of one measure where it is named: as the table on screen shows it.

    A breakdown gets a row per value and a total over everything it breaks down; key figures a row per measure.
    """
    model, query = sales.model, answer.query
    measures = (measure,) if measure else query.measures
    if not query.dimensions and query.grain is None:
        return _figures(answer, model, title, measures)
    names = [Column("Time", Kind.TEXT)] if query.grain else []
    for name in query.dimensions:
        names += [Column(label, Kind.TEXT) for label in _heads(answer, name, model)]
    columns = (*names, *(column for name in measures for column in _columns(answer, name, model)))
    whole = replace(query, measures=measures, dimensions=(), grain=None, sort=(), limit=None, offset=0, having=())
    total = sales.answer(whole, viewer)
    cells: list[list[Any]] = [_texts(answer, model)] if query.grain else []
    for name in query.dimensions:
        cells += _keys(answer, name, model)
    cells += [values for name in measures for values in _values(answer, name)]
    rows = list(zip(*cells, strict=True)) if len(answer.frame) else []
    listed = "Total" if query.limit is None or len(rows) < query.limit else "Total (of all, not only those listed)"
    numbers = [values[0] for name in measures for values in _values(total, name)]
    return Sheet(title, columns, rows, (listed, *[""] * (len(names) - 1), *numbers))


def _figures(answer: Answer, model: SalesModel, title: str, measures: Sequence[str]) -> Sheet:
    """Return key figures: numbers of several kinds in one column are written as on screen beside their exact value."""
    compared = answer.window.before is not None
    heads = [Column("Measure", Kind.TEXT), Column("Shown", Kind.TEXT), Column("Value", Kind.NUMBER)]
    heads += [Column("Before", Kind.NUMBER), Column("Change", Kind.CHANGE)] if compared else []
    rows = []
    for name in measures:
        found = model.measure(name)
        values = [cells[0] if cells else None for cells in _values(answer, name)]
        shown = formats.short(answer.value(name), found.format, model)
        rows.append((found.label, shown, *values))
    return Sheet(title, tuple(heads), rows)


def _heads(answer: Answer, name: str, model: SalesModel) -> list[str]:
    label = model.dimensions[name].label if name in model.dimensions else name.capitalize()
    return [label, f"{label} key"] if f"{name}__label" in answer.frame else [label]


def _keys(answer: Answer, name: str, model: SalesModel) -> list[list[Any]]:
    keys = [None if pd.isna(value) else value for value in answer.frame[name]]
    if name == "weekday":
        return [[formats.weekdays(formats.locale_of(model))[int(day) - 1] for day in answer.frame[name]]]
    if f"{name}__label" not in answer.frame:
        return [keys]
    return [[None if pd.isna(value) else value for value in answer.frame[f"{name}__label"]], keys]


def _texts(answer: Answer, model: SalesModel) -> list[str]:
    return [
        "(not given)" if pd.isna(moment) else formats.bucket(moment, answer.query.grain, model)
        for moment in answer.frame["time"]
    ]


def _columns(answer: Answer, name: str, model: SalesModel) -> list[Column]:
    measure = model.measure(name)
    kind = KINDS[measure.format]
    compared = answer.window.before is not None
    more = [Column(f"{measure.label} before", kind), Column(f"{measure.label} change", Kind.CHANGE)]
    return [Column(measure.label, kind), *(more if compared else [])]


def _values(answer: Answer, name: str) -> list[list[float | None]]:
    """Return the columns of a measure: now and, where compared, before and the relative change."""
    now = [float(value) for value in answer.frame[name]]
    found = [now]
    if answer.window.before is not None:
        before = [float(value) for value in answer.frame[f"{name}__before"]]
        known = answer.window.before_known
        changes = (formats.change(*each) if known else math.nan for each in zip(now, before, strict=True))
        found += [before, list(changes)]
    return [[None if math.isnan(value) else value for value in column] or [None] for column in found]


def lines(sales: Sales, query: SalesQuery, viewer: Viewer, title: str) -> Sheet:
    """Return the order lines of a query as a sheet, at most MAX_LIMIT of them, fetched while it is written."""
    columns = tuple(
        Column(sales.model.facts.columns[name].label, LINE_KINDS[sales.model.facts.columns[name].type])
        for name in query.columns
    )
    return Sheet(title, columns, _fetched(sales, query, viewer))


def _fetched(sales: Sales, query: SalesQuery, viewer: Viewer) -> Iterator[Sequence[Any]]:
    version = None
    for start in range(0, min(query.limit or MAX_LIMIT, MAX_LIMIT), CHUNK):
        answer = sales.answer(replace(query, offset=start, limit=CHUNK), viewer)
        version = version or answer.trust.version
        if answer.trust.version != version:
            raise QueryError("New data came in while the file was written. Export again.")
        columns = [_plain(answer.frame[name]) for name in query.columns]
        yield from zip(*columns, strict=True)
        if len(answer.frame) < CHUNK:
            return


def _plain(column: pd.Series[Any]) -> list[Any]:
    """Return Python's own values, None for nothing; times are datetimes."""
    if column.dtype.kind == "M":
        found: list[Any] = column.to_numpy().astype("datetime64[us]").tolist()
        return found
    return column.astype(object).where(column.notna(), None).tolist()


def write_csv(sheet: Sheet, about: Sequence[tuple[str, str]], text: IO[str]) -> None:
    """Write a sheet as CSV for spreadsheets; `about`, what a reader must know, follows after an empty row."""
    writer = csv.writer(text)
    writer.writerow([safe_cell(column.label) for column in sheet.columns])
    writer.writerows([safe_cell(_iso(value)) for value in row] for row in sheet.rows)
    if sheet.total:
        writer.writerow([safe_cell(_iso(value)) for value in sheet.total])
    writer.writerows([[], [ABOUT], *([safe_cell(text) for text in pair] for pair in about)])


def _iso(value: Any) -> Any:
    return value.isoformat(sep=" ") if isinstance(value, dt.datetime) else value
