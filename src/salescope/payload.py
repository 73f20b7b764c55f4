"""What callbacks return, as JSON, in one pass."""

from __future__ import annotations

from typing import Any

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


def _written(value: Any) -> Any:
    return value if value is no_update else orjson.Fragment(orjson.dumps(value, default=_plain, option=OPTIONS))


def _plain(value: Any) -> Any:
    """Return a component as the dictionary it stands for, an array that orjson does not take as a list."""
    for method in ("to_plotly_json", "tolist"):
        if hasattr(value, method):
            return getattr(value, method)()
    raise TypeError(f"A callback returned {type(value).__name__}, which is not JSON.")
