"""Where the SQL of DuckDB and PostgreSQL differs; every other module writes one SQL for both."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import GenericFunction


class contains_pattern(GenericFunction[bool]):  # noqa: N801 - named like the SQL function it becomes
    """`contains_pattern(text, regex)`: true when the pattern is found anywhere in the text."""

    type = sa.Boolean()
    inherit_cache = True


# DuckDB's `~` matches the whole text, PostgreSQL's any part of it; regexp_matches is DuckDB's partial match.
@compiles(contains_pattern, "duckdb")
def _duckdb_pattern(element: contains_pattern, compiler: SQLCompiler, **kw: Any) -> str:
    return f"regexp_matches({compiler.process(element.clauses, **kw)})"


@compiles(contains_pattern)
def _pattern(element: contains_pattern, compiler: SQLCompiler, **kw: Any) -> str:
    text, pattern = (compiler.process(clause, **kw) for clause in element.clauses)
    return f"({text} ~ {pattern})"


def shift(moment: sa.ColumnElement[Any], months: int, days: int) -> sa.ColumnElement[Any]:
    """Return the timestamp moved by whole months, then by whole days."""
    for count, unit in ((months, "months"), (days, "days")):
        if count:
            moment = moment + sa.literal_column(f"INTERVAL '{int(count)} {unit}'", sa.Interval())
    return moment
