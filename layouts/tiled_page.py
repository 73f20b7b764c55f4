"""A page of tiles with settings: filter bar, settings, notices, tiles."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from dash import html
from dash.development.base_component import Component

from layouts import labels, tiles
from layouts.controls import FilterIds
from layouts.tiles import Contents, Drawn
from services.model import SalesModel


@dataclass(frozen=True)
class PageIds:
    """Component ids of such a page."""

    page: str

    @property
    def filters(self) -> FilterIds:
        """Ids of the filter bar."""
        return FilterIds(self.page)

    @property
    def notices(self) -> str:
        """Messages about the address."""
        return f"{self.page}-notices"

    @property
    def settings(self) -> str:
        """What the page is set to besides its filters."""
        return f"{self.page}-settings"

    @property
    def tiles(self) -> str:
        """The tiles."""
        return f"{self.page}-tiles"


@dataclass(frozen=True)
class Placed:
    """A tile and its place: `wide` takes the whole width."""

    key: str
    drawn: Drawn
    wide: bool = False


def page(
    ids: PageIds, title: str, model: SalesModel, bar: Component, settings: Sequence[Component], found: Sequence[Placed],
    notices: Sequence[Component],
) -> Component:  # fmt: skip
    """Return the page in its first state."""
    made = contents_of(ids, found, model)
    return html.Div(
        [
            html.H1(title, className="visually-hidden"),
            bar,
            html.Section(
                list(settings), id=ids.settings, className="settings card", **labels.aria(label="Settings of the page")
            ),
            html.Div(list(notices), id=ids.notices, **labels.aria(live="polite")),
            tiles.shown(ids.page, made),
            html.Div(cards(ids, found, made), id=ids.tiles, className="charts"),
            html.P(model.attribution, className="attribution") if model.attribution else None,
        ],
        className=f"page page-{ids.page}",
    )


def contents_of(ids: PageIds, found: Sequence[Placed], model: SalesModel) -> dict[str, Contents]:
    """Return what is sent of each tile, by its key."""
    return tiles.contents(ids.page, {each.key: each.drawn for each in found}, model)


def cards(ids: PageIds, found: Sequence[Placed], made: Mapping[str, Contents]) -> list[Component]:
    """Return the tiles as cards."""
    return [tiles.card(ids.page, each.key, made[each.key], wide=each.wide) for each in found]
