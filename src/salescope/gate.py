"""The gate: every route, page and callback is closed unless a policy opens it.

Line 1 runs before each request and is keyed by *endpoint*, so that no spelling of a path gets around it. Line 2
wraps each callback function, so that no other way of calling it does. `audit` stops the boot when anything has no
policy.
"""

from __future__ import annotations

import functools
import secrets
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any, NoReturn
from urllib.parse import urlsplit, urlunsplit

import dash
import flask
from dash_auth import protected
from flask_login import current_user
from werkzeug.exceptions import BadRequest, Forbidden, NotFound, SecurityError

from salescope import bodies
from salescope.pages import PAGES, Page
from salescope.payload import packed
from salescope.policy import (
    API,
    AUDITED,
    CALLBACK_ENDPOINT,
    DEPENDENCIES_ENDPOINT,
    PAGE_ENDPOINTS,
    PUBLIC,
    ROUTES,
    SAFE_METHODS,
    SIGNED_IN,
)
from services import circumstances
from services.access import Permission, Viewer
from services.accounts import Accounts
from services.circumstances import Circumstances
from services.errors import AccessDeniedError, SalescopeError
from services.fairness import InOrder
from services.tokens import Tokens
from services.usage import UsageLog

#: A callback keeps others of its process waiting this long at most.
TURN_SECONDS = 0.1
#: Where a callback was used from when the browser does not tell the page.
ELSEWHERE = "Elsewhere"


class UnguardedError(SalescopeError):
    """Something is reachable without a policy; the application does not start."""


def viewer() -> Viewer:
    """Return who is asking; raises Forbidden outside a signed-in request."""
    if not flask.has_request_context():
        raise Forbidden
    program: Viewer | None = flask.g.get("program")
    if program is not None:
        return program
    if not current_user.is_authenticated:
        raise Forbidden
    found: Viewer = current_user.viewer
    return found


