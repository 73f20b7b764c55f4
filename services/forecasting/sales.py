"""Forecasts of a model's measures, at any grain, filter and breakdown, for the rows a viewer may see."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from services.access import Viewer
from services.adding import Adding, adding
from services.errors import UserError
from services.forecasting import feasts, markets
from services.forecasting.engine import Forecasts, Progress
from services.forecasting.engine import forecast as forecast_of
from services.forecasting.frequency import FREQUENCIES
from services.forecasting.intervals import BANDS, held
from services.forecasting.panel import Panel, Shape, Values, read
from services.forecasting.reconcile import total_first
from services.forecasting.registry import NAIVE
from services.forecasting.run import Run
from services.forecasting.smoothing import seasonal_naive
from services.periods import Compare, Grain, Period
from services.query import Filter, SalesQuery, Sort
from services.sales import Answer, Sales

#: Grains of forecasts and their longest horizon, about three years.
HORIZONS: Mapping[Grain, int] = {Grain.DAY: 370, Grain.WEEK: 156, Grain.MONTH: 36, Grain.QUARTER: 12}
STEPS: Mapping[Grain, pd.DateOffset] = {
    Grain.DAY: pd.DateOffset(days=1),
    Grain.WEEK: pd.DateOffset(weeks=1),
    Grain.MONTH: pd.DateOffset(months=1),
    Grain.QUARTER: pd.DateOffset(months=3),
}
#: Whole periods a forecast needs beside those it is tested on.
FEWEST = 4
TOTAL, REST = "", "\x00rest"
#: Series one forecast may have.
MOST_PARTS = 50_000
#: Values one filter names; of more parts the history is asked for in pieces.
PIECE = 500
#: What LightGBM learns from at most, so that a page need not wait.
ROWS = 6_000
#: Shares of models worth a mention.
SHOWN = 0.005


@dataclass(frozen=True)
class Score:
    """How a model did in the backtest: errors as a share of what was sold and in units of a season's change."""

    model: str
    weight: float
    wape: float
    mase: float
    bias: float


@dataclass(frozen=True)
class Outlook:
    """A forecast and why it is believed; `answer` is that of the total's history.

    `frame` has a row per part and period: `key` ("" is the total, `REST` all parts without a row of their own),
    `label`, `time` and `mean`, `lo80`, `hi80`, `lo95`, `hi95` in the measure's unit, NaN bounds where too little is
    known for an interval. `history` has `key`, `time`, `value`. `scores` are of the total, best first. `coverage` is
    the share of the backtest's periods within the 80 and the 95 % interval. `notes` say what was done to the data.
    """

    query: SalesQuery
    answer: Answer
    frame: pd.DataFrame
    history: pd.DataFrame
    scores: tuple[Score, ...]
    origins: int
    coverage: tuple[float, float]
    notes: tuple[str, ...]
    forecasts: Forecasts

    @property
    def version(self) -> int:
        """The version of the data it was made from."""
        return self.answer.trust.version

    @property
    def total(self) -> pd.DataFrame:
        """The forecast of the total."""
        return self.frame[self.frame["key"] == TOTAL]

    @property
    def model(self) -> str:
        """The models used, the most important first."""
        used = sorted(self.forecasts.weights.items(), key=lambda each: -each[1])
        return " + ".join(f"{share:.0%} {name}" for name, share in used if share >= SHOWN)

    @property
    def naive(self) -> Values:
        """What seasonal naive says of the total."""
        panel = self.forecasts.panel
        found: Values = seasonal_naive(panel.values[:1], panel.horizon, panel.frequency.season)
        return np.asarray(found[0], "float64")

    @property
    def better(self) -> bool:
        """True when something beat seasonal naive in the backtest."""
        return any(share for name, share in self.forecasts.weights.items() if name != NAIVE)


