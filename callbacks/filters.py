"""The filter bar's own callbacks: controls to URL in the browser, product search on the server."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl

from dash import Input, Output, State, no_update

from callbacks.wiring import PageContext, Register
from layouts import controls
from layouts.controls import FilterIds
from layouts.shell import Ids as Shell
from services.access import Viewer
from services.model import SalesModel
from services.query import MAX_TEXT, SalesQuery, from_params
from services.sales import Choice, Sales


def register(register: Register, sales: Sales, ids: FilterIds, *, comparisons: bool = True) -> None:
    """Add the callbacks of one page's filter bar."""
    menus = [ids.dimension(name) for name in sales.model.filters]
    fields = [ids.period, ids.first, ids.last, *((ids.compare,) if comparisons else ()), *menus]
    register.client(
        "filtersToUrl",
        Output(Shell.URL, "search", allow_duplicate=True),
        *(Input(field, "value") for field in fields),
        State(ids.defaults, "data"),
        prevent_initial_call=True,
    )
    register.client("dates", Output(ids.dates, "className"), Input(ids.period, "value"))
    for name in sales.model.filters:
        _register_search(register, sales, name, ids.dimension(name))


def _register_search(register: Register, sales: Sales, name: str, menu: str) -> None:
    @register(Output(menu, "options"), Input(menu, "search_value"), State(menu, "value"), prevent_initial_call=True)
    def search(viewer: Viewer, text: object, chosen: object) -> Any:
        if not isinstance(text, str) or not text.strip():
            return no_update
        keys = tuple(str(value)[:MAX_TEXT] for value in chosen) if isinstance(chosen, list) else ()
        found = sales.values(name, viewer, search=text.strip()[:MAX_TEXT])
        return controls.options(_together(sales.labels(name, keys, viewer), found))


def read(context: PageContext, default: SalesQuery) -> tuple[SalesQuery, tuple[str, ...]]:
    """Return the page's query for the URL of the context, and notices about what was not used."""
    return from_params(context.params, default, context.sales.model)


def parse_search(search: object) -> list[tuple[str, str]]:
    """Return the parameters of a URL's search part; anything but a text gives none."""
    return parse_qsl(search.removeprefix("?"), keep_blank_values=False) if isinstance(search, str) else []


def choices(sales: Sales, viewer: Viewer, query: SalesQuery) -> dict[str, Sequence[Choice]]:
    """Return the options each dimension's menu starts with: the chosen values, then the largest."""
    found: dict[str, Sequence[Choice]] = {}
    for name in sales.model.filters:
        found[name] = _together(sales.labels(name, query.chosen(name), viewer), sales.values(name, viewer))
    return found


def outputs(model: SalesModel, ids: FilterIds, *, comparisons: bool = True) -> list[Output]:
    """Return what `values` fills, so that Back shows the filters of the page gone back to."""
    fixed = [ids.period, ids.first, ids.last, *((ids.compare,) if comparisons else ())]
    values = [Output(field, "value") for field in fixed]
    for name in model.filters:
        values += [Output(ids.dimension(name), "value"), Output(ids.dimension(name), "options", allow_duplicate=True)]
    return values


def values(
    sales: Sales, viewer: Viewer, query: SalesQuery, *, comparisons: bool = True, changed_elsewhere: bool = True
) -> list[Any]:
    """Return the controls' values; nothing when the controls themselves made the change."""
    state: Mapping[str, Any] = controls.state(sales.model, query)
    dates = [state[key] or no_update for key in ("first", "last")]
    found = [state["period"], *dates, *((state["compare"],) if comparisons else ())]
    if not changed_elsewhere:
        return [no_update] * (len(found) + 2 * len(sales.model.filters))
    options = choices(sales, viewer, query)
    for name in sales.model.filters:
        found += [state[name], controls.options(options[name])]
    return found


def _together(first: Sequence[Choice], more: Sequence[Choice]) -> list[Choice]:
    return list({choice.key: choice for choice in (*more, *first)}.values()) if first else list(more)
