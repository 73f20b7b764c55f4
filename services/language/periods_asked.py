"""Dates of a question -> its period and what it is compared with."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import TYPE_CHECKING

from services.language.date_rules import period
from services.language.date_written import settled
from services.language.forms import Comparison
from services.language.spans import Clock, Cycle, Span, add, shifted
from services.periods import add_months

if TYPE_CHECKING:
    from services.language.dates import DateFound
    from services.language.draft import Draft
    from services.language.items import Item

CYCLIC = {"month": "month_of_year", "day": "day_of_week", "hour": "hour_of_day", "week": "week"}
_COMPARATIVES = ("more", "less", "fewer", "better", "higher", "lower", "worse")


def trend_grain(time: Span | None, clock: Clock) -> str:
    """Return the bucket that shows a period in a readable number of points."""
    if time is None or time.start is None:
        return "month"
    days = ((time.end or clock.today) - time.start).days
    return "day" if days <= 45 else "week" if days <= 100 else "month"


def is_day(time: Span | None) -> bool:
    """Tell whether a period is one day."""
    return time is not None and time.start is not None and time.end == time.start + dt.timedelta(days=1)


def read(draft: Draft) -> None:
    """Set the draft's time and comparison from its dates and the words of comparison around them."""
    items = draft.items
    dates = [row for row in items.rows if row.kind == "date" and not row.used]
    growth = [row for row in items.rows if row.kind == "growth" and not row.used]
    like = [row for row in items.rows if row.kind == "lastyear"]
    versus = [row for row in items.rows if row.kind == "versus" and not row.used]
    members = len(dates) < 2 and draft.dimensions and any(len(each.values) > 1 for each in draft.conditions)
    compared = bool(versus or growth or like) or any(
        row.kind == "compare" and row.used == "comparison" and not members for row in items.rows
    )
    between = items.has("or") and any(text in _COMPARATIVES for text in draft.texts)
    compared |= between and len(dates) == 2
    form = "growth" if growth else "values"
    for row in (*growth, *like, *versus):
        row.used = "comparison"
    kinds = [kind for row in growth if (kind := _growth_kind(draft, row))] or [str(row.value) for row in like]
    for row in dates:
        row.used = "time"
        draft.doubt("repaired", float(row.date.repaired if row.date else 0))
        if row.date and row.date.bare:
            draft.doubt("bare_date", 0.5)
        if _over_or_until(draft, row):
            draft.doubt("course")
    spans = [row.date.span for row in dates if row.date]
    if len(set(spans)) == 1 and not compared:
        spans = spans[:1]
    if compared and len(dates) == 2:
        spans = [_period_of(draft, row.date) for row in dates if row.date]
        spans[0] = _same_year(draft, dates[0], dates[1]) or spans[0]
    set_against = growth or any(row.kind == "compare" and row.used == "comparison" for row in items.rows)
    if set_against and len(dates) == 1 and dates[0].date and dates[0].date.form == "range":
        spans = _both_ends(draft, dates[0].date) or spans
        dates = dates * len(spans)
    if len(spans) > 2 or (len(spans) == 2 and not compared):
        draft.doubt("dates")
    if len(spans) >= 2 and compared:
        _two(draft, spans, dates, form)
    elif spans and (compared or kinds):
        _one(draft, spans[0], dates[0], kinds, form, bool(versus or like))
    elif spans:
        draft.time = _union(spans)
    elif compared:
        _none(draft, kinds, form)


def _over_or_until(draft: Draft, row: Item) -> bool:
    """Tell whether "through 2010" beside a course over time, read as until its end, may as well mean all of it."""
    words = draft.said(row).split()
    year = words[0] in ("through", "thru") and len(words[-1]) == 4 and words[-1].isdecimal()
    return year and draft.items.has("grain", "unit", "trend", "running")


def _same_year(draft: Draft, first: Item, second: Item) -> Span | None:
    """Return the first of two periods in the year that only the second names: "Dec vs Nov 2010"."""
    year = next((text for text in draft.said(second).split() if len(text) == 4 and text.isdecimal()), "")
    if not year or first.date is None or first.date.form != "single" or any(map(str.isdecimal, draft.said(first))):
        return None
    whole = Span(dt.date(int(year), 1, 1), dt.date(int(year) + 1, 1, 1), "year")
    reader = draft.dates.reader
    found = (value for value, end in period(reader, first.date.first) if end == first.date.past)
    named = next((value for value in found if isinstance(value, Cycle)), None)
    return named.within(whole, draft.clock) if named is not None and named.name in ("month", "quarter") else None


def _period_of(draft: Draft, found: DateFound) -> Span:
    """Return the period after "from" beside another one it is set against: "from Q3 2011 with Q2 2011"."""
    reader = draft.dates.reader
    if found.form == "open" and reader.word(found.first) == "from":
        for value, end in period(reader, found.first + 1):
            if end == found.past and (span := settled(reader, value)) is not None:
                return span
    return found.span


def _growth_kind(draft: Draft, row: Item) -> str:
    """Return what growth is counted against: as its words say, or as a grain before it does ("annual growth of")."""
    if row.value:
        return str(row.value)
    before = draft.items.at(draft.items.rows.index(row) - 1)
    if before is None or before.kind != "grain" or before.edge.past != row.edge.first:
        return ""
    return "prior_year" if before.value == "year" else str(before.value)


