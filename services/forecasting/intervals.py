"""Prediction intervals from what the combination got wrong in the backtest.

Split conformal: quantiles of past errors in units of each series' own error, step by step (Vovk et al., 2005; Lei et
al., 2018). A series' own error is taken from the other origins, so that it does not know the error it is to scale.
Where a quantile regression on what is known of a cell describes the errors of series it has not seen better, the
interval is the mean of both.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import lightgbm
import numpy as np

from services.forecasting.backtest import Backtest
from services.forecasting.features import Index
from services.forecasting.panel import Panel, Values
from services.forecasting.registry import open_values
from services.forecasting.run import Run

LEVELS: Mapping[str, float] = {"lo95": 0.025, "lo80": 0.1, "hi80": 0.9, "hi95": 0.975}
BANDS = ("lo95", "lo80", "mean", "hi80", "hi95")
#: Weights were chosen on the errors of the backtest; large ones to come are a little larger.
UNSEEN: Mapping[str, float] = {"lo95": 1.08, "lo80": 1.0, "hi80": 1.0, "hi95": 1.08}
#: The panel's mean error counts as this many cells of a series' own.
PRIOR = 20
#: Errors of series count up to this many times the median one.
OUTLYING = 5.0
#: Logarithm of the widest change of level that counts, and the sum of squares at which levels tell half of it.
WIDEST, FEW_LEVELS = 0.9, 1.0
#: Errors needed before an interval is stated at all.
FEWEST = 16
#: How much better the regression must describe unseen series to be used.
MARGIN = 0.99
FOLDS = 2
#: Cells the regression learns from and is judged by at most.
MOST_CELLS = 100_000


@dataclass(frozen=True)
class Errors:
    """Errors of the backtest: in units of `spread_then`, (origins, series, horizon), NaN where nothing counted.

    `spread` is each series' mean absolute error now, in the unit of its values. Both follow the level of the forecast
    as far as past errors did: errors of twice the sales may be twice as large, or just as large.
    """

    relative: Values
    spread: Values
    spread_then: Values

    @classmethod
    def of(cls, backtest: Backtest, forecasts: Values, mean: Values) -> Errors:
        """Return the errors of forecasts made in the backtest, for the forecast `mean` that is made now."""
        number = backtest.counted.sum(2)
        size = np.where(backtest.counted, np.abs(forecasts - backtest.truth), 0).sum(2)
        relation = _relation(forecasts, mean, size / np.maximum(number, 1), number)
        size = size / relation[:-1]
        usual = _usual(size.sum(0) / np.maximum(number.sum(0), 1) / backtest.scale, number.sum(0)) * backtest.scale
        now = (size.sum(0) + PRIOR * usual) / (number.sum(0) + PRIOR)
        then = (size.sum(0) - size + PRIOR * usual) / (number.sum(0) - number + PRIOR)
        now, then = now * relation[-1], then * relation[:-1]
        relative = (backtest.truth - forecasts) / then[:, :, None]
        return cls(np.where(backtest.counted, relative, np.nan), now, then)


def _usual(error: Values, number: Index) -> float:
    """Return the mean of errors in units of the scales of their series, none of which rules all others."""
    known = (number > 0) & (error > 0)
    if not known.any():
        return 1e-9
    error, number = error[known], number[known]
    return float(np.average(np.minimum(error, OUTLYING * np.median(error)), weights=number))


def _relation(forecasts: Values, mean: Values, size: Values, number: Index) -> Values:
    """Return the factor that errors have by the level of the forecast, (origins and now, series), about 1.

    It is the level to a power: the slope of logarithms of mean errors on those of levels over the origins of all
    series, drawn towards 0 where levels hardly differ, and within 0 (errors of one size) and 1 (of one share).
    """
    level = np.abs(np.concatenate([forecasts, mean[None]])).mean(2)
    level = np.log(np.maximum(level, 0.1 * np.median(level, axis=0) + 1e-300))
    level = np.clip(level - level[:-1].mean(0), -WIDEST, WIDEST)
    usual = (size * number).sum(0) / np.maximum(number.sum(0), 1)
    told = (number > 0) & (usual > 0)
    error = np.log(
        np.maximum(size, 0.1 * usual) / np.where(usual > 0, usual, 1.0), where=told, out=np.zeros(told.shape)
    )
    error = np.where(told, error - error.sum(0) / np.maximum(told.sum(0), 1), 0.0)
    power = (level[:-1] * error).sum() / ((level[:-1] ** 2 * told).sum() + FEW_LEVELS)
    return np.asarray(np.exp(level * np.clip(power, 0.0, 1.0)), "float64")


def bands(panel: Panel, backtest: Backtest, past: Values, mean: Values, how: Run) -> dict[str, Values]:
    """Return `mean` and the bounds, each (series, horizon), in order; bounds are NaN where too few errors are known."""
    errors = Errors.of(backtest, past, mean) if backtest.offsets else None
    if errors is None or np.isfinite(errors.relative).sum() < FEWEST:
        nothing = np.full(mean.shape, np.nan)
        return {"mean": mean, **dict.fromkeys(LEVELS, nothing)}
    steps = {name: _by_step(errors.relative, level) for name, level in LEVELS.items()}
    cells = _Cells.of(panel, backtest, past, errors)
    if len(cells.errors) >= 400 and how.left > 0:
        regressed = _regressed(cells, _known_of(panel, mean, errors.spread), steps, how)
    else:
        regressed = {}
    found = {
        name: mean
        + UNSEEN[name] * errors.spread[:, None] * regressed.get(name, np.broadcast_to(steps[name], mean.shape))
        for name in LEVELS
    }
    return ordered({"mean": mean, **found}, panel)


def held(backtest: Backtest, past: Values) -> tuple[float, float]:
    """Return the shares of the backtest's cells within the 80 and 95 % intervals that the other origins give.

    NaN where there are too few errors to tell.
    """
    errors = Errors.of(backtest, past, past[0]).relative if len(past) else np.zeros((0, 0, 0))
    within = {"80": 0, "95": 0}
    judged = 0
    for origin in range(len(errors)):
        others = np.delete(errors, origin, axis=0)
        here = np.isfinite(errors[origin])
        if np.isfinite(others).sum() < FEWEST or not here.any():
            continue
        judged += int(here.sum())
        for name in within:
            low, high = (UNSEEN[each] * _by_step(others, LEVELS[each])[None] for each in (f"lo{name}", f"hi{name}"))
            inside = (errors[origin] >= np.minimum(low, 0)) & (errors[origin] <= np.maximum(high, 0))
            within[name] += int((inside & here).sum())
    return (within["80"] / judged, within["95"] / judged) if judged else (float("nan"), float("nan"))


def ordered(found: Mapping[str, Values], panel: Panel) -> dict[str, Values]:
    """Return bounds in order around the mean, not below 0 where values never are, and nothing but 0 where closed."""
    low, high = np.minimum, np.maximum
    mean = found["mean"]
    sides = {"lo80": low(found["lo80"], mean), "hi80": high(found["hi80"], mean)}
    sides |= {"lo95": low(found["lo95"], sides["lo80"]), "hi95": high(found["hi95"], sides["hi80"])}
    if panel.nonnegative:
        sides = {name: np.maximum(side, 0) for name, side in sides.items()}
    shut = panel.closed[:, panel.periods :]
    return {"mean": mean, **{name: np.where(shut, mean, side) for name, side in sides.items()}}


def _by_step(relative: Values, level: float) -> Values:
    """Return the quantile of the errors of each step and its neighbours."""
    horizon = relative.shape[2]
    reach = max(1, horizon // 6)
    found = np.zeros(horizon)
    for step in range(horizon):
        near = relative[:, :, max(0, step - reach) : step + reach + 1]
        near = near[np.isfinite(near)]
        found[step] = _quantile(near, level) if len(near) else np.nan
    return np.nan_to_num(found, nan=_quantile(relative[np.isfinite(relative)], level))


def _quantile(errors: Values, level: float) -> float:
    """Return the conformal quantile: of the sorted errors the one that n + 1 exchangeable ones would not pass."""
    number = len(errors)
    outer = level * (1 + 1 / number) if level > 0.5 else level - (1 - level) / number
    return float(np.quantile(errors, min(max(outer, 0.0), 1.0)))


@dataclass(frozen=True)
class _Cells:
    known: Values
    errors: Values
    row: Index
    step: Index

    @classmethod
    def of(cls, panel: Panel, backtest: Backtest, past: Values, errors: Errors) -> _Cells:
        counted = np.isfinite(errors.relative)
        known = [
            _known_of(panel.before(offset), past[index], errors.spread_then[index])[counted[index]]
            for index, offset in enumerate(backtest.offsets)
        ]
        _, row, step = np.nonzero(counted)
        cells = cls(np.vstack(known), errors.relative[counted], row, step)
        if len(row) <= MOST_CELLS:
            return cells
        drawn = np.sort(np.random.default_rng(0).choice(len(row), MOST_CELLS, replace=False))
        return cls(cells.known[drawn], cells.errors[drawn], row[drawn], step[drawn])


def _known_of(panel: Panel, mean: Values, spread: Values) -> Values:
    """Return what is known of each cell (series, horizon, columns)."""
    values = open_values(panel)
    long = values[:, -max(2 * panel.frequency.season, 12) :]
    seen = np.isfinite(long)
    number = np.maximum(seen.sum(1), 1)
    level = np.maximum(np.where(seen, long, 0).sum(1) / number, 1e-9)
    zeros = (seen & (long == 0)).sum(1) / number
    moves = np.abs(np.diff(values[:, -10:], axis=1))
    recent = np.where(np.isfinite(moves), moves, 0).sum(1) / np.maximum(np.isfinite(moves).sum(1), 1)
    spread = spread[:, None]
    columns = [
        np.broadcast_to(np.arange(panel.horizon), mean.shape),
        mean / spread,
        np.log(np.maximum(mean + 0.01 * spread, 1e-9) / level[:, None]),
        *(np.broadcast_to(each[:, None], mean.shape) for each in (zeros, level / spread[:, 0], recent / spread[:, 0])),
        *(panel.known[:, panel.periods :, index] for index in range(len(panel.names))),
    ]
    return np.stack(columns, 2)


def _regressed(cells: _Cells, now: Values, steps: Mapping[str, Values], how: Run) -> dict[str, Values]:
    """Return the mean of both kinds of quantile per level; nothing when it is no better or time runs out."""
    fold = np.random.default_rng(how.seed).integers(0, FOLDS, int(cells.row.max()) + 1)[cells.row]
    found: dict[str, Values] = {}
    before = after = 0.0
    begun = time.monotonic()
    for done, (name, level) in enumerate(LEVELS.items()):
        if done and (len(LEVELS) - done) * (time.monotonic() - begun) / done > how.left:
            return {}
        plain = steps[name][cells.step]
        learned, ahead = np.zeros(len(plain)), np.zeros(now.shape[:2])
        for part in range(FOLDS):
            model = _quantile_model(cells.known[fold != part], cells.errors[fold != part], level, how)
            learned[fold == part] = model(cells.known[fold == part])
            ahead += model(now.reshape(-1, now.shape[2])).reshape(ahead.shape) / FOLDS
        both = (learned + plain) / 2
        shift = _quantile(cells.errors - both, level)
        before += _pinball(cells.errors - plain, level)
        after += _pinball(cells.errors - both - shift, level)
        found[name] = (ahead + steps[name]) / 2 + shift
    return found if after < MARGIN * before else {}


def _quantile_model(known: Values, errors: Values, level: float, how: Run) -> Callable[[Values], Values]:
    parameters = {
        "objective": "quantile",
        "alpha": level,
        "learning_rate": 0.05,
        "num_leaves": 6,
        "min_data_in_leaf": max(20, len(errors) // 40),
        "feature_fraction": 0.8,
        "bagging_fraction": 0.7,
        "bagging_freq": 1,
        "lambda_l2": 1.0,
        "verbosity": -1,
        "deterministic": True,
        "force_row_wise": True,
        "num_threads": how.threads,
        "seed": how.seed,
    }
    if len(errors) < 40:
        middle = _quantile(errors, level) if len(errors) else 0.0
        return lambda cells: np.full(len(cells), middle)
    booster = lightgbm.train(parameters, lightgbm.Dataset(known, errors), 80)
    return lambda cells: np.asarray(booster.predict(cells), "float64")


def _pinball(error: Values, level: float) -> float:
    return float(np.where(error >= 0, level * error, (level - 1) * error).mean())
