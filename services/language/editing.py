"""Chips: the parts of a reading, each with what it may be changed to, as edits an address can hold."""

from __future__ import annotations

import calendar
import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from services.language.dates import read_date
from services.language.forms import CYCLES, TREND, Comparison, Condition, Form
from services.language.periods_asked import before, kind_of
from services.language.spans import Clock, Span, shifted
from services.language.weekdays import WEEKDAY
from services.language.wording import GRAIN_WORDS, condition_words, span_words
from services.model import Format, SalesModel

NOTHING = "none"
LIMITS = (5, 10, 20, 50)
#: Periods offered in place of the one that was read, in the words of questions.
PERIODS = (
    "this month",
    "last month",
    "this quarter",
    "last quarter",
    "this year",
    "last year",
    "last 30 days",
    "last 12 months",
)
#: What a filter is turned into when it is to leave out what it kept.
OPPOSITE = {"in": "not_in", "not_in": "in", "contains": "not_contains", "not_contains": "contains"}


@dataclass(frozen=True)
class Choice:
    """Something a chip may be changed to: what it is called and the edit (slot, value) that does it."""

    text: str
    slot: str
    value: str


@dataclass(frozen=True)
class Chip:
    """A part of the reading: its slot's name, what it is now, and what it may be instead."""

    name: str
    text: str
    choices: tuple[Choice, ...]


@dataclass(frozen=True)
class Around:
    """What alternatives are made of: today, and `leading(dimension)`, (key, label) of values the viewer may see."""

    clock: Clock
    leading: Callable[[str], Sequence[tuple[str, str]]] = field(default=lambda _name: ())


def chips(form: Form, model: SalesModel, around: Around) -> list[Chip]:
    """Return the chips of a reading: measure, breakdown, filters, time, comparison, grain, order, limit."""
    return [
        *_measure(form, model),
        *_breakdown(form, model),
        *_filters(form, model, around),
        *_time(form, model, around),
        *_comparison(form, model),
        *_grain(form, model),
        *_order(form, model),
        *_limit(form, model),
    ]


def edited(form: Form, edits: Sequence[tuple[str, str]], model: SalesModel) -> Form:
    """Return the form with edits made; those that name nothing of the model are left out."""
    for slot, value in edits:
        form = _edit(form, slot, value, model)
    return form


def _edit(form: Form, slot: str, value: str, model: SalesModel) -> Form:  # noqa: PLR0911 - one case per edit
    if slot in _EDITS:
        return _EDITS[slot](form, value)
    match slot:
        case "measure" if value in model.measures:
            order = (value, form.order[1]) if form.order else None
            thresholds = tuple(each for each in form.thresholds if each.measure == value)
            return replace(form, measures=(value,), order=order, thresholds=thresholds)
        case "by" if value in model.dimensions:
            return replace(form, dimensions=(value,), limit_per=None)
        case "by" if value == NOTHING:
            return replace(form, dimensions=(), limit=None, limit_per=None, order=None)
        case "grain" if value in (*TREND[1:], *CYCLES):
            return replace(form, grain=value, limit_per=None)
        case "grain" if value == NOTHING:
            return replace(
                form, grain=None, calculation=None if form.calculation != "share" else "share", limit_per=None
            )
        case "order" if value in ("highest", "lowest"):
            return replace(form, order=(form.measures[0], value == "highest"))
        case "limit" if value.isdecimal() and 0 < int(value) <= 1000:
            return replace(form, limit=int(value), order=form.order or (form.measures[0], True))
        case "limit" if value == NOTHING:
            return replace(form, limit=None, limit_per=None)
        case _:
            return form


def _with_condition(form: Form, number: int, change: Callable[[Condition], Condition]) -> Form:
    changed = (change(each) if place == number else each for place, each in enumerate(form.conditions))
    return replace(form, conditions=tuple(changed))


def _inverted(condition: Condition) -> Condition:
    return replace(condition, operator=OPPOSITE.get(condition.operator, condition.operator))


def _without(form: Form, value: str) -> Form:
    kept = tuple(each for number, each in enumerate(form.conditions) if str(number) != value)
    return replace(form, conditions=kept)


def _invert(form: Form, value: str) -> Form:
    known = value.isdecimal() and int(value) < len(form.conditions)
    return _with_condition(form, int(value), _inverted) if known else form


def _with_value(form: Form, value: str) -> Form:
    """Return the form with a filter on another value; `value` is "number=key"."""
    number, _, key = value.partition("=")
    if not number.isdecimal() or int(number) >= len(form.conditions) or not key:
        return form
    day = (calendar.day_name[int(key) - 1],) if key in "1234567" else ()

    def other(old: Condition) -> Condition:
        return Condition(old.dimension, "in", (key[:200],), day if old.dimension == WEEKDAY else ())

    return _with_condition(form, int(number), other)


def _with_time(form: Form, value: str) -> Form:
    """Return the form over another period; what it is compared with moves along."""
    span = _span(value)
    if value != NOTHING and span is None:
        return form
    against = form.comparison
    if against is None or against.span is None:
        return replace(form, time=span)
    if span is None:
        return replace(form, time=None, comparison=None)
    then = _earlier(span, against.kind)
    return replace(form, time=span, comparison=Comparison(kind_of(span, then), then, against.form))


def _earlier(span: Span, kind: str) -> Span:
    """Return the period that another one is compared with: a year earlier, or the same length right before."""
    return shifted(span, -1) if kind == "prior_year" else before(span)


