"""What the Forecast page asks: its URL's parameters, and the chance of reaching an amount."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np
import pandas as pd

from services.access import Viewer
from services.errors import UnknownNameError, UserError
from services.forecasting import smoothing
from services.forecasting.leaders import futures
from services.forecasting.panel import Values
from services.forecasting.sales import HORIZONS, STEPS, TOTAL, Outlook
from services.model import Role, SalesModel
from services.overview import default_query
from services.periods import Compare, Grain, Range
from services.planning import Planning
from services.query import Params, SalesQuery, from_params

PREFIX = "forecast-"
#: Parameters that name the scenarios side by side.
CHOSEN = ("one", "two")
#: Periods ahead whose targets are looked up.
MOST_TARGETS = 60
#: Periods ahead offered per grain; the first is shown unless another is asked for.
AHEAD: Mapping[Grain, tuple[int, ...]] = {
    Grain.WEEK: (8, 4, 13, 26, 52),
    Grain.MONTH: (3, 1, 6, 12),
    Grain.DAY: (28, 7, 14, 90),
    Grain.QUARTER: (1, 2, 4),
}
#: Changes against a year before whose chance is told.
CHANGES = (-0.2, -0.1, 0.0, 0.05, 0.1, 0.2, 0.5)
YEAR: Mapping[Grain, int] = {Grain.DAY: 364, Grain.WEEK: 52, Grain.MONTH: 12, Grain.QUARTER: 4}


class Show(StrEnum):
    """What the page shows."""

    TOTAL = "total"
    PARTS = "parts"
    LEADERS = "leaders"
    SCENARIOS = "scenarios"
    RECORD = "record"


@dataclass(frozen=True)
class ForecastQuery:
    """What is forecast, and how far ahead; `split` is the dimension of the parts, `chosen` numbers of scenarios."""

    query: SalesQuery
    horizon: int
    show: Show = Show.TOTAL
    split: str = ""
    chosen: tuple[int, ...] = ()

    @property
    def grain(self) -> Grain:
        """The size of the periods."""
        return self.query.grain or Grain.WEEK

    @property
    def measure(self) -> str:
        """The measure on show."""
        return self.query.measures[0]


def default(model: SalesModel) -> SalesQuery:
    """Return the query of the page when the URL says nothing."""
    base = default_query(model)
    return replace(base, measures=base.measures[:1], compare=Compare.NONE)


def pairs(model: SalesModel) -> tuple[str, str] | None:
    """Return where and what can lead: countries and products; None where the data lack either."""
    where, what = model.by_role(Role.COUNTRY), model.by_role(Role.PRODUCT)
    return (where, what) if where and what else None


def shows(model: SalesModel) -> tuple[Show, ...]:
    """Return what the page can show of these data."""
    parts = (Show.PARTS,) if model.dimensions else ()
    return (Show.TOTAL, *parts, *((Show.LEADERS,) if pairs(model) else ()), Show.SCENARIOS, Show.RECORD)


def read(params: Params, model: SalesModel) -> tuple[ForecastQuery, tuple[str, ...]]:
    """Return what a URL's parameters ask for, and a notice per parameter not used. Never raises."""
    query, notices = from_params(params, default(model), model)
    query = replace(query, measures=query.measures[:1], dimensions=(), grain=Grain.WEEK, compare=Compare.NONE, sort=())
    asked = {key.removeprefix(PREFIX): value for key, value in params if key.startswith(PREFIX)}
    problems: list[str] = []
    choices: dict[str, tuple[str, ...]] = {
        "by": tuple(AHEAD),
        "show": shows(model),
        "split": tuple(model.dimensions),
        "ahead": tuple(str(number) for number in range(1, max(HORIZONS.values()) + 1)),
    }
    for name, value in list(asked.items()):
        try:
            if name not in (*choices, *CHOSEN):
                offered = [PREFIX + each for each in (*choices, *CHOSEN)]
                raise UnknownNameError("setting of this page", PREFIX + name[:80], offered)
            if name in CHOSEN:
                if not re.fullmatch("[0-9]{1,9}", value):
                    raise UserError(f"{value[:80]!r} is no number of a scenario.")
            elif value not in choices[name]:
                raise UnknownNameError("choice", value[:80], choices[name][:20])
        except UserError as error:
            problems.append(f"{PREFIX}{name[:80]} was ignored: {error}")
            del asked[name]
    grain = Grain(asked.get("by", Grain.WEEK))
    horizon = min(int(asked.get("ahead", AHEAD[grain][0])), HORIZONS[grain])
    country = model.by_role(Role.COUNTRY)
    split = asked.get("split", country or next(iter(model.dimensions), ""))
    chosen = tuple(dict.fromkeys(int(asked[name]) for name in CHOSEN if name in asked))
    found = ForecastQuery(replace(query, grain=grain), horizon, Show(asked.get("show", Show.TOTAL)), split, chosen)
    return found, (*notices, *problems)


