"""The automatic path: backtest, weights, the models that earned one refitted on everything, intervals."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from services.forecasting import backtest as backtesting
from services.forecasting.backtest import Backtest
from services.forecasting.combination import combine, weights
from services.forecasting.intervals import bands
from services.forecasting.panel import Panel, Values
from services.forecasting.registry import MODELS, NAIVE, Model, Run, tidy

Progress = Callable[[str, float], None]


@dataclass(frozen=True)
class Forecasts:
    """Forecasts of a panel: `bands` by name, each (series, horizon); which models count how much; the backtest.

    `past` (origins, series, horizon) is what would have been forecast at the origins of the backtest.
    """

    panel: Panel
    bands: Mapping[str, Values]
    weights: Mapping[str, float]
    backtest: Backtest
    past: Values


def forecast(
    panel: Panel,
    how: Run | None = None,
    models: tuple[Model, ...] = MODELS,
    reconcile: Callable[[Values, Backtest], Callable[[Values], Values]] | None = None,
) -> Forecasts:
    """Return forecasts of every series of the panel.

    Series or panels too short for a backtest get seasonal naive and no interval. When time runs out, models that have
    not
    been fitted yet are left out. `reconcile` makes, from the forecasts of the backtest, what turns forecasts
    (series, horizon) into ones that add up; intervals are those of the result.
    """
    how = how or Run()
    tested = backtesting.run(panel, _share(how, 0.55), models)
    shares = weights(tested, expected=how.expected) if tested.counted.any() else {NAIVE: 1.0}
    found = {model.name: tidy(model.fit(panel, how)(panel), panel) for model in _needed(models, shares, how)}
    shares = {name: share for name, share in shares.items() if name in found} or {NAIVE: 1.0}
    mean = combine(shares, found)
    past = combine(shares, tested.forecasts) if tested.forecasts else np.zeros(tested.truth.shape)
    if reconcile is not None and len(past):
        add_up = reconcile(past, tested)
        mean, past = add_up(mean), np.stack([add_up(each) for each in past])
    return Forecasts(panel, bands(panel, tested, past, mean, how), shares, tested, past)


def _needed(models: tuple[Model, ...], shares: Mapping[str, float], how: Run) -> list[Model]:
    """Return the models with a weight; without those that learn from all series when time has run out."""
    used = [model for model in models if model.name in shares]
    if how.left > 0:
        return used
    return [model for model in used if not model.shared] or [model for model in models if model.name == NAIVE]


def _share(how: Run, share: float) -> Run:
    return how if np.isinf(how.until) else replace(how, until=how.until - (1 - share) * how.left)
