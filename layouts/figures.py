"""Answers -> figures, as the plain dictionaries that plotly.js draws.

Colours of text and grid come from CSS, so a change of theme redraws nothing.
"""

from __future__ import annotations

import datetime as dt
import math
from typing import Any

from layouts import labels, marks
from layouts.axes import round_numbers, rows_axis, time_axis, value_axis, written
from services import formats
from services.model import SalesModel
from services.sales import Answer

Figure = dict[str, Any]
NOW, BEFORE = "#2f6fde", "#8a94a6"
SCALE = [[0, "rgba(47,111,222,0.10)"], [0.25, "rgba(47,111,222,0.40)"], [1, "rgba(47,111,222,1)"]]
#: Marks can be dragged over, in both directions or along one axis: the page is then kept to them.
BRUSH: dict[str, Any] = {"dragmode": "select"}
BRUSH_COLUMNS, BRUSH_ROWS = BRUSH | {"selectdirection": "h"}, BRUSH | {"selectdirection": "v"}
#: The share of the longest bar that the number beside a bar takes, about.
CROSSED = 0.16
#: So many countries are shown with what lies around them instead of the whole world.
FEW_COUNTRIES = 8
CONFIG: Any = {
    "displaylogo": False,
    "responsive": True,
    "displayModeBar": False,
    "topojsonURL": "/assets/vendor/topojson/",
}


def layout_of(**more: Any) -> dict[str, Any]:
    """Return the layout every figure starts from, with more of it or something else."""
    return {
        "margin": {"l": 8, "r": 8, "t": 8, "b": 8},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"family": "inherit", "size": 12},
        "showlegend": False,
        "hoverlabel": {"font": {"family": "inherit"}},
        "dragmode": False,
        "uirevision": "keep",
        **more,
    }


def trend(answer: Answer, name: str, model: SalesModel) -> Figure:
    """Return bars per time bucket with the comparison as a line; the bucket not yet over is hatched."""
    measure, frame = model.measure(name), answer.frame[answer.frame["time"].notna()]
    buckets = [labels.bucket(moment, answer.query.grain, model, short=True) for moment in frame["time"]]
    last = len(buckets) - 1
    bars = {
        "type": "bar",
        "name": labels.range_of(answer.window.now, model),
        "x": buckets,
        "y": numbers(frame[name]),
        "text": [formats.exact(value, measure.format, model) for value in frame[name]],
        "hovertemplate": "%{x}: %{text}<extra></extra>",
        "textposition": "none",
        "marker": {
            "color": NOW,
            "pattern": {"shape": ["/" if answer.window.incomplete and i == last else "" for i in range(len(buckets))]},
        },
    }
    names = [labels.bucket(moment, answer.query.grain, model) for moment in frame["time"]]
    bars |= marks.on(answer, name, names, frame)
    traces = [bars]
    if f"{name}__before" in frame and answer.window.before is not None:
        before = frame[f"{name}__before"]
        traces.append(
            {
                "type": "scatter",
                "mode": "lines+markers",
                "name": labels.range_of(answer.window.before, model),
                "x": buckets,
                "y": numbers(before),
                "text": [formats.exact(value, measure.format, model) for value in before],
                "hovertemplate": "before: %{text}<extra></extra>",
                "line": {"color": BEFORE, "width": 2},
                "marker": {"size": 6},
            }
        )
    return {
        "data": traces,
        "layout": layout_of(
            xaxis=time_axis(list(frame["time"]), answer.query.grain, model),
            yaxis=value_axis(measure),
            hovermode="x unified",
            **BRUSH_COLUMNS,
            showlegend=len(traces) > 1,
            legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
        ),
    }


def ranking(answer: Answer, dimension: str, name: str, model: SalesModel, *, top: int) -> Figure:
    """Return horizontal bars of the first `top` rows, largest on top, with the comparison as a mark."""
    measure, frame = model.measure(name), answer.frame.head(top)
    names, texts = labels.of(frame, dimension), [formats.short(value, measure.format, model) for value in frame[name]]
    traces: list[dict[str, Any]] = [
        {
            "type": "bar",
            "orientation": "h",
            "x": numbers(frame[name]),
            "y": list(range(len(frame))),
            "text": texts,
            "textposition": "outside",
            "hovertext": [f"{text}: {told}" for text, told in zip(names, texts, strict=True)],
            "hovertemplate": "%{hovertext}<extra></extra>",
            "marker": {"color": NOW},
            "cliponaxis": False,
            **marks.on(answer, name, names, frame),
        }
    ]
    longest = max((value or 0.0 for value in traces[0]["x"]), default=0.0)
    if f"{name}__before" in frame and answer.window.before is not None:
        before = frame[f"{name}__before"]
        longest = max([longest, *before.dropna()])
        # A mark where the bar's number would stand takes the number to its own right.
        crossed = list((before > frame[name]) & (before < frame[name] + CROSSED * longest))
        traces[0]["text"] = ["" if taken else text for taken, text in zip(crossed, texts, strict=True)]
        known = [place for place, value in enumerate(before.notna()) if value]
        traces.append(
            {
                "type": "scatter",
                "mode": "markers+text",
                "x": numbers(before.iloc[known]),
                "y": known,
                "text": [texts[place] if crossed[place] else "" for place in known],
                "textposition": "middle right",
                "cliponaxis": False,
                "hovertext": [formats.exact(value, measure.format, model) for value in before.iloc[known]],
                "hovertemplate": "before: %{hovertext}<extra></extra>",
                "marker": {
                    "symbol": "line-ns-open",
                    "size": 14,
                    "color": BEFORE,
                    "line": {"width": 3, "color": BEFORE},
                },
            }
        )
    # Room to the right of the longest bar for its number.
    span = [min(0.0, *(value or 0.0 for value in traces[0]["x"])) * 1.2, longest * 1.2] if longest else None
    axis = value_axis(measure, range=span)
    return {
        "data": traces,
        "layout": layout_of(yaxis=rows_axis(names), xaxis=axis, bargap=0.25, hovermode="y", **BRUSH_ROWS),
    }


