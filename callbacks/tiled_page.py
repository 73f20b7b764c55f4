"""What pages of tiles have in common: URL -> state -> tiles, on opening and on every change of the URL."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from dash import Input, Output, no_update
from dash.development.base_component import Component

from callbacks import filters, tiles
from callbacks.wiring import PageContext, Register, Rendered, Services
from layouts import noted
from layouts import tiled_page as layout
from layouts.shell import notice
from layouts.tiled_page import PageIds, Placed
from layouts.tiles import Drawn, digests, shown_id
from services.access import Permission, Viewer
from services.model import SalesModel
from services.query import Params, SalesQuery
from services.sales import Sales

State = TypeVar("State")


@dataclass(frozen=True)
class TileOf:
    """A tile: its key, what to call it where it fails, and what draws it; `wide` takes the whole width.

    Exports of the page leave it out for those without the permission `exported`.
    """

    key: str
    title: str
    draw: Callable[[], Drawn]
    wide: bool = False
    exported: Permission | None = None


@dataclass(frozen=True)
class TiledPage(Generic[State]):
    """A page that is told by its rows: how its URL is read, its settings, and its tiles for a state.

    `read` gives the state and notices, `query` the part of the state that the filter bar shows.
    """

    key: str
    title: str
    default: Callable[[SalesModel], SalesQuery]
    read: Callable[[Params, SalesModel], tuple[State, tuple[str, ...]]]
    query: Callable[[State], SalesQuery]
    settings: Callable[[Sales, State, Viewer], Sequence[Component]]
    tiles: Callable[[Sales, State, Viewer], Sequence[TileOf]]

    @property
    def ids(self) -> PageIds:
        """The page's component ids."""
        return PageIds(self.key)

    def _bar(self, sales: Sales) -> filters.Bar:
        return filters.Bar(sales, self.ids.filters, self.default(sales.model))

    def render(self, context: PageContext) -> Rendered:
        """Return the page in the state its URL asks for."""
        sales, viewer = context.sales, context.viewer
        state, messages = self.read(context.params, sales.model)
        bar = self._bar(sales).component(self.query(state), viewer)
        settings = self.settings(sales, state, viewer)
        found = self._placed(context.services, state, viewer)
        return layout.page(self.ids, self.title, sales.model, bar, settings, found, _notices(messages))

    def drawn(self, context: PageContext) -> Sequence[Drawn]:
        """Return the page's tiles, for exports of the page."""
        sales, viewer = context.sales, context.viewer
        state, _ = self.read(context.params, sales.model)
        found = self.tiles(sales, state, viewer)
        allowed = (each for each in found if each.exported is None or viewer.may(each.exported))
        return [tiles.attempt(each.title, each.draw) for each in allowed]

    def register(self, register: Register, services: Services) -> None:
        """Add the page's callbacks."""
        sales, bar, ids = services.sales, self._bar(services.sales), self.ids
        bar.register(register)

        @register(
            Output(ids.notices, "children"),
            Output(ids.settings, "children"),
            Output(ids.tiles, "children"),
            Output(shown_id(self.key), "data"),
            *bar.outputs(),
            Input(ids.filters.search, "data"),
            tiles.known(self.key),
            prevent_initial_call=True,
        )
        def update(viewer: Viewer, change: object, shown: object) -> list[Any]:
            found = change if isinstance(change, Mapping) else {}
            state, messages = self.read(filters.parse_search(found.get("search")), sales.model)
            placed = self._placed(services, state, viewer)
            made = layout.contents_of(ids, placed, sales.model)
            same = tiles.set_changed(self.key, made, shown)
            return [
                _notices(messages),
                list(self.settings(sales, state, viewer)),
                no_update if same else layout.cards(ids, placed, made),
                digests(made),
                *bar.values(self.query(state), viewer, changed_elsewhere=found.get("from") != "controls"),
            ]

    def _placed(self, services: Services, state: State, viewer: Viewer) -> list[Placed]:
        sales = services.sales
        covered = sales.window(self.query(state)).asked
        notes = services.planning.notes(covered.start.date(), covered.end.date())
        return [
            Placed(each.key, noted.add(tiles.attempt(each.title, each.draw), notes, sales.model), each.wide)
            for each in self.tiles(sales, state, viewer)
        ]


def _notices(messages: tuple[str, ...]) -> list[Any]:
    return [notice("Part of the address was not used.", messages)] if messages else []
