"""The semantic model: what a data set's columns, measures and dimensions are called and mean.

One YAML file. Menus, axis titles, the vocabulary of questions and the SQL all read it.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import sqlalchemy as sa
from babel import Locale, UnknownLocaleError
from pydantic import Field, StringConstraints

from services import expressions, yamlfile
from services.errors import SalescopeError, UnknownNameError
from services.measures import MeasurePlan
from services.periods import PRESETS, Compare
from services.place import facts_of
from services.yamlfile import Definition, Problem

T = TypeVar("T")
Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,62}$")]
#: Names a dimension or measure may not take: pages use them in their URL, or answers as columns.
RESERVED = frozenset(
    {"period", "from", "to", "compare", "grain", "by", "sort", "limit", "offset", "measure", "segment"}
    | {"time", "rows", "all_rows"}
)
#: Columns of aggregates inside a statement.
INNER = re.compile(r"a\d+")
#: Tables a snapshot has of its own.
OWN_TABLES = frozenset({"batches", "coverage", "images", "loads", "rollups", "stage"})
#: Dimensions every model has: parts of the time column.
TIME_PARTS = {"weekday": "Weekday", "hour": "Hour"}


class ColumnType(StrEnum):
    """Type of a facts column."""

    TEXT = "text"
    TIME = "time"
    INTEGER = "integer"
    NUMBER = "number"
    MONEY = "money"


SQL_TYPES: Mapping[ColumnType, sa.types.TypeEngine[Any]] = {
    ColumnType.TEXT: sa.String(),
    ColumnType.TIME: sa.DateTime(),
    ColumnType.INTEGER: sa.BigInteger(),
    ColumnType.NUMBER: sa.Double(),
    ColumnType.MONEY: sa.Numeric(18, 4),
}


class Role(StrEnum):
    """What a dimension is to a sales organisation; pages find their columns by it."""

    CUSTOMER = "customer"
    PRODUCT = "product"
    PRODUCT_TYPE = "product_type"
    COUNTRY = "country"
    CHANNEL = "channel"
    ORDER = "order"


class Format(StrEnum):
    """How a measure's values are written."""

    CURRENCY = "currency"
    INTEGER = "integer"
    NUMBER = "number"
    PERCENT = "percent"


class Column(Definition):
    """A column of the facts table."""

    type: ColumnType
    label: str


class Origin(Definition):
    """A table or view of a database, and the types its columns are taken as."""

    table: str
    in_schema: str = "public"
    fields: Annotated[dict[str, ColumnType], Field(min_length=1)]


class Joined(Origin):
    """A table with at most one row per key; `by` gives each key column the expression it is found by."""

    by: Annotated[dict[str, str], Field(min_length=1)]


class Translated(Definition):
    """A column computed by `value`, some of whose values are replaced; `only` drops those that are not listed."""

    value: str
    replace: dict[str, str]
    only: bool = False


class Place(Origin):
    """Where the facts are when they stay in a database: one row of `table` per order line.

    `joins` add further tables, whose columns are called `join.column`; `leave_out` gives each reason to leave a row
    out its condition; `let` names helpers; `columns` gives each facts column an expression over all of these; `key`
    lists the columns of `table` that tell its rows apart.
    """

    key: tuple[str, ...] = ()
    joins: dict[Name, Joined] = {}
    leave_out: dict[str, str] = {}
    where: str | None = None
    let: dict[Name, str] = {}
    columns: dict[Name, str | Translated]


class Facts(Definition):
    """The facts table: one row per order line. With a `place` it is a database's own, used where it is."""

    table: Name = "facts"
    time: Name
    key: Name = "line_id"
    columns: dict[Name, Column]
    place: Place | None = None


class Measure(Definition):
    """A number people ask for.

    `expression` aggregates columns (`sum(revenue)`) or combines other measures (`revenue / orders`); `where`
    names the segment whose rows count. `alias` is its name in the neutral form of questions, where that differs.
    """

    label: str
    expression: str
    where: Name | None = None
    format: Format = Format.NUMBER
    up_is_good: bool = True
    description: str = ""
    synonyms: tuple[str, ...] = ()
    alias: Name | None = None


