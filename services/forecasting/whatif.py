"""What another price may do: how sales of products moved with their prices so far, and the forecast with that.

The elasticity is the slope of the logarithm of the pieces of a product in a month on that of its average price, with
products and months as fixed effects, and errors clustered by product (Cameron and Miller, 2015). It is what went
together in the past, not cause and effect: large orders at lower prices count in it too.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from services.access import Viewer
from services.forecasting.features import Index
from services.forecasting.panel import Values
from services.model import Role
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
    """A change of price and the factors it puts on the forecast: expected, and by the bounds of the elasticity."""

    change: float
    factor: float
    low: float
    high: float


def offered(sales: Sales, measure: str) -> bool:
    """Tell whether a measure's forecast can be told for other prices: the data have prices, and it is one of them."""
    parts = price_parts(sales.model)
    return parts is not None and measure in parts and sales.model.by_role(Role.PRODUCT) is not None


def elasticity(sales: Sales, query: SalesQuery, viewer: Viewer) -> Elasticity | None:
    """Return how sales moved with prices in what the query filters; None where the data do not tell."""
    parts, product = price_parts(sales.model), sales.model.by_role(Role.PRODUCT)
    if parts is None or product is None:
        return None
    money, pieces = parts
    base = replace(query, grain=None, period=Period("all"), compare=Compare.NONE, having=())
    largest = replace(
        base, measures=(money,), dimensions=(product,), sort=(Sort(money, descending=True),), limit=PRODUCTS
    )
    largest = replace(largest, segments=rank_segments(largest, sales.model))
    keys = tuple(sales.answer(largest, viewer).frame.dropna(subset=[product])[product].astype("str"))
    if not keys:
        return None
    own = (*base.filters, Filter(product, "is", keys))
    monthly = replace(base, measures=(money, pieces), dimensions=(product,), grain=Grain.MONTH, filters=own, sort=())
    frame = sales.answer(monthly, viewer).frame.dropna(subset=["time", product])
    found = pd.DataFrame(
        {
            "product": frame[product].astype("str"),
            "month": frame["time"],
            "pieces": frame[pieces].astype("float64"),
            "money": frame[money].astype("float64"),
        }
    )
    return estimate(found)


def estimate(cells: pd.DataFrame) -> Elasticity | None:
    """Return the elasticity in rows of `product`, `month`, `pieces`, `money`; None where it cannot be told."""
    cells = cells[(cells["pieces"] > 0) & (cells["money"] > 0)]
    cells = cells[cells.groupby("product")["month"].transform("count") >= MONTHS]
    product, names = pd.factorize(cells["product"])
    month, _ = pd.factorize(cells["month"])
    if len(names) < 2:
        return None
    x = _within(np.log(cells["money"].to_numpy() / cells["pieces"].to_numpy()), product, month)
    y = _within(np.log(cells["pieces"].to_numpy()), product, month)
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


def scenarios(sales: Sales, measure: str, found: Elasticity) -> tuple[WhatIf, ...]:
    """Return what each change of price does to a measure: pieces, or money, which the price is in itself."""
    parts = price_parts(sales.model)
    own = 1.0 if parts is not None and measure == parts[0] else 0.0
    made = []
    for change in PRICES:
        factors = [(1 + change) ** (own + each) for each in (found.value, found.low, found.high)]
        made.append(WhatIf(change, factors[0], min(factors[1:]), max(factors[1:])))
    return tuple(made)
