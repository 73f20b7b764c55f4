"""Ask: a question in the address -> its reading -> answer, chips, and what else to ask."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from dash import Input, Output
from dash.development.base_component import Component

from callbacks import tiles
from callbacks.wiring import PageContext, Register, Rendered, Services
from layouts import ask as layout
from layouts.tiles import Drawn
from services import explore
from services.access import Permission, Viewer
from services.errors import UserError
from services.explore import Exploration
from services.language import editing, wording
from services.language.asking import Reading
from services.pivot import Pivot
from services.query import SalesQuery

Ids = layout.Ids
Edits = Sequence[tuple[str, str]]


def render(context: PageContext) -> Rendered:
    """Return the page in the state its URL asks for."""
    questions, viewer = context.services.questions, context.viewer
    text, edits = _asked(context)
    answer: list[Component] = []
    if text:
        try:
            answer = _answer(context, questions.read(text, viewer), edits)
        except UserError as error:
            answer = [layout.problem(str(error))]
    return layout.page(text, answer, questions.recommended(viewer), questions.history(viewer))


def drawn(context: PageContext) -> Sequence[Drawn]:
    """Return the answer's tile, for exports."""
    text, edits = _asked(context)
    if not text:
        return ()
    reading = context.services.questions.read(text, context.viewer)
    return (_drawn(context, reading, edits),) if reading.answerable else ()


def register(register: Register, services: Services) -> None:
    """Add the completion of the box."""

    @register(Output(Ids.OPTIONS, "children"), Input(Ids.BOX, "value"), prevent_initial_call=True)
    def complete(viewer: Viewer, text: object) -> list[Component]:
        return layout.options(services.questions.complete(str(text or "")[:500], viewer))


def _asked(context: PageContext) -> tuple[str, Edits]:
    text = next((value for key, value in context.params if key == layout.QUESTION), "").strip()
    edits = [value.partition(":")[::2] for key, value in context.params if key == layout.EDIT]
    return text, edits[:20]


def _drawn(context: PageContext, reading: Reading, edits: Edits) -> Drawn:
    form = context.services.questions.edited(reading.form, edits, context.viewer)
    title = wording.restated(form, context.sales.model)

    def answered() -> Drawn:
        return layout.drawn(context.services.questions.answer(form, context.viewer), context.sales.model)

    return tiles.attempt(title, answered)


def _answer(context: PageContext, reading: Reading, edits: Edits) -> list[Component]:
    questions, viewer, model = context.services.questions, context.viewer, context.sales.model
    questions.record(reading, viewer, corrected=edits[-1][0] if edits else "")
    analyst = viewer.may(Permission.DATA_LOAD)
    if not reading.answerable and not edits:
        near = _nearest(reading, context)
        return layout.refused(
            reading, questions.refused(reading, viewer), near, layout.teaching(reading) if analyst else ""
        )
    form = questions.edited(reading.form, edits, viewer)
    shown = _drawn(context, reading, edits)
    more: list[Component] = []
    if shown.answer is not None:
        more.append(layout.link("Open in Explore", _explored(shown.answer.query)))
        if analyst:
            more.append(layout.sql(shown.answer.trust.statement))
    chips = editing.chips(form, model, questions.around(viewer))
    return layout.answered(reading, shown, chips, edits, model, more)


def _nearest(reading: Reading, context: PageContext) -> list[tuple[str, str]]:
    """Return up to three readings to choose from, when only the words were unclear."""
    if reading.closest is not None:
        words = wording.restated(reading.closest, context.sales.model)
        return [(words, layout.address(words))]
    if reading.faults:
        return []
    model = context.sales.model
    forms = list(dict.fromkeys([reading.form, *reading.others]))[:3]
    own = layout.address(reading.text, (("confirm", "yes"),))
    found = [(wording.restated(forms[0], model), own)]
    return found + [(words, layout.address(words)) for words in (wording.restated(form, model) for form in forms[1:])]


def _explored(query: SalesQuery) -> str:
    rows = query.dimensions or (("time",) if query.grain else ())
    columns = ("time",) if query.grain and query.dimensions else ()
    pivot = Pivot(replace(query, limit=None), rows=rows[:4], columns=columns)
    return "/explore" + explore.search(Exploration(pivot))
