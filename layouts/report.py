"""A page as a document for paper: its tiles, their words and tables, what they mean; self-contained HTML."""

from __future__ import annotations

import html
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import orjson
from dash.development.base_component import Component

from layouts import tiles
from layouts.tiles import Drawn
from services.model import SalesModel

ASSETS = Path(__file__).resolve().parent.parent / "assets"
#: Elements that a printed table is made of.
ELEMENTS = {"Table", "Caption", "Thead", "Tbody", "Tr", "Th", "Td", "Span", "Div", "Button"}
#: Pixels of figures: over time across the page, others two beside each other.
WIDE, HALF = (1008, 240), (484, 270)
#: Tables of more rows, or columns, stand across the page.
LONG, BROAD = 14, 6


@cache
def _asset(name: str) -> str:
    return (ASSETS / name).read_text(encoding="utf-8")


@cache
def _style() -> str:
    return (Path(__file__).parent / "report.css").read_text(encoding="utf-8")


def document(title: str, drawn: Sequence[Drawn], about: Sequence[tuple[str, str]], model: SalesModel) -> str:
    """Return the page `title` as HTML that needs nothing else: figures are drawn by the plotly.js inside it.

    Figures come first, two beside each other; then their numbers. Tiles that show the same numbers share one table.
    """
    facts = "".join(f"<div><dt>{html.escape(name)}</dt><dd>{html.escape(text)}</dd></div>" for name, text in about)
    context = [pair for pair in about if pair[0] in ("Period", "Compared with", "Filters", "Data up to")]
    lead = " · ".join(f"{html.escape(name)}: {html.escape(text)}" for name, text in context)
    figures = {f"f{number}": _printable(each, model) for number, each in enumerate(drawn) if each.figure}
    first = {
        (each.answer.query, each.measure): number for number, each in reversed(list(enumerate(drawn))) if each.answer
    }
    own = {*first.values(), *(number for number, each in enumerate(drawn) if each.answer is None)}
    sections = "".join(_section(number, each) for number, each in enumerate(drawn))
    numbers = "".join(_numbers(each) for number, each in enumerate(drawn) if number in own)
    maps = any(trace.get("type") == "choropleth" for figure in figures.values() for trace in figure["data"])
    world = _asset("vendor/topojson/world_110m.json") if maps else "null"
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{html.escape(title)}</title>'
        f"<style>{_style()}</style></head><body>"
        f"<header><h1>{html.escape(title)}</h1><p class=source>{html.escape(model.title)}</p><p>{lead}</p></header>"
        f"<main>{sections}</main>{numbers}<section class=about><h2>About these numbers</h2><dl>{facts}</dl></section>"
        f"<script>{_asset('vendor/plotly.min.js')}</script><script>"
        f"window.PlotlyGeoAssets={{topojson:{{world_110m:{world}}}}};"
        f"for(const [id,figure] of Object.entries({_script(figures)}))"
        "Plotly.newPlot(id,figure.data,figure.layout,{staticPlot:true});</script></body></html>"
    )


def _script(value: Any) -> str:
    """Return JSON that ends no script element."""
    return (
        orjson.dumps(value).decode().replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
    )


def _printable(drawn: Drawn, model: SalesModel) -> dict[str, Any]:
    figure = tiles.figure(drawn, model)
    font = {"family": "Liberation Sans, Arial, sans-serif", "size": 12, "color": "#1b2430"}
    width, height = WIDE if _over_time(drawn) else HALF
    layout = {**figure["layout"], "width": width, "height": height, "font": font, "dragmode": False}
    return {"data": figure["data"], "layout": layout}


def _over_time(drawn: Drawn) -> bool:
    return drawn.answer is not None and drawn.answer.query.grain is not None


def _section(number: int, drawn: Drawn) -> str:
    """Return a tile: its words, and its figure or, where it has none, its table."""
    if drawn.problem or drawn.empty:
        text = drawn.problem or tiles.NOTHING
        return f"<section><h2>{html.escape(drawn.title)}</h2><p>{html.escape(text)}</p></section>"
    words = f"<h2>{html.escape(drawn.title)}</h2><p>{html.escape(drawn.summary)}</p>"
    if drawn.figure:
        kind, content = "wide" if _over_time(drawn) else "half", f'<div class=figure id="f{number}"></div>'
    else:
        table = "".join(_written(drawn.table))
        broad = table.count("<tr>") > LONG or table.partition("</thead>")[0].count("<th>") > BROAD
        kind, content = "cards" if drawn.cards else "long" if broad else "half", table
    return f"<section class={kind}>{words}{content}</section>"


def _numbers(drawn: Drawn) -> str:
    """Return the table behind a figure."""
    if drawn.problem or drawn.empty or not drawn.figure or drawn.table is None:
        return ""
    return f"<section class=numbers><h2>{html.escape(drawn.title)}</h2>{''.join(_written(drawn.table))}</section>"


def _written(node: Any) -> Iterator[str]:
    """Yield a table's elements as HTML; whatever else is in it as text."""
    if isinstance(node, Component):
        node = node.to_plotly_json()
    if isinstance(node, list | tuple):
        for each in node:
            yield from _written(each)
    elif isinstance(node, dict):
        children = node.get("props", {}).get("children")
        name = node.get("type")
        if name in ELEMENTS and name != "Button":
            kind = f' class="{html.escape(str(node["props"]["className"]))}"' if node["props"].get("className") else ""
            yield f"<{name.lower()}{kind}>"
            yield from _written(children)
            yield f"</{name.lower()}>"
        else:
            yield from _written(children)
    elif node is not None:
        yield html.escape(str(node))
