"""The menu of the page in view: saved views, files of it, its address, its print."""

from __future__ import annotations

from dash import html
from dash.development.base_component import Component

from layouts import labels

#: What the menu offers: what assets/salescope/frame.js is to do, and its words.
ACTIONS = (
    ("views", "Saved views"),
    ("link", "Copy the address"),
    ("xlsx", "Excel file"),
    ("pdf", "PDF file"),
    ("print", "Print"),
)


def menu() -> Component:
    """Return the menu; part of the shell."""
    return html.Details(
        [
            html.Summary("Page", className="btn btn-sm btn-outline-secondary"),
            html.Div(
                [
                    html.Button(text, type="button", className="menu-item", **labels.data(page_export=kind))
                    for kind, text in ACTIONS
                ],
                className="menu",
            ),
        ],
        className="export view-menu",
    )
