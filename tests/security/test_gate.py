"""The gate itself: the start is refused when anything has no policy, and the function behind a callback too is shut."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import dash
import flask
import pytest
from dash import Input, Output, html
from werkzeug.exceptions import Forbidden

import salescope.app
from callbacks.wiring import Register, Services
from salescope.app import Routes, create_app
from salescope.gate import Gate, UnguardedError
from salescope.pages import PAGES, Page
from salescope.policy import API, PUBLIC, ROUTES, SIGNED_IN
from services.access import Permission, Viewer, role
from services.errors import AccessDeniedError
from tests.serving import Installation


@pytest.fixture(autouse=True)
def _clean_dash() -> Iterator[None]:
    """Take out of Dash's global lists what a test has put there."""
    yield
    dash.page_registry.clear()
    dash._callback.GLOBAL_CALLBACK_LIST.clear()
    dash._callback.GLOBAL_CALLBACK_MAP.clear()
    dash._callback.GLOBAL_API_PATHS.clear()


def start_with(
    plant: Callable[[dash.Dash, flask.Flask], object], installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> flask.Flask:
    """Start the application with one more page, whose registration does what `plant` does."""

    def register(routes: Register, _services: Services) -> None:
        assert isinstance(routes, Routes)
        app = routes._app
        plant(app, app.server)

    page = Page("planted", "/planted", "Planted", Permission.DASHBOARDS_VIEW, lambda _context: html.Div(), register)
    monkeypatch.setattr(salescope.app, "PAGES", (*PAGES, page))
    return create_app(installation.settings())


def a_route(_app: dash.Dash, server: flask.Flask) -> None:
    server.add_url_rule("/export", "export", lambda: "everything")


def a_route_with_a_public_looking_path(_app: dash.Dash, server: flask.Flask) -> None:
    server.add_url_rule("/healthz/all", "health_of_all", lambda: "everything")


def a_blueprint(_app: dash.Dash, server: flask.Flask) -> None:
    blueprint = flask.Blueprint("more", __name__)
    blueprint.add_url_rule("/more", "all", lambda: "everything")
    server.register_blueprint(blueprint)


def a_callback(app: dash.Dash, _server: flask.Flask) -> None:
    app.callback(Output("planted", "children"), Input("url", "pathname"))(lambda path: path)


def a_callback_of_the_whole_process(_app: dash.Dash, _server: flask.Flask) -> None:
    dash.callback(Output("planted", "children"), Input("url", "pathname"))(lambda path: path)


def a_hidden_callback(app: dash.Dash, _server: flask.Flask) -> None:
    app.callback(Output("planted", "children"), Input("url", "pathname"), hidden=True)(lambda path: path)


def a_callback_with_an_address(app: dash.Dash, _server: flask.Flask) -> None:
    decorate = app.callback(Output("planted", "children"), Input("url", "pathname"), api_endpoint="/api/planted")
    decorate(lambda path: path)


def a_page_of_dash(_app: dash.Dash, _server: flask.Flask) -> None:
    dash.page_registry["planted"] = {"path": "/planted", "layout": html.Div("everything")}


@pytest.mark.parametrize(
    ("plant", "named"),
    [
        (a_route, "route /export"),
        (a_route_with_a_public_looking_path, "route /healthz/all"),
        (a_blueprint, "route /more"),
        (a_callback, "callback planted.children"),
        (a_callback_of_the_whole_process, "callback planted.children"),
        (a_hidden_callback, "callback planted.children"),
        (a_callback_with_an_address, "api/planted"),
        (a_page_of_dash, "Dash page 'planted'"),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_start_is_refused_with(
    plant: Callable[[dash.Dash, flask.Flask], object],
    named: str,
    installation: Installation,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with pytest.raises(UnguardedError) as refused:
        start_with(plant, installation, monkeypatch)
    assert named in str(refused.value)


def test_start_is_refused_for_a_page_without_a_permission(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = Page("open", "/open", "Open", "everyone", lambda _context: html.Div(), lambda _register, _services: None)  # type: ignore[arg-type]
    monkeypatch.setattr("salescope.gate.PAGES", (*PAGES, page))
    with pytest.raises(UnguardedError, match="page 'open'"):
        create_app(installation.settings())


def test_start_succeeds_with_a_callback_of_the_browser(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    def plant(app: dash.Dash, _server: flask.Flask) -> None:
        app.clientside_callback("(path) => path", Output("planted", "children"), Input("url", "pathname"))

    assert start_with(plant, installation, monkeypatch)


def test_every_listed_endpoint_exists(app: flask.Flask) -> None:
    assert {rule.endpoint for rule in app.url_map.iter_rules()} == PUBLIC | SIGNED_IN | set(API) | set(ROUTES)


def functions(gate: Gate) -> dict[str, Callable[..., Any]]:
    """Return the registered functions, freed from what Dash wraps around them."""
    return {
        output: specification["callback"].__wrapped__
        for output, specification in gate._app.callback_map.items()
        if "callback" in specification
    }


def test_function_behind_a_callback_refuses_a_direct_call(app: flask.Flask, gate: Gate) -> None:
    found = functions(gate)
    assert set(found) == set(gate.policy)
    for function in found.values():
        with pytest.raises((Forbidden, AccessDeniedError)):
            function(None, None)
        with app.test_request_context("/"), pytest.raises((Forbidden, AccessDeniedError)):
            function(None, None)


def test_function_behind_a_callback_believes_no_group_of_the_cookie(app: flask.Flask, gate: Gate) -> None:
    groups = [permission.value for permission in Permission]
    for function in functions(gate).values():
        with app.test_request_context("/"):
            flask.session["user"] = {"email": "admin@example.com", "groups": groups}
            with pytest.raises(Forbidden):
                function(None, None)


def test_function_behind_a_callback_asks_for_the_permission_itself(gate: Gate, app: flask.Flask) -> None:
    """Somebody is signed in and dash-auth's groups say yes; the person's role still says no."""
    executive = Viewer(1, "executive@example.com", "executive", role("executive").permissions)
    signed_in = type("SignedIn", (), {"is_authenticated": True, "viewer": executive})()
    closed = [function for output, function in functions(gate).items() if not executive.may(gate.policy[output])]
    assert closed
    for function in closed:
        with app.test_request_context("/"):
            flask.g._login_user = signed_in
            flask.session["user"] = {"groups": [permission.value for permission in Permission]}
            with pytest.raises(AccessDeniedError):
                function(None, None)
            flask.session["user"] = {"groups": []}
            with pytest.raises(AccessDeniedError):
                function(None, None)
