"""Key figures: what a measure is, how it changed, how it stands against its target; each chooses what charts show."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from layouts import figures, labels, marks, tables
from layouts.markup import element
from layouts.tiles import Drawn
from services import formats
from services.adding import Adding, adding
from services.forecasting.landing import Landing
from services.model import Format, Measure, SalesModel
from services.planning import Progress, State
from services.sales import Answer


def row(kpis: Answer, trend: Answer, chosen: str, model: SalesModel, progress: Mapping[str, Progress]) -> list[Any]:
    """Return a tile per key figure; `chosen` is the measure that the charts show, `trend` gives the sparklines."""
    buckets = trend.frame[trend.frame["time"].notna()]
    return [
        _tile(name, model.measure(name), kpis, buckets[name].tolist(), chosen, model, progress.get(name))
        for name in kpis.query.measures
    ]


def _tile(
    name: str,
    measure: Measure,
    kpis: Answer,
    course: list[float],
    chosen: str,
    model: SalesModel,
    progress: Progress | None,
) -> Any:
    now = kpis.value(name)
    spark = figures.sparkline(course)
    choose = element(
        "A",
        measure.label,
        href=f"?measure={name}",
        title=measure.description,
        **labels.data(go="keep", measure=name),
        **(labels.aria(current="true") if name == chosen else {}),
    )
    more = element(
        "Button",
        "⋯",
        type="button",
        className="tool",
        title="Ask more about it",
        **marks.alone(name),
        **labels.aria(label=f"Ask more about {measure.label}", haspopup="dialog"),
    )
    return element(
        "Article",
        [
            element("Div", [element("H2", choose), more], className="tile-head"),
            element(
                "P",
                formats.short(now, measure.format, model),
                className="value",
                title=formats.exact(now, measure.format, model),
            ),
            _change(name, measure, kpis, model),
            _target(progress, measure, model) if progress else None,
            element("P", className="landing", **labels.data(landing=name)) if _lands(name, kpis, model) else None,
            element("Img", src=spark, alt="", className="spark") if spark else None,
        ],
        className=f"card kpi{' chosen' if name == chosen else ''}",
        **labels.data(query=kpis.query.to_json().decode(), title=measure.label),
    )


def _lands(name: str, kpis: Answer, model: SalesModel) -> bool:
    return kpis.window.incomplete and adding(model, name) is not Adding.RATIO


def landing(found: Landing, name: str, target: float | None, model: SalesModel) -> str:
    """Return where a measure will end with the period, and how likely it reaches its target, in words."""
    measure = model.measure(name)
    expected, low, high = (
        formats.short(each, measure.format, model) for each in (found.expected, found.low, found.high)
    )
    words = f"Lands at {expected}"
    if math.isfinite(found.low):
        words += f" ({low} to {high})"
    if target is not None and math.isfinite(found.low):
        chance = found.chance(target, up_is_good=measure.up_is_good)
        words += f", {formats.short(chance, Format.PERCENT, model)} likely to reach the target"
    return words


def rest(kpis: Answer, others: Answer, name: str, model: SalesModel) -> Any:
    """Return what a filter keeps to beside all that it leaves out: every key figure and how it changed."""
    heads = ["Measure", name, "Change", "The rest", "Change"]
    rows = []
    for key in kpis.query.measures:
        measure, row = model.measure(key), []
        for answer in (kpis, others):
            value = answer.value(key)
            before = answer.value(f"{key}__before") if answer.window.before_known else math.nan
            row += [
                formats.short(value, measure.format, model),
                formats.change_text(formats.change(value, before), model),
            ]
        rows.append([measure.label, *row])
    title = f"{name} and the rest"
    table = tables.table(title, heads, rows)
    return element(
        "Section",
        [element("H2", title, id="overview-rest-title"), element("Div", table, className="scroll", tabIndex=0)],
        className="card chart tile tile-wide",
        **labels.aria(labelledby="overview-rest-title"),
    )


#: How a state of a target is shown: its sign, so that it is not told by colour alone.
SIGNS = {State.GREEN: "✓", State.AMBER: "!", State.RED: "✗"}


def _target(progress: Progress, measure: Measure, model: SalesModel) -> Any:
    """Return a measure's target: the share reached as a bar, a mark where it should be by now, the state in words."""
    whole = formats.short(progress.target, measure.format, model)
    due = formats.short(progress.due, measure.format, model)
    share = formats.share_text(progress.share, model)
    top = max(progress.target, progress.actual, 0.0) or 1.0
    width, mark = (f"{100 * max(0.0, value) / top:.1f}%" for value in (progress.actual, progress.due))
    state = progress.state
    return element(
        "Div",
        [
            element(
                "Div",
                [
                    element("Span", className="filled", style={"width": width}),
                    element("Span", className="due", style={"left": mark}),
                ],
                className="bar",
            ),
            element(
                "Span",
                [element("Span", SIGNS[state], **labels.aria(hidden="true")), f" {share} of {whole}, {state.value}"],
            ),
        ],
        className=f"target target-{state.name.lower()}",
        title=f"Target {formats.exact(progress.target, measure.format, model)}; due by now: {due}",
    )


def table_of(kpis: Answer, model: SalesModel) -> Drawn:
    """Return the key figures as one tile with a table, for exports."""
    compared = kpis.window.before is not None
    heads = ["Measure", "Now", *(("Before", "Change") if compared else ())]
    rows = []
    for name in kpis.query.measures:
        measure, now = model.measure(name), kpis.value(name)
        row = [measure.label, formats.short(now, measure.format, model)]
        if compared:
            before = kpis.value(f"{name}__before")
            share = formats.change(now, before) if kpis.window.before_known else math.nan
            row += [formats.short(before, measure.format, model), formats.change_text(share, model)]
        rows.append(row)
    summary = f"{labels.range_of(kpis.window.now, model)}."
    return Drawn("Key figures", summary, None, tables.table("Key figures", heads, rows), kpis, cards=True)


def _change(name: str, measure: Measure, kpis: Answer, model: SalesModel) -> Any:
    window = kpis.window
    if window.before is None:
        return element("P", "", className="change")
    before = kpis.value(f"{name}__before")
    share = formats.change(kpis.value(name), before) if window.before_known else math.nan
    if math.isnan(share):
        return element("P", "no comparison", className="change")
    good = (share > 0) == measure.up_is_good
    tone, word = ("flat", "unchanged") if share == 0 else ("good", "better") if good else ("bad", "worse")
    arrow = "▲" if share > 0 else "▼" if share < 0 else "■"
    was = f"{formats.exact(before, measure.format, model)} in {labels.range_of(window.before, model)}"
    return element(
        "P",
        [
            element("Span", f"{arrow} {formats.change_text(share, model)}", className=f"tone-{tone}"),
            element("Span", f" {word}", className="visually-hidden"),
            element("Span", f" was {formats.short(before, measure.format, model)}", className="was"),
        ],
        className="change",
        title=was,
    )
