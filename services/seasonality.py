"""The pattern of a series: its season, its trend, what does not fit. Pure functions of numbers.

Decomposition is STL (Cleveland et al., 1990); the strengths of trend and season are those of Hyndman and
Athanasopoulos, Forecasting: Principles and Practice (3rd ed.), section 4.3; unusual values are found by Rosner's
generalised ESD test (Technometrics 25, 1983) on what the decomposition leaves over; whether a season comes back is
Friedman's test in the form of Iman and Davenport (1980).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats
from statsmodels.tsa.seasonal import STL

Floats = NDArray[np.float64]
YEAR = 12
#: A season at least this strong is called strong, as R's forecast package does before it takes seasonal differences.
STRONG = 0.64
#: A month belongs to the season while it is above the average month.
ABOVE = 1.0
#: Chance of an alarm where nothing is unusual, and the share of values that may be unusual at most.
ALPHA, MOST = 0.05, 0.1
#: Months with anything in them that each year needs before an item's season is judged.
FEWEST_MONTHS = 3


@dataclass(frozen=True)
class Decomposition:
    """A series as trend + season + remainder; `strength` values lie between 0 and 1; `cycles` counts whole seasons."""

    trend: Floats
    season: Floats
    remainder: Floats
    trend_strength: float
    season_strength: float
    cycles: float


def decompose(values: Sequence[float], period: int, *, robust: bool = True) -> Decomposition | None:
    """Return the STL of a series without gaps; None when it has fewer than two whole seasons.

    The season is the same in every cycle (R's `s.window = "periodic"`): one that may change would fit two or three
    cycles to the last digit and leave nothing over.
    """
    series = np.asarray(values, dtype=float)
    if period < 2 or len(series) < 2 * period or not np.isfinite(series).all():
        return None
    made: Any = STL(series, period=period, seasonal=10 * len(series) + 1, seasonal_deg=0, robust=robust).fit()
    trend, season, rest = (np.asarray(each, dtype=float) for each in (made.trend, made.seasonal, made.resid))
    return Decomposition(trend, season, rest, _strength(rest, trend), _strength(rest, season), len(series) / period)


def _strength(rest: Floats, part: Floats) -> float:
    """Return max(0, 1 - Var(R) / Var(R + part)), as FPP3 section 4.3 defines it; 0 for a part that is nothing."""
    whole = float(np.var(rest + part))
    return max(0.0, 1.0 - float(np.var(rest)) / whole) if whole > 0 else 0.0


@dataclass(frozen=True)
class Outlier:
    """An unusual value: its place in the series, the test's statistic and the value it had to exceed."""

    index: int
    statistic: float
    critical: float


def outliers(values: Sequence[float], most: int | None = None, alpha: float = ALPHA) -> list[Outlier]:
    """Return the outliers of a sample by the generalised ESD test, the most unusual first.

    `most` bounds how many there may be; a tenth of the values unless given. At least 15 values are needed.
    """
    left = {index: value for index, value in enumerate(values) if math.isfinite(value)}
    count = len(left)
    most = max(1, int(count * MOST)) if most is None else most
    if count < 15:
        return []
    seen: list[Outlier] = []
    for number in range(1, min(most, count - 2) + 1):
        sample = np.fromiter(left.values(), dtype=float)
        spread = float(sample.std(ddof=1))
        if spread == 0:
            break
        mean = float(sample.mean())
        index = max(left, key=lambda each: abs(left[each] - mean))
        point = 1 - alpha / (2 * (count - number + 1))
        freedom = count - number - 1
        t = float(stats.t.ppf(point, freedom))
        critical = (count - number) * t / math.sqrt((freedom + t * t) * (count - number + 1))
        seen.append(Outlier(index, abs(left.pop(index) - mean) / spread, critical))
    found = max((number for number, each in enumerate(seen, start=1) if each.statistic > each.critical), default=0)
    return seen[:found]


@dataclass(frozen=True)
class Anomaly:
    """A value that does not fit its series: where it is, what was expected, and the test's statistic."""

    index: int
    value: float
    expected: float
    statistic: float


def anomalies(values: Sequence[float], period: int) -> tuple[list[Anomaly], str]:
    """Return what does not fit a series, and the name of the test.

    With two seasons or more: generalised ESD on the STL remainder relative to the trend, so that a busy time of the
    year has no more alarms than a quiet one. With fewer: on the values themselves.
    """
    made = decompose(values, period)
    if made is None:
        found = outliers(values)
        finite = [value for value in values if math.isfinite(value)]
        middle = float(np.median(finite)) if finite else math.nan
        return [Anomaly(o.index, values[o.index], middle, o.statistic) for o in found], "generalised ESD test, 5 %"
    scale = np.maximum(np.abs(made.trend), float(np.abs(made.trend).mean()) / 10 or 1.0)
    found = outliers(list(made.remainder / scale))
    expected = made.trend + made.season
    marked = [Anomaly(o.index, values[o.index], float(expected[o.index]), o.statistic) for o in found]
    return marked, "generalised ESD test of the STL remainder, 5 %"


@dataclass(frozen=True)
class Season:
    """How the months of a year differ: `index` per month, January first, 1 is the average month.

    `start` and `peak` are months from 1 to 12; the season is the run of months above average around the peak. `p`
    is the probability of years agreeing this well by chance (None with one year only), `years` how many there are.
    """

    index: tuple[float, ...]
    start: int
    peak: int
    length: int
    years: int
    p: float | None
    strength: float


def season(values: Sequence[float], first_month: int) -> Season | None:
    """Return the season of a monthly series that begins in `first_month`; None without a whole year.

    The last whole years count, each measured against its own average month. A year in which fewer than three months
    have anything shows no season.
    """
    return _season(tuple(values), first_month)


@lru_cache(maxsize=4096)
def _season(values: tuple[float, ...], first_month: int) -> Season | None:
    years = len(values) // YEAR
    if years == 0:
        return None
    skipped = len(values) - years * YEAR
    blocks = np.asarray(values[skipped:], dtype=float).reshape(years, YEAR)
    means = blocks.mean(axis=1)
    if not np.isfinite(means).all() or (means <= 0).any() or ((blocks > 0).sum(axis=1) < FEWEST_MONTHS).any():
        return None
    relative = blocks / means[:, None]
    shift = (first_month - 1 + skipped) % YEAR
    index = np.roll(relative.mean(axis=0), shift)
    peak = int(index.argmax())
    start, length = _run(index, peak)
    made = decompose(values, YEAR, robust=False)
    return Season(
        tuple(float(each) for each in index),
        start + 1,
        peak + 1,
        length,
        years,
        _comes_back(relative),
        made.season_strength if made else math.nan,
    )


def _run(index: Floats, peak: int) -> tuple[int, int]:
    """Return the first month and the length of the run above average around the peak."""
    start, length = peak, 1
    while length < YEAR and index[(start - 1) % YEAR] > ABOVE:
        start, length = (start - 1) % YEAR, length + 1
    end = peak
    while length < YEAR and index[(end + 1) % YEAR] > ABOVE:
        end, length = (end + 1) % YEAR, length + 1
    return start, length


def _comes_back(relative: Floats) -> float | None:
    """Return the p-value of Friedman's test that the same months are high every year; None for one year."""
    years, months = relative.shape
    if years < 2:
        return None
    if all(len(set(row)) == 1 for row in relative.tolist()):
        return 1.0
    chi = float(stats.friedmanchisquare(*relative.T).statistic)
    rest = years * (months - 1) - chi
    if rest <= 1e-12:
        return 0.0
    statistic = (years - 1) * chi / rest
    return float(stats.f.sf(statistic, months - 1, (years - 1) * (months - 1)))


def discoveries(p_values: Sequence[float], rate: float = ALPHA) -> list[bool]:
    """Return which of many tests count when a share `rate` of those that do may be chance (Benjamini-Hochberg 1995)."""
    count = len(p_values)
    order = sorted(range(count), key=lambda index: p_values[index])
    last = max((rank for rank, index in enumerate(order, 1) if p_values[index] <= rank / count * rate), default=0)
    kept = set(order[:last])
    return [index in kept for index in range(count)]
