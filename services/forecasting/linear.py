"""Linear models: one autoregression for all series of a panel, and a regression on known columns per series.

Sources: Montero-Manso and Hyndman (2021), "Principles and algorithms for forecasting groups of time series"; ridge
regression with weights that fade with age.
"""

from __future__ import annotations

import numpy as np

from services.forecasting.features import Index, Sums, calendar
from services.forecasting.panel import Panel, Values

#: Rows of the pooled regression at most; drawn evenly.
ROWS = 60_000
HALF_LIFE = {"hour": 1000, "day": 365, "week": 78, "month": 48, "quarter": 24, "year": 20}


def pooled_autoregression(values: Values, horizon: int, season: int, *, logs: bool) -> Values:
    """Return forecasts (series, horizon) of one linear model per step, shared by all series.

    A series enters relative to its level and its scale as of the origin. Values are without holes at their end; series
    shorter than the lags are padded with their first record.
    """
    lags = int(min(max(season + 2 if season <= 24 else 12, 6), max(values.shape[1] - horizon - 2, 1)))
    block = _filled(np.log(np.maximum(values, 1e-9)) if logs else values)
    seen = np.isfinite(values)
    start = np.where(seen.any(1), seen.argmax(1), values.shape[1])
    long = season > 24 and values.shape[1] > season + horizon + lags
    row, origin = np.nonzero(np.arange(values.shape[1] + 1)[None] >= (start + min(lags, 8))[:, None])
    history = origin < values.shape[1]
    row, origin = row[history], origin[history]
    if len(row) > ROWS:
        chosen = np.random.default_rng(0).choice(len(row), ROWS, replace=False)
        row, origin = row[chosen], origin[chosen]
    sums, squares = Sums(np.abs(np.diff(block, axis=1))), np.arange(len(values))
    found = np.zeros((len(values), horizon))
    past, level, scale = _windows(block, row, origin, lags, sums)
    now, level_now, scale_now = _windows(block, squares, np.full(len(values), values.shape[1]), lags, sums)
    for step in range(1, horizon + 1):
        usable = origin + step - 1 < values.shape[1]
        usable[usable] &= seen[row[usable], origin[usable] + step - 1]
        x, target = past[usable], block[row[usable], origin[usable] + step - 1]
        extra = now_extra = None
        if long:
            extra = _season_lags(block, row[usable], origin[usable], step, season)
            now_extra = _season_lags(block, squares, np.full(len(values), values.shape[1]), step, season)
            x = np.hstack([x, (extra - level[usable][:, None]) / scale[usable][:, None]])
        y = np.clip((target - level[usable]) / scale[usable], -60, 60)
        weights = _ridge(np.clip(x, -60, 60), y)
        z = now if now_extra is None else np.hstack([now, (now_extra - level_now[:, None]) / scale_now[:, None]])
        found[:, step - 1] = level_now + scale_now * (np.clip(z, -60, 60) @ weights[:-1] + weights[-1])
    return np.asarray(np.exp(np.clip(found, -30, 80)) if logs else found)


def _filled(block: Values) -> Values:
    """Return the block with holes filled by the record before, the first one backwards."""
    seen = np.isfinite(block)
    place = np.maximum.accumulate(np.where(seen, np.arange(block.shape[1])[None], -1), axis=1)
    first = np.where(seen.any(1), seen.argmax(1), 0)
    place = np.where(place < 0, first[:, None], place)
    return np.nan_to_num(np.take_along_axis(block, place, 1))


def _windows(block: Values, row: Index, origin: Index, lags: int, sums: Sums) -> tuple[Values, Values, Values]:
    column = np.maximum(origin[:, None] - np.arange(1, lags + 1)[None], 0)
    window = block[row[:, None], column]
    level = window[:, 0]
    scale = np.nan_to_num(sums.mean(row, np.maximum(origin - 1 - 3 * lags, 0), origin - 1))
    scale = np.where(scale > 0, scale, np.maximum(np.abs(level) * 0.01, 1e-6))
    return (window[:, 1:] - level[:, None]) / scale[:, None], level, scale


def _season_lags(block: Values, row: Index, origin: Index, step: int, season: int) -> Values:
    target = origin + step - 1
    columns = np.stack([target - season + shift for shift in (-1, 0, 1)] + [origin - season - 1], 1)
    columns = np.minimum(columns, origin[:, None] - 1)
    inside = columns >= 0
    found = block[row[:, None], np.maximum(columns, 0)]
    return np.asarray(np.where(inside, found, block[row, np.maximum(origin - 1, 0)][:, None]), "float64")


def _ridge(x: Values, y: Values) -> Values:
    design = np.hstack([x, np.ones((len(x), 1))])
    # One pass of reweighting towards the absolute error, which a few wild series would otherwise rule.
    weight = np.ones(len(x))
    beta = np.zeros(design.shape[1])
    for _ in range(3):
        weighted = design * weight[:, None]
        penalty = np.eye(design.shape[1]) * (1e-3 * max(weight.sum(), 1))
        penalty[-1, -1] = 1e-9
        beta = np.linalg.solve(weighted.T @ design + penalty, weighted.T @ y)
        weight = 1 / np.maximum(np.abs(y - design @ beta), 0.3)
    return beta


