"""What a person can ask next about a number they see: pure functions of the query behind it and where it stands.

A mark is a bar, a cell, a row or a key figure: a measure and the values of dimensions (or the time bucket) it stands
for. Every entry is an address, so that drilling changes nothing that is saved, Back undoes it, and it can be sent on.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from urllib.parse import urlencode

from services import buckets, formats
from services.errors import QueryError
from services.model import TIME_PARTS, Calendar, Role, SalesModel
from services.periods import DAY, Compare, Grain, Period, Range
from services.query import LOOKS, MAX_VALUES, Filter, SalesQuery, to_params
from services.trail import Places, address, here, plural

#: Coarse to fine.
HIERARCHY = (Grain.YEAR, Grain.QUARTER, Grain.MONTH, Grain.WEEK, Grain.DAY)
MAX_LABEL = 120
MAX_BREAKDOWNS = 6
#: Roles whose values are too many, or mean too little, to be offered before the others.
_LAST = (Role.ORDER, Role.CUSTOMER)


class Group(StrEnum):
    """The headings of the menu, in its order."""

    CLOSER = "Look closer"
    KEEP = "Filter"
    SPLIT = "Break down by"
    COMPARE = "Compare"
    SEE = "See more"


@dataclass(frozen=True)
class Mark:
    """What was clicked: the measure, (field, value) pairs, and what the mark is called on screen.

    A field is a dimension, a part of the time, or `time` with the first day of its bucket; None is a blank value.
    """

    measure: str
    at: tuple[tuple[str, str | None], ...] = ()
    label: str = ""

    @classmethod
    def read(cls, found: object) -> Mark:
        """Return the mark that a browser sent; raises QueryError for anything else."""
        try:
            if not isinstance(found, Mapping):
                raise TypeError
            at = tuple((str(field), None if value is None else str(value)) for field, value in found["at"])
            return cls(str(found["measure"]), at, str(found.get("label") or "")[:MAX_LABEL])
        except (KeyError, TypeError, ValueError):
            raise QueryError(f"This is not a mark of a chart: {str(found)[:200]}.") from None

    @property
    def time(self) -> dt.date | None:
        """The first day of the bucket, None for marks without time."""
        text = dict(self.at).get("time")
        return dt.date.fromisoformat(text[:10]) if text else None

    @property
    def values(self) -> tuple[tuple[str, str | None], ...]:
        """The pairs that are no time bucket."""
        return tuple((field, value) for field, value in self.at if field != "time")


@dataclass(frozen=True)
class Entry:
    """A line of the menu: where it stands, what it says, where it leads."""

    group: Group
    text: str
    href: str


def entries(model: SalesModel, query: SalesQuery, mark: Mark, asked: Range, places: Places) -> tuple[Entry, ...]:
    """Return what can be asked about a mark of the answer to `query`, whose period is `asked`.

    Raises UserError for a mark that is not of this query.
    """
    _check(model, query, mark)
    narrowed = _narrowed(model, query, mark, asked)
    makers = (_closer, _keep, _split, _compare, _see)
    return tuple(entry for make in makers for entry in make(model, query, narrowed, mark, asked, places))


def title(model: SalesModel, mark: Mark) -> str:
    """Return what the menu is about, such as `Revenue · France`."""
    return " · ".join(filter(None, (model.measure(mark.measure).label, mark.label)))


def _check(model: SalesModel, query: SalesQuery, mark: Mark) -> None:
    query.check(model)
    model.measure(mark.measure)
    allowed = {*query.dimensions, *(("time",) if query.grain else ())}
    for field, value in mark.at:
        if field not in allowed:
            raise QueryError(f"The mark names {field!r}; the chart has {', '.join(sorted(allowed)) or 'only totals'}.")
        if field == "time" and value is None:
            raise QueryError("The mark has no date.")
    try:
        _ = mark.time
    except ValueError as error:
        raise QueryError(f"The mark's date cannot be read: {error}.") from None


def bucket_range(start: dt.date, grain: Grain, within: Range, calendar: Calendar) -> Period:
    """Return the part of a time bucket that lies in `within`, as a period."""
    try:
        end = buckets.after(start, grain, calendar)
    except (ValueError, OverflowError):
        raise QueryError(f"There is no {grain.value} from {start} on.") from None
    last_asked = (within.end - dt.timedelta(seconds=1)).date()
    first, last = max(start, within.start.date()), min(end - DAY, last_asked)
    return Period(first=first, last=max(first, last))


def together(model: SalesModel, query: SalesQuery, marks: Sequence[Mark], within: Range) -> SalesQuery:
    """Return the query kept to several marks: to the values they name, and from the first to the last of their time.

    Blanks count only where all are blank. Raises QueryError without marks, and for marks that are not of this query.
    """
    if not 0 < len(marks) <= MAX_VALUES:
        raise QueryError(f"{len(marks)} marks were selected; allowed: 1 to {MAX_VALUES}.")
    values: dict[str, dict[str | None, None]] = {}
    for mark in marks:
        _check(model, query, mark)
        for field, value in mark.values:
            values.setdefault(field, {})[value] = None
    spans = [
        bucket_range(mark.time, query.grain, within, model.calendar)
        for mark in marks
        if mark.time is not None and query.grain
    ]
    days = [day for each in spans for day in (each.first, each.last) if day is not None]
    kept = replace(query, grain=None, sort=(), period=Period(first=min(days), last=max(days)) if days else query.period)
    for field, found in values.items():
        named = tuple(value for value in found if value is not None)
        others = tuple(each for each in kept.filters if each.field != field)
        kept = replace(kept, filters=(*others, Filter(field, "is", named))) if named else filtered(kept, field, None)
    return kept


def filtered(query: SalesQuery, field: str, value: str | None, *, keep: bool = True) -> SalesQuery:
    """Return the query that keeps to a value of a dimension, or without it."""
    if value is None:
        blank = Filter(field, "blank", ("",))
        return replace(query, filters=(*(each for each in query.filters if each.field != field), blank))
    if keep:
        others = tuple(each for each in query.filters if each.field != field)
        return replace(query, filters=(*others, Filter(field, "is", (value,))))
    known = [each for each in query.filters if (each.field, each.operator) == (field, "not")]
    values = dict.fromkeys((*(value for each in known for value in each.values), value))
    others = tuple(each for each in query.filters if each not in known)
    return replace(query, filters=(*others, Filter(field, "not", tuple(values))))


def _narrowed(model: SalesModel, query: SalesQuery, mark: Mark, asked: Range) -> SalesQuery:
    """Return the page's question kept to the mark alone."""
    narrowed = replace(query, measures=(mark.measure,), dimensions=(), grain=None, having=(), sort=(), limit=None)
    narrowed = replace(narrowed, offset=0)
    if mark.time is not None and query.grain is not None:
        narrowed = replace(narrowed, period=bucket_range(mark.time, query.grain, asked, model.calendar))
    for field, value in mark.values:
        narrowed = filtered(narrowed, field, value)
    return narrowed