def world(answer: Answer, dimension: str, name: str, model: SalesModel) -> Figure:
    """Return a map shaded on a logarithmic scale; rows without a country code are left out."""
    measure, code = model.measure(name), f"{dimension}__code"
    frame = answer.frame
    frame = frame[frame[code].notna() & (frame[name] > 0)] if code in frame else frame.head(0)
    logs = [math.log10(value) for value in frame[name]]
    ticks = list(range(math.floor(min(logs)), math.ceil(max(logs)) + 1)) if logs else []
    trace = {
        "type": "choropleth",
        "locations": list(frame[code]) if code in frame else [],
        "z": logs,
        # Whole decades, so that like values look alike.
        "zmin": ticks[0] if ticks else 0,
        "zmax": max(ticks[-1], ticks[0] + 1) if ticks else 1,
        "text": [
            f"{place}: {formats.exact(value, measure.format, model)}"
            for place, value in zip(frame[dimension], frame[name], strict=True)
        ],
        "hovertemplate": "%{text}<extra></extra>",
        "colorscale": SCALE,
        **marks.on(answer, name, labels.of(frame, dimension), frame),
        "marker": {"line": {"width": 0.5, "color": "rgba(128,128,128,0.6)"}},
        "colorbar": {
            "orientation": "h",
            "thickness": 8,
            "len": 0.7,
            "y": -0.02,
            "yanchor": "top",
            "outlinewidth": 0,
            "tickvals": ticks,
            "ticktext": [formats.tick(10.0**tick, measure.format, model) for tick in ticks],
        },
    }
    geo = {
        "scope": "world",
        "resolution": 110,
        # Few countries fill the map; a range of latitudes would win over the fit.
        **({"fitbounds": "locations"} if 0 < len(logs) <= FEW_COUNTRIES else {"lataxis": {"range": [-56, 80]}}),
        "projection": {"type": "natural earth"},
        "showframe": False,
        "showcoastlines": False,
        "showland": True,
        "landcolor": "rgba(128,128,128,0.16)",
        "showcountries": True,
        "countrycolor": "rgba(128,128,128,0.35)",
        "bgcolor": "rgba(0,0,0,0)",
    }
    return {"data": [trace], "layout": layout_of(geo=geo, **BRUSH)}


def hours(answer: Answer, name: str, model: SalesModel) -> Figure:
    """Return a heat map of weekday by hour; an empty cell is a time without any."""
    measure, frame = model.measure(name), answer.frame
    names = formats.weekdays(formats.locale_of(model))
    cells = {
        (int(day), int(hour)): float(value)
        for day, hour, value in zip(frame["weekday"], frame["hour"], frame[name], strict=True)
        if not math.isnan(value)
    }
    span = range(min((h for _, h in cells), default=0), max((h for _, h in cells), default=23) + 1)
    days, spread = range(1, 8), [0.0, *cells.values()]
    trace = {
        "type": "heatmap",
        "x": [f"{hour:02d}" for hour in span],
        "y": list(names),
        "z": [[cells.get((day, hour)) for hour in span] for day in days],
        "text": [
            [formats.exact(cells.get((day, hour), math.nan), measure.format, model) for hour in span] for day in days
        ],
        "hovertemplate": "%{y} %{x}:00 – %{text}<extra></extra>",
        "hoverongaps": False,
        "colorscale": SCALE,
        "meta": marks.meta(answer, name),
        "customdata": [[[f"{names[day - 1]} {hour:02d}:00", str(day), str(hour)] for hour in span] for day in days],
        "xgap": 2,
        "ygap": 2,
        "colorbar": {
            "thickness": 8,
            "len": 0.9,
            "outlinewidth": 0,
            **written(round_numbers(min(spread), max(spread), 7), measure.format, model),
        },
    }
    axes = {"fixedrange": True, "automargin": True, "showgrid": False, "type": "category"}
    return {"data": [trace], "layout": layout_of(xaxis=axes, yaxis={**axes, "autorange": "reversed"}, **BRUSH)}


def sparkline(values: list[float]) -> str:
    """Return a data URI of a small line; gaps where there is no value, empty for fewer than two values."""
    points = [(index, value) for index, value in enumerate(values) if not math.isnan(value)]
    if len(points) < 2:
        return ""
    low, high = min(value for _, value in points), max(value for _, value in points)
    spread, width = (high - low) or 1.0, max(len(values) - 1, 1)
    path = " ".join(f"{100 * i / width:.1f},{27 - 24 * (value - low) / spread:.1f}" for i, value in points)
    return (
        "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 100 30' "
        "preserveAspectRatio='none'%3E"
        f"%3Cpolyline points='{path}' fill='none' stroke='%232f6fde' stroke-width='1.6' "
        "vector-effect='non-scaling-stroke'/%3E%3C/svg%3E"
    )


def numbers(values: Any) -> list[float | None]:
    """Return values as JSON takes them: None where there is none."""
    return [None if isinstance(value, dt.date) or math.isnan(value) else round(float(value), 4) for value in values]
