"""Products as marketing looks at them: ABC, growth by value, life-cycle, prices. For any dimension, products first."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cached_property
from typing import Any

import pandas as pd

from services.access import Viewer
from services.adding import Adding, adding
from services.errors import QueryError, UnknownNameError, UserError
from services.model import Format, Role, SalesModel
from services.overview import default_query, rank_segments
from services.query import Filter, Params, SalesQuery, Sort, from_params
from services.sales import Answer, Sales

PREFIX = "products-"
#: Products that are read at most; the rest count in the total.
MOST = 20_000


class Quadrant(StrEnum):
    """Where a product stands by growth and value."""

    STAR = "star"
    PUSH = "push"
    MILK = "milk"
    PHASE_OUT = "phase_out"
    NEW = "new"


QUADRANTS = {
    Quadrant.STAR: "Star",
    Quadrant.PUSH: "Needs push",
    Quadrant.MILK: "Milk",
    Quadrant.PHASE_OUT: "Phase out",
    Quadrant.NEW: "New, no growth to tell",
}


@dataclass(frozen=True)
class ProductQuery:
    """What the page shows.

    `a` and `b` are the shares of the total at which classes A and B end; `value` and `growth` the thresholds of the
    quadrants, None for those the data suggest; `item` is the product shown alone.
    """

    query: SalesQuery
    a: float = 0.8
    b: float = 0.95
    value: float | None = None
    growth: float | None = None
    item: str = ""

    @property
    def measure(self) -> str:
        """The measure on show."""
        return self.query.measures[0]


def dimension_of(model: SalesModel) -> str:
    """Return the dimension of products; raises QueryError where the data have none."""
    name = model.by_role(Role.PRODUCT)
    if name is None:
        raise QueryError("These data have no products. Give a dimension of the model the role `product`.")
    return name


def default(model: SalesModel) -> SalesQuery:
    """Return what the page shows when the URL says nothing."""
    base = default_query(model)
    return replace(base, measures=base.measures[:1])


def read(params: Params, model: SalesModel) -> tuple[ProductQuery, tuple[str, ...]]:
    """Return what a URL's parameters ask for, and a notice per parameter not used. Never raises.

    Where the filters leave one product, that is the one shown.
    """
    query, notices = from_params(params, default(model), model)
    state, problems = ProductQuery(replace(query, measures=query.measures[:1], dimensions=(), grain=None)), list[str]()
    for key, text in params:
        if key.startswith(PREFIX):
            try:
                state = _setting(state, key.removeprefix(PREFIX), text)
            except UserError as error:
                problems.append(f"{key}={text[:80]} was ignored: {error}")
    filtered = query.chosen(model.by_role(Role.PRODUCT) or "")
    if not state.item and len(filtered) == 1:
        state = replace(state, item=filtered[0])
    if state.a > state.b:
        problems.append(f"Class A ends at {state.a:.0%}, after class B at {state.b:.0%}; both were left as they were.")
        state = replace(state, a=ProductQuery.a, b=ProductQuery.b)
    return state, (*notices, *problems)


def _setting(state: ProductQuery, name: str, text: str) -> ProductQuery:
    if name == "item":
        return replace(state, item=text)
    if name not in _NUMBERS:
        raise UnknownNameError("setting of this page", PREFIX + name, [PREFIX + each for each in (*_NUMBERS, "item")])
    low, high, scale = _NUMBERS[name]
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if text and not low <= number <= high:
        raise QueryError(f"It is a number from {low:g} to {high:g}.")
    given: dict[str, Any] = {name: number / scale} if text else {}
    return replace(state, **given)


#: The movable thresholds: smallest and largest value in the URL, and what 1 is there.
_NUMBERS: Mapping[str, tuple[float, float, float]] = {
    "a": (1, 99, 100),
    "b": (1, 100, 100),
    "value": (-1e15, 1e15, 1),
    "growth": (-100, 100_000, 100),
}


def listing(asked: ProductQuery, model: SalesModel) -> SalesQuery:
    """Return the query of all products, those with most first."""
    by = replace(asked.query, dimensions=(dimension_of(model),))
    sort = (Sort(asked.measure, descending=True),)
    return replace(by, segments=rank_segments(by, model), sort=sort, limit=MOST)


@dataclass(frozen=True)
class Product:
    """A product in the list: rank from 1, value now and before, its share of the total and that of all down to it.

    Values are NaN where there are none.
    """

    key: str | None
    label: str
    rank: int
    now: float
    before: float
    share: float
    reached: float
    abc: str
    growth: float
    quadrant: Quadrant


@dataclass(frozen=True)
class Assortment:
    """All products of a period: the list, the thresholds in force, and the total they are shares of.

    `lost` counts products with something before and nothing now. `classified` is False for measures that do not add
    up: there is no ABC of an average.
    """

    asked: ProductQuery
    products: tuple[Product, ...]
    value: float
    growth: float
    total: Answer
    answer: Answer
    lost: int
    classified: bool

    @cached_property
    def _groups(self) -> Mapping[str, list[Product]]:
        groups: dict[str, list[Product]] = {}
        for each in self.products:
            groups.setdefault(each.abc, []).append(each)
            groups.setdefault(each.quadrant.value, []).append(each)
        return groups

    def of_class(self, abc: str) -> list[Product]:
        """Return the products of class A, B or C, those with most first."""
        return self._groups.get(abc, [])

    def of_quadrant(self, quadrant: Quadrant) -> list[Product]:
        """Return the products of a quadrant, those with most first."""
        return self._groups.get(quadrant.value, [])


def assortment(sales: Sales, asked: ProductQuery, viewer: Viewer) -> Assortment:
    """Return all products with class and quadrant.

    Class A are the products that together reach the share `a` of the total, the one that passes it included. A product
    is of high value from the mean value of the products sold on, and grows well from the growth of the total on,
    unless the thresholds are given.
    """
    query = listing(asked, sales.model)
    answer = sales.answer(query, viewer)
    total = sales.answer(replace(query, dimensions=(), sort=(), limit=None), viewer)
    name, measure = query.dimensions[0], asked.measure
    frame = answer.frame
    classified = adding(sales.model, measure) is Adding.SUM
    zero = adding(sales.model, measure).zero
    compared = answer.window.before is not None and answer.window.before_known
    now = frame[measure]
    before = frame[f"{measure}__before"] if compared else pd.Series(math.nan, index=frame.index)
    sold = now[now > 0]
    value = asked.value if asked.value is not None else float(sold.mean()) if len(sold) else 0.0
    growth = asked.growth if asked.growth is not None else _growth(total, measure) if compared else 0.0
    here = frame[now.notna() & (now != 0 if zero else True)]
    labels = here[f"{name}__label"] if f"{name}__label" in here else here[name]
    whole = total.value(measure)
    made, reached = [], 0.0
    for rank, (key, label, amount, then) in enumerate(
        zip(here[name], labels, now[here.index], before[here.index], strict=True), start=1
    ):
        share = amount / whole if classified and whole > 0 else math.nan
        abc = ("A" if reached < asked.a else "B" if reached < asked.b else "C") if share > 0 else "C"
        reached += share if not math.isnan(share) else 0.0
        rate = (amount - then) / then if then > 0 else math.nan
        known = None if pd.isna(key) else str(key)
        text = str(label) if not pd.isna(label) else ""
        quadrant = _quadrant(amount, rate, value, growth)
        made.append(Product(known, text, rank, amount, then, share, reached, abc if classified else "", rate, quadrant))
    lost = int((before.fillna(0) > 0).sum() - (before[here.index].fillna(0) > 0).sum()) if compared else 0
    return Assortment(asked, tuple(made), value, growth, total, answer, lost, classified)


def _growth(answer: Answer, measure: str) -> float:
    now, before = answer.value(measure), answer.value(f"{measure}__before")
    return (now - before) / before if before > 0 and not math.isnan(now) else 0.0


def _quadrant(value: float, growth: float, from_value: float, from_growth: float) -> Quadrant:
    if math.isnan(growth):
        return Quadrant.NEW
    if value >= from_value:
        return Quadrant.STAR if growth >= from_growth else Quadrant.MILK
    return Quadrant.PUSH if growth >= from_growth else Quadrant.PHASE_OUT


def price_parts(model: SalesModel) -> tuple[str, str] | None:
    """Return the measures whose ratio is a price: money that sums, and pieces that sum; None where one is missing."""

    def first(wanted: Format) -> str | None:
        for name, each in model.measures.items():
            sums = each.expression.replace(" ", "").startswith("sum(")
            if each.format is wanted and sums and adding(model, name) is Adding.SUM:
                return name
        return None

    money, pieces = first(Format.CURRENCY), first(Format.INTEGER)
    return (money, pieces) if money and pieces else None


def one(asked: ProductQuery, model: SalesModel) -> ProductQuery:
    """Return the query narrowed to its item."""
    name = dimension_of(model)
    others = tuple(each for each in asked.query.filters if each.field != name)
    return replace(asked, query=replace(asked.query, filters=(*others, Filter(name, "is", (asked.item,))), segments=()))


def elsewhere_of(model: SalesModel) -> list[str]:
    """Return the dimensions that tell where a product sells, and to whom."""
    roles = (Role.COUNTRY, Role.CHANNEL, Role.CUSTOMER)
    return [name for role in roles if (name := model.by_role(role)) is not None]


def names_of(products: Sequence[Product], keys: Sequence[str]) -> list[Product]:
    """Return the listed products with these keys, in the list's order."""
    wanted = set(keys)
    return [each for each in products if each.key in wanted]
