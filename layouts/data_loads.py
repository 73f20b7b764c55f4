"""The Data page after a load: what came of it, what has to be decided, all loads, and the model in use."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

import dash_bootstrap_components as dbc
from dash import html
from dash.development.base_component import Component

from layouts import labels
from layouts.data import button, card, link
from layouts.data_check import Present, modes
from services import formats
from services.jobs import JobInfo
from services.ledger import Load, Mode, in_force
from services.model import EMPTY, SalesModel
from services.workbench import Decision

REJECTS_SHOWN = 20
#: What a load did with the lines that were there.
DID = {
    Mode.APPEND: "Added its lines",
    Mode.REPLACE_KEY: "Replaced lines of the same key",
    Mode.REPLACE_PERIOD: "Replaced its days",
    Mode.START_OVER: "Started over",
}


def loaded(entry: Load, model: SalesModel, *, changed: bool, overlap: str) -> list[Component]:
    """Return the control totals of a load that was published."""
    title = f"Loaded as number {entry.number}" if changed else "Nothing was changed"
    words = (
        "Compare these totals with those of the source."
        if changed
        else f"This very content was loaded before, as number {entry.number}."
    )
    rows: list[tuple[str, Any]] = [
        ("Rows read", f"{entry.rows_read:,}"),
        ("Kept", f"{entry.rows_kept:,}"),
        ("Left out", f"{entry.rows_left_out:,}"),
        ("Rejected", [f"{entry.rows_rejected:,}", _report(entry)]),
        *((f"Sum of {_label(name, model)}", formats.total(total, model)) for name, total in entry.totals),
        ("First", _moment(entry.first_time, model)),
        ("Last", _moment(entry.last_time, model)),
    ]
    found = [html.Div([html.Dt(name), html.Dd(value)]) for name, value in rows]
    return [
        card(
            title,
            html.P(words, role="status"),
            html.Dl(found, className="totals"),
            html.P(overlap, className="summary") if overlap else None,
            html.Div(
                [link("Go to the Overview", "/", "primary"), link("All loads", "/data")],
                className="actions",
            ),
        )
    ]


def _moment(moment: dt.datetime, model: SalesModel) -> str:
    """Return a day, with the time of day when it has one."""
    return formats.day(moment, model) if moment.time() == dt.time() else formats.moment_text(moment, model)


def taken_back(number: int) -> list[Component]:
    """Return what is said when a load was taken back."""
    return [
        card(
            f"Load {number} was taken back",
            html.P("Every page shows the data as they were without it.", role="status"),
            html.Div([link("Go to the Overview", "/", "primary"), link("All loads", "/data")], className="actions"),
        )
    ]


def decide(
    decision: Decision, job: JobInfo, rejected: Sequence[Sequence[Any]], present: Present | None
) -> list[Component]:
    """Return what has to be decided before anything is published."""
    work = str(job.arguments["work"])
    if decision.about == "rejects":
        return _rejected(decision, work, job.arguments.get("mode"), rejected)
    return _overlapping(decision, work, keep_good=bool(job.arguments.get("keep_good")), present=present)


def _rejected(decision: Decision, work: str, mode: Any, rejected: Sequence[Sequence[Any]]) -> list[Component]:
    prepared = decision.prepared
    words = f"Load the {prepared.rows_kept:,} good rows" if prepared.rows_kept else ""
    return [
        card(
            "Some rows cannot be taken",
            html.P(decision.words, role="status"),
            _rejects(rejected),
            html.P(
                html.A("The whole reject report (CSV)", href=f"/data/rejects/{work}.csv", download="rejects.csv"),
                className="summary",
            ),
            html.Div(
                [
                    button(words, "load", work=work, keep_good="true", mode=mode) if words else None,
                    link("Back to the columns", f"/data?work={work}"),
                    button("Load nothing", "discard", kind="outline-secondary", work=work),
                ],
                className="actions",
            ),
        )
    ]


def _rejects(rows: Sequence[Sequence[Any]]) -> Component:
    heads = ("File", "Row", "Column", "Value", "Reason")
    cells = [["" if cell is None else labels.cut(str(cell), 80) for cell in row] for row in rows]
    return _wide(
        f"The first {len(rows)} rows of the reject report",
        heads,
        [html.Tr([html.Td(cell, className="name") for cell in row]) for row in cells],
    )


def _wide(caption: str, heads: Sequence[str], rows: Sequence[Component], name: str = "") -> Component:
    """Return a table that scrolls in its own box."""
    table = html.Table(
        [
            html.Caption(caption, className="visually-hidden"),
            html.Thead(html.Tr([html.Th(head, scope="col") for head in heads])),
            html.Tbody(rows),
        ],
        className=f"table table-sm listed {name}".strip(),
    )
    return html.Div(table, className="wide", tabIndex=0, role="region", **labels.aria(label=caption))


def _overlapping(decision: Decision, work: str, *, keep_good: bool, present: Present | None) -> list[Component]:
    shown = present or Present("the data in use", 0, key=False)
    offered = [Mode.APPEND, Mode.REPLACE_PERIOD, Mode.START_OVER]
    if decision.prepared.key:
        offered.insert(1, Mode.REPLACE_KEY)
    return [
        html.Div(
            card(
                "The data already hold lines of these days",
                html.P(decision.words, role="status"),
                modes(offered, "", shown),
                html.Div(
                    [
                        button("Load", "load", work=work, keep_good="true" if keep_good else None, needs_mode="true"),
                        button("Load nothing", "discard", kind="outline-secondary", work=work),
                    ],
                    className="actions",
                ),
            ),
            className="check",
        )
    ]


def ledger(entries: Sequence[Load], model: SalesModel) -> Component:
    """Return the list of all loads, newest first."""
    if not entries:
        return card(
            "Loads",
            html.P("Nothing was loaded yet. What you load is listed here and can be undone at any time."),
        )
    heads = ("No.", "Loaded", "Files", "Rows", "Sums", "Days", "What it did", "State", "Undo")
    alive = {entry.number for entry in in_force(entries[::-1])}
    rows = [_listed(entry, model, in_use=entry.number in alive) for entry in entries]
    return card("Loads", _wide("All loads, newest first", heads, rows, "loads"))


def _listed(entry: Load, model: SalesModel, *, in_use: bool) -> Component:
    counts = [
        f"{entry.rows_kept:,} of {entry.rows_read:,} kept",
        *([f"{entry.rows_left_out:,} left out"] if entry.rows_left_out else []),
    ]
    files = ", ".join(entry.files[:2]) or entry.name
    more = f" and {len(entry.files) - 2} more" if len(entry.files) > 2 else ""
    rejected = [html.Div([f"{entry.rows_rejected:,} rejected", _report(entry)])] if entry.rows_rejected else []
    sums = [html.Div(f"{_label(name, model)}: {formats.total(total, model)}") for name, total in entry.totals]
    days = (formats.day(entry.first_time, model), formats.day(entry.last_time, model))
    cells: list[Any] = [
        [f"{entry.loaded_at:%Y-%m-%d %H:%M} UTC", html.Div(entry.loaded_by, className="quiet")],
        html.Span(files + more, className="name", title=", ".join(entry.files[:50])),
        [*(html.Div(words) for words in counts), *rejected],
        html.Details([html.Summary(f"{len(sums)} columns"), *sums]) if sums else "",
        days[0] if days[0] == days[1] else f"{days[0]} – {days[1]}",
        DID[entry.mode],
        _state(entry, model, in_use=in_use),
        _undo(entry) if in_use else "",
    ]
    return html.Tr([html.Th(str(entry.number), scope="row"), *(html.Td(cell) for cell in cells)])


def _undo(entry: Load) -> Component:
    question = f"Take load {entry.number} back? Its {entry.rows_kept:,} lines leave every page."
    if entry.mode is Mode.START_OVER:
        question += " What was there before comes back."
    return button("Undo", "undo", kind="outline-secondary btn-sm", number=entry.number, confirm=question)


def _state(entry: Load, model: SalesModel, *, in_use: bool) -> Any:
    if entry.undone_at is not None:
        words = f"Taken back by {entry.undone_by} on {formats.day(entry.undone_at, model)}"
        return html.Span(words, className="state")
    if in_use:
        return html.Span("In force", className="tone-good")
    return html.Span("Put aside by a later start over", className="state")


def _report(entry: Load) -> Any:
    if not entry.rows_rejected:
        return ""
    name = f"Reject report of load {entry.number}"
    link = html.A("report", href=f"/data/loads/{entry.number}/rejects.csv", download="", **labels.aria(label=name))
    return html.Span([" ", link])


def _label(name: str, model: SalesModel) -> str:
    column = model.facts.columns.get(name)
    return column.label if column else name.replace("_", " ").capitalize()


def model_section(model: SalesModel, text: str, *, saved: bool) -> Component | None:
    """Return the YAML of the model in use, to be edited."""
    if model is EMPTY or not text:
        return None
    return html.Details(
        [
            html.Summary("Model: what the columns mean, and which measures and dimensions there are"),
            html.P("Saved. Every page uses it now.", role="status") if saved else None,
            html.Label(
                [html.Span("Model (YAML)"), dbc.Textarea(value=text, rows=24, spellcheck=False, className="yaml")],
                className="edit named",
                **labels.data(text="true", was=text),
            ),
            html.Div(
                [
                    button("Save the model", "model", text="true"),
                    html.A("Recipe (YAML)", href="/data/recipe.yaml", download="recipe.yaml"),
                ],
                className="actions",
            ),
        ],
        className="card model",
        open=saved,
    )
