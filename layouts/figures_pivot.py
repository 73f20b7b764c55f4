"""Pivots as bars, lines, and a map."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pandas as pd

from layouts import labels
from layouts.axes import value_axis
from layouts.figures import BRUSH_COLUMNS, NOW, Figure, layout_of, numbers, world
from services.model import Measure, SalesModel
from services.pivot import OTHER, TIME, Path, Pivot, Table

#: Colours told apart by all (Okabe and Ito, 2008, darkened to stand out on white and on black alike); "other" is grey.
PALETTE = ("#2f6fde", "#d55e00", "#009e73", "#cc79a7", "#b8860b", "#56b4e9", "#8a5fd3", "#7f7f00", "#c44e52", "#4c9f9f")
GREY = "#8a94a6"
MOST_BARS, MOST_LINES = 40, 12

Value = Callable[[Path, Path], float]
Namer = Callable[[Sequence[str], Path], str]


def _mark(pivot: Pivot, cell: tuple[Path, Path], name: Namer) -> list[Any] | None:
    """Return what a point stands for; None for one that holds "other", which no address can name."""
    path = (*cell[0], *cell[1])
    if OTHER in path:
        return None
    title = " · ".join(filter(None, (name(pivot.rows, cell[0]), name(pivot.columns, cell[1]))))
    return [title, *map(plain, path)]


def plain(value: Any) -> str | None:
    """Return a value of a path as marks carry it."""
    return None if value is None else f"{value:%Y-%m-%d}" if hasattr(value, "year") else str(value)


def _traces(
    table: Table, measure: str, kind: str, value: Value, text: Callable[[float], str], name: Namer
) -> tuple[list[dict[str, Any]], list[str]]:
    pivot, places, series = table.pivot, table.leaf_rows(), table.leaf_columns()
    # Time runs along the axis, wherever it stands in the table.
    turned = TIME in pivot.columns
    fields = (pivot.columns, pivot.rows) if turned else (pivot.rows, pivot.columns)
    if turned:
        places, series = series, places
    places = places[: MOST_BARS if kind == "bar" and not turned else None]
    names = [name(fields[0], place) or "Total" for place in places]
    traces = []
    for number, one in enumerate(series[:MOST_LINES]):
        color = GREY if OTHER in one else PALETTE[number % len(PALETTE)] if len(series) > 1 else NOW
        cells = [(one, place) if turned else (place, one) for place in places]
        values = [value(*cell) for cell in cells]
        traces.append(
            {
                "type": "bar" if kind == "bar" else "scatter",
                "name": name(fields[1], one) or "Total",
                "y": numbers(values),
                "text": [text(each) for each in values],
                "textposition": "none",
                "customdata": [_mark(pivot, cell, name) for cell in cells],
                "meta": {"measure": measure, "fields": list(pivot.fields)},
                "marker": {"color": color},
                **({"mode": "lines+markers", "line": {"color": color, "width": 2}} if kind != "bar" else {}),
            }
        )
    return traces, names


def chart(
    table: Table, measure: str, kind: str, value: Value, text: Callable[[float], str], name: Namer, axis: dict[str, Any]
) -> Figure:
    """Return bars (stacked where there are columns) or lines: a point per row, a trace per column; by time, along it.

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
    layout = layout_of(xaxis=across, yaxis=axis, showlegend=len(traces) > 1, legend=legend, **stacked, **BRUSH_COLUMNS)
    return {"data": traces, "layout": layout}


def axis_of(measure: Measure, *, share: bool) -> dict[str, Any]:
    """Return the axis of what the cells say: the measure's unit, or per cent."""
    return value_axis(measure, **({"tickformat": ".0%"} if share else {}))


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
