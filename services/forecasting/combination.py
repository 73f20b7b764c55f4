"""How much each model counts: weights that did best in the backtest, per panel and drawn towards them per series."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from services.forecasting.backtest import Backtest, beats_naive
from services.forecasting.panel import Values
from services.forecasting.registry import NAIVE

#: Greedy steps; each adds one share of 1/ROUNDS (Caruana et al., 2004, ensemble selection).
ROUNDS = 24


def weights(backtest: Backtest, candidates: tuple[str, ...] | None = None) -> dict[str, float]:
    """Return weights of models that sum to 1; all on seasonal naive when nothing beat it."""
    names = beats_naive(backtest) if candidates is None else candidates
    if not names:
        return {NAIVE: 1.0}
    blocks = [_flat(backtest, backtest.forecasts[name]) for name in names]
    truth = _flat(backtest, backtest.truth)
    unit = np.broadcast_to(backtest.scale[None, :, None], backtest.truth.shape)[backtest.counted]
    picked, total = np.zeros(len(names)), np.zeros_like(truth)
    for count in range(ROUNDS):
        losses = [_loss((total + block) / (count + 1) - truth, unit) for block in blocks]
        best = int(np.argmin(losses))
        picked[best] += 1
        total = total + blocks[best]
    return {name: share / ROUNDS for name, share in zip(names, picked, strict=True) if share}


def combine(shares: Mapping[str, float], forecasts: Mapping[str, Values]) -> Values:
    """Return the weighted mean of forecasts; weights of models that are absent fall to the others."""
    present = {name: share for name, share in shares.items() if name in forecasts}
    whole = sum(present.values())
    return np.asarray(sum(forecasts[name] * (share / whole) for name, share in present.items()), "float64")


def _flat(backtest: Backtest, block: Values) -> Values:
    return block[backtest.counted]


def _loss(error: Values, unit: Values) -> float:
    """Return the mean of logarithms of scaled absolute, scaled squared and plain absolute error."""
    size = np.abs(error)
    relative = size / unit
    return float(
        np.log(relative.mean() + 1e-12)
        + 0.25 * np.log((relative**2).mean() + 1e-12)
        + 0.5 * np.log(size.mean() + 1e-12)
    )
