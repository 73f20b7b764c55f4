"""Explore: a pivot the analyst composes, as table, heat table, bars, lines or map."""

from __future__ import annotations

import math
from functools import partial
from typing import NamedTuple

from dash import html
from dash.development.base_component import Component

from layouts import figures_pivot, labels, pivot_sheet, pivot_table, settings_bar, tiles
from layouts.controls import FilterIds
from layouts.pivot_table import Look
from layouts.settings_bar import NONE, Setting, many
from layouts.tiles import Drawn
from services import formats
from services.adding import shared
from services.explore import CELLS, COMPARING, SHOWS, TOPS, Cells, Exploration, Show, offered_cells
from services.model import TIME_PARTS, Format, SalesModel
from services.periods import Grain
from services.pivot import TIME, Table, leaves
from services.query import OPERATORS

PAGE = "explore"
KEY = "pivot"
MOST_ROWS, MOST_COLUMNS, MOST_MEASURES = 3, 2, 4


class Ids:
    """Component ids of the page."""

    FILTERS = FilterIds(PAGE)
    NOTICES = "explore-notices"
    SETTINGS = "explore-settings"


def page(
    model: SalesModel, bar: Component, exploration: Exploration, drawn: Drawn, notices: list[Component]
) -> Component:
    """Return the page in its first state."""
    made = tiles.contents(PAGE, {KEY: drawn}, model)
    return html.Div(
        [
            html.H1("Explore", className="visually-hidden"),
            bar,
            html.Section(
                settings(exploration, model), id=Ids.SETTINGS, className="settings card", **labels.aria(label="Pivot")
            ),
            html.Div(notices, id=Ids.NOTICES, **labels.aria(live="polite")),
            tiles.shown(PAGE, made),
            tiles.grid([tiles.card(PAGE, KEY, made[KEY], wide=True)]),
        ],
        className="page page-explore",
    )


def fields_of(model: SalesModel) -> list[tuple[str, str]]:
    """Return what rows and columns may be, with names."""
    names = [*model.filters, *(name for name in model.dimensions if name not in model.filters)]
    return [*((name, model.dimensions[name].label) for name in names), *TIME_PARTS.items()]


def settings(exploration: Exploration, model: SalesModel) -> list[Component]:
    """Return the controls that compose the pivot."""
    pivot, query = exploration.pivot, exploration.pivot.query
    rows, columns = ([name for name in side if name != TIME] for side in (pivot.rows, pivot.columns))
    taken = {*rows, *columns}
    fields = fields_of(model)
    free = [each for each in fields if each[0] not in taken]

    def side(label: str, param: str, chosen: list[str], most: int, *, keep: bool) -> list[Setting]:
        options = [each for each in fields if each in free or each[0] in chosen]
        return many(label, param, chosen, options, most, keep=keep)

    measures = [(name, each.label) for name, each in model.measures.items()]
    grains = [(NONE, "– none –"), *((grain.value, grain.value.capitalize()) for grain in Grain)]
    time = [Setting("Time step", "grain", query.grain.value if query.grain else NONE, grains)]
    if query.grain and (rows or columns):
        usual = "across" if rows else "down"
        now = "down" if TIME in pivot.rows else "across"
        time.append(Setting("Time goes", "explore-time", now, [("across", "Across"), ("down", "Down")], usual))
    groups = [
        ("Rows", side("Rows", "by", rows, MOST_ROWS, keep=True)),
        ("Columns", [*side("Columns", "explore-columns", columns, MOST_COLUMNS, keep=False), *time]),
        ("Measures", many("Measure", "measure", list(query.measures), measures, MOST_MEASURES)),
        ("View", _view(exploration, model)),
        (settings_bar.MORE, _more(exploration, model)),
    ]
    return settings_bar.bar(PAGE, groups)


def _view(exploration: Exploration, model: SalesModel) -> list[Setting]:
    query = exploration.pivot.query
    shows = [(show.value, name) for show, name in SHOWS.items() if show is not Show.MAP or _placed(exploration, model)]
    cells = [(each.value, CELLS[each]) for each in offered_cells(query)]
    sort = query.sort[0] if query.sort else None
    sorts = _sorts(exploration, model)
    asked = f"{'-' if sort.descending else ''}{sort.field}" if sort else ""
    return [
        Setting("Show as", "explore-show", exploration.show.value, shows, Show.TABLE.value),
        Setting("Cells say", "explore-cells", exploration.cells.value, cells, Cells.VALUE.value),
        Setting("Order", "sort", asked if asked in dict(sorts) else NONE, sorts),
    ]


