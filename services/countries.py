"""Countries: how concentrated the business is, one country against the others, countries side by side."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from services.access import Viewer
from services.adding import Adding, adding, shared
from services.errors import QueryError, UnknownNameError
from services.model import Role, SalesModel
from services.overview import default_query, rank_segments
from services.periods import Compare
from services.query import Filter, Params, SalesQuery, Sort, from_params
from services.sales import Answer, Sales

PREFIX = "countries-"
#: Countries that are set side by side, rows of a ranking, and values of a mix.
MOST, ROWS, MIX = 4, 300, 12
MOVERS = 8


@dataclass(frozen=True)
class CountryQuery:
    """What the page shows: all countries, one, or two to four side by side (`chosen`)."""

    query: SalesQuery
    chosen: tuple[str, ...] = ()

    @property
    def measure(self) -> str:
        """The measure on show."""
        return self.query.measures[0]


def dimension_of(model: SalesModel) -> str:
    """Return the dimension of countries; raises QueryError where the data have none."""
    name = model.by_role(Role.COUNTRY)
    if name is None:
        raise QueryError("These data have no countries. Give a dimension of the model the role `country`.")
    return name


def default(model: SalesModel) -> SalesQuery:
    """Return what the page shows when the URL says nothing."""
    base = default_query(model)
    return replace(base, measures=base.measures[:1])


def read(params: Params, model: SalesModel) -> tuple[CountryQuery, tuple[str, ...]]:
    """Return what a URL's parameters ask for, and a notice per parameter not used. Never raises.

    Where the filters leave one country, or a few, those are the ones shown.
    """
    query, notices = from_params(params, default(model), model)
    query = replace(query, measures=query.measures[:1], dimensions=(), grain=None, sort=())
    problems = [
        str(UnknownNameError("setting of this page", key, (f"{PREFIX}item",)))
        for key, _ in params
        if key.startswith(PREFIX) and key != f"{PREFIX}item"
    ]
    chosen = tuple(dict.fromkeys(value for key, value in params if key == f"{PREFIX}item" and value))
    if len(chosen) > MOST:
        problems.append(f"At most {MOST} are set side by side; {', '.join(chosen[MOST:])[:200]} was left out.")
    filtered = query.chosen(model.by_role(Role.COUNTRY) or "")
    if not chosen and len(filtered) <= MOST:
        chosen = filtered
    return CountryQuery(query, chosen[:MOST]), (*notices, *problems)


@dataclass(frozen=True)
class Concentration:
    """How much of the whole few make: shares of the largest one, three and five, and the Herfindahl-Hirschman index.

    `index` is the sum of squared shares, from near 0 to 1 for one alone; `like` is 1 / index, the number of equal ones
    that would be as concentrated. Values of 0 or less do not count.
    """

    largest: float
    three: float
    five: float
    index: float
    like: float


def concentration(values: Sequence[float]) -> Concentration | None:
    """Return how concentrated values are (Rhoades 1993, "The Herfindahl-Hirschman Index"); None for none above 0."""
    found = sorted((value for value in values if value > 0), reverse=True)
    whole = math.fsum(found)
    if whole <= 0:
        return None
    shares = [value / whole for value in found]
    index = math.fsum(share * share for share in shares)
    return Concentration(shares[0], math.fsum(shares[:3]), math.fsum(shares[:5]), index, 1 / index)


def listing(asked: CountryQuery, model: SalesModel) -> SalesQuery:
    """Return the query of all countries, those with most first."""
    name = dimension_of(model)
    return replace(asked.query, dimensions=(name,), sort=(Sort(asked.measure, descending=True),), limit=ROWS)


def total(asked: CountryQuery) -> SalesQuery:
    """Return the query of all countries together."""
    return replace(asked.query, dimensions=(), sort=(), limit=None)


def only(asked: CountryQuery, model: SalesModel, *keys: str) -> SalesQuery:
    """Return the page's query for some countries."""
    name = dimension_of(model)
    return replace(asked.query, filters=(*_without(asked.query, name), Filter(name, "is", keys)))


def _without(query: SalesQuery, name: str) -> tuple[Filter, ...]:
    return tuple(each for each in query.filters if each.field != name)


@dataclass(frozen=True)
class Against:
    """A measure of one country, now and before, and of the others: per country where it adds up or counts, else of all.

    `others` counts the other countries that have anything in the period.
    """

    measure: str
    now: float
    before: float
    rest: float
    others: int


