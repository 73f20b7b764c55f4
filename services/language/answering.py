"""A form -> the rows that answer it: its query, and what is computed on top of the query's answer."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from services.access import Viewer
from services.errors import QueryError
from services.language import newcomers
from services.language.forms import Form, Threshold
from services.language.queries import by_growth, period_of, to_query
from services.language.results import BEFORE, CHANGE, MOVING, RUNNING, SHARE, Added, Result
from services.language.values import ValueIndex
from services.model import SalesModel
from services.periods import Compare, Grain
from services.query import MAX_LIMIT
from services.sales import Sales


def answer(form: Form, sales: Sales, viewer: Viewer, index: ValueIndex) -> Result:
    """Answer a form with the rows this viewer may see; raises what Sales.answer raises."""
    data = sales.coverage()
    nested = next((bound for bound in form.thresholds if bound.per), None)
    if nested is not None:
        return _counted(form, nested, sales, viewer, index)
    if form.calculation in newcomers.CALCULATIONS:
        return newcomers.answer(form, sales, viewer, index)
    query = to_query(form, sales.model, data, index)
    found = sales.answer(query, viewer)
    result = Result(form, found, found.frame)
    if form.comparison is not None:
        result = _compared(result, sales, viewer)
    if form.grain == "month_of_year":
        result = _months(result, sales.model)
    if form.calculation is not None:
        result = _calculated(result, sales, viewer)
    if form.limit_per is not None:
        result = _topped(result)
    if form.limit is not None and len(result.frame) > form.limit and form.limit_per is None:
        result = replace(result, frame=result.frame.head(form.limit))
    return _with_total(result)


def _with_total(result: Result) -> Result:
    one = len(result.frame) == 1 and not result.form.dimensions and result.form.grain is None
    if not one or result.total is not None:
        return result
    return replace(result, total=float(result.frame[result.form.measures[0]].iloc[0]))


def _counted(form: Form, bound: Threshold, sales: Sales, viewer: Viewer, index: ValueIndex) -> Result:
    """Count the values of a dimension that pass a bound: customers with at least 10 orders."""
    inner = replace(
        form,
        measures=(bound.measure,),
        dimensions=(bound.per or "",),
        thresholds=(replace(bound, per=None),),
        order=None,
    )
    listed = replace(to_query(inner, sales.model, sales.coverage(), index), limit=MAX_LIMIT, segments=())
    found = sales.answer(listed, viewer)
    count = float(found.frame[bound.per or ""].notna().sum())
    return Result(form, found, pd.DataFrame({form.measures[0]: [count]}), total=count)


def _compared(result: Result, sales: Sales, viewer: Viewer) -> Result:
    """Add the values of the other period, and the change from them."""
    form, query, frame = result.form, result.answer.query, result.frame.copy()
    comparison = form.comparison
    measure = form.measures[0]
    assert comparison is not None  # noqa: S101 - the caller asked
    keys = [*(("time",) if query.grain else ()), *query.dimensions]
    if comparison.span is None and comparison.kind == "previous_period":
        frame[BEFORE] = (
            frame.groupby(list(query.dimensions), dropna=False)[measure].shift(1)
            if query.dimensions
            else frame[measure].shift(1)
        )
    elif comparison.kind == "custom" or (query.grain is None and f"{measure}__before" not in frame):
        then = sales.answer(
            replace(
                query, period=period_of(comparison.span, sales.coverage()), compare=Compare.NONE, sort=(), limit=None
            ),
            viewer,
        ).frame
        if keys and not query.grain:
            frame = frame.merge(then[[*keys, measure]].rename(columns={measure: BEFORE}), on=keys, how="left")
        elif not keys:
            frame[BEFORE] = float(then[measure].iloc[0]) if len(then) else np.nan
        else:
            frame[BEFORE] = then[measure].reindex(range(len(frame))).to_numpy()
    else:
        frame[BEFORE] = frame[f"{measure}__before"]
    before = frame[BEFORE].astype("float64")
    with np.errstate(divide="ignore", invalid="ignore"):
        frame[CHANGE] = np.where(before != 0, frame[measure].astype("float64") / before - 1, np.nan)
    if form.order and by_growth(form):
        frame = frame.sort_values(CHANGE, ascending=not form.order[1], kind="stable", ignore_index=True)
    added = (Added(BEFORE, "Before", measure), Added(CHANGE, "Change"))
    return replace(result, frame=frame, added=(*result.added, *added))


def _months(result: Result, model: SalesModel) -> Result:
    """Fold months of several years into the twelve months; measures that divide cannot be added up."""
    form, frame = result.form, result.frame.copy()
    for name in form.measures:
        if "/" in model.measure(name).expression or "count_distinct" in model.measure(name).expression:
            label = model.measure(name).label
            raise QueryError(f"{label} cannot be added up over the years; ask for it by month instead.")
    frame["month_of_year"] = frame["time"].dt.month
    keys = ["month_of_year", *form.dimensions]
    labels = {c: "first" for c in frame.columns if c.endswith(("__label", "__code"))}
    folded = frame.groupby(keys, dropna=False, as_index=False).agg({**dict.fromkeys(form.measures, "sum"), **labels})
    if form.order:
        folded = folded.sort_values(form.order[0], ascending=not form.order[1], kind="stable")
    return replace(result, frame=folded.reset_index(drop=True))


def _calculated(result: Result, sales: Sales, viewer: Viewer) -> Result:
    form, frame = result.form, result.frame.copy()
    measure = form.measures[0]
    match form.calculation:
        case "share":
            return _share(result, sales, viewer)
        case "cumulative":
            groups = list(form.dimensions)
            frame[RUNNING] = (
                frame.groupby(groups, dropna=False)[measure].cumsum() if groups else frame[measure].cumsum()
            )
            return replace(result, frame=frame, added=(*result.added, Added(RUNNING, "Running total", measure)))
        case "moving_avg":
            window = form.window or 3
            rolled = frame[measure].rolling(window).mean()
            if form.dimensions:
                grouped = frame.groupby(list(form.dimensions), dropna=False)[measure]
                rolled = grouped.transform(lambda values: values.rolling(window).mean())
            frame[MOVING] = rolled
            label = f"Average of {window} {form.grain}s"
            return replace(result, frame=frame, added=(*result.added, Added(MOVING, label, measure)))
        case "avg_per_period":
            return _per_period(result)
        case _:
            return _rest(result, sales, viewer)


def _share(result: Result, sales: Sales, viewer: Viewer) -> Result:
    """Divide by the total without the question's own filters on values."""
    form, frame = result.form, result.frame.copy()
    measure, query = form.measures[0], result.answer.query
    alone = not form.dimensions and form.grain is None
    kept = () if alone else query.filters
    whole = replace(
        query, dimensions=(), grain=None, filters=kept, having=(), sort=(), limit=None, compare=Compare.NONE
    )
    total = sales.answer(replace(whole, measures=(measure,)), viewer).value(measure)
    frame[SHARE] = frame[measure].astype("float64") / total if total else np.nan
    result = replace(result, frame=frame, added=(*result.added, Added(SHARE, "Share")))
    return replace(result, total=float(frame[SHARE].iloc[0])) if alone and len(frame) else result


