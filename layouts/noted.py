"""Notes on dates, on every chart over time: a line at the bucket, the words below the chart's own."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from layouts import labels
from layouts.tiles import Drawn
from services import formats
from services.model import SalesModel
from services.planning import Note

LINE = {"color": "#b8860b", "width": 1.5, "dash": "dot"}


def add(drawn: Drawn, notes: Sequence[Note], model: SalesModel) -> Drawn:
    """Return the chart with the notes that touch its buckets; its x axis is categories called `labels.bucket`."""
    answer = drawn.answer
    if not notes or answer is None or answer.query.grain is None or drawn.figure is None or drawn.empty:
        return drawn
    times = [moment.date() for moment in answer.frame["time"].dropna()]
    found = [(note, _bucket(times, note.first, note.last)) for note in notes]
    placed = [(note, index) for note, index in found if index is not None]
    if not placed:
        return drawn
    layout: dict[str, Any] = dict(drawn.figure["layout"])
    layout["shapes"] = [*layout.get("shapes", ()), *(_line(index) for _, index in placed)]
    layout["annotations"] = [
        *layout.get("annotations", ()),
        *(_flag(note, index, number) for number, (note, index) in enumerate(placed, 1)),
    ]
    words = "; ".join(f"({number}) {_when(note, model)}: {note.text}" for number, (note, _) in enumerate(placed, 1))
    summary = f"{drawn.summary} Notes: {words}."
    return replace(drawn, figure={**drawn.figure, "layout": layout}, summary=summary)


def _bucket(times: Sequence[dt.date], first: dt.date, last: dt.date) -> int | None:
    """Return the place of the bucket that a note begins in, or of the first one on show that it reaches."""
    if not times or last < times[0]:
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
