"""The automatic path: backtest, weights, the models that earned one refitted on everything, intervals."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from services.forecasting import backtest as backtesting
from services.forecasting import search as searching
from services.forecasting.arima import NotFittedError
from services.forecasting.backtest import Backtest
from services.forecasting.combination import combine, weights
from services.forecasting.intervals import bands
from services.forecasting.panel import Panel, Values
from services.forecasting.registry import MODELS, NAIVE, Model, tidy
from services.forecasting.run import Run

Progress = Callable[[str, float], None]
#: Series forecast at once; more are forecast block by block, each with a model of its own, so that memory stays small.
BLOCK = 4_000


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
    progress: Progress = lambda stage, share: None,
) -> Forecasts:
    """Return forecasts of every series of the panel.

    Series or panels too short for a backtest get seasonal naive and no interval. When time runs out, models that have
    not been fitted yet are left out. `reconcile` makes, from the forecasts of the backtest, what turns forecasts
    (series, horizon) into ones that add up; intervals are those of the result. Of more than `BLOCK` series the backtest
    keeps the errors, not what each model said.
    """
    how, offsets = how or Run(), backtesting.offsets_of(panel)
    edges = np.linspace(0, len(panel.ids), -(-len(panel.ids) // BLOCK) + 1).astype("int64")
    made: list[_Combined] = []
    for number, (first, last) in enumerate(pairwise(edges)):
        progress(f"Forecasting series {first + 1:,} to {last:,} of {len(panel.ids):,}", number / (len(edges) - 1))
        part = panel if len(edges) == 2 else panel.of(np.arange(first, last))
        made.append(_combined(part, _share(how, 0.9 / (len(edges) - 1 - number)), models, offsets))
    mean, past, shares, tested = _joined(made)
    if reconcile is not None and len(past):
        add_up = reconcile(past, tested)
        mean, past = add_up(mean), np.stack([add_up(each) for each in past])
    progress("Working out intervals", 0.95)
    return Forecasts(panel, bands(panel, tested, past, mean, how), shares, tested, past)


@dataclass(frozen=True)
class _Combined:
    """What the models together say of some series, now and at the origins of the backtest."""

    mean: Values
    past: Values
    shares: Mapping[str, float]
    tested: Backtest


def _combined(panel: Panel, how: Run, models: tuple[Model, ...], offsets: tuple[int, ...]) -> _Combined:
    tested = backtesting.run(panel, _share(how, 0.6), models, offsets)
    models, tested = searching.searched(panel, how, models, tested)
    shares = weights(tested, expected=how.expected) if tested.counted.any() else {NAIVE: 1.0}
    found: dict[str, Values] = {}
    for model in _needed(models, shares, how):
        with contextlib.suppress(NotFittedError):
            found[model.name] = tidy(model.fit(panel, how)(panel), panel)
    shares = {name: share for name, share in shares.items() if name in found} or {NAIVE: 1.0}
    past = combine(shares, tested.forecasts) if tested.forecasts else np.zeros(tested.truth.shape)
    return _Combined(combine(shares, found), past, shares, tested)


def _joined(made: list[_Combined]) -> tuple[Values, Values, Mapping[str, float], Backtest]:
    """Return the blocks as one; a model's share is its mean over the series."""
    if len(made) == 1:
        return made[0].mean, made[0].past, made[0].shares, made[0].tested
    sizes = np.array([len(each.mean) for each in made])
    names = sorted({name for each in made for name in each.shares})
    shares = {name: float(np.average([each.shares.get(name, 0.0) for each in made], weights=sizes)) for name in names}
    tested = Backtest(
        made[0].tested.offsets,
        {},
        np.concatenate([each.tested.truth for each in made], axis=1),
        np.concatenate([each.tested.counted for each in made], axis=1),
        np.concatenate([each.tested.scale for each in made]),
        float(np.average([each.tested.seasons for each in made], weights=sizes)),
    )
    return np.vstack([each.mean for each in made]), np.concatenate([each.past for each in made], 1), shares, tested


def _needed(models: tuple[Model, ...], shares: Mapping[str, float], how: Run) -> list[Model]:
    """Return the models with a weight and naive; without those that learn from all series when time has run out."""
    used = [model for model in models if model.name in shares or model.name == NAIVE]
    if how.left > 0:
        return used
    return [model for model in used if not model.shared]


def _share(how: Run, share: float) -> Run:
    return how if np.isinf(how.until) else replace(how, until=how.until - (1 - share) * how.left)
