"""Many series as one block of numbers.

A panel is read from a long frame (`series_id, date, value` and columns known in advance) and from the same columns
without values over the horizon. All series are aligned at their last period before the horizon, so that "h periods
before the end" is one column for all of them; what was not recorded is NaN.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from services.errors import UserError
from services.forecasting.frequency import Frequency, Ordinals, inferred, ordinals

Values = NDArray[np.float64]
Mask = NDArray[np.bool_]
KEYS = ("series_id", "date", "value")


@dataclass(frozen=True)
class Panel:
    """`values` (series, periods) in the unit of the input, right aligned, NaN where nothing was recorded.

    `known` (series, periods + horizon, columns) is what is known in advance, `statics` (series, columns) codes of
    attributes. `last` is the tick of the last column of `values` per series. `closed` marks cells at which selling is
    ruled out by a known column. `notes` says per series what was cleaned.
    """

    ids: tuple[str, ...]
    values: Values
    known: Values
    names: tuple[str, ...]
    statics: NDArray[np.int32]
    last: Ordinals
    closed: Mask
    frequency: Frequency
    horizon: int
    nonnegative: bool
    real_dates: bool
    notes: Mapping[str, str]

    @property
    def periods(self) -> int:
        """Number of columns of `values`."""
        return int(self.values.shape[1])

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Periods from the first record of each series to the end; 0 where nothing is known."""
        seen = np.isfinite(self.values)
        return np.asarray(np.where(seen.any(1), self.periods - seen.argmax(1), 0), "int64")

    def before(self, offset: int) -> Panel:
        """Return the panel as it was `offset` periods ago: nothing recorded since is in it."""
        if not offset:
            return self
        values, known = self.values[:, :-offset], self.known[:, : self.known.shape[1] - offset]
        closed = _closed(values, known, self.horizon)
        return replace(self, values=values, known=known, closed=closed, last=self.last - offset)

    def of(self, rows: NDArray[np.int64]) -> Panel:
        """Return the panel of some of the series."""
        return replace(
            self,
            ids=tuple(self.ids[row] for row in rows),
            values=self.values[rows],
            known=self.known[rows],
            statics=self.statics[rows],
            last=self.last[rows],
            closed=self.closed[rows],
        )

    def with_known(self, name: str, column: Values) -> Panel:
        """Return the panel with one more column (series, periods + horizon) known in advance."""
        known = np.concatenate([self.known, column[..., None]], 2)
        closed = _closed(self.values, known, self.horizon)
        return replace(self, known=known, names=(*self.names, name), closed=closed)


@dataclass(frozen=True)
class Shape:
    """What is known about a panel beside its numbers; None is found out from the data."""

    horizon: int
    frequency: Frequency | None = None
    nonnegative: bool | None = None
    real_dates: bool = True
    longest: int = 1500


def read(
    train: pd.DataFrame, shape: Shape, future: pd.DataFrame | None = None, static: pd.DataFrame | None = None
) -> Panel:
    """Return the panel of a long frame.

    Raises UserError when a column is missing or nothing can be forecast. Single faults are cleaned and noted: values
    that are no finite number count as not recorded, of two rows of one date the later counts, rows on or after the
    first date of the horizon are left out.
    """
    if missing := [name for name in KEYS if name not in train]:
        raise UserError(f"The series lack the columns {', '.join(missing)}; needed: {', '.join(KEYS)}.")
    notes: dict[str, list[str]] = {}
    rows = _clean(train, notes)
    if rows.empty:
        raise UserError("No row has a series, a date and a number; nothing can be forecast.")
    frequency = shape.frequency or inferred(pd.DatetimeIndex(rows["date"]))
    rows["tick"] = ordinals(pd.DatetimeIndex(rows["date"]), frequency)
    ahead = _ahead(future, frequency)
    rows = _before_the_horizon(rows, ahead, notes)
    again = rows.duplicated(["series_id", "tick"], keep="last")
    for name, count in rows.loc[again, "series_id"].value_counts().items():
        notes.setdefault(str(name), []).append(f"{count} dates stood twice, the later row counts")
    rows = rows[~again]
    ids = tuple(rows["series_id"].unique())
    place = pd.Series(np.arange(len(ids)), index=list(ids))
    code = place.loc[rows["series_id"]].to_numpy()
    tick = rows["tick"].to_numpy("int64")
    last = np.full(len(ids), np.iinfo("int64").min)
    np.maximum.at(last, code, tick)
    if ahead is not None:
        first = ahead.groupby("series_id")["tick"].min().reindex(list(ids))
        last = np.where(first.notna(), first.fillna(0).to_numpy("int64") - 1, last)
    periods = int(min((last[code] - tick).max() + 1, shape.longest))
    column = periods - 1 - (last[code] - tick)
    fits = column >= 0
    values = np.full((len(ids), periods), np.nan)
    values[code[fits], column[fits]] = rows["value"].to_numpy("float64")[fits]
    names = tuple(name for name in train.columns if name not in KEYS and ahead is not None and name in ahead)
    known = _known(rows, ahead, names, (place, last, periods, shape.horizon))
    nonnegative = bool(np.nanmin(values) >= 0) if shape.nonnegative is None else shape.nonnegative
    return Panel(
        ids,
        values,
        known,
        names,
        _codes(static, ids),
        last,
        _closed(values, known, shape.horizon),
        frequency,
        shape.horizon,
        nonnegative,
        shape.real_dates,
        {name: "; ".join(words) for name, words in notes.items()},
    )