def _closer(
    model: SalesModel, query: SalesQuery, narrowed: SalesQuery, mark: Mark, asked: Range, places: Places
) -> Iterator[Entry]:
    if mark.time is not None and query.grain is not None:
        for grain in HIERARCHY[HIERARCHY.index(query.grain) + 1 :]:
            yield Entry(Group.CLOSER, f"{mark.label} by {grain.value}", here(places, narrowed, grain=grain))
    else:
        for grain in _fitting(asked):
            target = places.explore or places.overview
            yield Entry(Group.CLOSER, f"By {grain.value}", address(target, replace(narrowed, grain=grain)))
    for field, _ in mark.values:
        for child in children(model, field):
            word = model.dimension(child).plural.lower()
            text = f"{model.dimensions[child].plural} in {mark.label}" if mark.label else f"Its {word}"
            yield Entry(Group.CLOSER, text, _split_to(narrowed, child, places))


def _fitting(asked: Range) -> Iterable[Grain]:
    """Return the grains that cut a period into a readable number of buckets."""
    days = {Grain.YEAR: 366, Grain.QUARTER: 92, Grain.MONTH: 31, Grain.WEEK: 7, Grain.DAY: 1}
    return [grain for grain in HIERARCHY if 2 <= asked.days / days[grain] <= 60][:2]


