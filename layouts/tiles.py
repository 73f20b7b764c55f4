"""A tile: the one way a page shows an answer.

A tile has a title, a sentence that says what the figure shows, the figure, its table, a menu of exports, the
strip that says where the numbers come from, and the query behind it, so that every mark can be asked about.

A page makes `Drawn` values (see `callbacks/tiles.py` for what protects it from one that fails) and places them:

    made = tiles.contents("trends", drawn_by_key, model)                           # layouts: what is sent of them,
    tiles.grid([tiles.card("trends", "season", made["season"], wide=True), …])     # in the page,
    tiles.shown("trends", made)                                                    # and what it remembers of them
    *tiles.outputs("trends", keys), …, tiles.known("trends")                       # callbacks: outputs and state,
    *tiles.values(made, keys, known)                                               # and what they get
    tiles.attempt("Season", lambda: layout.season(answer, …))                      # callbacks: draws or says why not

`Drawn(title, summary, figure, table, answer, measure)`: what has no figure passes None and shows its table open; what
has no answer offers no drilling, exports and provenance. The answer's query is what the drill menu, the exports and
`About` are made from, so that a tile needs nothing of its own for them.

Marks: a trace gets `marks.on(answer, measure, names)` (`meta` and `customdata`), a table `marks=` and `meta=`
(`tables.answer_table` does it), a button of your own `marks.alone(measure, row, fields)` inside an element with
`data-query`. With one of the layouts `figures.BRUSH` and its like marks can be dragged over. Links inside a page
that keep what it shows but change filters are `html.A(…, href=…, **labels.data(go="keep"))`, other links
`data(go="yes")`; addresses are made by services/trail.py and services/drilling.py. A page's own URL parameters are
called `<page key>-<name>` (`trends-average=7`): other pages and the navigation leave them alone.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from dash import dcc, html
from dash.development.base_component import Component

from layouts import axes, figures, labels
from layouts.markup import element, markup, written
from services import formats
from services.model import SalesModel
from services.sales import Answer
from services.sheets import Sheet

Figure = dict[str, Any]
#: What an empty tile draws.
NO_FIGURE: Figure = {"data": [], "layout": {"xaxis": {"visible": False}, "yaxis": {"visible": False}}}
DIGEST_BYTES = 9
NOTHING = "There are no order lines for these filters. Widen the period or remove a filter."


@dataclass(frozen=True)
class Drawn:
    """A tile ready to be shown; `problem` is what to say instead, when it could not be drawn.

    `sheet` makes what its files hold, where that is not the answer row by row; on paper the rows of its table are
    `cards` if so: what, how much, and the rest small.
    """

    title: str
    summary: str
    figure: Figure | None = None
    table: Any = None
    answer: Answer | None = None
    measure: str = ""
    problem: str = ""
    sheet: Callable[[], Sheet] | None = None
    cards: bool = False

    @property
    def empty(self) -> bool:
        """True where the answer has no rows behind it."""
        return self.answer is not None and self.answer.trust.rows == 0


@dataclass(frozen=True)
class Contents:
    """A tile as it is sent, written as JSON once: its figure, the words above and the line below.

    `digest` tells it from the same tile with something else in it; how long it took does not count.
    """

    figure: orjson.Fragment
    words: orjson.Fragment
    foot: orjson.Fragment
    digest: str


def graph_id(page: str, key: str) -> str:
    """Return the id of a tile's figure."""
    return f"{page}-{key}"


def words_id(page: str, key: str) -> str:
    """Return the id of what stands above a tile's figure: title, sentence, tools, table."""
    return f"{page}-{key}-words"


def foot_id(page: str, key: str) -> str:
    """Return the id of the line below a tile's figure."""
    return f"{page}-{key}-foot"


def shown_id(page: str) -> str:
    """Return the id of what the browser knows of the tiles it shows: their digests by key."""
    return f"{page}-shown"


def contents(page: str, drawn: Mapping[str, Drawn], model: SalesModel) -> dict[str, Contents]:
    """Return what is sent of each tile."""
    return {key: _contents(page, key, each, model) for key, each in drawn.items()}


def _contents(page: str, key: str, drawn: Drawn, model: SalesModel) -> Contents:
    trust = drawn.answer.trust if drawn.answer is not None else None
    facts = (trust.version, trust.rows, str(trust.data_until)) if trust else ()
    picture, told, below = (
        written(each) for each in (figure(drawn, model), words(page, key, drawn), foot(drawn, model))
    )
    digest = hashlib.blake2b(picture + told + written(facts), digest_size=DIGEST_BYTES).hexdigest()
    return Contents(orjson.Fragment(picture), orjson.Fragment(told), orjson.Fragment(below), digest)


