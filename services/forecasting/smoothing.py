"""Exponential smoothing of all series of a panel at once.

Every parameter set of a grid runs over every series; each series' forecast is the mean of the sets that did best on
its own past, several steps ahead. Sources: Hyndman et al., "Forecasting with Exponential Smoothing" (2008), damped
trend; Assimakopoulos and Nikolopoulos (2000), theta as smoothing with half the linear trend; Croston (1972) with the
correction of Syntetos and Boylan (2005); Teunter, Syntetos and Babai (2011).
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from services.forecasting.panel import Mask, Values

ALPHAS = (0.03, 0.08, 0.16, 0.3, 0.5, 0.75, 0.95)
#: Trend smoothing as a share of alpha, and damping; the first has no trend.
TRENDS = ((0.0, 0.0), (0.1, 0.9), (0.1, 0.97), (0.3, 0.9))
#: Steps ahead at which a set is judged, as shares of the horizon.
JUDGED = (0.0, 0.25, 0.5, 1.0)
#: How sharply the better sets are preferred: a set 5 % worse than the best counts a third of it.
SHARPNESS = 22.0
CELLS = 6_000_000
#: Exponent of the change since a season ago that is taken to last.
KEPT_CHANGE = 0.6


def seasonal(values: Values, season: int, *, relative: bool, cycles: int = 8) -> Values:
    """Return indices (series, season) by column modulo season: factors when `relative`, otherwise amounts.

    Indices are shrunk towards none by the share of their spread that noise explains, so a series without a season has
    none. Only the last `cycles` seasons count; without two whole seasons there is no index.
    """
    neutral = 1.0 if relative else 0.0
    periods = values.shape[1]
    first = max(0, periods - cycles * season)
    found = np.full((len(values), season), neutral)
    if season < 2 or periods < 2 * season:
        return found
    recent = values[:, first:]
    trend = centred(recent, season)
    with np.errstate(divide="ignore", invalid="ignore"):
        part = np.log(recent / trend) if relative else recent - trend
    part = np.where(np.isfinite(part), part, np.nan)
    phase = np.arange(first, periods) % season
    stacked = np.full((len(values), season, cycles + 1), np.nan)
    stacked[:, phase, (np.arange(len(phase)) // season)] = part
    number = np.isfinite(stacked).sum(2)
    mean = np.where(number > 0, np.nansum(stacked, 2) / np.maximum(number, 1), 0.0)
    mean -= mean.mean(1, keepdims=True)
    noise = np.nansum((stacked - mean[..., None]) ** 2, axis=(1, 2)) / np.maximum(number.sum(1) - season, 1)
    noise_of_mean = noise / np.maximum(np.median(number, axis=1), 1)
    signal = np.maximum(mean.var(1) - noise_of_mean, 0)
    share = np.where(signal > 0, signal / np.maximum(signal + noise_of_mean, 1e-300), 0.0)
    enough = np.isfinite(part).sum(1) >= 1.2 * season
    index = mean * (share * enough)[:, None]
    return np.asarray(np.exp(np.clip(index, -3, 3)) if relative else index)


def centred(values: Values, season: int) -> Values:
    """Return the mean over one season around each cell; NaN where less than half a season is known around it."""
    seen = np.isfinite(values)
    filled = np.where(seen, values, 0.0)
    weights = np.ones(season) if season % 2 else np.r_[0.5, np.ones(season - 1), 0.5]
    half = len(weights) // 2
    pad = np.pad(filled, ((0, 0), (half, half)))
    count = np.pad(seen.astype("float64"), ((0, 0), (half, half)))
    total, number = np.zeros_like(filled), np.zeros_like(filled)
    for index, weight in enumerate(weights):
        total += weight * pad[:, index : index + filled.shape[1]]
        number += weight * count[:, index : index + filled.shape[1]]
    return np.where(number >= 0.75 * season, total / np.maximum(number, 1e-9), np.nan)


def smooth(values: Values, horizon: int, trends: Sequence[tuple[float, float]] = TRENDS) -> Values:
    """Return forecasts (series, horizon) of values without a season; NaN for a series without a record."""
    sets = np.array([(a, a * b, phi) for (b, phi), a in itertools.product(trends, ALPHAS)])
    step = max(1, CELLS // (values.shape[1] * len(sets)))
    parts = [_smooth(values[at : at + step], horizon, sets) for at in range(0, len(values), step)]
    return np.vstack(parts) if parts else np.zeros((0, horizon))


def _smooth(values: Values, horizon: int, sets: Values) -> Values:
    count, periods = values.shape
    alpha, beta, phi = (sets[:, index][None] for index in range(3))
    level = np.full((count, len(sets)), np.nan)
    trend = np.zeros_like(level)
    levels = np.empty((periods, count, len(sets)), "float32")
    trends = np.empty_like(levels)
    for column in range(periods):
        value = values[:, column][:, None]
        seen = np.isfinite(value)
        begun = np.isfinite(level)
        ahead = level + phi * trend
        new = np.where(seen, ahead + alpha * (value - ahead), ahead)
        slope = np.where(seen, phi * trend + beta * (value - ahead), phi * trend)
        trend = np.where(begun, slope, 0.0)
        level = np.where(begun, new, value)
        levels[column], trends[column] = level, trend
    score = _judge(values, (levels, trends), phi, horizon)
    weight = np.exp(-SHARPNESS * (score / np.maximum(score.min(1, keepdims=True), 1e-12) - 1))
    weight /= weight.sum(1, keepdims=True)
    steps = [np.sum(phi ** np.arange(1, ahead + 1)[:, None], axis=0)[None] for ahead in range(1, horizon + 1)]
    return np.stack([((level + growth * trend) * weight).sum(1) for growth in steps], 1)


def _judge(values: Values, states: tuple[Values, Values], phi: Values, horizon: int) -> Values:
    """Return each set's mean absolute error over the past at several steps ahead, later periods counting more."""
    levels, trends = states
    periods, count, sets = levels.shape
    recent = np.exp2((np.arange(periods) - periods) / max(2.0 * horizon, periods / 3))
    score, number = np.zeros((count, sets)), np.zeros((count, 1))
    warm = (np.cumsum(np.isfinite(values), axis=1) >= 4).T
    for ahead in sorted({max(1, round(share * horizon)) for share in JUDGED}):
        if ahead >= periods:
            continue
        growth = np.sum(phi ** np.arange(1, ahead + 1)[:, None], axis=0)
        error = np.abs(levels[:-ahead] + growth * trends[:-ahead] - values.T[ahead:, :, None])
        usable = np.isfinite(error) & warm[:-ahead, :, None]
        weight = recent[ahead:, None, None] * usable
        score += np.where(usable, error * weight, 0).sum(0) / ahead**0.5
        number += weight.sum(0)[:, :1] / ahead**0.5
    return np.where(number > 0, score / np.maximum(number, 1e-300), 1.0)


