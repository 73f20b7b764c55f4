"""A pivot as a table: heads, subtotals, totals, heat; every cell can be asked about."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import orjson
from dash import html

from layouts import labels
from layouts.figures_pivot import plain
from layouts.markup import element
from services import formats
from services.explore import CELLS, Cells, cell
from services.model import Format, SalesModel
from services.pivot import OTHER, TIME, Path, Table

#: Cells that are written at most, and cells of which each opens the drill menu; of larger tables the rows' names do.
MOST_CELLS, MOST_MARKS = 3_000, 400
BLUE, ORANGE = "47,111,222", "213,94,0"


@dataclass(frozen=True)
class Look:
    """How the cells of a pivot read."""

    table: Table
    model: SalesModel
    cells: Cells
    totals: bool = True

    def value(self, row: Path, column: Path, measure: str, cells: Cells | None = None) -> float:
        """Return what a cell says as a number; `cells` where it is something else than the others say."""
        return cell(self.table, self.model, cells or self.cells, row, column, measure)

    def text(self, value: float, measure: str, cells: Cells | None = None) -> str:
        """Return what a cell says in words."""
        cells = cells or self.cells
        if cells is Cells.GROWTH:
            return formats.change_text(value, self.model)
        if cells not in (Cells.VALUE, Cells.BEFORE, Cells.CHANGE):
            return formats.short(value, Format.PERCENT, self.model)
        written = formats.exact(value, self.model.measure(measure).format, self.model)
        return f"+{written}" if cells is Cells.CHANGE and value > 0 else written

    def measured(self) -> list[tuple[str, Cells, str]]:
        """Return what stands in each column: measure, what its cells say, head.

        Values that are compared, and not broken down further, have what was before and the change beside them.
        """
        pivot, window = self.table.pivot, self.table.answer.window
        compared = window.before is not None and window.before_known
        beside = (Cells.BEFORE, Cells.CHANGE, Cells.GROWTH)
        more = beside if compared and not pivot.columns and self.cells is Cells.VALUE else ()
        several = len(pivot.query.measures) > 1
        found = []
        for name in pivot.query.measures:
            label = self.model.measure(name).label
            found.append((name, self.cells, label))
            found += [(name, each, f"{label}: {CELLS[each].lower()}" if several else CELLS[each]) for each in more]
        return found

    def name(self, fields: Sequence[str], path: Path) -> str:
        """Return what a path is called, "" for the total."""
        return " · ".join(self.called(field, value) for field, value in zip(fields, path, strict=False))

    def called(self, field: str, value: Any) -> str:
        """Return what a value of a field is called."""
        if value is OTHER:
            return f"All other {self.model.dimensions[field].plural.lower()}"
        if value is None:
            return labels.UNKNOWN
        if field == TIME:
            return str(labels.bucket(value, self.table.pivot.query.grain, self.model))
        if field == "weekday":
            return str(formats.weekdays(formats.locale_of(self.model))[value - 1])
        if field == "hour":
            return f"{value:02d}:00"
        return self.table.labels.get((field, value), str(value))

    def field_name(self, field: str) -> str:
        """Return what a field is called."""
        grain = self.table.pivot.query.grain
        if field == TIME and grain:
            return grain.value.capitalize()
        return self.model.dimensions[field].label if field in self.model.dimensions else field.capitalize()

    def rows(self) -> list[Path]:
        """Return the rows to show."""
        return [row for row in self.table.rows if self.totals or len(row) == len(self.table.pivot.rows)]

    def columns(self) -> list[Path]:
        """Return the columns to show."""
        wanted = len(self.table.pivot.columns)
        return [column for column in self.table.columns if self.totals or len(column) == wanted]


def table(look: Look, caption: str, *, heat: bool) -> html.Table:
    """Return the table; with `heat`, cells are shaded by their size among the leaves of their measure."""
    pivot, measures = look.table.pivot, look.measured()
    columns, rows = look.columns(), look.rows()
    most = max(20, MOST_CELLS // max(1, len(columns) * len(measures)))
    cut, rows = len(rows) - most, rows if len(rows) <= most else [*rows[: most - 1], rows[-1]]
    marked = len(rows) * len(columns) * len(measures) <= MOST_MARKS
    shades = {name: _largest(look, name) for name in pivot.query.measures} if heat else {}
    body = []
    for number, row in enumerate(rows):
        heads = _heads(look, row, first=number == 0, marked=marked)
        cells = [
            _cell(look, row, column, name, cells, shades.get(name, 0.0), marked=marked, first=number == place == 0)
            for place, (column, (name, cells, _)) in enumerate(product(columns, measures))
        ]
        deep = len(row) < len(pivot.rows) and bool(pivot.rows)
        body.append(element("Tr", [*heads, *cells], **({"className": "total"} if deep else {})))
    meta = {"measure": pivot.query.measures[0], "fields": list(pivot.rows)}
    more = [
        html.Caption(f"{caption}. {cut} more rows are not shown." if cut > 0 else caption, className="visually-hidden")
    ]
    return html.Table(
        [*more, html.Thead(_head_rows(look, columns)), html.Tbody(body)],
        className=f"table table-sm numbers pivot{' heat' if heat else ''}",
        **labels.data(meta=orjson.dumps(meta).decode()),
    )


def _head_rows(look: Look, columns: Sequence[Path]) -> list[Any]:
    pivot, measures = look.table.pivot, look.measured()
    corner = [look.field_name(name) for name in pivot.rows] or [""]
    several = len(measures) > 1 and bool(pivot.columns)
    spans = {"rowSpan": 2} if several else {}
    top = [element("Th", name, scope="col", className="corner", **spans) for name in corner]
    for column in columns:
        name = look.name(pivot.columns, column) or "Total"
        if not pivot.columns:
            top += [element("Th", head, scope="col") for _, _, head in measures]
        elif several:
            top.append(element("Th", name, scope="colgroup", colSpan=len(measures)))
        else:
            top.append(element("Th", name, scope="col"))
    found = [element("Tr", top)]
    if several:
        names = [element("Th", head, scope="col") for _ in columns for _, _, head in measures]
        found.append(element("Tr", names))
    return found


def _heads(look: Look, row: Path, *, first: bool, marked: bool) -> list[Any]:
    """Return the names of a row: one cell per row field, a subtotal's over the rest."""
    fields = look.table.pivot.rows
    if not row:
        return [element("Th", "Total", scope="row", colSpan=max(1, len(fields)))]
    found = []
    for depth, value in enumerate(row):
        name = look.called(fields[depth], value)
        last = depth == len(row) - 1
        content: Any = name
        if last and not marked and OTHER not in row:
            content = _button(name, row, fields[: len(row)], "", name, reachable=first)
        if last and len(row) < len(fields):
            content = [f"{name} – total"] if isinstance(content, str) else [content, " – total"]
            found.append(element("Th", content, scope="row", colSpan=len(fields) - depth))
        else:
            found.append(element("Th", content, scope="row", **({} if last else {"className": "again"})))
    return found


