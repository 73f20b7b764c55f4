"""Targets and notes: what people write beside the data."""

from __future__ import annotations

from collections.abc import Sequence

import dash_bootstrap_components as dbc
from dash import dcc, html
from dash.development.base_component import Component

from layouts import labels, tables
from services import formats
from services.model import SalesModel
from services.planning import COLUMNS, MAX_NOTE, Note, Target, as_csv

SHOWN = 200


class Ids:
    """Component ids of the page."""

    CSV = "plan-csv"
    UPLOAD = "plan-upload"
    SAVE = "plan-save"
    TARGETS = "plan-targets"
    FIRST = "plan-first"
    LAST = "plan-last"
    TEXT = "plan-text"
    ADD = "plan-add"
    NOTES = "plan-notes"
    NUMBER = "plan-number"
    REMOVE = "plan-remove"
    SAID = "plan-said"


def page(model: SalesModel, targets: Sequence[Target], notes: Sequence[Note], today: str) -> Component:
    """Return the page."""
    return html.Div(
        [
            html.H1("Targets and notes", className="page-title"),
            html.Div(id=Ids.SAID, role="status"),
            html.Div([_targets(model, targets), _notes(model, notes, today)], className="charts"),
        ],
        className="page",
    )


def _targets(model: SalesModel, targets: Sequence[Target]) -> Component:
    example = f"{','.join(COLUMNS)}\n{next(iter(model.measures))},2011-01-01,2011-01-31,700000,,"
    return html.Section(
        [
            html.H2("Targets"),
            html.P(
                "One line per measure and period, as CSV: key figures show them where they cover the period on show. "
                "Longer periods are put together from shorter ones that follow each other; rates and distinct counts, "
                "which do not add up, need a target of the very period. dimension and key are for targets of one "
                "value, such as country and France.",
                className="summary",
            ),
            html.Label("Targets as CSV", htmlFor=Ids.CSV, className="form-label"),
            dcc.Textarea(
                id=Ids.CSV,
                value=as_csv(targets) if targets else "",
                placeholder=example,
                className="form-control csv",
                spellCheck=False,
            ),
            html.Div(
                [
                    dbc.Button("Save targets", id=Ids.SAVE, size="sm"),
                    dcc.Upload(html.Span("Take from a CSV file"), id=Ids.UPLOAD, className="upload", multiple=False),
                ],
                className="form-row",
            ),
            html.Div(targets_table(model, targets), id=Ids.TARGETS, className="scroll", tabIndex=0),
        ],
        className="card chart tile",
    )


def targets_table(model: SalesModel, targets: Sequence[Target]) -> Component:
    """Return the targets as people read them."""
    if not targets:
        return html.P("There are no targets yet.", className="quiet")
    rows = [
        [
            model.measure(each.measure).label if each.measure in model.measures else each.measure,
            f"{formats.day(each.first, model)} – {formats.day(each.last, model)}",
            each.key or "all",
            formats.exact(each.value, model.measure(each.measure).format, model)
            if each.measure in model.measures
            else f"{each.value:,}",
        ]
        for each in targets[:SHOWN]
    ]
    return tables.table("Targets", ["Measure", "Period", "Of", "Target"], rows)


def _notes(model: SalesModel, notes: Sequence[Note], today: str) -> Component:
    date = {"type": "date", "size": "sm"}
    return html.Section(
        [
            html.H2("Notes on dates"),
            html.P(
                "Everybody sees them on every chart over time: a campaign, a strike, a price change.",
                className="summary",
            ),
            html.Div(
                [
                    html.Div([dbc.Label("From", html_for=Ids.FIRST), dbc.Input(id=Ids.FIRST, value=today, **date)]),
                    html.Div([dbc.Label("To", html_for=Ids.LAST), dbc.Input(id=Ids.LAST, value=today, **date)]),
                ],
                className="form-row",
            ),
            html.Div([dbc.Label("Note", html_for=Ids.TEXT), dbc.Input(id=Ids.TEXT, maxLength=MAX_NOTE, size="sm")]),
            dbc.Button("Add note", id=Ids.ADD, size="sm"),
            html.Div(notes_table(model, notes), id=Ids.NOTES, className="scroll", tabIndex=0),
            html.Div(
                [
                    html.Div(
                        [
                            dbc.Label("Note to remove", html_for=Ids.NUMBER),
                            dbc.Select(id=Ids.NUMBER, options=choices(notes), size="sm"),
                        ]
                    ),
                    dbc.Button("Remove", id=Ids.REMOVE, size="sm", color="secondary", outline=True),
                ],
                className="form-row",
            ),
        ],
        className="card chart tile",
    )


def choices(notes: Sequence[Note]) -> list[dict[str, str]]:
    """Return the notes as a menu."""
    return [{"value": str(note.number), "label": f"{note.first}: {labels.cut(note.text, 60)}"} for note in notes]


def notes_table(model: SalesModel, notes: Sequence[Note]) -> Component:
    """Return the notes as people read them."""
    if not notes:
        return html.P("There are no notes yet.", className="quiet")
    rows = [
        [
            formats.day(note.first, model) + (f" – {formats.day(note.last, model)}" if note.last != note.first else ""),
            note.text,
            note.by,
        ]
        for note in notes
    ]
    return tables.table("Notes", ["Days", "Note", "By"], rows)