def _clean(train: pd.DataFrame, notes: dict[str, list[str]]) -> pd.DataFrame:
    rows = train.copy()
    rows["series_id"] = rows["series_id"].astype("str")
    with warnings.catch_warnings():
        # Dates of no common format are read one by one.
        warnings.simplefilter("ignore", UserWarning)
        rows["date"] = pd.to_datetime(rows["date"], errors="coerce")
    value = pd.to_numeric(rows["value"], errors="coerce").astype("float64")
    # Beyond this a square overflows, and no sale is that large.
    bad = ~(np.abs(value) < 1e100)
    for name, count in rows.loc[bad | rows["date"].isna(), "series_id"].value_counts().items():
        notes.setdefault(str(name), []).append(f"{count} rows without a number or a date were left out")
    return rows.assign(value=value)[~bad & rows["date"].notna()]


def _ahead(future: pd.DataFrame | None, frequency: Frequency) -> pd.DataFrame | None:
    if future is None or future.empty:
        return None
    ahead = future.copy()
    ahead["series_id"] = ahead["series_id"].astype("str")
    return ahead.assign(tick=ordinals(pd.DatetimeIndex(pd.to_datetime(ahead["date"])), frequency))


def _before_the_horizon(rows: pd.DataFrame, ahead: pd.DataFrame | None, notes: dict[str, list[str]]) -> pd.DataFrame:
    if ahead is None:
        return rows
    first = rows["series_id"].map(ahead.groupby("series_id")["tick"].min())
    late = rows["tick"] >= first.fillna(np.inf)
    for name, count in rows.loc[late, "series_id"].value_counts().items():
        notes.setdefault(str(name), []).append(f"{count} rows lie in the time to be forecast and were left out")
    return rows[~late]


def _known(
    rows: pd.DataFrame,
    ahead: pd.DataFrame | None,
    names: Sequence[str],
    grid: tuple[pd.Series[int], Ordinals, int, int],
) -> Values:
    place, last, periods, horizon = grid
    known = np.full((len(place), periods + horizon, len(names)), np.nan)
    if ahead is None or not names:
        return known
    whole = pd.concat([rows[["series_id", "tick", *names]], ahead[["series_id", "tick", *names]]])
    whole = whole[whole["series_id"].isin(place.index)]
    code = place.loc[whole["series_id"]].to_numpy()
    column = periods - 1 - (last[code] - whole["tick"].to_numpy("int64"))
    fits = (column >= 0) & (column < periods + horizon)
    for index, name in enumerate(names):
        known[code[fits], column[fits], index] = _numbers(whole[name])[fits]
    return known


def _numbers(column: pd.Series[float]) -> Values:
    """Return numbers as they are and words as codes by their frequency, the commonest first; nothing is -1."""
    numbers = pd.to_numeric(column, errors="coerce")
    if numbers.notna().sum() >= column.notna().sum():
        return np.asarray(numbers.replace([np.inf, -np.inf], np.nan), "float64")
    words = column.astype("str").where(column.notna())
    order = {word: index for index, word in enumerate(words.value_counts().index)}
    return np.asarray(words.map(order).fillna(-1), "float64")


def _codes(static: pd.DataFrame | None, ids: Sequence[str]) -> NDArray[np.int32]:
    if static is None or "series_id" not in static:
        return np.zeros((len(ids), 0), "int32")
    table = static.assign(series_id=static["series_id"].astype("str")).drop_duplicates("series_id")
    table = table.set_index("series_id").reindex(list(ids))
    codes = [pd.factorize(table[name])[0] for name in table.columns if table[name].nunique() > 1]
    return np.asarray(np.stack(codes, 1) if codes else np.zeros((len(ids), 0)), "int32")


def _closed(values: Values, known: Values, horizon: int) -> Mask:
    """Return where a known column of two values has one at which nothing was ever sold, while most other cells sold."""
    closed = np.zeros(known.shape[:2], bool)
    past, seen = known[:, : known.shape[1] - horizon], np.isfinite(values)
    for index in range(known.shape[2]):
        column = past[..., index]
        levels = np.unique(column[np.isfinite(column)])
        for level in levels if len(levels) == 2 else ():
            here = (column == level) & seen
            others = values[(column != level) & seen]
            rules = here.sum() >= 20 and not values[here].any() and others.size and (others == 0).mean() < 0.9
            if rules:
                closed |= known[..., index] == level
    return closed
