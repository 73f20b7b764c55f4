"""Folding: totals of groups -> the rows of an answer: measures, order, page; as sql.build's statement does."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from services import sql
from services.adding import adding
from services.arrays import Arrays, Totals
from services.exact import Formulas, Number, RefusedError, divided, together
from services.grouping import Axis
from services.images import Array, Images
from services.model import ColumnType, SalesModel
from services.periods import Compare
from services.planner import Plan
from services.query import Filter, SalesQuery
from services.sources import typed_value

_COMPARED = {
    "gt": np.greater,
    "ge": np.greater_equal,
    "lt": np.less,
    "le": np.less_equal,
}


def fold(
    model: SalesModel, images: Images, query: SalesQuery, plan: Plan, arrays: Arrays, totals: Totals
) -> dict[str, Any]:
    """Return the columns of an answer as sql.build names and orders them."""
    grouped = bool(arrays.grouping.sizes)
    groups = np.flatnonzero(totals.rows[0] + totals.rows[1]) if grouped else np.zeros(1, np.int64)
    measures = dict(_measures(model, query, plan, totals, groups, grouped=grouped))
    keep = np.ones(len(groups), bool)
    for condition in query.having:
        keep &= _meets(condition, measures[condition.field])
    lines = totals.rows[0][groups]
    codes = np.unravel_index(groups, [max(1, size) for size in arrays.grouping.sizes]) if grouped else ()
    order = _order(query, images, arrays, codes, measures)
    chosen = order[keep[order]]
    total = int(lines[chosen].sum())
    chosen = chosen[query.offset :][: query.limit] if query.limit is not None else chosen[query.offset :]
    columns: dict[str, Any] = {}
    if query.grain:
        columns["time"] = arrays.grouping.times[codes[0][chosen]].astype("datetime64[us]")
    at = {
        axis.name: each[chosen].tolist()
        for axis, each in zip(arrays.grouping.axes, codes[bool(query.grain) :], strict=True)
    }
    columns |= {axis.name: [_values(images, axis)[code] for code in at[axis.name]] for axis in arrays.grouping.axes}
    columns |= dict(_attributes(model, images, query, at))
    wanted = [*query.measures, *(f"{name}__before" for name in query.measures if query.compare is not Compare.NONE)]
    columns |= {name: measures[name].plain[chosen] for name in wanted}
    columns[sql.ROWS] = lines[chosen].astype(np.int64)
    columns[sql.ALL_ROWS] = np.full(len(chosen), total, np.int64)
    return columns


def _values(images: Images, axis: Axis) -> Sequence[Any]:
    found = images.dictionaries.get(axis.column)
    return range(axis.size) if found is None else found.values


def _attributes(
    model: SalesModel, images: Images, query: SalesQuery, at: Mapping[str, list[int]]
) -> Iterator[tuple[str, list[Any]]]:
    for name in query.dimensions:
        dimension = model.dimensions.get(name)
        named = (("label", dimension.label_column), ("code", dimension.code_column)) if dimension else ()
        for how, column in named:
            if dimension and column:
                values = images.dictionaries[dimension.column].attributes.get(column)
                if values is None and column != dimension.column:
                    raise RefusedError(f"{column} differs among the lines of a {name}")
                found = values or images.dictionaries[dimension.column].values
                yield f"{name}__{how}", [found[code] for code in at[name]]


def _measures(
    model: SalesModel, query: SalesQuery, plan: Plan, totals: Totals, groups: Array, *, grouped: bool
) -> Iterator[tuple[str, Number]]:
    """Yield the measures of both periods, and what a query may be ordered by beside them."""
    periods = []
    for period in (0, 1):
        aggregates = {}
        for column, described in plan.measures.described.items():
            number = totals.number(column, period, groups)
            if described.function.startswith("count"):
                # A group with rows of which none counts has 0; one without rows in the period has nothing.
                there = totals.rows[period][groups] > 0 if grouped else np.ones(len(groups), bool)
                number = Number(np.where(there, np.nan_to_num(number.values), np.nan), number.scale)
            aggregates[column] = number
        formulas = Formulas(model, plan.measures, aggregates)
        periods.append({name: _whole(formulas.measure(name), len(groups)) for name in query.measures})
    now, then = periods
    for name in query.measures:
        yield name, now[name]
        yield f"{name}__before", then[name]
        if any(sort.field.startswith(f"{name}__") for sort in query.sort):
            zero = adding(model, name).zero
            after, before = (_filled(each) if zero else each for each in (now[name], then[name]))
            change = together(after, before, np.subtract)
            yield f"{name}__change", change
            yield f"{name}__growth", divided(change, Number(np.abs(before.values), before.scale))


def _filled(number: Number) -> Number:
    return Number(np.nan_to_num(number.values), number.scale)


def _whole(number: Number, groups: int) -> Number:
    """Return a number per group of one that is the same for all."""
    return Number(np.broadcast_to(number.values, groups).astype(np.float64), number.scale)


def _meets(condition: Filter, found: Number) -> Array:
    limit = float(typed_value(condition, condition.values[0], ColumnType.NUMBER))
    if condition.operator not in _COMPARED:
        raise RefusedError("this condition on a measure is looked up by SQL")
    return np.asarray(_COMPARED[condition.operator](found.plain, limit))


def _order(
    query: SalesQuery,
    images: Images,
    arrays: Arrays,
    codes: Sequence[Array],
    measures: Mapping[str, Number],
) -> Array:
    """Return the groups in the order asked for, nothing last, then by their keys."""
    names = [*(["time"] if query.grain else []), *query.dimensions]
    keys = dict(zip(names, codes, strict=True))
    ranks: list[Array] = []
    for sort in query.sort:
        if sort.field in keys:
            found, nothing = keys[sort.field], _nothing(images, arrays, sort.field, keys[sort.field])
        else:
            found = measures[sort.field].plain
            nothing = np.isnan(found)
            found = np.nan_to_num(found)
        ranks += [nothing, -found.astype(np.float64) if sort.descending else found]
    named = {sort.field for sort in query.sort}
    ranks += [keys[name] for name in names if name not in named]
    count = len(next(iter(measures.values())).values)
    return np.lexsort(ranks[::-1]) if ranks else np.arange(count)


def _nothing(images: Images, arrays: Arrays, name: str, codes: Array) -> Array:
    axis = next((axis for axis in arrays.grouping.axes if axis.name == name), None)
    if (
        axis is None
        or axis.column not in images.dictionaries
        or images.dictionaries[axis.column].values[-1] is not None
    ):
        return np.zeros(len(codes), bool)
    return np.asarray(codes == axis.size - 1)