def children(model: SalesModel, dimension: str) -> list[str]:
    """Return the dimensions whose values lie within the values of this one, such as the products of a product type."""
    return [name for name, each in model.dimensions.items() if each.within == dimension]


def _keep(
    model: SalesModel, query: SalesQuery, narrowed: SalesQuery, mark: Mark, _asked: Range, places: Places
) -> Iterator[Entry]:
    base = replace(query, grain=None)
    valued = base
    for field, value in mark.values:
        valued = filtered(valued, field, value)
    if mark.at:
        yield Entry(Group.KEEP, f"Only {mark.label}", here(places, replace(valued, period=narrowed.period)))
    if mark.time is not None and mark.values:
        time, rest = _named(model, query, mark, mark.time)
        yield Entry(Group.KEEP, f"Only {time}", here(places, replace(base, period=narrowed.period)))
        yield Entry(Group.KEEP, f"Only {rest}", here(places, valued))
    if len(mark.values) == 1 and mark.values[0][1] is not None:
        ((field, value),) = mark.values
        if not _alone(query, field):
            name = _named(model, query, mark, mark.time)[1] if mark.time is not None else mark.label
            yield Entry(Group.KEEP, f"Without {name}", here(places, filtered(base, field, value, keep=False)))
    for field in dict.fromkeys(each.field for each in query.filters):
        without = replace(base, filters=tuple(each for each in query.filters if each.field != field))
        yield Entry(Group.KEEP, f"All {plural(model, field)} again", here(places, without))


def _named(model: SalesModel, query: SalesQuery, mark: Mark, time: dt.date) -> tuple[str, str]:
    """Return what the time of a mark is called, and what its values are: the rest of what the mark is called."""
    name = formats.bucket(time, query.grain, model)
    rest = mark.label.removeprefix(f"{name} · ").removesuffix(f" · {name}")
    if rest == mark.label:
        rest = ", ".join("(not given)" if value is None else value for _, value in mark.values)
    return name, rest


def _alone(query: SalesQuery, field: str) -> bool:
    """Tell whether the query is kept to one value of a dimension: without it nothing would be left."""
    return len(query.chosen(field)) == 1


def breakdowns(model: SalesModel, query: SalesQuery, taken: Iterable[str] = ()) -> list[str]:
    """Return the dimensions that a query can sensibly be broken down by, the most telling first."""
    skipped = {
        *taken,
        *(name for name in query.dimensions),
        *(name for name in model.dimensions if _alone(query, name)),
    }
    names = [*model.filters, *model.dimensions]
    ordered = sorted(dict.fromkeys(names), key=lambda name: model.dimensions[name].role in _LAST)
    return [name for name in ordered if name not in skipped and model.dimensions[name].role is not Role.ORDER]


def _split(
    model: SalesModel, query: SalesQuery, narrowed: SalesQuery, mark: Mark, _asked: Range, places: Places
) -> Iterator[Entry]:
    fixed = [field for field, _ in mark.values]
    below = [child for field in fixed for child in children(model, field)]
    for name in breakdowns(model, narrowed, [*fixed, *below])[:MAX_BREAKDOWNS]:
        yield Entry(Group.SPLIT, model.dimensions[name].label, _split_to(narrowed, name, places))
    for part, label in TIME_PARTS.items():
        if part not in fixed and part not in query.dimensions:
            yield Entry(Group.SPLIT, label, _split_to(narrowed, part, places))


