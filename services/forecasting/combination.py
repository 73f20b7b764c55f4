"""How much each model counts: weights that did best in the backtest, per panel and drawn towards them per series."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from services.forecasting.backtest import Backtest, beats_naive
from services.forecasting.panel import Values
from services.forecasting.registry import CAUTIOUS, NAIVE

#: Greedy steps; each adds one share of 1/ROUNDS (Caruana et al., 2004, ensemble selection).
ROUNDS = 24
#: Series times origins at which the backtest counts as much as caution.
PATIENCE = 200
#: Seasons of history up to which that holds.
LITTLE = 4
#: How much worse than naive the cautious model, half of which is naive, may look: that much is noise of few origins.
TOLERANCE = 1.03


def weights(backtest: Backtest, *, expected: bool = False) -> dict[str, float]:
    """Return weights of models that sum to 1; all on seasonal naive when nothing beat it.

    `expected` prefers small squared errors and no bias to small absolute errors.
    """
    names = beats_naive(backtest)
    if not names:
        return _cautiously({NAIVE: 1.0}, backtest)
    # Seasonal naive may count beside models that beat it.
    names = (*names, NAIVE)
    blocks = [_flat(backtest, backtest.forecasts[name]) for name in names]
    truth = _flat(backtest, backtest.truth)
    unit = np.broadcast_to(backtest.scale[None, :, None], backtest.truth.shape)[backtest.counted]
    loss = _squared if expected else _absolute
    picked, total = np.zeros(len(names)), np.zeros_like(truth)
    for count in range(ROUNDS):
        losses = [loss((total + block) / (count + 1) - truth, unit) for block in blocks]
        best = int(np.argmin(losses))
        picked[best] += 1
        total = total + blocks[best]
    chosen = {name: float(share / ROUNDS) for name, share in zip(names, picked, strict=True) if share}
    return _cautiously(chosen, backtest)


def _cautiously(chosen: dict[str, float], backtest: Backtest) -> dict[str, float]:
    """Return the weights drawn towards the cautious model, or naive where it beats that, for panels of few series."""
    if CAUTIOUS not in backtest.forecasts:
        return chosen
    error = {name: float(np.nanmean(backtest.errors(backtest.forecasts[name]))) for name in (CAUTIOUS, NAIVE)}
    safe = CAUTIOUS if error[CAUTIOUS] < TOLERANCE * error[NAIVE] else NAIVE
    seen = backtest.counted[:, :, 0].sum()
    trust = seen / (seen + (PATIENCE if backtest.seasons < LITTLE else 2))
    mixed = {name: share * trust for name, share in chosen.items()}
    mixed[safe] = mixed.get(safe, 0.0) + 1 - trust
    return mixed


def combine(shares: Mapping[str, float], forecasts: Mapping[str, Values]) -> Values:
    """Return the weighted mean of forecasts; weights of models that are absent fall to the others."""
    present = {name: share for name, share in shares.items() if name in forecasts}
    whole = sum(present.values())
    return np.asarray(sum(forecasts[name] * (share / whole) for name, share in present.items()), "float64")


def _flat(backtest: Backtest, block: Values) -> Values:
    return block[backtest.counted]


def _absolute(error: Values, unit: Values) -> float:
    """Return the mean of logarithms of scaled absolute, scaled squared and plain absolute error."""
    size = np.abs(error)
    relative = size / unit
    return float(
        np.log(relative.mean() + 1e-12)
        + 0.25 * np.log((relative**2).mean() + 1e-12)
        + 0.5 * np.log(size.mean() + 1e-12)
    )


def _squared(error: Values, unit: Values) -> float:
    """Return the logarithm of the scaled squared error, and how far the errors do not cancel out."""
    relative = error / unit
    bias = abs(error.sum()) / (np.abs(error).sum() + 1e-300)
    return float(np.log((relative**2).mean() + 1e-12) + 0.25 * np.log(np.abs(relative).mean() + 1e-12) + 0.5 * bias)