@dataclass(frozen=True)
class Make:
    """What the forecast of a period is made of; the three add up to it.

    `level` is the mean of the last year's periods, `season` what the same period a year ago was above it, `change` what
    the forecast puts on top of a year ago: growth, and what the models learned beside.
    """

    time: pd.Timestamp
    level: float
    season: float
    change: float

    @property
    def forecast(self) -> float:
        """The sum of the three."""
        return self.level + self.season + self.change


def made_of(found: Outlook) -> tuple[Make, ...]:
    """Return what the total's forecast of each period is made of; nothing with less than a year of history."""
    values, season = found.forecasts.panel.values[0], YEAR[found.query.grain or Grain.WEEK]
    if len(values) < season or not np.isfinite(values[-season:]).any():
        return ()
    level = float(np.nanmean(values[-season:]))
    last_year = smoothing.seasonal_naive(values[None], len(found.total), season)[0]
    return tuple(
        Make(time, level, float(before) - level, float(mean) - float(before))
        for time, before, mean in zip(found.total["time"], last_year, found.total["mean"], strict=True)
    )


def together(found: Outlook) -> pd.DataFrame:
    """Return what each part adds up to over the horizon, the largest first: the total stands first.

    Columns `key`, `label`, `mean`, `lo80`, `hi80` (of the sum, from drawn futures; NaN without a backtest), `share` of
    the total and `before`, the sum of as many last whole periods.
    """
    summed = found.frame.groupby(["key", "label"], sort=False)["mean"].sum().reset_index()
    drawn, ids = futures(found.forecasts), list(found.forecasts.panel.ids)
    for name, level in (("lo80", 0.1), ("hi80", 0.9)):
        sums = np.quantile(drawn, level, axis=0) if len(drawn) else np.full(len(ids), np.nan)
        summed[name] = summed["key"].map(dict(zip(ids, sums, strict=True)))
    horizon = len(found.total)
    last = found.history.groupby("key", sort=False)["value"].apply(lambda values: values.tail(horizon).sum())
    total = float(summed.loc[summed["key"] == TOTAL, "mean"].iloc[0])
    summed["share"] = summed["mean"] / total if total else np.nan
    summed["before"] = summed["key"].map(last).astype("float64")
    return summed.sort_values("mean", ascending=False, kind="stable", ignore_index=True)


@dataclass(frozen=True)
class Chance:
    """An amount over the whole horizon and its chance; its change against the same periods a year before.

    The change is NaN for what people set as their target.
    """

    change: float
    amount: float
    chance: float


@dataclass(frozen=True)
class Reach:
    """What the whole horizon may bring: the expected sum, its 80 % interval, the year before, chances of amounts."""

    expected: float
    low: float
    high: float
    before: float
    chances: tuple[Chance, ...]


def targets(found: Outlook, planning: Planning, viewer: Viewer) -> Values:
    """Return what people set as the target of each period ahead; NaN where targets do not cover exactly its days."""
    total, measure = found.total, found.query.measures[0]
    step = STEPS[found.query.grain or Grain.WEEK]
    ahead = [Range(time.to_pydatetime(), (time + step).to_pydatetime()) for time in total["time"]]
    wanted = [
        planning.progress(found.query, each, each, {measure: mean}, viewer).get(measure)
        for each, mean in zip(ahead[:MOST_TARGETS], total["mean"], strict=False)
    ]
    known = [np.nan if each is None else each.target for each in wanted]
    return np.array(known + [np.nan] * (len(ahead) - len(known)), "float64")


def reach(found: Outlook, asked: ForecastQuery, wanted: Values | None = None) -> Reach | None:
    """Return the sum over the horizon and the chance to reach amounts; None without a backtest to draw from.

    `wanted` are the targets of the periods ahead; where they are known for all of them, their sum is an amount too.
    """
    drawn = futures(found.forecasts)[:, 0]
    if not len(drawn):
        return None
    values = found.forecasts.panel.values[0]
    year = YEAR[asked.grain]
    first = len(values) - year
    before = float(values[first : first + asked.horizon].sum()) if first >= 0 and asked.horizon <= year else np.nan
    chances = tuple(
        Chance(change, before * (1 + change), float((drawn >= before * (1 + change)).mean()))
        for change in CHANGES
        if before > 0
    )
    if wanted is not None and np.isfinite(wanted).all():
        whole = float(wanted.sum())
        chances = (Chance(np.nan, whole, float((drawn >= whole).mean())), *chances)
    low, high = np.quantile(drawn, [0.1, 0.9])
    return Reach(float(found.total["mean"].sum()), float(low), float(high), before, chances)
