"""Rolling-origin backtests: what each model would have forecast on past days, and what then came."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from services.forecasting.arima import NotFittedError
from services.forecasting.boosting import is_small, scales
from services.forecasting.panel import Mask, Panel, Values
from services.forecasting.registry import MODELS, NAIVE, Model, tidy
from services.forecasting.run import Run

#: Origins looked at, the latest first, half a horizon apart; of few series more, and closer.
ORIGINS, OF_FEW = 4, 20


@dataclass(frozen=True)
class Backtest:
    """What was forecast and what came.

    `forecasts` per model and `truth` are (origins, series, horizon); `counted` says which cells count: recorded, open,
    and with enough history before the origin. `scale` is the unit of each series' errors, `seasons` how many of them
    the median series is long. `left_out` says which models were not tried, and why.
    """

    offsets: tuple[int, ...]
    forecasts: Mapping[str, Values]
    truth: Values
    counted: Mask
    scale: Values
    seasons: float
    left_out: tuple[str, ...] = ()

    def errors(self, forecasts: Values) -> Values:
        """Return the mean absolute error per series in units of its scale; NaN where nothing counted."""
        error = np.where(self.counted, np.abs(forecasts - self.truth), 0).sum((0, 2))
        number = self.counted.sum((0, 2))
        return np.where(number > 0, error / np.maximum(number, 1) / self.scale, np.nan)


def offsets_of(panel: Panel) -> tuple[int, ...]:
    """Return how many periods before the end the origins lie: a whole horizon or more, while half the series reach."""
    horizon, season = panel.horizon, panel.frequency.season
    few = is_small(panel)
    stride = max(1, horizon // 8) if few else max(1, horizon // 2)
    length = int(np.median(panel.lengths)) if len(panel.ids) else 0
    # Where history allows, seasonal naive has a season to look back to at every origin.
    least = season + 2 if length - horizon >= season + 2 else max(4, min(season + 2, length // 3))
    origins = OF_FEW if few else ORIGINS
    wanted = [horizon + stride * index for index in range(origins)]
    return tuple(offset for offset in wanted if length - offset >= least)


def run(panel: Panel, how: Run, models: tuple[Model, ...] = MODELS, offsets: tuple[int, ...] | None = None) -> Backtest:
    """Return the backtest of every model meant for the panel, at its own offsets unless others are given.

    A shared model is fitted once, on what was known at the earliest origin. At each origin a model gets the panel as it
    was then, and nothing else.
    """
    offsets = offsets_of(panel) if offsets is None else offsets
    views = [panel.before(offset) for offset in offsets]
    truth = [panel.values[:, panel.periods - o : panel.periods - o + panel.horizon] for o in offsets]
    forecasts: dict[str, Values] = {}
    left_out: tuple[str, ...] = ()
    longest = 0.0
    for model in models if views else ():
        # The next one may take as long as the longest; one that is begun is finished.
        if not model.meant_for(views[-1]) or (forecasts and how.left < longest):
            continue
        begun = time.monotonic()
        try:
            forecasts[model.name] = looking_back(model, views, how)
        except NotFittedError as error:
            left_out = (*left_out, f"{model.name} was not tried: {error}.")
        longest = max(longest, 0.0 if model.shared else time.monotonic() - begun)
    seasons = float(np.median(panel.lengths)) / panel.frequency.season if len(panel.ids) else 0.0
    shape = (len(offsets), len(panel.ids), panel.horizon)
    came = np.stack(truth) if truth else np.zeros(shape)
    counted = np.isfinite(came)
    for index, view in enumerate(views):
        counted[index] &= (view.lengths >= 3)[:, None] & ~view.closed[:, view.periods :]
    return Backtest(offsets, forecasts, np.nan_to_num(came), counted, scales(panel), seasons, left_out)


def looking_back(model: Model, views: Sequence[Panel], how: Run) -> Values:
    """Return what a model fitted on the earliest of some views, the last, forecasts from each of them."""
    fitted = model.fit(views[-1], how)
    return np.stack([tidy(fitted(view), view) for view in views])


def beats_naive(backtest: Backtest) -> tuple[str, ...]:
    """Return the models with a smaller mean scaled error than seasonal naive over all series, best first."""
    total = {name: float(np.nanmean(backtest.errors(found))) for name, found in backtest.forecasts.items()}
    better = [name for name, error in total.items() if error < total.get(NAIVE, np.inf)]
    return tuple(sorted(better, key=total.__getitem__))
