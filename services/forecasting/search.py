"""A search for better settings of the models that learn from all series, in the time that is left.

Settings are judged on the backtest everything else is judged on, and taken only when they are better by a margin, so
that noise does not choose. The order is fixed and so are the seeds: more time tries more, and nothing else differs.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from services.forecasting.backtest import Backtest, looking_back
from services.forecasting.panel import Panel, Values
from services.forecasting.registry import VARIANTS, Model
from services.forecasting.run import Run

#: How much smaller the error of other settings must be.
MARGIN = 0.98
#: Share of the time left that is searched in; the rest is for the models that are fitted on everything.
SHARE = 0.4


def searched(
    panel: Panel,
    how: Run,
    models: tuple[Model, ...],
    tested: Backtest,
    variants: Mapping[str, tuple[Model, ...]] = VARIANTS,
) -> tuple[tuple[Model, ...], Backtest]:
    """Return the models with the settings that did best, and the backtest with what those forecast.

    Both are as they were when nothing is better, nothing was asked for or no time is left.
    """
    if not how.search or not tested.counted.any():
        return models, tested
    views = [panel.before(offset) for offset in tested.offsets]
    errors = {name: _error(tested, found) for name, found in tested.forecasts.items() if name in variants}
    end, longest = time.monotonic() + SHARE * how.left, 0.0
    for name in sorted(errors, key=errors.__getitem__):
        for variant in variants[name]:
            begun = time.monotonic()
            if begun + 1.5 * longest > end:
                return models, tested
            found = looking_back(variant, views, replace(how, until=end))
            # What was cut short is not what would be fitted on everything.
            if time.monotonic() > end:
                return models, tested
            longest = max(longest, time.monotonic() - begun)
            error = _error(tested, found)
            if error < MARGIN * errors[name]:
                errors[name] = error
                models = tuple(variant if model.name == name else model for model in models)
                tested = replace(tested, forecasts={**tested.forecasts, name: found})
    return models, tested


def _error(tested: Backtest, found: Values) -> float:
    return float(np.nanmean(tested.errors(found)))
