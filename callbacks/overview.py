"""The Overview: URL -> query -> answers -> view, on opening and on every change of the URL."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from dash import Input, Output

from callbacks import filters, landing, tiles
from callbacks.wiring import PageContext, Register, Rendered, Services
from layouts import key_figures
from layouts import overview as layout
from layouts.markup import TREE
from layouts.tiles import Drawn, contents
from services.access import Viewer
from services.overview import answers, default_query, offered, rest_of
from services.query import SalesQuery
from services.sales import Answer, Sales

Ids = layout.Ids
#: Parameter of this page: a dimension whose filter is shown beside all that it leaves out.
REST = "overview-rest"


def _bar(sales: Sales) -> filters.Bar:
    return filters.Bar(sales, Ids.FILTERS, default_query(sales.model))


def render(context: PageContext) -> Rendered:
    """Return the page in the state its URL asks for."""
    sales, bar = context.sales, _bar(context.sales)
    query, messages = filters.read(context, bar.default)
    view = _view(context, query, messages)
    return layout.page(sales.model, bar.component(query, context.viewer), view)


def drawn(context: PageContext) -> list[Drawn]:
    """Return the key figures and the charts of a URL, for exports."""
    sales = context.sales
    query, _ = filters.read(context, default_query(sales.model))
    view = _view(context, query, ())
    kpis = answers(sales, offered(sales.model)[:1], query, context.viewer)["kpis"]
    return [key_figures.table_of(kpis, sales.model), *view.charts.values()]


def register(register: Register, services: Services) -> None:
    """Add the page's callbacks."""
    sales = services.sales
    bar, charts = _bar(sales), layout.charts_of(offered(sales.model))
    bar.register(register)
    landing.register(register, services)

    @register(
        Output(Ids.NOTICES, "children"),
        Output(Ids.KPIS, TREE),
        Output(Ids.TRUST, TREE),
        Output(Ids.REST, TREE),
        *tiles.outputs(layout.PAGE, charts),
        *bar.outputs(),
        Input(Ids.FILTERS.search, "data"),
        tiles.known(layout.PAGE),
        prevent_initial_call=True,
    )
    def update(viewer: Viewer, change: object, shown: object) -> list[Any]:
        found = change if isinstance(change, Mapping) else {}
        context = PageContext(services, viewer, filters.parse_search(found.get("search")))
        query, messages = filters.read(context, bar.default)
        view = _view(context, query, messages)
        return [
            view.notices,
            view.kpis,
            view.trust,
            view.rest,
            *tiles.values(contents(layout.PAGE, view.charts, sales.model), charts, shown),
            *bar.values(query, viewer, changed_elsewhere=found.get("from") != "controls"),
        ]


def _view(context: PageContext, query: SalesQuery, messages: tuple[str, ...]) -> layout.View:
    sales, viewer = context.sales, context.viewer
    found = answers(sales, offered(sales.model), query, viewer)
    plans = _plans(context, found["kpis"])
    view = layout.make_view(sales.model, found, messages, query.measures[0], tiles.attempt, plans)
    return replace(view, rest=_rest(context, query, found["kpis"]))


def _rest(context: PageContext, query: SalesQuery, kpis: Answer) -> Any:
    """Return what the filter is compared with, where the URL asks for it: `overview-rest=country`."""
    sales, field = context.sales, dict(context.params).get(REST, "")
    others = rest_of(query, sales.model, field)
    if others is None:
        return None
    names = filters.names_of(sales, query, context.viewer)
    label = ", ".join(names.get((field, key), key) for key in query.chosen(field)[:3])
    return key_figures.rest(kpis, sales.answer(others, context.viewer), label, sales.model)


def _plans(context: PageContext, kpis: Answer) -> layout.Plans:
    planning, window = context.services.planning, kpis.window
    actual = {name: kpis.value(name) for name in kpis.query.measures}
    progress = planning.progress(kpis.query, window.asked, window.now, actual, context.viewer)
    return layout.Plans(progress, planning.notes(window.asked.start.date(), window.asked.end.date()))