def _both_ends(draft: Draft, found: DateFound) -> list[Span]:
    """Return A and B of "from A to B", which growth compares; empty when they are not two periods."""
    reader = draft.dates.reader
    led = reader.word(found.first) in ("from", "between")
    if not led and "and" not in reader.texts[found.first : found.past]:
        return []
    for left, after in period(reader, found.first + 1 if led else found.first):
        for right, end in period(reader, after + 1):
            first, second = settled(reader, left), settled(reader, right)
            if end == found.past and first is not None and second is not None and first.first < second.first:
                if (
                    second.unit in ("month", "quarter")
                    and first.first.year != second.first.year
                    and isinstance(left, Cycle)
                ):
                    first = (
                        left.within(
                            Span(dt.date(second.first.year, 1, 1), dt.date(second.first.year + 1, 1, 1), "year"),
                            draft.clock,
                        )
                        or first
                    )
                return [second, first]
    return []


def _union(spans: list[Span]) -> Span:
    if len(spans) == 1:
        return spans[0]
    starts, ends = [span.start for span in spans if span.start], [span.end for span in spans if span.end]
    if starts and ends and max(starts) < min(ends):
        return Span(max(starts), min(ends))
    ordered = sorted(spans, key=lambda span: span.first)
    return Span(ordered[0].start, ordered[-1].end)


def _two(draft: Draft, spans: list[Span], rows: list[Item], form: str) -> None:
    first, second = spans[0], spans[1]
    for place in draft.items.free("prior"):
        draft.items.use(place, "comparison")
    said = draft.said(rows[1]).removeprefix("the ").split()
    if said[:1] == ["same"]:
        second = shifted(first, -1)
    elif second == first:
        named = (rows[1].date is not None and rows[1].date.bare) or first.unit not in said
        second = shifted(first, -1) if named and first.unit != "year" else before(first)
    if said and said[0] in ("previous", "prior", "preceding") and second.unit == first.unit and first.start:
        second = before(first)
    if (
        second.unit == "year"
        and first.unit not in ("year", "")
        and "year" in said
        and second.past == first.first.replace(month=1, day=1)
    ):
        second = shifted(first, -1)
    if form == "growth" and second.first > first.first:
        first, second = second, first
    draft.time = first
    draft.comparison = Comparison(kind_of(first, second), second, form)


def before(span: Span) -> Span:
    """Return the period of the same length right before."""
    if span.start is None or span.end is None:
        return span
    if span.start.day == 1 and span.end.day == 1:
        months = (span.end.year - span.start.year) * 12 + span.end.month - span.start.month
        return Span(add_months(span.start, -months), span.start, span.unit)
    return Span(span.start - (span.end - span.start), span.start, span.unit)


def kind_of(now: Span, then: Span) -> str:
    """Return what a period is compared with when the other one is `then`; see Comparison."""
    if now.start and then.start and shifted(now, -1).start == then.start:
        return "prior_year"
    return "previous_period" if then.end == now.start else "custom"


def _one(draft: Draft, span: Span, row: Item, kinds: list[str], form: str, against: bool) -> None:  # noqa: FBT001 - from one caller
    draft.time = span
    bucketed = any(item.kind in ("grain", "unit", "trend") for item in draft.items.rows)
    kind = kinds[0] if kinds else ""
    if kind in ("month", "quarter", "week", "day"):
        draft.grain = draft.grain or (kind if kind != span.unit else None)
        if draft.grain:
            draft.comparison = Comparison("previous_period", None, form)
        else:
            draft.comparison = Comparison(kind_of(span, before(span)), before(span), form)
        return
    if kind == "prior_year":
        draft.comparison = Comparison("prior_year", None if bucketed else shifted(span, -1), form)
        return
    if not against and form == "growth":
        if bucketed:
            draft.comparison = Comparison("previous_period", None, form)
        else:
            then = before(span)
            draft.comparison = Comparison(kind_of(span, then), then, form)
            ranked = draft.order is not None and draft.dimensions
            draft.doubt("against", 0.0 if ranked and span.unit == "year" else 0.5 if ranked else 1.0)
        return
    if kind == "previous_period":
        then = before(span)
        draft.comparison = Comparison(kind_of(span, then), then, form)
        return
    _against(draft, span, row, form)


def _against(draft: Draft, span: Span, row: Item, form: str) -> None:
    """Compare the running unit with the one that was named: "revenue vs last year"."""
    versus = draft.items.before(draft.items.rows.index(row), lambda item: item.kind == "versus")
    if (
        versus < 0
        or span.start is None
        or span.end is None
        or span.unit not in ("day", "week", "month", "quarter", "year")
    ):
        draft.doubt("against")
        return
    clock = draft.clock
    now = clock.holding(span.unit, clock.today, fiscal=span.fiscal)
    if span.end > now.first:
        draft.doubt("against")
        return
    draft.time, draft.comparison = now, Comparison(kind_of(now, span), span, form)
    draft.doubt("implied_now")


def _none(draft: Draft, kinds: list[str], form: str) -> None:
    kind = kinds[0] if kinds else ""
    bucketed = any(item.kind in ("grain", "unit", "trend") for item in draft.items.rows)
    if draft.dimensions and any(len(each.values) > 1 for each in draft.conditions) and not kind:
        if form == "growth":
            draft.doubt("against")
        return
    if kind in ("month", "quarter", "week", "day"):
        draft.grain = draft.grain or kind
        draft.comparison = Comparison("previous_period", None, form)
    elif kind == "prior_year":
        if not bucketed:
            draft.grain = draft.grain or "year"
            draft.doubt("against")
        draft.comparison = Comparison("prior_year", None, form)
    elif bucketed and form == "growth":
        draft.comparison = Comparison("previous_period", None, form)
    else:
        draft.doubt("against", 2.0)


__all__ = ["CYCLIC", "add", "is_day", "read", "replace", "trend_grain"]
