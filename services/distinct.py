"""Distinct: exact counts of distinct values per group, by a mark for each pair of a group and a value seen in it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from math import prod

import numpy as np

from services.exact import RefusedError
from services.grouping import Grouping, Part
from services.images import Array

#: Most pairs of a group and a value, in all and marked at a time.
MOST_PAIRS, MOST_MARKS = 1_000_000_000, 128_000_000
#: Marks at a time where fewer will do: as many as a processor keeps near.
FEW_MARKS = 250_000


class Distinct:
    """Counts the distinct values of a column, `values`, in each group of an answer."""

    def __init__(self, grouping: Grouping, values: Array, groups: int) -> None:
        self._grouping, self._values, self._groups = grouping, values, groups
        self._inner = prod(axis.size for axis in grouping.axes)
        if groups * len(values) > MOST_PAIRS or self._inner * len(values) > MOST_MARKS:
            raise RefusedError("there are too many groups to count distinct values in memory")

    def counts(self, parts: Sequence[Part]) -> Array:
        """Return the count of each group; buckets of time are counted one after another, as their rows lie."""
        steps = self._groups // self._inner if self._inner else 0
        pairs = self._inner * len(self._values)
        width = max(1, FEW_MARKS // pairs) if pairs else 1
        found = np.zeros(self._groups)
        of_facts = [self._of_facts(part) for part in parts if part.image is None]
        for start in range(0, steps, width):
            after = min(start + width, steps)
            low, high = start * self._inner, after * self._inner
            marks = np.zeros((high - low) * len(self._values), bool)
            for groups, places in of_facts:
                here = (groups >= low) & (groups < high)
                marks[(groups[here] - low) * len(self._values) + places[here]] = True
            for part in parts:
                for within, places in self._of_image(part, start, after):
                    marks[places if within is None else within * len(self._values) + places] = True
            # Of one row at a time: along an axis numpy counts many times slower.
            rows = marks.reshape(high - low, len(self._values))
            found[low:high] = np.fromiter(map(np.count_nonzero, rows), np.float64, high - low)
        return found

    def _of_image(self, part: Part, start: int, after: int) -> Iterator[tuple[Array | None, Array]]:
        """Yield groups, counted from the first of some buckets of time, and the places of values seen in each."""
        image = part.image
        if image is None or image.entity is None or part.after == part.first:
            return
        rows = self._grouping.rows(part, image)
        before = 0
        if part.times is not None:
            times = self._grouping.times
            low = part.first + int(np.searchsorted(part.times, times[start]))
            high = part.first + int(np.searchsorted(part.times, times[after - 1], side="right"))
            rows = rows.between(int(image.offsets[low]), int(image.offsets[high]))
            part, before = part.between(low, high), start * self._inner
            if after == start + 1:
                part, before = replace(part, times=None), 0
        for chosen, groups in self._grouping.groups(part, rows, image):
            yield groups if groups is None or not before else groups - before, chosen.of(image.entity)

    def _of_facts(self, part: Part) -> tuple[Array, Array]:
        """Return groups and the places of values seen in each, as the facts say."""
        found = part.facts["entity"]
        there = np.array([value is not None for value in found.tolist()], bool)
        seen = found[there]
        if self._values.dtype.kind == "S":
            seen = np.array([str(value).encode() for value in seen.tolist()], self._values.dtype)
        return self._grouping.of_facts(part)[there], np.searchsorted(self._values, seen)
