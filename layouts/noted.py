"""Notes on dates, on every chart over time: a line at the bucket, the words below the chart's own."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from layouts import labels
from layouts.tiles import Drawn, Figure
from services import formats
from services.model import SalesModel
from services.planning import Note

MONTH = dt.timedelta(days=31)
LINE = {"color": "#b8860b", "width": 1.5, "dash": "dot"}


def add(drawn: Drawn, notes: Sequence[Note], model: SalesModel) -> Drawn:
    """Return the chart with the notes that touch its time buckets; any other tile as it is.

    A chart over time has an x axis of dates, or with a place per bucket: its marks say which (layouts/marks.py).
    """
    times = _times(drawn.figure) if notes and drawn.figure is not None and not (drawn.empty or drawn.problem) else []
    found = [(note, index) for note in notes if (index := _bucket(times, note.first, note.last)) is not None]
    if not found or drawn.figure is None:
        return drawn
    layout: dict[str, Any] = dict(drawn.figure["layout"])
    dated = layout["xaxis"].get("type") == "date"
    placed = [(note, max(note.first, times[0]).isoformat() if dated else index) for note, index in found]
    layout["shapes"] = [*layout.get("shapes", ()), *(_line(place) for _, place in placed)]
    layout["annotations"] = [
        *layout.get("annotations", ()),
        *(_flag(note, place, number) for number, (note, place) in enumerate(placed, 1)),
    ]
    words = "; ".join(f"({number}) {_when(note, model)}: {note.text}" for number, (note, _) in enumerate(placed, 1))
    return replace(drawn, figure={**drawn.figure, "layout": layout}, summary=f"{drawn.summary} Notes: {words}.")


def _times(figure: Figure) -> list[dt.date]:
    """Return the first day of each bucket along the x axis; none where the traces do not share one.

    Marks of single points on an axis of dates, such as what does not fit, stand on the line of all.
    """
    axis = figure["layout"].get("xaxis", {})
    if axis.get("type") not in ("category", "date") and axis.get("tickmode") != "array":
        return []
    found: list[tuple[str, ...]] = []
    for trace in figure["data"]:
        fields = (trace.get("meta") or {}).get("fields", ())
        if "time" in fields and all(trace["customdata"]):
            found.append(tuple(row[1 + fields.index("time")] for row in trace["customdata"]))
    longest = max(found, key=len, default=())
    one = all(set(each) <= set(longest) for each in found) if axis.get("type") == "date" else len(set(found)) == 1
    days = longest if one else ()
    return [dt.date.fromisoformat(day) for day in days] if list(days) == sorted(set(days)) else []


def _bucket(times: Sequence[dt.date], first: dt.date, last: dt.date) -> int | None:
    """Return the place of the bucket that a note begins in, or of the first one on show that it reaches."""
    if not times or last < times[0] or first >= times[-1] + (times[-1] - times[-2] if len(times) > 1 else MONTH):
        return None
    return max((index for index, time in enumerate(times) if time <= first), default=0)


def _line(place: int | str) -> dict[str, Any]:
    return {"type": "line", "x0": place, "x1": place, "y0": 0, "y1": 1, "yref": "paper", "line": LINE}


def _flag(note: Note, place: int | str, number: int) -> dict[str, Any]:
    return {
        "x": place,
        "y": 1,
        "yref": "paper",
        "yanchor": "bottom",
        "text": str(number),
        "hovertext": f"{labels.cut(note.text, 80)} ({note.by})",
        "showarrow": False,
        "bordercolor": LINE["color"],
        "borderpad": 2,
    }


def _when(note: Note, model: SalesModel) -> str:
    if note.first == note.last:
        return formats.day(note.first, model)
    return f"{formats.day(note.first, model)} to {formats.day(note.last, model)}"
