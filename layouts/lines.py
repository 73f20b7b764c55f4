"""Order lines: the facts themselves, page by page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

import dash_ag_grid as dag
import pandas as pd
from dash import dcc, html
from dash.development.base_component import Component

from layouts import labels
from layouts.controls import FilterIds
from services import formats
from services.model import ColumnType, Format, Role, SalesModel

BLOCK = 100
RIGHT = (ColumnType.INTEGER, ColumnType.NUMBER, ColumnType.MONEY)


class Ids:
    """Component ids of the page."""

    FILTERS = FilterIds("lines")
    GRID = "lines-grid"
    COUNT = "lines-count"
    NOTICES = "lines-notices"
    RELOADED = "lines-reloaded"
    CHOSEN = "lines-chosen"


def page(model: SalesModel, bar: Component, count: str, notices: list[Component]) -> Component:
    """Return the page; the grid asks for its rows itself."""
    return html.Div(
        [
            html.H1("Order lines", className="visually-hidden"),
            bar,
            html.Div(notices, id=Ids.NOTICES, **labels.aria(live="polite")),
            html.P(count, id=Ids.COUNT, className="count", role="status"),
            dcc.Store(id=Ids.RELOADED),
            html.P(chosen([], model), id=Ids.CHOSEN, className="count", **labels.aria(live="polite")),
            dag.AgGrid(
                id=Ids.GRID,
                columnDefs=[_column(name, model) for name in model.lines],
                defaultColDef={"sortable": True, "resizable": True, "floatingFilter": True, "suppressMovable": True},
                rowModelType="infinite",
                className="grid",
                style={"width": "100%", "height": "calc(100vh - 14rem)", "minHeight": "24rem"},
                dashGridOptions={
                    "cacheBlockSize": BLOCK,
                    "maxBlocksInCache": 20,
                    "rowHeight": 32,
                    "rowSelection": {"mode": "singleRow", "checkboxes": False, "enableClickSelection": True},
                    "localeText": {"noRowsToShow": "No order lines for these filters."},
                },
            ),
        ],
        className="page page-lines",
    )


def chosen(lines: Sequence[Mapping[str, Any]], model: SalesModel) -> list[Any]:
    """Return links to the order and the customer of a line chosen in the table, or how to choose one."""
    links: list[Any] = []
    for role, param in ((Role.ORDER, "details-order"), (Role.CUSTOMER, "details-customer")):
        dimension = model.dimensions.get(model.by_role(role) or "")
        # Numbers are written for people in the table, so that only texts can be looked up as they stand.
        text_key = dimension is not None and model.facts.columns[dimension.column].type is ColumnType.TEXT
        value = lines[0].get(dimension.column) if lines and dimension else None
        if dimension and text_key and value:
            text = f"{dimension.label} {value}"
            links += [html.A(text, href=f"/details?{urlencode({param: str(value)})}", **labels.data(go="yes")), " · "]
    return links[:-1] or ["Choose a line, by click or with the space key, to go to its order and customer."]


def _column(name: str, model: SalesModel) -> dict[str, Any]:
    column = model.facts.columns[name]
    number = column.type in RIGHT
    kind = "agNumberColumnFilter" if number else "agTextColumnFilter"
    offered = ["equals", "greaterThan", "greaterThanOrEqual", "lessThan", "lessThanOrEqual"] if number else None
    return {
        "field": name,
        "headerName": column.label,
        # The time is filtered by the bar above, day by day.
        "filter": False if column.type is ColumnType.TIME else kind,
        "filterParams": {
            "filterOptions": offered or ["contains", "equals", "notEqual", "startsWith", "blank"],
            "maxNumConditions": 1,
            "debounceMs": 400,
        },
        "type": "rightAligned" if number else "",
        "width": 290 if name.endswith("_name") else 150 if column.type is ColumnType.TIME else 118,
    }


def rows(frame: pd.DataFrame, model: SalesModel) -> list[dict[str, str]]:
    """Return the lines as texts, numbers written in the model's locale."""
    return [
        {name: _text(record[name], model.facts.columns[name].type, model) for name in model.lines}
        for record in frame.to_dict("records")
    ]


def _text(value: Any, kind: ColumnType, model: SalesModel) -> str:
    if pd.isna(value):
        return ""
    match kind:
        case ColumnType.TIME:
            return f"{value:%Y-%m-%d %H:%M}"
        case ColumnType.MONEY:
            return formats.exact(value, Format.CURRENCY, model)
        case ColumnType.INTEGER:
            return formats.exact(value, Format.INTEGER, model)
        case ColumnType.NUMBER:
            return formats.exact(value, Format.NUMBER, model)
        case _:
            return str(value)
