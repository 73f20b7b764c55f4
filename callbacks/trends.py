"""Trends & seasonality: what its URL means and which tiles it has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from callbacks.tiled_page import TiledPage, TileOf
from layouts import trends as layout
from layouts.tiles import Drawn
from services import seasons, trends
from services.access import Permission, Viewer
from services.buckets import month_of
from services.errors import UserError
from services.forecasting.overlay import overlaid
from services.overview import grain_of
from services.periods import Grain
from services.sales import Sales
from services.seasonality import decompose, season
from services.spine import SEASONS
from services.trends import TrendQuery


def _settings(sales: Sales, asked: TrendQuery, viewer: Viewer) -> Sequence[Any]:
    may = viewer.may(Permission.FORECAST_RUN)
    return layout.settings(asked, _grain(sales, asked), sales.model, forecasts=may)


def _grain(sales: Sales, asked: TrendQuery) -> Grain:
    return asked.query.grain or grain_of(sales.window(asked.query))


def _trend(sales: Sales, asked: TrendQuery, viewer: Viewer) -> Drawn:
    found = trends.trend(sales, asked, viewer)
    drawn = layout.trend(found, sales.model)
    if not asked.ahead or not viewer.may(Permission.FORECAST_RUN):
        return drawn
    try:
        more = overlaid(found, sales, viewer, asked.ahead)
    except UserError as error:
        return replace(drawn, summary=f"{drawn.summary} {error}")
    words = "Dotted: the forecast, with its 80 % interval; the page Forecast says how it is made."
    return replace(layout.trend(more, sales.model), summary=f"{drawn.summary} {words}")


def _season(sales: Sales, asked: TrendQuery, viewer: Viewer) -> Drawn:
    found = seasons.pattern(sales, asked.query, Grain.MONTH, viewer)
    first = month_of(found.buckets[0].start.date(), sales.model.calendar)[1] if found.buckets else 0
    made = season(found.values, first) if found.buckets else None
    return layout.season(found, made, decompose(found.values, SEASONS[Grain.MONTH][0]), asked.measure, sales.model)


def _week(sales: Sales, asked: TrendQuery, viewer: Viewer) -> Drawn:
    days, answer = seasons.weekdays(sales, asked.query, viewer)
    return layout.week(days, answer, asked.measure, sales.model)


def _unusual(sales: Sales, asked: TrendQuery, viewer: Viewer) -> Drawn:
    grain = _grain(sales, asked)
    return layout.unusual(seasons.pattern(sales, asked.query, grain, viewer), asked.measure, sales.model)


def _seasonal(dimension: str, sales: Sales, asked: TrendQuery, viewer: Viewer) -> Drawn:
    found, answer = seasons.seasonal_items(sales, asked.query, dimension, viewer)
    return layout.seasonal(found, answer, dimension, asked.measure, sales.model)


def _tiles(sales: Sales, asked: TrendQuery, viewer: Viewer) -> list[TileOf]:
    seasonal = [
        TileOf(
            f"seasonal-{name}",
            f"Seasonal {sales.model.dimension(name).plural.lower()}",
            partial(_seasonal, name, sales, asked, viewer),
        )
        for name in seasons.offered_items(sales.model)
    ]
    return [
        TileOf("trend", "Trend", partial(_trend, sales, asked, viewer), wide=True),
        TileOf("season", "The year", partial(_season, sales, asked, viewer)),
        TileOf("week", "Weekdays", partial(_week, sales, asked, viewer)),
        TileOf("unusual", "What does not fit", partial(_unusual, sales, asked, viewer), wide=True),
        *seasonal,
    ]


PAGE = TiledPage(layout.PAGE, "Trends", trends.default, trends.read, lambda asked: asked.query, _settings, _tiles)
