"""What other prices, promotions or marketing may do: how sales of products moved with them so far.

The elasticity is the slope of the logarithm of the pieces of a product in a month on that of its average price (or of
what was spent on it), with products and months as fixed effects, and errors clustered by product (Cameron and Miller,
2015). It is what went together in the past, not cause and effect: large orders at lower prices count in it too.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from services.access import Viewer
from services.adding import Adding, adding
from services.forecasting.features import Index
from services.forecasting.panel import Values
from services.model import Role, SalesModel
from services.overview import rank_segments
from services.periods import Compare, Grain, Period
from services.products import price_parts
from services.query import Filter, SalesQuery, Sort
from services.sales import Sales

#: Products looked at, those of the largest sales; months each must have been sold in.
PRODUCTS, MONTHS = 400, 6
#: Changes of price that are told.
PRICES = (-0.2, -0.1, -0.05, 0.0, 0.05, 0.1, 0.2)
#: An elasticity whose error is larger tells nothing.
LARGEST_ERROR = 0.5
#: What measures of promotions and marketing are called, and how many are offered.
SPENDING, MOST_DRIVERS = ("promo", "marketing", "advert", "ad spend", "campaign", "discount"), 2
#: Rounds in which the means of products and months are taken out; they converge quickly.
ROUNDS = 25


@dataclass(frozen=True)
class Elasticity:
    """By how many per cent sales change when prices rise by one: the estimate and its 95 % interval."""

    value: float
    low: float
    high: float
    products: int
    cells: int


@dataclass(frozen=True)
class WhatIf:
    """A change of price or spending and the factors it puts on a forecast: expected, and by the elasticity's bounds."""

    change: float
    factor: float
    low: float
    high: float


def offered(model: SalesModel, measure: str) -> bool:
    """Tell whether a measure's forecast can be told for other prices: the data have prices, and it is one of them."""
    parts = price_parts(model)
    return parts is not None and measure in parts and model.by_role(Role.PRODUCT) is not None


def elasticity(sales: Sales, query: SalesQuery, viewer: Viewer) -> Elasticity | None:
    """Return how sales moved with prices in what the query filters; None where the data do not tell."""
    parts = price_parts(sales.model)
    cells = _monthly(sales, query, viewer, parts) if parts else None
    return None if cells is None else estimate(cells.rename(columns={"first": "money", "second": "pieces"}))


def response(sales: Sales, query: SalesQuery, viewer: Viewer, driver: str) -> Elasticity | None:
    """Return how the query's measure moved with another, such as marketing spend; None where the data do not tell."""
    cells = _monthly(sales, query, viewer, (query.measures[0], driver))
    if cells is None:
        return None
    cells = cells[(cells["first"] > 0) & (cells["second"] > 0)]
    return moved(cells.assign(x=np.log(cells["second"]), y=np.log(cells["first"])))


def drivers(model: SalesModel) -> tuple[str, ...]:
    """Return the measures of what is spent on selling, by their names: promotions, discounts, marketing."""
    told = {name: " ".join((name, each.label, *each.synonyms)).lower() for name, each in model.measures.items()}
    found = (name for name, words in told.items() if any(word in words for word in SPENDING))
    return tuple(name for name in found if adding(model, name) is Adding.SUM)[:MOST_DRIVERS]


def _monthly(sales: Sales, query: SalesQuery, viewer: Viewer, measures: tuple[str, str]) -> pd.DataFrame | None:
    """Return two measures (`first`, `second`) of the largest products by month; None without products."""
    product = sales.model.by_role(Role.PRODUCT)
    if product is None:
        return None
    base = replace(query, grain=None, period=Period("all"), compare=Compare.NONE, having=())
    sort = (Sort(measures[0], descending=True),)
    largest = replace(base, measures=measures[:1], dimensions=(product,), sort=sort, limit=PRODUCTS)
    largest = replace(largest, segments=rank_segments(largest, sales.model))
    keys = tuple(sales.answer(largest, viewer).frame.dropna(subset=[product])[product].astype("str"))
    if not keys:
        return None
    own = (*base.filters, Filter(product, "is", keys))
    monthly = replace(base, measures=measures, dimensions=(product,), grain=Grain.MONTH, filters=own, sort=())
    frame = sales.answer(monthly, viewer).frame.dropna(subset=["time", product])
    first, second = (frame[name].astype("float64") for name in measures)
    product_of = frame[product].astype("str")
    return pd.DataFrame({"product": product_of, "month": frame["time"], "first": first, "second": second})


def estimate(cells: pd.DataFrame) -> Elasticity | None:
    """Return the elasticity in rows of `product`, `month`, `pieces`, `money`; None where it cannot be told."""
    cells = cells[(cells["pieces"] > 0) & (cells["money"] > 0)]
    return moved(cells.assign(x=np.log(cells["money"] / cells["pieces"]), y=np.log(cells["pieces"])))


def moved(cells: pd.DataFrame) -> Elasticity | None:
    """Return the slope of `y` on `x` in rows of `product`, `month`; None where it cannot be told."""
    cells = cells[cells.groupby("product")["month"].transform("count") >= MONTHS]
    product, names = pd.factorize(cells["product"])
    month, _ = pd.factorize(cells["month"])
    if len(names) < 2:
        return None
    x, y = (_within(cells[name].to_numpy("float64"), product, month) for name in ("x", "y"))
    spread = float(x @ x)
    if spread < 1e-9 * len(x):
        return None
    slope = float(x @ y) / spread
    moments = np.bincount(product, x * (y - slope * x))
    error = float(np.sqrt((moments**2).sum() * len(names) / (len(names) - 1))) / spread
    if error > LARGEST_ERROR:
        return None
    return Elasticity(slope, slope - 1.96 * error, slope + 1.96 * error, len(names), len(x))


def _within(values: Values, product: Index, month: Index) -> Values:
    """Return values without the means of their product and of their month."""
    values = values.copy()
    for _ in range(ROUNDS):
        for group in (product, month):
            values -= (np.bincount(group, values) / np.bincount(group))[group]
    return values


def scenarios(model: SalesModel, measure: str, found: Elasticity) -> tuple[WhatIf, ...]:
    """Return what each change of price does to a measure: pieces, or money, which the price is in itself."""
    own = price_itself(model, measure)
    return tuple(at(change, found, own) for change in PRICES)


def price_itself(model: SalesModel, measure: str) -> float:
    """Return by how many per cent a measure changes with prices when nobody buys less: 1 for money, 0 for pieces."""
    parts = price_parts(model)
    return 1.0 if parts is not None and measure == parts[0] else 0.0


def at(change: float, found: Elasticity, own: float = 0.0) -> WhatIf:
    """Return what a change of what sales move with does to them; `own` is what it does by itself."""
    factors = [(1 + change) ** (own + each) for each in (found.value, found.low, found.high)]
    return WhatIf(change, factors[0], min(factors[1:]), max(factors[1:]))
