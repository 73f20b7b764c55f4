"""Images: rollups of a version as columns of numbers in memory.

The rows of an image are sorted by time, then by its first key. Keys are codes into the sorted values of their column,
money is whole numbers of its smallest unit.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from services.periods import Range
from services.rollups import Rollup

Array = npt.NDArray[Any]
MIDNIGHT = dt.time()
#: Columns of an image beside its keys and states.
STARTS, OFFSETS, LEAD, BUCKET, MASK, ENTITY, ROWS = "starts", "offsets", "lead", "bucket", "mask", "entity", "rows"


@dataclass(frozen=True)
class Dictionary:
    """The values of a facts column in the order of their codes, nothing last.

    `attributes` are columns that depend on it, such as labels, `flags` conditions on it by their text.
    """

    values: tuple[Any, ...]
    attributes: Mapping[str, tuple[Any, ...]] = field(default_factory=dict, hash=False)
    flags: Mapping[str, tuple[bool, ...]] = field(default_factory=dict, hash=False)

    @cached_property
    def index(self) -> Mapping[Any, int]:
        """The code of each value."""
        return {value: code for code, value in enumerate(self.values)}

    @cached_property
    def _numbers(self) -> Array | None:
        """The values as sorted numbers, None where they are no numbers or one is nothing."""
        found = np.array(self.values) if self.values and self.values[-1] is not None else None
        return found if found is not None and found.dtype.kind in "iu" else None

    def codes(self, values: Array) -> Array:
        """Return the code of each of some values, as `columns_of` has them; all are among the dictionary's."""
        if self._numbers is not None and values.dtype.kind in "iu" and not np.ma.is_masked(values):
            return np.searchsorted(self._numbers, np.asarray(values))
        index = self.index
        return np.array([index[value] for value in values.tolist()], np.int64)


@dataclass(frozen=True)
class State:
    """Partial results of an aggregate: whole numbers of 10**-scale, or doubles when `scale` is None.

    `known` is false for rows without a result; None when every row has one.
    """

    values: Array
    scale: int | None
    known: Array | None


@dataclass(frozen=True)
class Image:
    """A rollup in memory.

    `starts` are its buckets of time; bucket b has the rows `offsets[b]` to `offsets[b + 1]`, and those of code c of
    the first key the rows `lead[b, c]` to `lead[b, c + 1]`. Bit n of `mask` says that values of the rollup's `masks`
    stand behind the row: their codes, the last column's running fastest, are the digits of n.
    """

    rollup: Rollup
    starts: Array
    offsets: Array
    lead: Array | None
    bucket: Array
    codes: Mapping[str, Array]
    states: Mapping[str, State]
    rows: Array | None
    mask: Array | None
    entity: Array | None

    @property
    def nbytes(self) -> int:
        """Bytes of all its columns."""
        states = [each for state in self.states.values() for each in (state.values, state.known)]
        own = (self.starts, self.offsets, self.lead, self.bucket, self.rows, self.mask, self.entity)
        return sum(each.nbytes for each in (*own, *self.codes.values(), *states) if each is not None)


@dataclass(frozen=True)
class Days:
    """The days with lines, and the moments of the first and the last line of each."""

    days: Array
    first: Array
    last: Array

    def widened(self, period: Range) -> Range:
        """Return a period that reaches to midnight at each end beyond which its day has no line."""
        start, end = period.start, period.end
        if start.time() != MIDNIGHT and not self._lines(start.date(), self.first, lambda first: first < start):
            start = dt.datetime.combine(start.date(), MIDNIGHT)
        if end.time() != MIDNIGHT and not self._lines(end.date(), self.last, lambda last: last >= end):
            end = dt.datetime.combine(end.date(), MIDNIGHT) + dt.timedelta(days=1)
        return Range(start, end)

    def _lines(self, day: dt.date, moments: Array, beyond: Callable[[dt.datetime], bool]) -> bool:
        place = int(np.searchsorted(self.days, np.datetime64(day)))
        if place == len(self.days) or self.days[place] != np.datetime64(day):
            return False
        return beyond(moments[place].astype("datetime64[us]").item())


@dataclass(frozen=True)
class Basis:
    """What images were chosen for: the model's version, how many lines there were, the bytes allowed."""

    model: str
    lines: int
    budget: int


@dataclass(frozen=True)
class Images:
    """All images of a version, the dictionaries of their keys, and the sorted values of entities.

    `chains` are the finest of those made of one another, each followed by the small ones beside it; `basis` says what
    they were chosen for.
    """

    images: Mapping[str, Image]
    dictionaries: Mapping[str, Dictionary]
    entities: Mapping[str, Array]
    days: Days
    chains: tuple[tuple[Rollup, ...], ...] = ()
    basis: Basis | None = None

    @property
    def rollups(self) -> tuple[Rollup, ...]:
        """What the images hold."""
        return tuple(image.rollup for image in self.images.values())

    def bits(self, rollup: Rollup, allowed: Mapping[str, Array]) -> int:
        """Return the bits of a mask whose values are all allowed; columns not named are allowed all."""
        sizes = [len(self.dictionaries[name].values) for name in rollup.masks]
        grid = np.ones(sizes, bool)
        for axis, name in enumerate(rollup.masks):
            if name in allowed:
                grid &= allowed[name].reshape([-1 if each == axis else 1 for each in range(len(sizes))])
        return sum(1 << int(bit) for bit in np.flatnonzero(grid.ravel()))


_NO_DAYS = np.empty(0, "datetime64[D]")
NONE = Images({}, {}, {}, Days(_NO_DAYS, _NO_DAYS, _NO_DAYS))


def narrow(values: Array) -> Array:
    """Return whole numbers in the smallest type that holds them all."""
    low, high = (int(values.min()), int(values.max())) if len(values) else (0, 0)
    kinds: Sequence[Any] = (np.uint8, np.int8, np.uint16, np.int16, np.uint32, np.int32, np.int64)
    kind = next(kind for kind in kinds if np.iinfo(kind).min <= low and high <= np.iinfo(kind).max)
    return values.astype(kind)
