"""Arrays: computes the pieces of a plan from images, takes those of the facts from SQL, and folds both into an answer.

Sums of whole numbers are exact; what would not be is refused, as is what only SQL can tell, and answered by SQL.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import sqlalchemy as sa

from services import buckets, sql
from services.choosing import PART_SIZES, Choosing, Rows, touched, weekdays
from services.exact import Number, RefusedError
from services.imagerows import EXACT
from services.images import Array, Image, Images, State
from services.measures import Aggregate
from services.model import TIME_PARTS, SalesModel
from services.periods import Grain, Shift, Window
from services.planner import PARTS, Piece, Plan, Slice
from services.query import SalesQuery
from services.rollups import AGAIN
from services.together import Wanted

#: Most groups of an answer, and most pairs of a group and a distinct value.
MOST_GROUPS, MOST_PAIRS = 2_000_000, 128_000_000
#: How far a sum that came as a double may lie from a whole number of its smallest unit.
NEAR = 0.01
DAY = np.timedelta64(1, "D")
Facts = Callable[[Wanted], Mapping[str, Array]]


@dataclass(frozen=True)
class Axis:
    """A dimension of the groups: its column or part of the time, and how many codes it has."""

    name: str
    column: str
    size: int


@dataclass
class Totals:
    """Per period and group: the lines, and per aggregate its total and whether there is one."""

    rows: list[Array]
    values: dict[str, list[Array]] = field(default_factory=dict)
    known: dict[str, list[Array]] = field(default_factory=dict)
    scales: dict[str, int | None] = field(default_factory=dict)

    def number(self, column: str, period: int, groups: Array) -> Number:
        """Return an aggregate of some groups; NaN where there is none."""
        values = np.where(self.known[column][period][groups], self.values[column][period][groups], np.nan)
        return Number(values, self.scales[column])


@dataclass(frozen=True)
class _Part:
    """A piece of a period, and the buckets of time it stands for: of an image, or as the facts answered."""

    slice: Slice
    period: int
    counts: bool
    image: Image | None
    first: int = 0
    after: int = 0
    times: Array | None = None
    facts: Mapping[str, Array] = field(default_factory=dict)


class Arrays:
    """One query's way through the images; `facts` returns what the facts say of a piece."""

    def __init__(
        self,
        model: SalesModel,
        images: Images,
        query: SalesQuery,
        window: Window,
        plan: Plan,
        choosing: Choosing,
        facts: Facts,
    ) -> None:
        self._model, self._images, self._query, self._window = model, images, query, window
        self._plan, self._choosing, self._facts = plan, choosing, facts
        self._described = plan.measures.described
        self.axes = [self._axis(name) for name in query.dimensions]
        self.times: Array = np.empty(0, "datetime64[s]")

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

    def totals(self) -> Totals:
        """Return the totals of all groups; raises RefusedError for what SQL has to answer."""
        parts = [*self._parts()]
        if self._query.grain:
            self.times = np.unique(np.concatenate([np.empty(0, "datetime64[s]"), *(_of(part.times) for part in parts)]))
        groups = int(np.prod(self.sizes, dtype=np.int64))
        if groups > MOST_GROUPS:
            raise RefusedError("there are too many groups for memory")
        totals = Totals([np.zeros(groups), np.zeros(groups)])
        for column, aggregate in self._described.items():
            totals.scales[column] = self._scale(column, parts)
            start = {"min": np.inf, "max": -np.inf}.get(AGAIN[aggregate.function], 0.0)
            totals.values[column] = [np.full(groups, start) for _ in range(2)]
            totals.known[column] = [np.zeros(groups, bool) for _ in range(2)]
        for slice_ in self._plan.slices:
            if slice_.entity:
                self._distinct(totals, slice_, [part for part in parts if part.slice is slice_])
        for part in parts:
            if not part.slice.entity:
                self._add(totals, part)
        return totals

    # Pieces

    def _parts(self) -> Iterator[_Part]:
        shifts = (Shift(), self._window.shift)
        for number, slice_ in enumerate(self._plan.slices):
            for period, pieces in enumerate(slice_.periods):
                for piece in pieces:
                    if not piece.covered.empty:
                        yield self._part(slice_, piece, period, shifts[period], counts=number == 0)

    def _part(self, slice_: Slice, piece: Piece, period: int, moved: Shift, *, counts: bool) -> _Part:
        grain = self._query.grain
        if piece.rollup is None:
            found = self._facts(Wanted(self._query, self._plan, slice_, piece, moved))
            times = found["time"].astype("datetime64[s]") if grain else None
            return _Part(slice_, period, counts, None, times=times, facts=found)
        image = self._images.images[piece.rollup.table]
        first, after = self._choosing.buckets(image, piece.covered)
        times = self._bucket(image.starts[first:after], moved) if grain else None
        return _Part(slice_, period, counts, image, first, after, times)

    def _bucket(self, starts: Array, moved: Shift) -> Array:
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

    def _scale(self, column: str, parts: Sequence[_Part]) -> int | None:
        """Return the finest scale of an aggregate's partial results; None as soon as one is of doubles."""
        aggregate = self._described[column]
        scales = [
            _state(part.image, aggregate).scale if part.image else self._scale_of_facts(column)
            for part in parts
            if column in part.slice.aggregates and not part.slice.entity
        ]
        return None if None in scales else max((each for each in scales if each is not None), default=0)

    def _scale_of_facts(self, column: str) -> int | None:
        """Return the scale of an aggregate over the facts: that of its SQL type."""
        kind = self._plan.measures.aggregates[column].type
        if self._described[column].function.startswith("count") or isinstance(kind, sa.Integer):
            return 0
        return None if isinstance(kind, sa.Float) or not isinstance(kind, sa.Numeric) else kind.scale

    def _add(self, totals: Totals, part: _Part) -> None:
        if part.image is None:
            self._add_facts(totals, part)
        elif part.after > part.first:
            rows = self._choosing.rows(part.image, part.first, part.after)
            for chosen, groups in self._groups(part, rows, part.image):
                self._add_rows(totals, part, part.image, chosen, groups)

    def _add_rows(self, totals: Totals, part: _Part, image: Image, rows: Rows, groups: Array | None) -> None:
        size, period = len(totals.rows[0]), part.period
        present = _sum(None, rows, groups, size) > 0
        if part.counts and image.rows is not None:
            totals.rows[period] += _sum(image.rows, rows, groups, size)
        for column in part.slice.aggregates:
            state, how = _state(image, self._described[column]), AGAIN[self._described[column].function]
            known = present if state.known is None else _sum(state.known, rows, groups, size) > 0
            totals.known[column][period] |= known
            scale = totals.scales[column]
            factor = 1.0 if state.scale is None or scale is None else 10.0 ** (scale - state.scale)
            if state.scale is not None and scale is None:
                factor = 10.0**-state.scale
            into = totals.values[column][period]
            if how == "sum":
                into += _sum(state.values, rows, groups, size) * factor
                if scale is not None and len(into) and float(np.abs(into).max()) >= EXACT:
                    raise RefusedError("the sums are too large for memory")
            else:
                _extreme(into, how, state, rows, groups, factor)

    def _add_facts(self, totals: Totals, part: _Part) -> None:
        groups = self._groups_of_facts(part)
        if part.counts:
            np.add.at(totals.rows[part.period], groups, _doubles(part.facts[sql.ROWS], 0.0))
        for column in part.slice.aggregates:
            values, how, scale = (
                _doubles(part.facts[column]),
                AGAIN[self._described[column].function],
                totals.scales[column],
            )
            there = ~np.isnan(values)
            if scale is not None:
                whole = np.rint(values * 10.0**scale)
                if (np.abs(whole[there]) >= EXACT).any() or (np.abs(whole - values * 10.0**scale)[there] > NEAR).any():
                    raise RefusedError("the sums are too large or too fine for memory")
                values = whole
            at = {"sum": np.add, "min": np.minimum, "max": np.maximum}[how]
            at.at(totals.values[column][part.period], groups[there], values[there])
            totals.known[column][part.period][groups[there]] = True

    # Groups

    def _groups(self, part: _Part, rows: Rows, image: Image) -> Iterator[tuple[Rows, Array | None]]:
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
                start = rows.rows.start if isinstance(rows.rows, slice) else None
                inner = Rows(found + start if start is not None else _of(rows.rows)[found], bits)
                yield inner, self._codes(part, inner, image, fixed)

    def _codes(self, part: _Part, rows: Rows, image: Image, fixed: Mapping[str, int]) -> Array | None:
        """Return the group of each row; None where there is one group only."""
        groups: Array | None = None
        if part.times is not None:
            codes = np.searchsorted(self.times, part.times)
            groups = codes[rows.of(image.bucket) - part.first if part.first else rows.of(image.bucket)]
        for axis in self.axes:
            code: Any
            if axis.column in fixed:
                code = fixed[axis.column]
            elif axis.column in image.codes:
                code = rows.of(image.codes[axis.column])
            else:
                code = weekdays(image)[rows.of(image.bucket)]
            groups = np.asarray(code, np.int64) if groups is None else groups * axis.size + code
        return groups if groups is None or groups.ndim else np.full(_length(rows, image), int(groups))

    def _groups_of_facts(self, part: _Part) -> Array:
        count = len(next(iter(part.facts.values())))
        groups = np.zeros(count, np.int64)
        if part.times is not None:
            groups = np.searchsorted(self.times, part.times)
        for axis in self.axes:
            found = part.facts[axis.name].tolist()
            if axis.column not in PART_SIZES:
                index = self._images.dictionaries[axis.column].index
                found = [index[value] for value in found]
            groups = groups * axis.size + np.array(found, np.int64)
        return groups

    # Distinct values

    def _distinct(self, totals: Totals, slice_: Slice, parts: Sequence[_Part]) -> None:
        """Count the distinct values of a column in each group: a mark per pair, then the marks of each group."""
        (column,) = slice_.aggregates
        values = self._images.entities[slice_.entity]
        groups = len(totals.rows[0])
        if groups * len(values) > MOST_PAIRS:
            raise RefusedError("there are too many groups to count distinct values in memory")
        for period in range(len(slice_.periods)):
            marks = np.zeros(groups * len(values), bool)
            for part in (part for part in parts if part.period == period):
                for at, entities in self._entities(part, values):
                    marks[entities if at is None else at * len(values) + entities] = True
            seen = marks.reshape(groups, len(values))
            # Of one row at a time: along an axis numpy counts many times slower.
            totals.values[column][period] = np.fromiter(map(np.count_nonzero, seen), np.float64, groups)
            totals.known[column][period] = np.ones(groups, bool)

    def _entities(self, part: _Part, values: Array) -> Iterator[tuple[Array | None, Array]]:
        """Yield groups and the distinct values seen in each, as their places among all values."""
        if part.image is not None:
            if part.after > part.first and part.image.entity is not None:
                rows = self._choosing.rows(part.image, part.first, part.after)
                for chosen, groups in self._groups(part, rows, part.image):
                    yield groups, chosen.of(part.image.entity)
            return
        found = part.facts["entity"]
        there = np.array([value is not None for value in found.tolist()], bool)
        seen = found[there]
        if values.dtype.kind == "S":
            seen = np.array([str(value).encode() for value in seen.tolist()], values.dtype)
        yield self._groups_of_facts(part)[there], np.searchsorted(values, seen)


