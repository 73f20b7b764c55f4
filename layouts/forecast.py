"""The Forecast page: history and what may come, why it is believed, what it adds up to, who will lead."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from dash.development.base_component import Component

from layouts import forecast_sheets, marks, settings_bar, tables
from layouts.axes import value_axis
from layouts.figures import BEFORE, NOW, Figure, layout_of, numbers
from layouts.settings_bar import Setting
from layouts.tiles import Drawn
from services import formats
from services.forecasting.page import AHEAD, ForecastQuery, Make, Reach, Show, shows, together
from services.forecasting.panel import Values
from services.forecasting.registry import NAIVE
from services.forecasting.sales import TOTAL, Outlook
from services.model import Format, Measure, SalesModel
from services.periods import Grain
from services.sales import Answer

PAGE = "forecast"
SHOWN = {
    Show.TOTAL: "The total",
    Show.PARTS: "Its parts",
    Show.LEADERS: "Who will lead",
    Show.SCENARIOS: "Scenarios",
    Show.RECORD: "Track record",
}
GRAINS = {Grain.DAY: "Days", Grain.WEEK: "Weeks", Grain.MONTH: "Months", Grain.QUARTER: "Quarters"}
#: Periods of history drawn before the forecast, as multiples of the horizon, within these bounds.
FEWEST, MOST = 30, 110
TARGET = "#d55e00"
#: Chances nearer to 0 or 1 are not told apart.
UNSURE = 0.01
#: Periods side by side; labels stand clear of those of the other axis.
TIME_AXIS: dict[str, Any] = {
    "type": "category",
    "automargin": True,
    "fixedrange": True,
    "nticks": 12,
    "showgrid": False,
    "ticks": "outside",
    "ticklen": 8,
    "tickcolor": "rgba(0,0,0,0)",
}
LEGEND: dict[str, Any] = {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0}
BAND95, BAND80 = "rgba(47,111,222,0.14)", "rgba(47,111,222,0.26)"


def settings(asked: ForecastQuery, model: SalesModel, more: Sequence[Setting] = ()) -> list[Component]:
    """Return the controls; `more` are those of the scenarios."""
    measures = [(name, each.label) for name, each in model.measures.items()]
    offered = sorted({*AHEAD[asked.grain], asked.horizon})
    ahead = [(str(number), f"{number} ahead") for number in offered]
    grains = [(grain.value, GRAINS[grain]) for grain in GRAINS]
    show = [(each.value, SHOWN[each]) for each in shows(model)]
    what = [
        Setting("Measure", "measure", asked.measure, measures, model.overview.measures[0]),
        Setting("Show", "forecast-show", asked.show.value, show, Show.TOTAL.value),
    ]
    if asked.show is Show.SCENARIOS:
        return settings_bar.bar(PAGE, [("What", what[1:]), ("Scenarios", more)])
    if asked.show is Show.PARTS:
        parts = [(name, each.label) for name, each in model.dimensions.items()]
        what.append(Setting("Parts", "forecast-split", asked.split, parts))
    if asked.show in (Show.LEADERS, Show.RECORD):
        return settings_bar.bar(PAGE, [("What", what)])
    when = [
        Setting("Periods", "forecast-by", asked.grain.value, grains, Grain.WEEK.value),
        Setting("Horizon", "forecast-ahead", str(asked.horizon), ahead, str(AHEAD[asked.grain][0])),
    ]
    return settings_bar.bar(PAGE, [("What", what), ("When", when)])


def fan(found: Outlook, asked: ForecastQuery, model: SalesModel, wanted: Values | None = None) -> Drawn:
    """Return history and forecast with both intervals, and the targets of the periods ahead where there are any."""
    measure = model.measure(asked.measure)
    title = f"{measure.label}, {asked.horizon} {GRAINS[asked.grain].lower()} ahead"
    ahead = found.total
    past = found.history[found.history["key"] == TOTAL].tail(min(MOST, max(FEWEST, 4 * asked.horizon)))
    summary = f"{_sum_words(ahead, measure, model)} Model: {found.model}. {' '.join(found.notes)}"
    figure, table = _fan(found.answer, past, ahead, asked, model, wanted), _table(title, ahead, asked, model)
    sheet = partial(forecast_sheets.fan, found, asked, title, model)
    return Drawn(title, summary, figure, table, found.answer, asked.measure, sheet=sheet)


def _sum_words(ahead: pd.DataFrame, measure: Measure, model: SalesModel) -> str:
    first = ahead.iloc[0]
    words = f"Next: {formats.short(first['mean'], measure.format, model)}"
    if math.isfinite(first["lo80"]):
        low, high = (formats.short(first[name], measure.format, model) for name in ("lo80", "hi80"))
        return f"{words}, with 80 % confidence {low} to {high}."
    return f"{words}. There is too little history for an interval."


def _fan(
    answer: Answer,
    past: pd.DataFrame,
    ahead: pd.DataFrame,
    asked: ForecastQuery,
    model: SalesModel,
    wanted: Values | None,
) -> Figure:
    measure = model.measure(asked.measure)
    then, coming = ([formats.bucket(moment, asked.grain, model) for moment in each["time"]] for each in (past, ahead))
    # The bands begin at the last known value, so that nothing tears between what was and what may be.
    joint, last = then[-1:] + coming, past["value"].tolist()[-1:]
    traces: list[dict[str, object]] = []
    for level, colour in ((95, BAND95), (80, BAND80)):
        line = {"type": "scatter", "mode": "lines", "x": joint, "line": {"width": 0}, "hoverinfo": "skip"}
        low, high = (numbers([*last, *ahead[f"{side}{level}"]]) for side in ("lo", "hi"))
        traces.append({**line, "y": low, "showlegend": False})
        traces.append({**line, "y": high, "fill": "tonexty", "fillcolor": colour, "name": f"{level} % interval"})
    lines: list[tuple[str, list[str], Sequence[float], dict[str, object]]] = [
        ("So far", then, past["value"].tolist(), {"color": BEFORE, "width": 2}),
        ("Forecast", joint, [*last, *ahead["mean"]], {"color": NOW, "width": 3}),
    ]
    if wanted is not None and np.isfinite(wanted).any():
        lines.append(("Target", coming, list(wanted), {"color": TARGET, "width": 2, "dash": "dash"}))
    for name, labels_of, values, style in lines:
        texts = [formats.exact(value, measure.format, model) for value in values]
        traces.append(
            {
                "type": "scatter",
                "mode": "lines",
                "name": name,
                "x": labels_of,
                "y": numbers(values),
                "text": texts,
                "hovertemplate": "%{fullData.name}: %{text}<extra></extra>",
                "line": style,
            }
        )
        if name == "So far":
            traces[-1] |= marks.on(answer, asked.measure, then, past)
    return {
        "data": traces,
        "layout": layout_of(
            xaxis=TIME_AXIS | {"categoryorder": "array", "categoryarray": then + coming},
            yaxis=value_axis(measure),
            hovermode="x unified",
            showlegend=True,
            legend=LEGEND,
        ),
    }


def _table(title: str, ahead: pd.DataFrame, asked: ForecastQuery, model: SalesModel) -> Any:
    measure = model.measure(asked.measure)
    bands = ("mean", "lo80", "hi80", "lo95", "hi95")
    rows = [
        [
            formats.bucket(row["time"], asked.grain, model),
            *(formats.exact(row[band], measure.format, model) for band in bands),
        ]
        for row in ahead.to_dict("records")
    ]
    heads = ["From", "Forecast", "80 % from", "80 % to", "95 % from", "95 % to"]
    return tables.table(title, heads, rows)


def _chance(share: float, model: SalesModel) -> str:
    """Return a chance in words that claim no certainty: past errors are too few for that."""
    if share < UNSURE:
        return f"under {formats.short(UNSURE, Format.PERCENT, model)}"
    if share > 1 - UNSURE:
        return f"over {formats.short(1 - UNSURE, Format.PERCENT, model)}"
    return formats.short(share, Format.PERCENT, model)


def chances(found: Reach | None, asked: ForecastQuery, model: SalesModel) -> Drawn:
    """Return what the whole horizon may add up to and how likely amounts are."""
    measure = model.measure(asked.measure)
    title = f"All {asked.horizon} {GRAINS[asked.grain].lower()} together"
    if found is None:
        return Drawn(title, "", problem="There is too little history to tell chances.")
    expected, low, high = (
        formats.short(each, measure.format, model) for each in (found.expected, found.low, found.high)
    )
    summary = f"Expected {expected}; with 80 % confidence {low} to {high}."
    if not found.chances:
        return Drawn(title, f"{summary} There is no year before to compare with.", None, None)
    rows = [
        [
            "The target" if math.isnan(each.change) else f"{each.change:+.0%}" if each.change else "As a year before",
            formats.exact(each.amount, measure.format, model),
            _chance(each.chance, model),
        ]
        for each in found.chances
    ]
    heads = ["Against a year before", "Target", "Chance to reach it"]
    return Drawn(title, summary, None, tables.table(title, heads, rows))


def makes(found: Sequence[Make], asked: ForecastQuery, model: SalesModel) -> Drawn:
    """Return what the forecast is made of: level, season and change, stacked per period."""
    measure = model.measure(asked.measure)
    title = "What it is made of"
    if not found:
        return Drawn(title, "", problem="There is less than a year of history, so a season cannot be told apart.")
    names = ("Level of the last year", "Season", "Change since a year ago")
    columns = list(zip(*((each.level, each.season, each.change) for each in found), strict=True))
    times = [formats.bucket(each.time, asked.grain, model) for each in found]
    rows = [
        [time, *(formats.exact(value, measure.format, model) for value in (*parts, sum(parts)))]
        for time, parts in zip(times, zip(*columns, strict=True), strict=True)
    ]
    level, season, change = (formats.short(sum(column), measure.format, model) for column in columns)
    summary = (
        f"Together: {level} at the level of the last year, {season} for the season, {change} for what has changed "
        "since the same periods a year ago."
    )
    traces = [
        {"type": "bar", "name": name, "x": times, "y": numbers(column), "marker": {"color": colour}}
        for name, column, colour in zip(names, columns, (BEFORE, NOW, TARGET), strict=True)
    ]
    figure = {
        "data": traces,
        "layout": layout_of(
            barmode="relative",
            xaxis=TIME_AXIS,
            yaxis=value_axis(measure),
            hovermode="x unified",
            showlegend=True,
            legend=LEGEND,
        ),
    }
    return Drawn(title, summary, figure, tables.table(title, ["From", *names, "Forecast"], rows))


def models(found: Outlook, model: SalesModel) -> Drawn:
    """Return how every model did in the backtest."""
    title = "How the models did"
    held = [formats.short(share, Format.PERCENT, model) for share in found.coverage]
    beaten = "better than seasonal naive" if found.better else "nothing beat seasonal naive, so it is used"
    told = f" Intervals held {held[0]} (80 %) and {held[1]} (95 %)." if math.isfinite(found.coverage[0]) else ""
    summary = (
        f"Every model forecast again as of {found.origins} times in the past, without what came after: {beaten}.{told}"
    )
    rows = [
        [
            f"{score.model}{' (yardstick)' if score.model == NAIVE else ''}",
            *(formats.short(each, Format.PERCENT, model) for each in (score.weight, score.wape, score.bias)),
            f"{score.mase:.2f}",
        ]
        for score in found.scores
    ]
    heads = ["Model", "Weight", "Error (WAPE)", "Bias", "MASE"]
    return Drawn(title, summary, None, tables.table(title, heads, rows))


def parts(found: Outlook, asked: ForecastQuery, model: SalesModel) -> Drawn:
    """Return the parts of a dimension, summed over the horizon."""
    measure, dimension = model.measure(asked.measure), model.dimension(asked.split)
    title = f"{measure.label} by {dimension.label.lower()}, next {asked.horizon} {GRAINS[asked.grain].lower()}"
    summed = together(found)
    rows = [
        [
            row["label"],
            *(formats.exact(row[each], measure.format, model) for each in ("mean", "lo80", "hi80")),
            formats.short(row["share"], Format.PERCENT, model),
            formats.exact(row["before"], measure.format, model),
            formats.change_text(formats.change(row["mean"], row["before"]), model),
        ]
        for row in summed.to_dict("records")
    ]
    heads = [dimension.label, "Forecast", "80 % from", "80 % to", "Share", f"Last {asked.horizon}", "Change"]
    summary = " ".join(found.notes) or "The parts add up to the total."
    sheet = partial(forecast_sheets.parts, summed, asked, title, model)
    return Drawn(title, summary, None, tables.table(title, heads, rows), found.answer, asked.measure, sheet=sheet)


def leaders(listed: pd.DataFrame, name: str, asked: ForecastQuery, names: tuple[str, str], model: SalesModel) -> Drawn:
    """Return who will lead where."""
    measure = model.measure(asked.measure)
    where, what = (model.dimension(each).label for each in names)
    title = f"Top by {measure.label.lower()}, {name}"
    rows = [
        [
            f"{row['place_label']} {row['rank']}. {row['label']}",
            *(formats.exact(row[each], measure.format, model) for each in ("mean", "lo80", "hi80", "before")),
            _chance(row["chance"], model),
        ]
        for row in listed.to_dict("records")
    ]
    heads = [f"{where}, {what.lower()}", "Forecast", "80 % from", "80 % to", "Last time", "Stays in the list"]
    summary = "The last column tells in how many of the drawn futures it is in the list of its place."
    return Drawn(title, summary, None, tables.table(title, heads, rows))
