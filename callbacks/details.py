"""Details: an order and its lines, a customer and its orders."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from callbacks.tiled_page import TiledPage, TileOf
from layouts import details as layout
from layouts.tiles import Drawn
from services import details
from services.access import Permission, Viewer
from services.details import DetailQuery
from services.model import Role, SalesModel
from services.overview import grain_of
from services.sales import Sales
from services.spine import with_gaps


def needs(model: SalesModel) -> str:
    """Return why these data have no details to show, or ""."""
    if not model.lines:
        return "The model of these data lists no columns under `lines`."
    known = model.by_role(Role.ORDER) or model.by_role(Role.CUSTOMER)
    return "" if known else "No dimension of the model of these data has the role `order` or `customer`."


def _settings(sales: Sales, asked: DetailQuery, _viewer: Viewer) -> Sequence[Any]:
    return layout.settings(asked, sales.model)


def _tiles(sales: Sales, asked: DetailQuery, viewer: Viewer) -> list[TileOf]:
    model = sales.model

    def orders() -> Drawn:
        return layout.orders(details.orders(sales, asked, viewer), model, asked.key)

    if not asked.kind:
        return [TileOf("orders", "Orders", orders, wide=True)]

    def head() -> Drawn:
        answer = details.totals(sales, asked, viewer)
        return layout.head(asked, answer, details.customer_of(sales, asked, viewer), model)

    if asked.kind == "order":
        return [
            TileOf("head", "Order", head),
            TileOf(
                "order-lines",
                "Lines",
                lambda: layout.order_lines(*details.lines(sales, asked, viewer), model),
                wide=True,
                exported=Permission.LINES_EXPORT,
            ),
        ]

    def trend() -> Drawn:
        query = details.of(asked, model)
        answer = sales.answer(replace(query, grain=grain_of(sales.window(query))), viewer)
        return layout.trend(with_gaps(answer, model.calendar), model)

    return [
        TileOf("head", "Customer", head),
        TileOf("over-time", "Over time", trend),
        TileOf("orders", "Orders", orders),
        TileOf("bought", "Products", lambda: layout.products(details.products(sales, asked, viewer), model)),
    ]


PAGE = TiledPage(layout.PAGE, "Look up", details.default, details.read, lambda asked: asked.query, _settings, _tiles)
