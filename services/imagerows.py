"""Rows of an image as they are made: from a table of DuckDB, sorted by time, to columns of small numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import pyarrow as pa

from services.images import BUCKET, ENTITY, MASK, OFFSETS, ROWS, STARTS, Array, State, narrow
from services.measures import Aggregate

#: Columns of a chain's table that an image keeps beside codes and states.
KEPT = {ROWS: "n", MASK: "m", ENTITY: "e"}
#: Whole numbers up to this add up exactly as doubles.
EXACT = 2.0**53


@dataclass(frozen=True)
class ImageRows:
    """Rows of an image in its order: the day each bucket begins, codes, states by aggregate, and mask, entity, rows."""

    days: Array
    codes: Sequence[Array]
    states: Mapping[str, State]
    others: Mapping[str, Array]

    @classmethod
    def read(cls, table: pa.Table, names: Sequence[str], aggregates: Mapping[str, Aggregate]) -> Self:
        """Return the rows of a chain's table, in which `names` are the columns of codes."""
        days = table["b"].cast(pa.date32()).cast(pa.int32()).combine_chunks().to_numpy()
        found = {each.text: _state(table[column]) for column, each in aggregates.items()}
        others = {name: narrow(_numbers(table[kept])) for name, kept in KEPT.items() if kept in table.column_names}
        states = {text: state for text, state in found.items() if state is not None}
        return cls(days, [narrow(_numbers(table[name])) for name in names], states, others)

    @property
    def first(self) -> Array:
        """The number of each bucket's first row."""
        return np.flatnonzero(np.r_[True, self.days[1:] != self.days[:-1]])

    @property
    def buckets(self) -> Array:
        """The number of each row's bucket."""
        return np.repeat(np.arange(len(self.first)), np.diff(np.r_[self.first, len(self.days)]))

    def time_columns(self) -> dict[str, Array]:
        """Return buckets of time and where their rows begin."""
        first = self.first
        starts = self.days[first].astype("datetime64[D]").astype("datetime64[s]")
        offsets = np.r_[first, len(self.days)].astype(np.int64)
        return {STARTS: starts, BUCKET: narrow(self.buckets), OFFSETS: offsets}

    def lead(self, codes: Array, size: int) -> Array:
        """Return where the rows of each code of the first key begin and end in each bucket; it has `size` codes."""
        first = self.first
        found = np.bincount(self.buckets * size + codes, minlength=len(first) * size)
        ends = np.cumsum(found).reshape(len(first), size)
        return np.column_stack([first, ends]).astype(np.int64)


def _numbers(column: pa.ChunkedArray) -> Array:
    values: Array = column.cast(pa.int64()).combine_chunks().to_numpy(zero_copy_only=False)
    return values


def _state(column: pa.ChunkedArray) -> State | None:
    """Return partial results as numbers; None for what is no number."""
    found = column.combine_chunks()
    kind = found.type
    known = None if not found.null_count else found.is_valid().to_numpy(zero_copy_only=False)
    if pa.types.is_floating(kind):
        return State(np.nan_to_num(found.to_numpy(zero_copy_only=False)), None, known)
    if pa.types.is_decimal128(kind):
        values, scale = _wholes(found), kind.scale
    elif pa.types.is_integer(kind):
        values, scale = found.fill_null(0).to_numpy(zero_copy_only=False).astype(np.int64), 0
    else:
        return None
    return None if values is None else State(values, scale, known)


def smallest(state: State) -> State | None:
    """Return partial results in the room they need; None when their sum would not be exact."""
    values, scale = state.values, state.scale
    if scale is None:
        return state
    if float(np.abs(values).astype(np.float64).sum()) >= EXACT:
        return None
    while scale and not (values % 10).any():
        values, scale = values // 10, scale - 1
    return State(narrow(values), scale, state.known)


def _wholes(found: pa.Array) -> Array | None:
    """Return decimals as whole numbers of their smallest unit; None when one needs more than 64 bits."""
    pairs = np.frombuffer(found.buffers()[1], np.int64)[2 * found.offset : 2 * (found.offset + len(found))].reshape(
        -1, 2
    )
    low, high = pairs[:, 0], pairs[:, 1]
    values: Array = np.where(found.is_valid().to_numpy(zero_copy_only=False), low, 0)
    return values if bool(((high == low >> 63) | (values == 0)).all()) else None
