"""Arrays: computes the pieces of a plan from images, takes those of the facts from SQL, and folds both into an answer.

Sums of whole numbers are exact; what would not be is refused, as is what only SQL can tell, and answered by SQL.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import sqlalchemy as sa

from services import sql
from services.choosing import Choosing, Rows
from services.distinct import Distinct
from services.exact import Number, RefusedError
from services.grouping import Grouping, Part
from services.imagerows import EXACT
from services.images import Array, Image, Images, State
from services.measures import Aggregate
from services.model import SalesModel
from services.periods import Shift, Window
from services.planner import Piece, Plan, Slice
from services.query import SalesQuery
from services.rollups import AGAIN
from services.together import Wanted

#: Most groups of an answer.
MOST_GROUPS = 2_000_000
#: How far a sum that came as a double may lie from a whole number of its smallest unit.
NEAR = 0.01
Facts = Callable[[Wanted], Mapping[str, Array]]


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
        self._images, self._query, self._window = images, query, window
        self._plan, self._choosing, self._facts = plan, choosing, facts
        self._described = plan.measures.described
        self.grouping = Grouping(model, images, query, choosing)

    def totals(self) -> Totals:
        """Return the totals of all groups; raises RefusedError for what SQL has to answer."""
        parts = [*self._parts()]
        self.grouping.settle(parts)
        groups = int(np.prod(self.grouping.sizes, dtype=np.int64))
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
                (column,) = slice_.aggregates
                distinct = Distinct(self.grouping, self._images.entities[slice_.entity], groups)
                for period in range(len(slice_.periods)):
                    wanted = [part for part in parts if part.slice is slice_ and part.period == period]
                    totals.values[column][period] = distinct.counts(wanted)
                    totals.known[column][period] = np.ones(groups, bool)
        for part in parts:
            if not part.slice.entity:
                self._add(totals, part)
        return totals

    # Pieces

    def _parts(self) -> Iterator[Part]:
        shifts = (Shift(), self._window.shift)
        for number, slice_ in enumerate(self._plan.slices):
            for period, pieces in enumerate(slice_.periods):
                for piece in pieces:
                    if not piece.covered.empty:
                        yield self._part(slice_, piece, period, shifts[period], counts=number == 0)

    def _part(self, slice_: Slice, piece: Piece, period: int, moved: Shift, *, counts: bool) -> Part:
        grain = self._query.grain
        if piece.rollup is None:
            found = self._facts(Wanted(self._query, self._plan, slice_, piece, moved))
            times = found["time"].astype("datetime64[s]") if grain else None
            return Part(slice_, period, counts, None, times=times, facts=found)
        image = self._images.images[piece.rollup.table]
        first, after = self._choosing.buckets(image, piece.covered)
        times = self.grouping.bucket(image.starts[first:after], moved) if grain else None
        return Part(slice_, period, counts, image, first, after, times)

    def _scale(self, column: str, parts: Sequence[Part]) -> int | None:
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

    def _add(self, totals: Totals, part: Part) -> None:
        if part.image is None:
            self._add_facts(totals, part)
        elif part.after > part.first:
            rows = self.grouping.rows(part, part.image)
            for chosen, groups in self.grouping.groups(part, rows, part.image):
                self._add_rows(totals, part, part.image, chosen, groups)

    def _add_rows(self, totals: Totals, part: Part, image: Image, rows: Rows, groups: Array | None) -> None:
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

    def _add_facts(self, totals: Totals, part: Part) -> None:
        groups = self.grouping.of_facts(part)
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


def _state(image: Image, aggregate: Aggregate) -> State:
    return image.states[aggregate.text]


def _doubles(values: Array, nothing: float = np.nan) -> Array:
    if values.dtype.kind in "iuf":
        return np.ma.filled(values.astype(np.float64), nothing)
    return np.array([nothing if value is None else float(value) for value in values.tolist()], np.float64)


def _sum(values: Array | None, rows: Rows, groups: Array | None, size: int) -> Array:
    """Return the sum of a column per group, the number of rows without one."""
    if groups is None:
        if values is None:
            return np.array([float(len(rows))])
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
