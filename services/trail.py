"""Where a page stands: the addresses that lead on from it, its filters as chips, the way down to its period."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from urllib.parse import urlencode

from services import formats
from services.model import TIME_PARTS, SalesModel
from services.periods import DAY, Grain, Period, Range, add_months
from services.query import ALL_DATA, LOOKS, OPERATORS, OWN, Filter, SalesQuery, to_params

MONTHS = {Grain.YEAR: 12, Grain.QUARTER: 3, Grain.MONTH: 1}


@dataclass(frozen=True)
class Places:
    """Addresses of pages that this viewer can open; "" for those that they cannot. `here` is where the mark is."""

    here: str = "/"
    params: tuple[tuple[str, str], ...] = ()
    overview: str = "/"
    explore: str = ""
    lines: str = ""
    ask: str = ""
    products: str = ""
    countries: str = ""
    details: str = ""


def address(path: str, query: SalesQuery) -> str:
    """Return the address of a page showing a query, the same whatever the page shows by itself."""
    return f"{path}?{urlencode(to_params(query))}"


def here(places: Places, query: SalesQuery, *, grain: Grain | None = None) -> str:
    """Return the address of this page with the query's period, comparison and filters; the rest stays as it is.

    With `here` empty it is relative to whatever page shows it.
    """
    stays = [(key, value) for key, value in places.params if OWN.fullmatch(key) or key in LOOKS]
    if grain is not None:
        stays = [(key, value) for key, value in stays if key != "grain"] + [("grain", grain.value)]
    bare = replace(query, dimensions=(), grain=None, segments=(), sort=())
    left = (*LOOKS, "compare") if query.columns else LOOKS
    found = [(key, value) for key, value in to_params(bare) if key not in left]
    params = [*found, *stays]
    return f"{places.here}?{urlencode(params)}" if params else places.here


def plural(model: SalesModel, field: str) -> str:
    """Return what the values of a field are called, in the middle of a sentence."""
    if field in TIME_PARTS:
        return f"{TIME_PARTS[field].lower()}s"
    dimension = model.dimensions.get(field)
    return dimension.plural.lower() if dimension else field


@dataclass(frozen=True)
class Chip:
    """A condition in force: in words, and the address without it."""

    text: str
    href: str


def chips(model: SalesModel, query: SalesQuery, places: Places, labels: Mapping[tuple[str, str], str]) -> list[Chip]:
    """Return the filters in force; `labels` gives (dimension, key) its name where it has one."""
    found = []
    for condition in query.filters:
        rest = replace(query, filters=tuple(each for each in query.filters if each is not condition))
        found.append(Chip(_words(model, condition, labels), here(places, rest)))
    return found


def _words(model: SalesModel, condition: Filter, labels: Mapping[tuple[str, str], str]) -> str:
    field = condition.field
    column = model.facts.columns.get(field)
    name = TIME_PARTS.get(field) or (model.dimensions[field].label if field in model.dimensions else "")
    name = name or (column.label if column else field)
    if condition.operator == "blank":
        return f"{name} is blank"
    values = ", ".join(labels.get((field, value), value) for value in condition.values[:3])
    more = f" and {len(condition.values) - 3} more" if len(condition.values) > 3 else ""
    join = ": " if condition.operator == "is" else f" {OPERATORS[condition.operator].phrase} "
    return f"{name}{join}{values}{more}"


def path(model: SalesModel, query: SalesQuery, asked: Range, places: Places) -> list[tuple[str, str]]:
    """Return the way down to the period in view as (words, address): All data, 2011, Q4 2011, Nov 2011.

    Empty where the period is not one that lies within a year, or where nothing is above it.
    """
    first, last = asked.start.date(), (asked.end - dt.timedelta(seconds=1)).date()
    if query.period.preset is not None or first.year != last.year or first.year == dt.MAXYEAR:
        return []
    steps: list[tuple[str, Period]] = [("All data", ALL_DATA)]
    for grain, words in ((Grain.YEAR, "{0}"), (Grain.QUARTER, "Q{1} {0}"), (Grain.MONTH, "{2} {0}")):
        start = _floor(first, grain)
        end = add_months(start, MONTHS[grain]) - DAY
        if start <= first and last <= end:
            name = words.format(first.year, (first.month + 2) // 3, formats.day(first, model).split(" ")[1])
            steps.append((name, Period(first=start, last=end)))
    found = [(text, here(places, replace(query, period=period))) for text, period in steps]
    if steps[-1][1] != query.period:
        found.append((formats.range_text(asked.start, asked.end, model), ""))
    return found


def _floor(day: dt.date, grain: Grain) -> dt.date:
    month = {Grain.YEAR: 1, Grain.QUARTER: day.month - (day.month - 1) % 3}.get(grain, day.month)
    return day.replace(month=month, day=1)


def describe(model: SalesModel, query: SalesQuery, labels: Mapping[tuple[str, str], str]) -> Sequence[str]:
    """Return the filters in force in words, for exports and provenance."""
    return [_words(model, condition, labels) for condition in query.filters]
