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
from services.planning import Note

Ids = layout.Ids
MAX_CSV = 2_000_000


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

    @register(Output(Ids.CSV, "value"), Input(Ids.UPLOAD, "contents"), prevent_initial_call=True)
    def take(_viewer: Viewer, contents: object) -> Any:
        return _text_of(contents) if isinstance(contents, str) else no_update

    @register(
        Output(Ids.SAID, "children"),
        Output(Ids.TARGETS, "children"),
        Output(Ids.NOTES, "children"),
        Output(Ids.NUMBER, "options"),
        Input(Ids.SAVE, "n_clicks"),
        Input(Ids.ADD, "n_clicks"),
        Input(Ids.REMOVE, "n_clicks"),
        State(Ids.CSV, "value"),
        State(Ids.FIRST, "value"),
        State(Ids.LAST, "value"),
        State(Ids.TEXT, "value"),
        State(Ids.NUMBER, "value"),
        prevent_initial_call=True,
    )
    def change(viewer: Viewer, *values: object) -> list[Any]:
        text, first, last, words, number = values[3:]
        doing: dict[object, Callable[[], str]] = {
            Ids.SAVE: lambda: f"{planning.replace_targets(str(text or ''), viewer):,} targets are kept.",
            Ids.ADD: lambda: _add(services, viewer, first, last, words),
            Ids.REMOVE: lambda: _remove(services, viewer, number),
        }
        try:
            said = notice(doing[ctx.triggered_id](), [], "success")
        except UserError as error:
            said = notice("Nothing was changed.", [str(error)])
        notes = _notes(services)
        targets = planning.targets(viewer)
        shown = layout.targets_table(model, targets), layout.notes_table(model, notes), layout.choices(notes)
        return [said, *shown]


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