def _per_period(result: Result) -> Result:
    """Average the buckets of each group."""
    form, frame = result.form, result.frame
    groups = list(form.dimensions)
    values: dict[str, Any] = dict.fromkeys(form.measures, "mean")
    if not groups:
        means = pd.DataFrame({name: [frame[name].mean()] for name in form.measures})
        return replace(result, frame=means, total=float(means[form.measures[0]].iloc[0]))
    labels = {c: "first" for c in frame.columns if c.endswith(("__label", "__code"))}
    folded = frame.groupby(groups, dropna=False, as_index=False).agg({**values, **labels})
    return replace(
        result, frame=folded.sort_values(form.measures[0], ascending=False, kind="stable").reset_index(drop=True)
    )


def _rest(result: Result, sales: Sales, viewer: Viewer) -> Result:
    """Put the filtered rows beside everything else."""
    form, query = result.form, result.answer.query
    name = next((each.dimension for each in form.conditions if each.operator == "in"), "")
    inside = next(each for each in query.filters if each.field == name)
    others = tuple(replace(each, operator="not") if each is inside else each for each in query.filters)
    rest = sales.answer(replace(query, filters=others), viewer).frame
    words = ", ".join(next(each.words for each in form.conditions if each.dimension == name))
    both = pd.concat([result.frame.assign(**{name: words}), rest.assign(**{name: "All others"})], ignore_index=True)
    return replace(result, frame=both)


def _topped(result: Result) -> Result:
    """Keep the first rows of each group."""
    form, frame = result.form, result.frame
    order = form.order or (form.measures[0], True)
    group = "time" if form.limit_per in list(Grain) else form.limit_per
    if group is None or group not in frame:
        return result
    ranked = frame.sort_values([group, order[0]], ascending=[True, not order[1]], kind="stable")
    return replace(result, frame=ranked.groupby(group, dropna=False).head(form.limit or 1).reset_index(drop=True))
