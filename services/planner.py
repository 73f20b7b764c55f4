"""The planner: which tables of a snapshot answer a query, with the proof that they give what the facts would.

A query's aggregates fall into slices: all that add up, and each distinct count that does not. For each slice and
period the planner looks for the smallest rollup that keeps every column the query groups by, filters on or is limited
to by the row scope, in a grain no coarser than asked, with the aggregates wanted. Whole buckets of the period are
answered by it, the ragged ends by the next finer one or the facts. Every rollup not taken has a reason.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from services import buckets
from services.access import RowScope
from services.buckets import ceiling, floor
from services.expressions import names_in
from services.measures import MeasurePlan, measure_plan
from services.model import TIME_PARTS, SalesModel
from services.periods import Coverage, Grain, Range, Shift, Window
from services.query import SalesQuery
from services.rollups import HOUR, WEEKDAY, Rollup

FACTS = "facts"
PARTS = {"hour": HOUR, "weekday": WEEKDAY}
#: Grains that whole days, or whole months, add up to.
COARSER = {
    Grain.DAY: frozenset(Grain),
    Grain.MONTH: frozenset({Grain.MONTH, Grain.QUARTER, Grain.YEAR}),
    Grain.YEAR: frozenset({Grain.YEAR}),
}
#: Grains of rollups that cut the ends of a period finer.
FINER = {Grain.YEAR: (Grain.MONTH, Grain.DAY), Grain.MONTH: (Grain.DAY,), Grain.DAY: ()}
#: What asking SQL costs at all, and a row of a rollup or of the facts there, in rows of an image.
ASKING, SQL_ROW, FACTS_ROW = 400_000, 3, 6


@dataclass(frozen=True)
class Piece:
    """A part of a period and the table that answers for it: a rollup, or the facts (None)."""

    covered: Range
    rollup: Rollup | None

    @property
    def of_facts(self) -> bool:
        """Whether there is something to ask the facts for."""
        return self.rollup is None and not self.covered.empty


@dataclass(frozen=True)
class Slice:
    """Aggregates answered from the same tables: columns of the MeasurePlan, and the pieces per period.

    `entity` names the facts column when its distinct values are counted over all pieces together.
    """

    aggregates: tuple[str, ...]
    periods: tuple[tuple[Piece, ...], ...]
    entity: str = ""


@dataclass(frozen=True)
class Plan:
    """How a query is answered, and why no smaller table could."""

    measures: MeasurePlan
    slices: tuple[Slice, ...]
    misses: tuple[tuple[str, str], ...] = ()

    @property
    def in_memory(self) -> bool:
        """Whether images answer some of it."""
        return any(piece.rollup is not None and piece.rollup.image for piece in self._pieces())

    @property
    def only_memory(self) -> bool:
        """Whether images answer all of it."""
        return all(piece.rollup is not None and piece.rollup.image for piece in self._pieces())

    @property
    def left_to_facts(self) -> bool:
        """Whether there are aggregates that no table has for any of a period."""
        return any(
            pieces and all(piece.rollup is None for piece in pieces) for each in self.slices for pieces in each.periods
        )

    @property
    def tables(self) -> frozenset[str]:
        """What the tables are that answer, whatever their grain."""
        return frozenset(piece.rollup.columns for piece in self._pieces() if piece.rollup is not None)

    def cost(self, coverage: Coverage, lines: int) -> float:
        """Return what the plan costs, about, in rows of an image read; the facts have so many lines."""
        days = max(1.0, (coverage.end - coverage.start) / dt.timedelta(days=1))
        asked = 0.0 if self.only_memory else ASKING
        for piece in self._pieces():
            start, end = max(piece.covered.start, coverage.start), min(piece.covered.end, coverage.end)
            share = max(0.0, (end - start) / dt.timedelta(days=1)) / days
            rows, weight = (lines, FACTS_ROW) if piece.rollup is None else (piece.rollup.rows, SQL_ROW)
            asked += share * rows * (1 if piece.rollup is not None and piece.rollup.image else weight)
        return asked

    def _pieces(self) -> Iterator[Piece]:
        yield from (piece for each in self.slices for pieces in each.periods for piece in pieces)

    @property
    def served(self) -> str:
        """The tables that answer, in words."""
        grains: dict[str, dict[str, None]] = {}
        for piece in self._pieces():
            columns, grain = (piece.rollup.columns, piece.rollup.grain.value) if piece.rollup else ("", FACTS)
            grains.setdefault(columns, {})[grain] = None
        return "; ".join(f"{', '.join(found)}{columns}" for columns, found in grains.items()) or FACTS


@dataclass(frozen=True)
class Needs:
    """What a query asks of a table: columns by value, parts of the time, columns to show, a grain.

    `conditions` are the columns that each of its segments reads.
    """

    columns: frozenset[str]
    parts: frozenset[str]
    shown: frozenset[str]
    grain: Grain | None
    conditions: tuple[frozenset[str], ...] = ()

    def __sub__(self, rollup: Rollup) -> str:
        """Return why a rollup does not have all of it, or ""."""
        read = self.columns.union(*self.conditions)
        missing = sorted(read - {*rollup.keys, *rollup.masks})
        if missing:
            return f"{', '.join(missing)} is not kept"
        if rollup.image and any(len(columns) > 1 for columns in self.conditions):
            return "a condition on several columns is looked up by SQL"
        hidden = sorted(self.shown - {*rollup.keys, *rollup.highest})
        if hidden and not rollup.aggregate:
            return f"{', '.join(hidden)} is not kept"
        parts = [part for part in self.parts if part not in rollup.parts and not _derived(part, rollup.grain)]
        if parts:
            return f"the {', '.join(sorted(part.strip('_') for part in parts))} is not kept"
        if self.grain is not None and self.grain not in COARSER[rollup.grain]:
            return f"each {self.grain.value} is needed, whole {rollup.grain.value}s are kept"
        return ""


def _derived(part: str, grain: Grain) -> bool:
    return part == WEEKDAY and grain is Grain.DAY


def needs_of(model: SalesModel, query: SalesQuery, scope: RowScope) -> Needs:
    """Return what a query asks of a table that answers it within a row scope."""
    columns: set[str] = set()
    shown: set[str] = set()
    for name in query.dimensions:
        if name not in TIME_PARTS:
            dimension = model.dimension(name)
            columns.add(dimension.column)
            shown |= {each for each in (dimension.label_column, dimension.code_column) if each}
    for condition in query.filters:
        if condition.field in TIME_PARTS:
            continue
        found = model.dimensions.get(condition.field)
        columns.add(found.column if found else condition.field)
        if found and found.label_column and condition.operator in ("contains", "starts"):
            columns.add(found.label_column)
    conditions = tuple(names_in(model.segments[name].condition) for name in query.segments)
    columns |= {each.column for name, each in model.dimensions.items() if each.hide and not query.filtered(name)}
    columns |= {model.dimensions[name].column for name, _ in scope.limits if name in model.dimensions}
    named = {*query.dimensions, *(condition.field for condition in query.filters)}
    parts = frozenset(PARTS[name] for name in TIME_PARTS if name in named)
    grain = buckets.made_of(query.grain, model.calendar) if query.grain else None
    return Needs(frozenset(columns), parts, frozenset(shown), grain, conditions)


def plan(
    model: SalesModel,
    query: SalesQuery,
    window: Window,
    scope: RowScope,
    rollups: Sequence[Rollup] = (),
    coverage: Coverage | None = None,
) -> Plan:
    """Return how to answer a query for measures; `coverage` says where the data begin and end."""
    measures = measure_plan(model, query.measures)
    periods = [(window.now, Shift())] + ([(window.before, window.shift)] if window.before is not None else [])
    if rollups and coverage is not None:
        periods = [(_widened(period, coverage), moved) for period, moved in periods]
        # Where there are no data, there is nothing to compare with; the first period is asked all the same.
        periods[1:] = [each for each in periods[1:] if each[0].start < coverage.end and each[0].end > coverage.start]
    needs = needs_of(model, query, scope)
    misses: dict[str, str] = {}
    fitting = []
    for rollup in rollups:
        reason = needs - rollup
        if reason:
            misses[rollup.label] = reason
        else:
            fitting.append(rollup)
    slices = _merged(_slices(measures, fitting, periods, query.grain, misses))
    return Plan(measures, slices, tuple(misses.items()))


def _widened(period: Range, coverage: Coverage) -> Range:
    """Return a period that reaches over the data's ends as one of whole years there: no row lies beyond."""
    if period.empty or period.start >= coverage.end or period.end <= coverage.start:
        return period
    start = floor(coverage.start, Grain.YEAR) if period.start <= coverage.start else period.start
    end = ceiling(coverage.end, Grain.YEAR) if period.end >= coverage.end else period.end
    return Range(start, end)


