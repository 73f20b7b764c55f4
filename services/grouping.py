"""Grouping: which group of an answer each row of an image, and each row of what the facts say, belongs to.

A group is a bucket of time, where a grain is asked, and a code of each axis; they are numbered time first.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from services import buckets
from services.choosing import PART_SIZES, Choosing, Rows, touched, weekdays
from services.exact import RefusedError
from services.images import Array, Image, Images
from services.model import TIME_PARTS, SalesModel
from services.periods import Grain, Shift
from services.planner import PARTS, Slice
from services.query import SalesQuery

DAY = np.timedelta64(1, "D")
_NO_TIMES = np.empty(0, "datetime64[s]")


@dataclass(frozen=True)
class Axis:
    """A dimension of the groups: its column or part of the time, and how many codes it has."""

    name: str
    column: str
    size: int


@dataclass(frozen=True)
class Part:
    """A piece of a period, and the buckets of time it stands for: of an image, or as the facts answered."""

    slice: Slice
    period: int
    counts: bool
    image: Image | None
    first: int = 0
    after: int = 0
    times: Array | None = None
    facts: Mapping[str, Array] = field(default_factory=dict)

    def between(self, first: int, after: int) -> Part:
        """Return the part's buckets of an image from one to before another."""
        times = None if self.times is None else self.times[first - self.first : after - self.first]
        return replace(self, first=first, after=after, times=times)


class Grouping:
    """The groups of one query's answer, over rows that `choosing` leaves; `times` are set once they are known."""

    def __init__(self, model: SalesModel, images: Images, query: SalesQuery, choosing: Choosing) -> None:
        self._model, self._images, self._query, self._choosing = model, images, query, choosing
        self.axes = [self._axis(name) for name in query.dimensions]
        self.times: Array = _NO_TIMES

    def _axis(self, name: str) -> Axis:
        if name in TIME_PARTS:
            return Axis(name, PARTS[name], PART_SIZES[PARTS[name]])
        column = self._model.dimension(name).column
        if column not in self._images.dictionaries:
            raise RefusedError(f"{column} is not kept in memory")
        return Axis(name, column, len(self._images.dictionaries[column].values))

    @property
    def sizes(self) -> tuple[int, ...]:
        """How many codes the groups have: those of the time, where a grain is asked, then of each axis."""
        return (*((len(self.times),) if self._query.grain else ()), *(axis.size for axis in self.axes))

    def settle(self, parts: Iterable[Part]) -> None:
        """Take the buckets of time from all parts of an answer."""
        if self._query.grain:
            found = (part.times for part in parts if part.times is not None)
            self.times = np.unique(np.concatenate([_NO_TIMES, *found]))

    def rows(self, part: Part, image: Image) -> Rows:
        """Return the rows of a part's image that count."""
        return self._choosing.rows(image, part.first, part.after)

    def bucket(self, starts: Array, moved: Shift) -> Array:
        """Return the bucket of the asked grain that each moment falls into after a shift."""
        days = starts.astype("datetime64[D]")
        if moved.months:
            months = days.astype("datetime64[M]")
            last = (months + moved.months + 1).astype("datetime64[D]") - DAY
            same_day = (months + moved.months).astype("datetime64[D]") + (days - months.astype("datetime64[D]"))
            days = np.minimum(same_day, last)
        days = days + np.timedelta64(moved.days, "D")
        return np.asarray(self._floor(days).astype("datetime64[s]"))

    def _floor(self, days: Array) -> Array:
        calendar = self._model.calendar
        match self._query.grain:
            case Grain.WEEK:
                sunday = calendar.week_start == "sunday"
                return np.asarray(days - (days.astype(np.int64) + (4 if sunday else 3)) % 7)
            case Grain.MONTH | Grain.QUARTER | Grain.YEAR as grain if not buckets.by_weeks(grain, calendar):
                months = days.astype("datetime64[M]").astype(np.int64)
                whole = months - (months - buckets.later(grain, calendar)) % buckets.MONTHS[grain]
                return whole.astype("datetime64[M]").astype("datetime64[D]")
            case Grain.MONTH | Grain.QUARTER | Grain.YEAR as grain if len(days):
                starts = np.array([*buckets.starts(days.min().item(), days.max().item(), grain, calendar)], days.dtype)
                return np.asarray(starts[np.searchsorted(starts, days, side="right") - 1])
        return days

    def groups(self, part: Part, rows: Rows, image: Image) -> Iterator[tuple[Rows, Array | None]]:
        """Yield rows with the group of each: all at once, or per value of the axes that are kept as sets."""
        sets = [axis for axis in self.axes if axis.column in image.rollup.masks]
        if not sets:
            yield rows, self._codes(part, rows, image, {})
            return
        assert image.mask is not None  # noqa: S101 - an image with masks has them
        for chosen in np.ndindex(*(axis.size for axis in sets)):
            fixed = dict(zip((axis.column for axis in sets), chosen, strict=True))
            allowed = {**self._choosing.allowed}
            for axis, code in zip(sets, chosen, strict=True):
                only = np.zeros(axis.size, bool)
                only[code] = True
                allowed[axis.column] = only & allowed.get(axis.column, True)
            bits = self._images.bits(image.rollup, allowed)
            found = np.flatnonzero(touched(rows.of(image.mask), bits)) if bits else np.empty(0, np.int64)
            if len(found):
                inner = replace(rows.picked(found), bits=bits)
                yield inner, self._codes(part, inner, image, fixed)

    def _codes(self, part: Part, rows: Rows, image: Image, fixed: Mapping[str, int]) -> Array | None:
        """Return the group of each row; None where there is one group only."""
        groups: Array | None = None
        if part.times is not None:
            codes = np.searchsorted(self.times, part.times)
            if isinstance(rows.rows, slice):
                groups = np.repeat(codes, np.diff(image.offsets[part.first : part.after + 1]))
            else:
                groups = codes[rows.of(image.bucket) - part.first]
        for axis in self.axes:
            code: Any
            if axis.column in fixed:
                code = fixed[axis.column]
            elif axis.column in image.codes:
                code = rows.of(image.codes[axis.column])
            else:
                code = weekdays(image)[rows.of(image.bucket)]
            groups = np.asarray(code, np.int64) if groups is None else groups * axis.size + code
        return groups if groups is None or groups.ndim else np.full(len(rows), int(groups))

    def of_facts(self, part: Part) -> Array:
        """Return the group of each row of what the facts say."""
        count = len(next(iter(part.facts.values())))
        groups = np.zeros(count, np.int64)
        if part.times is not None:
            groups = np.searchsorted(self.times, part.times)
        for axis in self.axes:
            found = part.facts[axis.name]
            if axis.column not in PART_SIZES:
                found = self._images.dictionaries[axis.column].codes(found)
            groups = groups * axis.size + found.astype(np.int64)
        return groups
