"""Preparing a load: staged tables -> the model's columns in one Parquet file, a reject report, control totals.

Nothing is published here. What is prepared lies in a folder of its own below `<warehouse>/prepared` until it is
published or thrown away.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb
import sqlalchemy as sa

from services import expressions
from services.errors import LoadError, UnknownNameError
from services.geography import country_code
from services.intake.staged import ROW, Staged
from services.model import SQL_TYPES, ColumnType, SalesModel
from services.prepared import Prepared
from services.recipe import Mapped, MostFrequent, Recipe, Source
from services.scratch import require_space, scratch
from services.sqltext import literal_type, name_of, one, path_of, statement_text, text_of
from services.typing_rows import OUT, REPORT, UNREAD, TypedTable, report_unread, stack_lookup, type_rows
from services.warehouse import BUILD_MEMORY

Progress = Callable[[str, float], None]
#: The staged tables of a recipe: those of the facts under "", those of each lookup under its name.
Bound = Mapping[str, Sequence[Staged]]
#: Prepared loads nobody published are thrown away after this long.
KEPT_FOR = dt.timedelta(days=7)
#: The column that could not take its value, or NULL; the number of the source.
WRONG, SOURCE = "__wrong", "__source"
GOOD = f"{OUT} IS NULL AND NOT {UNREAD} AND {WRONG} IS NULL"
NUMBERS = (ColumnType.INTEGER, ColumnType.NUMBER, ColumnType.MONEY)


def identity(recipe: Recipe, bound: Bound) -> str:
    """Return a digest of the recipe and the content of its sources: the identity of a load."""
    total = hashlib.sha256(recipe.model_dump_json(exclude_defaults=True).encode())
    for name in sorted(bound):
        for digest in sorted(each.digest for each in bound[name]):
            total.update(f"{name}:{digest};".encode())
    return total.hexdigest()


def prepare(
    root: Path,
    model: SalesModel,
    recipe: Recipe,
    bound: Bound,
    *,
    memory: str = BUILD_MEMORY,
    threads: int = 2,
    progress: Progress = lambda stage, share: None,
) -> Prepared:
    """Type, check, join and compute the rows of a load; publish nothing.

    Raises LoadError when the sources have other columns than the recipe knows or leave no row, and for anything
    else in the files that cannot be taken as it is.
    """
    _require_columns(model, recipe)
    place = root / "prepared"
    place.mkdir(parents=True, exist_ok=True, mode=0o700)
    _forget_old(place)
    require_space(root, sum(each.path.stat().st_size for tables in bound.values() for each in tables))
    with scratch(root / "scratch") as folder:
        config: dict[str, Any] = {"memory_limit": memory, "temp_directory": str(folder / "spill")}
        config |= {"threads": threads, "preserve_insertion_order": "false"}
        try:
            with duckdb.connect(config=config) as connection:
                counted = _Preparation(connection, model, recipe, bound, progress).run(folder)
        except duckdb.Error as error:
            raise LoadError(f"The recipe {recipe.name!r} cannot load its files: {error}") from error
        shutil.rmtree(folder / "spill", ignore_errors=True)
        digest = identity(recipe, bound)
        made = Prepared(
            folder=place / f"{digest}-{folder.name}",
            digest=digest,
            name=recipe.name,
            model=model.name,
            files=tuple(each.name for tables in bound.values() for each in tables),
            key=recipe.key,
            **counted,
        )
        if made.rows_kept + made.rows_left_out + made.rows_rejected != made.rows_read:
            raise LoadError(f"The rows of {recipe.name!r} do not add up ({counted}); nothing was loaded.")
        if not made.rows_kept and not made.refused:
            raise LoadError(f"The recipe {recipe.name!r} leaves no row of the {made.rows_read} it read.")
        (folder / "prepared.json").write_bytes(made.model_dump_json().encode())
        folder.rename(made.folder)
    return made


def _forget_old(place: Path) -> None:
    """Throw away prepared loads nobody published for a week."""
    oldest = (dt.datetime.now(dt.UTC) - KEPT_FOR).timestamp()
    for folder in place.iterdir():
        if folder.stat().st_mtime < oldest:
            shutil.rmtree(folder, ignore_errors=True)


def _require_columns(model: SalesModel, recipe: Recipe) -> None:
    made = {*recipe.columns, *recipe.most_frequent, *recipe.country_codes, model.facts.key}
    for name in (*recipe.columns, *recipe.most_frequent, *recipe.country_codes):
        if name not in model.facts.columns:
            raise LoadError(f"The recipe fills a column {name!r} that the model {model.name!r} does not have.")
    missing = [name for name in model.facts.columns if name not in made]
    if missing:
        raise LoadError(
            f"The recipe does not fill {', '.join(missing)}, which the model {model.name!r} has. "
            "Add them to the recipe's columns, or take them out of the model."
        )


class _Preparation:
    """The steps of one preparation on its own database."""

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        model: SalesModel,
        recipe: Recipe,
        bound: Bound,
        progress: Progress,
    ) -> None:
        self._connection, self._model, self._recipe, self._bound = connection, model, recipe, bound
        self._progress = progress
        self._lookups: dict[str, tuple[str, Mapping[str, ColumnType]]] = {}

    def run(self, folder: Path) -> dict[str, Any]:
        """Write `facts.parquet` and `rejects.parquet`; return the counts of Prepared."""
        self._connection.execute(f"CREATE TABLE rejects {REPORT}")
        lookup_rejected = 0
        for name in self._recipe.lookups:
            self._progress(f"Reading {name}", 0.05)
            table, columns, refused = stack_lookup(self._connection, self._recipe, name, self._bound.get(name, ()))
            self._lookups[name] = (table, columns)
            lookup_rejected += refused
        self._progress("Typing and computing", 0.1)
        typed = self._stage(folder / "stage.parquet")
        counts = self._counts(typed)
        if counts["rows_kept"] < counts["rows_read"]:
            self._progress("Writing the reject report", 0.35)
            self._report(typed)
        self._progress("Writing the lines", 0.4)
        self._write_facts(folder, whole=counts["rows_kept"] == counts["rows_read"])
        self._write('SELECT * FROM rejects ORDER BY source, "row"', folder / "rejects.parquet")
        return counts | {"lookup_rejected": lookup_rejected}

    def _stage(self, target: Path) -> list[TypedTable]:
        """Make the view `stage`: the rows of all sources with their facts columns and what is wrong with them."""
        typed = [
            type_rows(self._connection, self._recipe, self._recipe, staged, f"source_{number}")
            for number, staged in enumerate(self._bound.get("", ()))
        ]
        offsets = [0]
        for each in typed:
            offsets.append(offsets[-1] + (one(self._connection, f"SELECT max({ROW}) FROM {each.raw}")[0] or 0))  # noqa: S608 - quoted by sqltext
        self._make_country_codes(typed)
        parts = [self._select(each, number, offsets[number]) for number, each in enumerate(typed)]
        self._write(" UNION ALL ".join(parts), target)
        self._connection.execute(f"CREATE VIEW stage AS SELECT * FROM read_parquet('{path_of(target)}')")  # noqa: S608 - quoted by sqltext
        self._connection.execute(f"CREATE VIEW kept AS SELECT * FROM stage WHERE {GOOD}")  # noqa: S608 - quoted by sqltext
        return typed

    def _where(self, staged: Staged) -> str | None:
        named = {Path(source.file or source.table or "").name: source for source in self._recipe.sources}
        return named.get(staged.name, Source(file="")).where

    def _select(self, typed: TypedTable, number: int, offset: int, only: str | None = None) -> str:
        """Return the select of a source's rows: facts columns, where they come from, what is wrong with them.

        With `only`, the select of that column's distinct values instead.
        """
        recipe, model = self._recipe, self._model
        table = sa.table(typed.view, *(sa.column(name, SQL_TYPES[kind]) for name, kind in typed.columns.items()))
        row, out, unread = (_own(typed.view, name) for name in (ROW, OUT, UNREAD))
        names: dict[str, expressions.Element] = {column.name: column for column in table.c}
        source: Any = table
        for lookup in recipe.lookups:
            source, found = self._joined(lookup, source, names)
            names |= found
        facts = _Facts(recipe, model, names)
        if only is not None:
            return statement_text(sa.select(names[only]).distinct().select_from(source))
        source, codes = self._coded(source, names)
        where = self._where(typed.staged)
        if where is not None:
            outside = sa.not_(sa.func.coalesce(expressions.Compiler(names).compile(where), sa.false()))
            out = sa.case((out.is_not(None), out), (outside, sa.literal(f"left out: {where}")))
        statement = sa.select(
            sa.cast(row + offset, sa.BigInteger).label(model.facts.key),
            *facts.selected,
            *codes,
            out.label(OUT),
            sa.and_(out.is_(None), unread).label(UNREAD),
            facts.wrong_column.label(WRONG),
            facts.wrong_value.label("__value"),
            row.label(ROW),
            sa.literal_column(str(number)).label(SOURCE),
            *(_own(f"lookup_{name}", "rowid").is_(None).label(f"__without_{name}") for name in recipe.lookups),
        )
        return statement_text(statement.select_from(source))

    def _coded(self, source: Any, names: Mapping[str, expressions.Element]) -> tuple[Any, list[sa.Label[Any]]]:
        """Return the join with the country codes, and their columns."""
        codes = []
        for name, of in self._recipe.country_codes.items():
            table = sa.table(f"code_{name}", sa.column("key", sa.String()), sa.column("value", sa.String()))
            source = source.outerjoin(table, table.c.key == names[of])
            codes.append(table.c.value.label(name))
        return source, codes

    def _joined(
        self, name: str, source: Any, names: Mapping[str, expressions.Element]
    ) -> tuple[Any, dict[str, expressions.Element]]:
        """Return the join with a lookup, and the names of its columns."""
        table_name, columns = self._lookups[name]
        table = sa.table(table_name, *(sa.column(column, SQL_TYPES[kind]) for column, kind in columns.items()))
        conditions = []
        for column, rule in self._recipe.lookups[name].by.items():
            if column not in table.c:
                raise UnknownNameError(f"column of the lookup {name!r}", column, columns)
            left: expressions.Element = expressions.Compiler(names).compile(rule)
            right: expressions.Element = table.c[column]
            if type(left.type) is not type(right.type):
                left, right = sa.cast(left, sa.String), sa.cast(right, sa.String)
            conditions.append(left == right)
        found: dict[str, expressions.Element] = {f"{name}.{column.name}": column for column in table.c}
        return source.outerjoin(table, sa.and_(*conditions)), found

    def _report(self, typed: Sequence[TypedTable]) -> None:
        for number, each in enumerate(typed):
            here, name = f"FROM stage WHERE {SOURCE} = {number}", text_of(each.staged.name)
            report_unread(self._connection, each, f"SELECT {ROW} {here} AND {UNREAD}")
            self._connection.execute(
                f"INSERT INTO rejects SELECT '{name}', {ROW}, {WRONG}, left(__value, 200), "
                f"CASE WHEN __value IS NULL THEN 'there is no value' ELSE 'does not fit the column' END "
                f"{here} AND {WRONG} IS NOT NULL AND NOT {UNREAD} AND {OUT} IS NULL "
                f"UNION ALL SELECT '{name}', {ROW}, NULL, NULL, {OUT} {here} AND {OUT} IS NOT NULL"
            )

    def _most_frequent(self) -> Iterator[tuple[str, str, str]]:
        """Make a table per such column; yield (column, its SQL in the final select, join)."""
        for name, rule in self._recipe.most_frequent.items():
            self._connection.execute(f"CREATE TABLE most_{name} AS {self._most_frequent_select(rule)}")
            otherwise = f"kept.{name_of(rule.otherwise)}"
            yield name, f"coalesce(most_{name}.value, {otherwise})", _join(f"most_{name}", rule.per)

    def _most_frequent_select(self, rule: MostFrequent) -> str:
        found = self._columns_of_stage()
        for wanted in (rule.per, rule.value, rule.otherwise):
            if wanted not in found:
                raise UnknownNameError("column under most_frequent", wanted, found)
        stage = sa.table("kept", *(sa.column(name, sa.String()) for name in found))
        key, value = stage.c[rule.per].label("key"), stage.c[rule.value].label("value")
        rank = sa.func.row_number().over(partition_by=key, order_by=(sa.func.count().desc(), value)).label("rank")
        counted = (
            sa.select(key, value, rank)
            .where(expressions.Compiler(dict(stage.c)).compile(rule.where), sa.func.coalesce(value, "") != "")
            .group_by(key, value)
            .subquery()
        )
        return statement_text(sa.select(counted.c.key, counted.c.value).where(counted.c.rank == 1))

    def _columns_of_stage(self) -> list[str]:
        found = [row[0] for row in self._connection.execute("DESCRIBE stage").fetchall()]
        return [name for name in found if not name.startswith("__")]

    def _make_country_codes(self, typed: Sequence[TypedTable]) -> None:
        """Make a table of codes for each column of country names."""
        for name, of in self._recipe.country_codes.items():
            parts = " UNION ".join(self._select(each, 0, 0, only=of) for each in typed)
            found = self._connection.execute(parts).fetchall()
            self._connection.execute(f"CREATE TABLE code_{name} (key VARCHAR, value VARCHAR)")
            codes = [[country, country_code(country)] for (country,) in found if country]
            if codes:
                self._connection.executemany(f"INSERT INTO code_{name} VALUES (?, ?)", codes)  # noqa: S608 - quoted by sqltext

    def _write_facts(self, folder: Path, *, whole: bool) -> None:
        """Write the good rows with the model's columns; where all are good and complete, the stage is it."""
        joins = list(self._most_frequent())
        if whole and not joins:
            (folder / "stage.parquet").rename(folder / "facts.parquet")
            return
        made = {name: sql for name, sql, _ in joins}
        columns = ", ".join(
            f"CAST({made.get(name, 'kept.' + name_of(name))} AS {literal_type(SQL_TYPES[column.type])}) "
            f"AS {name_of(name)}"
            for name, column in self._model.facts.columns.items()
        )
        joined = " ".join(join for *_, join in joins)
        self._write(f"SELECT {columns} FROM kept {joined}", folder / "facts.parquet")  # noqa: S608 - quoted by sqltext
        (folder / "stage.parquet").unlink()

    def _write(self, select: str, file: Path) -> None:
        self._connection.execute(f"COPY ({select}) TO '{path_of(file)}' (FORMAT parquet)")

    def _counts(self, typed: Sequence[TypedTable]) -> dict[str, Any]:
        time = name_of(self._model.facts.time)
        sums = [name for name, column in self._model.facts.columns.items() if column.type in NUMBERS]
        sums = [name for name in sums if name != self._model.facts.key]
        asked = [f"count({OUT})", f"count(*) FILTER ({OUT} IS NULL AND NOT ({GOOD}))", f"count(*) FILTER ({GOOD})"]
        asked += [f"min({time}) FILTER ({GOOD})", f"max({time}) FILTER ({GOOD})"]
        asked += [f"sum(CAST({name_of(name)} AS DECIMAL(38, 4))) FILTER ({GOOD})" for name in sums]
        asked += [f"count(*) FILTER (__without_{name} AND {GOOD})" for name in self._recipe.lookups]
        left_out, bad, kept, first, last, *rest = one(self._connection, f"SELECT {', '.join(asked)} FROM stage")  # noqa: S608 - quoted by sqltext
        return {
            "rows_read": sum(each.staged.rows for each in typed),
            "rows_kept": kept,
            "rows_left_out": left_out,
            "rows_rejected": bad + sum(each.staged.refused_rows for each in typed),
            "first_time": first,
            "last_time": last,
            "totals": {name: value for name, value in zip(sums, rest, strict=False) if value is not None},
            "unmatched": dict(zip(self._recipe.lookups, rest[len(sums) :], strict=True)),
        }


