"""Files of what is on screen: one tile, all tiles of a page, the order lines; as CSV, XLSX or PDF."""

from __future__ import annotations

import functools
import io
import re
from collections.abc import Callable
from dataclasses import replace
from typing import IO, Any

import flask

from callbacks.filters import MAX_SEARCH, names_of, parse_search
from callbacks.wiring import PageContext, Services
from layouts import report
from layouts.tiles import Drawn
from salescope.gate import find_page, viewer
from salescope.pages import PAGES, Page
from services import printing, provenance, sheets, xlsx
from services.access import Permission, Viewer
from services.errors import AccessDeniedError, BusyError, NotReadyError, QueryError, UserError
from services.query import MAX_LIMIT, SalesQuery
from services.sales import Answer, Sales
from services.sheets import Sheet

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
View = Callable[..., flask.typing.ResponseReturnValue]


def install(server: flask.Flask, services: Services) -> None:
    """Add the routes; the gate lets in whom salescope.policy.ROUTES allows."""
    sales = services.sales

    @_explained
    def answer(kind: str) -> flask.typing.ResponseReturnValue:
        who, title = viewer(), _argument("title", 200) or "Answer"
        query = SalesQuery.from_json(_argument("query", MAX_SEARCH))
        if query.columns:
            raise QueryError("Order lines are exported from their own page.")
        measure = _argument("measure", 80)
        found = sales.answer(query, who)
        sheet = sheets.sheet_of(sales, found, who, title, measure)
        return _file(kind, title, [sheet], _about(sales, [found], who), sales)

    @_explained
    def page(kind: str) -> flask.typing.ResponseReturnValue:
        who = viewer()
        found, context = _page(services, who)
        tile = _argument("tile", 200)
        drawn = [each for each in (found.drawn(context) if found.drawn else ()) if tile in ("", each.title)]
        if not any(each.answer is not None for each in drawn):
            raise QueryError(f"The page {found.title} has nothing to export.")
        if kind == "pdf":
            document = report.document(found.title, drawn, _whole(sales, drawn, who), sales.model)
            return _sent(printing.pdf(document), f"{found.title}.pdf", "application/pdf")
        return _file(kind, tile or found.title, _sheets(sales, drawn, who), _whole(sales, drawn, who), sales)

    @_explained
    def lines(kind: str) -> flask.typing.ResponseReturnValue:
        who = viewer()
        who.require(Permission.LINES_EXPORT)
        found, context = _page(services, who, "lines")
        if found.lines is None:
            raise QueryError("These data have no order lines to export.")
        query = found.lines(context)
        count = sales.count_lines(query, who)
        first = sales.answer(replace(query, limit=1), who)
        about = [("Order lines", f"{count:,}"), *_about(sales, [first], who)]
        if count > MAX_LIMIT:
            about.insert(0, ("Not all", f"The first {MAX_LIMIT:,} of {count:,} lines; narrow the filters."))
        return _file(kind, "Order lines", [sheets.lines(sales, query, who, "Order lines")], about, sales)

    server.add_url_rule("/exports/answer.<kind>", "export_answer", answer)
    server.add_url_rule("/exports/page.<kind>", "export_page", page)
    server.add_url_rule("/exports/lines.<kind>", "export_lines", lines)


def _page(services: Services, who: Viewer, key: str = "") -> tuple[Page, PageContext]:
    """Return the page whose address was sent, and the context that renders it."""
    path = next(page.path for page in PAGES if page.key == key) if key else _argument("path", 200)
    found = find_page(path)
    if found is None or found.missing(services.sales.model):
        raise QueryError(f"There is no page at {path!r}.")
    who.require(found.permission)
    return found, PageContext(services, who, parse_search(_argument("search", MAX_SEARCH)))


def _sheets(sales: Sales, drawn: list[Drawn], who: Viewer) -> list[Sheet]:
    """Return a sheet per tile; tiles that show the same numbers share one."""
    found: dict[tuple[SalesQuery, str, str], Sheet] = {}
    for each in drawn:
        if each.answer is not None:
            key = (each.answer.query, each.measure, each.title if each.sheet else "")
            if each.sheet is not None:
                found[key] = each.sheet()
            elif key not in found:
                found[key] = sheets.sheet_of(sales, each.answer, who, each.title, each.measure)
    return list(found.values())


def _whole(sales: Sales, drawn: list[Drawn], who: Viewer) -> list[tuple[str, str]]:
    return _about(sales, [each.answer for each in drawn if each.answer is not None], who)


def _about(sales: Sales, answers: list[Answer], who: Viewer) -> list[tuple[str, str]]:
    """Return what a file says about itself: filters, data time, definitions of everything in it, whose rows."""
    first = answers[0]
    pairs = dict(provenance.facts(first, sales.model, names_of(sales, first.query, who)))
    for each in answers[1:]:
        pairs |= dict(provenance.definitions(each, sales.model))
    return [("Data", sales.model.title), *pairs.items(), ("Rows of", f"{who.email} ({who.scope.describe()})")]


def _file(
    kind: str, title: str, found: list[Sheet], about: list[tuple[str, str]], sales: Sales
) -> flask.typing.ResponseReturnValue:
    if kind == "csv":
        if len(found) > 1:
            raise QueryError("A CSV file holds one table; export the page as Excel, or a tile as CSV.")
        text = io.StringIO(newline="")
        sheets.write_csv(found[0], about, text)
        return _sent(io.BytesIO(text.getvalue().encode("utf-8-sig")), f"{title}.csv", "text/csv; charset=utf-8")
    if kind == "xlsx":
        stream = io.BytesIO()
        xlsx.write_xlsx(found, about, sales.model, stream)
        stream.seek(0)
        return _sent(stream, f"{title}.xlsx", XLSX)
    raise QueryError(f"There is no export as {kind[:20]!r}. Allowed: csv, xlsx; pages also pdf.")


def _sent(stream: IO[bytes], name: str, mimetype: str) -> flask.Response:
    plain = re.sub(r"[^\w .,()-]", "_", name)
    return flask.send_file(stream, mimetype=mimetype, as_attachment=True, download_name=plain)


def _argument(name: str, length: int) -> str:
    return flask.request.args.get(name, "")[:length]


def _explained(view: View) -> View:
    """Answer errors that the person can act on as a page with the words."""

    @functools.wraps(view)
    def wrapper(**arguments: Any) -> flask.typing.ResponseReturnValue:
        try:
            return view(**arguments)
        except AccessDeniedError as error:
            flask.abort(403, str(error))
        except BusyError as error:
            flask.abort(429, str(error))
        except NotReadyError as error:
            flask.abort(503, str(error))
        except UserError as error:
            flask.abort(400, str(error))

    return wrapper
