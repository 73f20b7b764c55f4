"""The Data page before a load: what was found in the files, everything of it to be changed, and the choice of mode."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import dash_bootstrap_components as dbc
from dash import html
from dash.development.base_component import Component

from layouts import labels
from layouts.data import button, card, link
from layouts.shell import notice
from services.intake.editing import DATE_STYLES, NUMBER_STYLES, SEPARATOR, number_style
from services.intake.proposal import (
    ROLE_LABELS,
    Derived,
    LeaveOut,
    Proposal,
    ProposedColumn,
    ProposedTable,
    Question,
)
from services.ledger import Mode
from services.model import ColumnType
from services.workbench import Looked

TYPES = {
    ColumnType.TEXT: "Text",
    ColumnType.TIME: "Date or time",
    ColumnType.INTEGER: "Whole number",
    ColumnType.NUMBER: "Number",
    ColumnType.MONEY: "Money",
}
#: How sure a guess is, from this confidence on.
SURE = ((0.9, "sure"), (0.7, "likely"), (0.5, "perhaps"), (0.0, "a guess"))
DECIMALS = re.compile(r"-?\d+\.\d+")
USES = {"facts": "the order lines", "lookup": "looked up from the order lines", "unused": "not used"}
#: What a load does with the lines that are there; "" asks when days overlap.
MODES = {
    "": ("Add the lines", "You are asked first when the data already hold lines of the same days."),
    Mode.APPEND: ("Add the lines", "Lines that are there already stay, and count twice when they come again."),
    Mode.REPLACE_KEY: ("Replace lines with the same key", "Lines that come again take the place of those there."),
    Mode.REPLACE_PERIOD: ("Replace the days", "Every line of the days that these files cover is taken out first."),
    Mode.START_OVER: ("Start over", "Only these files count from now on."),
}


@dataclass(frozen=True)
class Present:
    """The data that are there: what they are called, how many lines; `key` says whether there is one to replace by."""

    title: str
    lines: int
    key: bool


def check(looked: Looked, work: str, files: Sequence[str], present: Present | None) -> list[Component]:
    """Return the page for files that were looked at."""
    if looked.fits and present is not None:
        return _fitting(work, files, present)
    if looked.drift:
        return _drifted(looked.drift, work)
    if looked.proposal is None:
        return []
    return _proposed(looked.proposal, work, files, present)


def _fitting(work: str, files: Sequence[str], present: Present) -> list[Component]:
    return [
        html.Div(
            [
                card(
                    "The files fit",
                    html.P([_names(files), f": the columns are those of the data in use, {present.title}."]),
                    modes(["", *(_keyed(present)), Mode.START_OVER], "", present),
                ),
                html.Div(
                    [
                        button("Load", "load", work=work),
                        button("Make a new recipe instead", "look", kind="outline-secondary", work=work, afresh="true"),
                        _away(work),
                    ],
                    className="actions bar-of-actions",
                ),
            ],
            className="check",
        )
    ]


def _keyed(present: Present) -> list[Mode]:
    return [Mode.REPLACE_KEY, Mode.REPLACE_PERIOD] if present.key else [Mode.REPLACE_PERIOD]


def _drifted(drift: str, work: str) -> list[Component]:
    return [
        card(
            "The files differ from the data in use",
            html.P(drift, className="failure"),
            html.P("Correct them and choose them again, or make a new recipe: it starts over with these files."),
            html.Div(
                [
                    button("Make a new recipe", "look", work=work, afresh="true"),
                    _away(work),
                    link("All loads", "/data"),
                ],
                className="actions",
            ),
        )
    ]


def _away(work: str) -> Component:
    return button(
        "Throw the files away",
        "discard",
        kind="outline-secondary",
        work=work,
        confirm="Throw the files away? Nothing of them was loaded.",
    )


def _names(files: Sequence[str]) -> Component:
    return html.Strong(_listed(files), className="name")


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def modes(offered: Iterable[str], chosen: str, present: Present) -> Component:
    """Return the choice of what happens to the lines that are there."""
    leave = f"The {present.lines:,} lines of {present.title} leave every page; they come back when you undo this load."
    options = [
        {"value": mode, "label": f"{words}. {leave if mode == Mode.START_OVER else about}"}
        for mode in offered
        for words, about in [MODES[mode]]
    ]
    return html.Fieldset(
        [html.Legend("The lines that are there"), dbc.RadioItems(options=options, value=chosen, name="mode")],
        className="choice",
        **labels.data(mode="true"),
    )


def _proposed(proposal: Proposal, work: str, files: Sequence[str], present: Present | None) -> list[Component]:
    used = [table for table in proposal.tables if table.use != "unused"]
    unused = [table for table in proposal.tables if table.use == "unused"]
    return [
        html.Div(
            [
                _questions(proposal.questions),
                _notices(proposal),
                _general(proposal, files),
                *(_table(table, proposal) for table in used),
                _unused(unused),
                _left_out(proposal.leave_out),
                _derived(proposal),
                card("Load", modes([Mode.START_OVER], Mode.START_OVER, present)) if present else None,
                _bar(proposal, work),
            ],
            className="check",
        )
    ]


def _bar(proposal: Proposal, work: str) -> Component:
    """Return the buttons, always on the screen, and why nothing can be loaded yet."""
    asked = len(proposal.open_questions)
    why = "Answer the question on top first." if asked == 1 else "Answer the questions on top first." if asked else ""
    return html.Div(
        [
            button("Load", "load", work=work, disabled=bool(asked)),
            button("Apply changes", "look", kind="outline-secondary", work=work, edits="true", disabled=True),
            _away(work),
            html.Span(why, className="why", role="status"),
            html.Span("You changed something: apply it to see what comes of it, then load.", className="why-unsaved"),
        ],
        className="actions bar-of-actions",
    )


def _field(control: Component, name: str, value: str, field: str, **where: str) -> Component:
    """Return a control with its name for screen readers; what it says goes to the server as an Edit."""
    about = labels.data(field=field, was=value, **where)
    return html.Label([html.Span(name, className="visually-hidden"), control], className="edit", **about)


def _named(name: str, control: Component, value: str, field: str) -> Component:
    return html.Label([html.Span(name), control], className="edit named", **labels.data(field=field, was=value))


def _questions(questions: Sequence[Question]) -> Component | None:
    if not questions:
        return None
    return card("What the files do not say", *(_question(question) for question in questions), name="questions")


def _question(question: Question) -> Component:
    options = [{"value": option.key, "label": option.words} for option in question.options]
    value = question.chosen or ""
    return html.Fieldset(
        [
            html.Legend([question.words, html.Strong(" Please answer.") if not value else None]),
            dbc.RadioItems(options=options, value=value, name=f"answer {question.key}"),
        ],
        className="choice",
        **labels.data(field="answer", key=question.key, was=value),
    )


def _notices(proposal: Proposal) -> Component | None:
    if not proposal.notices:
        return None
    return notice("Good to know", [each.words for each in proposal.notices], "info")


def _general(proposal: Proposal, files: Sequence[str]) -> Component:
    span = f", {proposal.first[:10]} to {proposal.last[:10]}" if proposal.first and proposal.last else ""
    fields = [
        _named("Title", dbc.Input(value=proposal.title, maxlength=80), proposal.title, "title"),
        _named("Short name", dbc.Input(value=proposal.name, maxlength=63), proposal.name, "name"),
        _named("Currency", dbc.Input(value=proposal.currency, maxlength=3), proposal.currency, "currency"),
    ]
    return card(
        "What was found",
        html.P([_names(files), f": {proposal.facts_rows:,} order lines{span}. Currency: {proposal.currency_reason}."]),
        html.Div(fields, className="fields"),
    )


def _table(table: ProposedTable, proposal: Proposal) -> Component:
    join = next((each for each in proposal.joins if each.table == table.name), None)
    found = f" {join.coverage:.1%} of the order lines find their row." if join else ""
    words = f"{_listed(table.sources)}: {table.rows:,} rows, {USES[table.use]}; {table.reason}.{found}"
    heads = ("Column", "It is", "Read as", "Examples", "Values", "How sure")
    body = html.Table(
        [
            html.Caption(f"Columns of {table.name}", className="visually-hidden"),
            html.Thead(html.Tr([html.Th(head, scope="col") for head in heads])),
            html.Tbody([_row(column) for column in proposal.columns_of(table.name)]),
        ],
        className="table table-sm columns",
    )
    return html.Section(
        [
            html.H2(table.name),
            html.P(words, className="summary name"),
            html.Div(
                body, className="wide", tabIndex=0, role="region", **labels.aria(label=f"Columns of {table.name}")
            ),
        ],
        className="card",
    )


def _row(column: ProposedColumn) -> Component:
    where = {"table": column.table, "column": column.source}
    name = labels.cut(column.source, 60)
    roles = [{"value": role.value, "label": words} for role, words in ROLE_LABELS.items()]
    return html.Tr(
        [
            html.Th(
                [
                    html.Span(name, className="name", title=column.source),
                    _field(
                        dbc.Input(value=column.label, maxlength=80, size="sm"),
                        f"What {name} is called",
                        column.label,
                        "label",
                        **where,
                    ),
                ],
                scope="row",
            ),
            html.Td(
                _field(
                    dbc.Select(options=roles, value=column.role.value, size="sm"),
                    f"What {name} is",
                    column.role.value,
                    "role",
                    **where,
                )
            ),
            html.Td(_reading(column, name, where)),
            html.Td(_examples(column)),
            html.Td(_values(column)),
            html.Td(_sure(column)),
        ]
    )


def _reading(column: ProposedColumn, name: str, where: Mapping[str, str]) -> list[Component]:
    typing = column.typing
    types = [{"value": kind.value, "label": words} for kind, words in TYPES.items()]
    made = [
        _field(
            dbc.Select(options=types, value=typing.type.value, size="sm"),
            f"How {name} is read",
            typing.type.value,
            "type",
            **where,
        )
    ]
    if typing.type is ColumnType.TIME and column.staged is ColumnType.TEXT:
        made.append(_date_formats(typing.formats, name, where))
    elif typing.type is not ColumnType.TEXT and column.staged is ColumnType.TEXT:
        style = number_style(typing) or ""
        options = [{"value": key, "label": key} for key in NUMBER_STYLES]
        control = dbc.Select(options=options, value=style, size="sm", placeholder="other marks")
        made.append(_field(control, f"How the numbers of {name} are written", style, "number", **where))
    return made


def _date_formats(formats: Sequence[str], name: str, where: Mapping[str, str]) -> Component:
    value = SEPARATOR.join(formats)
    found = {value: " or ".join(DATE_STYLES.get(form, form) for form in formats) or "as found"}
    options = [{"value": key, "label": words} for key, words in {**found, **DATE_STYLES}.items()]
    control = dbc.Select(options=options, value=value, size="sm")
    return _field(control, f"How the dates of {name} are written", value, "formats", **where)


def _examples(column: ProposedColumn) -> Component:
    """Return examples as they stand and, where that differs, what is read from them."""
    pairs = list(zip(column.raw, column.parsed, strict=True))[:3]
    return html.Ul([html.Li(_example(raw, parsed)) for raw, parsed in pairs], className="examples")


def _example(raw: str, parsed: str) -> list[Any]:
    shown: list[Any] = [html.Span(labels.cut(raw, 40), className="name")]
    if not parsed:
        shown.append(html.Span(" cannot be read", className="tone-bad"))
    elif _short(parsed) != raw:
        shown.append(html.Span(f" → {labels.cut(_short(parsed), 40)}", className="quiet"))
    return shown


def _short(value: str) -> str:
    """Return a value without the midnight of a day and the zeros behind a number."""
    value = value.removesuffix(" 00:00:00")
    return value.rstrip("0").rstrip(".") if DECIMALS.fullmatch(value) else value


def _values(column: ProposedColumn) -> list[Component]:
    rows = column.filled + column.missing
    share = column.filled / rows if rows else 0.0
    lines: list[Component] = [html.Div(f"{_percent(share)} filled" if column.missing else "all filled")]
    if column.unparseable:
        lines.append(
            html.Div(
                f"{column.unparseable:,} cannot be read ({_percent(column.unparseable_share)})", className="tone-bad"
            )
        )
    if column.low is not None and column.high is not None and column.typing.type is not ColumnType.TEXT:
        lines.append(html.Div(f"{_short(column.low)} to {_short(column.high)}", className="quiet"))
    lines.append(html.Div(f"{column.distinct:,} different", className="quiet"))
    return lines


def _percent(share: float) -> str:
    """Return a share that is 0 or 100 % only when it is none or all."""
    if 0 < share < 0.001:
        return "below 0.1%"
    return "above 99.9%" if 0.999 < share < 1 else f"{share:.1%}"


def _sure(column: ProposedColumn) -> Component:
    word = next(words for limit, words in SURE if column.confidence >= limit)
    said = f"{word}, {column.confidence:.0%}"
    if not column.reasons:
        return html.Span(said)
    return html.Details([html.Summary(said), html.Ul([html.Li(reason) for reason in column.reasons])])


def _unused(tables: Sequence[ProposedTable]) -> Component | None:
    if not tables:
        return None
    rows = [html.Li(f"{table.name} ({table.rows:,} rows): {table.reason}") for table in tables]
    return card("Not used", html.Ul(rows))


def _left_out(rules: Sequence[LeaveOut]) -> Component | None:
    if not rules:
        return None
    return card("Rows to leave out", *(_rule(rule) for rule in rules))


def _rule(rule: LeaveOut) -> Component:
    value = "true" if rule.active else "false"
    return html.Div(
        [
            dbc.Checkbox(value=rule.active, label=f"{rule.reason}: {rule.rows:,} rows"),
            html.P(rule.proof, className="summary"),
        ],
        className="rule",
        **labels.data(field="leave_out", key=rule.reason, was=value),
    )


def _derived(proposal: Proposal) -> Component | None:
    if not proposal.derived:
        return None
    return card("Worked out from other columns", html.Ul([_formula(each) for each in proposal.derived]))


def _formula(made: Derived) -> Component:
    about = html.Span(f" {made.reason}", className="quiet")
    return html.Li([html.Strong(made.label), " = ", html.Code(made.expression), about])
