"""Landing forecasts on the key figures of the Overview, asked for once the page is painted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dash import Input, Output

from callbacks import filters
from callbacks.wiring import PageContext, Register, Services
from layouts import key_figures
from layouts.markup import TREE
from layouts.overview import Ids
from services.access import Viewer
from services.forecasting.landing import Landings
from services.overview import default_query, offered, queries


def register(register: Register, services: Services) -> None:
    """Add the callbacks."""
    sales, landings = services.sales, Landings(services.sales)
    register.client("askLanding", Output(Ids.LANDING_ASKED, "data"), Input(Ids.KPIS, TREE))
    register.client("showLanding", Output(Ids.LANDING_SHOWN, "data"), Input(Ids.LANDING, "data"))

    @register(Output(Ids.LANDING, "data"), Input(Ids.LANDING_ASKED, "data"), prevent_initial_call=True)
    def land(viewer: Viewer, asked: object) -> Any:
        wanted = asked if isinstance(asked, Mapping) else {}
        context = PageContext(services, viewer, filters.parse_search(wanted.get("search")))
        query, _ = filters.read(context, default_query(sales.model))
        figures = queries(sales, offered(sales.model)[:1], query)["kpis"]
        found, whole = landings.of(figures, viewer), sales.window(figures).asked
        expected = {name: each.expected for name, each in found.items()}
        targets = services.planning.progress(figures, whole, whole, expected, viewer)
        words = {
            name: key_figures.landing(each, name, targets[name].target if name in targets else None, sales.model)
            for name, each in found.items()
        }
        return {"at": wanted.get("at"), "words": words}
