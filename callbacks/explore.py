"""Explore: URL -> exploration -> pivot -> tile."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dash import Input, Output

from callbacks import filters, tiles
from callbacks.wiring import PageContext, Register, Rendered, Services
from layouts import explore as layout
from layouts import noted
from layouts.shell import notice
from layouts.tiles import Drawn, contents
from services import explore, pivot
from services.access import Viewer
from services.explore import Exploration
from services.sales import Sales

Ids = layout.Ids


def _bar(sales: Sales) -> filters.Bar:
    return filters.Bar(sales, Ids.FILTERS, explore.default(sales.model))


def render(context: PageContext) -> Rendered:
    """Return the page in the state its URL asks for."""
    sales, bar = context.sales, _bar(context.sales)
    exploration, messages = explore.read(context.params, sales.model)
    drawn = _drawn(context.services, exploration, context.viewer)
    return layout.page(
        sales.model, bar.component(exploration.query, context.viewer), exploration, drawn, _notices(messages)
    )


def drawn(context: PageContext) -> Sequence[Drawn]:
    """Return the page's tile, for exports of the page."""
    exploration, _ = explore.read(context.params, context.sales.model)
    return [_drawn(context.services, exploration, context.viewer)]


def register(register: Register, services: Services) -> None:
    """Add the page's callbacks."""
    sales, bar = services.sales, _bar(services.sales)
    bar.register(register)

    @register(
        Output(Ids.NOTICES, "children"),
        Output(Ids.SETTINGS, "children"),
        *tiles.outputs(layout.PAGE, [layout.KEY]),
        *bar.outputs(),
        Input(Ids.FILTERS.search, "data"),
        tiles.known(layout.PAGE),
        prevent_initial_call=True,
    )
    def update(viewer: Viewer, change: object, shown: object) -> list[Any]:
        found = change if isinstance(change, Mapping) else {}
        exploration, messages = explore.read(filters.parse_search(found.get("search")), sales.model)
        drawn = _drawn(services, exploration, viewer)
        return [
            _notices(messages),
            layout.settings(exploration, sales.model),
            *tiles.values(contents(layout.PAGE, {layout.KEY: drawn}, sales.model), [layout.KEY], shown),
            *bar.values(exploration.query, viewer, changed_elsewhere=found.get("from") != "controls"),
        ]


def _drawn(services: Services, exploration: Exploration, viewer: Viewer) -> Drawn:
    sales = services.sales
    covered = sales.window(exploration.query).asked
    notes = services.planning.notes(covered.start.date(), covered.end.date())
    drawn = tiles.attempt(
        "Pivot", lambda: layout.draw(exploration, pivot.table(sales, exploration.pivot, viewer), sales.model)
    )
    return noted.add(drawn, notes, sales.model)


def _notices(messages: tuple[str, ...]) -> list[Any]:
    return [notice("Part of the address was not used.", messages)] if messages else []
