"""Pages made of forms: the address says what is shown, a form's fields come as one JSON value and are acted on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from dash import Input, Output, State, no_update
from dash.development.base_component import Component

from callbacks.filters import parse_search
from callbacks.wiring import Register
from layouts.forms import Body, DeskIds, note
from layouts.shell import Ids as Shell
from services.access import Viewer
from services.errors import UserError

Params = Mapping[str, str]
MAX_FIELD = 1_000_000


@dataclass(frozen=True)
class Fields:
    """What a form said; every value is a list of texts."""

    values: Mapping[str, tuple[str, ...]]

    @classmethod
    def of(cls, asked: object) -> Fields:
        """Return the fields of what the browser sent; raises UserError for anything else."""
        given = asked.get("fields") if isinstance(asked, Mapping) else None
        if not isinstance(given, Mapping):
            raise UserError("What the page sent is not understood. Load it again.")
        return cls({str(name): _texts(value) for name, value in given.items()})

    def one(self, name: str) -> str:
        """Return a field's text, "" when it was not sent."""
        return (self.values.get(name) or ("",))[0].strip()

    def raw(self, name: str) -> str:
        """Return a field's text as it was typed, blanks at its ends included."""
        return (self.values.get(name) or ("",))[0]

    def many(self, name: str) -> tuple[str, ...]:
        """Return all that was chosen in a field."""
        return self.values.get(name, ())

    def whole(self, name: str) -> int:
        """Return a field's whole number; raises UserError."""
        try:
            return int(self.one(name))
        except ValueError:
            raise UserError(f"{self.one(name)[:40]!r} is not a whole number.") from None


@dataclass(frozen=True)
class Done:
    """What came of an action: words, whether the page below is drawn anew, and an address to go to."""

    said: Component | str
    anew: bool = True
    go: str = ""


Show = Callable[[Viewer, Params], Body]
Act = Callable[[Viewer, Fields], Done]


def register_desk(register: Register, ids: DeskIds, show: Show, actions: Mapping[str, Act]) -> None:
    """Add the callbacks of a page made of forms."""

    @register(
        Output(ids.body, "children"),
        Output(ids.said, "children"),
        Input(ids.search, "data"),
        prevent_initial_call=True,
    )
    def moved(viewer: Viewer, change: object) -> Any:
        found = change if isinstance(change, Mapping) else {}
        return shown(viewer, show, dict(parse_search(found.get("search")))), None

    @register(
        Output(ids.body, "children", allow_duplicate=True),
        Output(ids.said, "children", allow_duplicate=True),
        Output(Shell.URL, "search", allow_duplicate=True),
        Input(ids.asked, "data"),
        State(Shell.URL, "search"),
        prevent_initial_call=True,
    )
    def act(viewer: Viewer, asked: object, search: object) -> Any:
        if asked is None:  # what Dash sends when the page appears
            return no_update, no_update, no_update
        try:
            do = str(asked.get("do")) if isinstance(asked, Mapping) else ""
            if do not in actions:
                raise UserError(f"The page cannot {do[:40]!r}. Allowed: {', '.join(actions)}.")
            done = actions[do](viewer, Fields.of(asked))
        except UserError as error:
            return no_update, note(str(error), "danger"), no_update
        said = note(done.said) if isinstance(done.said, str) else done.said
        if done.go:
            search = done.go
        body = shown(viewer, show, dict(parse_search(search))) if done.anew else no_update
        return body, said, done.go or no_update


def shown(viewer: Viewer, show: Show, params: Params) -> Body:
    """Return the page's body for an address; what cannot be shown is said in its place."""
    try:
        return show(viewer, params)
    except UserError as error:
        return [note(str(error), "warning")]


def _texts(value: object) -> tuple[str, ...]:
    found = tuple(map(str, value)) if isinstance(value, list | tuple) else (str(value),)
    if sum(map(len, found)) > MAX_FIELD:
        raise UserError(f"A field holds more than {MAX_FIELD:,} characters. Split what you enter.")
    return found
