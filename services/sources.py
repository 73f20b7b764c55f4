"""Sources: tables that answer a query, and its columns, buckets of time and conditions over one of them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from itertools import pairwise
from typing import Any

import sqlalchemy as sa

from services import buckets, expressions
from services.access import RowScope
from services.dialects import shift
from services.errors import QueryError, UnknownNameError
from services.measures import MeasurePlan
from services.model import SQL_TYPES, TIME_PARTS, ColumnType, SalesModel
from services.periods import Grain, Range, Shift, add_months
from services.planner import PARTS
from services.query import OPERATORS, Filter, SalesQuery
from services.rollups import AGAIN, Rollup
from services.rollups import ROWS as STORED_ROWS

Element = sa.ColumnElement[Any]


class Source:
    """A table that answers: the facts, some of their lines, or a rollup that stands for them; names are the facts'."""

    def __init__(self, model: SalesModel, rollup: Rollup | None, lines: sa.FromClause | None = None) -> None:
        self.model, self.rollup = model, rollup
        facts = model.table if lines is None else lines
        self.table: sa.FromClause = facts if rollup is None else _table_of(model, rollup)
        self.columns: Mapping[str, Element] = dict(self.table.c)
        self.time = self.columns[model.facts.time]
        self.rows = sa.func.count() if rollup is None else sa.func.coalesce(sa.func.sum(self.columns[STORED_ROWS]), 0)

    def aggregate(self, plan: MeasurePlan, column: str) -> Element:
        """Return an aggregate of the plan over this table."""
        if self.rollup is None:
            return plan.aggregates[column]
        described = plan.described[column]
        again = put_together(described.function, self.columns[self.rollup.states[described.text]])
        # Of no rows at all, a count is 0 and a sum is nothing.
        return sa.func.coalesce(again, 0) if described.function.startswith("count") else again

    def part(self, name: str) -> Element:
        """Return a part of the time: `weekday` (1 is Monday) or `hour`."""
        if self.rollup is not None and PARTS[name] in self.rollup.parts:
            return self.columns[PARTS[name]]
        return sa.cast(sa.extract("isodow" if name == "weekday" else "hour", self.time), sa.Integer)


def _table_of(model: SalesModel, rollup: Rollup) -> sa.TableClause:
    kept = {model.facts.time, *rollup.keys, *rollup.highest, *([rollup.entity] if rollup.entity else [])}
    typed = [sa.column(name, SQL_TYPES[column.type]) for name, column in model.facts.columns.items() if name in kept]
    own = [sa.column(name, sa.Integer()) for name in rollup.parts]
    return sa.table(rollup.table, *typed, *own, *map(sa.column, rollup.states.values()), sa.column(STORED_ROWS))


def put_together(function: str, column: Element) -> Element:
    """Return how partial results of an aggregate are put together."""
    return getattr(sa.func, AGAIN[function])(column)  # type: ignore[no-any-return]


def keys_of(source: Source, query: SalesQuery, covered: Range, moved: Shift) -> list[sa.Label[Any]]:
    """Return what a query groups by, labelled: `time` where it has a grain, then its dimensions."""
    time = shift(source.time, moved.months, moved.days)
    keys = [_bucket(source.model, query.grain, time, covered, moved).label("time")] if query.grain else []
    return keys + [_dimension(source, name).label(name) for name in query.dimensions]


def _dimension(source: Source, name: str) -> Element:
    """Return the SQL of a dimension's key."""
    return source.part(name) if name in TIME_PARTS else source.columns[source.model.dimension(name).column]


def _bucket(model: SalesModel, grain: Grain, time: Element, covered: Range, moved: Shift) -> Element:
    if buckets.by_weeks(grain, model.calendar):
        return _named_bucket(model, grain, time, covered, moved)
    months = buckets.later(grain, model.calendar)
    if months:
        start = sa.func.date_trunc(sa.literal_column(f"'{grain.value}'"), shift(time, -months, 0))
        return sa.cast(shift(start, months, 0), sa.DateTime)
    offset = 1 if grain is Grain.WEEK and model.calendar.week_start == "sunday" else 0
    start = sa.func.date_trunc(sa.literal_column(f"'{grain.value}'"), shift(time, 0, offset))
    return sa.cast(shift(start, 0, -offset), sa.DateTime)


