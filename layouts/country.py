"""One country: over time, against the others, what it buys, what rose and fell there."""

from __future__ import annotations

import math
from collections.abc import Sequence

from layouts import answered, labels, tables
from layouts.figures import BEFORE, NOW, Figure, layout_of, numbers
from layouts.figures_trends import LEGEND
from layouts.tiles import Drawn
from services import formats
from services.countries import Against, Part
from services.model import Format, SalesModel
from services.sales import Answer

TOP = 15


def against(found: Sequence[Against], answer: Answer, name: str, plural: str, model: SalesModel) -> Drawn:
    """Return a country's numbers beside those of the others."""
    title = f"{name} against the others"
    compared = answer.window.before is not None and answer.window.before_known
    rows = []
    for each in found:
        measure = model.measure(each.measure)
        before = each.before if compared else math.nan
        rows.append(
            [
                measure.label,
                formats.exact(each.now, measure.format, model),
                formats.exact(before, measure.format, model),
                formats.change_text(formats.change(each.now, before), model),
                formats.exact(each.rest, measure.format, model)
                if measure.format is not Format.INTEGER
                else f"{each.rest:,.1f}",
                formats.change_text(formats.change(each.now, each.rest), model),
            ]
        )
    first = found[0]
    share = formats.change_text(formats.change(first.now, first.rest), model)
    summary = (
        f"{model.measure(first.measure).label}: {share} against the average of {first.others} other {plural.lower()}. "
        "Of rates and averages: against all others together."
    )
    heads = ["Measure", name, "Before", "Change", "Others", "Against others"]
    return Drawn(title, summary, None, tables.table(title, heads, rows), answer, first.measure)


def mix(found: tuple[str, list[Part], Answer] | None, name: str, model: SalesModel) -> Drawn:
    """Return what a country's business is made of, beside the others'."""
    title = f"What {name} buys"
    if found is None:
        return Drawn(
            title, "", problem="There is no mix: the data have nothing to split by, or the measure has no shares."
        )
    by, parts, answer = found
    label = model.dimension(by).label
    title = f"{title}, by {label.lower()}"
    rows = [
        [
            part.label or labels.UNKNOWN,
            formats.short(part.share, Format.PERCENT, model),
            formats.short(part.elsewhere, Format.PERCENT, model),
            f"{part.ratio:.2f}" if not math.isnan(part.ratio) else formats.NOTHING,
        ]
        for part in parts
    ]
    table = tables.table(
        title,
        [label, name, "Others", "Ratio"],
        rows,
        marks=[[part.label, part.key] for part in parts],
        meta={"measure": answer.query.measures[0], "fields": [by]},
    )
    telling = [part for part in parts if part.share >= LEAST_TELLING and part.ratio > 1]
    best = max(telling, key=lambda part: part.ratio, default=None)
    summary = "Much as elsewhere."
    if best is not None and best.ratio > MORE:
        summary = f"{best.label} weighs {best.ratio:.1f} times as much as elsewhere."
    return Drawn(
        title, summary, _bars(parts, name, by, answer.query.measures[0]), table, answer, answer.query.measures[0]
    )


#: A part of a mix is named from this share on, and where it weighs this many times as much as elsewhere.
LEAST_TELLING, MORE = 0.02, 1.1


def _bars(parts: Sequence[Part], name: str, by: str, measure: str) -> Figure:
    places = [labels.cut(part.label or labels.UNKNOWN, 24) for part in parts]
    own = {
        "type": "bar",
        "orientation": "h",
        "name": name,
        "y": places,
        "x": numbers(part.share for part in parts),
        "marker": {"color": NOW},
        "meta": {"measure": measure, "fields": [by]},
        "customdata": [[part.label, part.key] for part in parts],
        "hovertemplate": "%{y}: %{x:.1%}<extra></extra>",
    }
    other = {**own, "name": "Others", "x": numbers(part.elsewhere for part in parts), "marker": {"color": BEFORE}}
    axes = {"fixedrange": True, "automargin": True}
    layout = layout_of(
        xaxis={**axes, "tickformat": ".0%"},
        yaxis={**axes, "autorange": "reversed", "type": "category"},
        barmode="group",
        showlegend=True,
        legend=LEGEND,
    )
    return {"data": [own, other], "layout": layout}


def movers(found: tuple[Answer, Answer] | None, rose: bool, name: str, model: SalesModel) -> Drawn:  # noqa: FBT001
    """Return the products that rose, or fell, most in a country."""
    title = f"{'Rose' if rose else 'Fell'} most in {name}"
    if found is None:
        return Drawn(title, "", problem="This needs products, and a period to compare with that the data know.")
    answer = found[0 if rose else 1]
    measure, dimension = answer.query.measures[0], answer.query.dimensions[0]
    kind = model.measure(measure).format
    frame = answer.frame.fillna({measure: 0.0, f"{measure}__before": 0.0})
    change = frame[measure] - frame[f"{measure}__before"]
    kept = frame[change > 0] if rose else frame[change < 0]
    names = labels.of(kept, dimension)
    rows = [
        [
            text,
            formats.exact(now, kind, model),
            formats.exact(was, kind, model),
            formats.exact(now - was, kind, model),
            formats.change_text(formats.change(now, was), model) if was else "new",
        ]
        for text, now, was in zip(names, kept[measure], kept[f"{measure}__before"], strict=True)
    ]
    label = model.measure(measure).label
    summary = f"{names[0]} by {rows[0][3]}." if rows else f"Nothing {'rose' if rose else 'fell'}."
    table = tables.table(
        title,
        [model.dimension(dimension).label, label, "Before", "Change", "in %"],
        rows,
        marks=[[text, str(key)] for text, key in zip(names, kept[dimension], strict=True)],
        meta={"measure": measure, "fields": [dimension]},
    )
    return Drawn(title, summary, None, table, answer, measure)


def trend(answer: Answer, name: str, model: SalesModel) -> Drawn:
    """Return a country over time."""
    title = f"{model.measure(answer.query.measures[0]).label} of {name} over time"
    return answered.over_time(answer, title, answered.highest("No values in this period."), model)


def ranked(answer: Answer, name: str, model: SalesModel) -> Drawn:
    """Return the leading values of a dimension in a country."""
    title = f"{model.dimension(answer.query.dimensions[0]).plural} in {name}"
    return answered.leading(answer, title, answered.first_leads, model, TOP)
