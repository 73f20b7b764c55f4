"""Measures over time: up to two comparisons at once, running averages, totals so far, shares, index 100."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import accumulate

from services.access import Viewer
from services.adding import Adding, adding, shared
from services.buckets import after
from services.errors import QueryError, UnknownNameError, UserError
from services.model import SalesModel
from services.overview import default_query, grain_of
from services.periods import Compare, Grain, Period, Range, Window
from services.pivot import OTHER, TIME, Pivot, leaves, table
from services.query import Params, SalesQuery, Sort, from_params
from services.sales import Answer, Sales
from services.spine import spine

PREFIX = "trends-"
#: Lines of a split.
LINES = 5
MAX_BUCKETS = 1_200
AVERAGES = (0, 3, 4, 7, 12, 28)
#: Buckets of a forecast offered; 0 is none.
AHEAD = (0, 4, 8, 12, 26)


class Look(StrEnum):
    """How a series is looked at."""

    VALUE = "value"
    CUMULATIVE = "cumulative"
    SHARE = "share"
    INDEX = "index"


LOOKS = {
    Look.VALUE: "Values",
    Look.CUMULATIVE: "Added up so far",
    Look.SHARE: "Share of the whole",
    Look.INDEX: "Index, first = 100",
}


@dataclass(frozen=True)
class TrendQuery:
    """What the page shows: `also` is a second comparison, `average` a number of buckets, `split` a dimension.

    `ahead` is how many buckets of a forecast follow the last one, 0 for none.
    """

    query: SalesQuery
    also: bool = False
    average: int = 0
    look: Look = Look.VALUE
    split: str = ""
    ahead: int = 0

    @property
    def measure(self) -> str:
        """The measure on show."""
        return self.query.measures[0]


def default(model: SalesModel) -> SalesQuery:
    """Return what the page shows when the URL says nothing: the first measure of the last twelve months."""
    base = default_query(model)
    return replace(base, measures=base.measures[:1])


def read(params: Params, model: SalesModel) -> tuple[TrendQuery, tuple[str, ...]]:
    """Return what a URL's parameters ask for, and a notice per parameter not used. Never raises."""
    query, notices = from_params(params, default(model), model)
    state, problems = TrendQuery(replace(query, measures=query.measures[:1], dimensions=(), sort=())), list[str]()
    for key, value in params:
        if not key.startswith(PREFIX):
            continue
        try:
            state = _setting(state, key.removeprefix(PREFIX), value, model)
        except UserError as error:
            problems.append(f"{key}={value[:80]} was ignored: {error}")
    if not state.split and query.dimensions and query.dimensions[0] in model.dimensions:
        state = replace(state, split=query.dimensions[0])
    return state, (*notices, *problems)


def _setting(state: TrendQuery, name: str, value: str, model: SalesModel) -> TrendQuery:
    match name:
        case "also" if value in ("yes", "no"):
            return replace(state, also=value == "yes")
        case "average" if value.isdecimal() and int(value) <= max(AVERAGES):
            return replace(state, average=int(value))
        case "ahead" if value.isdecimal() and int(value) in AHEAD:
            return replace(state, ahead=int(value))
        case "look" if value in list(Look):
            return replace(state, look=Look(value))
        case "split" if value in ("", *model.dimensions):
            return replace(state, split=value)
    allowed = {
        "ahead": tuple(map(str, AHEAD)),
        "also": ("yes", "no"),
        "average": (f"a whole number up to {max(AVERAGES)}",),
        "look": tuple(Look),
        "split": tuple(model.dimensions),
    }
    if name not in allowed:
        raise UnknownNameError("setting of this page", PREFIX + name, [PREFIX + each for each in allowed])
    raise UnknownNameError("choice", value[:80], allowed[name])


