"""Scenarios on the Forecast page: keep one, choose two to compare, remove one."""

from __future__ import annotations

from functools import cache
from typing import Any
from urllib.parse import urlencode

from dash import Input, Output, State, no_update
from dash.development.base_component import Component

from callbacks.filters import parse_search
from callbacks.tiled_page import TileOf
from callbacks.wiring import Register, Services
from layouts import forecast_scenarios as layout
from layouts.forecast_jobs import Ids as Tools
from layouts.settings_bar import Setting
from layouts.shell import Ids as Shell
from layouts.tiles import Drawn
from services.access import Viewer
from services.errors import UserError
from services.forecasting import page
from services.forecasting.page import CHOSEN, PREFIX, ForecastQuery, Show
from services.forecasting.sales import forecast
from services.forecasting.scenarios import Scenario, effects, levers
from services.model import SalesModel
from services.sales import Sales

Ids = layout.Ids


def _kept(services: Services, viewer: Viewer) -> list[Scenario]:
    return services.scenarios.all(viewer) if services.scenarios else []


def _chosen(kept: list[Scenario], asked: ForecastQuery) -> list[Scenario]:
    """Return the scenarios to compare: those chosen, else the first of all; a second only of the same question."""
    by_number = {each.number: each for each in kept}
    found = [by_number[number] for number in asked.chosen if number in by_number] or kept[:1]
    return [each for each in found if each.asks_as(found[0])]


def settings(services: Services, asked: ForecastQuery, viewer: Viewer) -> list[Setting]:
    """Return the controls that choose what is compared; none while something else is on show."""
    kept = _kept(services, viewer) if asked.show is Show.SCENARIOS else []
    return layout.choices(kept, _chosen(kept, asked)) if kept else []


def tools(asked: ForecastQuery, model: SalesModel) -> list[Component]:
    """Return the form of a new scenario, and the button that removes the one on show."""
    form = layout.form(levers(model, asked.measure), hidden=asked.show is not Show.TOTAL)
    return [form, layout.remove(hidden=asked.show is not Show.SCENARIOS)]


def tiles(services: Services, sales: Sales, asked: ForecastQuery, viewer: Viewer) -> list[TileOf]:
    """Return the comparison of the chosen scenarios, and all that are kept."""
    model = sales.model

    @cache
    def kept() -> list[Scenario]:
        return _kept(services, viewer)

    def compared() -> Drawn:
        chosen = _chosen(kept(), asked)
        if not chosen:
            return layout.nothing()
        found = forecast(sales, chosen[0].query, viewer, chosen[0].horizon)
        return layout.compared(found, [(each, effects(sales, each, viewer)) for each in chosen], model)

    return [
        TileOf("fan", "Compared", compared, wide=True),
        TileOf("scenarios", "Your scenarios", lambda: layout.listed(kept(), model), wide=True),
    ]


def register(register: Register, services: Services) -> None:
    """Add the callbacks that keep and remove."""
    model = services.sales.model

    @register(
        Output(Tools.SAID, "children", allow_duplicate=True),
        Output(Shell.URL, "search", allow_duplicate=True),
        Input(Ids.KEEP, "n_clicks"),
        State(Ids.NAME, "value"),
        *(State(name, "value") for name in Ids.CHANGES),
        State(Shell.URL, "search"),
        prevent_initial_call=True,
    )
    def keep(viewer: Viewer, clicks: object, name: object, *rest: object) -> Any:
        if not clicks or services.scenarios is None:
            return no_update, no_update
        *percents, search = rest
        asked, _ = page.read(parse_search(search), model)
        offered = levers(model, asked.measure)
        changes = {
            lever.key: float(percent) / 100
            for lever, percent in zip(offered, percents, strict=False)
            if isinstance(percent, int | float)
        }
        try:
            number = services.scenarios.keep(str(name or ""), asked.query, asked.horizon, changes, viewer)
        except UserError as error:
            return str(error), no_update
        return "", _address(search, number)

    @register(
        Output(Tools.SAID, "children", allow_duplicate=True),
        Output(Shell.URL, "search", allow_duplicate=True),
        Input(Ids.REMOVE, "n_clicks"),
        State(Shell.URL, "search"),
        prevent_initial_call=True,
    )
    def remove(viewer: Viewer, clicks: object, search: object) -> Any:
        if not clicks or services.scenarios is None:
            return no_update, no_update
        asked, _ = page.read(parse_search(search), model)
        kept = _kept(services, viewer)
        if not kept:
            return "There is no scenario to remove.", no_update
        gone = _chosen(kept, asked)[0]
        services.scenarios.remove(gone.number, viewer)
        left = [each.number for each in kept if each != gone]
        # The page is drawn anew by an address that is another one.
        number = left[0] if left else 0 if asked.chosen else gone.number
        return f"Removed {gone.name}.", _address(search, number)


def _address(search: object, number: int) -> str:
    """Return the page's address with a scenario on show, or with all that are kept."""
    others = [pair for pair in parse_search(search) if pair[0] not in (f"{PREFIX}{name}" for name in (*CHOSEN, "show"))]
    chosen = [(PREFIX + CHOSEN[0], str(number))] if number else []
    return "?" + urlencode([*others, (f"{PREFIX}show", Show.SCENARIOS.value), *chosen])
