"""Countries: map, ranking, concentration; one country against the others; countries side by side."""

from __future__ import annotations

import math
from collections.abc import Sequence

from dash.development.base_component import Component

from layouts import figures, labels, marks, settings_bar, tables
from layouts.figures import layout_of, numbers
from layouts.figures_pivot import GREY, PALETTE
from layouts.figures_trends import LEGEND
from layouts.settings_bar import NONE, Setting
from layouts.tiles import Drawn
from services import formats
from services.adding import Adding, adding, shared
from services.countries import MOST, Concentration, CountryQuery
from services.model import Format, SalesModel
from services.pivot import TIME, Table, leaves
from services.sales import Answer

PAGE = "countries"
TOP = 15


def settings(
    asked: CountryQuery, names: Sequence[tuple[str, str]], dimension: str, model: SalesModel
) -> list[Component]:
    """Return the controls; `names` are the countries to choose from as (key, name)."""
    measures = [(name, each.label) for name, each in model.measures.items()]
    label, plural = model.dimension(dimension).label, model.dimension(dimension).plural
    chosen = []
    for number, key in enumerate(asked.chosen):
        free = [each for each in names if each[0] == key or each[0] not in asked.chosen]
        shown = [(NONE, f"All {plural.lower()}" if len(asked.chosen) == 1 else "– none –"), *free]
        chosen.append(Setting(label if number == 0 else f"beside {number}", "countries-item", key, shown))
    if len(asked.chosen) < MOST:
        first = "+ set beside" if asked.chosen else f"All {plural.lower()}"
        free = [(NONE, first), *(each for each in names if each[0] not in asked.chosen)]
        chosen.append(Setting(label if not chosen else "Compare", "countries-item", NONE, free))
    measure = Setting("Measure", "measure", asked.measure, measures, model.overview.measures[0])
    return settings_bar.bar(PAGE, [(plural, chosen), ("Measure", [measure])])


def world(answer: Answer, dimension: str, model: SalesModel) -> Drawn:
    """Return the map."""
    measure = answer.query.measures[0]
    title = f"{model.measure(measure).label} on the map"
    frame, code, names = answer.frame, f"{dimension}__code", labels.of(answer.frame, dimension)
    table = tables.answer_table(answer, title, model.dimension(dimension).label, names, measure, model)
    if code not in frame:
        return Drawn(title, "", problem="A map needs country codes: give the dimension a `code_column` in the model.")
    off = frame[frame[code].isna() & frame[measure].notna()]
    missing = ", ".join(labels.of(off, dimension))
    summary = f"Not on the map: {missing}." if missing else "All are on the map."
    return Drawn(title, summary, figures.world(answer, dimension, measure, model), table, answer, measure)


def concentrated(found: Concentration | None, answer: Answer, dimension: str, model: SalesModel) -> Drawn:
    """Return the tile that says how few make how much."""
    measure, plural = answer.query.measures[0], model.dimension(dimension).plural.lower()
    title = f"Concentration of {model.measure(measure).label.lower()}"
    if adding(model, measure) is not Adding.SUM:
        return Drawn(title, "", problem=f"{model.measure(measure).label} does not add up, so there are no shares.")
    if found is None:
        return Drawn(title, "There is nothing to share.", None, None, answer, measure)
    share = [formats.short(each, Format.PERCENT, model) for each in (found.largest, found.three, found.five)]
    name = labels.of(answer.frame, dimension)[0]
    summary = (
        f"{name} alone makes {share[0]}; as concentrated as {found.like:.1f} equal {plural}. "
        f"Index {found.index * 10_000:,.0f} of 10,000; above 2,500 counts as highly concentrated."
    )
    rows = [
        ["Largest", share[0]],
        ["Largest three", share[1]],
        ["Largest five", share[2]],
        ["Herfindahl-Hirschman index", f"{found.index * 10_000:,.0f}"],
        ["Like so many equal ones", f"{found.like:.1f}"],
    ]
    return Drawn(title, summary, None, tables.table(title, ["What", "Value"], rows), answer, measure)