@dataclass(frozen=True)
class Line:
    """A line of a trend: what it is called, what it is, a value per bucket (NaN for none).

    `kind` is `now`, a Compare for a comparison, `average`, or `part` for a line of a split, which `value`
    tells; `covered` is the range a comparison covers.
    """

    kind: str
    values: tuple[float, ...]
    label: str = ""
    covered: Range | None = None
    value: str | None = None


@dataclass(frozen=True)
class Trend:
    """A trend: whole buckets, which of them are not whole in the data or the period, and the lines.

    Further lines over the same buckets, such as a forecast, are drawn by `with_line`.
    """

    asked: TrendQuery
    grain: Grain
    buckets: tuple[Range, ...]
    partial: tuple[bool, ...]
    lines: tuple[Line, ...]
    answer: Answer

    def line(self, kind: str) -> Line | None:
        """Return the first line of a kind."""
        return next((line for line in self.lines if line.kind == kind), None)

    def with_line(self, line: Line) -> Trend:
        """Return the trend with one more line."""
        if len(line.values) != len(self.buckets):
            raise QueryError(f"The line has {len(line.values)} values for {len(self.buckets)} buckets of time.")
        return replace(self, lines=(*self.lines, line))


def trend(sales: Sales, asked: TrendQuery, viewer: Viewer) -> Trend:
    """Answer a trend for a viewer.

    Raises QueryError for a look that the measure or the filters do not allow, and what `Sales.answer` raises.
    """
    window = sales.window(asked.query)
    grain = asked.query.grain or grain_of(window)
    buckets = tuple(spine(window.now, grain, sales.model.calendar))
    if len(buckets) > MAX_BUCKETS:
        raise QueryError(f"That are {len(buckets)} points by {grain.value}; choose longer steps or a shorter period.")
    _allowed(sales.model, asked)
    asked = replace(asked, query=replace(asked.query, grain=grain))
    made = _split(sales, asked, viewer, buckets) if asked.split else _whole(sales, asked, viewer, buckets)
    lines = tuple(_looked(line, asked.look) for line in made[0])
    partial = tuple(each.start < window.now.start or each.end > window.now.end for each in buckets)
    return Trend(asked, grain, buckets, partial, lines, made[1])


def _allowed(model: SalesModel, asked: TrendQuery) -> None:
    label = model.measure(asked.measure).label
    if asked.look is Look.CUMULATIVE and adding(model, asked.measure) is not Adding.SUM:
        raise QueryError(f"{label} does not add up over time, so there is no total so far. Choose another measure.")
    if asked.look is Look.SHARE and not shared(model, asked.measure):
        raise QueryError(f"{label} is no part of a whole, so there is no share of it. Choose another measure.")
    if asked.look is Look.SHARE and not asked.split and not asked.query.filters:
        raise QueryError("Everything is 100 % of the whole. Choose a split, or filter, to see a share.")


def _whole(sales: Sales, asked: TrendQuery, viewer: Viewer, buckets: Sequence[Range]) -> tuple[list[Line], Answer]:
    """Return the line of the measure, its comparisons and its running average."""
    answer = sales.answer(asked.query, viewer)
    compares = [asked.query.compare] if asked.query.compare is not Compare.NONE else []
    if asked.also and compares:
        compares += [Compare.YEAR if compares[0] is Compare.PRIOR else Compare.PRIOR]
    lines = [Line("now", bucketed(sales.model, asked, answer, buckets, asked.measure), covered=answer.window.now)]
    for number, compare in enumerate(compares):
        found = answer if number == 0 else sales.answer(replace(asked.query, compare=compare), viewer)
        if found.window.before is not None:
            values = bucketed(sales.model, asked, found, buckets, f"{asked.measure}__before")
            lines.append(Line(compare.value, values, covered=found.window.before))
    if asked.look is Look.SHARE:
        whole = _whole(sales, replace(asked, look=Look.VALUE, query=replace(asked.query, filters=())), viewer, buckets)
        pairs = zip(lines, whole[0], strict=False)  # without filters there is no running average
        lines = [replace(line, values=_ratio(line.values, all_.values)) for line, all_ in pairs]
    if asked.average > 1 and asked.look in (Look.VALUE, Look.SHARE):
        lines.append(Line("average", _average(sales, asked, viewer, buckets, answer.window)))
    return lines, answer


