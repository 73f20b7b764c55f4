"""Readings in words: restatements, certainty, answers as sentences, and why a question is not answered."""

from __future__ import annotations

import calendar
import datetime as dt
from collections.abc import Callable, Mapping
from typing import Any

import pandas as pd
from rapidfuzz import fuzz, process

from services import formats
from services.language.asking import ASK, SURE, Reading, Vocabulary
from services.language.forms import Condition, Form, Threshold
from services.language.lexicon import COUNTED
from services.language.queries import by_growth
from services.language.results import CHANGE, NEWNESS, SHARE, Added, Result
from services.language.spans import DAY, Span
from services.model import Format, Role, SalesModel
from services.periods import Grain

GRAIN_WORDS = {
    "hour": "hour",
    "hour_of_day": "hour of the day",
    "day_of_week": "weekday",
    "month_of_year": "month of the year",
}
OPERATOR_WORDS = {
    "in": "",
    "not_in": "not ",
    "contains": "containing ",
    "not_contains": "not containing ",
    "starts_with": "starting with ",
    ">": "over ",
    ">=": "at least ",
    "<": "under ",
    "<=": "at most ",
}
#: How the parts of the time are called, by their number.
PART_NAMES: dict[str, Callable[[int], str]] = {
    "weekday": lambda number: calendar.day_name[number - 1],
    "hour": lambda number: f"{number}:00",
    "month_of_year": lambda number: calendar.month_name[number],
}
CALCULATIONS = {
    "share": "share of {}",
    "cumulative": "running total of {}",
    "avg_per_period": "average {} per {}",
    "moving_avg": "moving average of {} over {} {}s",
    "in_vs_rest": "{} against all others",
    "new": "{} of new customers",
    "returning": "{} of returning customers",
    "new_vs_returning": "{} of new vs returning customers",
}
#: The same for a measure that counts customers.
COUNTED_PEOPLE = {"new": "new {}", "returning": "returning {}", "new_vs_returning": "new vs returning {}"}
#: Why a question is not answered, by reason.
REASONS = {
    "missing_measure": "There is no measure called {words} in these data. Measures: {measures}.",
    "missing_dimension": "These data cannot be broken down by {words}. Breakdowns: {dimensions}.",
    "unknown_value": "{words} is not among the values you can see.{near}",
    "no_data_period": "There are no data for that time ({words}). The data run from {start} to {end}.",
    "ambiguous": "I could not tell what to measure. Ask for example: {example}.",
    "unsupported_analysis": "{advice}",
    "unknown": "I do not understand {words}.{near}",
}
ADVICE = {
    "why": "Why a number moved is not a question for one query: open Trends and the bridge of the change.",
    "forecast": "What will happen is a forecast: open the Forecast page.",
    "advice": "I can show numbers, not decide: ask for what the decision depends on, such as top products by growth.",
    "new": "Who stayed away, or which customers are new, is not one query; ask how many are new or returning, or for "
    "revenue from new and returning customers by month.",
    "weekday": "Groups of weekdays cannot be set against each other; ask for one of them, or for all by weekday.",
    "season": "A question cannot be held to one month of every year; ask for all of them by month of the year.",
    "model": "That analysis is not one query; ask for the numbers behind it.",
}


def certainty(reading: Reading) -> str:
    """Return how sure a reading is, in words."""
    if reading.confidence >= SURE:
        return "Showing"
    return "I read this as" if reading.confidence >= ASK else "I am not sure. Closest reading:"


