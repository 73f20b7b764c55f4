"""The filter bar's own callbacks: controls to URL in the browser, product search on the server."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from dash import Input, Output, State, no_update

from callbacks.wiring import PageContext, Register
from layouts import controls
from layouts.controls import FilterIds
from layouts.markup import TREE
from layouts.shell import Ids as Shell
from services import trail
from services.access import Viewer
from services.query import MAX_TEXT, SalesQuery, from_params
from services.sales import Choice, Sales
from services.trail import Places

#: Longer than any browser's address that a server accepts.
MAX_SEARCH = 16_384


@dataclass(frozen=True)
class Bar:
    """The filter bar of one page; `default` is the page's query when the URL says nothing.

    A page of order lines compares nothing, so its bar has no menu for that.
    """

    sales: Sales
    ids: FilterIds
    default: SalesQuery

    @property
    def _fields(self) -> list[str]:
        compare = [] if self.default.columns else [self.ids.compare]
        return [self.ids.period, self.ids.first, self.ids.last, *compare]

    @property
    def _menus(self) -> dict[str, str]:
        return {name: self.ids.dimension(name) for name in self.sales.model.filters}

    def register(self, register: Register) -> None:
        """Add the bar's callbacks."""
        register.client(
            "filtersToUrl",
            Output(Shell.URL, "search", allow_duplicate=True),
            *(Input(field, "value") for field in (*self._fields, *self._menus.values())),
            State(self.ids.defaults, "data"),
            prevent_initial_call=True,
        )
        register.client("dates", Output(self.ids.dates, "className"), Input(self.ids.period, "value"))
        for name, menu in self._menus.items():
            self._register_search(register, name, menu)

    def _register_search(self, register: Register, name: str, menu: str) -> None:
        @register(Output(menu, "options"), Input(menu, "search_value"), State(menu, "value"), prevent_initial_call=True)
        def search(viewer: Viewer, text: object, chosen: object) -> Any:
            if not isinstance(text, str) or not text.strip():
                return no_update
            keys = tuple(str(value)[:MAX_TEXT] for value in chosen) if isinstance(chosen, list) else ()
            found = self.sales.values(name, viewer, search=text.strip()[:MAX_TEXT])
            return controls.options(_together(self.sales.labels(name, keys, viewer), found))

    def component(self, query: SalesQuery, viewer: Viewer) -> Any:
        """Return the bar showing a query."""
        return controls.filter_bar(
            self.ids,
            self.sales.model,
            query,
            self.default,
            self.sales.coverage(),
            self.sales.window(query).asked,
            self._choices(query, viewer),
            self._trail(query, viewer),
        )

    def _trail(self, query: SalesQuery, viewer: Viewer) -> list[Any]:
        model, anywhere = self.sales.model, Places(here="")
        path = trail.path(model, query, self.sales.window(query).asked, anywhere)
        return controls.trail_of(path, trail.chips(model, query, anywhere, names_of(self.sales, query, viewer)))

    def outputs(self) -> list[Output]:
        """Return what `values` fills, so that Back shows the filters of the page gone back to."""
        found = [Output(self.ids.trail, TREE), Output(self.ids.defaults, "data")]
        found += [*(Output(field, "value") for field in self._fields)]
        for menu in self._menus.values():
            found += [Output(menu, "value"), Output(menu, "options", allow_duplicate=True)]
        return found

    def values(self, query: SalesQuery, viewer: Viewer, *, changed_elsewhere: bool) -> list[Any]:
        """Return the trail and the controls' values; nothing for those the person just set themselves."""
        model, where = self.sales.model, self._trail(query, viewer)
        browser = controls.browser_state(model, self.default, self.sales.window(query).asked)
        if not changed_elsewhere:
            return [where, browser, *[no_update] * (len(self._fields) + 2 * len(self._menus))]
        state = controls.state(model, query)
        dates = [state[key] or no_update for key in ("first", "last")]
        found = [where, browser, state["period"], *dates, *([] if self.default.columns else [state["compare"]])]
        choices = self._choices(query, viewer)
        for name in self._menus:
            found += [state[name], controls.options(choices[name])]
        return found

    def _choices(self, query: SalesQuery, viewer: Viewer) -> dict[str, Sequence[Choice]]:
        """Return the options each menu starts with: the largest values and the chosen ones."""
        return {
            name: _together(self.sales.labels(name, query.chosen(name), viewer), self.sales.values(name, viewer))
            for name in self._menus
        }


def read(context: PageContext, default: SalesQuery) -> tuple[SalesQuery, tuple[str, ...]]:
    """Return the page's query for the URL of the context, and notices about what was not used."""
    return from_params(context.params, default, context.sales.model)


def names_of(sales: Sales, query: SalesQuery, viewer: Viewer) -> dict[tuple[str, str], str]:
    """Return what the values that a query filters by are called: (dimension, key) -> label."""
    keys: dict[str, tuple[str, ...]] = {}
    for condition in query.filters:
        if condition.field in sales.model.dimensions and condition.operator in ("is", "not"):
            keys[condition.field] = keys.get(condition.field, ()) + condition.values
    found = {name: sales.labels(name, tuple(dict.fromkeys(values)), viewer) for name, values in keys.items()}
    return {(name, choice.key): choice.label for name, choices in found.items() for choice in choices}


def parse_search(search: object) -> list[tuple[str, str]]:
    """Return the parameters of a URL's search part; anything but a text of sensible length gives none."""
    if not isinstance(search, str) or len(search) > MAX_SEARCH:
        return []
    return parse_qsl(search.removeprefix("?"), keep_blank_values=True)


def _together(chosen: Sequence[Choice], offered: Sequence[Choice]) -> list[Choice]:
    return list({choice.key: choice for choice in (*offered, *chosen)}.values())
