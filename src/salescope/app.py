"""create_app: builds database, warehouse, cache and services, wires pages to them, closes the gate."""

from __future__ import annotations

import datetime as dt
import logging
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import dash
import dash_ag_grid
import dash_bootstrap_components as dbc
import flask
import sqlalchemy as sa
from dash import ClientsideFunction, html
from dash.exceptions import DependencyException
from flask_compress import Compress
from werkzeug.exceptions import HTTPException, SecurityError
from werkzeug.middleware.proxy_fix import ProxyFix

import callbacks.audit
from callbacks.wiring import Services
from layouts import shell
from salescope import api, bundle, exports, headers, installation, opening, operations, signin, stopping, uploads
from salescope.gate import Gate, find_page, viewer
from salescope.pages import PAGES
from salescope.payload import Application
from salescope.policy import BACKGROUND, PAGE_ENDPOINTS
from salescope.settings import ROOT, Settings, shown
from salescope.single_sign_on import SingleSignOn
from salescope.static import StaticFiles
from salescope.warming import Warming
from services.access import Permission
from services.accounts import Accounts, Lifetimes
from services.administration import Administration
from services.database import is_current, open_database
from services.errors import NotReadyError, UserError
from services.forecasting.record import TrackRecord
from services.forecasting.room import ForecastRoom
from services.forecasting.scenarios import Scenarios
from services.inbox import Inbox
from services.language.questions import Questions
from services.language.rewriting import Rewriter
from services.links import Links
from services.mail import Mail
from services.model import SalesModel
from services.outside import Outside
from services.planning import Planning
from services.tokens import Tokens
from services.usage import UsageLog
from services.views import SavedViews
from services.warehouse import Warehouse

log = logging.getLogger("salescope")
VENDOR = "/assets/vendor/"
#: What errors are called, and what is said of one that says nothing itself.
TITLES = {403: "Not for your role", 404: "There is no such page", 413: "Too large"}
WORDS = {
    403: "Your role does not include this. An admin can change your role.",
    404: "There is nothing at this address. Check it, or start from the Overview.",
    413: "The request is larger than this site accepts.",
}


class Routes:
    """Registers callbacks for pages: server ones behind the gate, browser ones by name."""

    def __init__(self, app: dash.Dash, gate: Gate, permission: Permission) -> None:
        self._app, self._register = app, gate.callback(permission)

    def __call__(self, *dependencies: Any, **options: Any) -> Callable[[Callable[..., Any]], None]:
        """Return the decorator that registers a function behind the gate."""
        return self._register(*dependencies, **options)

    def client(self, function: str, *dependencies: Any, **options: Any) -> None:
        """Register a function of assets/salescope/app.js."""
        self._app.clientside_callback(ClientsideFunction("salescope", function), *dependencies, **options)


