"""Callbacks' results as JSON: the same as Dash makes of them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import orjson
import pytest
from dash import dcc, html, no_update
from plotly.io.json import to_json_plotly

from salescope.payload import packed

RESULTS: list[Any] = [
    None,
    "<script>&\u2028",
    [1, 2.5, math.nan, math.inf, True, "x"],
    {"data": [{"x": np.arange(3), "y": np.array([1.5, math.nan, 2]), "text": np.array(["a", None], dtype=object)}]},
    html.Div([html.P("one"), html.Table([html.Tr([html.Td(5)])]), None], id="here", className="there"),
    [html.Li("a"), dcc.Graph(figure={"data": [], "layout": {"title": "t"}}), [html.B("deep")]],
    {1: "number as key", "nested": {"component": html.I("x")}},
    np.float64(2.5),
    np.arange(10)[::2],
    (),
]


@pytest.mark.parametrize("result", RESULTS, ids=range(len(RESULTS)))
def test_same_as_dash_writes(result: Any) -> None:
    ours = orjson.loads(to_json_plotly({"value": packed(result)}))
    assert ours == orjson.loads(to_json_plotly({"value": result}))


def test_outputs_that_stay_are_left_to_dash() -> None:
    assert packed(no_update) is no_update
    kept, written = packed([no_update, "x"])
    assert kept is no_update
    assert orjson.dumps(written) == b'"x"'


def test_what_is_not_json_is_refused() -> None:
    with pytest.raises(TypeError, match="object"):
        packed({"a": object()})