def bucketed(
    model: SalesModel, asked: TrendQuery, answer: Answer, buckets: Sequence[Range], field: str
) -> tuple[float, ...]:
    """Return a field per bucket; 0 where there is nothing, if that is what nothing means."""
    frame = answer.frame[answer.frame["time"].notna()]
    found = dict(zip((each.to_pydatetime() for each in frame["time"]), frame[field], strict=True))
    window, before = answer.window, field.endswith("__before")
    nothing = 0.0 if adding(model, asked.measure).zero and (window.before_known or not before) else math.nan
    values = (float(found.get(bucket.start, math.nan)) for bucket in buckets)
    return tuple(nothing if math.isnan(value) else value for value in values)


def _average(
    sales: Sales, asked: TrendQuery, viewer: Viewer, buckets: Sequence[Range], window: Window
) -> tuple[float, ...]:
    """Return the mean of each bucket and those before it, `average` together; none where one of them is not whole."""
    grain, calendar = asked.query.grain or Grain.MONTH, sales.model.calendar
    first = after(buckets[0].start.date(), grain, calendar, 1 - asked.average)
    longer = Period(first=first, last=(window.now.end - dt.timedelta(seconds=1)).date())
    query = replace(asked, average=0, query=replace(asked.query, period=longer, compare=Compare.NONE))
    covered = sales.window(query.query).now
    grown = tuple(spine(covered, grain, calendar))
    lines, _ = _whole(sales, query, viewer, grown)
    first_day = dt.datetime.combine(sales.coverage().start.date(), dt.time())
    whole = [first_day <= bucket.start and bucket.end <= covered.end for bucket in grown]
    known = [value if good else math.nan for value, good in zip(lines[0].values, whole, strict=True)]
    count = asked.average
    means = {grown[end - 1].start: sum(known[end - count : end]) / count for end in range(count, len(grown) + 1)}
    return tuple(means.get(bucket.start, math.nan) for bucket in buckets)


def _split(sales: Sales, asked: TrendQuery, viewer: Viewer, buckets: Sequence[Range]) -> tuple[list[Line], Answer]:
    """Return a line per leading value of a dimension and one for all others; shares are of each bucket's total."""
    query = replace(asked.query, compare=Compare.NONE, sort=(Sort(asked.measure, descending=True),))
    made = table(sales, Pivot(query, (TIME,), (asked.split,), top=LINES), viewer)
    nothing = 0.0 if adding(sales.model, asked.measure).zero else math.nan
    lines = []
    for column in made.leaf_columns():
        values = [made.value((bucket.start,), column, asked.measure) for bucket in buckets]
        values = [nothing if math.isnan(value) else value for value in values]
        if asked.look is Look.SHARE:
            values = list(_ratio(values, [made.value((each.start,), (), asked.measure) for each in buckets]))
        other = column[0] is OTHER
        label = "" if column[0] is None or other else made.labels.get((asked.split, column[0]), str(column[0]))
        lines.append(Line("other" if other else "part", tuple(values), label, value=None if other else column[0]))
    return lines, leaves(made)


def _ratio(part: Sequence[float], whole: Sequence[float]) -> tuple[float, ...]:
    return tuple(one / all_ if all_ else math.nan for one, all_ in zip(part, whole, strict=True))


def _looked(line: Line, look: Look) -> Line:
    """Return a line added up so far, or as an index of its first value."""
    if look is Look.CUMULATIVE:
        return replace(line, values=tuple(accumulate(line.values)))
    if look is Look.INDEX:
        base = next((value for value in line.values if value and not math.isnan(value)), math.nan)
        return replace(line, values=tuple(100 * value / base for value in line.values))
    return line
