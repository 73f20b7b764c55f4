"""Pages made of forms: a frame, fields, and buttons. What a form holds goes to the server as one JSON value.

assets/salescope/forms.js collects the fields of a `form` and the name of what is to be done; callbacks/desk.py does it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import dash_bootstrap_components as dbc
from dash import dcc, html
from dash.development.base_component import Component

from layouts import labels

Body = list[Component]


class DeskIds:
    """Component ids of a page made of forms."""

    def __init__(self, key: str) -> None:
        self.key = key
        self.body, self.said = f"{key}-body", f"{key}-said"
        self.asked, self.search = f"{key}-asked", f"{key}-search"


class Entry(NamedTuple):
    """A link to another page of the same section."""

    path: str
    title: str


def page(ids: DeskIds, title: str, body: Body, entries: Sequence[Entry] = ()) -> Component:
    """Return the frame around one state of the page."""
    return html.Div(
        [
            html.Div([html.H1(title), _entries(entries, title)], className="desk-head"),
            html.Div(id=ids.said, className="desk-said", role="status", tabIndex=-1),
            html.Div(body, id=ids.body, className="desk-body"),
            dcc.Store(id=ids.asked),
            dcc.Store(id=ids.search),
        ],
        className="page desk",
        **labels.data(desk=ids.key),
    )


def _entries(entries: Sequence[Entry], title: str) -> Component | None:
    if len(entries) < 2:
        return None
    links = [dcc.Link(each.title, href=each.path, className="here" if each.title == title else "") for each in entries]
    return html.Nav(links, className="desk-nav", **labels.aria(label="Admin pages"))


def card(title: str, *children: Any) -> Component:
    """Return a section with a heading."""
    return html.Section([html.H2(title), *children], className="card")


def form(do: str, *children: Any, **hidden: str) -> Component:
    """Return a form that asks the server to do something; `hidden` values go along."""
    unseen = [dbc.Input(type="hidden", name=name, value=value) for name, value in hidden.items()]
    return html.Form([*unseen, *children], className="desk-form", **labels.data(act=do))


def field(label: str, name: str, value: str = "", *, kind: str = "text", **more: Any) -> Component:
    """Return a labelled input."""
    return html.Label([html.Span(label), dbc.Input(type=kind, name=name, value=value, size="sm", **more)])


def area(label: str, name: str, value: str = "", *, rows: int = 5, **more: Any) -> Component:
    """Return a labelled field of several lines."""
    return html.Label(
        [html.Span(label), dbc.Textarea(name=name, value=value, rows=rows, spellcheck=False, size="sm", **more)],
        className="wide-field",
    )


def choice(label: str, name: str, options: Mapping[str, str], value: str) -> Component:
    """Return a labelled menu; `options` map values to words."""
    listed = [{"label": words, "value": each} for each, words in options.items()]
    return html.Label([html.Span(label), dbc.Select(name=name, options=listed, value=value, size="sm")])


def checks(label: str, name: str, options: Mapping[str, str], chosen: Iterable[str]) -> Component:
    """Return boxes to tick; `options` map values to words."""
    listed = [{"label": words, "value": each} for each, words in options.items()]
    boxes = dbc.Checklist(options=listed, value=list(chosen), id=f"desk-{name}", className="boxes")
    return html.Fieldset([html.Legend(label), boxes], **labels.data(field=name, values=json.dumps(list(options))))


def submit(words: str, kind: str = "primary", **data: str) -> Component:
    """Return the button of a form; with `instead` it asks for something else than the form."""
    return html.Button(words, type="submit", className=f"btn btn-sm btn-{kind}", **labels.data(**data))


def behind(words: str, *children: Any) -> Component:
    """Return what is shown only after a click, for what is seldom wanted or hard to take back."""
    return html.Details([html.Summary(words), html.Div(children, className="behind")])


def listing(caption: str, heads: Sequence[Any], rows: Iterable[Sequence[Any]]) -> Component:
    """Return a table of words, the first cell of a row its name."""
    return html.Div(
        html.Table(
            [
                html.Caption(caption, className="visually-hidden"),
                html.Thead(html.Tr([html.Th(head, scope="col") for head in heads])),
                html.Tbody(
                    [html.Tr([html.Th(row[0], scope="row"), *(html.Td(cell) for cell in row[1:])]) for row in rows]
                ),
            ],
            className="table table-sm listed",
        ),
        className="wide",
        tabIndex=0,
        role="region",
        **labels.aria(label=caption),
    )


def note(words: Any, color: str = "success") -> Component:
    """Return what came of an action."""
    made: Component = dbc.Alert(words, color=color, className="desk-note")
    return made


def secret(label: str, value: str) -> Component:
    """Return something that is shown this once, ready to be copied."""
    return html.Label([html.Span(label), dbc.Input(value=value, readonly=True, size="sm", className="secret")])


def link(words: str, href: str) -> Component:
    """Return a link within the application."""
    made: Component = dcc.Link(words, href=href)
    return made
