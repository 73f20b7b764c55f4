"""Answers as CSV and XLSX: real numbers with formats, a true totals row, a sheet that says what they mean.

Texts that a spreadsheet would run are defused (services/exports.py). A total is asked for, not added up: distinct
counts and ratios do not add.
"""

from __future__ import annotations

import csv
import datetime as dt
import math
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import count
from typing import IO, Any

import pandas as pd
import xlsxwriter  # type: ignore[import-untyped]

from services import formats
from services.access import Viewer
from services.errors import QueryError
from services.exports import safe_cell
from services.model import ColumnType, Format, SalesModel
from services.query import MAX_LIMIT, SalesQuery
from services.sales import Answer, Sales

#: Lines fetched at a time.
CHUNK = 20_000
#: Spreadsheets count days from here.
EPOCH, DAY = dt.datetime(1899, 12, 30), dt.timedelta(days=1)


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
    if column.dtype == "float64":
        return [None if math.isnan(value) else value for value in column.tolist()]
    return [None if pd.isna(value) else value for value in column.tolist()]


def write_csv(sheet: Sheet, text: IO[str]) -> None:
    """Write a sheet as CSV for spreadsheets."""
    writer = csv.writer(text)
    writer.writerow([safe_cell(column.label) for column in sheet.columns])
    writer.writerows([safe_cell(_iso(value)) for value in row] for row in sheet.rows)
    if sheet.total:
        writer.writerow([safe_cell(_iso(value)) for value in sheet.total])


def _iso(value: Any) -> Any:
    return value.isoformat(sep=" ") if isinstance(value, dt.datetime) else value


def write_xlsx(sheets: Sequence[Sheet], about: Sequence[tuple[str, str]], model: SalesModel, stream: IO[bytes]) -> None:
    """Write a workbook: one sheet each, and a last one `About` with (name, text) pairs.

    Rows leave memory as they come.
    """
    book = xlsxwriter.Workbook(
        stream,
        {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "nan_inf_to_errors": True},
    )
    try:
        styles = _styles(book, model)
        names = _sheet_names([sheet.title for sheet in sheets])
        for name, sheet in zip(names, sheets, strict=True):
            _write(book.add_worksheet(name), sheet, styles)
        pairs = Sheet("About", (Column("About", Kind.TEXT), Column("", Kind.TEXT)), about)
        _write(book.add_worksheet("About this file"), pairs, styles)
    finally:
        book.close()


def _styles(book: Any, model: SalesModel) -> dict[str, Any]:
    symbol = formats.currency_prefix(model).replace('"', "")
    patterns = {
        Kind.TEXT: "@",
        Kind.TIME: "yyyy-mm-dd hh:mm",
        Kind.INTEGER: "#,##0",
        Kind.NUMBER: "#,##0.00",
        Kind.CURRENCY: f'"{symbol}"#,##0.00;-"{symbol}"#,##0.00',
        Kind.PERCENT: "0.00%",
        Kind.CHANGE: "+0.0%;-0.0%;0.0%",
    }
    found: dict[str, Any] = {kind.value: book.add_format({"num_format": each}) for kind, each in patterns.items()}
    for kind, pattern in patterns.items():
        found[f"total {kind.value}"] = book.add_format({"num_format": pattern, "bold": True, "top": 1})
    found["head"] = book.add_format({"bold": True, "bottom": 1, "text_wrap": True, "valign": "top"})
    return found


WIDTHS = {Kind.TEXT: 28, Kind.TIME: 17}


def _write(page: Any, sheet: Sheet, styles: dict[str, Any]) -> None:
    for index, column in enumerate(sheet.columns):
        page.set_column(index, index, WIDTHS.get(column.kind, 16), styles[column.kind.value])
    page.freeze_panes(1, 0)
    page.write_row(0, 0, [safe_cell(column.label) for column in sheet.columns], styles["head"])
    kinds = [column.kind for column in sheet.columns]
    formats_of = [styles[kind.value] if kind is Kind.TIME else None for kind in kinds]
    number = 0
    for number, row in enumerate(sheet.rows, 1):
        _write_row(page, number, row, formats_of)
    if sheet.total:
        _write_row(page, number + 1, sheet.total, [styles[f"total {kind.value}"] for kind in kinds])


def _write_row(page: Any, number: int, row: Sequence[Any], cell_formats: Sequence[Any]) -> None:
    for index, value in enumerate(row):
        if value is None:
            continue
        if isinstance(value, str):
            page.write_string(number, index, safe_cell(value), cell_formats[index])
        elif isinstance(value, dt.datetime):
            page.write_number(number, index, (value - EPOCH) / DAY, cell_formats[index])
        else:
            page.write_number(number, index, value, cell_formats[index])


def _sheet_names(titles: Sequence[str]) -> list[str]:
    """Return names that a workbook takes: 31 letters of UTF-16, no brackets and slashes, each once in any case."""
    found: list[str] = []
    taken = {"about this file"}
    for title in titles:
        plain = re.sub(r"[\[\]:*?/\\']", " ", title).strip() or "Sheet"
        for number in count(1):
            name = _cut(plain, 31) if number == 1 else f"{_cut(plain, 27)} {number}"
            if name.lower() not in taken:
                break
        taken.add(name.lower())
        found.append(name)
    return found


def _cut(text: str, length: int) -> str:
    return text.encode("utf-16-le", "replace")[: 2 * length].decode("utf-16-le", "ignore")
