"""The drill menu and the provenance of a tile: one callback for every mark of every page."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from dash import Input, Output

from callbacks.filters import names_of, parse_search
from callbacks.wiring import Register, Services
from layouts import panel as layout
from services import drilling, trail
from services.access import Permission, Viewer
from services.drilling import Mark
from services.errors import QueryError, UserError
from services.model import SalesModel
from services.query import SalesQuery
from services.sales import Sales
from services.trail import Places
from services.views import MAX_NAME, SavedViews

Ids = layout.Ids
#: A viewer -> the paths of the pages they can open, by page key.
Reach = Callable[[Viewer], Mapping[str, str]]
MAX_ASKED = 100_000


@dataclass(frozen=True)
class Asked:
    """What the browser asks at a tile: the query behind it, the mark, and the page it stands on."""

    query: SalesQuery
    mark: Mark
    marks: tuple[Mark, ...]
    title: str
    places: Places


def register(register: Register, services: Services, reach: Reach) -> None:
    """Add the panel's callbacks."""
    sales = services.sales

    @register(Output(Ids.BODY, "children"), Input(Ids.ASKED, "data"), prevent_initial_call=True)
    def fill(viewer: Viewer, found: object) -> Any:
        try:
            given = found if isinstance(found, Mapping) else {}
            asked_for = str(given.get("kind"))
            if asked_for in _VIEWS:
                return _VIEWS[asked_for](services.views, viewer, given)
            kind = _KINDS.get(asked_for)
            if kind is None:
                raise QueryError(f"A panel is one of {', '.join((*_KINDS, *_VIEWS))}; received {asked_for[:80]!r}.")
            return kind(sales, viewer, _read(given, sales.model, reach(viewer)))
        except UserError as error:
            return layout.problem(str(error))

    register.client("panelFilled", Output(Ids.ANSWERED, "data"), Input(Ids.BODY, "children"), prevent_initial_call=True)


def _read(found: Mapping[str, Any], model: SalesModel, pages: Mapping[str, str]) -> Asked:
    text = found.get("query")
    if not isinstance(text, str) or len(text) > MAX_ASKED:
        raise QueryError("The query of the chart is missing or too long; reload the page.")
    path = str(found.get("path"))
    places = Places(
        here=path if path in pages.values() else "/",
        params=tuple(parse_search(found.get("search"))),
        explore=pages.get("explore", ""),
        lines=pages.get("lines", ""),
        ask=pages.get("ask", ""),
        products=pages.get("products", ""),
        countries=pages.get("countries", ""),
        details=pages.get("details", ""),
    )
    given = found.get("marks")
    marks = tuple(Mark.read(each) for each in given) if isinstance(given, list) else ()
    mark = Mark.read(found["mark"]) if found.get("mark") else Mark(model.overview.measures[0])
    query = SalesQuery.from_json(text).check(model)
    return Asked(query, mark, marks, str(found.get("title") or "")[: drilling.MAX_LABEL], places)


def _menu(sales: Sales, _viewer: Viewer, asked: Asked) -> Any:
    window = sales.window(asked.query)
    found = drilling.entries(sales.model, asked.query, asked.mark, window.asked, asked.places)
    return layout.menu(drilling.title(sales.model, asked.mark), found)


def _filter(sales: Sales, _viewer: Viewer, asked: Asked) -> Any:
    """Return the menu cut to what keeps to the mark, or to all marks that were dragged over, to be followed."""
    window, query = sales.window(asked.query), asked.query
    if asked.marks:
        kept = drilling.together(sales.model, query, asked.marks, window.asked)
        entry = drilling.Entry(drilling.Group.KEEP, "What was selected", trail.here(asked.places, kept))
        return layout.menu("Filter", [entry], follow=True)
    found = drilling.entries(sales.model, query, asked.mark, window.asked, asked.places)
    kept_to = [entry for entry in found if entry.group is drilling.Group.KEEP][:1]
    return layout.menu(drilling.title(sales.model, asked.mark), kept_to or found, follow=bool(kept_to))


def _about(sales: Sales, viewer: Viewer, asked: Asked) -> Any:
    answer = sales.answer(asked.query, viewer)
    names = names_of(sales, asked.query, viewer)
    title = asked.title or "these numbers"
    return layout.about(title, answer, sales.model, names, with_sql=viewer.may(Permission.DATA_LOAD))


_KINDS: Mapping[str, Callable[[Sales, Viewer, Asked], Any]] = {"menu": _menu, "filter": _filter, "about": _about}


def _list_views(views: SavedViews, viewer: Viewer, _given: Mapping[str, Any]) -> Any:
    return layout.views(views.all(viewer), may_share=viewer.may(Permission.VIEWS_SHARE))


def _save_view(views: SavedViews, viewer: Viewer, given: Mapping[str, Any]) -> Any:
    address = f"{given.get('path')}{given.get('search') or ''}"
    flags = {name: given.get(name) is True for name in ("shared", "home", "follows")}
    views.save(str(given.get("name") or "")[: 2 * MAX_NAME], address, viewer, **flags)
    return _list_views(views, viewer, given)


def _remove_view(views: SavedViews, viewer: Viewer, given: Mapping[str, Any]) -> Any:
    number = given.get("number")
    if isinstance(number, int):
        views.remove(number, viewer)
    return _list_views(views, viewer, given)


_VIEWS: Mapping[str, Callable[[SavedViews, Viewer, Mapping[str, Any]], Any]] = {
    "views": _list_views,
    "save-view": _save_view,
    "remove-view": _remove_view,
}
