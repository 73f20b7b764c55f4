"""A form -> the query that answers it, as a click would make it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace

from services.errors import QueryError
from services.language.forms import Condition, Form, Threshold
from services.language.spans import Span
from services.language.values import ValueIndex
from services.model import SalesModel
from services.overview import rank_segments
from services.periods import Compare, Coverage, Grain, Period
from services.query import MAX_LIMIT, MAX_VALUES, Filter, SalesQuery, Sort

DAY = dt.timedelta(days=1)
#: Cyclic buckets -> the part of the time they are.
PARTS = {"day_of_week": "weekday", "hour_of_day": "hour"}
OPERATORS = {"in": "is", "not_in": "not", "contains": "contains", "starts_with": "starts"}
BOUNDS = {">": "gt", ">=": "ge", "<": "lt", "<=": "le"}


def period_of(span: Span | None, data: Coverage) -> Period:
    """Return a period for the query; an open side ends with the data."""
    if span is None or (span.start is None and span.end is None):
        return Period("all")
    first = span.start or data.start.date()
    last = (span.end - DAY) if span.end else max(data.last_day, first)
    return Period(first=first, last=max(last, first))


def to_query(form: Form, model: SalesModel, data: Coverage, index: ValueIndex) -> SalesQuery:
    """Return the query of a form, as a click would make it; raises QueryError for what no query can hold."""
    measures = _measures(form)
    parts = (PARTS[form.grain],) if form.grain in PARTS else ()
    hours = ("hour",) if form.grain == "hour" else ()
    dimensions = (*form.dimensions, *parts, *hours)
    grain = Grain(form.grain) if form.grain in list(Grain) else None
    if form.grain == "month_of_year":
        grain = Grain.MONTH
    filters = tuple(each for condition in form.conditions for each in _filters(condition, index))
    query = SalesQuery(
        measures=measures,
        dimensions=dimensions,
        grain=grain,
        period=period_of(form.time, data),
        filters=filters,
        having=tuple(each for bound in form.thresholds if not bound.per for each in _having(bound)),
        compare=_compare(form),
    )
    query = replace(query, segments=rank_segments(query, model))
    if form.order and form.grain != "month_of_year":
        query = replace(query, sort=(Sort(form.order[0], form.order[1]),))
    elif dimensions and not grain:
        query = replace(query, sort=(Sort(measures[0], descending=True),) if not parts and not hours else ())
    whole = form.limit_per or form.calculation or (grain and form.comparison) or by_growth(form)
    return replace(query, limit=MAX_LIMIT if whole else form.limit).check(model)


def by_growth(form: Form) -> bool:
    """Tell whether members are ranked by how much they changed: "which countries grew most in 2011"."""
    grown = form.comparison is not None and form.comparison.form == "growth"
    return bool(grown and form.order and form.order[0] == form.measures[0] and form.dimensions and not form.grain)


def _measures(form: Form) -> tuple[str, ...]:
    extra = [bound.measure for bound in form.thresholds if not bound.per]
    ordered = [form.order[0]] if form.order else []
    return tuple(dict.fromkeys((*form.measures, *extra, *ordered)))


def _filters(condition: Condition, index: ValueIndex) -> Sequence[Filter]:
    field = condition.dimension
    if condition.operator in BOUNDS:
        return (Filter(field, BOUNDS[condition.operator], condition.values[:1]),)
    if condition.operator == "not_contains" or (condition.operator == "contains" and len(condition.values) > 1):
        named = (index.in_part(field, [word.lower() for word in value.split()]) for value in condition.values)
        keys = tuple(dict.fromkeys(entry.key for found in named if found for entry in found.entries))
        if len(keys) > MAX_VALUES:
            said = " and ".join(condition.values)
            raise QueryError(f"{said!r} are in {len(keys)} names; allowed to name at once: {MAX_VALUES}.")
        if condition.operator == "not_contains":
            return (Filter(field, "not", keys),) if keys else ()
        return (Filter(field, "is", keys) if keys else Filter(field, "contains", condition.values[:1]),)
    return (Filter(field, OPERATORS[condition.operator], condition.values),)


def _having(bound: Threshold) -> list[Filter]:
    if bound.operator == "between":
        return [
            Filter(bound.measure, "ge", (_number(bound.values[0]),)),
            Filter(bound.measure, "le", (_number(bound.values[1]),)),
        ]
    if bound.operator == "=":
        return [Filter(bound.measure, each, (_number(bound.values[0]),)) for each in ("ge", "le")]
    return [Filter(bound.measure, BOUNDS[bound.operator], (_number(bound.values[0]),))]


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(value)


def _compare(form: Form) -> Compare:
    comparison = form.comparison
    if comparison is None or (comparison.kind == "previous_period" and form.grain):
        return Compare.NONE
    if comparison.kind == "prior_year":
        return Compare.YEAR
    return Compare.PRIOR if comparison.kind == "previous_period" else Compare.NONE
