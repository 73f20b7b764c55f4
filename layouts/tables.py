"""Plain HTML tables: what a chart shows, for eyes, keyboards and screen readers alike."""

from __future__ import annotations

from collections.abc import Sequence

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
            html.Tbody([html.Tr([html.Th(row[0], scope="row"), *(html.Td(cell) for cell in row[1:])]) for row in rows]),
        ],
        className="table table-sm numbers",
    )


def answer_table(
    answer: Answer, title: str, head: str, names: Sequence[str], measure: str, model: SalesModel
) -> html.Table:
    """Return a measure per row with, where compared, the value before and the change."""
    found, frame = model.measure(measure), answer.frame
    before = f"{measure}__before"
    compared = before in frame and answer.window.before is not None
    heads = [head, found.label, *(("Before", "Change") if compared else ())]
    rows = []
    for index, name in enumerate(names):
        now = float(frame[measure].iloc[index])
        row = [name, formats.exact(now, found.format, model)]
        if compared:
            then = float(frame[before].iloc[index])
            share = formats.change(now, then) if answer.window.before_known else float("nan")
            row += [formats.exact(then, found.format, model), formats.change_text(share, model)]
        rows.append(row)
    return table(title, heads, rows)
