"""What callbacks and the layout return, as JSON, in one pass."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import dash
import flask
import orjson
from dash import no_update

OPTIONS = orjson.OPT_NON_STR_KEYS | orjson.OPT_SERIALIZE_NUMPY


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
        return flask.Response(_dumped(self.get_layout()), mimetype="application/json")


def _written(value: Any) -> Any:
    return value if value is no_update else orjson.Fragment(_dumped(value))


def _dumped(value: Any) -> bytes:
    return orjson.dumps(value, default=_plain, option=OPTIONS)


def _plain(value: Any) -> Any:
    """Return a component as the dictionary it stands for, an array that orjson does not take as a list."""
    for method in ("to_plotly_json", "tolist"):
        if hasattr(value, method):
            return getattr(value, method)()
    raise TypeError(f"A callback returned {type(value).__name__}, which is not JSON.")
