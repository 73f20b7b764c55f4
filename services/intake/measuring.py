"""Deciding, on every row, how the columns of a stack are read, and what they then hold."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import duckdb

from services.intake import dates
from services.intake.candidates import MAX_FORMATS, Candidate, Sampled, candidates
from services.intake.profile import NUMBERS, Measured, Stack
from services.intake.texts import given_sql, value_sql
from services.intake.vocabulary import MISSING
from services.intake.words import fold
from services.model import ColumnType
from services.recipe import Typing
from services.sqltext import name_of, one

SAMPLE = 20_000
#: Distinct texts of a sample that are looked at, and other texts looked at when some of the rest do not fit.
LOOKED_AT, SECOND_LOOK = 2_000, 200
#: Columns counted in one scan.
AT_ONCE = 8
#: Up to so many rows distinct values are counted exactly.
EXACT = 2_000_000
#: A column is no number or date when more than this share of its filled values is none.
MISFITS = 0.05


def measure(
    connection: duckdb.DuckDBPyConnection,
    stack: Stack,
    given: Mapping[str, Typing],
    chosen: Mapping[str, Candidate] | None = None,
) -> dict[str, Measured]:
    """Decide the typing of every column of a stack and measure its values.

    `given` typings are taken as they are; of `chosen` ones only the kind of number is still decided.
    """
    sampled = _samples(connection, stack)
    fixed = {column: (Candidate(typing),) for column, typing in given.items()}
    fixed |= {column: (candidate,) for column, candidate in (chosen or {}).items()}
    tried = {column: fixed.get(column) or _tried(kind, sampled[column]) for column, kind in stack.columns.items()}
    counted = _count(connection, stack, tried)
    again = _second_look(connection, stack, {c: t for c, t in tried.items() if c not in fixed}, counted)
    if again:
        tried |= again
        counted |= _count(connection, stack, again)
    return {
        column: _decide(stack, column, tried[column], counted[column], sampled[column], exactly=column in given)
        for column in stack.columns
    }


def _samples(connection: duckdb.DuckDBPyConnection, stack: Stack) -> dict[str, Sampled]:
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE sample AS SELECT * FROM {stack.raw} USING SAMPLE reservoir({SAMPLE} ROWS) "
        "REPEATABLE (1)"
    )
    found = {}
    for column, kind in stack.columns.items():
        text = given_sql(name_of(column), Typing(), kind)
        rows = connection.execute(
            f"SELECT {text} AS t, count(*) AS n FROM sample WHERE t IS NOT NULL GROUP BY t ORDER BY n DESC, t "
            f"LIMIT {LOOKED_AT}"
        ).fetchall()
        found[column] = Sampled([(str(value), count) for value, count in rows])
    return found


def _tried(kind: ColumnType, sampled: Sampled) -> tuple[Candidate, ...]:
    return candidates(sampled) if kind is ColumnType.TEXT else (Candidate(Typing(type=kind)),)


@dataclass(frozen=True)
class _Counted:
    """What all rows say of a column under each of its candidates."""

    filled: tuple[int, ...]
    bad: tuple[int, ...]
    other: tuple[int, ...]
    low: tuple[Any, ...]
    high: tuple[Any, ...]
    fractions: tuple[int, ...]
    negative: tuple[int, ...]
    fine: tuple[int, ...]
    distinct: int
    leading_zeros: int


def _count(
    connection: duckdb.DuckDBPyConnection, stack: Stack, tried: Mapping[str, Sequence[Candidate]]
) -> dict[str, _Counted]:
    """Count how each candidate does, a few columns at a time: each distinct count needs memory of its own."""
    columns = list(tried)
    found: dict[str, _Counted] = {}
    for start in range(0, len(columns), AT_ONCE):
        found |= _count_some(connection, stack, {column: tried[column] for column in columns[start : start + AT_ONCE]})
    return found


def _count_some(
    connection: duckdb.DuckDBPyConnection, stack: Stack, tried: Mapping[str, Sequence[Candidate]]
) -> dict[str, _Counted]:
    inner: list[str] = []
    outer: list[str] = []
    for number, (column, each) in enumerate(tried.items()):
        for rank, candidate in enumerate(each):
            kind = stack.columns[column]
            inner.append(f"{given_sql(name_of(column), candidate.typing, kind)} AS g{number}_{rank}")
            inner.append(f"{value_sql(name_of(column), candidate.typing, kind)} AS v{number}_{rank}")
            outer += _aggregates(number, rank, candidate)
        exact = f"count(DISTINCT g{number}_0)" if stack.rows <= EXACT else f"approx_count_distinct(g{number}_0)"
        outer += [exact, f"count(*) FILTER (regexp_matches(g{number}_0, '^-?0[0-9]+$'))"]
    row = list(one(connection, f"SELECT {', '.join(outer)} FROM (SELECT {', '.join(inner)} FROM {stack.raw})"))
    found = {}
    for column, each in tried.items():
        columns: list[Any] = list(zip(*(row[8 * rank : 8 * rank + 8] for rank in range(len(each))), strict=True))
        found[column] = _Counted(*columns, *row[8 * len(each) : 8 * len(each) + 2])
        del row[: 8 * len(each) + 2]
    return found


def _aggregates(number: int, rank: int, candidate: Candidate) -> Iterator[str]:
    given, value, first = f"g{number}_{rank}", f"v{number}_{rank}", f"v{number}_0"
    numeric = candidate.typing.type in NUMBERS
    yield f"count({given})"
    yield f"count(*) FILTER ({given} IS NOT NULL AND {value} IS NULL)"
    yield f"count(*) FILTER (CAST({value} AS VARCHAR) IS DISTINCT FROM CAST({first} AS VARCHAR))" if rank else "0"
    yield f"min({value})"
    yield f"max({value})"
    yield f"count(*) FILTER ({value} <> trunc({value}))" if numeric else "0"
    yield f"count(*) FILTER ({value} < 0)" if numeric else "0"
    yield f"count(*) FILTER ({value} <> round({value}, 4) OR abs({value}) >= 1e13)" if numeric else "0"


def _second_look(
    connection: duckdb.DuckDBPyConnection,
    stack: Stack,
    tried: Mapping[str, Sequence[Candidate]],
    counted: Mapping[str, _Counted],
) -> dict[str, tuple[Candidate, ...]]:
    """Return wider candidates for columns with texts that the sample did not show: other formats, missing marks."""
    found = {}
    for column, each in tried.items():
        first = each[0].typing
        if (
            stack.columns[column] is ColumnType.TEXT
            and first.type is not ColumnType.TEXT
            and min(counted[column].bad[:-1])
        ):
            others = _misfits(connection, stack, column, [c.typing for c in each[:-1]])
            wider = tuple(_wider(candidate, others) for candidate in each[:-1])
            if wider != tuple(each[:-1]):
                found[column] = (*wider, each[-1])
    return found


def _misfits(connection: duckdb.DuckDBPyConnection, stack: Stack, column: str, typings: Sequence[Typing]) -> list[str]:
    name = name_of(column)
    given = given_sql(name, typings[0])
    none = " AND ".join(f"{value_sql(name, typing)} IS NULL" for typing in typings)
    rows = connection.execute(
        f"SELECT {given} AS t, count(*) AS n FROM {stack.raw} WHERE t IS NOT NULL AND {none} "
        f"GROUP BY t ORDER BY n DESC, t LIMIT {SECOND_LOOK}"
    ).fetchall()
    return [str(value) for value, _ in rows]


def _wider(candidate: Candidate, others: Sequence[str]) -> Candidate:
    typing = candidate.typing
    missing = sorted({*typing.missing, *(text for text in others if fold(text) in MISSING)})
    more = dict.fromkeys(typing.formats)
    if typing.type is ColumnType.TIME and not any(form.startswith(("%H", "%I")) for form in typing.formats):
        fitting = (
            form for text in others for order, form in dates.dated(text) if order in (dates.ANY, candidate.order)
        )
        more |= dict.fromkeys(fitting)
    formats = tuple(more)[: MAX_FORMATS + 4]
    return replace(candidate, typing=typing.model_copy(update={"missing": tuple(missing), "formats": formats}))


def _decide(
    stack: Stack,
    column: str,
    tried: Sequence[Candidate],
    counted: _Counted,
    sampled: Sampled,
    *,
    exactly: bool,
) -> Measured:
    """Choose the candidate with the fewest misfits; text when even that has too many."""
    best = min(
        range(len(tried)), key=lambda rank: (tried[rank].typing.type is ColumnType.TEXT, counted.bad[rank], rank)
    )
    last = len(tried) - 1
    if counted.bad[best] > MISFITS * max(counted.filled[best], 1) and best != last:
        best = last
    chosen = tried[best]
    rivals = tuple(
        tried[rank]
        for rank in range(len(tried))
        if rank != best
        and tried[rank].typing.type is not ColumnType.TEXT
        and chosen.typing.type is not ColumnType.TEXT
        and counted.bad[rank] == counted.bad[best]
        and (counted.other[rank] or counted.other[best])
    )
    whole = chosen.typing.type in NUMBERS and not counted.fractions[best]
    typing = chosen.typing
    if (
        not exactly
        and typing.type is ColumnType.NUMBER
        and whole
        and not typing.percent
        and _fits_integer(counted, best, sampled)
    ):
        typing = typing.model_copy(update={"type": ColumnType.INTEGER})
    return Measured(
        name=column,
        staged=stack.columns[column],
        typing=typing,
        order=chosen.order,
        rivals=rivals,
        rows=stack.rows,
        filled=counted.filled[best],
        unparseable=counted.bad[best],
        distinct=counted.distinct,
        low=counted.low[best],
        high=counted.high[best],
        whole=whole,
        negative=counted.negative[best],
        leading_zeros=counted.leading_zeros,
        fine=counted.fine[best],
        top=tuple(sampled.values),
    )


def _fits_integer(counted: _Counted, rank: int, sampled: Sampled) -> bool:
    """Tell whether whole numbers are exact; beyond 2^53 or written with an exponent they are not."""
    low, high = counted.low[rank], counted.high[rank]
    exponents = any(re.search(r"\d[eE]", text) for text, _ in sampled.values)
    return low is not None and low > -(2**53) and high < 2**53 and not exponents