def forecast(
    sales: Sales,
    query: SalesQuery,
    viewer: Viewer,
    horizon: int,
    *,
    how: Run | None = None,
    parts: int = 10,
    progress: Progress = lambda stage, share: None,
) -> Outlook:
    """Return the forecast of the query's first measure at its grain for `horizon` periods after the last whole one.

    All history counts, whatever the query's period. With a dimension, the `parts` largest values of it get forecasts of
    their own and all others one together; where the history adds up, so do the forecasts. Raises UserError when the
    history is too short or the grain or horizon is not offered.
    """
    query = checked(query, horizon)
    how = how or Run(rows=ROWS, expected=True)
    progress("Reading the history", 0.0)
    series, labels, answer, notes = _series(sales, query, viewer, parts)
    panel = panel_of(series, query, horizon)
    if panel.frequency.name in feasts.SHORT:
        panel = feasts.with_feasts(panel, markets.shares(sales, query, viewer, panel.ids))
    longest = int(panel.lengths.max())
    if longest - horizon < FEWEST:
        raise UserError(
            f"The history has {longest} whole periods; a forecast of {horizon} needs {horizon + FEWEST}. "
            "Ask for fewer periods or a finer grain."
        )
    adds_up = len(panel.ids) > 1 and _adds_up(panel)
    if len(panel.ids) > 1 and not adds_up:
        notes = (*notes, "This measure does not add up over its parts, so neither do the forecasts.")
    reconcile = total_first(nonnegative=panel.nonnegative) if adds_up else None
    found = forecast_of(panel, how, reconcile=reconcile, progress=progress)
    return Outlook(
        query,
        answer,
        _frame(found, series, labels),
        series.rename(columns={"series_id": "key", "date": "time"})[["key", "time", "value"]],
        _scores(found),
        len(found.backtest.offsets),
        held(found.backtest, found.past),
        (*notes, *found.backtest.left_out, *(found.panel.notes.values())),
        found,
    )


def checked(query: SalesQuery, horizon: int) -> SalesQuery:
    """Return the query as a forecast asks it, over all history; UserError for what is not offered."""
    grain = query.grain or Grain.MONTH
    if grain not in HORIZONS:
        raise UserError(f"A forecast by {grain.value} is not offered; allowed: {', '.join(HORIZONS)}.")
    if not 1 <= horizon <= HORIZONS[grain]:
        raise UserError(f"{horizon} periods ahead are not offered; allowed by {grain.value}: 1 to {HORIZONS[grain]}.")
    if len(query.dimensions) > 1:
        raise UserError(f"A forecast is broken down by one dimension, not {len(query.dimensions)}.")
    return replace(
        query,
        measures=query.measures[:1],
        grain=grain,
        period=Period("all"),
        compare=Compare.NONE,
        having=(),
        sort=(),
        limit=None,
        offset=0,
    )


def _series(
    sales: Sales, query: SalesQuery, viewer: Viewer, parts: int
) -> tuple[pd.DataFrame, dict[str, str], Answer, tuple[str, ...]]:
    """Return the whole history as a long frame, the total first, labels of the keys, its answer, what was left out."""
    measure = query.measures[0]
    answer = sales.answer(replace(query, dimensions=()), viewer)
    whole = answer.frame.dropna(subset=["time"])[["time", measure]]
    if whole.empty:
        raise UserError("There are no rows to forecast for you here. Choose other filters.")
    end = end_of_whole_periods(sales, pd.DatetimeIndex(whole["time"]), query)
    notes = () if whole["time"].max() < end else ("The last period is not over yet and is left out.",)
    frames = [_long(whole, measure, TOTAL, end)]
    labels = {TOTAL: "Total"}
    if query.dimensions:
        made, found = _parts(sales, query, viewer, min(parts, MOST_PARTS))
        labels |= found
        frames += [_long(each, measure, key, end) for key, each in made.items()]
    return regular(pd.concat(frames), query), labels, answer, notes


def history(sales: Sales, query: SalesQuery, viewer: Viewer) -> pd.DataFrame:
    """Return the whole periods of the query's total as a long frame (`series_id`, `date`, `value`)."""
    return _series(sales, replace(query, dimensions=()), viewer, 0)[0]


def _parts(
    sales: Sales, query: SalesQuery, viewer: Viewer, parts: int
) -> tuple[dict[str, pd.DataFrame], dict[str, str]]:
    """Return the history of the largest values of the query's dimension, and of all others together."""
    measure, dimension = query.measures[0], query.dimensions[0]
    largest = replace(query, grain=None, sort=(Sort(measure, descending=True),), limit=parts)
    found = sales.answer(largest, viewer).frame.dropna(subset=[dimension])
    keys = tuple(found[dimension].astype("str"))
    names = found[f"{dimension}__label"] if f"{dimension}__label" in found else found[dimension]
    labels = dict(zip(keys, names.astype("str"), strict=True))
    if not keys:
        return {}, {}
    made: dict[str, pd.DataFrame] = {}
    for at in range(0, len(keys), PIECE):
        own = replace(query, filters=(*query.filters, Filter(dimension, "is", keys[at : at + PIECE])))
        frame = sales.answer(own, viewer).frame.dropna(subset=["time"])
        made |= {str(key): each for key, each in frame.groupby(frame[dimension].astype("str"), sort=False)}
    made = {key: made[key] for key in keys if key in made}
    others = _rest(sales, query, viewer, keys, made)
    if others is not None:
        made[REST], labels[REST] = others, "All others"
    return made, labels


