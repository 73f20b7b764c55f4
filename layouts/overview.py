"""The Overview: tiles, charts, their tables, and the strip that says where the numbers come from."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from dash import html
from dash.development.base_component import Component

from layouts import figures, labels, marks, noted, tables, tiles
from layouts.controls import FilterIds
from layouts.shell import notice
from layouts.tiles import Drawn
from services import formats
from services.model import Measure, Role, SalesModel
from services.overview import TOP, Tile
from services.planning import Note, Progress, State
from services.sales import Answer

PAGE = "overview"


class Ids:
    """Component ids of the Overview."""

    FILTERS = FilterIds(PAGE)
    NOTICES = "overview-notices"
    KPIS = "overview-kpis"
    TRUST = "overview-trust"


@dataclass(frozen=True)
class View:
    """Everything on the page that depends on the data; `charts` by key."""

    notices: Sequence[Component]
    kpis: Sequence[Component]
    charts: Mapping[str, Drawn]
    trust: Component


def page(model: SalesModel, bar: Component, view: View) -> Component:
    """Return the whole page in its first state."""
    return html.Div(
        [
            html.H1("Overview", className="visually-hidden"),
            bar,
            html.Div(view.notices, id=Ids.NOTICES, **labels.aria(live="polite")),
            html.Section(view.kpis, id=Ids.KPIS, className="kpis", **labels.aria(label="Key figures")),
            tiles.grid([tiles.card(PAGE, key, drawn, model) for key, drawn in view.charts.items()]),
            html.Footer(view.trust, id=Ids.TRUST, className="trust"),
            html.P(model.attribution, className="attribution") if model.attribution else None,
        ],
        className="page",
    )


@dataclass(frozen=True)
class Plans:
    """What people wrote beside the data: progress per measure, notes on dates."""

    progress: Mapping[str, Progress] = field(default_factory=dict)
    notes: Sequence[Note] = ()


Guard = Callable[[str, Callable[[], Drawn]], Drawn]


def make_view(
    model: SalesModel,
    answers: Mapping[str, Answer],
    messages: Sequence[str],
    measure: str = "",
    guard: Guard = lambda _title, make: make(),
    plans: Plans = Plans(),
) -> View:
    """Return the page's content for the answers of its tiles, every chart of `measure`.

    `guard(title, make)` is what draws each chart, so that one that fails can be kept apart; `plans` is what people
    wrote beside the data.
    """
    kpis = answers["kpis"]
    first = measure or kpis.query.measures[0]
    charts = {
        key: guard(title, partial(draw, answers[source], first, model))
        for key, (source, title, draw) in _CHARTS.items()
        if source in answers
    }
    charts["trend"] = noted.add(charts["trend"], plans.notes, model)
    notices = [notice("Part of the address was not used.", messages)] if messages else []
    notices += _about_window(kpis, model)
    return View(notices, _tiles(kpis, answers["trend"], first, model, plans), charts, trust(kpis, model))


def _about_window(answer: Answer, model: SalesModel) -> list[Component]:
    """Return what a reader must know about the period to read the numbers right."""
    if answer.trust.rows == 0:
        asked, until = labels.range_of(answer.window.asked, model), formats.moment_text(answer.trust.data_until, model)
        text = (
            f"There are no order lines for these filters in {asked}. The data go up to {until}. "
            "Widen the period or remove a filter."
        )
        return [notice("Nothing to show.", [text], "info")]
    if answer.window.before is not None and not answer.window.before_known:
        before = labels.range_of(answer.window.before, model)
        text = f"The data begin after the start of {before}; changes would compare unlike periods and are not shown."
        return [notice("No like-for-like comparison.", [text], "info")]
    return []


def _tiles(kpis: Answer, trend: Answer, chosen: str, model: SalesModel, plans: Plans) -> list[Component]:
    return [
        _tile(name, model.measure(name), kpis, trend, chosen, model, plans.progress.get(name))
        for name in kpis.query.measures
    ]


def _tile(
    name: str,
    measure: Measure,
    kpis: Answer,
    trend: Answer,
    chosen: str,
    model: SalesModel,
    progress: Progress | None,
) -> Component:
    now = kpis.value(name)
    spark = figures.sparkline([float(value) for value in trend.frame.dropna(subset=["time"])[name]])
    choose = html.A(
        measure.label,
        href=f"?measure={name}",
        title=measure.description,
        **labels.data(go="keep", measure=name),
        **(labels.aria(current="true") if name == chosen else {}),
    )
    more = html.Button(
        "⋯",
        type="button",
        className="tool",
        title="Ask more about it",
        **marks.alone(name),
        **labels.aria(label=f"Ask more about {measure.label}", haspopup="dialog"),
    )
    return html.Article(
        [
            html.Div([html.H2(choose), more], className="tile-head"),
            html.P(
                formats.short(now, measure.format, model),
                className="value",
                title=formats.exact(now, measure.format, model),
            ),
            _change(name, measure, kpis, model),
            _target(progress, measure, model) if progress else None,
            html.Img(src=spark, alt="", className="spark") if spark else None,
        ],
        className=f"card kpi{' chosen' if name == chosen else ''}",
        **labels.data(query=kpis.query.to_json().decode(), title=measure.label),
    )


#: How a state of a target is shown: its sign, so that it is not told by colour alone.
SIGNS = {State.GREEN: "✓", State.AMBER: "!", State.RED: "✗"}


def _target(progress: Progress, measure: Measure, model: SalesModel) -> Component:
    """Return a measure's target: the share reached as a bar, a mark where it should be by now, the state in words."""
    whole = formats.short(progress.target, measure.format, model)
    due = formats.short(progress.due, measure.format, model)
    share = formats.share_text(progress.share, model)
    top = max(progress.target, progress.actual, 0.0) or 1.0
    width, mark = (f"{100 * max(0.0, value) / top:.1f}%" for value in (progress.actual, progress.due))
    state = progress.state
    return html.Div(
        [
            html.Div(
                [
                    html.Span(className="filled", style={"width": width}),
                    html.Span(className="due", style={"left": mark}),
                ],
                className="bar",
            ),
            html.Span([html.Span(SIGNS[state], **labels.aria(hidden="true")), f" {share} of {whole}, {state.value}"]),
        ],
        className=f"target target-{state.name.lower()}",
        title=f"Target {formats.exact(progress.target, measure.format, model)}; due by now: {due}",
    )


