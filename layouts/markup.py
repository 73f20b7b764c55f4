"""Parts of a page that no callback looks into: drawn by React alone.

Dash's renderer wraps every component of a layout and asks each of them, at every change of anything, whether it
changed; every new one tells all others that it is there. A page has a thousand cells, figures and words that only ever
change together, so they come as one component (assets/salescope/markup.js) whose `tree` the renderer leaves alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson

#: Where the browser finds the component, and the property that callbacks fill.
NAMESPACE, TREE = "salescope", "tree"
OPTIONS = orjson.OPT_NON_STR_KEYS | orjson.OPT_SERIALIZE_NUMPY


def markup(tree: Sequence[Any] | Any, name: str, *, tag: str = "div", **attributes: Any) -> Any:
    """Return a component with the id `name` that shows HTML elements and texts; callbacks fill its `tree`.

    `attributes` are those of the element around them. What is in the tree can be no callback's input or output;
    clicks on it are told by data attributes (assets/salescope/frame.js).
    """
    return {"namespace": NAMESPACE, "type": "Markup", "props": {"id": name, TREE: tree, "tag": tag, **attributes}}


def written(value: Any) -> bytes:
    """Return what is sent, components and arrays in it included, as JSON; raises TypeError for what JSON has not."""
    return orjson.dumps(value, default=_plain, option=OPTIONS)


def _plain(value: Any) -> Any:
    """Return a component as the dictionary it stands for, an array that orjson does not take as a list."""
    for method in ("to_plotly_json", "tolist"):
        if hasattr(value, method):
            return getattr(value, method)()
    raise TypeError(f"A callback returned {type(value).__name__}, which is not JSON.")


def element(name: str, children: object = None, **more: Any) -> Any:
    """Return an HTML element as it is sent; a component object costs 20 times that, and a page has 500 cells."""
    return {"type": name, "namespace": "dash_html_components", "props": {"children": children, **more}}
