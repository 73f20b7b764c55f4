"""Staged tables -> typed rows, with a line in the reject report for every value that is none."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import duckdb
import sqlalchemy as sa
from rapidfuzz import process

from services import expressions
from services.errors import LoadError
from services.intake.staged import ROW, Staged
from services.intake.texts import unparseable_sql, value_sql
from services.model import SQL_TYPES, ColumnType
from services.recipe import Lookup, Recipe, Table, Typing
from services.sqltext import name_of, one, path_of, statement_text, text_of

#: Why a row is left out, or NULL; whether one of its values could not be read.
OUT, UNREAD = "__out", "__unread"
#: A column of which more than this share cannot be read is another column than the recipe knows.
RETYPED = 0.5
REPORT = '(source VARCHAR, row BIGINT, "column" VARCHAR, value VARCHAR, reason VARCHAR)'


@dataclass(frozen=True)
class TypedTable:
    """A DuckDB view with ROW, OUT, UNREAD and the typed columns of one staged table."""

    view: str
    raw: str
    staged: Staged
    fields: Mapping[str, Typing]

    @property
    def columns(self) -> dict[str, ColumnType]:
        """The columns and their types."""
        return {column: typing.type for column, typing in self.fields.items()}

    @property
    def doubtful(self) -> dict[str, Typing]:
        """The columns that can hold something that is no value."""
        return {column: typing for column, typing in self.fields.items() if _may_fail(self.staged, column, typing)}


def check_drift(name: str, table: Table, staged: Staged) -> None:
    """Raise LoadError with a diff when a source has other columns than the recipe knows."""
    if not table.fields:
        return
    lines = list(_differences(table.fields, staged))
    if lines:
        raise LoadError(
            f"{staged.name} has other columns than the recipe {name!r} knows, so nothing was loaded: "
            f"{'; '.join(lines)}. Correct the file, or look at it again on the Data page to make a new recipe."
        )


def _differences(fields: Mapping[str, Typing], staged: Staged) -> Iterator[str]:
    missing = [column for column in fields if column not in staged.columns]
    new = [column for column in staged.columns if column not in fields]
    for column in missing:
        near = process.extractOne(column, new, score_cutoff=70)
        if near is None:
            yield f"{column!r} is missing"
        else:
            new.remove(near[0])
            yield f"{column!r} is missing, {near[0]!r} may be its new name"
    yield from (f"{column!r} is new" for column in new)
    for column, typing in fields.items():
        kind = staged.columns.get(column, ColumnType.TEXT)
        if kind is not ColumnType.TEXT and not _fits(kind, typing.type):
            yield f"{column!r} holds {kind} values, the recipe expects {typing.type}"


def _fits(found: ColumnType, wanted: ColumnType) -> bool:
    numbers = (ColumnType.INTEGER, ColumnType.NUMBER, ColumnType.MONEY)
    # Numbers can be dates too: 20240131, a spreadsheet's 45322.
    return found is wanted or wanted is ColumnType.TEXT or (found in numbers and wanted in (*numbers, ColumnType.TIME))


def type_rows(
    connection: duckdb.DuckDBPyConnection, recipe: Recipe, table: Table, staged: Staged, name: str
) -> TypedTable:
    """Make the view of a staged table with its values; raises LoadError for columns the recipe does not know."""
    check_drift(recipe.name, table, staged)
    fields = table.fields or {column: Typing(type=kind) for column, kind in staged.columns.items()}
    typed = TypedTable(f"typed_{name}", f"raw_{name}", staged, fields)
    values = [f"{_value(staged, column, typing)} AS {name_of(column)}" for column, typing in fields.items()]
    bad = " OR ".join(_bad(staged, column, typing) for column, typing in typed.doubtful.items()) or "false"
    out = "NULL::VARCHAR" if isinstance(table, Lookup) else _left_out(recipe, staged)
    connection.execute(f"CREATE VIEW {typed.raw} AS {staged.relation()}")
    connection.execute(
        f"CREATE VIEW {typed.view} AS SELECT {ROW}, {out} AS {OUT}, ({out}) IS NULL AND ({bad}) AS {UNREAD}, "
        f"{', '.join(values)} FROM {typed.raw}"
    )
    return typed


def report_unread(connection: duckdb.DuckDBPyConnection, typed: TypedTable, unread: str) -> None:
    """Put what cannot be read into the table `rejects`, and the records intake refused.

    `unread` selects the numbers of the rows to look at. Raises LoadError when most of a column cannot be read.
    """
    if typed.doubtful and one(connection, f"SELECT count(*) FROM ({unread})")[0]:
        _refuse_retyped(connection, typed)
        _report(connection, typed, unread)
    if typed.staged.refused is not None:
        connection.execute(
            f'INSERT INTO rejects SELECT \'{text_of(typed.staged.name)}\', "row", "column", value, reason '
            f"FROM read_parquet('{path_of(typed.staged.refused)}')"
        )


def _value(staged: Staged, column: str, typing: Typing) -> str:
    return value_sql(name_of(column), typing, staged.columns[column])


def _may_fail(staged: Staged, column: str, typing: Typing) -> bool:
    return typing.type not in (ColumnType.TEXT, staged.columns[column])


def _bad(staged: Staged, column: str, typing: Typing) -> str:
    return unparseable_sql(name_of(column), typing, staged.columns[column])


def expected(typing: Typing) -> str:
    """Return what a text should be, in words."""
    if typing.type is ColumnType.TIME:
        return f"a date like {' or '.join(typing.formats)}" if typing.formats else "a date"
    kind = "a whole number" if typing.type is ColumnType.INTEGER else "a number"
    marks = f"decimals after {typing.decimal!r}"
    return f"{kind} ({marks}, thousands by {typing.thousands!r})" if typing.thousands else f"{kind} ({marks})"


def _left_out(recipe: Recipe, staged: Staged) -> str:
    """Return the SQL of the reason a row is left out for; the conditions see the texts as they stand."""
    if not recipe.leave_out:
        return "NULL::VARCHAR"
    columns = {name: sa.column(name, SQL_TYPES[kind]) for name, kind in staged.columns.items()}
    compiler = expressions.Compiler(columns)
    whens = [(compiler.compile(condition), sa.literal(reason)) for reason, condition in recipe.leave_out.items()]
    text = statement_text(sa.select(sa.case(*whens, else_=sa.null())))
    return f"({text})"


def _refuse_retyped(connection: duckdb.DuckDBPyConnection, typed: TypedTable) -> None:
    for column, typing in typed.doubtful.items():
        name, bad = name_of(column), _bad(typed.staged, column, typing)
        given, wrong, example = one(
            connection,
            f"SELECT count({name}), count(*) FILTER ({bad}), any_value({name}) FILTER ({bad}) FROM {typed.raw}",
        )
        if wrong > RETYPED * given and given > 1:
            raise LoadError(
                f"{typed.staged.name}: {wrong:,} of {given:,} values of {column!r} are not {expected(typing)}, such as "
                f"{str(example)[:80]!r}. The column seems to have changed; nothing was loaded. Correct the file "
                "or the recipe."
            )


def _report(connection: duckdb.DuckDBPyConnection, typed: TypedTable, unread: str) -> None:
    structs = ", ".join(
        f"{{'column': '{text_of(column)}', 'value': left(CAST({name_of(column)} AS VARCHAR), 200), "
        f"'reason': '{text_of('not ' + expected(typing))}', 'bad': {_bad(typed.staged, column, typing)}}}"
        for column, typing in typed.doubtful.items()
    )
    connection.execute(
        f"INSERT INTO rejects SELECT '{text_of(typed.staged.name)}', {ROW}, "
        f'found."column", found.value, found.reason '
        f"FROM (SELECT {ROW}, unnest([{structs}]) AS found FROM {typed.raw} WHERE {ROW} IN ({unread})) WHERE found.bad"
    )


def stack_lookup(
    connection: duckdb.DuckDBPyConnection, recipe: Recipe, name: str, tables: Sequence[Staged]
) -> tuple[str, Mapping[str, ColumnType], int]:
    """Make the table `lookup_<name>`; return its name, its columns and how many of its rows were refused."""
    lookup = recipe.lookups[name]
    typed = [type_rows(connection, recipe, lookup, each, f"{name}_{number}") for number, each in enumerate(tables)]
    made = f"lookup_{name}"
    keys = " AND ".join(f"{name_of(key)} IS NOT NULL" for key in lookup.by)
    refused = 0
    for each in typed:
        unread = f"SELECT {ROW} FROM {each.view} WHERE {UNREAD}"
        report_unread(connection, each, unread)
        refused += one(connection, f"SELECT count(*) FROM ({unread})")[0] + each.staged.refused_rows
    parts = " UNION ALL BY NAME ".join(f"SELECT * FROM {each.view} WHERE NOT {UNREAD} AND {keys}" for each in typed)
    connection.execute(f"CREATE TABLE {made} AS {parts}")
    key = ", ".join(map(name_of, lookup.by))
    repeated = connection.execute(
        f"SELECT {key}, count(*) FROM {made} GROUP BY {key} HAVING count(*) > 1 ORDER BY count(*) DESC LIMIT 1"
    ).fetchall()
    if repeated:
        *values, count = repeated[0]
        raise LoadError(
            f"{name} has {count} rows with {', '.join(lookup.by)} = {', '.join(map(str, values))}; each key may stand "
            "there once, or the lines joined to it would be doubled. Correct the file, or leave the table out."
        )
    return made, typed[0].columns, refused
