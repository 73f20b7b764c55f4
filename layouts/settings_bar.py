"""What a page is set to besides its filters: controls whose values stand in the URL.

Each control names its parameter; assets/salescope/pages.js writes what is chosen into the address, without a callback.
Controls that share a parameter list its values in their order.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import dash_bootstrap_components as dbc
from dash import html
from dash.development.base_component import Component

from layouts import labels

Options = Sequence[tuple[str, str]]
#: What a choice of nothing is called between server and browser; an empty one would show nothing.
NONE = "-"
MORE = "More"


@dataclass(frozen=True)
class Setting:
    """A control: its label, its parameter, its value, and the (value, name) pairs to choose from.

    Without options it takes a `text`, or a number from `low` to `high`. `default` is the value that the address leaves
    out; a setting to `keep` stands in it as soon as another does. `parts` make one value, with dots between.
    """

    label: str
    param: str
    value: str = ""
    options: Options = ()
    default: str = ""
    low: float | None = None
    high: float | None = None
    hint: str = ""
    keep: bool = False
    text: bool = False
    parts: tuple[Setting, ...] = ()


def bar(page: str, groups: Sequence[tuple[str, Sequence[Setting]]]) -> list[Component]:
    """Return the controls in named groups; those of a group called More are folded away."""
    return [
        html.Details([html.Summary(name), group], className="settings-more") if name == MORE else group
        for (name, found), group in zip(groups, _groups(page, groups), strict=True)
        if found
    ]


def _groups(page: str, groups: Sequence[tuple[str, Sequence[Setting]]]) -> list[Component]:
    return [
        html.Fieldset(
            [
                html.Legend(name, className="visually-hidden"),
                *(_control(each, f"{page}-setting-{at}-{number}") for number, each in enumerate(found)),
            ],
            className="settings-group",
        )
        for at, (name, found) in enumerate(groups)
    ]


def _control(setting: Setting, target: str) -> Component:
    fields = [_field(each, f"{target}-{number}") for number, each in enumerate(setting.parts or (setting,))]
    keep = {"keep": "yes"} if setting.keep else {}
    return html.Div(
        [part for field in fields for part in field],
        className=f"setting{' setting-parts' if setting.parts else ''}",
        title=setting.hint or None,
        **labels.data(param=setting.param, default=setting.default, **keep),
    )


def _field(setting: Setting, target: str) -> list[Component]:
    field: Component
    if setting.options:
        options = [{"value": value, "label": name} for value, name in setting.options]
        field = dbc.Select(id=target, options=options, value=setting.value)
    elif setting.text:
        field = dbc.Input(id=target, type="search", value=setting.value, debounce=True, maxLength=200)
    else:
        limits = {"min": setting.low, "max": setting.high}
        field = dbc.Input(id=target, type="number", value=setting.value, step="any", debounce=True, **limits)
    return [html.Label(setting.label, htmlFor=target, className="form-label"), field]


def many(
    label: str, param: str, chosen: Sequence[str], options: Options, most: int, *, keep: bool = False
) -> list[Setting]:
    """Return controls for a list of up to `most` values in their order: one per value, and one to add another."""
    names = [label, *(f"{label} {number}" for number in range(2, most + 1))]
    found = [
        Setting(names[number], param, value, [(NONE, "– none –"), *options], keep=keep)
        for number, value in enumerate(chosen)
    ]
    if len(chosen) < most:
        free = [(NONE, "+ add"), *(each for each in options if each[0] not in chosen)]
        found.append(Setting(names[len(chosen)], param, NONE, free, keep=keep))
    return found
