"""The filter bar every data page begins with."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import dash_bootstrap_components as dbc
from dash import dcc, html
from dash.development.base_component import Component

from layouts import labels
from layouts.markup import element, markup
from services.model import SalesModel
from services.periods import PRESETS, Compare, Coverage, Range
from services.query import SalesQuery
from services.sales import Choice
from services.trail import Chip

CUSTOM = "custom"
COMPARISONS = {
    Compare.YEAR: "Same period last year",
    Compare.PRIOR: "Period before",
    Compare.WEEKS: "Same weeks last year",
    Compare.EASTER: "Last year, from Easter",
    Compare.NONE: "No comparison",
}


@dataclass(frozen=True)
class FilterIds:
    """Component ids of one page's filter bar."""

    page: str

    @property
    def period(self) -> str:
        """Menu of periods."""
        return f"{self.page}-period"

    @property
    def first(self) -> str:
        """First day."""
        return f"{self.page}-from"

    @property
    def last(self) -> str:
        """Last day."""
        return f"{self.page}-to"

    @property
    def dates(self) -> str:
        """The two days together; only there when the period is neither of the named ones."""
        return f"{self.page}-dates"

    @property
    def compare(self) -> str:
        """Menu of comparisons."""
        return f"{self.page}-compare"

    @property
    def defaults(self) -> str:
        """What the page shows when the URL says nothing, for the browser."""
        return f"{self.page}-defaults"

    @property
    def search(self) -> str:
        """The search part of the URL, as the browser last saw it."""
        return f"{self.page}-search"

    @property
    def trail(self) -> str:
        """Breadcrumb and chips below the controls."""
        return f"{self.page}-trail"

    def dimension(self, name: str) -> str:
        """Menu of a dimension's values."""
        return f"{self.page}-by-{name}"


def filter_bar(
    ids: FilterIds,
    model: SalesModel,
    query: SalesQuery,
    default: SalesQuery,
    coverage: Coverage,
    shown: Range,
    choices: Mapping[str, Sequence[Choice]],
    where: Sequence[Any],
) -> Component:
    """Return the bar showing `query`; `where` is what `trail_of` makes.

    `shown` fills the two dates until somebody chooses their own; `choices` holds the options of each dimension's
    menu.
    """
    values = state(model, query)
    first, last = days(shown)
    limits = {"min": coverage.start.date().isoformat(), "max": coverage.end.date().isoformat()}
    controls = [
        _labelled("Period", ids.period, dbc.Select(id=ids.period, options=_periods(), value=values["period"])),
        html.Div(
            [
                _labelled(
                    "From", ids.first, dbc.Input(id=ids.first, type="date", value=values["first"] or first, **limits)
                ),
                _labelled("To", ids.last, dbc.Input(id=ids.last, type="date", value=values["last"] or last, **limits)),
            ],
            id=ids.dates,
            className="dates",
        ),
    ]
    if not default.columns:
        menu = dbc.Select(
            id=ids.compare,
            options=[{"value": key.value, "label": label} for key, label in COMPARISONS.items()],
            value=values["compare"],
        )
        controls.append(_labelled("Compare with", ids.compare, menu))
    controls += [_values_menu(ids, model, name, choices[name], values[name]) for name in model.filters]
    stores = [dcc.Store(id=ids.defaults, data=browser_state(model, default, shown)), dcc.Store(id=ids.search)]
    standing = markup(where, ids.trail, className="trail")
    return html.Section([html.Div(controls, className="filters"), standing, *stores], **labels.aria(label="Filters"))


def trail_of(path: Sequence[tuple[str, str]], chips: Sequence[Chip]) -> list[Any]:
    """Return the way down to the period in view, the filters in force with what takes them off, and the undo button."""
    found: list[Any] = []
    if path:
        steps = [
            element("Li", element("A", text, href=href, **labels.data(go="keep")) if href else element("Span", text))
            for text, href in path[:-1]
        ]
        steps.append(element("Li", element("Span", path[-1][0], **labels.aria(current="page"))))
        found.append(element("Nav", element("Ol", steps), **labels.aria(label="Period")))
    if chips:
        found.append(
            element("Ul", [element("Li", _chip(chip)) for chip in chips], **labels.aria(label="Filters in force"))
        )
    if found:
        found.append(
            element(
                "Button", "Undo", type="button", className="undo", title="Key u or Ctrl+Z", **labels.data(undo="yes")
            )
        )
    return found


def _chip(chip: Chip) -> Any:
    cross = element("Span", "×", **labels.aria(hidden="true"))
    named = {**labels.data(go="keep"), **labels.aria(label=f"Remove the filter {chip.text}")}
    return element("A", [chip.text, cross], href=chip.href, className="chip", **named)


def browser_state(model: SalesModel, default: SalesQuery, shown: Range) -> dict[str, Any]:
    """Return what the browser needs to write the controls into the URL."""
    return {
        "period": default.period.preset,
        "compare": default.compare.value,
        "dimensions": list(model.filters),
        "comparisons": not default.columns,
        "shown": days(shown),
    }


def days(shown: Range) -> tuple[str, str]:
    """Return the first and the last day of a range as date inputs take them."""
    return shown.start.date().isoformat(), (shown.end - dt.timedelta(seconds=1)).date().isoformat()


def state(model: SalesModel, query: SalesQuery) -> dict[str, Any]:
    """Return the value of each control for a query."""
    period = query.period
    found: dict[str, Any] = {
        "period": period.preset or CUSTOM,
        "first": period.first.isoformat() if period.first else "",
        "last": period.last.isoformat() if period.last else "",
        "compare": query.compare.value,
    }
    for name in model.filters:
        found[name] = list(query.chosen(name))
    return found


def options(choices: Sequence[Choice]) -> list[dict[str, str]]:
    """Return menu options; the label names the key too where the two differ, so that both can be searched."""
    return [
        {"value": choice.key, "label": choice.label if choice.label == choice.key else f"{choice.label} · {choice.key}"}
        for choice in choices
    ]


def _periods() -> list[dict[str, str]]:
    named = [{"value": key, "label": preset.label} for key, preset in PRESETS.items()]
    return [*named, {"value": CUSTOM, "label": "From – to"}]


def _labelled(label: str, target: str, control: Component) -> html.Div:
    return html.Div([dbc.Label(label, html_for=target), control], className="filter")


def _values_menu(ids: FilterIds, model: SalesModel, name: str, choices: Sequence[Choice], value: list[str]) -> html.Div:
    dimension = model.dimension(name)
    target = ids.dimension(name)
    menu = dcc.Dropdown(
        id=target,
        options=options(choices),
        value=value,
        multi=True,
        placeholder=f"All {dimension.plural.lower()}",
        persistence=False,
    )
    return html.Div(
        [html.Label(dimension.label, htmlFor=target, className="form-label"), menu], className="filter filter-values"
    )
