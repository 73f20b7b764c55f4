"""SalesQuery -> one SQLAlchemy `Select`, row scope included.

Every period of the query is aggregated on its own (each scans only its range, which facts sorted by time make
cheap), the parts are stacked and folded side by side. Ratios are taken after folding.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from typing import Any

import sqlalchemy as sa

from services.access import RowScope
from services.dialects import shift
from services.errors import QueryError, UnknownNameError
from services.measures import MeasurePlan
from services.model import ColumnType, SalesModel
from services.periods import Grain, Range, Shift, Window
from services.query import OPERATORS, Filter, SalesQuery

Element = sa.ColumnElement[Any]
#: Columns every answer carries beside its fields: rows of the facts behind the row, and behind the whole answer.
ROWS, ALL_ROWS = "rows", "all_rows"


def build(model: SalesModel, query: SalesQuery, window: Window, scope: RowScope) -> sa.Select[Any]:
    """Return the statement that answers `query` for this window of time and these rows."""
    if query.columns:
        return _lines(model, query, window, scope)
    plan = MeasurePlan(model, query.measures)
    parts = [_aggregate(model, query, plan, scope, 0, window.now, Shift())]
    if window.before is not None:
        parts.append(_aggregate(model, query, plan, scope, 1, window.before, window.shift))
    return _fold(query, plan, sa.union_all(*parts).subquery("parts") if len(parts) > 1 else parts[0].subquery("parts"))


def count_lines(model: SalesModel, query: SalesQuery, window: Window, scope: RowScope) -> sa.Select[Any]:
    """Return the statement that counts the rows `query` would return without its limit."""
    conditions = _conditions(model, query, scope, window.now)
    return sa.select(sa.func.count().label(ROWS)).select_from(model.table).where(*conditions)


def _aggregate(
    model: SalesModel,
    query: SalesQuery,
    plan: MeasurePlan,
    scope: RowScope,
    period: int,
    covered: Range,
    moved: Shift,
) -> sa.Select[Any]:
    keys = _keys(model, query, moved)
    columns = [sa.literal_column(str(period), sa.Integer()).label("period"), *keys]
    columns += [element.label(name) for name, element in plan.aggregates.items()]
    columns.append(sa.func.count().label(ROWS))
    columns += [sa.func.max(element).label(name) for name, element in _attributes(model, query)]
    statement = sa.select(*columns).select_from(model.table).where(*_conditions(model, query, scope, covered))
    # By expression: a bare name would mean a column of the facts that happens to have the same name.
    return statement.group_by(*(key.element for key in keys)) if keys else statement


def _keys(model: SalesModel, query: SalesQuery, moved: Shift) -> list[sa.Label[Any]]:
    time = shift(model.table.c[model.facts.time], moved.months, moved.days)
    keys = [_bucket(model, query.grain, time).label("time")] if query.grain else []
    return keys + [dimension_element(model, name).label(name) for name in query.dimensions]


def dimension_element(model: SalesModel, name: str) -> Element:
    """Return the SQL of a dimension's key."""
    time = model.table.c[model.facts.time]
    if name == "weekday":
        return sa.cast(sa.extract("isodow", time), sa.Integer)
    if name == "hour":
        return sa.cast(sa.extract("hour", time), sa.Integer)
    return model.table.c[model.dimension(name).column]


def _bucket(model: SalesModel, grain: Grain, time: Element) -> Element:
    offset = 1 if grain is Grain.WEEK and model.calendar.week_start == "sunday" else 0
    start = sa.func.date_trunc(sa.literal_column(f"'{grain.value}'"), shift(time, 0, offset))
    return sa.cast(shift(start, 0, -offset), sa.DateTime)


def _attributes(model: SalesModel, query: SalesQuery) -> Iterator[tuple[str, Element]]:
    """Yield label and code columns of the query's dimensions: `product__label`, `country__code`."""
    for name in query.dimensions:
        dimension = model.dimensions.get(name)
        if dimension and dimension.label_column:
            yield f"{name}__label", model.table.c[dimension.label_column]
        if dimension and dimension.code_column:
            yield f"{name}__code", model.table.c[dimension.code_column]


