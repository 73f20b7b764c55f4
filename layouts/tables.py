"""Plain HTML tables: what a chart shows, for eyes, keyboards and screen readers alike."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from dash import html

from services import formats
from services.model import SalesModel
from services.sales import Answer


def table(caption: str, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> html.Table:
    """Return a table whose first column names the rows."""
    return html.Table(
        [
            html.Caption(caption, className="visually-hidden"),
            html.Thead(html.Tr([html.Th(head, scope="col") for head in heads])),
            html.Tbody([_element("Tr", [_element("Th", row[0], scope="row"), *_cells(row[1:])]) for row in rows]),
        ],
        className="table table-sm numbers",
    )


def _element(name: str, children: object, **more: str) -> Any:
    """Return an HTML element as it is sent; a component object costs 20 times that, and a page has 500 cells."""
    return {"type": name, "namespace": "dash_html_components", "props": {"children": children, **more}}


def _cells(texts: Iterable[str]) -> Iterable[Any]:
    return (_element("Td", text) for text in texts)


def answer_table(
    answer: Answer, title: str, head: str, names: Sequence[str], measure: str, model: SalesModel
) -> html.Table:
    """Return a measure per row with, where compared, the value before and the change."""
    found, frame = model.measure(measure), answer.frame
    before = f"{measure}__before"
    compared = before in frame and answer.window.before is not None
    heads = [head, found.label, *(("Before", "Change") if compared else ())]
    now = frame[measure].tolist()
    rows = [[name, formats.exact(value, found.format, model)] for name, value in zip(names, now, strict=False)]
    if compared:
        for row, value, then in zip(rows, now, frame[before].tolist(), strict=False):
            share = formats.change(value, then) if answer.window.before_known else float("nan")
            row += [formats.exact(then, found.format, model), formats.change_text(share, model)]
    return table(title, heads, rows)
