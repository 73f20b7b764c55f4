"""Products as figures: the curve of ABC, growth by value, price history."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

from layouts import labels
from layouts.axes import time_axis, value_axis
from layouts.figures import BEFORE, BRUSH, NOW, Figure, layout_of, numbers
from layouts.figures_trends import LEGEND
from services import formats
from services.lifecycles import Price
from services.model import SalesModel
from services.periods import Grain
from services.products import QUADRANTS, Assortment, Product, Quadrant

#: Points of the curve, and of each group, at most.
DRAWN, DRAWN_EACH = 150, 60
#: Groups of high value: their largest are all drawn, and the largest is named.
HIGH = (Quadrant.STAR, Quadrant.MILK)
#: Sales by those before, as the axis of growth has them; beyond, at the edge.
RATIOS = [0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0]
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
    """Return growth by value, both logarithmic: a point per product, the thresholds, the groups they make.

    Twice as much is as far from no change as half as much is.
    """
    measure = model.measure(found.asked.measure)
    groups = {quadrant: _spread(found.of_quadrant(quadrant), kept=20 * (quadrant in HIGH)) for quadrant in COLORS}
    traces = [
        {
            "type": "scatter",
            "mode": "markers+text",
            "name": f"{QUADRANTS[quadrant]} ({len(found.of_quadrant(quadrant)):,})",
            "x": numbers(each.now for each in inside),
            "y": numbers(_ratio(each.growth) for each in inside),
            "text": [labels.cut(each.label, 18) if each is inside[0] and quadrant in HIGH else "" for each in inside],
            "textposition": "top left",
            "textfont": {"size": 10},
            "hovertext": [
                f"{each.label}: {formats.exact(each.now, measure.format, model)}, "
                f"{formats.change_text(each.growth, model)}"
                for each in inside
            ],
            "hovertemplate": "%{hovertext}<extra></extra>",
            "marker": {"color": COLORS[quadrant], "size": 7, "opacity": 0.7},
            "meta": {"measure": found.asked.measure, "fields": [dimension]},
            "customdata": [mark(each) for each in inside],
        }
        for quadrant, inside in groups.items()
    ]
    ticks = _decades([each.now for inside in groups.values() for each in inside])
    named = {"tickvals": ticks, "ticktext": [formats.tick(tick, measure.format, model) for tick in ticks]}
    wide, high = _reach([*(each.now for inside in groups.values() for each in inside), found.value]), _reach(RATIOS)
    across = value_axis(measure, type="log", range=wide, tickmode="array", **named)
    up = {"tickmode": "array", "tickvals": RATIOS, "ticktext": [f"{at - 1:+.0%}" if at != 1 else "0%" for at in RATIOS]}
    layout = layout_of(
        xaxis={**across, "title": {"text": measure.label}},
        yaxis={"type": "log", "range": high, "fixedrange": True, "automargin": True, "zeroline": False, **up},
        shapes=[
            *_grounds(found, wide, high),
            _line(y=_ratio(found.growth)),
            *([_line(x=found.value)] if found.value > 0 else []),
        ],
        showlegend=True,
        legend=LEGEND,
        hovermode="closest",
        **BRUSH,
    )
    return {"data": traces, "layout": layout}


def _spread(group: Sequence[Product], kept: int) -> list[Product]:
    """Return the `kept` largest products of a group, and of the others so many, evenly, that all sizes are seen."""
    sold = [each for each in group if each.now > 0]
    rest = sold[kept:]
    return [*sold[:kept], *rest[:: max(1, math.ceil(len(rest) / (DRAWN_EACH - kept)))]]


def _ratio(growth: float) -> float:
    return min(max(1 + growth, RATIOS[0]), RATIOS[-1])


def _reach(values: Iterable[float]) -> list[float]:
    """Return the range of a logarithmic axis with some room at both ends, as exponents of ten."""
    known = [math.log10(value) for value in values if value > 0] or [0.0]
    room = max(0.06 * (max(known) - min(known)), 0.1)
    return [min(known) - room, max(known) + room]


def _grounds(found: Assortment, wide: Sequence[float], high: Sequence[float]) -> list[dict[str, Any]]:
    """Return the ground of each group, in its colour, where a value of more than 0 parts them."""
    if found.value <= 0:
        return []
    middle = _ratio(found.growth)
    left, right = {"x0": 10 ** wide[0], "x1": found.value}, {"x0": found.value, "x1": 10 ** wide[1]}
    below, above = {"y0": 10 ** high[0], "y1": middle}, {"y0": middle, "y1": 10 ** high[1]}
    places = {
        Quadrant.STAR: right | above,
        Quadrant.PUSH: left | above,
        Quadrant.MILK: right | below,
        Quadrant.PHASE_OUT: left | below,
    }
    plain = {"type": "rect", "layer": "below", "opacity": 0.07, "line": {"width": 0}}
    return [plain | place | {"fillcolor": COLORS[quadrant]} for quadrant, place in places.items()]


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
        xaxis=time_axis([each.month for each in found], Grain.MONTH, model),
        yaxis=value_axis(model.measure(money), overlaying="y2"),
        yaxis2={**other, "tickformat": "~s", "rangemode": "tozero"},
        showlegend=True,
        legend=LEGEND,
        hovermode="x unified",
    )
    return {"data": [bars, line], "layout": layout}
