"""Products: ABC, growth by value, stages of life, and one product: trend, price, where it sells."""

from __future__ import annotations

import math
from collections.abc import Sequence
from urllib.parse import urlencode

from dash import html
from dash.development.base_component import Component

from layouts import answered, figures_products, labels, settings_bar, tables
from layouts.settings_bar import NONE, Setting
from layouts.tiles import Drawn
from services import formats
from services.lifecycles import STAGES, Life, Price, Stage
from services.model import Format, SalesModel
from services.products import QUADRANTS, Assortment, Product, ProductQuery, Quadrant, names_of
from services.sales import Answer

PAGE = "products"
LISTED = 100
LISTED_PER_STAGE = 8
WHAT_TO_DO = {
    Quadrant.STAR: "keep in stock, defend",
    Quadrant.PUSH: "promote, place better",
    Quadrant.MILK: "keep cheap, watch the price",
    Quadrant.PHASE_OUT: "sell off, do not reorder",
}


def settings(
    asked: ProductQuery, names: Sequence[tuple[str, str]], dimension: str, model: SalesModel
) -> list[Component]:
    """Return the controls; `names` are the products to choose from as (key, name)."""
    measures = [(name, each.label) for name, each in model.measures.items()]
    label = model.dimension(dimension).label
    shown = [(NONE, f"All {model.dimension(dimension).plural.lower()}"), *names]
    if asked.item and asked.item not in dict(names):
        shown.append((asked.item, asked.item))
    groups = [
        (
            "Products",
            [
                Setting(label, "products-item", asked.item or NONE, shown),
                Setting("Measure", "measure", asked.measure, measures, model.overview.measures[0]),
            ],
        )
    ]
    if not asked.item:
        limits = [
            Setting("Class A up to %", "products-a", f"{asked.a * 100:g}", default="80", low=1, high=99),
            Setting("Class B up to %", "products-b", f"{asked.b * 100:g}", default="95", low=1, high=100),
            Setting(
                "High value from", "products-value", _given(asked.value), hint="Empty: the mean", low=-1e15, high=1e15
            ),
            Setting(
                "Good growth from %",
                "products-growth",
                _given(asked.growth, 100),
                hint="Empty: the growth of all together",
                low=-100,
                high=100_000,
            ),
        ]
        groups.append(("Thresholds", limits))
    return settings_bar.bar(PAGE, groups)


def _given(value: float | None, scale: float = 1) -> str:
    return "" if value is None else f"{value * scale:g}"


def link(key: str, name: str) -> Component:
    """Return a link to a product's own page; filters stay."""
    return html.A(name, href=f"?{urlencode({'products-item': key})}", **labels.data(go="keep"))


def abc(found: Assortment, dimension: str, model: SalesModel) -> Drawn:
    """Return the tile of the classes."""
    measure, plural = model.measure(found.asked.measure), model.dimension(dimension).plural.lower()
    title = f"ABC of {plural} by {measure.label.lower()}"
    if not found.classified:
        return Drawn(title, "", problem=f"{measure.label} does not add up, so there are no shares to class by.")
    counts = {abc: len(found.of_class(abc)) for abc in "ABC"}
    part = counts["A"] / len(found.products) if found.products else math.nan
    summary = (
        f"{counts['A']:,} of {len(found.products):,} {plural} ({formats.short(part, Format.PERCENT, model)}) make "
        f"{found.asked.a:.0%} of {measure.label.lower()}: class A. B up to {found.asked.b:.0%}: {counts['B']:,}, "
        f"C: {counts['C']:,}."
    )
    rows = []
    for name in "ABC":
        inside = found.of_class(name)
        value = math.fsum(each.now for each in inside)
        share = math.fsum(each.share for each in inside if not math.isnan(each.share))
        rows.append(
            [
                name,
                f"{len(inside):,}",
                formats.exact(value, measure.format, model),
                formats.short(share, Format.PERCENT, model),
            ]
        )
    table = tables.table(title, ["Class", "Products", measure.label, "Share"], rows)
    figure = figures_products.pareto(found, dimension, model)
    return Drawn(title, summary, figure, table, found.answer, found.asked.measure)


def quadrants(found: Assortment, dimension: str, model: SalesModel) -> Drawn:
    """Return the tile of growth by value."""
    measure = model.measure(found.asked.measure)
    title = f"Growth by value of {model.dimension(dimension).plural.lower()}"
    if found.answer.window.before is None or not found.answer.window.before_known:
        return Drawn(title, "", problem="Growth needs a period to compare with. Choose one above, or a later period.")
    value, growth = formats.short(found.value, measure.format, model), formats.change_text(found.growth, model)
    given = (
        "given" if found.asked.value is not None else "the mean",
        "given" if found.asked.growth is not None else "that of all",
    )
    new = len(found.of_quadrant(Quadrant.NEW))
    summary = (
        f"High value from {value} ({given[0]}), good growth from {growth} ({given[1]}). "
        f"Without growth: {new:,} not sold before, {found.lost:,} no longer sold."
    )
    rows = []
    for quadrant, name in QUADRANTS.items():
        inside = found.of_quadrant(quadrant)
        total = math.fsum(each.now for each in inside)
        best = ", ".join(each.label for each in inside[:2])
        rows.append(
            [name, f"{len(inside):,}", formats.short(total, measure.format, model), WHAT_TO_DO.get(quadrant, ""), best]
        )
    table = tables.table(title, ["Group", "Products", measure.label, "What it asks for", "Largest"], rows, words=(3, 4))
    figure = figures_products.quadrants(found, dimension, model)
    return Drawn(title, summary, figure, table, found.answer, found.asked.measure)