def _named_bucket(model: SalesModel, grain: Grain, time: Element, covered: Range, moved: Shift) -> Element:
    """Return the bucket where no function of the engine knows it: the last of the dates written out that has begun."""
    calendar = model.calendar
    first, last = (
        add_months(end.date(), moved.months) + dt.timedelta(days=moved.days) for end in (covered.start, covered.end)
    )
    before = buckets.after(buckets.start_of(first, grain, calendar), grain, calendar, -1)
    dates = [
        sa.literal_column(f"TIMESTAMP '{start.isoformat()} 00:00:00'", sa.DateTime())
        for start in buckets.starts(before, last, grain, calendar)
    ]
    return sa.case(*((time < end, start) for start, end in pairwise(dates)), else_=dates[-1])


def conditions_of(source: Source, query: SalesQuery, scope: RowScope, covered: Range) -> list[Element]:
    """Return the conditions of the rows that count: within a range of time, the row scope, filters and segments."""
    model = source.model
    rows = expressions.Compiler(source.columns)
    conditions: list[Element] = [source.time >= covered.start, source.time < covered.end, *_scope(source, scope)]
    conditions += [rows.compile(model.segments[name].condition) for name in query.segments]
    conditions += [_filter(source, condition) for condition in query.filters]
    for name, dimension in model.dimensions.items():
        if dimension.hide and not query.filtered(name):
            column = source.columns[dimension.column]
            conditions.append(sa.or_(column.not_in(dimension.hide), column.is_(None)))
    return conditions


def _scope(source: Source, scope: RowScope) -> list[Element]:
    if scope.everything:
        return []
    if not scope.limits:
        return [sa.false()]
    unknown = [name for name, _ in scope.limits if name not in source.model.dimensions]
    if unknown:
        raise QueryError(
            f"Your row scope names {', '.join(unknown)}, which this data set does not have; an admin must renew it."
        )
    return [_filter(source, Filter(name, "is", values)) if values else sa.false() for name, values in scope.limits]


def _filter(source: Source, condition: Filter) -> Element:
    model = source.model
    if condition.field in TIME_PARTS:
        return meets(condition, source.part(condition.field), ColumnType.INTEGER)
    dimension = model.dimensions.get(condition.field)
    name = dimension.column if dimension else condition.field
    if name not in model.facts.columns:
        raise UnknownNameError("filter", condition.field, model.dimensions)
    column = source.columns[name]
    if condition.operator in ("contains", "starts"):
        target = [column, source.columns[dimension.label_column]] if dimension and dimension.label_column else [column]
        return sa.or_(*(meets(condition, each) for each in target))
    return meets(condition, column, model.facts.columns[name].type)


def meets(condition: Filter, column: Element, kind: ColumnType = ColumnType.NUMBER) -> Element:
    """Return the SQL of a condition on a column."""
    operator = OPERATORS[condition.operator]
    text = condition.operator in ("contains", "starts", "blank")
    return operator.build(
        column, [value if text else typed_value(condition, value, kind) for value in condition.values]
    )


def typed_value(condition: Filter, value: str, kind: ColumnType) -> Any:
    """Return a filter's value in the type of its column; raises QueryError for one that is none."""
    try:
        match kind:
            case ColumnType.TEXT:
                return value
            case ColumnType.TIME:
                return dt.datetime.fromisoformat(value)
            case ColumnType.INTEGER:
                whole = int(value)
                if not -(2**63) <= whole < 2**63:
                    raise ValueError(value)
                return whole
            case _:
                number = Decimal(value)
                if not number.is_finite() or abs(number) > 10**15:
                    raise InvalidOperation
                return number
    except (ValueError, InvalidOperation):
        raise QueryError(f"The filter on {condition.field!r} needs a {kind.value} value; received {value!r}.") from None
