"""Seasons, trends and outliers, against published examples and series whose pattern is known."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.seasonality import STRONG, anomalies, decompose, discoveries, outliers, season

#: NIST/SEMATECH e-Handbook of Statistical Methods, 1.3.5.17.3: Rosner's 54 values, of which three are outliers.
ROSNER = [
    *(-0.25, 0.68, 0.94, 1.15, 1.2, 1.26, 1.26, 1.34, 1.38, 1.43, 1.49, 1.49, 1.55, 1.56, 1.58, 1.65, 1.69, 1.7),
    *(1.76, 1.77, 1.81, 1.91, 1.94, 1.96, 1.99, 2.06, 2.09, 2.1, 2.14, 2.15, 2.23, 2.24, 2.26, 2.35, 2.37, 2.4),
    *(2.47, 2.54, 2.62, 2.64, 2.9, 2.92, 2.92, 2.93, 3.21, 3.26, 3.3, 3.59, 3.68, 4.3, 4.64, 5.34, 5.42, 6.01),
]


def test_outliers_are_those_of_the_published_example() -> None:
    found = outliers(ROSNER, most=10)
    assert [ROSNER[each.index] for each in found] == [6.01, 5.42, 5.34]
    assert [round(each.statistic, 3) for each in found] == [3.119, 2.943, 3.179]
    assert [round(each.critical, 3) for each in found] == [3.159, 3.151, 3.144]


@pytest.mark.parametrize("values", [[], [1.0] * 10, [5.0] * 40], ids=["none", "few", "all alike"])
def test_no_outliers_where_there_can_be_none(values: list[float]) -> None:
    assert outliers(values) == []


def wave(months: int, height: float, noise: float, slope: float = 0.0) -> list[float]:
    dice = np.random.default_rng(7)
    time = np.arange(months)
    return list(100 + slope * time + height * np.sin(2 * np.pi * time / 12) + noise * dice.standard_normal(months))


def test_strengths_tell_season_and_trend_apart() -> None:
    seasonal, trending, neither = (
        decompose(wave(72, *shape), 12) for shape in ((40, 3, 0.0), (0, 3, 3.0), (0, 10, 0.0))
    )
    assert seasonal is not None
    assert trending is not None
    assert neither is not None
    assert seasonal.season_strength > 0.9 > STRONG > neither.season_strength
    assert trending.trend_strength > 0.9
    assert seasonal.cycles == 6
    whole = seasonal.trend + seasonal.season + seasonal.remainder
    assert whole == pytest.approx(wave(72, 40, 3))


@pytest.mark.parametrize(("count", "period"), [(23, 12), (0, 12), (100, 1)])
def test_too_short_a_series_is_not_decomposed(count: int, period: int) -> None:
    assert decompose([1.0] * count, period) is None


def test_a_value_that_does_not_fit_is_found_in_its_season() -> None:
    values = wave(60, 40, 2)
    values[33] += 60
    (first, *_), name = anomalies(values, 12)
    assert first.index == 33
    assert first.expected == pytest.approx(values[33] - 60, abs=12)
    assert "STL" in name
    short, name = anomalies([*wave(20, 0, 1), 500.0], 12)
    assert [each.index for each in short] == [20]
    assert "STL" not in name


@pytest.mark.parametrize("first_month", [1, 4, 12])
def test_season_starts_when_months_rise_above_average(first_month: int) -> None:
    # By calendar month, January first: high from October to January.
    year = [1.4, 0.6, 0.6, 0.6, 0.6, 0.6, 0.6, 0.6, 0.6, 1.3, 2.5, 2.0]
    values = [100.0 * year[(first_month - 1 + month) % 12] for month in range(30)]
    found = season(values, first_month)
    assert found is not None
    assert (found.start, found.peak, found.length, found.years) == (10, 11, 4, 2)
    assert found.index == pytest.approx(tuple(each / (sum(year) / 12) for each in year))
    assert found.p is not None
    assert found.p < 0.01


def test_years_that_disagree_show_no_season() -> None:
    dice = np.random.default_rng(3)
    seen = [season(list(dice.uniform(1, 2, 24)), 1) for _ in range(200)]
    chances = [each.p for each in seen if each is not None and each.p is not None]
    assert len(chances) == 200
    # Of series without a season, five in a hundred are taken for one; twice that is far from chance.
    assert sum(p < 0.05 for p in chances) <= 20


@pytest.mark.parametrize(
    "values", [[5.0] * 11, [0.0] * 24, [0.0] * 12 + [5.0] * 12, [math.nan] * 24, [9.0, 0, 0, 0, 0, 0] * 4]
)
def test_season_needs_whole_years_with_something_in_them(values: list[float]) -> None:
    assert season(values, 1) is None


def test_flat_years_agree_on_nothing() -> None:
    flat = season([5.0] * 24, 1)
    assert flat is not None
    assert flat.p == 1.0


@given(st.lists(st.floats(0, 1), max_size=30))
def test_discoveries_are_those_of_the_definition(p_values: list[float]) -> None:
    kept = discoveries(p_values)
    count = len(p_values)
    ranks = [k for k in range(1, count + 1) if sorted(p_values)[k - 1] <= k / count * 0.05]
    assert sum(kept) == (max(ranks) if ranks else 0)
    if any(kept) and not all(kept):
        assert max(p for p, k in zip(p_values, kept, strict=True) if k) <= min(
            p for p, k in zip(p_values, kept, strict=True) if not k
        )
