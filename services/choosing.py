"""Filters over images: which values of each key are allowed, and which rows of an image that leaves."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from services.access import RowScope
from services.errors import QueryError
from services.exact import RefusedError
from services.images import Array, Dictionary, Image, Images
from services.model import TIME_PARTS, ColumnType, SalesModel
from services.periods import Range
from services.planner import PARTS
from services.query import Filter, SalesQuery
from services.rollups import HOUR, WEEKDAY
from services.sources import typed_value

#: Values of parts of the time are their own codes.
PART_SIZES = {HOUR: 24, WEEKDAY: 8}
Allowed = Mapping[str, Array]
_MORE: dict[str, Callable[[Any, Any], bool]] = {
    "gt": lambda left, right: left > right,
    "ge": lambda left, right: left >= right,
    "lt": lambda left, right: left < right,
    "le": lambda left, right: left <= right,
}


@dataclass(frozen=True)
class Rows:
    """Rows of an image: a slice of it or their numbers; `bits` of a mask that count, None for all."""

    rows: slice | Array
    bits: int | None

    def of(self, column: Array) -> Array:
        """Return a column's values of these rows."""
        return column[self.rows]

    def __len__(self) -> int:
        return self.rows.stop - self.rows.start if isinstance(self.rows, slice) else len(self.rows)

    def picked(self, places: Array) -> Rows:
        """Return those at some places among these."""
        return replace(self, rows=places + self.rows.start if isinstance(self.rows, slice) else self.rows[places])

    def between(self, first: int, after: int) -> Rows:
        """Return those with numbers from one to before another."""
        if isinstance(self.rows, slice):
            return replace(self, rows=slice(max(first, self.rows.start), min(after, self.rows.stop)))
        start, stop = np.searchsorted(self.rows, (first, after))
        return replace(self, rows=self.rows[start:stop])


@dataclass
class Choosing:
    """What a query's filters, segments and row scope leave of each image; remembered for the tiles of a page."""

    images: Images
    allowed: Allowed
    _known: dict[tuple[str, int, int], Rows] = field(default_factory=dict)

    def buckets(self, image: Image, covered: Range) -> tuple[int, int]:
        """Return the first bucket of an image within a range of time, and the one after its last."""
        first, after = np.searchsorted(image.starts, np.array([covered.start, covered.end], "datetime64[s]"))
        return int(first), int(after)

    def rows(self, image: Image, first: int, after: int) -> Rows:
        """Return the rows of some buckets of an image."""
        key = (image.rollup.table, first, after)
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = self._find(image, first, after)
        return found

    def _find(self, image: Image, first: int, after: int) -> Rows:
        keys = [name for name in image.codes if name in self.allowed]
        rows = Rows(slice(int(image.offsets[first]), int(image.offsets[after])), None)
        leading = image.rollup.keys[0] if image.rollup.keys else None
        if image.lead is not None and leading in keys:
            keys.remove(leading)
            codes = np.flatnonzero(self.allowed[leading])
            starts, ends = image.lead[first:after, codes], image.lead[first:after, codes + 1]
            rows = Rows(_joined(starts.ravel(), ends.ravel()), None)
        if WEEKDAY in self.allowed and WEEKDAY not in image.codes:
            rows = rows.picked(np.flatnonzero(self.allowed[WEEKDAY][weekdays(image)[rows.of(image.bucket)]]))
        for name in keys:
            rows = rows.picked(np.flatnonzero(self.allowed[name][rows.of(image.codes[name])]))
        if image.mask is not None and any(name in self.allowed for name in image.rollup.masks):
            bits = self.images.bits(image.rollup, self.allowed)
            rows = replace(rows.picked(np.flatnonzero(touched(rows.of(image.mask), bits))), bits=bits)
        return rows


def touched(mask: Array, bits: int) -> Array:
    """Return which masks have one of some bits."""
    return np.asarray((mask & mask.dtype.type(bits & np.iinfo(mask.dtype).max)) != 0)


def weekdays(image: Image) -> Array:
    """Return the weekday of each bucket, 1 is Monday."""
    return np.asarray((image.starts.astype("datetime64[D]").astype(np.int64) + 3) % 7 + 1)


def _joined(starts: Array, ends: Array) -> Array:
    """Return the numbers of several ranges of rows, one after the other."""
    counts = ends - starts
    before = np.cumsum(counts) - counts
    return np.asarray(np.repeat(starts - before, counts) + np.arange(int(counts.sum())))


def allowed_values(model: SalesModel, images: Images, query: SalesQuery, scope: RowScope) -> dict[str, Array]:
    """Return per key which of its values the query and the row scope leave; keys that nothing limits are left out.

    Raises RefusedError for conditions that only SQL tells, QueryError as sql.build does.
    """
    found: dict[str, Array] = {}
    for column, keep in _limits(model, images, query, scope):
        found[column] = found[column] & keep if column in found else keep
    return found


def _limits(model: SalesModel, images: Images, query: SalesQuery, scope: RowScope) -> Iterator[tuple[str, Array]]:
    for name in query.segments:
        yield _segment(images, model.segments[name].condition)
    for condition in query.filters:
        yield _filter(model, images, condition)
    for name, dimension in model.dimensions.items():
        if dimension.hide and not query.filtered(name):
            yield dimension.column, _values(_dictionary(images, dimension.column), dimension.hide, inside=False)
    if not scope.everything:
        if not scope.limits or not all(values and name in model.dimensions for name, values in scope.limits):
            raise RefusedError("the row scope is looked up by SQL")
        for name, values in scope.limits:
            yield _filter(model, images, Filter(name, "is", values))


def _segment(images: Images, condition: str) -> tuple[str, Array]:
    for column, dictionary in images.dictionaries.items():
        if condition in dictionary.flags:
            return column, np.array(dictionary.flags[condition])
    raise RefusedError(f"{condition} is looked up by SQL")


def _dictionary(images: Images, column: str) -> Dictionary:
    if column not in images.dictionaries:
        raise RefusedError(f"{column} is not kept in memory")
    return images.dictionaries[column]


def _filter(model: SalesModel, images: Images, condition: Filter) -> tuple[str, Array]:
    if condition.operator in ("contains", "starts"):
        raise RefusedError("texts are searched by SQL")
    if condition.field in TIME_PARTS:
        part = PARTS[condition.field]
        dictionary, kind, column = Dictionary(tuple(range(PART_SIZES[part]))), ColumnType.INTEGER, part
    else:
        if condition.field not in model.dimensions:
            raise QueryError(f"{condition.field!r} is no dimension.")
        column = model.dimensions[condition.field].column
        dictionary, kind = _dictionary(images, column), model.facts.columns[column].type
    if condition.operator == "blank":
        return column, np.array([value is None for value in dictionary.values])
    values = [typed_value(condition, value, kind) for value in condition.values]
    if condition.operator in ("is", "not"):
        return column, _values(dictionary, values, inside=condition.operator == "is")
    more, limit = _MORE[condition.operator], values[0]
    return column, np.array([value is not None and more(value, limit) for value in dictionary.values])


def _values(dictionary: Dictionary, values: Any, *, inside: bool) -> Array:
    keep = np.full(len(dictionary.values), not inside)
    index = dictionary.index
    keep[[index[value] for value in values if value in index]] = inside
    return keep
