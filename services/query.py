"""SalesQuery: the one value that a filter bar, a click, a URL and a sentence all become."""

from __future__ import annotations

import datetime as dt
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, ClassVar, Self
from urllib.parse import urlencode

import orjson
import sqlalchemy as sa
from pydantic import ConfigDict, TypeAdapter, ValidationError

from services.dialects import like
from services.errors import QueryError, UnknownNameError, UserError
from services.model import TIME_PARTS, SalesModel
from services.periods import Compare, Grain, Period

ALL_DATA = Period("all")
MAX_LIMIT = 100_000
MAX_OFFSET = 10**12
MAX_VALUES = 1_000
MAX_TEXT = 500
MAX_PARAMS = 2_000
MAX_NOTICES = 10

Element = sa.ColumnElement[Any]


@dataclass(frozen=True)
class Operator:
    """A way to filter: how it reads in a sentence, how many values it takes, what SQL it becomes."""

    phrase: str
    many: bool
    build: Callable[[Element, Sequence[Any]], Element]


def _like(pattern: str) -> Callable[[Element, Sequence[Any]], Element]:
    def build(column: Element, values: Sequence[Any]) -> Element:
        escaped = str(values[0]).replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
        return like(column, pattern.format(escaped))

    return build


#: Filter operators by their name in URLs (`quantity.gt=10`); `is` needs no suffix.
OPERATORS: dict[str, Operator] = {
    "is": Operator("is", True, lambda column, values: column.in_(values)),
    "not": Operator("is not", True, lambda column, values: sa.or_(column.not_in(values), column.is_(None))),
    "contains": Operator("contains", False, _like("%{}%")),
    "starts": Operator("starts with", False, _like("{}%")),
    "gt": Operator("is more than", False, lambda column, values: column > values[0]),
    "ge": Operator("is at least", False, lambda column, values: column >= values[0]),
    "lt": Operator("is less than", False, lambda column, values: column < values[0]),
    "le": Operator("is at most", False, lambda column, values: column <= values[0]),
    "blank": Operator("is blank", False, lambda column, values: column.is_(None)),
}


@dataclass(frozen=True)
class Filter:
    """A condition on a dimension (or, for order lines, on a column)."""

    field: str
    operator: str
    values: tuple[str, ...]

    def __post_init__(self) -> None:
        if self.operator not in OPERATORS:
            raise UnknownNameError("filter operator", self.operator, OPERATORS)
        if not self.values or len(self.values) > MAX_VALUES:
            raise QueryError(f"The filter on {self.field!r} has {len(self.values)} values; allowed: 1 to {MAX_VALUES}.")
        if not OPERATORS[self.operator].many and len(self.values) > 1:
            raise QueryError(f"The filter '{self.field} {self.operator}' takes one value, not {len(self.values)}.")
        if any(len(value) > MAX_TEXT for value in self.values):
            raise QueryError(f"A value of the filter on {self.field!r} is longer than {MAX_TEXT} characters.")
        if any("\ud800" <= character <= "\udfff" for value in self.values for character in value):
            raise QueryError(f"A value of the filter on {self.field!r} is not valid Unicode text.")


@dataclass(frozen=True)
class Sort:
    """Order of the rows by a field of the answer."""

    field: str
    descending: bool = False