def linear_slope(values: Values, last: int) -> Values:
    """Return the slope per period of the least-squares line through the last `last` columns; 0 with under 4 records."""
    recent = values[:, -last:]
    seen = np.isfinite(recent)
    number = seen.sum(1)
    time = np.where(seen, np.arange(recent.shape[1])[None], 0.0)
    middle = time.sum(1) / np.maximum(number, 1)
    value = np.where(seen, recent, 0.0)
    mean = value.sum(1) / np.maximum(number, 1)
    spread = (np.where(seen, time - middle[:, None], 0) ** 2).sum(1)
    slope = (np.where(seen, time - middle[:, None], 0) * (value - mean[:, None])).sum(1) / np.maximum(spread, 1e-9)
    return np.where(number >= 4, slope, 0.0)


def intermittent(values: Values, horizon: int) -> Values:
    """Return the mean of SBA and TSB forecasts (series, horizon): flat lines for sales with many zeros."""
    count = len(values)
    size, gap, chance = np.full(count, np.nan), np.full(count, np.nan), np.full(count, np.nan)
    since = np.ones(count)
    alpha = 0.1
    for column in range(values.shape[1]):
        value = values[:, column]
        seen: Mask = np.isfinite(value)
        sold = seen & (value != 0)
        begun = np.isfinite(size)
        first = sold & ~begun
        size = np.where(sold & begun, size + alpha * (value - size), np.where(first, value, size))
        gap = np.where(sold & begun, gap + alpha * (since - gap), np.where(first, since, gap))
        chance = np.where(seen & begun, chance + alpha * (sold - chance), np.where(first, 1 / since, chance))
        since = np.where(sold, 1.0, since + seen)
    flat = size * (0.5 * (1 - alpha / 2) / np.maximum(gap, 1.0) + 0.5 * np.clip(chance, 0, 1))
    return np.repeat(np.nan_to_num(flat)[:, None], horizon, axis=1)


def seasonal_growth(values: Values, horizon: int, season: int) -> Values:
    """Return what was one season ago and around it, changed as the last quarter of a season has changed since then.

    Only part of the change counts, as it will not last; without two seasons there is no change to tell.
    """
    base = seasonal_naive(values, horizon, season)
    reach = max(2, season // 4)
    if season < 4 or values.shape[1] < season + reach:
        return base
    padded = np.hstack([values, base])
    around = np.stack([padded[:, _columns(values.shape[1], horizon, season, shift)] for shift in (-1, 0, 0, 1)])
    seen = np.isfinite(around)
    base = np.where(seen.any(0), np.where(seen, around, 0).sum(0) / np.maximum(seen.sum(0), 1), base)
    now, then = _mean(values[:, -reach:]), _mean(values[:, -season - reach : -season])
    with np.errstate(over="ignore"):
        change = np.clip(now / np.where(then > 0, then, np.nan), 0.5, 2.0) ** KEPT_CHANGE
    return base * np.nan_to_num(change, nan=1.0)[:, None]


def _columns(periods: int, horizon: int, season: int, shift: int) -> NDArray[np.int64]:
    column = periods + np.arange(horizon) - season + shift
    return np.clip(column, 0, periods + horizon - 1)


def _mean(values: Values) -> Values:
    seen = np.isfinite(values)
    return np.asarray(np.where(seen, values, 0).sum(1) / np.maximum(seen.sum(1), 1), "float64")


def seasonal_naive(values: Values, horizon: int, season: int) -> Values:
    """Return the record of one season ago, or before where that one is missing; the last record without a season."""
    found = np.full((len(values), horizon), np.nan)
    known = np.isfinite(values)
    place = np.where(known.any(1), values.shape[1] - 1 - known[:, ::-1].argmax(1), 0)
    last = values[np.arange(len(values)), place]
    whole = known.sum(1) >= season
    for step in range(horizon):
        column = values.shape[1] + step - season * (step // season + 1)
        for cycle in range(3):
            if column - cycle * season >= 0:
                value: NDArray[np.float64] = values[:, column - cycle * season]
                found[:, step] = np.where(np.isnan(found[:, step]), value, found[:, step])
    return np.where(np.isfinite(found) & whole[:, None], found, np.nan_to_num(last)[:, None])
