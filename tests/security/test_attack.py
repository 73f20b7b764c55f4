"""Who reaches what on a running server: every route, page and callback, for nobody and for each role."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import flask
import pytest

from salescope.gate import Gate
from salescope.pages import PAGES
from salescope.policy import PUBLIC
from services.access import ROLES, Permission
from tests.client import JSON, PAGE, Answer, Client, callback_body
from tests.security.leaks import leaked
from tests.serving import PASSWORDS, Server

UPDATE = "/_dash-update-component"
OPEN_PAGE = "..content.children...navigation.children...title.data.."
ROUTE = "route.data"
SAMPLE_VALUES = {
    "filename": "salescope/app.css",
    "package_name": "dash",
    "path": "nope",
    "fingerprinted_path": "x.js",
} | {
    "work": "0" * 32,
    "identity": "0" * 32,
    "number": "0",
    "kind": "csv",
}


SERVES_ANYBODY = {"signin", "healthz", "readyz", "_dash_assets.static", "bundle"}
#: Public, but of no use without a link, a mail server, a sign-on provider or a metrics token.
NOT_SET_UP = {"password", "forgot", "oidc", "oidc_back", "metrics"}


def routes(app: flask.Flask) -> Iterator[tuple[str, str, str]]:
    """Yield endpoint, method and a path for every rule of the application."""
    for rule in app.url_map.iter_rules():
        path = rule.rule
        for name, value in SAMPLE_VALUES.items():
            for converter in ("string:", "path:", "int:", ""):
                path = path.replace(f"<{converter}{name}>", value)
        assert "<" not in path, f"give the test a value for {rule.rule}"
        for method in sorted(rule.methods or ()):
            yield rule.endpoint, method, path


def permitted(role: str, permission: Permission) -> bool:
    return permission in ROLES[role].permissions


def test_anonymous_reaches_the_public_routes_and_nothing_else(app: flask.Flask, anonymous: Client) -> None:
    answered: dict[str, set[int]] = {}
    for endpoint, method, path in routes(app):
        answer = anonymous.send(method, path, b"{}" if method == "POST" else None, JSON)
        answered.setdefault(endpoint, set()).add(answer.status)
        assert "Location" not in answer.headers or answer.headers["Location"].startswith("/signin?next="), path
    assert {endpoint for endpoint, statuses in answered.items() if 200 in statuses} == PUBLIC
    assert all(statuses <= {302, 401} for endpoint, statuses in answered.items() if endpoint not in PUBLIC)
    assert SERVES_ANYBODY | NOT_SET_UP == PUBLIC
    unused = [path for endpoint, method, path in routes(app) if endpoint in NOT_SET_UP and method == "GET"]
    assert {anonymous.get(path).status for path in unused} == {404, 410}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.key)
def test_anonymous_is_sent_to_the_sign_in_page_without_the_shell(anonymous: Client, page: Any) -> None:
    answer = anonymous.page(f"{page.path}?country=Spain")
    assert (answer.status, answer.headers["Location"]) == (302, f"/signin?next={page.path}?country%3DSpain")
    shown = anonymous.page("/signin").text
    assert not [word for word in ("_dash-config", "validation_layout", "dash_version", "_dash-") if word in shown]


SPELLINGS = [
    UPDATE,
    "//_dash-update-component",
    "///_dash-update-component",
    "/%5fdash-update-component",
    "/_dash%2dupdate-component",
    "/_dash-update-component/",
    "/_dash-update-component//",
    "/_dash-update-component%2f",
    "/_dash-update-component.",
    "/_dash-update-component%20",
    "/_dash-update-component;a=b",
    "/_dash-update-component?cacheKey=a&job=1",
    "/_DASH-UPDATE-COMPONENT",
    "/./_dash-update-component",
    "/assets/../_dash-update-component",
    "/assets/%2e%2e/_dash-update-component",
    "/signin/../_dash-update-component",
    "/healthz/_dash-update-component",
    "http://127.0.0.1/_dash-update-component",
    "/_dash-layout",
    "//_dash-layout",
    "/%5fdash-layout",
    "/_dash-layout/",
    "/_dash-dependencies",
    "/%5Fdash-dependencies",
    "/_dash-component-suites/dash/dcc/dash_core_components.js",
    "/_reload-hash",
    "/_mcp",
    "/lines",
    "/%6cines",
    "/lines/",
    "//lines",
    "/LINES",
]


@pytest.mark.parametrize("path", SPELLINGS)
def test_no_spelling_of_a_path_opens_it_to_anonymous(anonymous: Client, people: dict[str, Client], path: str) -> None:
    body = callback_body(people["admin"].callbacks()[OPEN_PAGE], {ROUTE: {"pathname": "/", "search": ""}})
    for answer in (anonymous.post(path, body), anonymous.get(path), anonymous.page(path)):
        # Below /assets there is a public route, which knows its own files only.
        assert answer.status in ({401, 404} if path.startswith("/assets") else {401, 302}), (answer.status, path)
        assert leaked(answer) == []
        assert "Revenue" not in answer.text


def test_pathname_in_the_body_opens_nothing_to_anonymous(anonymous: Client, people: dict[str, Client]) -> None:
    for output, specification in people["admin"].callbacks().items():
        forged = [{"id": "url", "property": "pathname", "value": path} for path in ("/signin", "/healthz", "/assets/x")]
        for inputs in (*([each] for each in forged), forged):
            answer = anonymous.post(UPDATE, callback_body(specification, {}) | {"inputs": inputs})
            assert answer.status == 401, output


@pytest.mark.parametrize("path", ["..%2f..%2fsrc/salescope/app.py", "%2e%2e/%2e%2e/setup.cfg", "/etc/passwd", "..\\x"])
def test_assets_stay_in_their_folder(anonymous: Client, path: str) -> None:
    answer = anonymous.get(f"/assets/{path}")
    assert answer.status in {401, 404}
    assert leaked(answer) == []


def test_policy_names_exactly_the_callbacks_the_server_has(gate: Gate, people: dict[str, Client]) -> None:
    assert set(gate.policy) == set(people["admin"].callbacks())
    assert len(gate.policy) >= 10


@pytest.mark.parametrize("role", [None, *ROLES])
def test_authorization_matrix_equals_the_policy(
    gate: Gate, server: Server, people: dict[str, Client], role: str | None
) -> None:
    found, wanted = {}, {}
    dependencies = people["admin"].callbacks()
    client = people[role] if role else Client(server.port)
    for output, permission in gate.policy.items():
        answer = client.post(UPDATE, callback_body(dependencies[output], {}))
        found[output] = answer.status if answer.status not in {200, 204} else "runs"
        wanted[output] = 401 if role is None else "runs" if permitted(role, permission) else 403
        assert leaked(answer) == [] or answer.status == 200
    assert found == wanted


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.key)
def test_page_answers_403_to_other_roles(people: dict[str, Client], page: Any, role: str) -> None:
    answer = people[role].page(page.path)
    assert answer.status == (200 if permitted(role, page.permission) else 403)
    content = people[role].callback(OPEN_PAGE, {ROUTE: {"pathname": page.path, "search": ""}})
    assert ("Not for your role" in content.text) == (not permitted(role, page.permission))


def test_refused_callback_is_in_the_audit_log(people: dict[str, Client], installation: Any) -> None:
    people["executive"].post(
        UPDATE, callback_body(people["admin"].callbacks()["lines-grid.getRowsResponse"], {"url.search": "\r\nforged"})
    )
    event = next(each for each in installation.accounts().events() if each.action == "denied")
    assert (event.actor, event.detail) == ("executive@example.com", "callback lines-grid.getRowsResponse")


def test_dependencies_name_only_what_the_role_may_run(gate: Gate, people: dict[str, Client]) -> None:
    allowed = {output for output, permission in gate.policy.items() if permitted("executive", permission)}
    assert set(people["executive"].callbacks()) == allowed


Body = dict[str, Any]
UNDECLARED: dict[str, Callable[[Body], Body]] = {
    "no inputs": lambda body: {key: value for key, value in body.items() if key != "inputs"},
    "no input in the list": lambda body: body | {"inputs": []},
    "one input too many": lambda body: body | {"inputs": [*body["inputs"], {"id": "x", "property": "y", "value": 1}]},
    "another id": lambda body: body | {"inputs": [each | {"id": "url"} for each in body["inputs"]]},
    "another property": lambda body: body | {"inputs": [each | {"property": "role"} for each in body["inputs"]]},
    "an id that is no text": lambda body: body | {"inputs": [each | {"id": {"a": 1}} for each in body["inputs"]]},
    "no id": lambda body: body | {"inputs": [{"value": 1} for _ in body["inputs"]]},
    "inputs that are no list": lambda body: body | {"inputs": {"id": "x"}},
    "inputs that are nothing": lambda body: body | {"inputs": None},
    "inputs that are texts": lambda body: body | {"inputs": ["x" for _ in body["inputs"]]},
    "a state of its own": lambda body: body | {"state": [*body["state"], {"id": "viewer", "property": "role"}]},
    "a state that is no list": lambda body: body | {"state": "admin"},
    "an output nobody registered": lambda body: body | {"output": "x.y"},
    "an output of the browser": lambda body: body | {"output": "theme.title"},
    "an output that is no text": lambda body: body | {"output": [body["output"]]},
    "a private name as output": lambda body: body | {"output": "__class__"},
}
#: Not refused by the gate: Dash fails on them.
NOT_CHECKED: dict[str, Callable[[Body], Body]] = {
    "no outputs": lambda body: {key: value for key, value in body.items() if key != "outputs"},
    "outputs of another callback": lambda body: body | {"outputs": {"id": "url", "property": "search"}},
    "outputs that are a number": lambda body: body | {"outputs": 1},
    "outputs that are nothing": lambda body: body | {"outputs": [None, None, None]},
    "changed ids that are a number": lambda body: body | {"changedPropIds": 1},
    "changed ids that are lists": lambda body: body | {"changedPropIds": [[]]},
    "a list of wildcard inputs where none is declared": lambda body: body | {"inputs": [[] for _ in body["inputs"]]},
}


@pytest.mark.parametrize("change", UNDECLARED.values(), ids=UNDECLARED)
def test_callback_with_what_it_does_not_declare_is_refused(
    people: dict[str, Client], change: Callable[[Body], Body]
) -> None:
    for specification in people["admin"].callbacks().values():
        answer = people["admin"].post(UPDATE, change(callback_body(specification, {})))
        assert answer.status == 400, answer.text
        assert leaked(answer) == []


@pytest.mark.parametrize("change", NOT_CHECKED.values(), ids=NOT_CHECKED)
def test_callback_with_outputs_or_lists_it_does_not_declare_is_refused(
    people: dict[str, Client], change: Callable[[Body], Body]
) -> None:
    answer = people["admin"].post(UPDATE, change(callback_body(people["admin"].callbacks()[OPEN_PAGE], {})))
    assert answer.status == 400


DEEP = b"[" * 100_000 + b"]" * 100_000
MALFORMED = {
    "nothing": b"",
    "no JSON": b"{",
    "an empty object": b"{}",
    "a list": b"[]",
    "null": b"null",
    "a number": b"1",
    "a text": b'"output"',
    "output null": b'{"output": null}',
    "bytes that are no text": b'{"output": "\xff\xfe"}',
    "a huge number": b'{"output": ' + b"9" * 5_000 + b"}",
    "NUL": b"\x00" * 100,
}


@pytest.mark.parametrize("body", MALFORMED.values(), ids=MALFORMED)
def test_malformed_body_is_refused(people: dict[str, Client], anonymous: Client, body: bytes) -> None:
    answer = people["admin"].post(UPDATE, body)
    assert answer.status == 400
    assert leaked(answer) == []
    assert anonymous.post(UPDATE, body).status == 401


@pytest.mark.parametrize("body", [DEEP, b'{"output": ' + DEEP + b"}"], ids=["lists", "in a body"])
def test_deeply_nested_body_is_refused(people: dict[str, Client], body: bytes) -> None:
    assert people["admin"].post(UPDATE, body).status == 400


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
def test_body_of_another_type_is_refused(people: dict[str, Client], kind: str) -> None:
    body = json.dumps(callback_body(people["admin"].callbacks()[OPEN_PAGE], {})).encode()
    assert people["admin"].post(UPDATE, body, {"Content-Type": kind}).status in {400, 415}


@pytest.mark.parametrize("path", [UPDATE, "/signin"])
def test_body_larger_than_the_limit_is_refused_before_it_is_sent(people: dict[str, Client], path: str) -> None:
    for kind in ("application/json", "application/x-www-form-urlencoded"):
        announced = {"Content-Type": kind, "Content-Length": str(2 * 1024 * 1024 + 1)}
        answer = people["admin"].send("POST", path, headers=announced)
        # The gate knows without reading that a form is no callback request.
        assert answer.status == (400 if path == UPDATE and "form" in kind else 413)
        assert answer.seconds < 2
        assert leaked(answer) == []


def test_background_handles_do_nothing(people: dict[str, Client]) -> None:
    body = callback_body(people["analyst"].callbacks()[OPEN_PAGE], {ROUTE: {"pathname": "/", "search": ""}})
    query = "?cacheKey=forged&job=1&oldJob=1&cancelJob=1"
    assert people["analyst"].post(UPDATE + query, body).status == 200


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "TRACE", "CONNECT", "PROPFIND", "_X"])
def test_other_methods_reach_nothing(people: dict[str, Client], anonymous: Client, method: str) -> None:
    for path in ("/", "/lines", UPDATE, "/signin", "/healthz"):
        for client in (anonymous, people["admin"]):
            answer = client.send(method, path, b"{}", JSON)
            assert answer.status in {400, 401, 403, 405, 501}, (method, path)


@pytest.mark.parametrize("path", ["nope/x.js", "dash/nope.js", "dash/..%2f..%2fsetup.py", "os/path.js"])
def test_unknown_component_file_is_not_found(people: dict[str, Client], path: str) -> None:
    assert people["analyst"].get(f"/_dash-component-suites/{path}").status == 404


ODD_ROUTES: list[object] = [
    None,
    1,
    "x",
    [],
    {},
    {"pathname": None, "search": None},
    {"pathname": ["/"], "search": {"a": 1}},
    {"pathname": "/", "search": "?from=0001-01-01&to=9999-12-31&compare=prior"},
    {"pathname": "/", "search": "?from=9999-12-31&to=9999-12-31"},
    {"pathname": "/", "search": "?country=%00&country=%ff%fe&a.b.c=d&=x&period="},
    {"pathname": "/lines", "search": "?quantity.gt=1e400&unit_price.lt=NaN&order_time.ge=0000-99-99"},
    {"pathname": "/lines", "search": "?sort=-nope&sort=country&limit=99999999&offset=-1"},
    {"pathname": "/", "search": "?country=Robert'); DROP TABLE facts;--&product.contains=' OR 1=1 --"},
    {"pathname": "/", "search": "?scope=ALL&role=admin&everything=1&viewer=admin@example.com"},
    {"pathname": "/" + "a" * 100_000, "search": "?" + "a" * 100_000},
]


@pytest.mark.parametrize("route", ODD_ROUTES, ids=lambda route: str(route)[:60])
def test_odd_address_gives_a_page_and_no_failure(people: dict[str, Client], route: object) -> None:
    answer = people["analyst"].callback(OPEN_PAGE, {ROUTE: route})
    assert answer.status == 200
    assert "Something went wrong" not in answer.text
    assert leaked(answer) == []


@pytest.mark.parametrize("path", ["/", "/lines"])
def test_address_with_a_product_that_has_no_lines(people: dict[str, Client], path: str) -> None:
    answer = people["analyst"].callback(OPEN_PAGE, {ROUTE: {"pathname": path, "search": "?product=nope"}})
    assert "Something went wrong" not in answer.text


def test_half_a_surrogate_pair_in_the_address(people: dict[str, Client]) -> None:
    assert people["analyst"].callback(OPEN_PAGE, {ROUTE: {"pathname": "/\ud800", "search": ""}}).status == 200


def test_address_with_very_many_parameters_is_bounded(people: dict[str, Client]) -> None:
    search = "?" + "&".join(f"x{number}=1" for number in range(20_000))
    answer = people["analyst"].callback(OPEN_PAGE, {ROUTE: {"pathname": "/", "search": search}})
    assert len(answer.body) < 500_000


GRID = "lines-grid.getRowsResponse"
ASKED = "lines-grid.getRowsRequest"
ODD_REQUESTS: list[object] = [
    None,
    "x",
    {},
    {"startRow": None, "endRow": {}},
    {"startRow": -1, "endRow": 10},
    {"startRow": 0, "endRow": 10, "filterModel": [1]},
    {"startRow": 0, "endRow": 10, "filterModel": {"country": None}},
    {"startRow": 0, "endRow": 10, "filterModel": {"country": {"type": {}, "filter": []}}},
    {"startRow": 0, "endRow": 10, "filterModel": {"country; DROP TABLE": {"type": "equals", "filter": "x"}}},
    {"startRow": 0, "endRow": 10, "filterModel": {"quantity": {"type": "greaterThan", "filter": "1 OR 1=1"}}},
    {"startRow": 0, "endRow": 10, "sortModel": [{"colId": "1; DROP TABLE facts", "sort": "desc"}]},
    {"startRow": 0, "endRow": 10, "sortModel": {"colId": "country"}},
]
EMPTY_REQUESTS: list[object] = [
    {"startRow": 10**30, "endRow": 10**30 + 10},
    {"startRow": 0, "endRow": 10, "filterModel": {"quantity": {"type": "greaterThan", "filter": 10**30}}},
    {"startRow": 0, "endRow": 10, "filterModel": {"country": {"type": "contains", "filter": "\ud800"}}},
    {"startRow": 0, "endRow": 10, "filterModel": {"country": {"type": "contains", "filter": "no such country"}}},
]


def test_request_of_the_grid_for_endless_rows(people: dict[str, Client]) -> None:
    asked = {"startRow": 0, "endRow": float("inf")}
    assert refused_politely(people["analyst"].callback(GRID, {ASKED: asked, "url.search": ""}))


def refused_politely(answer: Answer) -> bool:
    return answer.status == 200 and "Something went wrong" not in answer.text and not leaked(answer)


@pytest.mark.parametrize("request_", ODD_REQUESTS, ids=lambda request: str(request)[:70])
def test_odd_request_of_the_grid_is_refused_in_words(people: dict[str, Client], request_: object) -> None:
    assert refused_politely(people["analyst"].callback(GRID, {ASKED: request_, "url.search": ""}))


@pytest.mark.parametrize("request_", EMPTY_REQUESTS, ids=lambda request: ascii(request)[:90])
def test_request_of_the_grid_that_finds_nothing(people: dict[str, Client], request_: object) -> None:
    assert refused_politely(people["analyst"].callback(GRID, {ASKED: request_, "url.search": ""}))


@pytest.mark.parametrize("path", ["/_mcp", "/mcp", "/_mcp/", "/_dash-mcp"])
def test_mcp_stays_off_whatever_the_environment_says(production: Server, path: str) -> None:
    anonymous = Client(production.port, "sales.example.com", "__Host-salescope")
    call = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {}}
    assert anonymous.post(path, call).status == 401
    admin = anonymous.sign_in_as("admin")
    assert admin.post(path, call).status in {403, 404, 405}
    assert "jsonrpc" not in admin.get(path, PAGE).text


def test_debugging_in_the_environment_shows_nothing(production: Server) -> None:
    admin = Client(production.port, "sales.example.com", "__Host-salescope").sign_in_as("admin")
    for answer in (
        admin.get("/_dash-component-suites/nope/x.js"),
        admin.post(UPDATE, b"{}"),
        admin.get("/?__debugger__=yes&cmd=resource&f=debugger.js"),
        admin.get("/console"),
    ):
        assert leaked(answer) == []
        assert '"ui":true' not in answer.text.replace(" ", "")


def test_nobody_can_make_a_user_over_http(app: flask.Flask) -> None:
    names = " ".join(rule.rule for rule in app.url_map.iter_rules())
    assert not [word for word in ("setup", "register", "install", "user", "account", "invite") if word in names]
    assert len(PASSWORDS) == len(ROLES)
