"""Pivots as bars, lines, and a map."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pandas as pd

from layouts import labels
from layouts.figures import NOW, Figure, layout_of, numbers, value_axis, world
from services.model import Measure, SalesModel
from services.pivot import OTHER, Path, Table

#: Colours told apart by all (Okabe and Ito, 2008, darkened to stand out on white and on black alike); "other" is grey.
PALETTE = ("#2f6fde", "#d55e00", "#009e73", "#cc79a7", "#b8860b", "#56b4e9", "#8a5fd3", "#7f7f00", "#c44e52", "#4c9f9f")
GREY = "#8a94a6"
MOST_BARS, MOST_LINES = 40, 12

Value = Callable[[Path, Path], float]
Namer = Callable[[Sequence[str], Path], str]


def _mark_rows(table: Table, rows: Sequence[Path], column: Path, name: Namer) -> list[list[Any] | None]:
    """Return what each point stands for; None for those that hold "other", which no address can name."""
    fields = (*table.pivot.rows, *table.pivot.columns)
    found: list[list[Any] | None] = []
    for row in rows:
        path = (*row, *column)
        if OTHER in path:
            found.append(None)
            continue
        title = " · ".join(filter(None, (name(table.pivot.rows, row), name(table.pivot.columns, column))))
        found.append([title, *(plain(value) for value, _ in zip(path, fields, strict=False))])
    return found


def plain(value: Any) -> str | None:
    """Return a value of a path as marks carry it."""
    return None if value is None else f"{value:%Y-%m-%d}" if hasattr(value, "year") else str(value)


def _traces(
    table: Table, measure: str, kind: str, value: Value, text: Callable[[float], str], name: Namer
) -> tuple[list[dict[str, Any]], list[str]]:
    rows = table.leaf_rows()[: MOST_BARS if kind == "bar" else None]
    columns = table.leaf_columns()[:MOST_LINES]
    names = [name(table.pivot.rows, row) or "Total" for row in rows]
    traces = []
    for number, column in enumerate(columns):
        color = GREY if OTHER in column else PALETTE[number % len(PALETTE)] if len(columns) > 1 else NOW
        values = [value(row, column) for row in rows]
        traces.append(
            {
                "type": "bar" if kind == "bar" else "scatter",
                "name": name(table.pivot.columns, column) or "Total",
                "y": numbers(values),
                "text": [text(each) for each in values],
                "textposition": "none",
                "customdata": _mark_rows(table, rows, column, name),
                "meta": {"measure": measure, "fields": [*table.pivot.rows, *table.pivot.columns]},
                "marker": {"color": color},
                **({"mode": "lines+markers", "line": {"color": color, "width": 2}} if kind != "bar" else {}),
            }
        )
    return traces, names


def chart(
    table: Table, measure: str, kind: str, value: Value, text: Callable[[float], str], name: Namer, axis: dict[str, Any]
) -> Figure:
    """Return bars (stacked where there are columns) or lines: a point per row, a trace per column.

    The leaves only: no subtotals. `value(row, column)` and `text` give what is drawn and how it reads.
    """
    traces, names = _traces(table, measure, kind, value, text, name)
    places = list(range(len(names)))
    for trace in traces:
        trace["x"], trace["hovertext"] = places, names
        trace["hovertemplate"] = "%{hovertext}, %{fullData.name}: %{text}<extra></extra>"
    step = max(1, math.ceil(len(names) / 24))
    across = {
        "tickmode": "array",
        "tickvals": places[::step],
        "ticktext": [labels.cut(each, 22) for each in names[::step]],
        "automargin": True,
        "fixedrange": True,
        "showgrid": False,
    }
    legend = {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0}
    stacked = {"barmode": "relative"} if kind == "bar" else {}
    layout = layout_of(xaxis=across, yaxis=axis, showlegend=len(traces) > 1, legend=legend, **stacked)
    return {"data": traces, "layout": layout}


def axis_of(measure: Measure, model: SalesModel, *, share: bool) -> dict[str, Any]:
    """Return the axis of what the cells say: the measure's unit, or per cent."""
    return value_axis(measure, model, **({"tickformat": ".0%", "tickprefix": ""} if share else {}))


def place_map(table: Table, dimension: str, measure: str, model: SalesModel) -> Figure | None:
    """Return the rows' totals on a map; None when the first row field has no places."""
    found = model.dimensions.get(dimension)
    if found is None or found.code_column is None:
        return None
    keys = [row[0] for row in table.rows if len(row) == 1 and row[0] is not OTHER]
    frame = pd.DataFrame(
        {
            dimension: keys,
            f"{dimension}__code": [table.codes.get((dimension, key)) for key in keys],
            measure: [table.value((key,), (), measure) for key in keys],
        }
    )
    query = replace(table.answer.query, dimensions=(dimension,), grain=None)
    return world(replace(table.answer, frame=frame, query=query), dimension, measure, model)
