"""One LightGBM model for all series of a panel, forecasting every step of the horizon directly."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import lightgbm
import numpy as np

from services.forecasting.arima import NotFittedError
from services.forecasting.features import Features, Samples, horizon_of, switches_of
from services.forecasting.panel import Panel, Values
from services.forecasting.run import Run

#: Changes when features or samples do: models of another version are not used.
VERSION = 1
#: Numbers held at once, by the series.
CELLS = 8_000_000
#: What all models share.
COMMON: Mapping[str, Any] = {
    "learning_rate": 0.05,
    "num_leaves": 31,
    "min_data_in_leaf": 30,
    "feature_fraction": 0.6,
    "bagging_fraction": 0.8,
    "bagging_freq": 1,
    "lambda_l2": 1.0,
    "verbosity": -1,
    "deterministic": True,
    "force_row_wise": True,
    "max_bin": 127,
}
#: Series that are few have so little to tell that half the trees and leaves say the same, in a third of the time.
FEW = 20
SMALL: Mapping[str, Any] = {"num_leaves": 15, "learning_rate": 0.08}
SMALL_ROUNDS = 120


@dataclass(frozen=True)
class Objective:
    """What a model learns: the loss, its own parameters, and for which panels it is meant."""

    name: str
    parameters: Mapping[str, Any]
    meant_for: Callable[[Panel], bool] = lambda panel: True
    rounds: int = 250

    def varied(self, rounds: int, **more: Any) -> Objective:
        """Return the same loss learned with other settings."""
        return replace(self, parameters={**self.parameters, **more}, rounds=rounds)


OBJECTIVES = (
    Objective("absolute error", {"objective": "regression_l1"}),
    Objective("squared error", {"objective": "regression"}),
    Objective("Tweedie", {"objective": "tweedie", "tweedie_variance_power": 1.2}, lambda panel: panel.nonnegative),
)

#: Rounds and settings that are searched through where time is left: smoother, finer, slower.
SETTINGS: tuple[tuple[int, Mapping[str, Any]], ...] = (
    (250, {"num_leaves": 12, "min_data_in_leaf": 60}),
    (400, {"learning_rate": 0.03, "feature_fraction": 0.4}),
    (250, {"num_leaves": 63, "min_data_in_leaf": 60, "feature_fraction": 0.4}),
    (120, {"learning_rate": 0.05, "num_leaves": 20}),
)


@dataclass(frozen=True)
class Boosted:
    """A fitted model and what it was fitted with; calling it forecasts a panel as of the panel's end."""

    booster: lightgbm.Booster
    switches: tuple[int, ...]

    def __call__(self, panel: Panel) -> Values:
        """Return forecasts (series, horizon); NaN where a series has no level yet."""
        return in_parts(panel, self._part)

    def _part(self, panel: Panel) -> Values:
        features, samples = Features(panel, self.switches), horizon_of(panel)
        found = np.asarray(self.booster.predict(features.build(samples)), "float64") * features.level(samples)
        return found.reshape(len(panel.ids), panel.horizon)