def _against(form: Form, value: str) -> Form:
    shape = form.comparison.form if form.comparison else "values"
    if value == NOTHING:
        return replace(form, comparison=None)
    if value not in ("previous_period", "prior_year"):
        return form
    if form.grain or form.time is None or form.time.start is None:
        return replace(form, comparison=Comparison(value, None, "growth")) if form.grain else form
    then = _earlier(form.time, value)
    return replace(form, comparison=Comparison(value, then, shape))


_EDITS: Mapping[str, Callable[[Form, str], Form]] = {
    "without": _without,
    "invert": _invert,
    "value": _with_value,
    "time": _with_time,
    "compare": _against,
}


def _span(value: str) -> Span | None:
    """Return the period written as "first..past"; None for anything else."""
    start, _, end = value.partition("..")
    try:
        span = Span(_day(start), _day(end))
    except ValueError:
        return None
    return span if span.first < span.past and (start or end) else None


def _day(text: str) -> dt.date | None:
    return dt.date.fromisoformat(text) if text else None


def _measure(form: Form, model: SalesModel) -> Iterator[Chip]:
    shown = " and ".join(model.measure(name).label for name in form.measures)
    same = model.measure(form.measures[0]).format
    others = sorted(model.measures, key=lambda name: model.measure(name).format is not same)
    choices = tuple(Choice(model.measure(name).label, "measure", name) for name in others if (name,) != form.measures)
    yield Chip("Measure", shown, choices[:12])


def _breakdown(form: Form, model: SalesModel) -> Iterator[Chip]:
    shown = " and ".join(model.dimension(name).label for name in form.dimensions) or "not broken down"
    columns = model.facts.columns
    names = [name for name, each in model.dimensions.items() if columns[each.column].type.value == "text"]
    choices = [Choice(model.dimension(name).label, "by", name) for name in names if (name,) != form.dimensions]
    yield Chip("By", shown, (*choices[:10], *([Choice("Nothing", "by", NOTHING)] if form.dimensions else [])))


def _filters(form: Form, model: SalesModel, around: Around) -> Iterator[Chip]:
    for number, condition in enumerate(form.conditions):
        choices = [Choice("Remove", "without", str(number))]
        if condition.operator in OPPOSITE:
            turned = condition_words(_inverted(condition), model)
            choices.append(Choice(turned[:1].upper() + turned[1:], "invert", str(number)))
        if condition.dimension == WEEKDAY:
            days = ((str(key), day) for key, day in enumerate(calendar.day_name, start=1))
            choices += [Choice(day, "value", f"{number}={key}") for key, day in days if key not in condition.values]
        elif condition.operator in ("in", "not_in"):
            others = [each for each in around.leading(condition.dimension) if each[0] not in condition.values]
            choices += [Choice(label, "value", f"{number}={key}") for key, label in others[:8]]
        yield Chip("Filter", condition_words(condition, model), tuple(choices))


def _time(form: Form, model: SalesModel, around: Around) -> Iterator[Chip]:
    found: dict[Span, str] = {}
    if form.time and form.time.start and form.time.end:
        earlier, year_before = before(form.time), shifted(form.time, -1)
        found[earlier] = f"The period before: {span_words(earlier, model)}"
        found.setdefault(year_before, f"A year earlier: {span_words(year_before, model)}")
    for phrase in PERIODS:
        span = read_date(phrase, around.clock)
        if span is not None and span != form.time:
            found.setdefault(span, f"{phrase.capitalize()}: {span_words(span, model)}")
    choices = [Choice(text, "time", f"{span.start or ''}..{span.end or ''}") for span, text in found.items()]
    if form.time:
        choices.append(Choice("All time", "time", NOTHING))
    yield Chip("Time", span_words(form.time, model) if form.time else "all time", tuple(choices))


def _comparison(form: Form, model: SalesModel) -> Iterator[Chip]:
    now = form.comparison
    if now is None and not form.grain and (form.time is None or form.time.start is None or form.time.end is None):
        return
    names = {"previous_period": "The period before", "prior_year": "A year earlier"}
    choices = [Choice(text, "compare", kind) for kind, text in names.items() if now is None or now.kind != kind]
    if now is None:
        yield Chip("Against", "nothing", tuple(choices))
        return
    shown = span_words(now.span, model) if now.span else names.get(now.kind, now.kind).lower()
    yield Chip("Against", shown, (*choices, Choice("No comparison", "compare", NOTHING)))


def _grain(form: Form, _model: SalesModel) -> Iterator[Chip]:
    grains = (*TREND[1:], "day_of_week", "hour_of_day")
    choices = [Choice(f"By {GRAIN_WORDS.get(each, each)}", "grain", each) for each in grains if each != form.grain]
    if form.grain:
        choices.append(Choice("No time steps", "grain", NOTHING))
    yield Chip("Steps", f"by {GRAIN_WORDS.get(form.grain, form.grain)}" if form.grain else "none", tuple(choices))


def _order(form: Form, _model: SalesModel) -> Iterator[Chip]:
    if form.dimensions or form.order:
        down = form.order is None or form.order[1]
        other = "lowest" if down else "highest"
        yield Chip(
            "Order",
            f"{'highest' if down else 'lowest'} first",
            (Choice(f"{other.capitalize()} first", "order", other),),
        )


def _limit(form: Form, _model: SalesModel) -> Iterator[Chip]:
    if form.dimensions or form.limit:
        choices = [Choice(str(each), "limit", str(each)) for each in LIMITS if each != form.limit]
        if form.limit:
            choices.append(Choice("All", "limit", NOTHING))
        yield Chip("Rows", str(form.limit or "all"), tuple(choices))


__all__ = ["Around", "Chip", "Choice", "Format", "chips", "edited"]
