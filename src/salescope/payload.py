"""What callbacks and the layout return, as JSON, in one pass."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import dash
import flask
import orjson
from dash import no_update

from layouts.markup import written


def packed(result: Any) -> Any:
    """Return a callback's result with its values written out.

    Dash walks through every component and list in Python to look for things that JSON does not have; orjson walks
    faster and asks only about what it does not know.
    """
    if isinstance(result, list | tuple):
        return [_written(value) for value in result]
    return _written(result)


class Application(dash.Dash):
    """Dash, but for how it writes its layout, which holds the whole first page, and for what is painted before it."""

    entry = (Path(__file__).parent / "templates" / "entry.html").read_text(encoding="utf-8")

    def interpolate_index(self, **parts: str) -> str:  # type: ignore[override]
        """Return the page that loads the scripts; grey boxes stand in it until they run."""
        return str(super().interpolate_index(**parts | {"app_entry": self.entry}))  # type: ignore[no-untyped-call]

    def serve_layout(self) -> flask.Response:
        """Return the layout for whoever asks."""
        return flask.Response(written(self.get_layout()), mimetype="application/json")


def _written(value: Any) -> Any:
    return value if value is no_update else orjson.Fragment(written(value))