def _rest(
    sales: Sales, query: SalesQuery, viewer: Viewer, keys: tuple[str, ...], made: Mapping[str, pd.DataFrame]
) -> pd.DataFrame | None:
    """Return the history of all values but these; None where there is nothing, or where it cannot be told."""
    measure, whole = query.measures[0], replace(query, dimensions=())
    if len(keys) <= PIECE:
        rest = replace(whole, filters=(*query.filters, Filter(query.dimensions[0], "not", keys)))
        others = sales.answer(rest, viewer).frame.dropna(subset=["time"])
    elif adding(sales.model, measure) is Adding.SUM:
        total = sales.answer(whole, viewer).frame.dropna(subset=["time"]).set_index("time")[measure]
        named = pd.concat([each[["time", measure]] for each in made.values()]).groupby("time")[measure].sum()
        left = total.astype("float64").sub(named.astype("float64"), fill_value=0.0)
        # What remains of amounts that were added in another order is no sale.
        others = left.where(left.abs() > 1e-9 * total.abs().max(), 0.0).rename(measure).reset_index()
    else:
        return None
    return others if len(others) and others[measure].abs().sum() > 0 else None


def end_of_whole_periods(sales: Sales, times: pd.DatetimeIndex, query: SalesQuery) -> dt.datetime:
    """Return the moment after the last period that is over: the shop may close some hours before its end."""
    covered, grain = sales.coverage(), query.grain or Grain.MONTH
    last = times.max()
    over = last + STEPS[grain] - covered.end < pd.Timedelta(days=1)
    if grain is Grain.DAY:
        over = not covered.has_hours
    return (last + STEPS[grain] if over else last).to_pydatetime()


def _long(frame: pd.DataFrame, measure: str, key: str, end: dt.datetime) -> pd.DataFrame:
    kept = frame[frame["time"] < end]
    return pd.DataFrame({"series_id": key, "date": kept["time"], "value": kept[measure].astype("float64")})


def regular(series: pd.DataFrame, query: SalesQuery) -> pd.DataFrame:
    """Return every series with a row for each period from the first of all to the last; nothing sold is 0."""
    times = pd.date_range(series["date"].min(), series["date"].max(), freq=STEPS[query.grain or Grain.MONTH])
    wide = series.pivot_table(index="date", columns="series_id", values="value", sort=False).reindex(times)
    wide = wide.fillna(0.0).rename_axis("date")
    return wide.reset_index().melt(id_vars="date", var_name="series_id", value_name="value")


def panel_of(series: pd.DataFrame, query: SalesQuery, horizon: int) -> Panel:
    """Return a long frame of whole periods as a panel."""
    return read(series, Shape(horizon, FREQUENCIES[(query.grain or Grain.MONTH).value]))


def _adds_up(panel: Panel) -> bool:
    total, parts = panel.values[0], panel.values[1:].sum(0)
    return bool(np.allclose(total, parts, rtol=1e-6, atol=1e-6 * max(1.0, float(np.abs(total).max()))))


def _frame(found: Forecasts, series: pd.DataFrame, labels: Mapping[str, str]) -> pd.DataFrame:
    panel = found.panel
    step = STEPS[Grain(panel.frequency.name)]
    times = pd.date_range(series["date"].max(), periods=panel.horizon + 1, freq=step)[1:]
    frame = pd.DataFrame({"key": np.repeat(panel.ids, panel.horizon), "time": np.tile(times, len(panel.ids))})
    frame.insert(1, "label", frame["key"].map(labels))
    for band in BANDS:
        frame[band] = found.bands[band].ravel()
    return frame


def _scores(found: Forecasts) -> tuple[Score, ...]:
    """Return how each model did on the total, best first."""
    tested = found.backtest
    rows = [_score(name, found.weights.get(name, 0.0), each, found) for name, each in tested.forecasts.items()]
    return tuple(sorted(rows, key=lambda row: (np.isnan(row.mase), row.mase)))


def _score(name: str, weight: float, forecasts: Values, found: Forecasts) -> Score:
    tested = found.backtest
    counted, truth = tested.counted[:, 0], tested.truth[:, 0]
    error = np.where(counted, forecasts[:, 0] - truth, 0.0)
    sold = np.abs(np.where(counted, truth, 0.0)).sum()
    sold = sold if sold > 0 else np.nan
    return Score(
        name,
        weight,
        float(np.abs(error).sum() / sold),
        float(tested.errors(forecasts)[0]),
        float(error.sum() / sold),
    )
