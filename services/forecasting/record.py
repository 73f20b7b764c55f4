"""Published forecasts, kept as they were said, and how they did once the periods they foresaw are over."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np
import orjson
import pandas as pd
import sqlalchemy as sa
from sqlalchemy.orm import Session

from services.access import Permission, Viewer
from services.database import ForecastRow, utc_now
from services.errors import UserError
from services.forecasting.registry import NAIVE
from services.forecasting.sales import Outlook, history
from services.model import SalesModel
from services.query import SalesQuery
from services.sales import Sales

#: Forecasts shown, the latest first.
SHOWN = 50


@dataclass(frozen=True)
class Kept:
    """A published forecast and what came: `due` of its periods are over by now.

    Errors are shares of what was sold in those periods: `wape` of the forecast, `naive` of seasonal naive, `bias` with
    its sign; `within` is the share of periods within the 80 and the 95 % interval. NaN while none is over.
    """

    number: int
    query: SalesQuery
    by: str
    made_at: dt.datetime
    models: str
    periods: int
    due: int
    wape: float
    naive: float
    bias: float
    within: tuple[float, float]


class TrackRecord:
    """The published forecasts of the model in use, in the application database."""

    def __init__(self, engine: sa.Engine, model: SalesModel) -> None:
        self._engine, self._model = engine, model

    def publish(self, found: Outlook, viewer: Viewer) -> int:
        """Keep the forecast of the total as the viewer sees it; returns its number.

        Raises UserError for a forecast without an interval: it could not be held to anything.
        """
        viewer.require(Permission.FORECAST_RUN)
        total = found.total
        if not np.isfinite(total["lo80"]).all():
            raise UserError("This forecast has no interval, as its history is too short; it is not published.")
        body = {name: total[name].tolist() for name in ("mean", "lo80", "hi80", "lo95", "hi95")}
        body |= {"time": [f"{moment:%Y-%m-%d}" for moment in total["time"]], NAIVE: found.naive.tolist()}
        row = ForecastRow(
            model=self._model.name,
            by=viewer.email,
            scope=viewer.scope.fingerprint,
            query=found.query.to_json().decode(),
            models=found.model[:500],
            body=orjson.dumps(body).decode(),
            version=found.version,
            made_at=utc_now(),
        )
        with Session(self._engine) as session, session.begin():
            session.add(row)
            session.flush()
            return row.id

    def kept(self, sales: Sales, viewer: Viewer) -> list[Kept]:
        """Return the latest forecasts published for exactly the rows of this viewer, scored by what has come."""
        statement = (
            sa.select(ForecastRow)
            .where(ForecastRow.model == self._model.name, ForecastRow.scope == viewer.scope.fingerprint)
            .order_by(ForecastRow.id.desc())
            .limit(SHOWN)
        )
        with Session(self._engine) as session:
            rows = session.scalars(statement).all()
            return [_scored(row, sales, viewer) for row in rows]


def _scored(row: ForecastRow, sales: Sales, viewer: Viewer) -> Kept:
    query, said = SalesQuery.from_json(row.query), pd.DataFrame(orjson.loads(row.body))
    came = history(sales, query, viewer).set_index("date")["value"]
    actual = came.reindex(pd.DatetimeIndex(said["time"])).to_numpy("float64")
    over = np.isfinite(actual)
    said, actual = said[over], actual[over]
    sold = np.abs(actual).sum() if over.any() else np.nan
    sold = sold if sold > 0 else np.nan
    within = [
        float(((actual >= said[f"lo{level}"]) & (actual <= said[f"hi{level}"])).mean()) if over.any() else np.nan
        for level in (80, 95)
    ]
    return Kept(
        row.id,
        query,
        row.by,
        row.made_at,
        row.models,
        len(over),
        int(over.sum()),
        float(np.abs(said["mean"] - actual).sum() / sold),
        float(np.abs(said[NAIVE] - actual).sum() / sold),
        float((said["mean"] - actual).sum() / sold),
        (within[0], within[1]),
    )
