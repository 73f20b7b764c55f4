"""What a global model may know about a cell to be forecast, as of an origin.

A sample is a series, an origin and a step. Every number computed from `values` reads columns before the origin only;
columns known in advance are read at and around the target. All amounts are divided by the level of the series as of
the origin, so that one model serves series of any size.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from services.calendars import easter
from services.forecasting.frequency import Ordinals, dates_of
from services.forecasting.panel import Mask, Panel, Values

Index = NDArray[np.int64]
#: Windows of means per tick, shortest first, and how many single periods before the origin are looked at.
WINDOWS = {
    "hour": ((24, 168, 672), 24),
    "day": ((7, 28, 91, 364), 14),
    "week": ((4, 13, 26, 52), 8),
    "month": ((3, 6, 12, 24), 13),
    "quarter": ((2, 4, 8), 8),
    "year": ((2, 4), 4),
}
#: At most so many on/off columns make up what a similar day is.
BITS = 3


@dataclass(frozen=True)
class Samples:
    """Cells: row of the series, column of the origin (history lies before it), step ahead from 1."""

    row: Index
    origin: Index
    step: Index

    @property
    def target(self) -> Index:
        """Column of the cell."""
        return self.origin + self.step - 1

    def of(self, chosen: Index | Mask) -> Samples:
        """Return some of the samples."""
        return Samples(self.row[chosen], self.origin[chosen], self.step[chosen])


def horizon_of(panel: Panel) -> Samples:
    """Return every cell of the panel's horizon, series by series."""
    count, steps = len(panel.ids), np.arange(1, panel.horizon + 1)
    rows = np.repeat(np.arange(count), panel.horizon)
    return Samples(rows, np.full(len(rows), panel.periods), np.tile(steps, count))


class Sums:
    """Running sums of a block with holes, so that the mean of any window costs two look-ups."""

    def __init__(self, values: Values) -> None:
        seen = np.isfinite(values)
        zero = np.zeros((len(values), 1))
        self.total = np.hstack([zero, np.cumsum(np.where(seen, values, 0.0), axis=1)])
        self.count = np.hstack([zero, np.cumsum(seen, axis=1)])

    def mean(self, row: Index, start: Index, end: Index) -> Values:
        """Return the mean over columns `start` to `end` (exclusive); NaN where nothing is known."""
        last = self.total.shape[1] - 1
        low, high = np.clip(start, 0, last), np.clip(end, 0, last)
        number = self.count[row, high] - self.count[row, low]
        total = self.total[row, high] - self.total[row, low]
        return np.asarray(np.where(number > 0, total / np.maximum(number, 1), np.nan))


