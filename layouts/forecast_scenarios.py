"""Scenarios of a forecast: the form that keeps one, those kept, and two beside the forecast as it is."""

from __future__ import annotations

from collections.abc import Sequence

import dash_bootstrap_components as dbc
import pandas as pd
from dash import html
from dash.development.base_component import Component

from layouts import tables
from layouts.axes import value_axis
from layouts.figures import BEFORE, NOW, Figure, layout_of, numbers
from layouts.forecast import LEGEND, TARGET, TIME_AXIS
from layouts.settings_bar import NONE, Setting
from layouts.tiles import Drawn
from services import formats
from services.forecasting.page import CHOSEN, PREFIX
from services.forecasting.sales import TOTAL, Outlook
from services.forecasting.scenarios import HIGHEST, LOWEST, MAX_NAME, Effect, Lever, Scenario, levers, together
from services.model import SalesModel
from services.periods import Grain

NAMES = ("Scenario", "Beside it")
COLOURS = (TARGET, "#009e73")
#: Periods of history drawn before the forecast, at most.
PAST = 52
#: Levers the form has room for.
MOST_LEVERS = 4
NOTHING = "You keep no scenario yet. Show the total, fill in what you assume and press Keep as a scenario."


class Ids:
    """Component ids of the form."""

    NAME = "forecast-scenario-name"
    KEEP = "forecast-scenario-keep"
    REMOVE = "forecast-scenario-remove"
    CHANGES = tuple(f"forecast-assumed-{number}" for number in range(MOST_LEVERS))


def form(offered: Sequence[Lever], *, hidden: bool) -> Component:
    """Return the fields of a new scenario: a change in per cent per lever, and a name."""
    fields = [
        html.Div(
            [html.Label(f"{lever.label} %" if lever else "", htmlFor=name, className="form-label"), _number(name)],
            className="setting",
            hidden=lever is None,
        )
        for name, lever in zip(Ids.CHANGES, [*offered, *[None] * MOST_LEVERS], strict=False)
    ]
    named = [
        html.Label("Name", htmlFor=Ids.NAME, className="form-label"),
        dbc.Input(id=Ids.NAME, type="text", maxLength=MAX_NAME),
    ]
    keep = html.Button("Keep as a scenario", id=Ids.KEEP, type="button", className="btn btn-outline-secondary btn-sm")
    content = [html.Div(fields, className="settings-group"), html.Div(named, className="setting"), keep]
    return html.Details(
        [html.Summary("What if …"), html.Div(content, className="forecast-assume")],
        hidden=hidden,
        className="forecast-if",
    )


def remove(*, hidden: bool) -> Component:
    """Return the button that takes the scenario on show away."""
    look = "btn btn-outline-secondary btn-sm"
    return html.Button("Remove this scenario", id=Ids.REMOVE, type="button", className=look, hidden=hidden)


def _number(name: str) -> Component:
    field: Component = dbc.Input(id=name, type="number", step="any", min=LOWEST * 100, max=HIGHEST * 100)
    return field


def choices(kept: Sequence[Scenario], chosen: Sequence[Scenario]) -> list[Setting]:
    """Return the controls that choose what is compared: beside one only those of the same question."""
    alike = [each for each in kept if chosen and each.asks_as(chosen[0]) and each != chosen[0]]
    offered = (kept, alike) if chosen else (kept,)
    values = [str(each.number) for each in chosen] + [NONE] * 2
    return [
        Setting(label, PREFIX + param, value, [(NONE, "– none –"), *((str(each.number), each.name) for each in listed)])
        for label, param, value, listed in zip(NAMES, CHOSEN, values, offered, strict=False)
    ]


Played = Sequence[tuple[Scenario, Sequence[Effect]]]