def against(sales: Sales, asked: CountryQuery, key: str, viewer: Viewer) -> tuple[list[Against], Answer]:
    """Return the overview's measures of a country beside those of the average other country.

    Of sums, and counts, the mean of the others' own values; of averages and rates, the value over all others together.
    """
    model, name = sales.model, dimension_of(sales.model)
    measures = tuple(dict.fromkeys((asked.measure, *model.overview.measures)))
    query = replace(asked.query, measures=measures)
    mine = sales.answer(replace(query, filters=(*_without(query, name), Filter(name, "is", (key,)))), viewer)
    hidden = model.dimension(name).hide
    beside = replace(query, filters=(*_without(query, name), Filter(name, "not", (key, *hidden))), compare=Compare.NONE)
    together = sales.answer(beside, viewer)
    each = sales.answer(replace(beside, dimensions=(name,)), viewer).frame.dropna(subset=[name])
    found = []
    for measure in measures:
        kind = adding(model, measure)
        values = each[measure].dropna()
        sold = values[values != 0] if kind.zero else values
        rest = together.value(measure) if kind is Adding.RATIO else float(sold.mean()) if len(sold) else math.nan
        before = mine.value(f"{measure}__before") if mine.window.before is not None else math.nan
        found.append(Against(measure, mine.value(measure), before, rest, len(sold)))
    return found, mine


@dataclass(frozen=True)
class Part:
    """A value of a mix: its share of a country and of the others, and the ratio of the two (1 is as elsewhere)."""

    key: str | None
    label: str
    value: float
    share: float
    elsewhere: float

    @property
    def ratio(self) -> float:
        """How much larger the share is here than elsewhere; NaN where nothing is sold elsewhere."""
        return self.share / self.elsewhere if self.elsewhere > 0 else math.nan


def mix(sales: Sales, asked: CountryQuery, key: str, viewer: Viewer) -> tuple[str, list[Part], Answer] | None:
    """Return what a country's business is made of against the others': dimension, its largest values, the answer.

    By product type, else channel, else product; None where the data have none of them or the measure has no shares.
    """
    model, name = sales.model, dimension_of(sales.model)
    by = next((found for role in MIXED if (found := model.by_role(role)) is not None), None)
    if by is None or not shared(model, asked.measure):
        return None
    query = replace(asked.query, dimensions=(by,), compare=Compare.NONE)
    here = sales.answer(replace(query, filters=(*_without(query, name), Filter(name, "is", (key,)))), viewer)
    apart = (*_without(query, name), Filter(name, "not", (key, *model.dimension(name).hide)))
    there = sales.answer(replace(query, filters=apart), viewer)
    whole, rest = (_total(sales, answer.query, viewer) for answer in (here, there))
    elsewhere = dict(zip(_keys(there.frame[by]), there.frame[asked.measure], strict=True))
    labels = here.frame[f"{by}__label"] if f"{by}__label" in here.frame else here.frame[by]
    parts = [
        Part(
            key,
            "" if pd.isna(label) else str(label),
            value,
            value / whole,
            elsewhere.get(key, 0.0) / rest if rest else 0.0,
        )
        for key, label, value in zip(_keys(here.frame[by]), labels, here.frame[asked.measure], strict=True)
        if value > 0 and whole > 0
    ]
    return by, sorted(parts, key=lambda part: -part.value)[:MIX], here


#: What a mix is made of, the first that the data have.
MIXED = (Role.PRODUCT_TYPE, Role.CHANNEL, Role.PRODUCT)


def _keys(column: pd.Series[Any]) -> list[str | None]:
    return [None if pd.isna(each) else str(each) for each in column]


def _total(sales: Sales, query: SalesQuery, viewer: Viewer) -> float:
    return sales.answer(replace(query, dimensions=()), viewer).value(query.measures[0])


def ranked(asked: CountryQuery, model: SalesModel, key: str, by: str) -> SalesQuery:
    """Return the query of one country's values of a dimension, those with most first."""
    query = replace(only(asked, model, key), dimensions=(by,), sort=(Sort(asked.measure, descending=True),))
    return replace(query, segments=rank_segments(query, model))


def movers(sales: Sales, asked: CountryQuery, key: str, viewer: Viewer) -> tuple[Answer, Answer] | None:
    """Return the products of a country that rose and that fell most; None without products or a comparison."""
    product = sales.model.by_role(Role.PRODUCT)
    if product is None or asked.query.compare is Compare.NONE:
        return None
    query = ranked(asked, sales.model, key, product)
    rose, fell = (
        sales.answer(replace(query, sort=(Sort(f"{asked.measure}__change", descending),), limit=MOVERS), viewer)
        for descending in (True, False)
    )
    return (rose, fell) if rose.window.before_known else None


def side_by_side(sales: Sales, asked: CountryQuery, viewer: Viewer) -> Answer:
    """Return the overview's measures of the chosen countries, in the order chosen."""
    name = dimension_of(sales.model)
    measures = tuple(dict.fromkeys((asked.measure, *sales.model.overview.measures)))
    query = replace(only(asked, sales.model, *asked.chosen), measures=measures, dimensions=(name,))
    found = sales.answer(query, viewer)
    place = {key: number for number, key in enumerate(asked.chosen)}
    order = found.frame[name].map(lambda key: place.get(str(key), MOST)).sort_values(kind="stable").index
    return replace(found, frame=found.frame.loc[order].reset_index(drop=True))