def _split_to(narrowed: SalesQuery, dimension: str, places: Places) -> str:
    return address(places.explore or places.overview, replace(narrowed, dimensions=(dimension,)))


def _compare(
    model: SalesModel, query: SalesQuery, narrowed: SalesQuery, mark: Mark, _asked: Range, places: Places
) -> Iterator[Entry]:
    if len(mark.values) == 1 and mark.values[0][1] is not None and mark.values[0][0] in model.dimensions:
        field = mark.values[0][0]
        href = f"{address(places.overview, narrowed)}&{urlencode({'overview-rest': field})}"
        yield Entry(Group.COMPARE, f"{mark.label} with the rest", href)
    words = {Compare.YEAR: "With the same period last year", Compare.PRIOR: "With the period before"}
    for compare, text in words.items():
        if compare is not query.compare:
            base = replace(query, compare=compare, grain=None, sort=())
            yield Entry(Group.COMPARE, text, here(places, base))


def _see(
    model: SalesModel, query: SalesQuery, narrowed: SalesQuery, mark: Mark, asked: Range, places: Places
) -> Iterator[Entry]:
    yield from _about(model, query, mark, places)
    if places.lines and model.lines:
        bare = replace(narrowed, compare=Compare.NONE, segments=())
        params = [(key, value) for key, value in to_params(bare) if key not in (*LOOKS, "compare")]
        yield Entry(Group.SEE, "The order lines", f"{places.lines}?{urlencode(params)}")
    if places.explore:
        whole = replace(query, measures=(mark.measure,), sort=(), limit=None, offset=0, having=())
        yield Entry(Group.SEE, "Open in Explore", address(places.explore, whole))
    words = question(model, narrowed, mark, asked)
    if places.ask and words:
        yield Entry(Group.SEE, "Ask about it", f"{places.ask}?{urlencode({'ask-q': words})}")


#: The role of a dimension -> the page that shows one of its values, and the parameter that names it there.
OWN_PAGES = {
    Role.PRODUCT: ("products", "products-item"),
    Role.COUNTRY: ("countries", "countries-item"),
    Role.ORDER: ("details", "details-order"),
    Role.CUSTOMER: ("details", "details-customer"),
}


def _about(model: SalesModel, query: SalesQuery, mark: Mark, places: Places) -> Iterator[Entry]:
    """Yield the pages about the values of a mark alone; the period stays, where the page has one of its own."""
    for field, value in mark.values:
        dimension = model.dimensions.get(field)
        if dimension is None or dimension.role not in OWN_PAGES or value is None:
            continue
        page, param = OWN_PAGES[dimension.role]
        path = getattr(places, page)
        if path:
            kept = replace(query, measures=(mark.measure,), dimensions=(), grain=None, sort=(), filters=(), segments=())
            params = to_params(kept) if page != "details" else []
            yield Entry(
                Group.SEE, f"The {dimension.label.lower()}: {value}", f"{path}?{urlencode([*params, (param, value)])}"
            )


#: How the operators of filters are said.
SAID = {"is": "", "not": "without "}


def question(model: SalesModel, narrowed: SalesQuery, mark: Mark, asked: Range) -> str:
    """Return the mark as a sentence, `revenue, country France, from 2011-01-01 to 2011-12-31`, or "".

    What cannot be said in full, such as an hour or a blank, is not said: the answer would be another number.
    """
    period = narrowed.period
    first, last = period.first or asked.start.date(), period.last or (asked.end - DAY).date()
    words = [model.measure(mark.measure).label.lower()]
    for each in narrowed.filters:
        if each.operator not in SAID or each.field not in model.dimensions:
            return ""
        words.append(f"{SAID[each.operator]}{model.dimensions[each.field].label.lower()} {' or '.join(each.values)}")
    return ", ".join([*words, f"from {first} to {last}"])
