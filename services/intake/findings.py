"""What is wrong or special in the rows of the facts: totals among them, repeats, overlap of files, marks of returns."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import duckdb

from services.intake.fitting import NUMERIC
from services.intake.leftovers import Guess
from services.intake.profile import SOURCE, Measured, Stack
from services.intake.proposal import FieldRole
from services.intake.vocabulary import TOTAL_WORDS
from services.intake.words import tokens
from services.sqltext import name_of, one

ADDITIVE = (FieldRole.REVENUE, FieldRole.QUANTITY, FieldRole.MEASURE, FieldRole.COST)
GROUPS = {FieldRole.TIME, FieldRole.YEAR, FieldRole.MONTH, FieldRole.DAY, FieldRole.DIMENSION, FieldRole.CATEGORY} | {
    FieldRole.COUNTRY,
    FieldRole.REGION,
    FieldRole.CITY,
    FieldRole.CHANNEL,
    FieldRole.PRODUCT,
    FieldRole.STATUS,
}
DATES = {FieldRole.TIME, FieldRole.YEAR, FieldRole.MONTH, FieldRole.DAY}
MANY_VALUES = 2_000
PROVEN = 0.9
TOLERANCE = 0.005


@dataclass(frozen=True)
class Total:
    """Rows whose `column` holds `value` repeat the others: `share` of the sums agree, or they only are the largest."""

    column: str
    value: str
    rows: int
    share: float
    sums: int
    measure: str

    @property
    def proven(self) -> bool:
        """Whether the sums agree."""
        return self.share >= PROVEN


def totals(
    connection: duckdb.DuckDBPyConnection,
    stack: Stack,
    measured: Mapping[str, Measured],
    guesses: Mapping[str, Guess],
) -> list[Total]:
    """Return the values that stand for the sum of the other values of their column."""
    measure = next(
        (c for role in ADDITIVE for c, g in guesses.items() if g.role is role and measured[c].is_number), None
    )
    if measure is None:
        return []
    dimensions = [
        column
        for column, guess in guesses.items()
        if guess.role in GROUPS - DATES and not measured[column].is_number and measured[column].distinct <= MANY_VALUES
    ]
    found = []
    for column in dimensions:
        for value in _candidates(connection, stack, column, measure):
            total = _proof(connection, stack, column, value, measure, _keys(measured, guesses, column))
            if total and (
                total.proven or (_says_total(value) and _is_largest(connection, stack, column, value, measure))
            ):
                found.append(total)
    return found


def _says_total(value: str) -> bool:
    words = tokens(value)
    return bool(words) and (words[0] in TOTAL_WORDS or words[-1] in TOTAL_WORDS)


def _candidates(connection: duckdb.DuckDBPyConnection, stack: Stack, column: str, measure: str) -> list[str]:
    """Return values called total, and the one that is as large as all others together."""
    name, number = name_of(column), name_of(measure)
    rows = connection.execute(
        f"SELECT {name}, sum(CAST({number} AS DOUBLE)) FROM {stack.typed} WHERE {name} IS NOT NULL GROUP BY 1"
    ).fetchall()
    whole = sum(value or 0 for _, value in rows)
    half = [
        text
        for text, value in rows
        if len(rows) > 3 and whole > 0 and abs((value or 0) * 2 - whole) <= TOLERANCE * whole
    ]
    return [text for text, _ in rows if _says_total(text)] or half[:1]


def _keys(measured: Mapping[str, Measured], guesses: Mapping[str, Guess], column: str) -> list[list[str]]:
    """Return the sets of other columns within which a total is a sum: all that group, or only the dates."""
    dates = [each for each, guess in guesses.items() if guess.role in DATES]
    others = [
        each
        for each, guess in guesses.items()
        if guess.role in GROUPS - DATES and each != column and measured[each].distinct <= 200
    ]
    return [dates + others, dates] if others else [dates]


def _proof(
    connection: duckdb.DuckDBPyConnection,
    stack: Stack,
    column: str,
    value: str,
    measure: str,
    keys: Sequence[list[str]],
) -> Total | None:
    """Return how often the rows of a value are the sum of the others under the best of the keys."""
    name, number = name_of(column), f"CAST({name_of(measure)} AS DOUBLE)"
    best: Total | None = None
    for key in keys:
        grouped = ", ".join(map(name_of, key)) or "1"
        rows, sums, same = one(
            connection,
            "SELECT sum(n), count(*) FILTER (a IS NOT NULL AND b IS NOT NULL), "
            f"count(*) FILTER (abs(a - b) <= {TOLERANCE} * abs(a) + 0.011) FROM ("
            f"SELECT count(*) FILTER ({name} = $1) AS n, sum({number}) FILTER ({name} = $1) AS a, "
            f"sum({number}) FILTER ({name} <> $1) AS b FROM {stack.typed} GROUP BY {grouped})",
            [value],
        )
        if sums and (best is None or same / sums > best.share):
            best = Total(column, value, int(rows), same / sums, sums, measure)
    return best


def _is_largest(connection: duckdb.DuckDBPyConnection, stack: Stack, column: str, value: str, measure: str) -> bool:
    top = connection.execute(
        f"SELECT {name_of(column)} FROM {stack.typed} GROUP BY 1 ORDER BY sum({name_of(measure)}) DESC LIMIT 1"
    ).fetchall()
    return bool(top) and top[0][0] == value


@dataclass(frozen=True)
class Footer:
    """Rows without a date that hold the sum of all others; `text` is what stands in `column` there."""

    column: str
    text: str | None
    rows: int
    measure: str


def footer(
    connection: duckdb.DuckDBPyConnection,
    stack: Stack,
    measured: Mapping[str, Measured],
    guesses: Mapping[str, Guess],
) -> Footer | None:
    """Return the closing line of a report: no date, and the sum of the column above it."""
    time = next((column for column, guess in guesses.items() if guess.role in {FieldRole.TIME, FieldRole.YEAR}), None)
    if time is None or stack.rows < 3:
        return None
    undated = one(connection, f"SELECT count(*) FROM {stack.typed} WHERE {name_of(time)} IS NULL")[0]
    if not 0 < undated <= 3:
        return None
    for measure in (c for c, g in guesses.items() if g.role in NUMERIC | set(ADDITIVE) and measured[c].is_number):
        number = f"CAST({name_of(measure)} AS DOUBLE)"
        last, rest = one(
            connection,
            f"SELECT max({number}) FILTER ({name_of(time)} IS NULL), "
            f"sum({number}) FILTER ({name_of(time)} IS NOT NULL) FROM {stack.typed}",
        )
        if last is not None and rest and abs(last - rest) <= TOLERANCE * abs(rest):
            return _footer(connection, stack, time, measure, undated)
    return None


def _footer(connection: duckdb.DuckDBPyConnection, stack: Stack, time: str, measure: str, rows: int) -> Footer:
    where = f"SELECT {ROW_KEYS} FROM {stack.typed} WHERE {name_of(time)} IS NULL"
    for column in stack.columns:
        texts = connection.execute(
            f"SELECT DISTINCT CAST({name_of(column)} AS VARCHAR) FROM {stack.raw} WHERE ({ROW_KEYS}) IN ({where})"
        ).fetchall()
        words = [text.strip() for (text,) in texts if text and _says_total(text)]
        if len(words) == len(texts) == 1:
            return Footer(column, words[0], rows, measure)
    return Footer(time, None, rows, measure)


ROW_KEYS = f'{SOURCE}, "__row"'


def repeats(connection: duckdb.DuckDBPyConnection, stack: Stack, ignored: set[str]) -> int:
    """Return how many rows repeat an earlier one in every column but those ignored."""
    columns = ", ".join(name_of(column) for column in stack.columns if column not in ignored)
    found = one(connection, f"SELECT count(*) - count(DISTINCT hash({columns})) FROM {stack.typed}")
    return int(found[0])


@dataclass(frozen=True)
class Overlap:
    """`rows` of a source from `since` on stand in another source too; `clean` when all of them from then on do."""

    source: str
    rows: int
    since: dt.datetime
    clean: bool


def overlaps(connection: duckdb.DuckDBPyConnection, stack: Stack, time: str, ignored: set[str]) -> list[Overlap]:
    """Return which sources of a stack repeat rows of a later one."""
    if len(stack.staged) < 2:
        return []
    columns = ", ".join(name_of(column) for column in stack.columns if column not in ignored)
    moment = name_of(time)
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE hashed AS SELECT {SOURCE} AS s, hash({columns}) AS h, {moment} AS t "
        f"FROM {stack.typed}"
    )
    order = [
        row[0] for row in connection.execute("SELECT s FROM hashed GROUP BY s ORDER BY min(t), max(t), s").fetchall()
    ]
    return [found for source, later in _later(order) if (found := _overlap(connection, stack, source, later))]


def _later(order: Sequence[int]) -> Iterator[tuple[int, Sequence[int]]]:
    for rank, source in enumerate(order[:-1]):
        yield source, order[rank + 1 :]


def _overlap(connection: duckdb.DuckDBPyConnection, stack: Stack, source: int, later: Sequence[int]) -> Overlap | None:
    shared = f"h IN (SELECT h FROM hashed WHERE s IN ({', '.join(map(str, later))}))"
    rows, since = one(connection, f"SELECT count(*), min(t) FROM hashed WHERE s = {source} AND {shared}")
    if not rows or since is None:
        return None
    midnight = dt.datetime.combine(since.date(), dt.time())
    after = one(connection, f"SELECT count(*) FROM hashed WHERE s = {source} AND t >= ?", [midnight.isoformat()])[0]
    return Overlap(stack.staged[source].name, rows, midnight, clean=after == rows)


def return_prefixes(connection: duckdb.DuckDBPyConnection, stack: Stack, order: str, number: str) -> list[str]:
    """Return beginnings of order numbers that go with negative numbers, such as C for a credit note."""
    rows = connection.execute(
        f"SELECT regexp_extract(CAST({name_of(order)} AS VARCHAR), '^[A-Za-z]+') AS p, count(*), "
        f"count(*) FILTER ({name_of(number)} < 0) FROM {stack.typed} GROUP BY p"
    ).fetchall()
    usual = sum(n for prefix, n, negative in rows if not negative or negative < 0.9 * n)
    return [p for p, n, negative in rows if p and n >= 2 and negative >= 0.9 * n and usual > n]
