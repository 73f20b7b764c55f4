"""The axes of figures: their kinds, the numbers and names along them, and the room these need.

Numbers are round and written as all numbers on a page are: plotly.js shortens by the letters of physics (20G) and
puts a currency before the minus sign, whatever the locale.
"""

from __future__ import annotations

import datetime as dt
import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from layouts import labels
from services import formats
from services.model import Format, Measure, SalesModel
from services.periods import Grain

Figure = dict[str, Any]

#: What an axis says of its numbers until they are known, as its `tickformat`.
KINDS = {"$~s": Format.CURRENCY, "~s": Format.NUMBER}
#: Numbers along an axis at most, upright and lying: beside each other they take more room.
MOST = {"y": 6, "x": 5}
#: Pixels, about: a line of labels with its tick, a second line, room beside labels, a number with its unit, letters.
LINE, SECOND, BESIDE, NUMBER, CAPITAL, SMALL = 30, 15, 12, 44, 8.0, 6.2
#: Time buckets named along an axis at most.
LABELLED = 16
STEPS = (1, 2, 2.5, 5, 10)


def value_axis(measure: Measure, **more: Any) -> dict[str, Any]:
    """Return an axis of a measure's values, in its unit; `with_ticks` writes its numbers."""
    axis: dict[str, Any] = {
        "automargin": True,
        "gridwidth": 1,
        "zeroline": False,
        "fixedrange": True,
        "rangemode": "tozero",
    }
    axis["tickformat"] = {Format.PERCENT: ".1%", Format.CURRENCY: "$~s"}.get(measure.format, "~s")
    return axis | more


def time_axis(moments: Sequence[dt.date], grain: Grain | None, model: SalesModel) -> dict[str, Any]:
    """Return an axis with a category per time bucket: the larger unit stands once, below the first of its buckets."""
    places = range(0, len(moments), max(1, math.ceil(len(moments) / LABELLED)))
    named = [labels.two_lines(moments[place], grain, model) for place in places]
    below = ["", *(second for _, second in named)]
    return {
        "type": "category",
        "tickmode": "array",
        "tickvals": list(places),
        "ticktext": [
            f"{first}<br>{second}" if second != before else first
            for (first, second), before in zip(named, below, strict=False)
        ],
        "automargin": True,
        "fixedrange": True,
        "showgrid": False,
    }


def round_numbers(low: float, high: float, most: int) -> list[float]:
    """Return the multiples of a round step within [low, high], `most` at most and two at least where they differ."""
    if not low < high:
        return [low]
    for power in range(math.floor(math.log10((high - low) / most)), 400):
        for step in STEPS:
            width = step * 10.0**power
            first, last = math.ceil(low / width - 1e-9), math.floor(high / width + 1e-9)
            if last - first < most:
                return [number * width for number in range(first, last + 1)]
    return [low]


def written(values: Sequence[float], kind: Format, model: SalesModel) -> dict[str, Any]:
    """Return what an axis or a colour bar is told to show these numbers."""
    texts = [formats.tick(value, kind, model) for value in values]
    return {"tickmode": "array", "tickvals": list(values), "ticktext": texts}


def with_ticks(figure: dict[str, Any], model: SalesModel) -> dict[str, Any]:
    """Return a figure with the numbers along each axis of numbers that asks for them, as its `tickformat` says."""
    layout = figure["layout"]
    axes = {name: axis for name, axis in layout.items() if name[1:5] == "axis" and axis.get("tickformat") in KINDS}
    if not axes:
        return figure
    stacked = layout.get("barmode") in ("relative", "stack")
    found = {name: _axis(figure["data"], name, axis, model, stacked=stacked) for name, axis in axes.items()}
    return {**figure, "layout": {**layout, **found}}


def _axis(
    traces: Sequence[dict[str, Any]], name: str, axis: dict[str, Any], model: SalesModel, *, stacked: bool
) -> dict[str, Any]:
    kept = {key: value for key, value in axis.items() if key not in ("tickformat", "nticks")}
    if axis.get("tickmode") == "array":
        return kept
    letter = name[0]
    low, high = axis.get("range") or _extent(traces, name.replace("axis", ""), stacked=stacked)
    if axis.get("rangemode") == "tozero" and not axis.get("range"):
        low, high = min(low, 0.0), max(high, 0.0)
    numbers = round_numbers(low, high, MOST[letter])
    return kept | written(numbers, KINDS[axis["tickformat"]], model)


def _extent(traces: Sequence[dict[str, Any]], axis: str, *, stacked: bool) -> tuple[float, float]:
    letter, other = axis[0], {"x": "y", "y": "x"}[axis[0]]
    mine = [trace for trace in traces if trace.get(f"{letter}axis", letter) == axis]
    values = [value for trace in mine for value in _known(trace.get(letter, ()))]
    if stacked:
        piles: dict[tuple[Any, bool], float] = defaultdict(float)
        for trace in mine:
            for place, value in zip(trace[other], trace[letter], strict=True):
                if value is not None:
                    piles[place, value > 0] += value
        values = list(piles.values())
    return min(values, default=0.0), max(values, default=0.0)


def _known(values: Iterable[Any]) -> Iterable[float]:
    return (value for value in values if isinstance(value, int | float))


def with_room(figure: Figure) -> Figure:
    """Return a figure with margins about as wide as the labels of its axes need.

    plotly.js measures every label of an axis with `automargin` and draws all axes again where one needs more than the
    margin has; labels beyond the edge are not looked for, as none is left there.
    """
    layout = figure["layout"]
    margin, axes = dict(layout["margin"]), {}
    for letter, side in (("x", "b"), ("y", "l")):
        axis = layout.get(f"{letter}axis")
        if axis and axis.get("automargin"):
            axes[f"{letter}axis"] = {"ticklabeloverflow": "allow", **axis}
            words = _ticks(figure, letter)
            lines = LINE + SECOND * any("<br>" in text for text in words)
            needed = lines if letter == "x" else BESIDE + max(map(_width, words), default=NUMBER)
            margin[side] = max(margin[side], round(needed))
    if axes and layout.get("showlegend"):
        margin["t"] = max(margin["t"], LINE)
    return {**figure, "layout": {**layout, **axes, "margin": margin}}


def _ticks(figure: Figure, letter: str) -> list[str]:
    """Return the words along an axis; none along one of numbers, which plotly.js writes itself."""
    axis = figure["layout"][f"{letter}axis"]
    if "ticktext" in axis:
        return list(axis["ticktext"])
    return [each for trace in figure["data"] for each in trace.get(letter, ()) if isinstance(each, str)]


def _width(text: str) -> float:
    return sum(CAPITAL if each.isupper() else SMALL for each in text)


def rows_axis(names: Sequence[str]) -> dict[str, Any]:
    """Return the axis of horizontal bars, one for each name, the first on top."""
    return {
        "tickmode": "array",
        "tickvals": list(range(len(names))),
        "ticktext": [labels.cut(text, 26) for text in names],
        # Room for eight rows at least: two bars need not fill the card.
        "range": [max(len(names), 8) - 0.5, -0.5],
        "automargin": True,
        "fixedrange": True,
    }
