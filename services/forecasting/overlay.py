"""A forecast laid over a trend: the chart's own measure, filters, scope and grain, carried on past the last data."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd

from services.access import Viewer
from services.errors import UserError
from services.forecasting.sales import HORIZONS, STEPS, forecast
from services.periods import Range
from services.sales import Sales
from services.trends import Line, Look, Trend

#: Kinds of the lines, as `Line.kind` has them.
FORECAST, LOW, HIGH = "forecast", "forecast-low", "forecast-high"


def overlaid(found: Trend, sales: Sales, viewer: Viewer, horizon: int) -> Trend:
    """Return the trend with `horizon` more buckets and three lines: the forecast and its 80 % interval.

    The forecast begins with the first period that is not whole in the data, so it may overlap the last bucket. Raises
    UserError where the grain is not one that is forecast, the look is not of values, the lines are parts, or the chart
    ends before the data do.
    """
    asked = found.asked
    if found.grain not in HORIZONS:
        raise UserError(f"There is no forecast by {found.grain.value}; choose {', '.join(HORIZONS)}.")
    if asked.look is not Look.VALUE or asked.split:
        raise UserError("A forecast is laid over values in one line: choose the look Values and no split.")
    if not found.buckets or found.buckets[-1].end < sales.coverage().end:
        raise UserError("The chart ends before the data do; a forecast would not follow it. Choose a later period.")
    outlook = forecast(sales, replace(asked.query, dimensions=()), viewer, horizon)
    coming = outlook.total.set_index("time")
    step, first = STEPS[found.grain], pd.Timestamp(found.buckets[0].start)
    starts = [pd.Timestamp(each.start) for each in found.buckets]
    more = [time for time in coming.index if time > starts[-1] and time >= first]
    buckets = (*found.buckets, *(Range(each.to_pydatetime(), (each + step).to_pydatetime()) for each in more))
    lines = [replace(line, values=(*line.values, *[float("nan")] * len(more))) for line in found.lines]
    extended = replace(found, buckets=buckets, partial=(*found.partial, *[False] * len(more)), lines=tuple(lines))
    for kind, band, label in ((FORECAST, "mean", "Forecast"), (LOW, "lo80", "80 % from"), (HIGH, "hi80", "80 % to")):
        values = coming[band].reindex([*starts, *more]).to_numpy("float64")
        extended = extended.with_line(Line(kind, tuple(map(float, values)), label))
    return extended
