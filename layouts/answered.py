"""Tiles of one answer that several pages show: a measure over time, the leading values of a dimension."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from layouts import figures, labels, tables
from layouts.tiles import Drawn
from services import formats
from services.model import SalesModel
from services.sales import Answer

#: Says in a sentence what an answer shows, given the names of its rows.
Words = Callable[[Answer, Sequence[str], SalesModel], str]


def over_time(answer: Answer, title: str, words: Words, model: SalesModel) -> Drawn:
    """Return the answer's first measure over time."""
    measure = answer.query.measures[0]
    answer = replace(answer, frame=answer.frame.dropna(subset=["time"]))
    names = [formats.bucket(moment, answer.query.grain, model) for moment in answer.frame["time"]]
    table = tables.answer_table(answer, title, "Time", names, measure, model)
    return Drawn(title, words(answer, names, model), figures.trend(answer, measure, model), table, answer, measure)


def leading(answer: Answer, title: str, words: Words, model: SalesModel, top: int) -> Drawn:
    """Return the answer's first measure by its first dimension, `top` values at most drawn."""
    measure, dimension = answer.query.measures[0], answer.query.dimensions[0]
    names = labels.of(answer.frame, dimension)
    table = tables.answer_table(answer, title, model.dimension(dimension).label, names, measure, model)
    figure = figures.ranking(answer, dimension, measure, model, top=top)
    return Drawn(title, words(answer, names, model), figure, table, answer, measure)


def highest(nothing: str) -> Words:
    """Return the words that name the largest value, `nothing` where there is none."""

    def words(answer: Answer, names: Sequence[str], model: SalesModel) -> str:
        measure = answer.query.measures[0]
        values = answer.frame[measure]
        if not values.notna().any():
            return nothing
        best = int(values.argmax())
        return f"Highest: {names[best]} with {_short(answer, best, model)}."

    return words


def first_leads(answer: Answer, names: Sequence[str], model: SalesModel) -> str:
    """Return the words that name the first value."""
    return f"{names[0]} leads with {_short(answer, 0, model)}." if names else "No values in this period."


def _short(answer: Answer, row: int, model: SalesModel) -> str:
    measure = answer.query.measures[0]
    return formats.short(float(answer.frame[measure].iloc[row]), model.measure(measure).format, model)
