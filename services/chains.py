"""Chains: which images are worth having for a model and its data, the most useful first, and what they would take.

Which these are follows from the columns' numbers of values; what does not fit into the bytes allowed is made with
fewer columns.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations
from math import prod
from typing import Any

import duckdb

from services.measures import Aggregate, MeasurePlan
from services.model import ColumnType, SalesModel
from services.periods import Grain
from services.rollup_tables import first_that_fits
from services.rollups import HOUR, WEEKDAY, Rollup, Tuning
from services.sqltext import name_of, one
from services.surveying import SAMPLE, Survey, counted, estimate

#: Bytes of a version's images: at most, whatever share of its facts the model allows, and allowed however small it is.
MOST_BYTES, FREE_BYTES = 1_000_000_000, 150_000_000
#: What one chain may take of them, and one that counts distinct values.
CHAIN_SHARE, COUNTING_SHARE = 0.3, 0.4
#: Keys have at most this many values, sets of values this many bits, texts that are counted this many bytes.
MOST_VALUES, MOST_BITS, MOST_TEXT = 60_000, 62, 64
KEYS = (ColumnType.TEXT, ColumnType.INTEGER)
#: Bytes of a row beside its keys, and of each state.
ROW_BYTES, STATE_BYTES = 4, 6


@dataclass(frozen=True)
class KeyCodes:
    """A column that may be a key: its place among the dictionaries, and how many values it has."""

    name: str
    number: int
    values: int


@dataclass(frozen=True)
class Chains:
    """Chooses the images of facts in a snapshot being built.

    `keys` and `depending` are the columns that may be keys, and what depends on each.
    """

    connection: duckdb.DuckDBPyConnection
    model: SalesModel
    found: Survey
    tuning: Tuning
    keys: dict[str, KeyCodes] = field(default_factory=dict)
    depending: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def _width_of_facts(self) -> float:
        """Return the bytes of a line as it would be in memory."""
        texts = [name for name, column in self.model.facts.columns.items() if column.type is ColumnType.TEXT]
        numbers = 8 * (len(self.model.facts.columns) - len(texts))
        lengths = ", ".join(f"coalesce(avg(strlen({name_of(name)})), 0)" for name in texts)
        asked = f"SELECT {lengths} FROM {name_of(self.model.facts.table)} USING SAMPLE 2000 ROWS (reservoir, 1)"  # noqa: S608 - a model's names
        return float(numbers + sum(4 + length for length in one(self.connection, asked))) if texts else numbers

    def budget(self) -> float:
        """Return the bytes that all images may take."""
        share = self.model.rollups * self.found.lines * self._width_of_facts()
        return min(MOST_BYTES, max(FREE_BYTES, share))

    def first_within(self, alternatives: Sequence[Rollup], room: float) -> Rollup | None:
        """Return the first of some alternatives that takes no more than some bytes, about."""
        return first_that_fits(alternatives, lambda each: self._bytes(each) <= room)

    def _bytes(self, wanted: Rollup) -> float:
        """Return about how many bytes an image takes, without those of coarser grains."""
        return estimate(self.connection, self.model, self.found, wanted) * self._width(wanted)

    def _width(self, rollup: Rollup) -> float:
        keys = sum(1 if self.keys[name].values <= 256 else 2 for name in rollup.keys)
        described = MeasurePlan(self.model, tuple(self.model.measures)).described.values()
        aggregates = 1 if rollup.aggregate else sum(each.function != "count_distinct" for each in described)
        return (
            ROW_BYTES
            + keys
            + len(rollup.parts)
            + (8 if rollup.masks else 0)
            + (4 if rollup.entity else STATE_BYTES * aggregates)
        )

    def alternatives(self) -> Iterator[list[Rollup]]:
        """Yield the chains worth having, the most useful first, as alternatives: the first that fits is made."""
        for (asked,) in self.tuning.of(self.keys):
            yield [self._rollup(asked.grain, asked.keys, asked.parts)]
        few = [column.name for column in self.found.few if column.name in self.keys]
        prefixes = [few[:count] for count in range(len(few), -1, -1)]
        yield [self._rollup(Grain.DAY, keys) for keys in prefixes]
        for aggregate, kept in self.found.alone.items():
            yield [*self._distinct(aggregate, few, kept)]
        filtered = [self.model.dimensions[name].column for name in self.model.filters]
        useful = [name for name in dict.fromkeys((*filtered, *few)) if name in few]
        near = [name for name in useful if name in filtered]
        fewer = [useful[:count] for count in range(len(useful), -1, -1)]
        for many in (column.name for column in self.found.many if column.name in self.keys):
            by_month = [self._rollup(Grain.MONTH, (*keys, many)) for keys in fewer]
            yield [self._rollup(Grain.DAY, (*near, many)), *by_month]
        parts = (HOUR, WEEKDAY)
        by_month = [self._rollup(Grain.MONTH, keys, parts) for keys in fewer]
        yield [self._rollup(Grain.DAY, near, parts), *by_month]
        yield [self._rollup(Grain.DAY, (), (HOUR,))]

    def _rollup(self, grain: Grain, keys: Sequence[str], parts: tuple[str, ...] = (), **more: Any) -> Rollup:
        """Return a rollup whose first key narrows most."""
        ordered = sorted(keys, key=lambda name: -self.keys[name].values)
        # A filter on few values of the widest short key is what people choose; a key of many values comes after.
        ordered.sort(key=lambda name: self.keys[name].values > 256)
        highest = tuple(dict.fromkeys(name for key in ordered for name in self.depending[key]))
        return Rollup("", grain, tuple(ordered), parts, highest, image=True, **more)

    def _distinct(self, aggregate: Aggregate, few: Sequence[str], kept: tuple[str, ...] | None) -> Iterator[Rollup]:
        """Yield images that count distinct values of a column, with sets of the other columns' values."""
        rest = [name for name in few if name not in (kept or ())]
        fewest = min(self._subsets(rest), key=lambda masks: self._sampled(aggregate, {*few} - {*masks}))
        if kept is not None:
            keys = [name for name in few if name in kept]
            yield self._rollup(Grain.DAY, keys, masks=fewest, aggregate=aggregate.text)
            return
        keys = [name for name in few if name not in fewest]
        for grain in (Grain.DAY, Grain.MONTH):
            yield self._rollup(grain, keys, masks=fewest, entity=aggregate.source, aggregate=aggregate.text)

    def _sampled(self, aggregate: Aggregate, keys: Collection[str]) -> int:
        """Return how many rows a sample of the counted values has, by month and these keys."""
        cells = ", ".join(
            (f"date_trunc('month', {name_of(self.model.facts.time)})", *map(name_of, (aggregate.source, *keys)))
        )
        sample = f"hash({name_of(aggregate.source)}) % 16 = 0 AND {counted(self.model, aggregate)}"
        asked = f"SELECT count(DISTINCT ({cells})) FROM {SAMPLE} AS {name_of(self.model.facts.table)} WHERE {sample}"  # noqa: S608 - a model's names
        return int(one(self.connection, asked)[0])

    def _subsets(self, names: Sequence[str]) -> list[tuple[str, ...]]:
        """Return the sets of columns whose values fit into a mask together and with no further column."""
        fitting = [
            subset
            for count in range(len(names) + 1)
            for subset in combinations(names, count)
            if prod(self.keys[name].values for name in subset) <= MOST_BITS
        ]
        return [each for each in fitting if not any({*each} < {*other} for other in fitting)]

    def narrower(self, wanted: Rollup) -> Iterator[Rollup]:
        """Yield small images made from one: for queries with a filter on one column of the filter bar, and without."""
        if wanted.entity:
            return
        many = {column.name for column in self.found.many}
        always = tuple(name for name in wanted.keys if name in many)
        chosen = dict.fromkeys(self.model.dimensions[name].column for name in self.model.filters)
        if wanted.masks:
            yield replace(wanted, masks=())
        for name in (*(name for name in chosen if name not in always), ""):
            key, masks = (name,) if name in wanted.keys else (), wanted.masks if name in wanted.masks else ()
            if key or masks or not name:
                more = {"masks": masks, "aggregate": wanted.aggregate}
                yield self._rollup(wanted.grain, (*key, *always), wanted.parts, **more)
