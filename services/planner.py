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

from services.access import RowScope
from services.expressions import names_in
from services.measures import MeasurePlan
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
}


@dataclass(frozen=True)
class Piece:
    """A part of a period and the table that answers for it: a rollup, or the facts (None)."""

    covered: Range
    rollup: Rollup | None


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
    def served(self) -> str:
        """The tables that answer, in words."""
        tables = [piece.rollup for each in self.slices for pieces in each.periods for piece in pieces]
        labels = dict.fromkeys(rollup.label if rollup else FACTS for rollup in tables)
        return ", ".join(labels) or FACTS


@dataclass(frozen=True)
class Needs:
    """What a query asks of a table: columns by value, parts of the time, columns to show, a grain."""

    columns: frozenset[str]
    parts: frozenset[str]
    shown: frozenset[str]
    grain: Grain | None

    def __sub__(self, rollup: Rollup) -> str:
        """Return why a rollup does not have all of it, or ""."""
        missing = sorted(self.columns - {*rollup.keys})
        if missing:
            return f"{', '.join(missing)} is not kept"
        hidden = sorted(self.shown - {*rollup.keys, *rollup.highest})
        if hidden and not rollup.entity:
            return f"{', '.join(hidden)} is not kept"
        parts = [part for part in self.parts if part not in rollup.parts and not _derived(part, rollup.grain)]
        if parts:
            return f"the {', '.join(sorted(part.strip('_') for part in parts))} is not kept"
        if self.grain is not None and self.grain not in COARSER[rollup.grain]:
            return f"each {self.grain.value} is needed, whole months are kept"
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
    for name in query.segments:
        columns |= names_in(model.segments[name].condition)
    columns |= {each.column for name, each in model.dimensions.items() if each.hide and not query.filtered(name)}
    columns |= {model.dimensions[name].column for name, _ in scope.limits if name in model.dimensions}
    named = {*query.dimensions, *(condition.field for condition in query.filters)}
    parts = frozenset(PARTS[name] for name in TIME_PARTS if name in named)
    return Needs(frozenset(columns), parts, frozenset(shown), query.grain)


def plan(
    model: SalesModel,
    query: SalesQuery,
    window: Window,
    scope: RowScope,
    rollups: Sequence[Rollup] = (),
    coverage: Coverage | None = None,
) -> Plan:
    """Return how to answer a query for measures; `coverage` says where the data begin and end."""
    measures = MeasurePlan(model, query.measures)
    periods = [(window.now, Shift())] + ([(window.before, window.shift)] if window.before is not None else [])
    if rollups and coverage is not None:
        periods = [(_widened(period, coverage), moved) for period, moved in periods]
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
    """Return a period that reaches over the data's ends as one of whole months there: no row lies beyond."""
    if period.empty or period.start >= coverage.end or period.end <= coverage.start:
        return period
    start = _floor(coverage.start, Grain.MONTH) if period.start <= coverage.start else period.start
    end = _ceiling(coverage.end, Grain.MONTH) if period.end >= coverage.end else period.end
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
        able = [rollup for rollup in states if texts <= set(rollup.states)]
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
    usable = [rollup for rollup in able if not (grain and shift.days and rollup.grain is Grain.MONTH)]
    for rollup in sorted(usable, key=lambda each: each.rows):
        inner = whole(period, rollup.grain)
        if inner is None:
            continue
        others = [each for each in usable if each.grain is Grain.DAY] if rollup.grain is Grain.MONTH else []
        ends = (Range(period.start, inner.start), Range(inner.end, period.end))
        outer = [piece for end in ends if not end.empty for piece in _pieces(end, shift, grain, others)]
        return (Piece(inner, rollup), *outer)
    return (Piece(period, None),)


def whole(period: Range, grain: Grain) -> Range | None:
    """Return the part of a period made of whole buckets, None when there is none."""
    start, end = _ceiling(period.start, grain), _floor(period.end, grain)
    return Range(start, end) if start < end else None


def _floor(moment: dt.datetime, grain: Grain) -> dt.datetime:
    day = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    return day.replace(day=1) if grain is Grain.MONTH else day


def _ceiling(moment: dt.datetime, grain: Grain) -> dt.datetime:
    floor = _floor(moment, grain)
    if floor == moment:
        return moment
    try:
        return _floor(floor + dt.timedelta(days=32 if grain is Grain.MONTH else 1), grain)
    except OverflowError:
        return dt.datetime(9999, 12, 31, 23, 59, 59)