def key_figures(kpis: Answer, model: SalesModel) -> Drawn:
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
    return Drawn("Key figures", summary, None, tables.table("Key figures", heads, rows), kpis)


def _change(name: str, measure: Measure, kpis: Answer, model: SalesModel) -> Component:
    window = kpis.window
    if window.before is None:
        return html.P("", className="change")
    before = kpis.value(f"{name}__before")
    share = formats.change(kpis.value(name), before) if window.before_known else math.nan
    if math.isnan(share):
        return html.P("no comparison", className="change")
    good = (share > 0) == measure.up_is_good
    tone, word = ("flat", "unchanged") if share == 0 else ("good", "better") if good else ("bad", "worse")
    arrow = "▲" if share > 0 else "▼" if share < 0 else "■"
    was = f"{formats.exact(before, measure.format, model)} in {labels.range_of(window.before, model)}"
    return html.P(
        [
            html.Span(f"{arrow} {formats.change_text(share, model)}", className=f"tone-{tone}"),
            html.Span(f" {word}", className="visually-hidden"),
            html.Span(f" was {formats.short(before, measure.format, model)}", className="was"),
        ],
        className="change",
        title=was,
    )


def _trend(answer: Answer, name: str, model: SalesModel) -> Drawn:
    frame = answer.frame.dropna(subset=["time"])
    answer = replace(answer, frame=frame)
    grain = answer.query.grain.value if answer.query.grain else ""
    buckets = [labels.bucket(moment, answer.query.grain, model) for moment in frame["time"]]
    title = f"{model.measure(name).label} by {grain}"
    summary = _best("Highest", answer, name, buckets, model)
    if answer.window.incomplete:
        until = formats.moment_text(answer.trust.data_until, model)
        summary += f" The last {grain} is not over (hatched): data go up to {until}."
    return Drawn(
        title,
        summary,
        figures.trend(answer, name, model),
        tables.answer_table(answer, title, grain.capitalize(), buckets, name, model),
        answer,
        name,
    )


def _places(answer: Answer, name: str, model: SalesModel) -> Drawn:
    return _ranked(answer, name, model, Role.COUNTRY)