def _cell(
    look: Look, row: Path, column: Path, measure: str, cells: Cells, largest: float, *, marked: bool, first: bool
) -> Any:
    pivot = look.table.pivot
    value = look.value(row, column, measure, cells)
    text = look.text(value, measure, cells)
    content: Any = text
    if marked and cells is look.cells and OTHER not in (*row, *column) and not math.isnan(value):
        fields = (*pivot.rows[: len(row)], *pivot.columns[: len(column)])
        where = " · ".join(filter(None, (look.name(pivot.rows, row), look.name(pivot.columns, column))))
        content = _button(text, (*row, *column), fields, measure, where, reachable=first)
    leaf = len(row) == len(pivot.rows) and len(column) == len(pivot.columns)
    style = _shade(value, largest) if leaf and cells is look.cells else ""
    return element("Td", content, **({"style": {"background": style}} if style else {}))


def _button(text: str, path: Path, fields: Sequence[str], measure: str, name: str, *, reachable: bool) -> Any:
    mark = orjson.dumps([name, *(plain(value) for value in path)]).decode()
    meta = {"meta": orjson.dumps({"measure": measure, "fields": list(fields)}).decode()} if measure else {}
    return element(
        "Button",
        text,
        type="button",
        className="mark-button",
        tabIndex=0 if reachable else -1,
        **labels.data(mark=mark, **meta),
        **labels.aria(haspopup="dialog"),
    )


def _largest(look: Look, measure: str) -> float:
    leaves = (
        look.value(row, column, measure) for row in look.table.leaf_rows() for column in look.table.leaf_columns()
    )
    return max((abs(value) for value in leaves if not math.isnan(value)), default=0.0)


def _shade(value: float, largest: float) -> str:
    if largest <= 0 or math.isnan(value) or value == 0:
        return ""
    return f"rgba({BLUE if value > 0 else ORANGE},{0.06 + 0.44 * min(1.0, abs(value) / largest):.2f})"