def restated(form: Form, model: SalesModel) -> str:
    """Return a form as a phrase: "top 5 products by units, country Germany, July to September 2011"."""
    measures = " and ".join(_label(model, name) for name in form.measures)
    if form.calculation in COUNTED_PEOPLE and _counts_people(form, model):
        measures = COUNTED_PEOPLE[form.calculation].format(measures)
    elif form.calculation:
        measures = CALCULATIONS[form.calculation].format(measures, *_window(form))
    by = [_dimension(model, name, plural=form.limit is not None) for name in form.dimensions]
    bucket = GRAIN_WORDS.get(form.grain or "", form.grain) if form.calculation != "avg_per_period" else None
    if by_growth(form):
        measures = f"change of {measures}"
    if form.limit is not None and (by or bucket):
        what = " and ".join(by) or f"{bucket}{'s' if form.limit != 1 else ''}"
        head = f"{'top' if form.order is None or form.order[1] else 'bottom'} {form.limit} {what} by {measures}"
        if form.limit_per:
            head += f", for each {_dimension(model, form.limit_per)}"
        elif by and bucket:
            head += f" by {bucket}"
    else:
        head = " by ".join([measures, *([", ".join(filter(None, [*by, bucket or ""]))] if by or bucket else [])])
        if form.order:
            head += f", {'highest' if form.order[1] else 'lowest'} first"
    parts = [
        head,
        *(condition_words(each, model) for each in form.conditions),
        *(_bound(each, model) for each in form.thresholds),
    ]
    if form.time:
        parts.append(span_words(form.time, model))
    if form.comparison:
        kind = {"prior_year": "the year before", "previous_period": "the period before"}.get(form.comparison.kind, "")
        other = span_words(form.comparison.span, model) if form.comparison.span else kind
        parts.append(f"{'change against' if form.comparison.form == 'growth' else 'compared with'} {other}")
    return ", ".join(part for part in parts if part)


def _counts_people(form: Form, model: SalesModel) -> bool:
    counted = COUNTED.fullmatch(model.measure(form.measures[0]).expression.strip())
    people = model.by_role(Role.CUSTOMER)
    return bool(people and counted and counted[1] == model.dimension(people).column)


def _window(form: Form) -> tuple[str, ...]:
    if form.calculation == "moving_avg":
        return (str(form.window or 3), str(form.grain))
    return (str(form.grain),)


def _label(model: SalesModel, name: str) -> str:
    label = model.measure(name).label
    return label if label.isupper() else label[:1].lower() + label[1:]


def _dimension(model: SalesModel, name: str, *, plural: bool = False) -> str:
    found = model.dimensions.get(name)
    if found is None:
        return name
    return (found.plural if plural else found.label).lower()


def condition_words(condition: Condition, model: SalesModel) -> str:
    """Return a condition in words: "country Germany or France"."""
    words = [
        formats.exact(float(each), Format.NUMBER, model) if condition.operator in "<=>=" else each
        for each in condition.words
    ]
    shown = " or ".join(dict.fromkeys(words[:5])) + (f" and {len(words) - 5} more" if len(words) > 5 else "")
    return f"{_dimension(model, condition.dimension)} {OPERATOR_WORDS[condition.operator]}{shown}"


def _bound(bound: Threshold, model: SalesModel) -> str:
    numbers = [formats.exact(value, model.measure(bound.measure).format, model) for value in bound.values]
    words = {"=": "exactly ", "between": "between "}.get(bound.operator, OPERATOR_WORDS.get(bound.operator, ""))
    per = f" per {_dimension(model, bound.per)}" if bound.per else ""
    return f"with {_label(model, bound.measure)} {words}{' and '.join(numbers)}{per}"


def span_words(span: Span, model: SalesModel) -> str:
    """Return a period in words, open sides too."""
    if span.start is None and span.end is None:
        return "all time"
    if span.end is None and span.start:
        return f"from {formats.day(span.start, model)} on"
    if span.start is None and span.end:
        return f"up to {formats.day(span.end - DAY, model)}"
    start, end = (dt.datetime.combine(day, dt.time()) for day in (span.first, span.past))
    return formats.range_text(start, end, model)


def cell(value: Any, field: str, added: Mapping[str, Added], model: SalesModel) -> str:
    """Return a number of a result as text."""
    if pd.isna(value):
        return "–"
    if field in (SHARE, CHANGE):
        return formats.exact(float(value), Format.PERCENT, model)
    extra = added.get(field)
    name = (extra.measure if extra else None) or field.removesuffix("__before")
    return formats.exact(float(value), model.measure(name).format, model) if name in model.measures else str(value)


