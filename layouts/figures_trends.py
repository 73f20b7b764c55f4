"""Trends, seasons and what does not fit, as figures."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from layouts import labels
from layouts.axes import time_axis, value_axis
from layouts.figures import BEFORE, BRUSH_COLUMNS, NOW, Figure, layout_of, numbers
from layouts.figures_pivot import GREY, PALETTE
from services import formats
from services.forecasting.overlay import FORECAST, HIGH, LOW
from services.model import Format, SalesModel
from services.seasonality import Season
from services.seasons import Pattern, Weekday
from services.trends import Look, Trend

LEGEND = {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0}
#: How the lines of a trend look; a further kind is drawn dotted.
STYLES: Mapping[str, Mapping[str, Any]] = {
    "now": {"color": NOW, "width": 2.5},
    **{name: {"color": BEFORE, "width": 2} for name in ("year", "weeks", "easter")},
    "prior": {"color": "#d55e00", "width": 1.5, "dash": "dash"},
    "average": {"color": "#009e73", "width": 2.5},
    "other": {"color": GREY, "width": 2},
    FORECAST: {"color": NOW, "width": 2.5, "dash": "dot"},
    **{name: {"color": NOW, "width": 0.5} for name in (LOW, HIGH)},
}
UNUSUAL = "#d55e00"
BAND = "rgba(47,111,222,0.18)"


def written(value: float, trend: Trend, model: SalesModel, *, short: bool = False) -> str:
    """Return a value of a trend as its look has it."""
    if math.isnan(value):
        return formats.NOTHING
    match trend.asked.look:
        case Look.SHARE:
            return formats.short(value, Format.PERCENT, model)
        case Look.INDEX:
            return f"{value:.1f}"
        case _:
            kind = model.measure(trend.asked.measure).format
            return formats.short(value, kind, model) if short else formats.exact(value, kind, model)


def trend(found: Trend, names: Sequence[str], model: SalesModel) -> Figure:
    """Return the trend: bars for a measure alone, with its comparisons as lines; lines for parts and other looks.

    `names` are the lines' names. A bucket that is not whole is hatched, or its point is hollow.
    """
    axis_names = [labels.bucket(each.start, found.grain, model, short=True) for each in found.buckets]
    bars = found.asked.look in (Look.VALUE, Look.SHARE) and not found.asked.split
    traces = []
    for number, (line, name) in enumerate(zip(found.lines, names, strict=True)):
        style = dict(STYLES.get(line.kind, {"color": PALETTE[number % len(PALETTE)], "width": 2, "dash": "dot"}))
        if line.kind == "part":
            style = {"color": PALETTE[number % len(PALETTE)], "width": 2}
        trace: dict[str, Any] = {
            "name": name,
            "x": axis_names,
            "y": numbers(line.values),
            "text": [written(value, found, model) for value in line.values],
            "hovertemplate": "%{fullData.name}: %{text}<extra></extra>",
        }
        if line.kind == "now" and bars:
            pattern = {"shape": ["/" if partial else "" for partial in found.partial]}
            trace |= {"type": "bar", "textposition": "none", "marker": {"color": NOW, "pattern": pattern}}
        else:
            symbols = ["circle-open" if partial else "circle" for partial in found.partial]
            marker = {"size": 6 if len(symbols) <= 60 else 1, "symbol": symbols}
            trace |= {"type": "scatter", "mode": "lines+markers", "line": style, "marker": marker}
        if line.kind in (LOW, HIGH):
            trace |= {"mode": "lines", **({"fill": "tonexty", "fillcolor": BAND} if line.kind == HIGH else {})}
        if line.kind in ("now", "part"):
            trace |= _marks(found, line.value, name if line.kind == "part" else "", model)
        traces.append(trace)
    measure = model.measure(found.asked.measure)
    own = {Look.SHARE: {"tickformat": ".0%"}, Look.INDEX: {"tickformat": "~g"}}
    axis = value_axis(measure, **own.get(found.asked.look, {}))
    if not bars:
        axis["rangemode"] = "normal"
    return {
        "data": traces,
        "layout": layout_of(
            xaxis=time_axis([each.start for each in found.buckets], found.grain, model),
            yaxis=axis,
            hovermode="x unified",
            **BRUSH_COLUMNS,
            showlegend=len(traces) > 1,
            legend=LEGEND,
        ),
    }


def _marks(found: Trend, value: str | None, name: str, model: SalesModel) -> dict[str, Any]:
    fields = ["time", *([found.asked.split] if found.asked.split else [])]
    rows = [
        [
            " · ".join(filter(None, (labels.bucket(each.start, found.grain, model), name))),
            f"{each.start:%Y-%m-%d}",
            *([value] if found.asked.split else []),
        ]
        for each in found.buckets
    ]
    return {"meta": {"measure": found.asked.measure, "fields": fields}, "customdata": rows}


def years(pattern: Pattern, season: Season | None, measure: str, model: SalesModel) -> Figure:
    """Return the months of each year over each other; those of the season are shaded."""
    months = formats.months(formats.locale_of(model))
    found = sorted({each.start.year for each in pattern.buckets})
    kind = model.measure(measure).format
    traces = []
    for number, year in enumerate(found):
        values = dict.fromkeys(range(1, 13), math.nan)
        for bucket, value in zip(pattern.buckets, pattern.values, strict=True):
            if bucket.start.year == year:
                values[bucket.start.month] = value
        last = number == len(found) - 1
        traces.append(
            {
                "type": "scatter",
                "mode": "lines+markers",
                "name": str(year),
                "x": list(months),
                "y": numbers(values.values()),
                "text": [formats.exact(value, kind, model) for value in values.values()],
                "hovertemplate": "%{fullData.name}: %{text}<extra></extra>",
                "line": {"color": NOW if last else PALETTE[(number + 1) % len(PALETTE)], "width": 3 if last else 1.8},
                "marker": {"size": 6},
                "meta": {"measure": measure, "fields": ["time"]},
                "customdata": [[f"{name} {year}", f"{year}-{n:02d}-01"] for n, name in enumerate(months, start=1)],
            }
        )
    layout = layout_of(
        xaxis={"type": "category", "automargin": True, "fixedrange": True, "showgrid": False, "range": [-0.5, 11.5]},
        yaxis=value_axis(model.measure(measure)),
        hovermode="x unified",
        showlegend=True,
        legend=LEGEND,
        shapes=_shaded(season) if season else [],
    )
    return {"data": traces, "layout": layout}


def _shaded(season: Season) -> list[dict[str, Any]]:
    """Return a shade behind the season's months, which may run over the end of the year."""
    spans, first = [], season.start - 1
    for start, end in ((first, min(first + season.length, 12)), (0, max(0, first + season.length - 12))):
        if end > start:
            spans.append({"type": "rect", "yref": "paper", "y0": 0, "y1": 1, "x0": start - 0.5, "x1": end - 0.5})
    look = {"fillcolor": "rgba(0,158,115,0.14)", "line": {"width": 0}, "layer": "below"}
    return [span | look for span in spans]