def _more(exploration: Exploration, model: SalesModel) -> list[Setting]:
    pivot, query = exploration.pivot, exploration.pivot.query
    tops = sorted({*TOPS, pivot.top})
    yes = [("yes", "Shown"), ("no", "Left out")]
    condition = query.having[0] if query.having else None
    having = Setting(
        "",
        "explore-having",
        parts=(
            Setting(
                "Only where",
                "",
                condition.field if condition else query.measures[0],
                [(name, model.measure(name).label) for name in query.measures],
            ),
            Setting(
                "is", "", condition.operator if condition else "gt", [(op, OPERATORS[op].phrase) for op in COMPARING]
            ),
            Setting("than", "", condition.values[0] if condition else "", low=-1e15, high=1e15),
        ),
        hint="Chooses values of the first row field; totals stay those of all",
    )
    return [
        Setting("Leading values", "explore-top", str(pivot.top), [(str(n), str(n)) for n in tops], "25"),
        Setting("All others", "explore-others", "yes" if pivot.others else "no", yes, "yes"),
        Setting("Totals", "explore-totals", "yes" if exploration.totals else "no", yes, "yes"),
        having,
    ]


def _placed(exploration: Exploration, model: SalesModel) -> bool:
    rows = exploration.pivot.rows
    return bool(rows) and rows[0] in model.dimensions and model.dimensions[rows[0]].code_column is not None


def _sorts(exploration: Exploration, model: SalesModel) -> list[tuple[str, str]]:
    query = exploration.pivot.query
    found = [(NONE, f"{model.measure(query.measures[0]).label}, largest first")]
    for name in query.measures:
        label = model.measure(name).label
        if name != query.measures[0]:
            found.append((f"-{name}", f"{label}, largest first"))
        found.append((name, f"{label}, smallest first"))
        if f"{name}__change" in query.sortable:
            found += [
                (f"-{name}__change", f"{label}: rose most"),
                (f"{name}__change", f"{label}: fell most"),
                (f"-{name}__growth", f"{label}: rose most in %"),
                (f"{name}__growth", f"{label}: fell most in %"),
            ]
    return found


class _Words(NamedTuple):
    title: str
    summary: str


def draw(exploration: Exploration, table: Table, model: SalesModel) -> Drawn:
    """Return the pivot as a tile."""
    look = Look(table, model, exploration.cells, totals=exploration.totals)
    measure = exploration.pivot.query.measures[0]
    words = _words(exploration, table, look, model)
    answer = leaves(table) if exploration.pivot.fields else table.answer
    heat = exploration.show is Show.HEAT
    made = pivot_table.table(look, words.title, heat=heat)
    figure = None
    if exploration.show in (Show.BARS, Show.LINES):
        share = exploration.cells not in (Cells.VALUE, Cells.BEFORE, Cells.CHANGE)
        figure = figures_pivot.chart(
            table,
            measure,
            "bar" if exploration.show is Show.BARS else "line",
            lambda row, column: look.value(row, column, measure),
            partial(look.text, measure=measure),
            look.name,
            figures_pivot.axis_of(model.measure(measure), share=share),
        )
    elif exploration.show is Show.MAP and exploration.pivot.rows:
        figure = figures_pivot.place_map(table, exploration.pivot.rows[0], measure, model)
    alone = measure if len(exploration.pivot.query.measures) == 1 else ""
    own = partial(pivot_sheet.sheet, look, words.title)
    return Drawn(words.title, words.summary, figure, made, answer, alone, sheet=own)


def _words(exploration: Exploration, table: Table, look: Look, model: SalesModel) -> _Words:
    pivot, names = exploration.pivot, dict(fields_of(model))
    grain = pivot.query.grain
    by = [grain.value if name == TIME and grain else names[name].lower() for name in pivot.fields]
    measures = ", ".join(model.measure(name).label for name in pivot.query.measures)
    title = f"{measures} by {' and '.join(by)}" if by else measures
    measure, leaves = pivot.query.measures[0], table.leaf_rows()
    kind = model.measure(measure).format
    total = formats.short(table.value((), (), measure), kind, model)
    found = [f"{model.measure(measure).label} in all: {total}."]
    if pivot.rows and leaves:
        first = leaves[0]
        value = formats.short(table.value(first, (), measure), kind, model)
        part = table.value(first, (), measure) / (table.value((), (), measure) or float("nan"))
        of_all = (
            f", {formats.short(part, Format.PERCENT, model)} of it"
            if shared(model, measure) and not math.isnan(part)
            else ""
        )
        found.append(f"First: {look.name(pivot.rows, first)} with {value}{of_all}.")
    if exploration.cells in (Cells.OF_ROW, Cells.OF_COLUMN, Cells.OF_TOTAL):
        without = [model.measure(name).label for name in pivot.query.measures if not shared(model, name)]
        found += [f"{', '.join(without)} has no shares."] if without else []
    if pivot.query.having:
        found.append("Totals hold the rows that the condition leaves out, too.")
    down, over = table.cut
    found += [f"{down} more rows are left out; narrow the filters."] if down else []
    found += [f"{over} more columns are left out; choose longer time steps."] if over else []
    return _Words(title, " ".join(found))
