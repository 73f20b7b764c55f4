"""An order with all its lines; a customer with its orders, over time, by product."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlencode

import pandas as pd
from dash import html
from dash.development.base_component import Component

from layouts import answered, labels, lines, settings_bar, tables
from layouts.settings_bar import Setting
from layouts.tiles import Drawn
from services import formats
from services.details import DetailQuery
from services.model import ColumnType, Role, SalesModel
from services.sales import Answer

PAGE = "details"
TOP = 15


def settings(asked: DetailQuery, model: SalesModel) -> list[Component]:
    """Return the boxes that take the number of an order, or of a customer."""
    found = []
    for kind, role in (("order", Role.ORDER), ("customer", Role.CUSTOMER)):
        name = model.by_role(role)
        if name is not None:
            value = asked.key if asked.kind == kind else ""
            found.append(Setting(model.dimension(name).label, f"details-{kind}", value, text=True))
    return settings_bar.bar(PAGE, [("Look up", found)])


def link(kind: str, key: str) -> str:
    """Return the address of an order's or a customer's details."""
    return f"/details?{urlencode({f'details-{kind}': key})}"


def _go(kind: str, key: str, text: str) -> Component:
    return html.A(text, href=link(kind, key), **labels.data(go="yes"))


def head(asked: DetailQuery, answer: Answer, customers: Sequence[str], model: SalesModel) -> Drawn:
    """Return the tile with the totals of an order or customer."""
    role = Role.ORDER if asked.kind == "order" else Role.CUSTOMER
    label = model.dimension(model.by_role(role) or "").label
    title = f"{label} {asked.key}"
    rows: list[list[object]] = [
        [model.measure(name).label, formats.exact(answer.value(name), model.measure(name).format, model)]
        for name in answer.query.measures
    ]
    buyer = model.by_role(Role.CUSTOMER)
    rows += [[model.dimension(buyer).label, _go("customer", key, key)] for key in customers if buyer]
    first = answer.query.measures[0]
    value = formats.exact(answer.value(first), model.measure(first).format, model)
    summary = f"{model.measure(first).label} {value}, {answer.trust.rows:,} order lines."
    table = tables.table(title, ["What", "Value"], rows)  # type: ignore[arg-type]
    return Drawn(title, summary, None, table, answer, first)


def order_lines(answer: Answer, count: int, model: SalesModel) -> Drawn:
    """Return the tile with the lines of an order."""
    columns = answer.query.columns
    texts = [[row[name] for name in columns] for row in lines.rows(answer.frame, model)]
    shown = "" if count <= len(texts) else f" The first {len(texts):,} are shown."
    heads = [model.facts.columns[name].label for name in columns]
    words = [place for place, name in enumerate(columns) if model.facts.columns[name].type is ColumnType.TEXT]
    table = tables.table("Order lines", heads, texts, words=words)
    return Drawn("Its lines", f"{count:,} order lines.{shown}", None, table, answer)


def orders(answer: Answer | None, model: SalesModel, whose: str) -> Drawn:
    """Return the tile with the orders, latest first, each a link to its lines."""
    name = model.by_role(Role.ORDER)
    if answer is None or name is None:
        return Drawn("Orders", "", problem="No dimension of the model of these data has the role `order`.")
    plural = model.dimension(name).plural
    measures = answer.query.measures
    frame = answer.frame
    rows: list[list[object]] = []
    for number, (key, moment) in enumerate(zip(frame[name], frame["time"], strict=True)):
        known = labels.UNKNOWN if pd.isna(key) else _go("order", str(key), str(key))
        cells = [formats.exact(float(frame[m].iloc[number]), model.measure(m).format, model) for m in measures]
        rows.append([known, formats.day(moment.date(), model), *cells])
    heads = [model.dimension(name).label, "Day", *(model.measure(each).label for each in measures)]
    table = tables.table(plural, heads, rows)  # type: ignore[arg-type]
    title = f"{plural} of {whose}" if whose else f"Latest {plural.lower()}"
    summary = f"{len(rows)} {plural.lower()}, latest day first, largest of a day first."
    return Drawn(title, summary, None, table, answer, measures[0])


def trend(answer: Answer, model: SalesModel) -> Drawn:
    """Return a customer over time."""
    return answered.over_time(answer, f"{model.measure(answer.query.measures[0]).label} over time", _bought, model)


def _bought(answer: Answer, names: Sequence[str], _model: SalesModel) -> str:
    grain = answer.query.grain.value if answer.query.grain else "time step"
    bought = [name for name, lines in zip(names, answer.frame["rows"], strict=True) if lines > 0]
    return f"Bought in {len(bought)} of {len(names)} {grain}s, first in {bought[0]}." if bought else "Nothing bought."


def products(answer: Answer | None, model: SalesModel) -> Drawn:
    """Return what a customer buys most."""
    if answer is None:
        return Drawn("Products", "", problem="No dimension of the model of these data has the role `product`.")
    title = f"{model.dimension(answer.query.dimensions[0]).plural} bought most"
    return answered.leading(answer, title, _leads, model, TOP)


def _leads(_answer: Answer, names: Sequence[str], _model: SalesModel) -> str:
    return f"{names[0]} leads." if names else "Nothing bought."
