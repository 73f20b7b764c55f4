"""The sample's weekly revenue forecast eight weeks ahead from origins over its last year, the rest held back.

Seasonal naive's WAPE of 9.7 % is that of the last eight whole weeks, 10 October to 4 December 2011; over the year it is
higher, and so is anybody's.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from salescope.cache import NoCache
from services.access import Viewer
from services.duck_warehouse import DuckWarehouse
from services.forecasting import feasts, markets
from services.forecasting.engine import forecast
from services.forecasting.panel import Values
from services.forecasting.run import Run
from services.forecasting.sales import ROWS, checked, history, panel_of
from services.forecasting.smoothing import seasonal_naive
from services.loading import load
from services.model import read_model
from services.periods import Grain
from services.query import SalesQuery
from services.recipe import read_recipe
from services.sales import Sales
from tests.factories import viewer_of

SAMPLE = Path(__file__).parents[2] / "data" / "online_retail_ii"
AHEAD = 8
#: Weeks before the end: every fourth week of the last year.
YEAR = range(AHEAD, 53, 4)


@dataclass(frozen=True)
class Held:
    """What was said of weeks that were held back, (origins, weeks), and what came."""

    said: dict[str, Values]
    naive: Values
    came: Values

    def wape(self, said: Values) -> float:
        """Return the sum of absolute errors by that of sales."""
        return float(np.abs(said - self.came).sum() / self.came.sum())

    def within(self, level: int) -> float:
        """Return the share of weeks within an interval."""
        return float(((self.came >= self.said[f"lo{level}"]) & (self.came <= self.said[f"hi{level}"])).mean())

    def __str__(self) -> str:
        return (
            f"WAPE {self.wape(self.said['mean']):.1%}, seasonal naive {self.wape(self.naive):.1%}; "
            f"{self.within(80):.0%} and {self.within(95):.0%} of the weeks within the 80 and 95 % intervals"
        )


def held_back(sales: Sales, viewer: Viewer, offsets: Iterable[int]) -> Held:
    """Return the forecasts of weekly revenue from each origin, so many weeks before the end, and what came."""
    query = checked(SalesQuery(measures=("revenue",), grain=Grain.WEEK), AHEAD)
    panel = panel_of(history(sales, query, viewer), query, AHEAD)
    panel = feasts.with_feasts(panel, markets.shares(sales, query, viewer, panel.ids))
    found, naive, came = [], [], []
    for offset in offsets:
        then, first = panel.before(offset), panel.periods - offset
        found.append(forecast(then, Run(rows=ROWS, expected=True)).bands)
        naive.append(seasonal_naive(then.values, AHEAD, panel.frequency.season)[0])
        came.append(panel.values[0, first : first + AHEAD])
    said = {band: np.stack([each[band][0] for each in found]) for band in found[0]}
    return Held(said, np.stack(naive), np.stack(came))


def report() -> Iterable[str]:
    """Yield a line on the last eight weeks and one on the last year."""
    model = read_model(SAMPLE / "model.yaml")
    with tempfile.TemporaryDirectory() as folder:
        warehouse = DuckWarehouse(Path(folder))
        load(warehouse, model, read_recipe(SAMPLE / "recipe.yaml"), SAMPLE, by="bench")
        sales, viewer = Sales(model, warehouse, NoCache()), viewer_of("analyst")
        yield f"The sample's last {AHEAD} weeks: {held_back(sales, viewer, [AHEAD])}."
        yield f"From {len(YEAR)} origins over its last year: {held_back(sales, viewer, YEAR)}."
