"""The Overview: tiles, charts, their tables, and the strip that says where the numbers come from."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from dash import dcc, html
from dash.development.base_component import Component

from layouts import figures, key_figures, labels, noted, tables, tiles
from layouts.controls import FilterIds
from layouts.markup import element, markup
from layouts.shell import notice
from layouts.tiles import Drawn
from services import formats
from services.model import Role, SalesModel
from services.overview import TOP, Tile
from services.planning import Note, Progress, adds
from services.sales import Answer

PAGE = "overview"


class Ids:
    """Component ids of the Overview."""

    FILTERS = FilterIds(PAGE)
    NOTICES = "overview-notices"
    KPIS = "overview-kpis"
    TRUST = "overview-trust"
    REST = "overview-rest"
    LANDING_ASKED = "overview-landing-asked"
    LANDING = "overview-landing"
    LANDING_SHOWN = "overview-landing-shown"


@dataclass(frozen=True)
class View:
    """Everything on the page that depends on the data; `charts` by key."""

    notices: Sequence[Component]
    kpis: Sequence[Any]
    charts: Mapping[str, Drawn]
    trust: Any
    rest: Component | None = None


def page(model: SalesModel, bar: Component, view: View) -> Component:
    """Return the whole page in its first state."""
    made = tiles.contents(PAGE, view.charts, model)
    return html.Div(
        [
            html.H1("Overview", className="visually-hidden"),
            bar,
            html.Div(view.notices, id=Ids.NOTICES, **labels.aria(live="polite")),
            markup(view.kpis, Ids.KPIS, tag="section", className="kpis", **labels.aria(label="Key figures")),
            *(dcc.Store(id=name) for name in (Ids.LANDING_ASKED, Ids.LANDING, Ids.LANDING_SHOWN)),
            markup(view.rest, Ids.REST),
            tiles.shown(PAGE, made),
            tiles.grid([tiles.card(PAGE, key, each) for key, each in made.items()]),
            markup(view.trust, Ids.TRUST, tag="footer", className="trust"),
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
    led = headline(kpis, answers.get("places"), first, model)
    trend = replace(charts["trend"], summary=f"{led} {charts['trend'].summary}")
    charts["trend"] = noted.add(trend, plans.notes, model)
    notices = [notice("Part of the address was not used.", messages)] if messages else []
    notices += _about_window(kpis, model)
    return View(
        notices, key_figures.row(kpis, answers["trend"], first, model, plans.progress), charts, trust(kpis, model)
    )


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


def headline(kpis: Answer, places: Answer | None, name: str, model: SalesModel) -> str:
    """Return the period in a sentence, such as: Revenue rose 4.1% to £9.83M, led by Netherlands (+£23.1K)."""
    measure, now = model.measure(name), kpis.value(name)
    if math.isnan(now):
        return ""
    to = formats.short(now, measure.format, model)
    share = formats.change(now, kpis.value(f"{name}__before")) if kpis.window.before_known else math.nan
    if math.isnan(share):
        return f"{measure.label}: {to}."
    by = formats.change_text(share, model).lstrip("+-\u2212")
    words = (
        f"{measure.label} {'rose' if share > 0 else 'fell'} {by} to {to}"
        if share
        else f"{measure.label} stayed at {to}"
    )
    leader = _leader(places, name, model, up=share > 0) if share and places is not None and adds(model, name) else ""
    return f"{words}{f', led by {leader}' if leader else ''}."


def _leader(places: Answer, name: str, model: SalesModel, *, up: bool) -> str:
    """Return the place that added (or took) most, and how much."""
    frame = places.frame
    moved = frame[name].fillna(0.0) - frame[f"{name}__before"].fillna(0.0)
    if len(moved) < 2:
        return ""
    best = int(moved.argmax() if up else moved.argmin())
    much = float(moved.iloc[best])
    if (much > 0) != up:
        return ""
    place = labels.of(frame, places.query.dimensions[0])[best]
    sign = "+" if up else "−"
    return f"{place} ({sign}{formats.short(abs(much), model.measure(name).format, model)})"


def _trend(answer: Answer, name: str, model: SalesModel) -> Drawn:
    frame = answer.frame[answer.frame["time"].notna()]
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
    frame, names = answer.frame, formats.weekdays(formats.locale_of(model))
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


def trust(answer: Answer, model: SalesModel) -> Any:
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
    rows = [element("Div", [element("Dt", name), element("Dd", value)]) for name, value in facts]
    return element("Dl", rows)