def sentence(result: Result, model: SalesModel) -> str:
    """Return the answer in one sentence; what the question asks for comes first."""
    form, frame = result.form, result.frame
    what = restated(form, model)
    if not len(frame):
        return f"Nothing was found for {what}."
    added = {each.field: each for each in result.added}
    measure = form.measures[0]
    if result.total is not None:
        field = SHARE if form.calculation == "share" else measure
        number = cell(result.total, field, added, model)
        if CHANGE in frame:
            change = cell(frame[CHANGE].iloc[0], CHANGE, added, model)
            return f"{what}: {number}, {change} against {cell(frame['before'].iloc[0], 'before', added, model)}."
        return f"{what[:1].upper()}{what[1:]}: {number}."
    rest = f"{len(frame):,} rows"
    if NEWNESS in frame:
        rest = _kinds(result, added, model)
    elif form.dimensions and form.order and form.dimensions[-1] in frame and not form.limit_per:
        rest = _leader(form, frame, added, model)
    elif "time" in frame and not form.dimensions and frame[measure].notna().any():
        name = what if form.calculation in COUNTED_PEOPLE else _label(model, measure)
        return f"{name[:1].upper()}{name[1:]}: {_extremes(result, added, model)}."
    return f"{what[:1].upper()}{what[1:]}: {rest}."


def _kinds(result: Result, added: Mapping[str, Added], model: SalesModel) -> str:
    """Return what new and returning customers come to; over time, in the last of it."""
    frame, measure, when = result.frame, result.form.measures[0], ""
    if "time" in frame:
        last = frame["time"].max()
        frame, when = frame[frame["time"] == last], f" ({_bucket(last, result.answer.query.grain, model)})"
    kinds = frame.groupby(NEWNESS, sort=False)[measure].sum().items()
    return ", ".join(f"{str(kind).lower()} {cell(value, measure, added, model)}" for kind, value in kinds) + when


def _leader(form: Form, frame: pd.DataFrame, added: Mapping[str, Added], model: SalesModel) -> str:
    name = form.dimensions[-1]
    column = f"{name}__label" if f"{name}__label" in frame else name
    leader = frame[column].iloc[0]
    shown = leader if isinstance(leader, str) else "(not given)"
    by = form.order[0] if form.order else form.measures[0]
    field = CHANGE if by_growth(form) and CHANGE in frame else by
    return f"{shown} leads with {cell(frame[field].iloc[0], field, added, model)}"


def _extremes(result: Result, added: Mapping[str, Added], model: SalesModel) -> str:
    frame, measure, grain = result.frame, result.form.measures[0], result.answer.query.grain
    values = frame[measure].astype("float64").fillna(0.0).to_numpy()
    ends = (("highest", int(values.argmax())), ("lowest", int(values.argmin())))
    return ", ".join(
        f"{word} {cell(values[row], measure, added, model)} ({_bucket(frame['time'].iloc[row], grain, model)})"
        for word, row in ends
    )


def _bucket(moment: dt.datetime, grain: Grain | None, model: SalesModel) -> str:
    day = formats.day(moment.date(), model)
    return {Grain.YEAR: str(moment.year), Grain.MONTH: day.split(" ", 1)[-1]}.get(grain or Grain.DAY, day)


def refused(reading: Reading, vocabulary: Vocabulary) -> str:
    """Return why a question is not answered and what can be asked instead."""
    model = vocabulary.model
    if not reading.faults:
        return f"I am not sure what you mean. Closest reading: {restated(reading.form, model)}. Say it in other words."
    reason, words = reading.faults[0]
    start, end = (formats.day(day, model) for day in vocabulary.covered)
    return REASONS.get(reason, REASONS["unknown"]).format(
        words=repr(words),
        measures=", ".join(each.label for each in list(model.measures.values())[:8]),
        dimensions=", ".join(each.label for each in list(model.dimensions.values())[:8]),
        near=_near(words, vocabulary),
        start=start,
        end=end,
        example=f"{_label(model, model.overview.measures[0])} by month",
        advice=ADVICE.get(words, ADVICE["model"]),
    )


def near(words: str, vocabulary: Vocabulary) -> list[str]:
    """Return values and names that look like these words, best first; only what the viewer may see."""
    names = {entry.label for found in vocabulary.index.whole.values() for entry in found}
    names |= {each.label for each in vocabulary.model.measures.values()}
    names |= {each.label for each in vocabulary.model.dimensions.values()}
    found = process.extract(
        words.lower(), {name: name.lower() for name in names}, scorer=fuzz.WRatio, limit=3, score_cutoff=75
    )
    return [name for _, _, name in found]


def _near(words: str, vocabulary: Vocabulary) -> str:
    found = near(words, vocabulary)
    return f" Close to it: {', '.join(found)}." if found else ""
