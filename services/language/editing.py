"""Chips: the parts of a reading, each with what it may be changed to, as edits an address can hold."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from services.language.forms import CYCLES, TREND, Form
from services.language.wording import GRAIN_WORDS, condition_words, span_words
from services.model import Format, SalesModel

NOTHING = "none"
LIMITS = (5, 10, 20, 50)


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


def chips(form: Form, model: SalesModel) -> list[Chip]:
    """Return the chips of a reading: measure, breakdown, filters, time, comparison, grain, order, limit."""
    return [
        chip
        for make in (_measure, _breakdown, _filters, _time, _comparison, _grain, _order, _limit)
        for chip in make(form, model)
    ]


def edited(form: Form, edits: Sequence[tuple[str, str]], model: SalesModel) -> Form:
    """Return the form with edits made; those that name nothing of the model are left out."""
    for slot, value in edits:
        form = _edit(form, slot, value, model)
    return form


def _edit(form: Form, slot: str, value: str, model: SalesModel) -> Form:  # noqa: PLR0911 - one case per edit
    match slot:
        case "measure" if value in model.measures:
            order = (value, form.order[1]) if form.order else None
            thresholds = tuple(each for each in form.thresholds if each.measure == value)
            return replace(form, measures=(value,), order=order, thresholds=thresholds)
        case "by" if value in model.dimensions:
            return replace(form, dimensions=(value,), limit_per=None)
        case "by" if value == NOTHING:
            return replace(form, dimensions=(), limit=None, limit_per=None, order=None)
        case "without" if value.isdecimal() and int(value) < len(form.conditions):
            kept = tuple(each for number, each in enumerate(form.conditions) if number != int(value))
            return replace(form, conditions=kept)
        case "time" if value == NOTHING:
            return replace(form, time=None)
        case "compare" if value == NOTHING:
            return replace(form, comparison=None)
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


def _filters(form: Form, model: SalesModel) -> Iterator[Chip]:
    for number, condition in enumerate(form.conditions):
        yield Chip("Filter", condition_words(condition, model), (Choice("Remove", "without", str(number)),))


def _time(form: Form, model: SalesModel) -> Iterator[Chip]:
    if form.time:
        yield Chip("Time", span_words(form.time, model), (Choice("All time", "time", NOTHING),))


def _comparison(form: Form, model: SalesModel) -> Iterator[Chip]:
    if form.comparison:
        span = form.comparison.span
        shown = span_words(span, model) if span else form.comparison.kind.replace("_", " ")
        yield Chip("Against", shown, (Choice("No comparison", "compare", NOTHING),))


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


__all__ = ["Chip", "Choice", "Format", "chips", "edited"]