def in_parts(panel: Panel, forecast: Callable[[Panel], Values]) -> Values:
    """Return the forecasts of a panel made some series at a time, so that memory stays small."""
    step = max(1, CELLS // (panel.known.shape[1] * (4 + panel.known.shape[2])))
    if step >= len(panel.ids):
        return forecast(panel)
    rows = np.arange(len(panel.ids))
    return np.vstack([forecast(panel.of(rows[at : at + step])) for at in range(0, len(rows), step)])


def few(panel: Panel, seed: int) -> Panel:
    """Return the panel, or as many of its series as a model can learn from at once."""
    most = max(1, CELLS // (panel.known.shape[1] * (4 + panel.known.shape[2])))
    if most >= len(panel.ids):
        return panel
    return panel.of(np.sort(np.random.default_rng(seed).choice(len(panel.ids), most, replace=False)))


def fit_boosting(panel: Panel, objective: Objective, how: Run) -> Boosted:
    """Return the model fitted on every origin of the panel's past, or the one kept of the same panel and settings.

    It stops growing when the run's time is over, and is kept only when it did not.
    """
    small = SMALL if is_small(panel) else {}
    parameters = {**COMMON, **small, **objective.parameters, "num_threads": how.threads, "seed": how.seed}
    rounds = SMALL_ROUNDS if small else objective.rounds
    switches, key = switches_of(panel), _key(panel, parameters, rounds, how) if how.shelf else ""
    kept = how.shelf.find(key) if how.shelf else None
    if kept is not None:
        return Boosted(lightgbm.Booster(model_str=kept), switches)
    booster = _trained(few(panel, how.seed), switches, (parameters, rounds), how)
    if how.shelf and booster.current_iteration() == rounds:
        how.shelf.keep(key, booster.model_to_string())
    return Boosted(booster, switches)


def _trained(
    panel: Panel, switches: tuple[int, ...], settings: tuple[Mapping[str, Any], int], how: Run
) -> lightgbm.Booster:
    features, samples = Features(panel, switches), training_samples(panel, how.rows, how.seed)
    level = features.level(samples)
    usable = np.isfinite(level)
    samples, level = samples.of(usable), level[usable]
    if not len(level):
        raise NotFittedError("nothing was ever sold")
    weight = level / scales(panel)[samples.row]
    weight = np.clip(weight, *np.quantile(weight, [0.02, 0.98])) if len(weight) else weight
    target = panel.values[samples.row, samples.target] / level
    data = lightgbm.Dataset(features.build(samples), target, weight=weight)
    parameters, rounds = settings
    return lightgbm.train(dict(parameters), data, rounds, callbacks=[_stop_at(how.until)])


def _key(panel: Panel, parameters: Mapping[str, Any], rounds: int, how: Run) -> str:
    """Return what is the same for the same series, settings and version, whoever asks, and for nothing else."""
    settings = {name: value for name, value in parameters.items() if name != "num_threads"}
    facts = (panel.names, panel.frequency.name, panel.horizon, panel.nonnegative, panel.real_dates, how.rows, rounds)
    told = hashlib.sha256(repr((lightgbm.__version__, VERSION, sorted(settings.items()), facts)).encode())
    for block in (panel.values, panel.known, panel.statics, panel.last, panel.closed):
        told.update(repr(block.shape).encode())
        told.update(np.ascontiguousarray(block).data)
    return told.hexdigest()


def is_small(panel: Panel) -> bool:
    """True for so few series that their backtests alone tell little."""
    return len(panel.ids) < FEW


def _stop_at(until: float) -> Callable[[Any], None]:
    def check(environment: Any) -> None:
        if time.monotonic() > until:
            raise lightgbm.callback.EarlyStopException(environment.iteration, [])

    return check


def training_samples(panel: Panel, most: int, seed: int) -> Samples:
    """Return at most `most` samples whose targets are recorded, drawn evenly over cells and steps."""
    columns = np.arange(panel.periods)[None]
    least = np.maximum(panel.periods - panel.lengths + np.minimum(panel.lengths // 3, 2 * panel.frequency.year), 1)
    usable = np.isfinite(panel.values) & ~panel.closed[:, : panel.periods] & (columns >= least[:, None])
    row, target = np.nonzero(usable)
    draw = np.random.default_rng(seed)
    if len(row) * panel.horizon <= most:
        row, target = np.repeat(row, panel.horizon), np.repeat(target, panel.horizon)
        step = np.tile(np.arange(1, panel.horizon + 1), len(row) // panel.horizon)
    else:
        chosen = draw.integers(0, len(row), most)
        row, target, step = row[chosen], target[chosen], draw.integers(1, panel.horizon + 1, most)
    origin = target - step + 1
    return Samples(row, origin, step).of(origin >= least[row])


def scales(panel: Panel) -> Values:
    """Return per series the mean absolute difference over a season, the unit of its errors; 1 where it is 0."""
    values, season = panel.values, panel.frequency.season
    lag = season if panel.periods > 2 * season else 1
    difference = np.abs(values[:, lag:] - values[:, :-lag])
    seen = np.isfinite(difference)
    number = seen.sum(1)
    mean = np.where(seen, difference, 0).sum(1) / np.maximum(number, 1)
    usual = np.where(np.isfinite(values), np.abs(values), 0).sum(1) / np.maximum(np.isfinite(values).sum(1), 1)
    mean = np.where((number > 3) & (mean > 0), mean, usual)
    return np.where(mean > 0, mean, 1.0)
