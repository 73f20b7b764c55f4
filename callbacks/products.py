"""Products: what its URL means and which tiles it has, for all of them or for one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cache, partial
from typing import Any

from callbacks.tiled_page import TiledPage, TileOf
from layouts import products as layout
from layouts.tiles import Drawn
from services import lifecycles, products
from services.access import Viewer
from services.lifecycles import Life
from services.model import Role, SalesModel
from services.overview import grain_of
from services.products import Assortment, ProductQuery
from services.query import Sort
from services.sales import Sales
from services.spine import with_gaps


def needs(model: SalesModel) -> str:
    """Return why these data have no products to show, or ""."""
    return "" if model.by_role(Role.PRODUCT) else "No dimension of the model of these data has the role `product`."


def _settings(sales: Sales, asked: ProductQuery, viewer: Viewer) -> Sequence[Any]:
    dimension = products.dimension_of(sales.model)
    names = [(each.key, each.label) for each in sales.values(dimension, viewer)]
    if asked.item and asked.item not in dict(names):
        names += [(each.key, each.label) for each in sales.labels(dimension, (asked.item,), viewer)]
    return layout.settings(asked, names, dimension, sales.model)


def _others(asked: ProductQuery, dimension: str) -> ProductQuery:
    """Return the query of all products, to stand one among the others."""
    kept = tuple(each for each in asked.query.filters if each.field != dimension)
    return replace(asked, query=replace(asked.query, filters=kept)) if asked.item else asked


def _head(sales: Sales, asked: ProductQuery, viewer: Viewer, found: Assortment, life: Life) -> Drawn:
    (choice,) = sales.labels(products.dimension_of(sales.model), (asked.item,), viewer)
    return layout.item_head(asked, found, life, choice.label, sales.model)


def _trend(sales: Sales, asked: ProductQuery, viewer: Viewer) -> Drawn:
    query = products.one(asked, sales.model).query
    answer = sales.answer(replace(query, grain=grain_of(sales.window(query)), sort=()), viewer)
    return layout.item_trend(with_gaps(answer, sales.model.calendar), sales.model)


def _prices(sales: Sales, asked: ProductQuery, viewer: Viewer) -> Drawn:
    found = lifecycles.prices(sales, products.one(asked, sales.model), viewer)
    return layout.item_prices(found, products.price_parts(sales.model), sales.model)


def _by(dimension: str, sales: Sales, asked: ProductQuery, viewer: Viewer) -> Drawn:
    query = products.one(asked, sales.model).query
    by = replace(query, dimensions=(dimension,), sort=(Sort(asked.measure, descending=True),), limit=15)
    return layout.ranked(sales.answer(by, viewer), sales.model)


def _tiles(sales: Sales, asked: ProductQuery, viewer: Viewer) -> list[TileOf]:
    model, dimension = sales.model, products.dimension_of(sales.model)
    everything = _others(asked, dimension)

    @cache
    def found() -> Assortment:
        return products.assortment(sales, everything, viewer)

    @cache
    def life() -> Life:
        return lifecycles.life(sales, everything, viewer)

    if not asked.item:
        return [
            TileOf("abc", "ABC", lambda: layout.abc(found(), dimension, model)),
            TileOf("quadrants", "Growth by value", lambda: layout.quadrants(found(), dimension, model)),
            TileOf("list", "Products", lambda: layout.listing(found(), life(), dimension, model), wide=True),
            TileOf("stages", "Stages of life", lambda: layout.stages(life(), found(), dimension, model), wide=True),
        ]
    elsewhere = [
        TileOf(f"item-{name}", model.dimension(name).label, partial(_by, name, sales, asked, viewer))
        for name in products.elsewhere_of(model)
    ]
    return [
        TileOf("item", "Product", lambda: _head(sales, asked, viewer, found(), life())),
        TileOf("item-trend", "Over time", partial(_trend, sales, asked, viewer)),
        TileOf("item-price", "Price history", partial(_prices, sales, asked, viewer)),
        *elsewhere,
    ]


PAGE = TiledPage(layout.PAGE, "Products", products.default, products.read, lambda asked: asked.query, _settings, _tiles)
