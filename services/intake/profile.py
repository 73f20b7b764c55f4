"""A stack of staged tables and what its columns hold, measured on every row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import duckdb

from services.intake import dates
from services.intake.candidates import Candidate, sign_of
from services.intake.staged import ROW, Staged
from services.intake.texts import value_sql
from services.intake.vocabulary import MISSING
from services.intake.words import fold
from services.model import ColumnType
from services.recipe import Typing
from services.sqltext import name_of, one

NUMBERS = (ColumnType.INTEGER, ColumnType.NUMBER, ColumnType.MONEY)
SOURCE = "__source"


@dataclass(frozen=True)
class Stack:
    """Staged tables with the same columns, as one: view `raw` of what they hold, table `typed` of the values."""

    name: str
    staged: tuple[Staged, ...]
    columns: Mapping[str, ColumnType]

    @property
    def raw(self) -> str:
        """The quoted name of the view of the rows as they stand."""
        return name_of(f"raw_{self.name}")

    @property
    def typed(self) -> str:
        """The quoted name of the table of typed values."""
        return name_of(f"typed_{self.name}")

    @property
    def rows(self) -> int:
        """Rows whose structure is sound."""
        return sum(each.rows - each.refused_rows for each in self.staged)


@dataclass(frozen=True)
class Measured:
    """A column over all rows, under the typing decided.

    `rivals` are typings that fit as well and give other values: then only a person can decide. `fine` counts numbers
    that an amount of money (18 digits, 4 of them decimals) cannot hold.
    """

    name: str
    staged: ColumnType
    typing: Typing
    order: str = dates.ANY
    rivals: tuple[Candidate, ...] = ()
    reasons: tuple[str, ...] = ()
    confidence: float = 1.0
    rows: int = 0
    filled: int = 0
    unparseable: int = 0
    distinct: int = 0
    low: Any = None
    high: Any = None
    whole: bool = False
    negative: int = 0
    leading_zeros: int = 0
    fine: int = 0
    examples: tuple[tuple[str, str], ...] = ()
    top: tuple[tuple[str, int], ...] = field(default=(), repr=False)

    @property
    def is_number(self) -> bool:
        """Whether the values are numbers."""
        return self.typing.type in NUMBERS

    @property
    def is_time(self) -> bool:
        """Whether the values are dates or times of day."""
        return self.typing.type is ColumnType.TIME

    @property
    def is_clock(self) -> bool:
        """Whether the values are times of day without a date."""
        formats = self.typing.formats
        return self.is_time and bool(formats) and all(form.startswith(("%H", "%I")) for form in formats)

    @property
    def sign(self) -> str | None:
        """The currency sign or code beside the values."""
        return sign_of(text for text, _ in self.top) if self.typing.type is ColumnType.MONEY else None


def make_raw(connection: duckdb.DuckDBPyConnection, stack: Stack) -> None:
    """Make the view `raw` of a stack."""
    parts = []
    for number, staged in enumerate(stack.staged):
        columns = ", ".join(_as(column, staged.columns[column], kind) for column, kind in stack.columns.items())
        parts.append(f"SELECT {number} AS {SOURCE}, {ROW}, {columns} FROM ({staged.relation()})")
    connection.execute(f"CREATE VIEW {stack.raw} AS {' UNION ALL '.join(parts)}")


def _as(column: str, found: ColumnType, wanted: ColumnType) -> str:
    name = name_of(column)
    return name if found is wanted else f"CAST({name} AS VARCHAR) AS {name}"


def make_typed(connection: duckdb.DuckDBPyConnection, stack: Stack, measured: Mapping[str, Measured]) -> None:
    """Make the table `typed` of a stack: SOURCE, ROW and the values."""
    values = [
        f"{value_sql(name_of(name), each.typing, each.staged)} AS {name_of(name)}" for name, each in measured.items()
    ]
    connection.execute(
        f"CREATE OR REPLACE TABLE {stack.typed} AS SELECT {SOURCE}, {ROW}, {', '.join(values)} FROM {stack.raw}"
    )


def with_examples(connection: duckdb.DuckDBPyConnection, each: Measured, count: int = 5) -> Measured:
    """Return the column with examples as they stand and as they are read."""
    shown = [text for text, _ in each.top if fold(text) not in MISSING][:count]
    value = value_sql("t", each.typing)
    found = [
        (text, one(connection, f"SELECT CAST({value} AS VARCHAR) FROM (SELECT CAST(? AS VARCHAR) AS t)", [text])[0])
        for text in shown
    ]
    return replace(each, examples=tuple((text[:80], (parsed or "")[:80]) for text, parsed in found))