def week(days: Sequence[Weekday], measure: str, model: SalesModel) -> Figure:
    """Return the mean of each weekday as bars."""
    names, kind = formats.weekdays(formats.locale_of(model)), model.measure(measure).format
    trace = {
        "type": "bar",
        "x": [names[each.day - 1] for each in days],
        "y": numbers(each.mean for each in days),
        "text": [formats.exact(each.mean, kind, model) for each in days],
        "textposition": "none",
        "hovertemplate": "%{x}: %{text}<extra></extra>",
        "marker": {"color": NOW},
        "meta": {"measure": measure, "fields": ["weekday"]},
        "customdata": [[names[each.day - 1], str(each.day)] for each in days],
    }
    axis = {"type": "category", "fixedrange": True}
    return {"data": [trace], "layout": layout_of(xaxis=axis, yaxis=value_axis(model.measure(measure)))}


def unusual(pattern: Pattern, measure: str, model: SalesModel) -> Figure:
    """Return all the values of a series, those that do not fit marked."""
    kind = model.measure(measure).format
    dates = [each.start.date().isoformat() for each in pattern.buckets]
    odd = [each.index for each in pattern.anomalies]
    named = {index: labels.bucket(pattern.buckets[index].start, pattern.grain, model) for index in odd}
    names = [named.get(index, date) for index, date in enumerate(dates)]
    line = {
        "type": "scatter",
        "mode": "lines",
        "name": "All data",
        "x": dates,
        "y": numbers(pattern.values),
        # Years of days are written by the browser: that many texts take longer than the rest of the figure.
        "hovertemplate": "%{x|%d %b %Y}: %{y:,.2~f}<extra></extra>",
        "line": {"color": NOW, "width": 1.3},
        "meta": {"measure": measure, "fields": ["time"]},
        "customdata": [[name, date] for name, date in zip(names, dates, strict=True)],
    }
    marks = {
        "type": "scatter",
        "mode": "markers",
        "name": "Does not fit",
        "x": [dates[index] for index in odd],
        "y": numbers(pattern.values[index] for index in odd),
        "hovertext": [names[index] for index in odd],
        "text": [
            f"{formats.exact(each.value, kind, model)}, expected {formats.short(each.expected, kind, model)}"
            for each in pattern.anomalies
        ],
        "hovertemplate": "%{hovertext}: %{text}<extra></extra>",
        "marker": {"color": UNUSUAL, "size": 9, "symbol": "diamond"},
        "meta": {"measure": measure, "fields": ["time"]},
        "customdata": [[names[index], dates[index]] for index in odd],
    }
    axis = {"type": "date", "automargin": True, "fixedrange": True, "showgrid": False}
    layout = layout_of(
        xaxis=axis, yaxis=value_axis(model.measure(measure)), showlegend=True, legend=LEGEND, hovermode="closest"
    )
    return {"data": [line, marks], "layout": layout}