class Dimension(Definition):
    """Something to break a measure down by or filter on.

    `column` holds the key; `label_column` what people read instead of it; `code_column` the ISO 3166 alpha-3
    code that a map needs. `hide` lists values left out unless a query filters this dimension itself;
    `rank_within` names the segment in which its rankings are made; `within` names the dimension one step up, as of
    products within product types. `alias` is its name in the neutral form of questions; `spelled` gives values that
    loading renamed as their source spells them.
    """

    label: str
    plural: str
    column: Name
    label_column: Name | None = None
    code_column: Name | None = None
    role: Role | None = None
    hide: tuple[str, ...] = ()
    rank_within: Name | None = None
    within: Name | None = None
    description: str = ""
    synonyms: tuple[str, ...] = ()
    alias: Name | None = None
    spelled: dict[str, str] = {}


class Segment(Definition):
    """A named condition on the rows of the facts table."""

    label: str
    condition: str
    description: str = ""


class Calendar(Definition):
    """How dates fall into periods. `fiscal_start` is the month the fiscal year begins in.

    With `weeks` months and years are whole weeks, as retailers count: services/calendars.py.
    """

    week_start: Literal["monday", "sunday"] = "monday"
    fiscal_start: Annotated[int, Field(ge=1, le=12)] = 1
    weeks: Literal["4-4-5", "4-5-4", "5-4-4"] | None = None


class Overview(Definition):
    """What the first page shows: the measures of the tiles; the first is the one every chart starts with."""

    measures: Annotated[tuple[Name, ...], Field(min_length=1, max_length=8)]
    period: str = "ytd"
    compare: Compare = Compare.YEAR


