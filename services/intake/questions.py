"""What only a person can decide, asked in words with examples."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

import duckdb

from services.errors import UnknownNameError
from services.intake import dates
from services.intake.candidates import Candidate
from services.intake.findings import Overlap, Total
from services.intake.profile import Measured
from services.intake.proposal import Option, Question
from services.intake.texts import value_sql
from services.model import ColumnType
from services.sqltext import one

ORDERS = {dates.DAY_FIRST: "day_first", dates.MONTH_FIRST: "month_first", dates.YEAR_FIRST: "year_first"}


def reading_key(table: str, column: str) -> str:
    """Return the key of the question how a column is read."""
    return f"reading:{table}.{column}"


def choices(each: Measured) -> dict[str, Candidate]:
    """Return the ways a column can be read, by the key of the option."""
    found = (Candidate(each.typing, each.order), *each.rivals)
    if each.is_time:
        return {ORDERS.get(candidate.order, "as_it_stands"): candidate for candidate in found}
    return {"comma_decimal" if candidate.typing.decimal == "," else "point_decimal": candidate for candidate in found}


def answered(table: str, measured: Mapping[str, Measured], answers: Mapping[str, str]) -> dict[str, Measured]:
    """Return the columns read as the answers say; raises UnknownNameError for an answer that is no option."""
    found = dict(measured)
    for column, each in measured.items():
        answer = answers.get(reading_key(table, column))
        if answer is None or not each.rivals:
            continue
        options = choices(each)
        if answer not in options:
            raise UnknownNameError(f"answer to how {column!r} is read", answer, options)
        chosen = options[answer]
        found[column] = replace(each, typing=chosen.typing, order=chosen.order, rivals=(), reasons=("you said so",))
    return found


def readings(connection: duckdb.DuckDBPyConnection, table: str, measured: Mapping[str, Measured]) -> Iterator[Question]:
    """Yield a question for each column that can be read in two ways."""
    for each in measured.values():
        if each.rivals:
            yield _reading(connection, table, each)


def _reading(connection: duckdb.DuckDBPyConnection, table: str, each: Measured) -> Question:
    options = choices(each)
    text = _telling(connection, each, options)
    what = "dates" if each.is_time else "numbers"
    return Question(
        key=reading_key(table, each.name),
        words=f"How are the {what} of {each.name!r} written? Each of its {each.filled:,} values can be read both ways.",
        options=tuple(
            Option(key=key, words=f"{text} is {_said(connection, candidate, text)}")
            for key, candidate in options.items()
        ),
    )


def _telling(connection: duckdb.DuckDBPyConnection, each: Measured, options: Mapping[str, Candidate]) -> str:
    """Return an example that the options read differently."""
    for text, _ in each.top:
        if len({_said(connection, candidate, text) for candidate in options.values()}) > 1:
            return text
    return each.top[0][0]


def _said(connection: duckdb.DuckDBPyConnection, candidate: Candidate, text: str) -> str:
    value = one(connection, f"SELECT {value_sql('t', candidate.typing)} FROM (SELECT CAST(? AS VARCHAR) AS t)", [text])[
        0
    ]
    if value is None:
        return "nothing"
    if candidate.typing.type is ColumnType.TIME:
        return f"{value.day} {value:%B %Y}"
    return f"{float(value):,.10g}"


def total_question(total: Total) -> Question:
    """Ask whether rows that look like totals, without proof, are to be left out."""
    return Question(
        key=f"total:{total.column}={total.value}",
        words=(
            f"Are the {total.rows:,} rows with {total.column!r} = {total.value!r} totals of other rows? It is the "
            f"largest by {total.measure!r}, but the sum of the others in only {total.share:.0%} of {total.sums:,} "
            "comparisons."
        ),
        options=(
            Option(key="leave_out", words="They are totals: leave them out"),
            Option(key="keep", words="They are rows like the others: keep them"),
        ),
    )


def overlap_question(found: list[Overlap], rows: int) -> Question:
    """Ask what to do with rows that stand in two sources."""
    each = "; ".join(f"{one_.rows:,} rows of {one_.source} from {one_.since:%Y-%m-%d} on" for one_ in found)
    return Question(
        key="overlap",
        words=f"Some of the {rows:,} rows stand in two files: {each}. Count them once?",
        options=(
            Option(key="later", words="Once: take that time from the later file only"),
            Option(key="both", words="Twice: they are different sales that look the same"),
        ),
    )


def facts_question(options: Mapping[str, int]) -> Question:
    """Ask which of several tables holds the sales."""
    return Question(
        key="facts",
        words="More than one table could hold the sales. Which one is to be loaded?",
        options=tuple(Option(key=name, words=f"{name} ({rows:,} rows)") for name, rows in options.items()),
    )


def with_answers(questions: list[Question], answers: Mapping[str, str]) -> tuple[Question, ...]:
    """Return the questions with what was chosen; raises UnknownNameError for an answer that is no option."""
    found = []
    for question in questions:
        answer = answers.get(question.key)
        keys = [option.key for option in question.options]
        if answer is not None and answer not in keys:
            raise UnknownNameError(f"answer to {question.key!r}", answer, keys)
        found.append(question.model_copy(update={"chosen": answer or question.chosen}))
    return tuple(found)
