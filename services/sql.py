"""SalesQuery -> one SQLAlchemy `Select`, row scope included.

Every period of the query is aggregated on its own, from the tables its plan names, the parts are stacked and folded
side by side. Ratios are taken after folding.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from services.access import RowScope
from services.adding import adding
from services.dialects import Nothing
from services.measures import MeasurePlan
from services.model import SalesModel
from services.periods import Shift, Window
from services.planner import Piece, Plan, Slice
from services.planner import plan as make_plan
from services.query import SalesQuery
from services.sources import Element, Source, conditions_of, keys_of, meets, put_together

#: Columns every answer carries beside its fields: rows of the facts behind the row, and behind the whole answer.
ROWS, ALL_ROWS = "rows", "all_rows"


def build(
    model: SalesModel, query: SalesQuery, window: Window, scope: RowScope, plan: Plan | None = None
) -> sa.Select[Any]:
    """Return the statement that answers `query` for this window of time and these rows.

    `plan` names the tables that answer; the facts without one.
    """
    if query.columns:
        return _lines(model, query, window, scope)
    plan = plan or make_plan(model, query, window, scope)
    shifts = (Shift(), window.shift)
    parts = [
        part
        for number, slice_ in enumerate(plan.slices)
        for period, pieces in enumerate(slice_.periods)
        for part in _parts(model, query, plan, slice_, pieces, scope, period, shifts[period], counts=number == 0)
    ]
    stacked = sa.union_all(*parts).subquery("parts") if len(parts) > 1 else parts[0].subquery("parts")
    return _fold(model, query, plan.measures, stacked)


def count_lines(model: SalesModel, query: SalesQuery, window: Window, scope: RowScope) -> sa.Select[Any]:
    """Return the statement that counts the rows `query` would return without its limit."""
    conditions = conditions_of(Source(model, None), query, scope, window.now)
    return sa.select(sa.func.count().label(ROWS)).select_from(model.table).where(*conditions)


def _parts(
    model: SalesModel,
    query: SalesQuery,
    plan: Plan,
    slice_: Slice,
    pieces: Sequence[Piece],
    scope: RowScope,
    period: int,
    moved: Shift,
    *,
    counts: bool,
) -> Iterator[sa.Select[Any]]:
    """Yield the selects of one period's aggregates: one per piece, or one over all pieces for distinct values."""
    if slice_.entity:
        yield _distinct(model, query, plan, slice_, pieces, scope, period, moved)
        return
    for piece in pieces:
        source = Source(model, piece.rollup)
        keys = keys_of(source, query, piece.covered, moved)
        columns = [sa.literal_column(str(period), sa.Integer()).label("period"), *keys]
        for name, element in plan.measures.aggregates.items():
            wanted = name in slice_.aggregates
            columns.append((source.aggregate(plan.measures, name) if wanted else Nothing(element)).label(name))
        columns.append((source.rows if counts else sa.literal_column("0")).label(ROWS))
        columns += [sa.func.max(element).label(name) for name, element in _attributes(source, query)]
        statement = sa.select(*columns).select_from(source.table)
        statement = statement.where(*conditions_of(source, query, scope, piece.covered))
        # By expression: a bare name would mean a column of the facts that happens to have the same name.
        yield statement.group_by(*(key.element for key in keys)) if keys else statement


def _distinct(
    model: SalesModel,
    query: SalesQuery,
    plan: Plan,
    slice_: Slice,
    pieces: Sequence[Piece],
    scope: RowScope,
    period: int,
    moved: Shift,
) -> sa.Select[Any]:
    """Return the select that counts the distinct values of a column over all pieces of a period."""
    (column,) = slice_.aggregates
    found = [seen(model, query, plan, slice_, piece, scope, moved) for piece in pieces]
    stacked = sa.union_all(*found).subquery("seen") if len(found) > 1 else found[0].subquery("seen")
    keys = [stacked.c[name] for name in (*(("time",) if query.grain else ()), *query.dimensions)]
    columns: list[Element] = [sa.literal_column(str(period), sa.Integer()).label("period"), *keys]
    for name, element in plan.measures.aggregates.items():
        counted = sa.func.count(sa.distinct(stacked.c.entity))
        columns.append((counted if name == column else Nothing(element)).label(name))
    columns.append(sa.literal_column("0").label(ROWS))
    columns += [Nothing(element).label(name) for name, element in _attributes(Source(model, None), query)]
    statement = sa.select(*columns).select_from(stacked)
    return statement.group_by(*keys) if keys else statement


def seen(
    model: SalesModel, query: SalesQuery, plan: Plan, slice_: Slice, piece: Piece, scope: RowScope, moved: Shift
) -> sa.Select[Any]:
    """Return the select of the values that count in a piece, with their keys."""
    (column,) = slice_.aggregates
    condition, source = plan.measures.described[column].condition, Source(model, piece.rollup)
    statement = sa.select(*keys_of(source, query, piece.covered, moved), source.columns[slice_.entity].label("entity"))
    statement = statement.select_from(source.table).where(*conditions_of(source, query, scope, piece.covered))
    if piece.rollup is None and condition:
        statement = statement.where(model.row_compiler.compile(condition))
    return statement


