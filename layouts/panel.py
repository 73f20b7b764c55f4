"""The panel that opens at a mark: what can be asked next (the drill menu), or where a tile's numbers come from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby

import dash_bootstrap_components as dbc
from dash import dcc, html
from dash.development.base_component import Component

from layouts import labels
from services import provenance
from services.drilling import Entry
from services.model import SalesModel
from services.sales import Answer
from services.views import SavedView


class Ids:
    """Component ids of the panel, which assets/salescope/frame.js opens and closes."""

    PANEL = "panel"
    BODY = "panel-body"
    ASKED = "panel-asked"
    ANSWERED = "panel-answered"


def container() -> Component:
    """Return the closed panel and what it is asked through; part of the shell."""
    return html.Div(
        [
            dcc.Store(id=Ids.ASKED),
            dcc.Store(id=Ids.ANSWERED),
            html.Div(
                html.Div(id=Ids.BODY),
                id=Ids.PANEL,
                className="panel",
                hidden=True,
                tabIndex=-1,
                role="dialog",
                **labels.aria(labelledby="panel-title"),
            ),
        ]
    )


def _frame(title: str, content: Sequence[Component], **more: str) -> list[Component]:
    close = html.Button(
        className="btn-close", type="button", **labels.data(close="panel"), **labels.aria(label="Close")
    )
    return [
        html.Div([html.H2(title, id="panel-title"), close], className="panel-head"),
        html.Div(list(content), className="panel-content", **labels.data(**more)),
    ]


def menu(title: str, entries: Sequence[Entry], *, follow: bool = False) -> list[Component]:
    """Return the drill menu; with `follow` the browser goes where its first entry leads, without showing it."""
    content = [
        html.Section(
            [
                html.H3(group.value),
                html.Ul([html.Li(html.A(each.text, href=each.href, **labels.data(go="yes"))) for each in found]),
            ]
        )
        for group, found in groupby(entries, key=lambda entry: entry.group)
    ]
    return _frame(title, content, **({"follow": "yes"} if follow else {}))


def problem(text: str) -> list[Component]:
    """Return what is said when the panel cannot be filled."""
    return _frame("This cannot be shown", [html.P(text)])


def about(
    title: str, answer: Answer, model: SalesModel, names: Mapping[tuple[str, str], str], *, with_sql: bool
) -> list[Component]:
    """Return where a tile's numbers come from: definitions, data, filters, tables, time taken, and the SQL."""
    facts = html.Dl([html.Div([html.Dt(name), html.Dd(text)]) for name, text in provenance.facts(answer, model, names)])
    content: list[Component] = [html.Div(facts, className="about")]
    if with_sql:
        misses = answer.trust.plan.misses if answer.trust.plan else ()
        if misses:
            rows = [html.Li(f"{table}: {reason}") for table, reason in misses]
            content.append(html.Details([html.Summary("Why not a smaller table"), html.Ul(rows)]))
        code = html.Pre(answer.trust.statement, tabIndex=0)
        content.append(html.Details([html.Summary("SQL"), code], className="sql"))
    return _frame(f"About {title}", content)


#: What a view can be, by the field that says it.
FLAGS = (
    ("home", "Open it first when I sign in"),
    ("follows", "Begin every page with its filters"),
    ("shared", "Share it with everybody"),
)


def views(found: Sequence[SavedView], *, may_share: bool) -> list[Component]:
    """Return the saved views, and the form that keeps the page as it is under a name."""
    rows = [html.Li(_view(view)) for view in found]
    flags = [each for each in FLAGS if may_share or each[0] != "shared"]
    form = html.Div(
        [
            html.Label("Name of this view", htmlFor="view-name", className="form-label"),
            dcc.Input(id="view-name", type="text", maxLength=80, className="form-control form-control-sm"),
            *(dbc.Checkbox(id=f"view-{field}", label=text, className="view-flag") for field, text in flags),
            html.Button(
                "Save this view", type="button", className="btn btn-sm btn-primary", **labels.data(view="save")
            ),
        ],
        className="view-form",
    )
    listed = html.Ul(rows) if rows else html.P("There are no saved views yet.", className="quiet")
    return _frame("Saved views", [listed, form])


def _view(view: SavedView) -> list[Component]:
    marks = [
        word
        for word, on in (
            ("home", view.home),
            ("filters follow", view.follows),
            ("shared", view.shared and view.mine),
            (f"by {view.owner}", not view.mine),
        )
        if on
    ]
    link = html.A(
        [view.name, html.Span(f" {', '.join(marks)}", className="quiet") if marks else None],
        href=view.address,
        **labels.data(go="yes"),
    )
    if not view.mine:
        return [link]
    named = {**labels.data(view="remove", number=str(view.number)), **labels.aria(label=f"Remove {view.name}")}
    return [link, html.Button(className="btn-close", type="button", **named)]