def create_app(settings: Settings, store: Warehouse | None = None) -> flask.Flask:
    """Return the WSGI application for the model in use.

    Raises DefinitionError for a broken model, NotReadyError before `salescope init`, UnguardedError when something is
    reachable without a policy.
    """
    engine = open_database(settings.database_url)
    if not is_current(engine):
        raise NotReadyError("The application database is missing or of another version. Run: salescope init")
    store = store or installation.warehouse(settings)
    sales = installation.make_sales(settings, store)
    model = sales.model
    lifetimes = Lifetimes(
        dt.timedelta(minutes=settings.session_idle_minutes), dt.timedelta(hours=settings.session_hours)
    )
    accounts = Accounts(engine, lifetimes, installation.seal(settings))
    accounts.factors.renew()
    server = _server(settings)
    mail = Mail(settings.smtp_url, settings.mail_from)
    outside = Outside(engine, accounts, settings.oidc_roles, settings.oidc_domains)
    door = signin.Door(accounts, Links(engine, accounts), mail, outside, SingleSignOn(server, settings))
    signin.install(server, door, BACKGROUND)
    operations.install(server, engine, sales, settings.metrics_token)
    stopping.install(server, sales)
    inbox = Inbox(store)
    forecast_room = ForecastRoom(settings.instance, installation.jobs(settings, engine))
    api.install(server, sales, inbox, forecast_room, settings.api_body_mb)
    usage = UsageLog(engine, installation.query_log(settings))
    people = Administration(engine, accounts, mail, sales, usage, shown(settings))
    views, planning = SavedViews(engine, model), Planning(engine, model)
    rewriter = Rewriter(settings.rewrite_url, settings.rewrite_model, settings.rewrite_key)
    questions = Questions(engine, sales, rewriter if settings.rewrite_url else None)
    record = TrackRecord(engine, model)
    room = installation.data_room(settings, store, engine)
    scenarios = Scenarios(engine, model)
    services = Services(sales, room, people, views, planning, questions, record, forecast_room, scenarios)
    _data_version(server, store, model, Warming(services, accounts))
    uploads.install(server, services.data, upload_mb=settings.upload_mb, at_once=max(1, settings.threads // 2))
    exports.install(server, services)
    _audit_log(server, services)
    app = _dash(server)
    gate = Gate(server, app, accounts, Tokens(engine, accounts), usage)
    headers.install(server, app, https=settings.production)
    server.before_request(lambda: _start(views))
    server.after_request(StaticFiles().finish)
    _errors(server)
    opening.register(Routes(app, gate, Permission.DASHBOARDS_VIEW), services)
    for page in PAGES:
        if not page.missing(model):
            page.register(Routes(app, gate, page.permission), services)
    gate.audit()
    app.layout = lambda: opening.first_state(services, usage)
    if inbox.pending():
        inbox.wake()
    server.extensions["salescope"] = {"gate": gate, "sales": sales, "accounts": accounts, "dash": app}
    return server


def _server(settings: Settings) -> flask.Flask:
    server = flask.Flask("salescope", static_folder=None, root_path=str(Path(__file__).parent))
    server.config.update(
        SECRET_KEY=settings.secret_key,
        SECRET_KEY_FALLBACKS=list(settings.secret_key_fallbacks),
        MAX_CONTENT_LENGTH=settings.max_body_mb * 1024 * 1024,
        SESSION_COOKIE_NAME="__Host-salescope" if settings.production else "salescope",
        SESSION_COOKIE_SECURE=settings.production,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        TRUSTED_HOSTS=list(settings.trusted_hosts) or None,
        COMPRESS_ALGORITHM=["zstd", "br", "gzip"],
        COMPRESS_MIMETYPES=[
            "application/javascript",
            "application/json",
            "text/css",
            "text/html",
            "text/javascript",
            "image/svg+xml",
        ],
    )
    if settings.proxy_hops:
        hops = settings.proxy_hops
        server.wsgi_app = ProxyFix(server.wsgi_app, x_for=hops, x_proto=hops, x_host=hops)  # type: ignore[method-assign]
    Compress(server)
    return server


def _dash(server: flask.Flask) -> dash.Dash:
    own = bundle.install(server)
    _lighten()
    app = Application(
        "salescope",
        server=server,  # type: ignore[arg-type]
        assets_folder=str(ROOT / "assets"),
        assets_url_path="/assets",
        assets_path_ignore=["vendor"],
        assets_ignore=".*",
        external_stylesheets=[own["css"]],
        external_scripts=[f"{VENDOR}plotly.min.js?v=4.1.1.1", own["js"]],
        index_string=_index(),
        suppress_callback_exceptions=True,
        title="Salescope",
        update_title="",
        include_pages_meta=False,
        enable_mcp=False,
        on_error=_explain,
        add_log_handler=False,
    )
    # The set-up that the gate's audit triggers wants a layout; the real one needs somebody who is signed in.
    app.layout = html.Div()
    return app


def _index() -> str:
    page = (Path(__file__).parent / "templates" / "index.html").read_text(encoding="utf-8")
    return page.replace("{%head%}", f"<script>{bundle.head()}</script>")


def _lighten() -> None:
    """Leave out what no page uses, and load what few pages use when they are opened (assets/salescope/app.js)."""
    dash.dash_table._js_dist[:] = []  # type: ignore[attr-defined]
    for resource in dash_ag_grid._js_dist:
        if "async" not in resource:
            resource["dynamic"] = True
    for resource in dash._dash_renderer._js_dist_dependencies:
        paths = resource["relative_package_path"]
        for kind in paths:
            # For browsers without modules, which plotly.js does not know either.
            paths[kind] = [path for path in paths[kind] if "polyfill" not in path]


def _start(views: SavedViews) -> flask.typing.ResponseReturnValue | None:
    """Take somebody who opens a bare address to their home view, or give the page the filters that follow them."""
    request = flask.request
    if request.endpoint not in PAGE_ENDPOINTS or request.query_string or request.method != "GET":
        return None
    page = find_page(request.path)
    target = views.start(request.path, viewer()) if page is not None and page.filters else ""
    return flask.redirect(target) if target else None


def _explain(error: Exception) -> None:
    """Show an error of a callback to the person and leave the page as it is; unforeseen ones go to the log."""
    if isinstance(error, HTTPException):
        raise error
    if isinstance(error, UserError | NotReadyError):
        text = str(error)
    else:
        number = uuid.uuid4().hex[:8]
        log.error("Callback failed, error %s", number, exc_info=error)
        text = f"Something went wrong on our side (error {number}). Try again; if it stays, tell an admin the number."
    dash.set_props(shell.Ids.PROBLEMS, {"children": dbc.Alert(text, color="danger", dismissable=True)})


def _data_version(server: flask.Flask, store: Warehouse, model: SalesModel, warming: Warming) -> None:
    """Add what open pages ask every few seconds: which data are live."""

    def data_version() -> flask.typing.ResponseReturnValue:
        pointer = store.pointer()
        warming.notice(pointer)
        version, published_at = (pointer.version, pointer.published_at) if pointer else (0, "")
        return {"version": version, "published_at": published_at, "model": model.version}

    server.add_url_rule("/data/version", "data_version", data_version)


def _audit_log(server: flask.Flask, services: Services) -> None:
    """Add the download of the audit log."""

    def audit_log() -> flask.typing.ResponseReturnValue:
        lines = callbacks.audit.written(services.people.accounts, viewer(), flask.request.args)
        response = flask.Response(flask.stream_with_context(lines), mimetype="text/csv")
        response.headers.set("Content-Disposition", "attachment", filename="audit.csv")
        return response

    server.add_url_rule("/audit.csv", "audit_log", audit_log)


def _errors(server: flask.Flask) -> None:
    @server.errorhandler(HTTPException)
    def http(error: HTTPException) -> flask.typing.ResponseReturnValue:
        # A refused host name is the sender's own text: it is not repeated.
        words = error.name if isinstance(error, SecurityError) else error.description or error.name
        if error.description == type(error).description:
            words = WORDS.get(error.code or 500, words)
        return _problem(error.code or 500, words)

    @server.errorhandler(DependencyException)
    @server.errorhandler(FileNotFoundError)
    def no_such_file(_error: Exception) -> flask.typing.ResponseReturnValue:
        return _problem(404, "There is no such file.")

    @server.errorhandler(NotReadyError)
    @server.errorhandler(sa.exc.OperationalError)
    def away(error: Exception) -> flask.typing.ResponseReturnValue:
        log.warning("Not ready: %s", type(error).__name__)
        words = str(error) if isinstance(error, NotReadyError) else "The database does not answer."
        body, code = _problem(503, f"{words} Try again in a few seconds.")
        return body, code, {"Retry-After": "5"}

    @server.errorhandler(Exception)
    def unforeseen(error: Exception) -> flask.typing.ResponseReturnValue:
        number = uuid.uuid4().hex[:8]
        log.error("Request failed, error %s", number, exc_info=error)
        return _problem(500, f"Something went wrong on our side (error {number}).")


def _problem(code: int, words: str) -> tuple[str | dict[str, str], int]:
    """Return an error as a page where a person asked for one, else as JSON."""
    if flask.request.method == "GET" and flask.request.accept_mimetypes.accept_html:
        title = TITLES.get(code, "This did not work")
        return flask.render_template("error.html", code=code, title=title, words=words), code
    return {"error": words}, code