class Features:
    """Builds the columns for samples of one panel.

    `switches` are the known on/off columns that make up what a similar period is; those of the panel a model was fitted
    on count for every panel it forecasts.
    """

    def __init__(self, panel: Panel, switches: tuple[int, ...] | None = None) -> None:
        self.panel = panel
        self.switches = switches_of(panel) if switches is None else switches
        self.windows, self.lags = WINDOWS[panel.frequency.name]
        past = panel.closed[:, : panel.periods]
        self.open = np.where(past, np.nan, panel.values)
        self.sums = Sums(self.open)
        self.squares = Sums(self.open**2)
        self.zeros = Sums(np.where(np.isfinite(self.open), (self.open == 0).astype("float64"), np.nan))

    def level(self, samples: Samples) -> Values:
        """Return the level of each sample's series as of its origin; NaN where nothing is known, never 0."""
        row, origin = samples.row, samples.origin
        short, long = self.windows[1], self.windows[-1]
        recent = self.sums.mean(row, origin - short, origin)
        whole = self.sums.mean(row, origin - long, origin)
        level = np.where(np.isfinite(recent), 0.7 * recent + 0.3 * whole, whole)
        if not self.panel.nonnegative:
            size = np.sqrt(self.squares.mean(row, origin - long, origin))
            level = np.maximum(np.abs(level), 0.2 * size)
        return np.where(level > 0, level, np.nan)

    def at(self, row: Index, column: Index, origin: Index) -> Values:
        """Return open values at a column, NaN from the origin on and where there is none."""
        fits = (column >= 0) & (column < origin)
        return np.where(fits, self.open[row, np.clip(column, 0, self.panel.periods - 1)], np.nan)

    def build(self, samples: Samples) -> pd.DataFrame:
        """Return a row per sample: float32 columns, codes of attributes as categories."""
        level = self.level(samples)
        columns: dict[str, Values] = {}
        self._history(samples, level, columns)
        self._season(samples, level, columns)
        self._calendar(samples, columns)
        self._known(samples, level, columns)
        frame = pd.DataFrame({name: values.astype("float32") for name, values in columns.items()})
        for index in range(self.panel.statics.shape[1]):
            frame[f"static{index}"] = pd.Categorical(
                self.panel.statics[samples.row, index], categories=np.unique(self.panel.statics[:, index])
            )
        return frame

    def _history(self, samples: Samples, level: Values, columns: dict[str, Values]) -> None:
        row, origin = samples.row, samples.origin
        for lag in range(1, self.lags + 1):
            columns[f"lag{lag}"] = self.at(row, origin - lag, origin) / level
        for window in self.windows:
            columns[f"mean{window}"] = self.sums.mean(row, origin - window, origin) / level
        long = self.windows[-1]
        spread = self.squares.mean(row, origin - long, origin) - self.sums.mean(row, origin - long, origin) ** 2
        columns["spread"] = np.sqrt(np.maximum(spread, 0)) / level
        columns["zeros"] = self.zeros.mean(row, origin - self.windows[1], origin)
        columns["zeros_long"] = self.zeros.mean(row, origin - long, origin)
        columns["size"] = np.log(level)
        columns["age"] = (origin - (self.panel.periods - self.panel.lengths[row])).astype("float64")
        columns["step"] = samples.step.astype("float64")

    def _season(self, samples: Samples, level: Values, columns: dict[str, Values]) -> None:
        row, origin, target = samples.row, samples.origin, samples.target
        season = self.panel.frequency.season
        back = season * (-(-samples.step // season))
        values = [self.at(row, target - back - season * cycle, origin) for cycle in range(8 if season < 30 else 2)]
        for cycle, value in enumerate(values[:4]):
            columns[f"season{cycle}"] = value / level
        if len(values) > 2:
            columns["season_mean"] = _mean(values) / level
        year = self.panel.frequency.year
        year = year // season * season
        reach = max(1, year // 52) if year > 1 else 0
        for cycle in (1, 2):
            there = target - year * cycle
            near = self.sums.mean(row, there - reach, np.minimum(there + reach + 1, origin))
            base = self.sums.mean(row, origin - year * cycle - self.windows[1], origin - year * cycle)
            columns[f"year{cycle}"] = near / level
            columns[f"year_growth{cycle}"] = near / np.where(base > 0, base, np.nan)

    def _calendar(self, samples: Samples, columns: dict[str, Values]) -> None:
        if not self.panel.real_dates:
            return
        ticks = self.panel.last[samples.row] - self.panel.periods + 1 + samples.target
        columns |= calendar(ticks, self.panel)

    def _known(self, samples: Samples, level: Values, columns: dict[str, Values]) -> None:
        row, origin, target = samples.row, samples.origin, samples.target
        last = self.panel.known.shape[1] - 1
        # Nothing is known beyond the horizon, whichever period is the last of it.
        follows = samples.step < self.panel.horizon
        for index, name in enumerate(self.panel.names):
            block = self.panel.known[..., index]
            now = block[row, target]
            columns[f"known_{name}"] = now
            columns[f"known_{name}_before"] = np.where(target > 0, block[row, np.maximum(target - 1, 0)], np.nan)
            columns[f"known_{name}_after"] = np.where(follows, block[row, np.minimum(target + 1, last)], np.nan)
            sums = self._sums_of[index]
            usual = sums.mean(row, origin - self.windows[-1], origin)
            columns[f"known_{name}_usual"] = now / np.where(usual != 0, usual, np.nan)
            near = sums.mean(row, origin - self.windows[0], origin)
            columns[f"known_{name}_near"] = now - near
        for name, (keys, sums_by_key) in self._similar.items():
            found = np.full(len(row), np.nan)
            key = keys[row, target]
            for value, similar in sums_by_key.items():
                here = key == value
                found[here] = similar.mean(row[here], origin[here] - self._reach, origin[here])
            columns[name] = found / level

    @property
    def _reach(self) -> int:
        return 182 if self.panel.frequency.name == "day" else self.windows[-1]

    @cached_property
    def _sums_of(self) -> list[Sums]:
        return [Sums(self.panel.known[..., index]) for index in range(len(self.panel.names))]

    @cached_property
    def _similar(self) -> dict[str, tuple[Index, dict[int, Sums]]]:
        """Return per kind of likeness the key of every cell, and running sums of the values under each key."""
        if not self.switches:
            return {}
        columns = self.panel.known.shape[1]
        state = np.zeros((len(self.panel.ids), columns), "int64")
        for index in self.switches:
            state = state * 2 + (self.panel.known[..., index] > 0)
        kinds: dict[str, Index] = {"similar": state}
        season = self.panel.frequency.season
        if season <= 12:
            kinds["similar_season"] = state * season + np.arange(columns)[None] % season
        return {name: (keys, self._by_key(keys)) for name, keys in kinds.items()}

    def _by_key(self, keys: Index) -> dict[int, Sums]:
        past = keys[:, : self.panel.periods]
        return {int(key): Sums(np.where(past == key, self.open, np.nan)) for key in np.unique(keys)}


def switches_of(panel: Panel) -> tuple[int, ...]:
    """Return the on/off columns with the most change, those apart that only say when selling is ruled out."""
    found = {}
    for index in range(len(panel.names)):
        block = panel.known[..., index]
        levels = np.unique(block[np.isfinite(block)])
        if len(levels) != 2 or levels[0] != 0:
            continue
        shut = block[panel.closed]
        if len(shut) and (shut == shut[0]).all() and not (block[~panel.closed] == shut[0]).any():
            continue
        found[index] = float(np.nanstd(block))
    return tuple(sorted(sorted(found, key=found.__getitem__, reverse=True)[:BITS]))


def _mean(values: list[Values]) -> Values:
    stacked = np.stack(values)
    seen = np.isfinite(stacked)
    number = seen.sum(0)
    return np.where(number > 0, np.where(seen, stacked, 0).sum(0) / np.maximum(number, 1), np.nan)


def calendar(ticks: Ordinals, panel: Panel) -> dict[str, Values]:
    """Return what a date says: its place in the week, month and year, and the weeks to Easter and to Christmas."""
    unique, back = np.unique(ticks, return_inverse=True)
    dates = dates_of(unique, panel.frequency)
    found: dict[str, Values] = {}
    if panel.frequency.name in ("day", "hour"):
        found["weekday"] = dates.day_of_week.to_numpy("float64")
        found["monthday"] = dates.day.to_numpy("float64")
    if panel.frequency.name == "hour":
        found["hour"] = dates.hour.to_numpy("float64")
    if panel.frequency.name in ("day", "hour", "week"):
        found["yearday"] = dates.day_of_year.to_numpy("float64")
        years, of_year = np.unique(dates.year, return_inverse=True)
        feast = pd.DatetimeIndex([easter(int(year)) for year in years])[of_year]
        found["easter"] = np.clip((dates - feast).days.to_numpy("float64"), -40, 40)
    found["month"] = dates.month.to_numpy("float64")
    return {name: values[back] for name, values in found.items()}
