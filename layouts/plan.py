"""Targets and notes: what people write beside the data."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from typing import Any

import dash_ag_grid as dag
import dash_bootstrap_components as dbc
from dash import dcc, html
from dash.development.base_component import Component

from layouts import labels, tables
from services import formats
from services.model import SalesModel
from services.planning import COLUMNS, MAX_NOTE, Note, Target, as_csv


class Ids:
    """Component ids of the page."""

    CSV = "plan-csv"
    UPLOAD = "plan-upload"
    SAVE = "plan-save"
    GRID = "plan-grid"
    SAVE_ROWS = "plan-save-rows"
    MORE = "plan-more"
    LESS = "plan-less"
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
                "One row per measure and period: key figures show them where they cover the period on show. "
                "Longer periods are put together from shorter ones that follow each other; rates and distinct counts, "
                "which do not add up, need a target of the very period. Only of and Value are for targets of "
                "one value, such as country and France.",
                className="summary",
            ),
            _grid(model, targets),
            html.Div(
                [
                    dbc.Button("Save the table", id=Ids.SAVE_ROWS, size="sm"),
                    dbc.Button("Add a row", id=Ids.MORE, size="sm", color="secondary", outline=True),
                    dbc.Button("Remove chosen rows", id=Ids.LESS, size="sm", color="secondary", outline=True),
                ],
                className="form-row",
            ),
            html.Details(
                [
                    html.Summary("As CSV"),
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
                            dbc.Button("Save the CSV", id=Ids.SAVE, size="sm"),
                            dcc.Upload(
                                html.Span("Take from a CSV file"), id=Ids.UPLOAD, className="upload", multiple=False
                            ),
                        ],
                        className="form-row",
                    ),
                ]
            ),
        ],
        className="card chart tile tile-wide",
    )


def _grid(model: SalesModel, targets: Sequence[Target]) -> Component:
    """Return the table in which targets are edited: click a cell, or move to it and press Enter."""

    def among(values: Sequence[str]) -> dict[str, Any]:
        return {"cellEditor": "agSelectCellEditor", "cellEditorParams": {"values": list(values)}}

    day = {"cellDataType": "dateString", "cellEditor": "agDateStringCellEditor", "width": 125}
    columns: Sequence[dict[str, Any]] = [
        {"field": "measure", "headerName": "Measure", "width": 140, **among([*model.measures])},
        {"field": "from", "headerName": "From", **day},
        {"field": "to", "headerName": "To", **day},
        {"field": "value", "headerName": "Target", "width": 130, "type": "rightAligned"},
        {"field": "dimension", "headerName": "Only of", "width": 130, **among(["", *model.dimensions])},
        {"field": "key", "headerName": "Value", "flex": 1, "minWidth": 110},
    ]
    grid: Component = dag.AgGrid(
        id=Ids.GRID,
        columnDefs=columns,
        defaultColDef={"editable": True, "cellDataType": "text", "sortable": False, "suppressMovable": True},
        rowData=rows_of(targets),
        className="grid",
        style={"width": "100%", "height": "22rem"},
        dashGridOptions={
            "rowHeight": 32,
            "singleClickEdit": True,
            "stopEditingWhenCellsLoseFocus": True,
            "rowSelection": {"mode": "multiRow", "headerCheckbox": False, "enableClickSelection": False},
            "selectionColumnDef": {"headerName": "Choose", "width": 85},
            "localeText": {"noRowsToShow": "There are no targets yet; add a row."},
        },
    )
    return grid


def rows_of(targets: Sequence[Target]) -> list[dict[str, str]]:
    """Return targets as the rows of the table, texts as the CSV has them, and an empty one to write into."""
    return [*csv.DictReader(as_csv(targets).splitlines()), dict.fromkeys(COLUMNS, "")]


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


def notes_table(model: SalesModel, notes: Sequence[Note]) -> Any:
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
    return tables.table("Notes", ["Days", "Note", "By"], rows, words=(1, 2))
