"""Teach: what questions were not understood, and what words mean."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlencode

import dash_bootstrap_components as dbc
from dash import html
from dash.development.base_component import Component

from layouts import tables
from services.language.questions import Taught, Unclear
from services.model import SalesModel


class Ids:
    """Component ids of the page."""

    PHRASE = "teach-phrase"
    NAME = "teach-name"
    ADD = "teach-add"
    WORDING = "teach-wording"
    MEANING = "teach-meaning"
    VERIFY = "teach-verify"
    NUMBER = "teach-number"
    FORGET = "teach-forget"
    TAUGHT = "teach-taught"
    SAID = "teach-said"


def page(model: SalesModel, unclear: Sequence[Unclear], taught: Sequence[Taught], phrase: str) -> Component:
    """Return the page; `phrase` is what a refused question led here with."""
    return html.Div(
        [
            html.H1("Teach questions", className="page-title"),
            html.Div(id=Ids.SAID, role="status"),
            html.Div(
                [_synonym(model, phrase), _verified(), _known(taught), _unclear(unclear)], className="charts teach"
            ),
        ],
        className="page",
    )


def _field(label: str, target: str, control: Component) -> Component:
    return html.Div([html.Label(label, htmlFor=target, className="form-label"), control])


def _synonym(model: SalesModel, phrase: str) -> Component:
    names = [{"value": name, "label": each.label} for name, each in model.measures.items()]
    names += [{"value": name, "label": f"By {each.label}"} for name, each in model.dimensions.items()]
    return html.Section(
        [
            html.H2("A word means a measure or a breakdown"),
            _field("Word or phrase", Ids.PHRASE, dbc.Input(id=Ids.PHRASE, value=phrase, maxLength=200)),
            _field("Means", Ids.NAME, dbc.Select(id=Ids.NAME, options=names)),
            dbc.Button("Add the synonym", id=Ids.ADD, size="sm", className="mt-2"),
        ],
        className="card chart tile",
    )


def _verified() -> Component:
    return html.Section(
        [
            html.H2("A question means another one"),
            _field("When somebody asks", Ids.WORDING, dbc.Input(id=Ids.WORDING, maxLength=200)),
            _field("answer this question", Ids.MEANING, dbc.Input(id=Ids.MEANING, maxLength=500)),
            dbc.Button("Add the verified answer", id=Ids.VERIFY, size="sm", className="mt-2"),
        ],
        className="card chart tile",
    )


def _known(taught: Sequence[Taught]) -> Component:
    return html.Section(
        [
            html.H2("What was taught"),
            html.Div(taught_table(taught), id=Ids.TAUGHT, className="scroll", tabIndex=0),
            _field("Forget", Ids.NUMBER, dbc.Select(id=Ids.NUMBER, options=options(taught))),
            dbc.Button("Forget it", id=Ids.FORGET, size="sm", color="secondary", outline=True, className="mt-2"),
        ],
        className="card chart tile",
    )


def options(taught: Sequence[Taught]) -> list[dict[str, str]]:
    """Return the choices of the menu to forget one."""
    return [{"value": str(each.number), "label": f"{each.phrase} → {each.meaning}"} for each in taught]


def taught_table(taught: Sequence[Taught]) -> Component:
    """Return what was taught as a table."""
    if not taught:
        return html.P("Nothing yet.", className="summary")
    rows = [[each.phrase, each.meaning, each.kind, each.by] for each in taught]
    table: Component = tables.table("What was taught", ["Words", "Mean", "Kind", "By"], rows, words=(1, 2, 3))
    return table


def _unclear(unclear: Sequence[Unclear]) -> Component:
    if not unclear:
        body: Component = html.P(
            "Every question so far was understood, and nobody edited how it was read.", className="summary"
        )
    else:
        rows = [
            html.Tr(
                [
                    html.Td(html.A(each.text, href=f"/ask?{urlencode([('ask-q', each.text)])}")),
                    html.Td(f"{each.times}"),
                    html.Td(f"{each.corrected}"),
                    html.Td(f"{each.confidence:.0%}"),
                    html.Td(each.reason.replace("_", " ")),
                ]
            )
            for each in unclear
        ]
        heads = html.Tr(
            [
                html.Th(head, scope="col")
                for head in ("Question", "Times", "Corrected", "Confidence", "What was missing")
            ]
        )
        body = html.Table([html.Thead(heads), html.Tbody(rows)], className="table table-sm")
    return html.Section(
        [html.H2("Not understood, or corrected"), html.Div(body, className="scroll", tabIndex=0)],
        className="card chart tile tile-wide",
    )