class SalesModel(Definition):
    """A data set described for sales people; see the module's docstring.

    `rollups` bounds the rows of the small tables made beside the facts, as a share of the facts' rows; 0 makes none.
    What of them is kept in memory takes at most this share of the bytes of the facts, or 150 MB where that is more.
    """

    model: Literal[1]
    name: Name
    title: str
    description: str = ""
    attribution: str = ""
    currency: Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")] = "USD"
    locale: str = "en_GB"
    today: Literal["data", "clock"] = "clock"
    rollups: Annotated[float, Field(ge=0, le=10)] = 0.25
    calendar: Calendar = Calendar()
    facts: Facts
    segments: dict[Name, Segment] = {}
    dimensions: dict[Name, Dimension]
    measures: dict[Name, Measure]
    filters: tuple[Name, ...] = ()
    lines: tuple[Name, ...] = ()
    overview: Overview

    @cached_property
    def version(self) -> str:
        """A digest of everything in the model; part of every cache key."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()[:16]

    @cached_property
    def table(self) -> sa.FromClause:
        """The facts table with its typed columns."""
        facts, types = self.facts, {name: SQL_TYPES[column.type] for name, column in self.facts.columns.items()}
        if facts.place is not None:
            return facts_of(facts.place, facts.table, facts.key, types, SQL_TYPES)
        return sa.table(facts.table, *(sa.column(name, kind) for name, kind in types.items()))

    @cached_property
    def plans(self) -> dict[tuple[str, ...], MeasurePlan]:
        """Plans of measures asked for before; see `measure_plan`."""
        return {}

    @property
    def row_compiler(self) -> expressions.Compiler:
        """Compiles expressions over the facts columns."""
        return expressions.Compiler(names=dict(self.table.c))

    def measure(self, name: str) -> Measure:
        """Return the measure called `name`; raises UnknownNameError with near matches."""
        return _find("measure", name, self.measures)

    def dimension(self, name: str) -> Dimension:
        """Return the dimension called `name`; raises UnknownNameError with near matches."""
        return _find("dimension", name, self.dimensions)

    def by_role(self, role: Role) -> str | None:
        """Return the name of the first dimension with this role, or None when the data has none."""
        return next((name for name, dimension in self.dimensions.items() if dimension.role is role), None)

    def problems(self) -> Iterator[Problem]:
        """Yield references to names that do not exist and expressions that do not compile."""
        broken = [*self._fact_problems(), *self._place_problems()]
        if broken:
            yield from broken
            return
        yield from self._dimension_problems()
        yield from self._expression_problems()
        for key, names, allowed in (
            ("filters", self.filters, self.dimensions),
            ("lines", self.lines, self.facts.columns),
        ):
            yield from _missing((key,), key.rstrip("s"), names, allowed)
        yield from _missing(("overview", "measures"), "measure", self.overview.measures, self.measures)
        yield from _missing(("overview", "period"), "period", (self.overview.period,), PRESETS)
        try:
            Locale.parse(self.locale)
        except (ValueError, UnknownLocaleError) as error:
            yield Problem(("locale",), f"found {self.locale!r}; write it like en_GB ({error}).")

    def _place_problems(self) -> Iterator[Problem]:
        try:
            _ = self.table
        except SalescopeError as error:
            yield Problem(("facts", "place"), str(error))

    def _fact_problems(self) -> Iterator[Problem]:
        if self.facts.table in OWN_TABLES:
            yield Problem(("facts", "table"), f"the name {self.facts.table!r} is taken by Salescope itself.")
        for field, wanted in (("time", ColumnType.TIME), ("key", ColumnType.INTEGER)):
            name = getattr(self.facts, field)
            yield from _missing(("facts", field), "column", (name,), self.facts.columns)
            column = self.facts.columns.get(name)
            if column and column.type is not wanted:
                yield Problem(("facts", field), f"found column {name!r} of type {column.type}; it must be {wanted}.")

    def _dimension_problems(self) -> Iterator[Problem]:
        for name, dimension in self.dimensions.items():
            where = ("dimensions", name)
            yield from _taken(where, name, {})
            for field in ("column", "label_column", "code_column"):
                value = getattr(dimension, field)
                if value is not None:
                    yield from _missing((*where, field), "column", (value,), self.facts.columns)
            if dimension.within is not None:
                others = {other: each for other, each in self.dimensions.items() if other != name}
                yield from _missing((*where, "within"), "dimension", (dimension.within,), others)
            if dimension.rank_within is not None:
                yield from _missing((*where, "rank_within"), "segment", (dimension.rank_within,), self.segments)

    def _expression_problems(self) -> Iterator[Problem]:
        for name, segment in self.segments.items():
            try:
                condition = self.row_compiler.compile(segment.condition)
            except SalescopeError as error:
                yield Problem(("segments", name, "condition"), str(error))
                continue
            if not isinstance(condition.type, sa.Boolean):
                words = f"{segment.condition!r} is not a condition; write a comparison such as quantity > 0."
                yield Problem(("segments", name, "condition"), words)
        for name, measure in self.measures.items():
            yield from _taken(("measures", name), name, self.dimensions)
            if measure.where is not None:
                yield from _missing(("measures", name, "where"), "segment", (measure.where,), self.segments)
            try:
                MeasurePlan(self, (name,))
            except SalescopeError as error:
                yield Problem(("measures", name, "expression"), str(error))


def _find(kind: str, name: str, rows: Mapping[str, T]) -> T:
    if name not in rows:
        raise UnknownNameError(kind, name, rows)
    return rows[name]


def _taken(where: tuple[str, ...], name: str, others: Mapping[str, object]) -> Iterator[Problem]:
    if name in RESERVED or name in TIME_PARTS or INNER.fullmatch(name):
        yield Problem(where, f"the name {name!r} is taken by Salescope itself; choose another.")
    elif name in others:
        yield Problem(where, f"the name {name!r} is taken by a dimension; choose another.")


def _missing(
    location: tuple[str, ...], kind: str, names: tuple[str, ...], allowed: Mapping[str, object]
) -> Iterator[Problem]:
    for name in names:
        if name not in allowed:
            yield Problem(location, str(UnknownNameError(kind, name, allowed)))


#: What an installation without data serves: pages say that there are none.
EMPTY = SalesModel(
    model=1,
    name="no_data",
    title="No data yet",
    facts=Facts(
        time="at",
        columns={
            "line_id": Column(type=ColumnType.INTEGER, label="Line"),
            "at": Column(type=ColumnType.TIME, label="Time"),
        },
    ),
    dimensions={},
    measures={"lines": Measure(label="Lines", expression="count()", format=Format.INTEGER)},
    overview=Overview(measures=("lines",)),
)


def read_model(path: Path) -> SalesModel:
    """Return the model in a YAML file.

    Raises DefinitionError with file, line, what was found and what is allowed.
    """
    return yamlfile.read(path, SalesModel)
