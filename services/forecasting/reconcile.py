"""Forecasts that add up: parts and their total, by minimum trace with the variances of the backtest.

Source: Wickramasuriya, Athanasopoulos and Hyndman (2019), "Optimal forecast reconciliation using trace minimization",
with a diagonal covariance. With one total the projection has a closed form: what the parts lack to the total is shared
out by how uncertain each is.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from services.forecasting.backtest import Backtest
from services.forecasting.panel import Values


def total_first(*, nonnegative: bool) -> Callable[[Values, Backtest], Callable[[Values], Values]]:
    """Return the reconciliation of panels whose first series is the total of all others."""

    def learn(past: Values, backtest: Backtest) -> Callable[[Values], Values]:
        error = np.where(backtest.counted, past - backtest.truth, 0.0)
        variance = (error**2).sum((0, 2)) / np.maximum(backtest.counted.sum((0, 2)), 1)
        variance = np.maximum(variance, variance.max(initial=0.0) * 1e-9 + 1e-12)
        share = (variance / variance.sum())[:, None]

        def add_up(forecasts: Values) -> Values:
            gap = forecasts[:1] - forecasts[1:].sum(0, keepdims=True)
            parts = forecasts[1:] + share[1:] * gap
            parts = np.maximum(parts, 0.0) if nonnegative else parts
            return np.vstack([parts.sum(0, keepdims=True), parts])

        return add_up

    return learn
