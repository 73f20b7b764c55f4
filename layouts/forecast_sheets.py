"""What files of the Forecast page's tiles hold: the history with what may come, and sums of the parts."""

from __future__ import annotations

import math

import pandas as pd

from services.forecasting.page import ForecastQuery
from services.forecasting.sales import TOTAL, Outlook
from services.model import SalesModel
from services.sheets import KINDS, Column, Kind, Sheet

BANDS = {"mean": "Forecast", "lo80": "80 % from", "hi80": "80 % to", "lo95": "95 % from", "hi95": "95 % to"}


def fan(found: Outlook, asked: ForecastQuery, title: str, model: SalesModel) -> Sheet:
    """Return a row per period of the whole history and of the forecast."""
    kind = KINDS[model.measure(asked.measure).format]
    past = found.history[found.history["key"] == TOTAL]
    nothing = [None] * len(BANDS)
    rows = [[row["time"], _known(row["value"]), *nothing] for row in past.to_dict("records")]
    rows += [[row["time"], None, *(_known(row[band]) for band in BANDS)] for row in found.total.to_dict("records")]
    columns = (Column("From", Kind.TIME), *(Column(each, kind) for each in ("So far", *BANDS.values())))
    return Sheet(title, columns, rows)


def parts(summed: pd.DataFrame, asked: ForecastQuery, title: str, model: SalesModel) -> Sheet:
    """Return a row per part with its sum over the horizon."""
    kind = KINDS[model.measure(asked.measure).format]
    columns = (
        Column(model.dimension(asked.split).label, Kind.TEXT),
        *(Column(BANDS[each], kind) for each in ("mean", "lo80", "hi80")),
        Column("Share", Kind.PERCENT),
        Column(f"Last {asked.horizon}", kind),
    )
    names = ("label", "mean", "lo80", "hi80", "share", "before")
    return Sheet(title, columns, [[_known(row[name]) for name in names] for row in summed.to_dict("records")])


def _known(value: object) -> object:
    return None if isinstance(value, float) and not math.isfinite(value) else value
