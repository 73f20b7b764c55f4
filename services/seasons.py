"""Seasons of a measure: its pattern over all the data, its weekdays, and which values of a dimension are seasonal."""

from __future__ import annotations

import datetime as dt
import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from services.access import Viewer
from services.adding import Adding, adding
from services.buckets import month_of
from services.model import Role, SalesModel
from services.overview import rank_segments
from services.periods import Compare, Grain, Period, Range
from services.query import Filter, SalesQuery, Sort
from services.sales import Answer, Sales
from services.seasonality import Anomaly, Season, anomalies, discoveries, season
from services.spine import SEASONS, spine
from services.trends import TrendQuery, bucketed

#: Values of a dimension whose season is looked at.
ITEMS = 60


@dataclass(frozen=True)
class Pattern:
    """All the data of a series for its pattern: whole buckets of a grain, their values, and where it is unusual."""

    grain: Grain
    buckets: tuple[Range, ...]
    values: tuple[float, ...]
    anomalies: tuple[Anomaly, ...]
    test: str
    answer: Answer


def pattern(sales: Sales, query: SalesQuery, grain: Grain, viewer: Viewer) -> Pattern:
    """Return the measure in all the data by whole buckets, and the values that do not fit."""
    asked = TrendQuery(
        replace(query, measures=query.measures[:1], dimensions=(), sort=(), period=Period("all"), grain=grain)
    )
    asked = replace(asked, query=replace(asked.query, compare=Compare.NONE))
    answer = sales.answer(asked.query, viewer)
    buckets = _whole_buckets(sales, answer.window.now, grain)
    values = bucketed(sales.model, asked, answer, buckets, asked.measure)
    found, test = anomalies(values, SEASONS[grain][0]) if grain in SEASONS else ([], "")
    return Pattern(grain, buckets, values, tuple(found), test, answer)


def _whole_buckets(sales: Sales, covered: Range, grain: Grain) -> tuple[Range, ...]:
    """Return the buckets that the data cover from their first to their last day."""
    first = dt.datetime.combine(sales.coverage().start.date(), dt.time())
    return tuple(
        bucket
        for bucket in spine(covered, grain, sales.model.calendar)
        if first <= bucket.start and bucket.end <= covered.end
    )


@dataclass(frozen=True)
class Weekday:
    """A day of the week, 1 is Monday: the mean of its days and how many there were."""

    day: int
    mean: float
    days: int


def weekdays(sales: Sales, query: SalesQuery, viewer: Viewer) -> tuple[list[Weekday], Answer]:
    """Return the mean per weekday of a period, days without anything included; for measures that are zero there.

    Of others, such as an average, the value over all such days.
    """
    measure = query.measures[0]
    asked = replace(query, measures=(measure,), dimensions=("weekday",), grain=None, compare=Compare.NONE, sort=())
    answer = sales.answer(asked, viewer)
    now, found = answer.window.now, dict(zip(answer.frame["weekday"], answer.frame[measure], strict=True))
    first = max(now.start, dt.datetime.combine(sales.coverage().start.date(), dt.time())).date()
    last = (now.end - dt.timedelta(seconds=1)).date()
    counts = [len(range((day - first.weekday() - 1) % 7, (last - first).days + 1, 7)) for day in range(1, 8)]
    kind = adding(sales.model, measure)
    made = []
    for day, count in enumerate(counts, start=1):
        value = float(found.get(day, 0.0 if kind.zero else math.nan))
        made.append(Weekday(day, value / count if kind is Adding.SUM and count else value, count))
    return made, answer


@dataclass(frozen=True)
class Seasonal:
    """A value of a dimension and its season; `sure` when the season counts among all those tested."""

    key: str
    label: str
    value: float
    season: Season
    sure: bool


def seasonal_items(
    sales: Sales, query: SalesQuery, dimension: str, viewer: Viewer
) -> tuple[list[Seasonal], Answer | None]:
    """Return the leading values of a dimension with their seasons in all the data, the clearest seasons first.

    Only measures that sum have one here. Each needs two whole years with something in them; of all tests together five
    in a hundred positive ones may be chance.
    """
    measure = query.measures[0]
    if adding(sales.model, measure) is Adding.RATIO:
        return [], None
    by = replace(query, dimensions=(dimension,))
    base = replace(
        by,
        measures=(measure,),
        segments=rank_segments(by, sales.model),
        period=Period("all"),
        compare=Compare.NONE,
        grain=None,
        sort=(Sort(measure, descending=True),),
        limit=ITEMS,
    )
    leading = sales.answer(base, viewer).frame
    leading = leading[leading[dimension].notna()]
    if leading.empty:
        return [], None
    keys = tuple(str(key) for key in leading[dimension])
    filters = (*query.filters, Filter(dimension, "is", keys))
    answer = sales.answer(replace(base, filters=filters, sort=(), limit=None, grain=Grain.MONTH), viewer)
    months = _whole_buckets(sales, answer.window.now, Grain.MONTH)
    found = _monthly(answer, dimension, [each.start for each in months])
    labels = leading[f"{dimension}__label"] if f"{dimension}__label" in leading else leading[dimension]
    made = []
    _, first = month_of(months[0].start.date(), sales.model.calendar) if months else (0, 0)
    for key, label, value in zip(keys, labels, leading[measure], strict=True):
        one = season(found[key], first) if months else None
        if one is not None and one.p is not None:
            made.append(Seasonal(key, str(label), float(value), one, sure=False))
    sure = discoveries([each.season.p or 0.0 for each in made])
    made = [replace(each, sure=yes) for each, yes in zip(made, sure, strict=True)]
    return sorted(made, key=lambda each: (not each.sure, -each.season.strength)), answer


def _monthly(answer: Answer, dimension: str, months: Sequence[dt.datetime]) -> Mapping[str, list[float]]:
    """Return the measure of each value per month, 0 where there is nothing."""
    places = {month: place for place, month in enumerate(months)}
    found: dict[str, list[float]] = defaultdict(lambda: [0.0] * len(months))
    frame, measure = answer.frame, answer.query.measures[0]
    for key, time, value in zip(
        frame[dimension].tolist(), frame["time"].tolist(), frame[measure].tolist(), strict=True
    ):
        if time in places and not math.isnan(value):
            found[str(key)][places[time]] += value
    return found


def offered_items(model: SalesModel) -> list[str]:
    """Return the dimensions whose seasons are shown: countries, then products."""
    return [name for role in (Role.COUNTRY, Role.PRODUCT) if (name := model.by_role(role)) is not None]