def ranking(answer: Answer, whole: Answer, dimension: str, model: SalesModel) -> Drawn:
    """Return the ranking with change and share."""
    measure, named = answer.query.measures[0], model.dimension(dimension)
    found, frame = model.measure(measure), answer.frame
    title = f"{named.plural} by {found.label.lower()}"
    names, before = labels.of(frame, dimension), f"{measure}__before"
    compared = before in frame and answer.window.before is not None and answer.window.before_known
    total = whole.value(measure) if shared(model, measure) else math.nan
    then = frame[before].tolist() if compared else [math.nan] * len(frame)
    rows = [
        [
            name,
            formats.exact(now, found.format, model),
            formats.exact(was, found.format, model),
            formats.change_text(formats.change(now, was), model),
            formats.short(now / total if total else math.nan, Format.PERCENT, model),
        ]
        for name, now, was in zip(names, frame[measure].tolist(), then, strict=True)
    ]
    last = ["Total", formats.exact(whole.value(measure), found.format, model)]
    was = whole.value(before) if compared else math.nan
    last += [
        formats.exact(was, found.format, model),
        formats.change_text(formats.change(whole.value(measure), was), model),
        formats.short(1.0 if shared(model, measure) else math.nan, Format.PERCENT, model),
    ]
    heads = [named.label, found.label, "Before", "Change", "Share"]
    meta = {"measure": measure, "fields": [dimension]}
    table = tables.table(title, heads, rows, marks=marks.rows(answer, names), meta=meta, total=last)
    moved = [(formats.change(now, was), name) for name, now, was in zip(names, frame[measure], then, strict=True)]
    known = [each for each in moved[:TOP] if not math.isnan(each[0])]
    summary = f"{len(rows)} {named.plural.lower()}."
    if known:
        best, worst = max(known), min(known)
        summary += f" Of the {min(TOP, len(rows))} largest, {best[1]} changed by {formats.change_text(best[0], model)}"
        summary += f", {worst[1]} by {formats.change_text(worst[0], model)}."
    return Drawn(title, summary, figures.ranking(answer, dimension, measure, model, top=TOP), table, answer, measure)


def beside(answer: Answer, dimension: str, model: SalesModel) -> Drawn:
    """Return countries side by side: a column each, the overview's measures as rows."""
    names = labels.of(answer.frame, dimension)
    title = " and ".join(names) if names else "Side by side"
    compared = answer.window.before is not None and answer.window.before_known
    rows = []
    for measure in answer.query.measures:
        kind = model.measure(measure).format
        row = [model.measure(measure).label]
        for number in range(len(names)):
            now = float(answer.frame[measure].iloc[number])
            text = formats.exact(now, kind, model)
            if compared:
                change = formats.change(now, float(answer.frame[f"{measure}__before"].iloc[number]))
                text += f" ({formats.change_text(change, model)})"
            row.append(text)
        rows.append(row)
    summary = "With the change against the period compared with." if compared else ""
    return Drawn(title, summary, None, tables.table(title, ["Measure", *names], rows), answer, answer.query.measures[0])


def lines(found: Table, model: SalesModel) -> Drawn:
    """Return countries over time as an index: the first time step of each is 100."""
    pivot, measure = found.pivot, found.pivot.query.measures[0]
    title = f"{model.measure(measure).label}, first = 100"
    rows, columns = found.leaf_rows(), found.leaf_columns()
    names = [formats.bucket(row[0], pivot.query.grain, model) for row in rows]
    heads, series = [], []
    for column in columns:
        values = [found.value(row, column, measure) for row in rows]
        base = next((value for value in values if value > 0), math.nan)
        heads.append(found.labels.get((pivot.columns[0], column[0]), str(column[0])))
        series.append([100 * value / base for value in values])
    traces = [
        {
            "type": "scatter",
            "mode": "lines+markers",
            "name": head,
            "x": names,
            "y": numbers(values),
            "hovertemplate": "%{fullData.name}: %{y:.0f}<extra></extra>",
            "line": {"color": PALETTE[number] if number < len(PALETTE) else GREY, "width": 2.2},
            "meta": {"measure": measure, "fields": [TIME, pivot.columns[0]]},
            "customdata": [
                [f"{name} · {head}", f"{row[0]:%Y-%m-%d}", str(column[0])]
                for name, row in zip(names, rows, strict=True)
            ],
        }
        for number, (head, values, column) in enumerate(zip(heads, series, columns, strict=True))
    ]
    axes = {"fixedrange": True, "automargin": True}
    layout = layout_of(
        xaxis={**axes, "type": "category", "showgrid": False, "nticks": 16},
        yaxis={**axes, "zeroline": False},
        showlegend=True,
        legend=LEGEND,
        hovermode="x unified",
    )
    cells = [[name, *(f"{values[n]:.1f}" for values in series)] for n, name in enumerate(names)]
    answer = leaves(found)
    table = tables.table(title, ["Time", *heads], cells)
    return Drawn(title, "Each starts at 100.", {"data": traces, "layout": layout}, table, answer, measure)
