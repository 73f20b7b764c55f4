"""Targets and notes: read, save, add, remove."""

from __future__ import annotations

import base64
import binascii
import datetime as dt
from collections.abc import Callable
from typing import Any

from dash import Input, Output, State, ctx, no_update

from callbacks.wiring import PageContext, Register, Rendered, Services
from layouts import plan as layout
from layouts.shell import notice
from services.access import Viewer
from services.errors import LoadError, QueryError, UserError
from services.planning import COLUMNS, Note, as_csv

Ids = layout.Ids
MAX_CSV, MAX_CELL = 2_000_000, 500


def render(context: PageContext) -> Rendered:
    """Return the page."""
    planning, model = context.services.planning, context.sales.model
    today = context.sales.today().isoformat()
    return layout.page(model, planning.targets(context.viewer), _notes(context.services), today)


def _notes(services: Services) -> list[Note]:
    return services.planning.notes(dt.date.min, dt.date.max)


def register(register: Register, services: Services) -> None:
    """Add the page's callbacks."""
    planning, model = services.planning, services.sales.model

    register.client(
        "addRow",
        Output(Ids.GRID, "rowData", allow_duplicate=True),
        Input(Ids.MORE, "n_clicks"),
        State(Ids.GRID, "rowData"),
        prevent_initial_call=True,
    )
    register.client(
        "removeRows",
        Output(Ids.GRID, "deleteSelectedRows"),
        Input(Ids.LESS, "n_clicks"),
        prevent_initial_call=True,
    )

    @register(Output(Ids.CSV, "value"), Input(Ids.UPLOAD, "contents"), prevent_initial_call=True)
    def take(_viewer: Viewer, contents: object) -> Any:
        return _text_of(contents) if isinstance(contents, str) else no_update

    @register(
        Output(Ids.SAID, "children"),
        Output(Ids.GRID, "rowData"),
        Output(Ids.CSV, "value", allow_duplicate=True),
        Output(Ids.NOTES, "children"),
        Output(Ids.NUMBER, "options"),
        Input(Ids.SAVE, "n_clicks"),
        Input(Ids.ADD, "n_clicks"),
        Input(Ids.REMOVE, "n_clicks"),
        Input(Ids.SAVE_ROWS, "n_clicks"),
        State(Ids.GRID, "rowData"),
        State(Ids.CSV, "value"),
        State(Ids.FIRST, "value"),
        State(Ids.LAST, "value"),
        State(Ids.TEXT, "value"),
        State(Ids.NUMBER, "value"),
        prevent_initial_call=True,
    )
    def change(viewer: Viewer, *values: object) -> list[Any]:
        rows, text, first, last, words, number = values[4:]
        saving = ctx.triggered_id in (Ids.SAVE, Ids.SAVE_ROWS)
        doing: dict[object, Callable[[], str]] = {
            Ids.SAVE: lambda: _kept(planning.replace_targets(str(text or ""), viewer)),
            Ids.SAVE_ROWS: lambda: _kept(planning.replace_rows(_texts(rows), viewer)),
            Ids.ADD: lambda: _add(services, viewer, first, last, words),
            Ids.REMOVE: lambda: _remove(services, viewer, number),
        }
        try:
            said = notice(doing[ctx.triggered_id](), [], "success")
        except UserError as error:
            said = notice("Nothing was changed.", [str(error)])
            if saving:  # what was written stays, to be put right
                return [said, *[no_update] * 4]
        notes, targets = _notes(services), planning.targets(viewer)
        kept: list[Any] = [layout.rows_of(targets), as_csv(targets)] if saving else [no_update, no_update]
        return [said, *kept, layout.notes_table(model, notes), layout.choices(notes)]


def _kept(count: int) -> str:
    return "One target is kept." if count == 1 else f"{count:,} targets are kept."


def _texts(rows: object) -> list[dict[str, str]]:
    """Return the rows of the table as texts, whatever the browser sent."""
    found = rows if isinstance(rows, list) else []
    return [
        {name: "" if row.get(name) is None else str(row[name])[:MAX_CELL] for name in COLUMNS}
        for row in found
        if isinstance(row, dict)
    ]


def _text_of(contents: str) -> str:
    try:
        data = base64.b64decode(contents.partition(",")[2], validate=True)
        if len(data) > MAX_CSV:
            raise LoadError(f"The file has {len(data):,} bytes; allowed are {MAX_CSV:,}.")
        return data.decode("utf-8-sig")
    except (binascii.Error, UnicodeDecodeError):
        raise LoadError("The file is not text in UTF-8. Save it as CSV UTF-8 and choose it again.") from None


def _add(services: Services, viewer: Viewer, first: object, last: object, words: object) -> str:
    services.planning.add_note(_day(first), _day(last or first), str(words or ""), viewer)
    return "The note is on every chart over time."


def _day(value: object) -> dt.date:
    try:
        return dt.date.fromisoformat(str(value))
    except ValueError:
        raise QueryError(f"A note needs its days; received {str(value)[:40]!r}.") from None


def _remove(services: Services, viewer: Viewer, number: object) -> str:
    if not str(number or "").isdigit():
        raise QueryError("Choose the note to remove first.")
    services.planning.remove_note(int(str(number)), viewer)
    return "The note is gone."
