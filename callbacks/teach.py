"""Teach: add a synonym or a verified answer, forget one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from dash import Input, Output, State, ctx

from callbacks.wiring import PageContext, Register, Rendered, Services
from layouts import teach as layout
from layouts.shell import notice
from services.access import Viewer
from services.errors import UserError
from services.language.questions import SYNONYM, VERIFIED

Ids = layout.Ids


def render(context: PageContext) -> Rendered:
    """Return the page."""
    questions = context.services.questions
    phrase = next((value for key, value in context.params if key == Ids.PHRASE), "")[:200]
    return layout.page(context.sales.model, questions.unclear(context.viewer), questions.taught(), phrase)


def register(register: Register, services: Services) -> None:
    """Add the page's callbacks."""
    questions = services.questions

    @register(
        Output(Ids.SAID, "children"),
        Output(Ids.TAUGHT, "children"),
        Output(Ids.NUMBER, "options"),
        Input(Ids.ADD, "n_clicks"),
        Input(Ids.VERIFY, "n_clicks"),
        Input(Ids.FORGET, "n_clicks"),
        State(Ids.PHRASE, "value"),
        State(Ids.NAME, "value"),
        State(Ids.WORDING, "value"),
        State(Ids.MEANING, "value"),
        State(Ids.NUMBER, "value"),
        prevent_initial_call=True,
    )
    def change(viewer: Viewer, *values: object) -> list[Any]:
        phrase, name, wording, meaning, number = (str(value or "") for value in values[3:])
        doing: dict[object, Callable[[], None]] = {
            Ids.ADD: lambda: questions.teach(SYNONYM, phrase, name, viewer),
            Ids.VERIFY: lambda: questions.teach(VERIFIED, wording, meaning, viewer),
            Ids.FORGET: lambda: questions.forget(int(number) if number.isdecimal() else 0, viewer),
        }
        try:
            doing[ctx.triggered_id]()
            said = notice("Done. Questions are read with it from now on.", [], "success")
        except UserError as error:
            said = notice("Nothing was changed.", [str(error)])
        taught = questions.taught()
        return [said, layout.taught_table(taught), layout.options(taught)]
