"""Ask: one box, the answer as sentence, chart and table, and what it was taken to mean as chips."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from dash import dcc, html
from dash.development.base_component import Component

from layouts import figures, labels, tables, tiles
from layouts.tiles import Drawn
from services.language import results, wording
from services.language.asking import SURE, Reading
from services.language.editing import Chip
from services.language.results import Result
from services.model import SalesModel
from services.periods import Grain

PATH = "/ask"
#: URL parameters of the page: the question, and edits as `slot:value`.
QUESTION, EDIT = "ask-q", "ask-edit"
ROWS = 200


class Ids:
    """Component ids of the page."""

    BOX = "ask-box"
    OPTIONS = "ask-options"


def address(text: str, edits: Sequence[tuple[str, str]] = ()) -> str:
    """Return the address of a question with edits."""
    pairs = [(QUESTION, text), *((EDIT, f"{slot}:{value}") for slot, value in edits)]
    return f"{PATH}?{urlencode(pairs)}"


def page(text: str, answer: Sequence[Component], recommended: Sequence[str], history: Sequence[str]) -> Component:
    """Return the page; `answer` is empty before the first question."""
    lists = [_questions("Try", recommended), _questions("You asked", history)]
    return html.Div(
        [
            html.H1("Ask", className="visually-hidden" if text else ""),
            _box(text),
            html.Div(answer, className="ask-answer", role="status"),
            html.Div([each for each in lists if each is not None], className="ask-lists"),
        ],
        className="page page-ask",
    )


def _box(text: str) -> Component:
    box = dcc.Input(
        id=Ids.BOX,
        name=QUESTION,
        value=text,
        type="search",
        maxLength=500,
        list=Ids.OPTIONS,
        autoComplete="off",
        placeholder="top 5 products by revenue last quarter",
        className="form-control form-control-lg",
    )
    return html.Form(
        [
            html.Label("Ask about your sales", htmlFor=Ids.BOX, className="visually-hidden"),
            box,
            html.Datalist(id=Ids.OPTIONS),
            html.Button("Ask", type="submit", className="btn btn-primary btn-lg"),
        ],
        action=PATH,
        method="get",
        className="ask-form",
        role="search",
    )


def options(texts: Sequence[str]) -> list[Component]:
    """Return the completions of the box."""
    return [html.Option(value=text) for text in texts]


def _questions(title: str, texts: Sequence[str]) -> Component | None:
    if not texts:
        return None
    links = [html.Li(html.A(text, href=address(text))) for text in texts]
    return html.Section([html.H2(title), html.Ul(links)], className="ask-list")


def refused(reading: Reading, why: str, near: Sequence[tuple[str, str]], teach: str) -> list[Component]:
    """Return why a question is not answered; `near` are readings to choose from, as (words, address)."""
    found: list[Component] = [html.P(why, className="ask-why")]
    link = {"why": ("/trends", "Open Trends"), "forecast": ("/forecast", "Open the Forecast")}
    for reason, words in reading.faults:
        if reason == "unsupported_analysis" and words in link:
            found.append(html.P(html.A(link[words][1], href=link[words][0])))
    if near:
        found.append(html.P("Did you mean:"))
        found.append(html.Ul([html.Li(html.A(words, href=href)) for words, href in near]))
    if teach:
        found.append(html.P(html.A("Teach what these words mean", href=teach)))
    return found


def answered(
    reading: Reading,
    drawn: Drawn,
    chips: Sequence[Chip],
    edits: Sequence[tuple[str, str]],
    model: SalesModel,
    more: Sequence[Component],
) -> list[Component]:
    """Return the answer: how it was read, its chips, the tile, and further links."""
    sure = "Sure" if reading.confidence >= SURE else "Fairly sure"
    said = f"{sure}: {reading.confidence:.0%} of such readings are right"
    if reading.reworded:
        said = f"Reworded by a language model as: {reading.reworded}"
    read = html.P(
        [
            html.Strong(f"{wording.certainty(reading)}: " if not edits else "Edited: "),
            drawn.title,
            *([] if edits else [html.Span(said, className="ask-sure")]),
        ],
        className="ask-read" if reading.confidence >= SURE else "ask-read ask-doubt",
    )
    row = html.Div([_chip(chip, reading.text, edits) for chip in chips], className="ask-chips")
    card = tiles.card("ask", "answer", tiles.contents("ask", {"answer": drawn}, model)["answer"], wide=True)
    return [read, row, card, html.Div(more, className="ask-more")]


def _chip(chip: Chip, text: str, edits: Sequence[tuple[str, str]]) -> Component:
    links = [
        html.Li(html.A(choice.text, href=address(text, (*_kept(edits, choice.slot), (choice.slot, choice.value)))))
        for choice in chip.choices
    ]
    name = html.Span(f"{chip.name} ", className="ask-slot")
    return html.Details([html.Summary([name, chip.text]), html.Ul(links)], className="ask-chip")


def _kept(edits: Sequence[tuple[str, str]], slot: str) -> list[tuple[str, str]]:
    """Return earlier edits without those that a new one of the same slot replaces."""
    return [edit for edit in edits if edit[0] != slot or slot in ("without", "invert", "value")]


def sql(statement: str) -> Component:
    """Return the SQL behind an answer, folded away."""
    return html.Details([html.Summary("SQL"), html.Pre(statement, tabIndex=0, className="ask-sql")])


def drawn(result: Result, model: SalesModel) -> Drawn:
    """Return the tile of an answer: the chart that fits it best, and its table."""
    title = wording.restated(result.form, model)
    return Drawn(
        title[:1].upper() + title[1:],
        wording.sentence(result, model),
        _figure(result, model),
        _table(result, model),
        result.answer,
        result.form.measures[0],
    )


def _table(result: Result, model: SalesModel) -> Any:
    frame, added = result.frame.head(ROWS), {each.field: each for each in result.added}
    keys = result.keys
    values = [name for name in (*result.answer.query.measures, *added) if name in frame]
    heads = [_head(name, model) for name in keys] + [
        added[name].label if name in added else model.measure(name).label for name in values
    ]
    shown = {key: _names(result, key, model)[: len(frame)] for key in keys}
    rows = [
        [*(shown[key][number] for key in keys), *(wording.cell(record[name], name, added, model) for name in values)]
        for number, record in enumerate(frame.to_dict("records"))
    ]
    if not keys:
        heads, rows = ["", *heads], [["All", *row] for row in rows]
    return tables.table(wording.restated(result.form, model), heads, rows)


def _head(name: str, model: SalesModel) -> str:
    known = {"time": "Time", results.MONTH: "Month", results.NEWNESS: "Customers", "weekday": "Weekday", "hour": "Hour"}
    return known.get(name) or model.dimension(name).label


def _names(result: Result, key: str, model: SalesModel) -> list[str]:
    if key == "time":
        return [labels.bucket(moment, result.answer.query.grain, model) for moment in result.frame["time"]]
    if key in wording.PART_NAMES:
        return [wording.PART_NAMES[key](int(value)) for value in result.frame[key]]
    return labels.of(result.frame, key)


def _figure(result: Result, model: SalesModel) -> dict[str, Any] | None:
    """Return lines over time, bars for groups, none for one number."""
    form, frame, keys = result.form, result.frame, result.keys
    if not keys or not len(frame):
        return None
    derived = {"share": results.SHARE, "cumulative": results.RUNNING, "moving_avg": results.MOVING}
    field = derived.get(form.calculation or "", form.measures[0])
    field = field if field in frame else form.measures[0]
    measure = model.measure(form.measures[0])
    percent = field == results.SHARE
    over_time = "time" in keys and result.answer.query.grain in list(Grain) and form.order is None
    if over_time:
        traces = _lines(result, field, keys, model)
    else:
        top = frame.head(25)
        names = [" · ".join(parts) for parts in zip(*(_names(result, key, model)[:25] for key in keys), strict=True)]
        traces = [
            {
                "type": "bar",
                "orientation": "h",
                "y": names,
                "x": figures.numbers(top[field]),
                "marker": {"color": figures.NOW},
            }
        ]
    axis = {
        "title": {"text": "Share" if percent else measure.label},
        "tickformat": ".0%" if percent else None,
        "automargin": True,
    }
    other = {"automargin": True} if over_time else {"automargin": True, "autorange": "reversed", "type": "category"}
    layout = figures.layout_of(
        **{"xaxis" if not over_time else "yaxis": axis, "yaxis" if not over_time else "xaxis": other},
        showlegend=len(traces) > 1,
        height=max(320, 26 * len(frame.head(25)) + 90) if not over_time else 360,
    )
    return {"data": traces, "layout": layout}


def _lines(result: Result, field: str, keys: Sequence[str], model: SalesModel) -> list[dict[str, Any]]:
    frame = result.frame
    groups = [key for key in keys if key != "time"]
    if not groups:
        lines = [_line(frame["time"], frame[field], "")]
        if results.BEFORE in frame:
            lines[0]["name"] = model.measure(result.form.measures[0]).label
            before = _line(frame["time"], frame[results.BEFORE], "Before")
            lines.append(before | {"line": {"color": figures.BEFORE, "dash": "dot"}})
        return lines
    names = [" · ".join(parts) for parts in zip(*(_names(result, key, model) for key in groups), strict=True)]
    several = frame.assign(_name=names)
    leading = several.groupby("_name")[field].sum().sort_values(ascending=False).head(8).index
    return [
        _line(part["time"], part[field], str(name)) for name in leading for part in [several[several["_name"] == name]]
    ]


def _line(times: Any, values: Any, name: str) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "lines+markers",
        "x": [f"{moment:%Y-%m-%d}" for moment in times],
        "y": figures.numbers(values),
        "name": name,
    }


def problem(text: str) -> Component:
    """Return a message about a question that could not be read at all."""
    return html.P(text, className="ask-why")


def link(text: str, href: str) -> Component:
    """Return a link below the answer."""
    return html.A(text, href=href, className="btn btn-outline-secondary btn-sm")


def teaching(reading: Reading) -> str:
    """Return the address at which the words of a refused question can be taught."""
    words = next(
        (words for reason, words in reading.faults if words and reason != "unsupported_analysis"), reading.text
    )
    return f"/teach?{urlencode([('teach-phrase', words)])}"