class Gate:
    """The policies of one application, and the two lines that hold them."""

    def __init__(
        self, server: flask.Flask, app: dash.Dash, accounts: Accounts, tokens: Tokens, usage: UsageLog
    ) -> None:
        self._server, self._app, self._accounts, self._tokens, self._usage = server, app, accounts, tokens, usage
        self.policy: dict[str, Permission] = {}
        self._in_order = InOrder(TURN_SECONDS)
        server.before_request(self.check)
        server.after_request(self.hide_others)

    def callback(self, permission: Permission) -> Callable[..., Callable[[Callable[..., Any]], None]]:
        """Return the only way for a page to register callbacks: `@callback(Output…, Input…)`.

        The function gets the Viewer first. Without the permission it is never run.
        """

        def register(*dependencies: Any, **options: Any) -> Callable[[Callable[..., Any]], None]:
            def decorate(function: Callable[..., Any]) -> None:
                before = set(self._app.callback_map)
                self._app.callback(*dependencies, **options)(self._second_line(function, permission))
                for output in set(self._app.callback_map) - before:
                    self.policy[output] = permission

            return decorate

        return register

    def _second_line(self, function: Callable[..., Any], permission: Permission) -> Callable[..., Any]:
        @functools.wraps(function)
        def guarded(*args: Any) -> Any:
            who = viewer()
            who.require(permission)
            started = time.perf_counter()
            with self._in_order.turn():
                result = packed(function(who, *args))
            self._used(who, (time.perf_counter() - started) * 1000)
            return result

        return functools.wraps(function)(protected(_refuse, groups=[permission.value])(guarded))

    def _used(self, who: Viewer, milliseconds: float) -> None:
        """Count a use of the page a callback was sent from; of what is slow the address says what was asked."""
        if not who.looked_at_by:
            at = urlsplit(flask.request.referrer or "")
            page = find_page(at.path)
            asked = urlunsplit(("", "", at.path, at.query, ""))
            self._usage.note(who.email, page.title if page else ELSEWHERE, milliseconds, asked)

    def check(self) -> flask.typing.ResponseReturnValue | None:
        """Line 1: decide about the request before anything else sees it."""
        request = Circumstances(flask.request.remote_addr or "", secrets.token_hex(8))
        circumstances.begin(request)
        endpoint = flask.request.endpoint
        if isinstance(flask.request.routing_exception, SecurityError):
            raise flask.request.routing_exception
        circumstances.begin(replace(request, site=flask.request.host_url.rstrip("/")))
        if endpoint is not None and endpoint in API:
            return self._program_allowed(API[endpoint])
        if flask.request.method not in SAFE_METHODS:
            self._same_origin()
        if endpoint in PUBLIC:
            return None
        if not current_user.is_authenticated:
            return _sign_in_first()
        _tell_dash_auth(viewer())
        _look(viewer())
        if endpoint is not None and endpoint in ROUTES:
            self._route_allowed(endpoint)
        elif endpoint not in SIGNED_IN:
            raise Forbidden
        if endpoint == CALLBACK_ENDPOINT:
            self._callback_allowed()
        if endpoint in PAGE_ENDPOINTS:
            self._page_allowed()
        return None

    def _program_allowed(self, permission: Permission) -> flask.typing.ResponseReturnValue | None:
        """Decide about a request to the API.

        A cookie counts for reading only, so that no other site can make a browser change anything here.
        """
        scheme, _, token = flask.request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            flask.g.program = self._tokens.viewer(token.strip(), flask.request.remote_addr or "")
        elif not scheme and flask.request.method in SAFE_METHODS and current_user.is_authenticated:
            flask.g.program = current_user.viewer
            _look(current_user.viewer)
        who: Viewer | None = flask.g.get("program")
        if who is None:
            words = "Send a valid API token: Authorization: Bearer sst_…; an admin makes one with: salescope token add"
            return {"error": words}, 401, {"WWW-Authenticate": 'Bearer realm="salescope"'}
        if not who.may(permission):
            self._accounts.record("denied", who.email, flask.request.remote_addr or "", f"API {permission}")
            words = f"This needs the permission {permission.value!r}, which the token or its user's role does not have."
            return {"error": words}, 403
        return None

    def _same_origin(self) -> None:
        """Refuse an unsafe request that another site made the browser send."""
        site = flask.request.headers.get("Sec-Fetch-Site", "same-origin")
        origin = flask.request.headers.get("Origin")
        if site not in ("same-origin", "none") or (origin is not None and origin != flask.request.host_url.rstrip("/")):
            self._denied("cross-site request", "This was sent by another site. Open the page here and do it there.")

    def _route_allowed(self, endpoint: str) -> None:
        if not viewer().may(ROUTES[endpoint]):
            words = viewer().lacks(ROUTES[endpoint])
            self._denied(f"{flask.request.method} {flask.request.path[:200]}", words)
        if endpoint in AUDITED:
            asked = flask.request.full_path.rstrip("?")
            self._accounts.record(AUDITED[endpoint], viewer().email, "", asked)

    def _callback_allowed(self) -> None:
        body = bodies.read()
        specification = self._app.callback_map.get(body["output"])
        if specification is None or "callback" not in specification:
            raise BadRequest("There is no such callback.")
        bodies.check(body, specification)
        permission = self.policy.get(body["output"])
        if permission is None or not viewer().may(permission):
            words = viewer().lacks(permission) if permission else None
            self._denied(f"callback {body['output'][:200]}", words)

    def _page_allowed(self) -> None:
        page = find_page(flask.request.path)
        if page is None:
            raise NotFound
        if not viewer().may(page.permission):
            self._denied(f"page {page.path}", viewer().lacks(page.permission, page.title))

    def _denied(self, what: str, words: str | None) -> NoReturn:
        # Only of people: what anybody on the network can trigger must not fill the database.
        if current_user.is_authenticated:
            self._accounts.record("denied", current_user.viewer.email, flask.request.remote_addr or "", what)
        raise Forbidden(words)

    def hide_others(self, response: flask.Response) -> flask.Response:
        """Leave out of the list of callbacks what the viewer's role may not run."""
        if flask.request.endpoint == DEPENDENCIES_ENDPOINT and response.status_code == 200:
            who = viewer()
            rows = response.get_json()
            allowed = [row for row in rows if (needs := self.policy.get(row["output"])) is None or who.may(needs)]
            response.set_data(flask.json.dumps(allowed))
        return response

    def audit(self) -> None:
        """Raise UnguardedError when a route, callback, callback API path or page has no policy.

        Call it after everything is registered.
        """
        self._app._setup_server()
        self._app.setup_apis()
        problems = [*self._unguarded_routes(), *self._unguarded_callbacks()]
        problems += [f"Dash page {key!r}" for key in dash.page_registry]
        problems += [f"page {page.key!r}" for page in PAGES if not isinstance(page.permission, Permission)]
        listed = {**API, **ROUTES}
        problems += [f"route {name!r}" for name, needs in listed.items() if not isinstance(needs, Permission)]
        if problems:
            raise UnguardedError(
                f"Reachable without a policy: {'; '.join(problems)}. Register callbacks through the gate, list "
                "routes in salescope.policy, pages in salescope.pages."
            )

    def _unguarded_routes(self) -> Iterable[str]:
        for rule in self._server.url_map.iter_rules():
            if rule.endpoint not in PUBLIC | SIGNED_IN | set(API) | set(ROUTES):
                yield f"route {rule.rule} ({rule.endpoint})"

    def _unguarded_callbacks(self) -> Iterable[str]:
        for output, specification in self._app.callback_map.items():
            if "callback" in specification and output not in self.policy:
                yield f"callback {output}"
        yield from (f"callback API path {path}" for path in self._app.callback_api_paths)


def find_page(path: str) -> Page | None:
    """Return the page at a path, None when there is none."""
    return next((page for page in PAGES if page.path == path), None)


def _tell_dash_auth(who: Viewer) -> None:
    """Give dash-auth's guard today's permissions; what an old cookie says never counts."""
    groups = sorted(permission.value for permission in who.permissions)
    user = {"email": who.email, "groups": groups}
    if flask.session.get("user") != user:
        flask.session["user"] = user


def _look(who: Viewer) -> None:
    """Write as the person reads, for reading only where an admin looks at the site as somebody else."""
    circumstances.begin(replace(circumstances.now(), locale=who.locale))
    if who.looked_at_by:
        circumstances.begin(replace(circumstances.now(), looking_as=who.email, by=who.looked_at_by))


def _refuse() -> NoReturn:
    raise AccessDeniedError("You are not signed in, or your role does not include this.")


def _sign_in_first() -> flask.typing.ResponseReturnValue:
    wants_page = flask.request.method == "GET" and flask.request.accept_mimetypes.accept_html
    if not wants_page or flask.request.endpoint not in PAGE_ENDPOINTS:
        return {"error": "Sign in first."}, 401
    target = flask.request.full_path.rstrip("?")
    return flask.redirect(flask.url_for("signin", next=target))