def _fold(query: SalesQuery, plan: MeasurePlan, parts: sa.Subquery) -> sa.Select[Any]:
    keys = [parts.c[name] for name in (*(("time",) if query.grain else ()), *query.dimensions)]
    plain = ("period", ROWS, *(key.name for key in keys), *plan.aggregates)
    attributes = [sa.func.max(column).label(column.name) for column in parts.c if column.name not in plain]
    now = _measures(plan, parts, 0)
    before = {f"{name}__before": element for name, element in _measures(plan, parts, 1).items()}
    compared = query.compare.value != "none"
    measures = now | (before if compared else {})
    rows = sa.func.coalesce(_pick(parts, 0, ROWS), 0)
    statement = sa.select(
        *keys,
        *attributes,
        *(element.label(name) for name, element in measures.items()),
        rows.label(ROWS),
        sa.func.sum(rows).over().label(ALL_ROWS),
    ).select_from(parts)
    if keys:
        statement = statement.group_by(*keys)
    if query.having:
        statement = statement.having(*(_condition(condition, measures[condition.field]) for condition in query.having))
    return _page(query, statement.order_by(*_order(query, [key.name for key in keys])))


def _measures(plan: MeasurePlan, parts: sa.Subquery, period: int) -> dict[str, Element]:
    return dict(plan.formulas({name: _pick(parts, period, name) for name in plan.aggregates}))


def _pick(parts: sa.Subquery, period: int, name: str) -> Element:
    """Return the value of one period; each group holds at most one row per period."""
    return sa.func.max(parts.c[name]).filter(parts.c.period == sa.literal_column(str(period)))


def _order(query: SalesQuery, keys: list[str]) -> list[sa.UnaryExpression[Any]]:
    asked: list[sa.UnaryExpression[Any]] = [
        (sa.column(sort.field).desc() if sort.descending else sa.column(sort.field).asc()).nulls_last()
        for sort in query.sort
    ]
    named = {sort.field for sort in query.sort}
    return asked + [sa.column(key).asc().nulls_last() for key in keys if key not in named]


def _page(query: SalesQuery, statement: sa.Select[Any]) -> sa.Select[Any]:
    if query.limit is not None:
        statement = statement.limit(query.limit)
    return statement.offset(query.offset) if query.offset else statement


def _lines(model: SalesModel, query: SalesQuery, window: Window, scope: RowScope) -> sa.Select[Any]:
    statement = sa.select(*(model.table.c[name] for name in query.columns))
    statement = statement.where(*_conditions(model, query, scope, window.now))
    default = [model.table.c[model.facts.time].desc(), model.table.c[model.facts.key].asc()]
    return _page(query, statement.order_by(*_order(query, []), *(default if not query.sort else default[1:])))


def _conditions(model: SalesModel, query: SalesQuery, scope: RowScope, covered: Range) -> list[Element]:
    time = model.table.c[model.facts.time]
    rows = model.row_compiler
    conditions: list[Element] = [time >= covered.start, time < covered.end, *_scope(model, scope)]
    conditions += [rows.compile(model.segments[name].condition) for name in query.segments]
    conditions += [_filter(model, condition) for condition in query.filters]
    for name, dimension in model.dimensions.items():
        if dimension.hide and not query.filtered(name):
            column = model.table.c[dimension.column]
            conditions.append(sa.or_(column.not_in(dimension.hide), column.is_(None)))
    return conditions


def _scope(model: SalesModel, scope: RowScope) -> list[Element]:
    if scope.everything:
        return []
    if not scope.limits:
        return [sa.false()]
    unknown = [name for name, _ in scope.limits if name not in model.dimensions]
    if unknown:
        raise QueryError(
            f"Your row scope names {', '.join(unknown)}, which this data set does not have; an admin must renew it."
        )
    return [dimension_element(model, name).in_(values) if values else sa.false() for name, values in scope.limits]


def _filter(model: SalesModel, condition: Filter) -> Element:
    dimension = model.dimensions.get(condition.field)
    name = dimension.column if dimension else condition.field
    if name not in model.facts.columns:
        raise UnknownNameError("filter", condition.field, model.dimensions)
    column = model.table.c[name]
    if condition.operator in ("contains", "starts"):
        target = [column, model.table.c[dimension.label_column]] if dimension and dimension.label_column else [column]
        return sa.or_(*(_condition(condition, each) for each in target))
    return _condition(condition, column, model.facts.columns[name].type)


def _condition(condition: Filter, column: Element, kind: ColumnType = ColumnType.NUMBER) -> Element:
    operator = OPERATORS[condition.operator]
    text = condition.operator in ("contains", "starts", "blank")
    return operator.build(column, [value if text else _typed(condition, value, kind) for value in condition.values])


def _typed(condition: Filter, value: str, kind: ColumnType) -> Any:
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
