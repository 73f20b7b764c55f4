"""The loading recipe: how the columns of some files become the facts of a model. One YAML file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from services import expressions, yamlfile
from services.errors import ExpressionError
from services.model import ColumnType, Name
from services.yamlfile import Definition, Location, Problem


class Reading(Definition):
    """How a file is read; what is not said is found by looking at it.

    `header` is the number of the row that names the columns, counted from 1; 0 means that none does. An empty
    `quote` means that quotes are ordinary characters.
    """

    format: Literal["csv", "excel", "parquet", "jsonl"] | None = None
    encoding: str | None = None
    delimiter: Annotated[str, StringConstraints(min_length=1, max_length=1)] | None = None
    quote: Annotated[str, StringConstraints(max_length=1)] | None = None
    header: Annotated[int, Field(ge=0)] | None = None
    sheet: str | None = None


class Typing(Definition):
    """How the texts of a source column become values.

    `formats` of a time are those of strptime, or `year`, `quarter`, `week`, `excel` (days since 1899-12-30), tried in
    this order. `missing` lists texts that mean "no value", beside the empty text. `percent` divides by 100.
    """

    type: ColumnType = ColumnType.TEXT
    formats: tuple[str, ...] = ()
    decimal: Literal[".", ","] = "."
    thousands: Literal["", ",", ".", " ", "'"] = ""
    percent: bool = False
    missing: tuple[str, ...] = ()


class Source(Definition):
    """A file, relative to the recipe, or a table of a database, and the rows of it that are wanted."""

    file: str | None = None
    table: str | None = None
    where: str | None = None

    def problems(self) -> Iterator[Problem]:
        """Yield a source that names both or neither."""
        if (self.file is None) == (self.table is None):
            yield Problem((), "a source names a file or a table, one of the two.")


class Table(Definition):
    """Sources with the same columns, stacked.

    `fields` lists the columns the sources have and how their texts become values. Where it is given, sources with
    other columns are refused; where it is empty, the sources' own types are taken.
    """

    sources: Annotated[tuple[Source, ...], Field(min_length=1)]
    read: Reading = Reading()
    fields: dict[str, Typing] = {}


class Lookup(Table):
    """A table with at most one row per key, joined to the facts.

    `by` gives each key column of the table the expression it is found by. Expressions below name its columns
    `lookup.column`.
    """

    by: Annotated[dict[str, str], Field(min_length=1)]


class Mapped(Definition):
    """A column computed by `value`, some of whose values are then replaced."""

    value: str
    replace: dict[str, str]


class MostFrequent(Definition):
    """For each value of the column `per`: the most frequent `value` among rows that meet `where`.

    Ties go to the first in alphabetical order. Where no row qualifies, the column `otherwise` is taken.
    """

    value: Name
    per: Name
    where: str
    otherwise: Name


class Recipe(Table):
    """How to load some files or tables into a model's facts.

    `lookups` join further tables, in their order; `leave_out` gives each reason to leave a row out its condition;
    `let` names helper expressions over the source columns; `columns` gives each facts column an expression over
    source columns, helpers and columns above it; `country_codes` fills ISO codes from country names; `key` lists
    the facts columns that tell which older lines a line replaces, for loads that replace.
    `scopes` proposes row scopes for the roles of a demonstration.
    """

    recipe: Literal[1]
    name: Name
    model: str
    lookups: dict[Name, Lookup] = {}
    leave_out: dict[str, str] = {}
    key: tuple[Name, ...] = ()
    let: dict[Name, str] = {}
    columns: dict[Name, str | Mapped]
    most_frequent: dict[Name, MostFrequent] = {}
    country_codes: dict[Name, Name] = {}
    scopes: dict[str, dict[Name, tuple[str, ...]]] = {}

    @property
    def tables(self) -> dict[str, Table]:
        """The table of the facts, under "", and the lookups."""
        return {"": self, **self.lookups}

    def problems(self) -> Iterator[Problem]:
        """Yield expressions that are none, columns that two sections define, and sources that name nothing."""
        yield from self._expression_problems()
        for name, table in self.tables.items():
            for number, source in enumerate(table.sources):
                for problem in source.problems():
                    where: Location = ("lookups", name) if name else ()
                    yield Problem((*where, "sources", number), problem.message)
        sections = ("let", "columns", "most_frequent", "country_codes")
        seen: dict[str, str] = {}
        for section in sections:
            for name in getattr(self, section):
                if name in seen:
                    yield Problem((section, name), f"{name!r} is already defined under {seen[name]!r}.")
                seen[name] = section

    def _expression_problems(self) -> Iterator[Problem]:
        rules = {name: rule if isinstance(rule, str) else rule.value for name, rule in self.columns.items()}
        wheres = {number: source.where for number, source in enumerate(self.sources) if source.where}
        written: list[tuple[Location, str]] = [
            *((("sources", number, "where"), text) for number, text in wheres.items()),
            *((("leave_out", reason), text) for reason, text in self.leave_out.items()),
            *(
                (("lookups", name, "by", key), text)
                for name, each in self.lookups.items()
                for key, text in each.by.items()
            ),
            *((("let", name), text) for name, text in self.let.items()),
            *((("columns", name), text) for name, text in rules.items()),
            *((("most_frequent", name, "where"), rule.where) for name, rule in self.most_frequent.items()),
        ]
        for location, text in written:
            try:
                expressions.parse(text)
            except ExpressionError as error:
                yield Problem(location, str(error))


def read_recipe(path: Path) -> Recipe:
    """Return the recipe in a YAML file; raises DefinitionError with file and line."""
    return yamlfile.read(path, Recipe)
