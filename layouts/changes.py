"""What rose and what fell: the changes of a measure by the values of a dimension, as bars to either side."""

from __future__ import annotations

import pandas as pd

from layouts import labels, marks, tables
from layouts.axes import rows_axis, value_axis
from layouts.figures import BRUSH_ROWS, NOW, Figure, layout_of, numbers
from layouts.tiles import Drawn
from services import formats
from services.adding import adding
from services.model import SalesModel
from services.sales import Answer

#: Values drawn on either side at most.
SIDE = 7
#: Good and bad news, told apart in any kind of sight; the side says it too.
GOOD, BAD = NOW, "#d55e00"


def changes(answer: Answer, model: SalesModel) -> Drawn:
    """Return the tile of what rose and fell against the period compared with, by the answer's first dimension."""
    name, dimension = answer.query.measures[0], model.dimension(answer.query.dimensions[0])
    measure = model.measure(name)
    title = f"Change of {measure.label.lower()} by {dimension.label.lower()}"
    if answer.window.before is None or not answer.window.before_known:
        return Drawn(title, "", problem="Changes need a period to compare with. Choose one above, or a later period.")
    columns = [name, f"{name}__before"]
    frame = answer.frame
    if adding(model, name).zero:
        frame = frame.fillna(dict.fromkeys(columns, 0.0))
    moved = (frame[columns[0]] - frame[columns[1]]).rename("moved")
    kept = moved[moved.notna() & (moved != 0)].sort_values(ascending=False, kind="stable")
    frame = frame.loc[kept.index]
    names = labels.of(frame, answer.query.dimensions[0])
    rows = [
        [
            text,
            signed(change, name, model),
            formats.exact(now, measure.format, model),
            formats.exact(then, measure.format, model),
            formats.change_text(formats.change(now, then), model) if then else "new",
        ]
        for text, change, now, then in zip(names, kept, frame[columns[0]], frame[columns[1]], strict=True)
    ]
    table = tables.table(
        title,
        [dimension.label, "Change", measure.label, "Before", "in %"],
        rows,
        marks=marks.rows(answer, names, frame),
        meta=marks.meta(answer, name),
    )
    figure = _bars(answer, frame, kept, names, model) if len(kept) else None
    return Drawn(title, _words(kept, names, name, model), figure, table, answer, name)


def signed(change: float, name: str, model: SalesModel) -> str:
    """Return a difference of a measure in few characters, with its sign."""
    text = formats.short(change, model.measure(name).format, model)
    return f"+{text}" if change > 0 else text


def _words(kept: pd.Series[float], names: list[str], name: str, model: SalesModel) -> str:
    if not len(kept):
        return "Nothing changed."
    rose, fell = kept[kept > 0], kept[kept < 0]
    found = []
    if len(rose):
        found.append(f"{len(rose)} rose, most {names[0]} ({signed(kept.iloc[0], name, model)})")
    if len(fell):
        found.append(f"{len(fell)} fell, most {names[-1]} ({signed(kept.iloc[-1], name, model)})")
    return f"{'; '.join(found)}."


def _bars(answer: Answer, frame: pd.DataFrame, kept: pd.Series[float], names: list[str], model: SalesModel) -> Figure:
    name = answer.query.measures[0]
    measure = model.measure(name)
    rose, fell = int((kept > 0).sum()), int((kept < 0).sum())
    chosen = [*range(min(rose, SIDE)), *range(len(kept) - min(fell, SIDE), len(kept))]
    values = kept.iloc[chosen]
    shown = [names[place] for place in chosen]
    bars = {
        "type": "bar",
        "orientation": "h",
        "x": numbers(values),
        "y": list(range(len(chosen))),
        "text": [signed(value, name, model) for value in values],
        "textposition": "outside",
        "cliponaxis": False,
        "hovertext": shown,
        "hovertemplate": "%{hovertext}: %{text}<extra></extra>",
        "marker": {"color": [GOOD if (value > 0) == measure.up_is_good else BAD for value in values]},
        **marks.on(answer, name, shown, frame.iloc[chosen]),
    }
    # Room beyond the longest bars for their numbers.
    room = 0.4 * max(abs(value) for value in values)
    span = [min(0.0, *values) - room * (fell > 0), max(0.0, *values) + room * (rose > 0)]
    axis = value_axis(measure, range=span)
    axes = {"yaxis": rows_axis(shown), "xaxis": axis | {"zeroline": True}}
    return {"data": [bars], "layout": layout_of(**axes, bargap=0.25, hovermode="y", **BRUSH_ROWS)}
