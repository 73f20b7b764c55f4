"""Forecast: what its URL means and which tiles it has: for the total, for its parts, or for who will lead where."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from typing import Any

from callbacks.tiled_page import TiledPage, TileOf
from callbacks.wiring import PageContext, Register, Rendered, Services
from layouts import forecast as layout
from layouts.tiles import Drawn
from services.access import Permission, Viewer
from services.forecasting import page
from services.forecasting.leaders import leaders
from services.forecasting.page import ForecastQuery, Show
from services.forecasting.sales import Outlook, forecast
from services.periods import Grain
from services.sales import Sales


def _settings(sales: Sales, asked: ForecastQuery, _viewer: Viewer) -> Sequence[Any]:
    return layout.settings(asked, sales.model)


def _tiles(sales: Sales, asked: ForecastQuery, viewer: Viewer) -> list[TileOf]:
    if asked.show is Show.LEADERS and page.pairs(sales.model):
        return _leaders(sales, asked, viewer)
    return _parts(sales, asked, viewer) if asked.show is Show.PARTS else _total(sales, asked, viewer)


def _total(sales: Sales, asked: ForecastQuery, viewer: Viewer) -> list[TileOf]:
    model = sales.model

    @cache
    def found() -> Outlook:
        return forecast(sales, asked.query, viewer, asked.horizon)

    return [
        TileOf("fan", "Forecast", lambda: layout.fan(found(), asked, model), wide=True),
        TileOf("chances", "Chances", lambda: layout.chances(page.reach(found(), asked), asked, model)),
        TileOf("models", "How the models did", lambda: layout.models(found(), model)),
    ]


def _parts(sales: Sales, asked: ForecastQuery, viewer: Viewer) -> list[TileOf]:
    query = replace(asked.query, dimensions=(asked.split,))

    @cache
    def found() -> Outlook:
        return forecast(sales, query, viewer, asked.horizon)

    return [
        TileOf("parts", "Parts", lambda: layout.parts(found(), asked, sales.model)),
        TileOf("fan", "Forecast", lambda: layout.fan(found(), asked, sales.model)),
    ]


def _leaders(sales: Sales, asked: ForecastQuery, viewer: Viewer) -> list[TileOf]:
    names = page.pairs(sales.model) or ("", "")
    query = replace(asked.query, dimensions=names, grain=Grain.MONTH)

    def drawn(months: int, name: str) -> Drawn:
        return layout.leaders(leaders(sales, query, viewer, months), name, asked, names, sales.model)

    return [
        TileOf("month", "Next month", lambda: drawn(1, "next month")),
        TileOf("quarter", "Next three months", lambda: drawn(3, "next three months")),
    ]


def _record(services: Services, sales: Sales, viewer: Viewer) -> list[TileOf]:
    def drawn() -> Drawn:
        kept = services.forecasts.kept(sales, viewer) if services.forecasts else []
        return layout.record(kept, sales.model)

    return [TileOf("record", "Track record", drawn, wide=True)]


def page_of(services: Services) -> TiledPage[ForecastQuery]:
    """Return the page; its tiles know the published forecasts."""

    def tiles(sales: Sales, asked: ForecastQuery, viewer: Viewer) -> list[TileOf]:
        viewer.require(Permission.FORECAST_RUN)
        if asked.show is Show.RECORD:
            return _record(services, sales, viewer)
        return _tiles(sales, asked, viewer)

    return TiledPage(layout.PAGE, "Forecast", page.default, page.read, lambda asked: asked.query, _settings, tiles)


def render(context: PageContext) -> Rendered:
    """Return the page in the state its URL asks for."""
    return page_of(context.services).render(context)


def drawn(context: PageContext) -> Sequence[Drawn]:
    """Return the page's tiles, for exports of the page."""
    return page_of(context.services).drawn(context)


def register(register: Register, services: Services) -> None:
    """Add the page's callbacks."""
    page_of(services).register(register, services)
