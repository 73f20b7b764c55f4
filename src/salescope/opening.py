"""Opening pages: the shell with the first page in it, the router that changes pages, the menu of pages."""

from __future__ import annotations

import logging
import time
from typing import Any
from urllib.parse import urlencode

import flask
from dash import Input, Output, State

from callbacks import panel
from callbacks.filters import MAX_SEARCH, parse_search
from callbacks.wiring import PageContext, Register, Services
from layouts import shell
from salescope.gate import find_page, viewer
from salescope.pages import PAGES, Page
from services.access import Viewer
from services.errors import UserError
from services.model import EMPTY, SalesModel
from services.query import OWN
from services.usage import UsageLog

log = logging.getLogger("salescope")
#: Parameters of an address that mean something to the page they are on only.
STAYS = ("by", "grain", "segment", "sort")


def first_state(services: Services, usage: UsageLog) -> Any:
    """Return the shell for whoever asks, with the page in it whose address the request names in `at`.

    The shell comes alone for a browser that names none, and where the page fails or its scripts are loaded later: the
    router's callback then fills it and tells what is wrong.
    """
    who, model, at = viewer(), services.sales.model, flask.request.args.get("at", "")
    first = _first(services, usage, who, at) if len(at) <= MAX_SEARCH else None
    path, carried = (first.path, _carried(first.path, first.search)) if first else ("", "")
    links = shell.navigation(_links(model, who, path), path, carried)
    return shell.shell(who.email, who.role, model.title, links, looked_at_by=who.looked_at_by, first=first)


def _first(services: Services, usage: UsageLog, who: Viewer, at: str) -> shell.First | None:
    started = time.perf_counter()
    path, mark, query = at.partition("?")
    page = find_page(path)
    if page is None or not page.at_once:
        return None
    try:
        content, title = _page_content(services, who, path, query)
    except Exception:  # the router's callback meets it again and tells the person
        log.warning("The first state of %s could not be made.", path, exc_info=True)
        return None
    if not who.looked_at_by:
        usage.note(who.email, page.title, (time.perf_counter() - started) * 1000, at)
    return shell.First(path, mark + query, content, _window_title(title))


def _window_title(title: str) -> str:
    return f"{title} · Salescope"


def _links(model: SalesModel, who: Viewer, path: str = "") -> list[shell.Link]:
    """Return the entries of the menu: one per page, and one per section for the pages of it."""
    links: dict[str, shell.Link] = {}
    for page in PAGES:
        if who.may(page.permission) and page.section is not None:
            link = shell.Link(page.path, page.section or page.title, page.missing(model), page.under)
            inside = page.section and page.path == path
            if inside or link.title not in links:
                links[link.title] = link
    return list(links.values())


def register(register: Register, services: Services) -> None:
    """Add the callbacks of the shell."""
    register.client(
        "route",
        Output(shell.Ids.ROUTE, "data"),
        Input(shell.Ids.URL, "pathname"),
        Input(shell.Ids.URL, "search"),
        State(shell.Ids.ROUTE, "data"),
    )
    register.client("theme", Output(shell.Ids.THEME, "title"), Input(shell.Ids.THEME, "n_clicks"))
    register.client(
        "closeNews",
        Output(shell.Ids.NEWS, "children"),
        Output(shell.Ids.NEWS_BOX, "className"),
        Input(shell.Ids.NEWS_CLOSE, "n_clicks"),
        prevent_initial_call=True,
    )
    panel.register(register, services, lambda who: _reach(services.sales.model, who))
    register.client("title", Output(shell.Ids.TITLED, "data"), Input(shell.Ids.TITLE, "data"))

    @register(
        Output(shell.Ids.CONTENT, "children"),
        Output(shell.Ids.NAVIGATION, "children"),
        Output(shell.Ids.TITLE, "data"),
        Input(shell.Ids.ROUTE, "data"),
        prevent_initial_call=True,
    )
    def open_page(who: Viewer, route: object) -> tuple[Any, Any, str]:
        found = route if isinstance(route, dict) else {}
        path, search = str(found.get("pathname")).encode("utf-8", "replace").decode(), found.get("search")
        links = shell.navigation(_links(services.sales.model, who, path), path, _carried(path, search))
        content, title = _page_content(services, who, path, search)
        return content, links, _window_title(title)


def _reach(model: SalesModel, who: Viewer) -> dict[str, str]:
    """Return the paths of the pages that somebody can open, by key."""
    return {page.key: page.path for page in PAGES if who.may(page.permission) and not page.missing(model)}


def _carried(path: str, search: object) -> str:
    """Return the part of an address that links to other pages take along: the filters."""
    page = find_page(path)
    if not isinstance(search, str) or len(search) > MAX_SEARCH or not (page is None or page.filters):
        return ""
    kept = [(key, value) for key, value in parse_search(search) if not OWN.fullmatch(key) and key not in STAYS]
    return f"?{urlencode(kept)}" if kept else ""


def _page_content(services: Services, who: Viewer, path: str, search: object) -> tuple[Any, str]:
    page = find_page(path)
    if page is None:
        return shell.message("There is no such page", f"Nothing is at {path[:200]}."), "Not found"
    if not who.may(page.permission):
        return shell.message("Not for your role", who.lacks(page.permission, page.title)), "Not allowed"
    reason = page.missing(services.sales.model)
    if reason:
        return _not_offered(page, reason, who, without_data=services.sales.model is EMPTY), page.title
    try:
        return page.render(PageContext(services, who, parse_search(search))), page.title
    except UserError as error:  # such as a row scope over a dimension that other data do not have
        return shell.message(f"{page.title} cannot be shown", str(error)), page.title


def _not_offered(page: Page, reason: str, who: Viewer, *, without_data: bool) -> Any:
    """Return what stands in the place of a page that these data cannot fill."""
    if not without_data:
        return shell.message(f"{page.title} is not available for these data", reason)
    loading = next((each for each in PAGES if each.without_data and who.may(each.permission)), None)
    link = shell.Link(loading.path, "Bring your data") if loading else None
    return shell.message("No data yet", reason, link)