def regression(panel: Panel, *, logs: bool) -> Values:
    """Return forecasts (series, horizon) of a ridge regression per series on season, calendar and known columns."""
    design = _design(panel)
    past = design[:, : panel.periods]
    values = np.where(panel.closed[:, : panel.periods], np.nan, panel.values)
    seen = np.isfinite(values)
    usual = np.where(seen, np.abs(values), 0).sum(1) / np.maximum(seen.sum(1), 1)
    unit = np.where(usual > 0, usual, 1.0)[:, None]
    y = np.log1p(np.maximum(values, 0) / unit * 20) if logs else values / unit
    age = np.arange(panel.periods)[::-1]
    weight = np.where(seen, np.exp2(-age / HALF_LIFE[panel.frequency.name])[None], 0.0)
    penalty = np.full(design.shape[2], 3.0)
    penalty[0] = 1e-6
    beta = _solve(past, np.where(seen, y, 0.0), weight, penalty)
    fitted = np.einsum("ntk,nk->nt", design, beta)
    residual = np.where(seen, y - fitted[:, : panel.periods], np.nan)
    ahead = fitted[:, panel.periods :] + _recent(residual, panel)[:, None]
    return np.asarray(np.expm1(np.clip(ahead, 0, 12)) / 20 * unit if logs else ahead * unit)


def _solve(design: Values, y: Values, weight: Values, penalty: Values) -> Values:
    found = np.zeros((len(design), design.shape[2]))
    for row in range(len(design)):
        weighted = design[row] * weight[row][:, None]
        found[row] = np.linalg.solve(weighted.T @ design[row] + np.diag(penalty), weighted.T @ y[row])
    return found


def _recent(residual: Values, panel: Panel) -> Values:
    """Return the fading mean of the latest residuals, shrunk towards 0: a level the regression has not followed."""
    life = {"day": 21, "hour": 72, "week": 6}.get(panel.frequency.name, 4)
    weight = np.where(np.isfinite(residual), np.exp2(-np.arange(residual.shape[1])[::-1] / life)[None], 0.0)
    total: Values = np.where(np.isfinite(residual), residual * weight, 0).sum(1)
    return np.asarray(total / (weight.sum(1) + 0.5), "float64")


def _design(panel: Panel) -> Values:
    count, columns = panel.closed.shape
    parts = [np.ones((count, columns, 1))]
    season, year = panel.frequency.season, panel.frequency.year
    time = np.arange(columns)
    if season <= 12:
        parts.append(np.broadcast_to(np.eye(season)[time % season], (count, columns, season)))
    if year > season or season > 12:
        waves = [
            wave(2 * np.pi * k * time / (365.25 if panel.frequency.name == "day" else year))
            for k in (1, 2, 3)
            for wave in (np.sin, np.cos)
        ]
        parts.append(np.broadcast_to(np.stack(waves, 1), (count, columns, len(waves))))
    if panel.real_dates and panel.frequency.name in ("day", "week"):
        parts.append(_feasts(panel, columns))
    known = [_standard(panel.known[..., index], panel.periods)[..., None] for index in range(len(panel.names))]
    following = [np.concatenate([each[:, 1:], np.zeros_like(each[:, :1])], 1) for each in known]
    return np.concatenate([*parts, *known, *following], 2)


def _feasts(panel: Panel, columns: int) -> Values:
    ticks = panel.last[:, None] - panel.periods + 1 + np.arange(columns)[None]
    found = calendar(ticks.ravel(), panel)
    easter = found["easter"].reshape(ticks.shape)
    yearday = found["yearday"].reshape(ticks.shape)
    width = 7 if panel.frequency.name == "week" else 4
    near = [
        (easter >= -width) & (easter < 0),
        (easter >= 0) & (easter < 3),
        (yearday >= 352) & (yearday < 359),
        yearday >= 359,
    ]
    return np.stack(near, 2).astype("float64")


def _standard(block: Values, periods: int) -> Values:
    """Return a known column in its own units of spread, 0 where it is missing; logarithms for prices and the like."""
    positive = np.nanmin(block, initial=np.inf) > 0
    block = np.log(block) if positive else block
    past = block[:, :periods]
    seen = np.isfinite(past)
    number = np.maximum(seen.sum(1), 1)
    mean = np.where(seen, past, 0).sum(1) / number
    spread = np.sqrt((np.where(seen, past - mean[:, None], 0) ** 2).sum(1) / number)
    scaled = (block - mean[:, None]) / np.where(spread > 1e-9, spread, 1.0)[:, None]
    return np.asarray(np.nan_to_num(np.clip(np.where(spread[:, None] > 1e-9, scaled, 0), -5, 5)), "float64")