def listing(found: Assortment, life: Life, dimension: str, model: SalesModel) -> Drawn:
    """Return the tile that ranks the products."""
    measure, named = model.measure(found.asked.measure), model.dimension(dimension)
    title = f"{named.plural} by {measure.label.lower()}"
    shown = found.products[:LISTED]
    within = [model.segments[name].label for name in found.answer.query.segments]
    summary = f"{len(shown)} of {len(found.products):,} {named.plural.lower()}"
    summary += f", {', '.join(within).lower()} only." if within else "."
    stages = {key: stage for stage, keys in life.stages.items() for key in keys}
    rows = [_row(each, stages, measure.format, model) for each in shown]
    heads = [named.label, "Rank", measure.label, "Before", "Change", "Share", "Class", "Group", "Stage"]
    table = tables.table(
        title,
        heads,
        rows,
        marks=[figures_products.mark(each) for each in shown],
        meta={"measure": found.asked.measure, "fields": [dimension]},
    )
    return Drawn(title, summary, None, table, found.answer, found.asked.measure)


def _row(each: Product, stages: dict[str, Stage], kind: Format, model: SalesModel) -> list[str]:
    stage = stages.get(each.key or "")
    return [
        each.label or labels.UNKNOWN,
        str(each.rank),
        formats.exact(each.now, kind, model),
        formats.exact(each.before, kind, model),
        formats.change_text(each.growth, model),
        formats.short(each.share, Format.PERCENT, model),
        each.abc or formats.NOTHING,
        QUADRANTS[each.quadrant].split(",")[0],
        STAGES[stage] if stage else formats.NOTHING,
    ]


def stages(life: Life, found: Assortment, dimension: str, model: SalesModel) -> Drawn:
    """Return the tile of the stages of life."""
    plural = model.dimension(dimension).plural
    title = f"{plural} by stage of life"
    if not life.stages or life.answer is None:
        return Drawn(title, "", problem=life.rule)
    measure = model.measure(found.asked.measure)
    rows = []
    for stage, name in STAGES.items():
        keys = life.stages.get(stage, ())
        listed = names_of(found.products, keys)
        total = math.fsum(each.now for each in listed)
        best = ", ".join(each.label for each in listed[:LISTED_PER_STAGE])
        rows.append([name, f"{len(keys):,}", formats.short(total, measure.format, model), best])
    table = tables.table(title, ["Stage", plural, f"{measure.label} in the period", "Largest"], rows, words=(3,))
    return Drawn(title, life.rule, None, table, life.answer, found.asked.measure)


def item_head(asked: ProductQuery, found: Assortment, life: Life, name: str, model: SalesModel) -> Drawn:
    """Return the tile that says what a product is: rank, class, group, stage, numbers."""
    measure = model.measure(asked.measure)
    (mine, *_) = [*names_of(found.products, [asked.item]), None]
    stage = life.stage(asked.item)
    title = f"{name} · {asked.item}"
    rows = [["Stage of life", STAGES[stage] if stage else "never sold"]]
    if mine is not None:
        rows = [
            [measure.label, formats.exact(mine.now, measure.format, model)],
            ["Before", formats.exact(mine.before, measure.format, model)],
            ["Change", formats.change_text(mine.growth, model)],
            ["Rank", f"{mine.rank:,} of {len(found.products):,}"],
            ["Share", formats.short(mine.share, Format.PERCENT, model)],
            ["Class", mine.abc or formats.NOTHING],
            ["Group", QUADRANTS[mine.quadrant]],
            *rows,
        ]
    summary = (
        f"{measure.label} {formats.short(mine.now, measure.format, model)}." if mine else "Not sold in this period."
    )
    if mine is not None and mine.quadrant in WHAT_TO_DO:
        summary += f" {QUADRANTS[mine.quadrant]}: {WHAT_TO_DO[mine.quadrant]}."
    return Drawn(title, summary, None, tables.table(title, ["What", "Value"], rows), found.total, asked.measure)


def item_prices(found: tuple[list[Price], Answer] | None, parts: tuple[str, str] | None, model: SalesModel) -> Drawn:
    """Return the tile of the price history."""
    title = "Price history"
    if found is None or parts is None:
        return Drawn(title, "", problem="Prices need a measure that sums money and one that sums pieces in the model.")
    history, answer = found
    money, pieces = (model.measure(name) for name in parts)
    known = [each for each in history if not math.isnan(each.price)]
    summary = f"{money.label} per {pieces.label.lower()}, by month in all the data."
    if len(known) > 1:
        first, last = known[0], known[-1]
        was, now = (formats.exact(each.price, money.format, model) for each in (first, last))
        change = formats.change_text(formats.change(last.price, first.price), model)
        summary = f"From {was} to {now} ({change}). {summary}"
    names = [formats.bucket(each.month, answer.query.grain, model) for each in history]
    rows = [
        [name, formats.exact(each.price, money.format, model), formats.exact(each.pieces, pieces.format, model)]
        for name, each in zip(names, history, strict=True)
    ]
    table = tables.table(title, ["Month", "Average price", pieces.label], rows)
    return Drawn(title, summary, figures_products.prices(history, model, *parts), table, answer, parts[0])


def item_trend(answer: Answer, model: SalesModel) -> Drawn:
    """Return the tile of a product over time."""
    title = f"{model.measure(answer.query.measures[0]).label} over time"
    return answered.over_time(answer, title, answered.highest("Not sold in this period."), model)


def ranked(answer: Answer, model: SalesModel, top: int = 15) -> Drawn:
    """Return the tile of the leading values of a dimension."""
    measure, dimension = answer.query.measures[0], answer.query.dimensions[0]
    title = f"{model.measure(measure).label} by {model.dimension(dimension).label.lower()}"
    return answered.leading(answer, title, answered.first_leads, model, top)
