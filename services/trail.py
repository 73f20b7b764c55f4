"""Where a page stands: the addresses that lead on from it, its filters as chips, the way down to its period."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from urllib.parse import urlencode

from services import buckets, formats
from services.model import TIME_PARTS, SalesModel
from services.periods import DAY, Compare, Grain, Period, Range
from services.query import ALL_DATA, LOOKS, OPERATORS, OWN, Filter, SalesQuery, to_params


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

    With `here` empty it is relative to whatever page shows it. A tile that compares nothing leaves the page's
    comparison alone.
    """
    bare_tile = bool(places.here) and query.compare is Compare.NONE
    looks = (*LOOKS, "compare") if bare_tile or query.columns else LOOKS
    stays = [(key, value) for key, value in places.params if OWN.fullmatch(key) or key in LOOKS]
    stays += [(key, value) for key, value in places.params if key == "compare" and bare_tile]
    if grain is not None:
        stays = [(key, value) for key, value in stays if key != "grain"] + [("grain", grain.value)]
    bare = replace(query, dimensions=(), grain=None, segments=(), sort=())
    found = [(key, value) for key, value in to_params(bare) if key not in looks]
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
    values = ", ".join(labels.get((field, value)) or _part(model, field, value) for value in condition.values[:3])
    more = f" and {len(condition.values) - 3} more" if len(condition.values) > 3 else ""
    join = ": " if condition.operator == "is" else f" {OPERATORS[condition.operator].phrase} "
    return f"{name}{join}{values}{more}"


def _part(model: SalesModel, field: str, value: str) -> str:
    """Return a value as people call it where it is a part of the time: a weekday, an hour."""
    if field == "weekday" and value in "1234567":
        return formats.weekdays(formats.locale_of(model))[int(value) - 1]
    return f"{int(value):02d}:00" if field == "hour" and value.isdecimal() else value


def path(model: SalesModel, query: SalesQuery, asked: Range, places: Places) -> list[tuple[str, str]]:
    """Return the way down to the period in view as (words, address): All data, 2011, Q4 2011, Nov 2011.

    Years, quarters and months are those of the model's calendar. Empty where the period is not one that lies within a
    year, or where nothing is above it.
    """
    first, last = asked.start.date(), (asked.end - dt.timedelta(seconds=1)).date()
    if query.period.preset is not None:
        return []
    steps: list[tuple[str, Period]] = [("All data", ALL_DATA)]
    for grain in (Grain.YEAR, Grain.QUARTER, Grain.MONTH):
        try:
            start = buckets.start_of(first, grain, model.calendar)
            end = buckets.after(start, grain, model.calendar) - DAY
        except (ValueError, OverflowError):  # the calendar ends here
            return []
        if last <= end:
            steps.append((formats.bucket(start, grain, model), Period(first=start, last=end)))
        elif grain is Grain.YEAR:
            return []
    found = [(text, here(places, replace(query, period=period))) for text, period in steps]
    if steps[-1][1] != query.period:
        found.append((formats.range_text(asked.start, asked.end, model), ""))
    return found


def describe(model: SalesModel, query: SalesQuery, labels: Mapping[tuple[str, str], str]) -> Sequence[str]:
    """Return the filters in force in words, for exports and provenance."""
    return [_words(model, condition, labels) for condition in query.filters]