@dataclass(frozen=True)
class SalesQuery:
    """A question to the data, frozen and hashable.

    With `measures`: one row per combination of `dimensions` and, with a `grain`, of time bucket; `compare`
    adds a column `<measure>__before` per measure. With `columns`: the order lines themselves. `segments` are
    named row conditions of the model, `having` conditions on measures.
    """

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    measures: tuple[str, ...] = ()
    dimensions: tuple[str, ...] = ()
    grain: Grain | None = None
    period: Period = ALL_DATA
    filters: tuple[Filter, ...] = ()
    segments: tuple[str, ...] = ()
    having: tuple[Filter, ...] = ()
    compare: Compare = Compare.NONE
    columns: tuple[str, ...] = ()
    sort: tuple[Sort, ...] = ()
    limit: int | None = None
    offset: int = 0

    def __post_init__(self) -> None:
        if bool(self.measures) == bool(self.columns):
            raise QueryError("A query asks either for measures or for columns of the order lines.")
        if self.columns and (self.dimensions or self.grain or self.having or self.compare is not Compare.NONE):
            raise QueryError("Order lines take filters, a period and an order, but no breakdown or comparison.")
        for name in ("measures", "dimensions", "columns", "segments"):
            values = getattr(self, name)
            if len(set(values)) != len(values):
                raise QueryError(f"{name} names something twice: {', '.join(values)}.")
        if self.limit is not None and not 1 <= self.limit <= MAX_LIMIT:
            raise QueryError(f"The limit is {self.limit}; allowed: 1 to {MAX_LIMIT}.")
        if not 0 <= self.offset <= MAX_OFFSET:
            raise QueryError(f"The offset is {self.offset}; allowed: 0 to {MAX_OFFSET}.")

    def check(self, model: SalesModel) -> Self:
        """Return the query when every name in it exists in the model; raises UnknownNameError otherwise."""
        for measure in self.measures:
            model.measure(measure)
        for dimension in self.dimensions:
            if dimension not in TIME_PARTS:
                model.dimension(dimension)
        for segment in self.segments:
            if segment not in model.segments:
                raise UnknownNameError("segment", segment, model.segments)
        for column in self.columns:
            _known("column", column, model.facts.columns)
        filterable = {**model.dimensions, **TIME_PARTS, **(model.facts.columns if self.columns else {})}
        for condition in self.filters:
            _known("filter", condition.field, filterable)
        for condition in self.having:
            _known("measure of the query", condition.field, self.measures)
        for sort in self.sort:
            _known("sort field", sort.field, self.sortable)
        return self

    @property
    def fields(self) -> tuple[str, ...]:
        """Names of the answer's columns, in order (labels and codes of dimensions left out)."""
        if self.columns:
            return self.columns
        time = ("time",) if self.grain else ()
        before = tuple(f"{name}__before" for name in self.measures) if self.compare is not Compare.NONE else ()
        return (*time, *self.dimensions, *self.measures, *before)

    @property
    def sortable(self) -> tuple[str, ...]:
        """What the rows may be ordered by: the fields, and how much or at what rate a compared measure changed."""
        compared = self.measures if self.compare is not Compare.NONE else ()
        return (*self.fields, *(f"{name}__{how}" for how in ("change", "growth") for name in compared))

    def filtered(self, name: str) -> bool:
        """Tell whether the query filters this dimension itself."""
        return any(condition.field == name for condition in self.filters)

    def chosen(self, name: str) -> tuple[str, ...]:
        """Return the values a menu of this dimension shows as chosen."""
        return tuple(v for each in self.filters if (each.field, each.operator) == (name, "is") for v in each.values)

    def to_json(self) -> bytes:
        """Return the query as canonical JSON; `from_json` reads it back."""
        return orjson.dumps(self, option=orjson.OPT_SORT_KEYS)

    @classmethod
    def from_json(cls, text: bytes | str) -> SalesQuery:
        """Return the query that `to_json` wrote; raises QueryError for anything else."""
        try:
            return _reader().validate_json(text, strict=True)
        except ValidationError as error:
            first = error.errors(include_url=False, include_context=False)[0]
            place = ".".join(map(str, first["loc"]))
            raise QueryError(f"This is not a query: {place}: {first['msg']}, found {first['input']!r}.") from None
        except UserError as error:
            raise QueryError(f"This is not a query: {error}") from None


@lru_cache(maxsize=1)
def _reader() -> TypeAdapter[SalesQuery]:
    return TypeAdapter(SalesQuery)


def _known(kind: str, name: str, allowed: Iterable[str]) -> None:
    if name not in (names := tuple(allowed)):
        raise UnknownNameError(kind, name, names)


Params = Sequence[tuple[str, str]]
#: Parameters that list names, and the field of the query each fills.
_BREAKDOWN = {"measure": "measures", "by": "dimensions", "segment": "segments"}
#: What a page calls parameters that are its own: its key, a hyphen, a name.
OWN = re.compile(r"[a-z]+-[a-z_]+")
#: Parameters that say how measures are looked at.
LOOKS = (*_BREAKDOWN, "grain")


def to_params(query: SalesQuery, default: SalesQuery | None = None) -> list[tuple[str, str]]:
    """Return the URL parameters that turn the page's `default` query into `query`.

    Without a `default` everything is written, so that the parameters mean the same on every page. What is written:
    period, comparison, measures, breakdown (`by`), grain, segments, filters, sort. Further filters of the same field
    and operator are numbered: `product.contains=red&product.contains.2=bag`.
    """
    params: list[tuple[str, str]] = []
    if default is None or query.period != default.period:
        if query.period.preset is not None:
            params.append(("period", query.period.preset))
        else:
            params += [("from", str(query.period.first)), ("to", str(query.period.last))]
    if default is None or query.compare != default.compare:
        params.append(("compare", query.compare.value))
    for key, name in _BREAKDOWN.items():
        if (given := getattr(query, name)) != (getattr(default, name) if default else ()):
            params += [(key, value) for value in given or ("",)]
    if query.grain != (default.grain if default else None):
        params.append(("grain", query.grain.value if query.grain else ""))
    alike: Counter[str] = Counter()
    for condition in query.filters:
        key = condition.field if condition.operator == "is" else f"{condition.field}.{condition.operator}"
        alike[key] += 1
        if alike[key] > 1:
            key = f"{condition.field}.{condition.operator}.{alike[key]}"
        params += [(key, value) for value in condition.values]
    if query.sort != (default.sort if default else ()):
        params += [("sort", f"{'-' if sort.descending else ''}{sort.field}") for sort in query.sort] or [("sort", "")]
    return params