def digests(made: Mapping[str, Contents]) -> dict[str, str]:
    """Return what the browser is to know of the tiles it shows."""
    return {key: each.digest for key, each in made.items()}


def shown(page: str, made: Mapping[str, Contents]) -> dcc.Store:
    """Return what remembers the tiles in their first state, so that later only those that changed are sent."""
    return dcc.Store(id=shown_id(page), data=digests(made))


def card(page: str, key: str, made: Contents, *, wide: bool = False) -> Component:
    """Return the tile with this key on a page."""
    return html.Section(
        [
            markup(made.words, words_id(page, key), className="tile-words"),
            html.Div(
                dcc.Graph(id=graph_id(page, key), figure=made.figure, config=figures.CONFIG, className="graph"),
                className="tile-figure",
                **labels.aria(hidden="true"),
            ),
            markup(made.foot, foot_id(page, key), className="tile-foot"),
        ],
        className=f"card chart tile chart-{key}{' tile-wide' if wide else ''}",
        **labels.aria(labelledby=f"{words_id(page, key)}-title"),
    )


def figure(drawn: Drawn, model: SalesModel) -> Figure:
    """Return what the graph of a tile gets; an empty drawing where there is none."""
    if drawn.figure is None or drawn.problem or drawn.empty:
        return NO_FIGURE
    roomy = axes.with_room(axes.with_ticks(drawn.figure, model))
    return {**roomy, "layout": {**roomy["layout"], "separators": formats.separators(model)}}


def words(page: str, key: str, drawn: Drawn) -> list[Any]:
    """Return a tile's title, sentence, tools and table."""
    head = element("H2", drawn.title, id=f"{words_id(page, key)}-title")
    if drawn.problem:
        return [head, element("P", drawn.problem, className="tile-problem", role="status")]
    if drawn.empty:
        return [head, element("P", NOTHING, className="tile-empty")]
    found = [
        element("Div", [head, _tools(drawn)], className="tile-head", **_query(drawn)),
        element("P", drawn.summary, className="summary"),
    ]
    if drawn.table is not None and drawn.figure is None:
        found.append(element("Div", drawn.table, className="scroll table-only", tabIndex=0))
    elif drawn.table is not None:
        scroll = element("Div", drawn.table, className="scroll", tabIndex=0)
        found.append(element("Details", [element("Summary", "Show as table"), scroll], className="as-table"))
    return found


def _query(drawn: Drawn) -> dict[str, Any]:
    if drawn.answer is None:
        return {}
    query = drawn.answer.query.to_json().decode()
    own = {"sheet": "own"} if drawn.sheet is not None else {}
    return labels.data(query=query, measure=drawn.measure, title=drawn.title, **own)


#: What the export menu offers: what the browser is to do, and its name.
EXPORTS = (("csv", "CSV"), ("xlsx", "Excel"), ("png", "PNG picture"), ("svg", "SVG picture"))


def _tools(drawn: Drawn) -> Any:
    if drawn.answer is None:
        return None
    offered = [each for each in EXPORTS if drawn.figure is not None or each[0] in ("csv", "xlsx")]
    buttons = [
        element("Button", text, type="button", className="menu-item", **labels.data(export=kind))
        for kind, text in offered
    ]
    about = element(
        "Button",
        "About",
        type="button",
        className="tool",
        title="Where these numbers come from",
        **labels.data(about="yes"),
        **labels.aria(label=f"About {drawn.title}", haspopup="dialog"),
    )
    export = [
        element("Summary", "Export", className="tool", **labels.aria(label=f"Export {drawn.title}")),
        element("Div", buttons, className="menu"),
    ]
    return element("Div", [about, element("Details", export, className="export")], className="tile-tools")


def foot(drawn: Drawn, model: SalesModel) -> list[Any]:
    """Return the short strip below a tile; `About` tells the rest."""
    if drawn.answer is None or drawn.problem:
        return []
    trust = drawn.answer.trust
    facts = (
        f"Data up to {formats.moment_text(trust.data_until, model)}",
        f"version {trust.version}",
        f"{trust.rows:,} order lines",
        f"{trust.milliseconds:.0f} ms{' (kept)' if trust.cached else ''}",
    )
    return [element("Span", fact) for fact in facts]


def grid(cards: Sequence[Component]) -> Component:
    """Return tiles side by side, one below the other on a phone."""
    return html.Div(list(cards), className="charts")
