"""Order lines: server-side paging, sorting and filtering over all facts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from dash import Input, Output, State, set_props

from callbacks import filters
from callbacks.wiring import PageContext, Register, Rendered, Services
from layouts import labels
from layouts import lines as layout
from layouts.shell import Ids as Shell
from layouts.shell import notice
from services.access import Viewer
from services.errors import QueryError, UserError
from services.model import SalesModel
from services.overview import default_query
from services.periods import Compare
from services.query import Filter, SalesQuery, Sort
from services.sales import Sales

Ids = layout.Ids
#: AG Grid's filter names -> ours.
OPERATORS = {
    "contains": "contains",
    "equals": "is",
    "notEqual": "not",
    "startsWith": "starts",
    "blank": "blank",
    "greaterThan": "gt",
    "greaterThanOrEqual": "ge",
    "lessThan": "lt",
    "lessThanOrEqual": "le",
}


def needs(model: SalesModel) -> str:
    """Return why these data have no order lines to show, or ""."""
    return "" if model.lines else "The model of these data lists no columns under `lines`."


def page_query(model: SalesModel) -> SalesQuery:
    """Return what the page shows when the URL says nothing."""
    return SalesQuery(columns=model.lines, period=default_query(model).period)


def _bar(sales: Sales) -> filters.Bar:
    return filters.Bar(sales, Ids.FILTERS, page_query(sales.model))


def render(context: PageContext) -> Rendered:
    """Return the page in the state its URL asks for."""
    sales, bar = context.sales, _bar(context.sales)
    query, messages = _read(context)
    count = _counted(sales.count_lines(query, context.viewer), query, sales)
    return layout.page(sales.model, bar.component(query, context.viewer), count, _notices(messages))


def register(register: Register, services: Services) -> None:
    """Add the page's callbacks."""
    sales = services.sales
    model, bar = sales.model, _bar(sales)
    bar.register(register)
    register.client(
        "reloadGrid",
        Output(Ids.RELOADED, "data"),
        Input(Ids.FILTERS.search, "data"),
        State(Ids.GRID, "id"),
        prevent_initial_call=True,
    )

    @register(
        Output(Ids.GRID, "getRowsResponse"),
        Input(Ids.GRID, "getRowsRequest"),
        State(Shell.URL, "search"),
        prevent_initial_call=True,
    )
    def fetch(viewer: Viewer, request: object, search: object) -> dict[str, Any]:
        context = PageContext(services, viewer, filters.parse_search(search))
        try:
            query = grid_query(_read(context)[0], request)
            frame = sales.answer(query, viewer).frame
            count = sales.count_lines(query, viewer)
        except UserError as error:
            set_props(Ids.NOTICES, {"children": _notices((str(error),))})
            return {"rowData": [], "rowCount": 0}
        set_props(Ids.COUNT, {"children": _counted(count, query, sales)})
        return {"rowData": layout.rows(frame, model), "rowCount": count}

    @register(Output(Ids.CHOSEN, "children"), Input(Ids.GRID, "selectedRows"), prevent_initial_call=True)
    def choose(_viewer: Viewer, found: object) -> list[Any]:
        rows = found if isinstance(found, list) else []
        return layout.chosen([row for row in rows[:1] if isinstance(row, Mapping)], model)

    @register(
        Output(Ids.NOTICES, "children"),
        *bar.outputs(),
        Input(Ids.FILTERS.search, "data"),
        prevent_initial_call=True,
    )
    def update(viewer: Viewer, change: object) -> list[Any]:
        found = change if isinstance(change, Mapping) else {}
        query, messages = _read(PageContext(services, viewer, filters.parse_search(found.get("search"))))
        return [
            _notices(messages),
            *bar.values(query, viewer, changed_elsewhere=found.get("from") != "controls"),
        ]


def grid_query(query: SalesQuery, request: object) -> SalesQuery:
    """Return the page's query narrowed to the block of rows the grid asks for.

    Raises QueryError for a request that no grid of ours sends.
    """
    try:
        if not isinstance(request, Mapping):
            raise TypeError("not a request")
        start, end = int(request["startRow"]), int(request["endRow"])
        model = request.get("filterModel") or {}
        conditions = tuple(_condition(field, rule) for field, rule in model.items())
        sorts = tuple(Sort(str(rule["colId"]), rule["sort"] == "desc") for rule in request.get("sortModel") or ())
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise QueryError(f"The table asked for rows in a way that is not understood: {error!r}.") from None
    return replace(
        query,
        filters=(*query.filters, *conditions),
        sort=sorts or query.sort,
        offset=start,
        limit=max(1, min(end - start, 10 * layout.BLOCK)),
    )


def _condition(field: object, rule: Mapping[str, Any]) -> Filter:
    operator = OPERATORS[rule["type"]]
    return Filter(str(field), operator, (str(rule.get("filter", "")),))


def asked(context: PageContext) -> SalesQuery:
    """Return the order lines that a URL asks for."""
    return _read(context)[0]


def _read(context: PageContext) -> tuple[SalesQuery, tuple[str, ...]]:
    """Return the query of the URL; a comparison, which the Overview's links carry along, means nothing here."""
    params = [(key, value) for key, value in context.params if key != "compare"]
    query, messages = filters.read(replace(context, params=params), page_query(context.sales.model))
    return replace(query, compare=Compare.NONE), messages


def _counted(count: int, query: SalesQuery, sales: Sales) -> str:
    return f"{count:,} order lines in {labels.range_of(sales.window(query).now, sales.model)}"


def _notices(messages: tuple[str, ...]) -> list[Any]:
    return [notice("Part of what was asked was not used.", messages)] if messages else []
