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

    A chart over time is one whose x axis has a category per bucket: its marks say which (layouts/marks.py).
    """
    times = _times(drawn.figure) if notes and drawn.figure is not None and not (drawn.empty or drawn.problem) else []
    placed = [(note, index) for note in notes if (index := _bucket(times, note.first, note.last)) is not None]
    if not placed or drawn.figure is None:
        return drawn
    layout: dict[str, Any] = dict(drawn.figure["layout"])
    layout["shapes"] = [*layout.get("shapes", ()), *(_line(index) for _, index in placed)]
    layout["annotations"] = [
        *layout.get("annotations", ()),
        *(_flag(note, index, number) for number, (note, index) in enumerate(placed, 1)),
    ]
    words = "; ".join(f"({number}) {_when(note, model)}: {note.text}" for number, (note, _) in enumerate(placed, 1))
    return replace(drawn, figure={**drawn.figure, "layout": layout}, summary=f"{drawn.summary} Notes: {words}.")


def _times(figure: Figure) -> list[dt.date]:
    """Return the first day of each bucket along the x axis; none where the traces do not share one."""
    found: set[tuple[str, ...]] = set()
    for trace in figure["data"]:
        fields = (trace.get("meta") or {}).get("fields", ())
        if "time" in fields and figure["layout"].get("xaxis", {}).get("type") == "category":
            found.add(tuple(row[1 + fields.index("time")] for row in trace["customdata"]))
    days = next(iter(found)) if len(found) == 1 else ()
    return [dt.date.fromisoformat(day) for day in days] if list(days) == sorted(set(days)) else []


def _bucket(times: Sequence[dt.date], first: dt.date, last: dt.date) -> int | None:
    """Return the place of the bucket that a note begins in, or of the first one on show that it reaches."""
    if not times or last < times[0] or first >= times[-1] + (times[-1] - times[-2] if len(times) > 1 else MONTH):
        return None
    return max((index for index, time in enumerate(times) if time <= first), default=0)


def _line(index: int) -> dict[str, Any]:
    return {"type": "line", "x0": index, "x1": index, "y0": 0, "y1": 1, "yref": "paper", "line": LINE}


def _flag(note: Note, index: int, number: int) -> dict[str, Any]:
    return {
        "x": index,
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