def _of(values: Any) -> Array:
    return values if values is not None else np.empty(0, "datetime64[s]")


def _length(rows: Rows, image: Image) -> int:
    return len(rows.of(image.bucket))


def _state(image: Image, aggregate: Aggregate) -> State:
    return image.states[aggregate.text]


def _doubles(values: Array, nothing: float = np.nan) -> Array:
    return np.array([nothing if value is None else float(value) for value in values.tolist()], np.float64)


def _sum(values: Array | None, rows: Rows, groups: Array | None, size: int) -> Array:
    """Return the sum of a column per group, the number of rows without one."""
    if groups is None:
        if values is None:
            chosen = rows.rows
            return np.array([float(chosen.stop - chosen.start if isinstance(chosen, slice) else len(chosen))])
        return np.array([float(rows.of(values).sum(dtype=np.float64 if values.dtype.kind == "f" else np.int64))])
    weights = None if values is None else rows.of(values)
    return np.bincount(groups, weights=weights, minlength=size).astype(np.float64, copy=False)


def _extreme(into: Array, how: str, state: State, rows: Rows, groups: Array | None, factor: float) -> None:
    """Put the least or greatest value of each group beside those found before."""
    values = rows.of(state.values).astype(np.float64) * factor
    at = np.zeros(len(values), np.int64) if groups is None else groups
    if state.known is not None:
        there = rows.of(state.known)
        values, at = values[there], at[there]
    (np.minimum if how == "min" else np.maximum).at(into, at, values)