def compared(found: Outlook, played: Played, model: SalesModel) -> Drawn:
    """Return the forecast as it is and with the assumptions of each scenario, period by period and together."""
    first = played[0][0]
    measure, grain = model.measure(first.query.measures[0]), found.query.grain or Grain.WEEK
    total, plain = found.total, float(found.total["mean"].sum())
    title, words = f"{question(first, model)}: as it is and as assumed", []
    for scenario, effects in played:
        whole = together(effects)
        low, high = (formats.short(plain * each, measure.format, model) for each in (whole.low, whole.high))
        made = formats.short(plain * whole.factor, measure.format, model)
        words.append(f"{scenario.name}: {made} ({formats.change_text(whole.factor - 1, model)}; {low} to {high}).")
        words += [_untold(each) for each in effects if not each.told]
    as_it_is = formats.short(plain, measure.format, model)
    summary = f"As it is: {as_it_is} together. {' '.join(words)} Filters above do not change a kept scenario."
    lines = [("As it is", 1.0), *((scenario.name, together(effects).factor) for scenario, effects in played)]
    rows = [
        [
            formats.bucket(row["time"], grain, model),
            *(formats.exact(row["mean"] * factor, measure.format, model) for _, factor in lines),
        ]
        for row in total.to_dict("records")
    ]
    sums = ["Together", *(formats.exact(plain * factor, measure.format, model) for _, factor in lines)]
    table = tables.table(title, ["From", *(name for name, _ in lines)], rows, total=sums)
    past = found.history[found.history["key"] == TOTAL].tail(PAST)
    figure = _figure(past, total, lines, grain, model)
    figure["layout"]["yaxis"] = value_axis(measure)
    return Drawn(title, summary, figure, table)


def _untold(effect: Effect) -> str:
    return f"What {effect.label.lower()} do is not told by the data; that assumption changes nothing."


def _figure(
    past: pd.DataFrame, ahead: pd.DataFrame, lines: Sequence[tuple[str, float]], grain: Grain, model: SalesModel
) -> Figure:
    then, coming = ([formats.bucket(moment, grain, model) for moment in each["time"]] for each in (past, ahead))
    before = {"name": "So far", "x": then, "y": numbers(past["value"]), "line": {"color": BEFORE, "width": 2}}
    joint, last = then[-1:] + coming, past["value"].tolist()[-1:]
    traces = [
        {
            "name": name,
            "x": joint,
            "y": numbers([*last, *(ahead["mean"] * factor)]),
            "line": {"color": colour, "width": 3, "dash": "solid" if factor == 1.0 else "dash"},
        }
        for (name, factor), colour in zip(lines, (NOW, *COLOURS), strict=False)
    ]
    return {
        "data": [{"type": "scatter", "mode": "lines", **trace} for trace in (before, *traces)],
        "layout": layout_of(
            xaxis=TIME_AXIS,
            hovermode="x unified",
            showlegend=True,
            legend=LEGEND,
        ),
    }


def nothing() -> Drawn:
    """Return how to make a first scenario."""
    return Drawn("Compared", "", problem=NOTHING)


def listed(kept: Sequence[Scenario], model: SalesModel) -> Drawn:
    """Return the viewer's scenarios: what each is about and what it assumes."""
    title = "Your scenarios"
    if not kept:
        return Drawn(title, "", problem="None so far.")
    rows = [[each.name, question(each, model), assumed(each, model)] for each in kept]
    summary = "Their numbers are worked out anew, for the rows you may see, whenever they are shown."
    return Drawn(title, summary, None, tables.table(title, ["Name", "Of", "Assumes"], rows))


def question(scenario: Scenario, model: SalesModel) -> str:
    """Return what a scenario is about in words."""
    query = scenario.query
    name = query.measures[0]
    label = model.measures[name].label if name in model.measures else name
    filters = ", ".join(" ".join(condition.values) for condition in query.filters)
    return f"{label}{f' ({filters})' if filters else ''}, {scenario.horizon} {query.grain}s ahead"


def assumed(scenario: Scenario, model: SalesModel) -> str:
    """Return the assumptions of a scenario in words."""
    measure = scenario.query.measures[0]
    named = {each.key: each.label for each in levers(model, measure)} if measure in model.measures else {}
    changes = scenario.changes.items()
    return ", ".join(f"{named.get(key, key)} {formats.change_text(change, model)}" for key, change in changes)
