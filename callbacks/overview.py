"""The Overview: URL -> query -> answers -> view, on opening and on every change of the URL."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dash import Input, Output

from callbacks import filters
from callbacks.wiring import PageContext, Register, Rendered
from layouts import overview as layout
from layouts.controls import filter_bar
from services.access import Viewer
from services.overview import answers, default_query, offered
from services.query import SalesQuery
from services.sales import Sales

Ids = layout.Ids


def render(context: PageContext) -> Rendered:
    """Return the page in the state its URL asks for."""
    sales, default = context.sales, default_query(context.sales.model)
    query, messages = filters.read(context, default)
    bar = filter_bar(
        Ids.FILTERS,
        sales.model,
        query,
        default,
        sales.coverage(),
        sales.window(query).asked,
        filters.choices(sales, context.viewer, query),
    )
    return layout.page(sales.model, bar, _view(sales, query, context.viewer, messages))


def register(register: Register, sales: Sales) -> None:
    """Add the page's callbacks."""
    model = sales.model
    charts = [key for key in layout.CHARTS if layout.SOURCES.get(key, key) in {tile.key for tile in offered(model)}]
    filters.register(register, sales, Ids.FILTERS)

    @register(
        Output(Ids.NOTICES, "children"),
        Output(Ids.KPIS, "children"),
        Output(Ids.TRUST, "children"),
        *(Output(Ids.graph(key), "figure") for key in charts),
        *(Output(Ids.words(key), "children") for key in charts),
        *filters.outputs(model, Ids.FILTERS),
        Input(Ids.FILTERS.search, "data"),
        prevent_initial_call=True,
    )
    def update(viewer: Viewer, change: object) -> list[Any]:
        found = change if isinstance(change, Mapping) else {}
        context = PageContext(sales, viewer, filters.parse_search(found.get("search")))
        query, messages = filters.read(context, default_query(model))
        view = _view(sales, query, viewer, messages)
        return [
            view.notices,
            view.kpis,
            view.trust,
            *(view.charts[key].figure for key in charts),
            *(layout.words(view.charts[key], key) for key in charts),
            *filters.values(sales, viewer, query, changed_elsewhere=found.get("from") != "controls"),
        ]


def _view(sales: Sales, query: SalesQuery, viewer: Viewer, messages: tuple[str, ...]) -> layout.View:
    return layout.make_view(sales.model, answers(sales, offered(sales.model), query, viewer), messages)