def _merged(slices: Iterator[Slice]) -> tuple[Slice, ...]:
    """Put slices answered by the same tables together: one scan serves both."""
    merged: dict[object, Slice] = {}
    for each in slices:
        key = (each.periods, each.entity and each.aggregates)
        known = merged.get(key)
        merged[key] = each if known is None else replace(known, aggregates=known.aggregates + each.aggregates)
    return tuple(merged.values())


def _slices(
    measures: MeasurePlan,
    fitting: Sequence[Rollup],
    periods: Sequence[tuple[Range, Shift]],
    grain: Grain | None,
    misses: dict[str, str],
) -> Iterator[Slice]:
    """Yield the slices: as many aggregates as possible together, those that need another table on their own."""
    states = [rollup for rollup in fitting if not rollup.entity]
    together: list[str] = []
    apart: list[str] = []
    for column, aggregate in measures.described.items():
        kept = [rollup for rollup in states if aggregate.text in rollup.states]
        if aggregate.function == "count_distinct" and not kept:
            apart.append(column)
        else:
            together.append(column)
    distinct = [column for column in together if measures.described[column].function == "count_distinct"]
    plain = [column for column in together if column not in distinct]
    # The first slice counts the rows of each group, whatever is asked.
    for group in [plain, *([column] for column in distinct)]:
        texts = {measures.described[column].text for column in group}
        # An image of one distinct count does not say how many lines there are.
        able = [rollup for rollup in states if texts <= set(rollup.states) and (group != plain or not rollup.aggregate)]
        for rollup in states:
            if rollup not in able:
                misses[rollup.label] = f"{', '.join(sorted(texts - set(rollup.states)))} is not kept"
        yield Slice(tuple(group), tuple(_pieces(period, shift, grain, able) for period, shift in periods))
    for column in apart:
        aggregate = measures.described[column]
        able = [rollup for rollup in fitting if rollup.aggregate == aggregate.text]
        if not able:
            misses.setdefault(aggregate.text, "no table keeps its distinct values")
        yield Slice(
            (column,),
            tuple(_pieces(period, shift, grain, able) for period, shift in periods),
            entity=aggregate.source if able else "",
        )


def _pieces(period: Range, shift: Shift, grain: Grain | None, able: Sequence[Rollup]) -> tuple[Piece, ...]:
    """Cut a period into whole buckets of the smallest table and what is left over at its ends."""
    usable = [rollup for rollup in able if not grain or _moves_whole(shift, rollup.grain)]
    for rollup in sorted(usable, key=lambda each: each.rows):
        inner = whole(period, rollup.grain)
        if inner is None:
            continue
        others = [each for each in usable if each.grain in FINER[rollup.grain]]
        ends = (Range(period.start, inner.start), Range(inner.end, period.end))
        outer = [piece for end in ends if not end.empty for piece in _pieces(end, shift, grain, others)]
        return (Piece(inner, rollup), *outer)
    return (Piece(period, None),)


def _moves_whole(shift: Shift, grain: Grain) -> bool:
    """Tell whether whole buckets are whole buckets after a shift."""
    return grain is Grain.DAY or (not shift.days and (grain is Grain.MONTH or shift.months % 12 == 0))


def whole(period: Range, grain: Grain) -> Range | None:
    """Return the part of a period made of whole buckets, None when there is none."""
    start, end = ceiling(period.start, grain), floor(period.end, grain)
    return Range(start, end) if start < end else None