def _products(answer: Answer, name: str, model: SalesModel) -> Drawn:
    return _ranked(answer, name, model, Role.PRODUCT)


def _ranked(answer: Answer, name: str, model: SalesModel, role: Role) -> Drawn:
    measure, dimension = model.measure(name), model.by_role(role) or ""
    found, frame = model.dimension(dimension), answer.frame
    names = labels.of(frame, dimension)
    within = [model.segments[segment].label for segment in answer.query.segments]
    title = f"{measure.label} by {found.label.lower()}"
    summary = "No values in this period."
    if len(frame) and not math.isnan(float(frame[name].iloc[0])):
        top = float(frame[name].iloc[0])
        summary = f"{names[0]} leads with {formats.short(top, measure.format, model)}."
    if within:
        summary += f" {', '.join(within)} only."
    return Drawn(
        title,
        summary,
        figures.ranking(answer, dimension, name, model, top=TOP),
        tables.answer_table(answer, title, found.label, names, name, model),
        answer,
        name,
    )


def _map(answer: Answer, name: str, model: SalesModel) -> Drawn:
    measure, dimension = model.measure(name), model.by_role(Role.COUNTRY) or ""
    frame, code = answer.frame, f"{dimension}__code"
    off = frame[frame[code].isna() & frame[name].notna()] if code in frame else frame
    missing = [
        f"{place} {formats.short(float(value), measure.format, model)}"
        for place, value in zip(labels.of(off, dimension), off[name], strict=True)
    ]
    title = f"{measure.label} on the map"
    summary = f"Not on the map: {', '.join(missing)}." if missing else "Every country is on the map."
    names = labels.of(frame, dimension)
    return Drawn(
        title,
        summary,
        figures.world(answer, dimension, name, model),
        tables.answer_table(answer, title, model.dimension(dimension).label, names, name, model),
        answer,
        name,
    )


def _hours(answer: Answer, name: str, model: SalesModel) -> Drawn:
    frame, names = answer.frame, formats.weekdays(model.locale)
    cells = zip(frame["weekday"], frame["hour"], strict=True)
    rows = [f"{names[int(day) - 1]} {int(hour):02d}:00" for day, hour in cells]
    title = f"{model.measure(name).label} by weekday and hour"
    summary = _best("Busiest", answer, name, rows, model)
    return Drawn(
        title,
        summary,
        figures.hours(answer, name, model),
        tables.answer_table(answer, title, "Weekday and hour", rows, name, model),
        answer,
        name,
    )


def _best(word: str, answer: Answer, name: str, names: Sequence[str], model: SalesModel) -> str:
    """Return a sentence about the row with the largest value."""
    values = answer.frame[name]
    if values.isna().all():
        return "No values in this period."
    best = int(values.argmax())
    return f"{word}: {names[best]} with {formats.short(float(values.iloc[best]), model.measure(name).format, model)}."


#: The charts in page order: the tile whose answer each draws, what it is called, and the function that draws it.
_CHARTS: dict[str, tuple[str, str, Callable[[Answer, str, SalesModel], Drawn]]] = {
    "trend": ("trend", "Trend", _trend),
    "places": ("places", "Countries", _places),
    "map": ("places", "Map", _map),
    "products": ("products", "Products", _products),
    "hours": ("hours", "Weekday and hour", _hours),
}


def charts_of(tiles: Sequence[Tile]) -> list[str]:
    """Return the charts that these tiles fill, in page order."""
    keys = {tile.key for tile in tiles}
    return [chart for chart, (source, *_) in _CHARTS.items() if source in keys]


def trust(answer: Answer, model: SalesModel) -> Component:
    """Return the strip that says where the numbers come from."""
    found = answer.trust
    facts = (
        ("Data up to", formats.moment_text(found.data_until, model)),
        ("Version", f"{found.version} of {found.published_at.replace('T', ' ')} UTC"),
        ("Period", labels.range_of(answer.window.now, model)),
        ("Compared with", labels.range_of(answer.window.before, model) if answer.window.before else "nothing"),
        ("Order lines", f"{found.rows:,}"),
        ("Answered from", found.served),
        ("Answered in", f"{found.milliseconds:.0f} ms{' from cache' if found.cached else ''}"),
    )
    return html.Dl([html.Div([html.Dt(name), html.Dd(value)]) for name, value in facts])
