"""Products as figures: the curve of ABC, growth by value, price history."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from layouts.figures import BEFORE, BRUSH, NOW, Figure, layout_of, numbers, value_axis
from layouts.figures_trends import LEGEND
from services import formats
from services.model import SalesModel
from services.products import QUADRANTS, Assortment, Price, Product, Quadrant

#: Products that are drawn at most; the others are of small value.
DRAWN, DRAWN_EACH = 150, 60
#: Growth is drawn up to this; beyond, at the edge.
MOST_GROWTH = 3.0
CLASSES = {"A": "#2f6fde", "B": "#56b4e9", "C": "#8a94a6"}
COLORS = {
    Quadrant.STAR: "#009e73",
    Quadrant.PUSH: "#2f6fde",
    Quadrant.MILK: "#b8860b",
    Quadrant.PHASE_OUT: "#c44e52",
}


def mark(each: Product) -> list[Any]:
    """Return what a product's point or row stands for."""
    return [each.label or each.key or "", each.key]


def pareto(found: Assortment, dimension: str, model: SalesModel) -> Figure:
    """Return the share of the total that the leading products reach together, coloured by class."""
    products, measure = found.products, found.asked.measure
    step = max(1, len(products) // DRAWN)
    kind = model.measure(measure).format
    traces = []
    start = 0
    for abc, color in CLASSES.items():
        inside = found.of_class(abc)
        if not inside:
            continue
        # The line begins where the class before ends, so that no gap shows.
        shown = [*products[max(0, start - 1) : start], *inside[::step], inside[-1]]
        start += len(inside)
        traces.append(
            {
                "type": "scatter",
                "mode": "lines",
                "name": f"{abc}: {len(inside):,} products",
                "x": [each.rank for each in shown],
                "y": numbers(each.reached for each in shown),
                "hovertext": [each.label for each in shown],
                "text": [formats.exact(each.now, kind, model) for each in shown],
                "hovertemplate": "%{x}. %{hovertext}: %{text}<br>%{y:.1%} up to here<extra></extra>",
                "line": {"color": color, "width": 3},
                "fill": "tozeroy",
                "meta": {"measure": measure, "fields": [dimension]},
                "customdata": [mark(each) for each in shown],
            }
        )
    limits = [_line(y=found.asked.a), _line(y=found.asked.b)]
    axes = {"fixedrange": True, "automargin": True}
    layout = layout_of(
        xaxis={**axes, "title": {"text": "Products, largest first"}, "tickformat": ",d", "showgrid": False},
        yaxis={**axes, "tickformat": ".0%", "range": [0, 1.04]},
        shapes=limits,
        showlegend=True,
        legend=LEGEND,
        hovermode="closest",
    )
    return {"data": traces, "layout": layout}


def _line(**at: float) -> dict[str, Any]:
    ((axis, value),) = at.items()
    across = "x" if axis == "y" else "y"
    ends = {f"{axis}0": value, f"{axis}1": value, f"{across}0": 0, f"{across}1": 1, f"{across}ref": "paper"}
    return {"type": "line", **ends, "line": {"color": BEFORE, "width": 1.5, "dash": "dot"}}


def quadrants(found: Assortment, dimension: str, model: SalesModel) -> Figure:
    """Return growth by value (logarithmic), a point per product, and the two thresholds."""
    measure = found.asked.measure
    kind = model.measure(measure).format
    traces: list[dict[str, Any]] = []
    for quadrant, color in COLORS.items():
        group = found.of_quadrant(quadrant)
        inside = [each for each in group[:DRAWN_EACH] if each.now > 0]
        traces.append(
            {
                "type": "scatter",
                "mode": "markers",
                "name": f"{QUADRANTS[quadrant]} ({len(group):,})",
                "x": numbers(each.now for each in inside),
                "y": numbers(min(each.growth, MOST_GROWTH) for each in inside),
                "hovertext": [each.label for each in inside],
                "text": [
                    f"{formats.exact(each.now, kind, model)}, {formats.change_text(each.growth, model)}"
                    for each in inside
                ],
                "hovertemplate": "%{hovertext}: %{text}<extra></extra>",
                "marker": {"color": color, "size": 8, "opacity": 0.75},
                "meta": {"measure": measure, "fields": [dimension]},
                "customdata": [mark(each) for each in inside],
            }
        )
    ticks = _decades([float(value) for trace in traces for value in trace["x"] if value])
    named = {"tickvals": ticks, "ticktext": [formats.short(tick, kind, model) for tick in ticks]}
    across = value_axis(model.measure(measure), model, type="log", rangemode="normal", tickmode="array", **named)
    layout = layout_of(
        xaxis={**across, "title": {"text": model.measure(measure).label}},
        yaxis={"fixedrange": True, "automargin": True, "tickformat": "+.0%", "zeroline": False},
        shapes=[_line(y=min(found.growth, MOST_GROWTH)), *([_line(x=found.value)] if found.value > 0 else [])],
        showlegend=True,
        legend=LEGEND,
        hovermode="closest",
        **BRUSH,
    )
    return {"data": traces, "layout": layout}


def _decades(values: Sequence[float]) -> list[float]:
    """Return the round numbers 1, 2 and 5 times a power of ten that lie among values above 0; the powers, of many."""
    if not values:
        return []
    powers = [
        10.0**power for power in range(math.floor(math.log10(min(values))), math.ceil(math.log10(max(values))) + 1)
    ]
    found = [step * power for power in powers for step in (1, 2, 5) if min(values) <= step * power <= max(values)]
    return found if len(found) <= 8 else [each for each in found if each in powers]


def prices(found: Sequence[Price], model: SalesModel, money: str, pieces: str) -> Figure:
    """Return the average price per month as a line over the pieces sold as bars."""
    names = [formats.months(formats.locale_of(model))[each.month.month - 1] + f" {each.month.year}" for each in found]
    kind = model.measure(money).format
    bars = {
        "type": "bar",
        "name": model.measure(pieces).label,
        "x": names,
        "y": numbers(each.pieces for each in found),
        "yaxis": "y2",
        "marker": {"color": "rgba(138,148,166,0.45)"},
        "hovertemplate": "%{fullData.name}: %{y:,}<extra></extra>",
    }
    line = {
        "type": "scatter",
        "mode": "lines+markers",
        "name": "Average price",
        "x": names,
        "y": numbers(each.price for each in found),
        "text": [formats.exact(each.price, kind, model) for each in found],
        "hovertemplate": "%{fullData.name}: %{text}<extra></extra>",
        "line": {"color": NOW, "width": 2.5},
        "meta": {"measure": money, "fields": ["time"]},
        "customdata": [[name, f"{each.month:%Y-%m-%d}"] for name, each in zip(names, found, strict=True)],
    }
    other = {"side": "right", "showgrid": False, "fixedrange": True, "automargin": True}
    layout = layout_of(
        xaxis={"type": "category", "automargin": True, "fixedrange": True, "showgrid": False, "nticks": 12},
        yaxis=value_axis(model.measure(money), model, tickformat=".2~f", overlaying="y2"),
        yaxis2={**other, "tickformat": "~s", "rangemode": "tozero"},
        showlegend=True,
        legend=LEGEND,
        hovermode="x unified",
    )
    return {"data": [bars, line], "layout": layout}
