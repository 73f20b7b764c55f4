"""Forecast: what its URL means and which tiles it has: for the total, for its parts, or for who will lead where."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from typing import Any

from dash import Input, Output, State, ctx, no_update

from callbacks import forecast_scenarios as kept_scenarios
from callbacks.filters import parse_search
from callbacks.tiled_page import TiledPage, TileOf
from callbacks.wiring import PageContext, Register, Rendered, Services
from layouts import forecast as layout
from layouts import forecast_jobs, forecast_record, forecast_whatif, noted
from layouts.forecast_jobs import Ids
from layouts.shell import Ids as Shell
from layouts.tiles import Drawn
from services.access import Permission, Viewer
from services.errors import UserError
from services.forecasting import page, whatif
from services.forecasting.leaders import leaders
from services.forecasting.page import ForecastQuery, Show
from services.forecasting.panel import Values
from services.forecasting.requests import Asked
from services.forecasting.sales import MOST_PARTS, Outlook, forecast
from services.jobs import JobInfo
from services.periods import Grain
from services.sales import Sales


def _tiles(services: Services, sales: Sales, asked: ForecastQuery, viewer: Viewer) -> list[TileOf]:
    if asked.show is Show.LEADERS and page.pairs(sales.model):
        return _leaders(sales, asked, viewer)
    return _parts(sales, asked, viewer) if asked.show is Show.PARTS else _total(services, sales, asked, viewer)


def _total(services: Services, sales: Sales, asked: ForecastQuery, viewer: Viewer) -> list[TileOf]:
    model = sales.model

    @cache
    def found() -> Outlook:
        return forecast(sales, asked.query, viewer, asked.horizon)

    @cache
    def wanted() -> Values:
        return page.targets(found(), services.planning, viewer)

    def fan() -> Drawn:
        first, last = found().history["time"].min(), found().total["time"].max()
        notes = services.planning.notes(first.date(), last.date())
        return noted.add(layout.fan(found(), asked, model, wanted()), notes, model)

    def prices() -> Drawn:
        moved = whatif.elasticity(sales, asked.query, viewer)
        steps = whatif.scenarios(model, asked.measure, moved) if moved else ()
        return forecast_whatif.prices(found(), moved, steps, asked, model)

    other = [TileOf("prices", "At other prices", prices)] if whatif.offered(model, asked.measure) else []
    return [
        TileOf("fan", "Forecast", fan, wide=True),
        TileOf("chances", "Chances", lambda: layout.chances(page.reach(found(), asked, wanted()), asked, model)),
        TileOf("made", "What it is made of", lambda: layout.makes(page.made_of(found()), asked, model)),
        *other,
        TileOf("models", "How the models did", lambda: layout.models(found(), model), wide=not other),
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
        return forecast_record.record(kept, sales.model)

    return [TileOf("record", "Track record", drawn, wide=True)]


def page_of(services: Services) -> TiledPage[ForecastQuery]:
    """Return the page; its tiles know the published forecasts."""

    def tiles(sales: Sales, asked: ForecastQuery, viewer: Viewer) -> list[TileOf]:
        viewer.require(Permission.FORECAST_RUN)
        if asked.show is Show.RECORD:
            return _record(services, sales, viewer)
        if asked.show is Show.SCENARIOS:
            return kept_scenarios.tiles(services, sales, asked, viewer)
        return _tiles(services, sales, asked, viewer)

    def settings(sales: Sales, asked: ForecastQuery, viewer: Viewer) -> Sequence[Any]:
        found, model = _jobs(services, viewer), sales.model
        tools = forecast_jobs.tools(asked, found, model, kept_scenarios.tools(asked, model))
        return [*layout.settings(asked, model, kept_scenarios.settings(services, asked, viewer)), tools]

    return TiledPage(layout.PAGE, "Forecast", page.default, page.read, lambda asked: asked.query, settings, tiles)


def render(context: PageContext) -> Rendered:
    """Return the page in the state its URL asks for."""
    return page_of(context.services).render(context)


def drawn(context: PageContext) -> Sequence[Drawn]:
    """Return the page's tiles, for exports of the page."""
    return page_of(context.services).drawn(context)


def register(register: Register, services: Services) -> None:
    """Add the page's callbacks."""
    page_of(services).register(register, services)
    kept_scenarios.register(register, services)
    model = services.sales.model

    @register(
        Output(Ids.SAID, "children"),
        Input(Ids.PUBLISH, "n_clicks"),
        State(Shell.URL, "search"),
        prevent_initial_call=True,
    )
    def publish(viewer: Viewer, clicks: object, search: object) -> Any:
        if not clicks or services.forecasts is None:
            return no_update
        asked, _ = page.read(parse_search(search), model)
        try:
            number = services.forecasts.publish(forecast(services.sales, asked.query, viewer, asked.horizon), viewer)
        except UserError as error:
            return str(error)
        return f"Published as number {number}. The track record scores it when its periods are over."

    @register(
        Output(Ids.JOBS, "children"),
        Output(Ids.TICK, "disabled"),
        Output(Ids.CANCEL, "hidden"),
        Output(Ids.SAID, "children", allow_duplicate=True),
        Input(Ids.START, "n_clicks"),
        Input(Ids.CANCEL, "n_clicks"),
        Input(Ids.TICK, "n_intervals"),
        State(Shell.URL, "search"),
        prevent_initial_call=True,
    )
    def follow(viewer: Viewer, started: object, cancelled: object, _ticks: object, search: object) -> list[Any]:
        pressed = {Ids.START: started, Ids.CANCEL: cancelled}.get(str(ctx.triggered_id))
        said: Any = no_update
        try:
            if pressed:
                asked, _ = page.read(parse_search(search), model)
                said = _DONE[str(ctx.triggered_id)](services, asked, viewer)
        except UserError as error:
            said = str(error)
        found = _jobs(services, viewer)
        idle = forecast_jobs.under_way(found) is None
        return [forecast_jobs.listed(found, model), idle, idle, said]


def _jobs(services: Services, viewer: Viewer) -> list[JobInfo]:
    return services.forecast_room.latest(viewer) if services.forecast_room else []


def _start(services: Services, asked: ForecastQuery, viewer: Viewer) -> str:
    if services.forecast_room is None:
        return ""
    query = replace(asked.query, dimensions=(asked.split,))
    services.forecast_room.start(Asked(query=query, horizon=asked.horizon, parts=MOST_PARTS), viewer)
    return "It goes on when you leave this page."


def _cancel(services: Services, _asked: ForecastQuery, viewer: Viewer) -> str:
    running = forecast_jobs.under_way(_jobs(services, viewer))
    if services.forecast_room and running:
        services.forecast_room.cancel(running.id, viewer)
    return ""


#: What a button does; it returns what is said of it.
_DONE = {Ids.START: _start, Ids.CANCEL: _cancel}