class _Facts:
    """The facts columns of a source as SQL: `names` gets them, for the expressions that come after."""

    def __init__(self, recipe: Recipe, model: SalesModel, names: dict[str, expressions.Element]) -> None:
        self.selected: list[sa.Label[Any]] = []
        lost: list[tuple[str, expressions.Element, expressions.Element]] = []
        for name, rule in {**recipe.let, **recipe.columns}.items():
            element = _column(names, rule)
            if name in recipe.columns:
                value, kind = element, model.facts.columns[name].type
                element = sa.try_cast(value, SQL_TYPES[kind])
                if kind is not ColumnType.TEXT:
                    lost.append((name, sa.and_(value.is_not(None), element.is_(None)), value))
            names[name] = element
            self.selected.append(element.label(name))
        no_time = (names[model.facts.time].is_(None), sa.literal(model.facts.time))
        self.wrong_column = sa.case(*((is_lost, sa.literal(name)) for name, is_lost, _ in lost), no_time)
        self.wrong_value = sa.case(*((is_lost, sa.cast(value, sa.String)) for _, is_lost, value in lost))


def _own(table: str, name: str) -> expressions.Element:
    """Return a column of Salescope's own in a typed table; no expression can name it."""
    return sa.literal_column(f"{table}.{name}")


def _column(names: Mapping[str, expressions.Element], rule: str | Mapped) -> expressions.Element:
    compiler = expressions.Compiler(names)
    if isinstance(rule, str):
        return compiler.compile(rule)
    value = compiler.compile(rule.value)
    return sa.case(rule.replace, value=value, else_=value)


def _join(table: str, key: str) -> str:
    return f"LEFT JOIN {table} ON {table}.key = kept.{name_of(key)}"