def _attributes(source: Source, query: SalesQuery) -> Iterator[tuple[str, Element]]:
    """Yield label and code columns of the query's dimensions: `product__label`, `country__code`."""
    for name in query.dimensions:
        dimension = source.model.dimensions.get(name)
        if dimension and dimension.label_column:
            yield f"{name}__label", source.columns[dimension.label_column]
        if dimension and dimension.code_column:
            yield f"{name}__code", source.columns[dimension.code_column]


def _fold(model: SalesModel, query: SalesQuery, plan: MeasurePlan, parts: sa.Subquery) -> sa.Select[Any]:
    keys = [parts.c[name] for name in (*(("time",) if query.grain else ()), *query.dimensions)]
    plain = ("period", ROWS, *(key.name for key in keys), *plan.aggregates)
    attributes = [sa.func.max(column).label(column.name) for column in parts.c if column.name not in plain]
    now, then = (_measures(plan, parts, period, grouped=bool(keys)) for period in (0, 1))
    before = {f"{name}__before": element for name, element in then.items()}
    compared = query.compare.value != "none"
    measures = now | (before if compared else {})
    found = sa.func.sum(parts.c[ROWS]).filter(parts.c.period == sa.literal_column("0"))
    rows = sa.cast(sa.func.coalesce(found, 0), sa.BigInteger)
    statement = sa.select(
        *keys,
        *attributes,
        *(element.label(name) for name, element in measures.items()),
        rows.label(ROWS),
        sa.cast(sa.func.sum(rows).over(), sa.BigInteger).label(ALL_ROWS),
    ).select_from(parts)
    if keys:
        statement = statement.group_by(*keys)
    if query.having:
        statement = statement.having(*(meets(condition, measures[condition.field]) for condition in query.having))
    changes = _changes(model, query, now, then)
    return _page(query, statement.order_by(*_order(query, [key.name for key in keys], changes)))


def _measures(plan: MeasurePlan, parts: sa.Subquery, period: int, *, grouped: bool) -> dict[str, Element]:
    picked = {name: _pick(plan, parts, period, name, grouped=grouped) for name in plan.aggregates}
    return dict(plan.formulas(picked))


def _pick(plan: MeasurePlan, parts: sa.Subquery, period: int, name: str, *, grouped: bool) -> Element:
    """Return an aggregate of one period, put together from the parts that hold some of it."""
    function = plan.described[name].function
    here = parts.c.period == sa.literal_column(str(period))
    again: Element = put_together(function, parts.c[name]).filter(here)
    if not function.startswith("count"):
        return again
    # A group with rows of which none counts has 0; one without rows in the period has nothing.
    there = sa.func.sum(parts.c[ROWS]).filter(here) > 0
    return sa.case((there, sa.func.coalesce(again, 0))) if grouped else sa.func.coalesce(again, 0)


def _changes(
    model: SalesModel, query: SalesQuery, now: Mapping[str, Element], then: Mapping[str, Element]
) -> dict[str, Element]:
    """Return what a query may be ordered by beside its fields: `revenue__change`, and as a share `revenue__growth`."""
    found: dict[str, Element] = {}
    for name in query.measures:
        zero = adding(model, name).zero
        after, before = (sa.func.coalesce(each[name], 0) if zero else each[name] for each in (now, then))
        found[f"{name}__change"] = after - before
        found[f"{name}__growth"] = sa.cast(after - before, sa.Double) / sa.func.nullif(sa.func.abs(before), 0)
    return found


def _order(
    query: SalesQuery, keys: list[str], changes: Mapping[str, Element] | None = None
) -> list[sa.UnaryExpression[Any]]:
    by = [(changes or {}).get(sort.field, sa.column(sort.field)) for sort in query.sort]
    asked: list[sa.UnaryExpression[Any]] = [
        (field.desc() if sort.descending else field.asc()).nulls_last()
        for field, sort in zip(by, query.sort, strict=True)
    ]
    named = {sort.field for sort in query.sort}
    return asked + [sa.column(key).asc().nulls_last() for key in keys if key not in named]


def _page(query: SalesQuery, statement: sa.Select[Any]) -> sa.Select[Any]:
    if query.limit is not None:
        statement = statement.limit(query.limit)
    return statement.offset(query.offset) if query.offset else statement


def _lines(model: SalesModel, query: SalesQuery, window: Window, scope: RowScope) -> sa.Select[Any]:
    statement = sa.select(*(model.table.c[name] for name in query.columns))
    statement = statement.where(*conditions_of(Source(model, None), query, scope, window.now))
    default = [model.table.c[model.facts.time].desc(), model.table.c[model.facts.key].asc()]
    return _page(query, statement.order_by(*_order(query, []), *(default if not query.sort else default[1:])))