def to_search(query: SalesQuery, default: SalesQuery) -> str:
    """Return `to_params` as the search part of a URL, `?` included; empty when nothing differs."""
    params = to_params(query, default)
    return f"?{urlencode(params)}" if params else ""


def from_params(params: Params, default: SalesQuery, model: SalesModel) -> tuple[SalesQuery, tuple[str, ...]]:
    """Return the query that URL parameters make of the page's `default`, and a notice per parameter not used.

    Never raises: what is unknown or malformed is left out and said. Parameters named like
    `trends-average=7` are a page's own and left to it; what breaks measures down means nothing to order lines.
    """
    if len(params) > MAX_PARAMS:
        return default, (f"The address has {len(params)} parameters; allowed: {MAX_PARAMS}. All were ignored.",)
    grouped: dict[str, list[str]] = {}
    skipped = LOOKS if default.columns else ()
    for key, value in params:
        if not OWN.fullmatch(key) and key not in skipped:
            grouped.setdefault(key, []).append(value)
    query, notices = default, list[str]()
    for name, keys, read in _READERS:
        values = {key: grouped.pop(key) for key in keys if key in grouped}
        if values:
            query, problem = _attempt(read, query, values, model)
            notices += [f"{name} was left as it was: {problem}"] if problem else []
    for key, found in grouped.items():
        query, problem = _attempt(_read_filter, query, {key: found}, model)
        notices += [f"{key[:80]}={', '.join(found)[:80]} was ignored: {problem[:500]}"] if problem else []
    more = len(notices) - MAX_NOTICES
    return query, (*notices[:MAX_NOTICES], *([f"{more} more parameters were ignored."] if more > 0 else []))


Values = Mapping[str, list[str]]
Reader = Callable[[SalesQuery, Values], SalesQuery]


def _attempt(read: Reader, query: SalesQuery, values: Values, model: SalesModel) -> tuple[SalesQuery, str]:
    try:
        return read(query, values).check(model), ""
    except UserError as error:
        return query, str(error)
    except ValueError as error:
        return query, f"{error}."


def _single(values: Values) -> None:
    for key, found in values.items():
        if len(found) > 1:
            raise QueryError(f"{key} is given {len(found)} times; give it once.")


def _read_period(query: SalesQuery, values: Values) -> SalesQuery:
    _single(values)
    if "period" in values and len(values) > 1:
        raise QueryError("A period is a name or two dates, not both.")
    if "from" in values or "to" in values:
        return replace(query, period=Period(first=_read_date(values, "from"), last=_read_date(values, "to")))
    return replace(query, period=Period(values["period"][0]))


def _read_date(values: Values, key: str) -> dt.date | None:
    if key not in values:
        return None
    try:
        return dt.date.fromisoformat(values[key][0])
    except ValueError:
        text = f"{key}={values[key][0][:40]} is no date of the calendar; write one as 2011-12-31."
        raise QueryError(text) from None


def _read_compare(query: SalesQuery, values: Values) -> SalesQuery:
    _single(values)
    asked = values["compare"][0]
    if asked not in list(Compare):
        raise UnknownNameError("comparison", asked, Compare)
    return replace(query, compare=Compare(asked))


def _read_breakdown(query: SalesQuery, values: Values) -> SalesQuery:
    ((key, found),) = values.items()
    changes: dict[str, Any] = {_BREAKDOWN[key]: tuple(dict.fromkeys(filter(None, found)))}
    changed = replace(query, **changes)
    return replace(changed, sort=tuple(sort for sort in changed.sort if sort.field in changed.fields))


def _read_grain(query: SalesQuery, values: Values) -> SalesQuery:
    _single(values)
    asked = values["grain"][0]
    if asked and asked not in list(Grain):
        raise UnknownNameError("time grain", asked, Grain)
    return replace(query, grain=Grain(asked) if asked else None)


def _read_sort(query: SalesQuery, values: Values) -> SalesQuery:
    sorts = tuple(Sort(value.removeprefix("-"), value.startswith("-")) for value in values["sort"] if value)
    return replace(query, sort=sorts)


_READERS: tuple[tuple[str, tuple[str, ...], Reader], ...] = (
    ("The period", ("period", "from", "to"), _read_period),
    ("The comparison", ("compare",), _read_compare),
    ("The measure", ("measure",), _read_breakdown),
    ("The breakdown", ("by",), _read_breakdown),
    ("The segment", ("segment",), _read_breakdown),
    ("The time grain", ("grain",), _read_grain),
    ("The order", ("sort",), _read_sort),
)


def _read_filter(query: SalesQuery, values: Values) -> SalesQuery:
    ((key, found),) = values.items()
    field, operator, *_ = (*key.split("."), "is")
    condition = Filter(field, operator, tuple(dict.fromkeys(found)))
    return replace(query, filters=(*query.filters, condition))
