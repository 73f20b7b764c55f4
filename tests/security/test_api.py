"""The API attacked: no token, wrong tokens, tokens of the wrong kind; nobody sees a byte outside their scope."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from salescope import installation as product
from salescope.app import create_app
from salescope.gate import UnguardedError
from salescope.policy import API
from services.access import NOTHING, ROLES, Permission
from services.database import SignedIn, open_database, utc_now
from tests.client import Answer, Client
from tests.security import test_canary
from tests.security.leaks import leaked
from tests.security.test_canary import Facts, foreign
from tests.serving import ALLOWED, Installation, Server, email_of

QUERY, ORDERS = "/api/v1/query", "/api/v1/orders"
#: The fixture of the canaries.
facts = test_canary.facts
NDJSON = {"Content-Type": "application/x-ndjson", "Idempotency-Key": "attack"}
ALL = {"preset": "all"}


def token_of(installation: Installation, role: str, *may: str) -> str:
    return product.tokens(installation.settings()).create(email_of(role), role, may, 1, by="tests")


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def ask(client: Client, token: str, query: Mapping[str, Any], **more: str) -> Answer:
    return client.get(f"{QUERY}?{urlencode({'q': json.dumps(query)} | more)}", bearer(token))


@pytest.fixture(scope="module")
def manager(installation: Installation) -> str:
    return token_of(installation, "manager", "dashboards:view", "lines:view")


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
@pytest.mark.parametrize("path", [QUERY, ORDERS, f"/{QUERY}", f"{QUERY}/", "/api/v1/", "/api"])
def test_anonymous_gets_nothing(anonymous: Client, method: str, path: str) -> None:
    answer = anonymous.send(method, path, b"{}", NDJSON | {"Accept": "text/html"})
    assert answer.status in {302, 401, 403}
    assert leaked(answer) == []
    if path in (QUERY, ORDERS) and answer.status == 401 and method in ("GET", "POST"):
        allowed = {QUERY: ("GET", "POST"), ORDERS: ("POST",)}[path]
        assert method not in allowed or answer.headers["WWW-Authenticate"].startswith("Bearer")


WRONG = [
    "",
    "Bearer",
    "Bearer ",
    "Bearer x",
    "Bearer sst_",
    "bearer sst_x",
    "Basic YTpi",
    "sst_x",
    "Bearer sst_x sst_y",
]


@pytest.mark.parametrize("header", [*WRONG, "Bearer \xff"])
def test_wrong_authorization_is_nobody_even_beside_a_session(
    anonymous: Client, people: dict[str, Client], header: str
) -> None:
    path = f"{QUERY}?{urlencode({'q': json.dumps({'measures': ['revenue']})})}"
    assert anonymous.get(path, {"Authorization": header}).status == 401
    if header:
        assert people["admin"].get(path, {"Authorization": header}).status == 401
    assert people["admin"].get(path).status == 200


def test_cookie_changes_nothing_through_the_api(people: dict[str, Client]) -> None:
    """A browser sends cookies along for other sites: only what a program adds itself may change data."""
    for path, headers in ((ORDERS, NDJSON), (QUERY, {"Content-Type": "application/json"})):
        answer = people["admin"].send("POST", path, b"{}", headers)
        assert answer.status == 401
        assert people["admin"].send("POST", path, b"{}", headers | {"Sec-Fetch-Site": "same-origin"}).status == 401


@pytest.mark.parametrize("role", ROLES)
def test_token_may_no_more_than_its_permissions(installation: Installation, server: Server, role: str) -> None:
    client = Client(server.port)
    for permission in ROLES[role].permissions:
        token = token_of(installation, role, permission)
        lines = {"columns": ["order_id"], "limit": 1}
        found = {
            "query": ask(client, token, {"measures": ["revenue"]}).status,
            "lines": ask(client, token, lines).status,
            "orders": client.send("POST", ORDERS, b"", NDJSON | bearer(token)).status,
        }
        # Order lines are asked for through the same door as dashboards.
        assert found == {
            "query": 200 if permission is Permission.DASHBOARDS_VIEW else 403,
            "lines": 403,
            "orders": 400 if permission is Permission.DATA_LOAD else 403,
        }


def test_token_loses_what_its_user_loses(installation: Installation, server: Server) -> None:
    accounts = installation.accounts()
    accounts.add("temp@example.com", "", "analyst", password="a password made for this test")
    tokens = product.tokens(installation.settings())
    token = tokens.create("temp@example.com", "x", ["dashboards:view", "data:load"], 1, by="tests")
    client = Client(server.port)
    assert client.send("POST", ORDERS, b"", NDJSON | bearer(token)).status == 400
    assert ask(client, token, {"measures": ["lines"], "period": ALL}).json().get("rows", [{}])[0].get("rows", 0) == 0
    accounts.set_role("temp@example.com", "executive")
    assert client.send("POST", ORDERS, b"", NDJSON | bearer(token)).status == 403
    accounts.set_scope("temp@example.com", NOTHING)
    assert ask(client, token, {"measures": ["revenue"]}).status == 200
    accounts.set_active("temp@example.com", active=False)
    assert ask(client, token, {"measures": ["revenue"]}).status == 401
    assert any(event.action == "token refused" for event in accounts.events())


def test_token_opens_nothing_but_the_api(installation: Installation, server: Server, people: dict[str, Client]) -> None:
    token = token_of(installation, "admin", *(permission.value for permission in ROLES["admin"].permissions))
    client = Client(server.port)
    for path in ("/", "/lines", "/_dash-layout", "/_dash-dependencies", "/data/version"):
        assert client.get(path, bearer(token)).status == 401
    assert client.post("/_dash-update-component", {}, bearer(token)).status == 401
    assert client.cookie == ""


def test_denied_program_is_in_the_audit_log(installation: Installation, server: Server) -> None:
    token = token_of(installation, "executive", "dashboards:view")
    assert Client(server.port).send("POST", ORDERS, b"", NDJSON | bearer(token)).status == 403
    event = installation.accounts().events()[0]
    assert (event.action, event.actor, event.detail) == ("denied", "executive@example.com", "API data:load")


BY_COUNTRY: dict[str, Any] = {"measures": ["revenue"], "dimensions": ["country"]}
QUERIES: list[dict[str, Any]] = [
    BY_COUNTRY,
    {"measures": ["revenue"], "dimensions": ["product"], "limit": 100000},
    BY_COUNTRY | {"compare": "prior"},
    {
        "measures": ["revenue"],
        "dimensions": ["country"],
        "filters": [{"field": "country", "operator": "is", "values": ["Spain"]}],
    },
    {
        "measures": ["revenue"],
        "dimensions": ["country"],
        "filters": [{"field": "country", "operator": "not", "values": ["Germany"]}],
    },
    {
        "measures": ["revenue"],
        "dimensions": ["country"],
        "filters": [{"field": "country", "operator": "contains", "values": [""]}],
    },
    {"columns": ["order_id", "country", "country_code", "product_id", "product_name"], "limit": 100000},
    {"columns": ["country", "order_id"], "sort": [{"field": "country", "descending": True}], "limit": 1000},
    {"columns": ["country", "order_id"], "filters": [{"field": "line_kind", "operator": "is", "values": ["bad debt"]}]},
]


@pytest.mark.parametrize("form", ["json", "csv", "arrow"])
@pytest.mark.parametrize("query", QUERIES, ids=lambda query: json.dumps(query)[:70])
def test_no_answer_holds_a_byte_of_another_country(
    facts: Facts, server: Server, manager: str, query: dict[str, Any], form: str
) -> None:
    answer = ask(Client(server.port), manager, query | {"period": ALL}, format=form)
    assert answer.status == 200
    asked = json.dumps(query)
    text = Answer(200, {}, answer.body.decode("utf-8", "replace").encode(), (), 0)
    assert foreign(text, facts, asked) == []
    if form == "json" and "country" in query.get("columns", query.get("dimensions", [])):
        assert {row["country"] for row in answer.json()["rows"]} <= set(ALLOWED)


def test_the_same_look_at_an_answer_for_all_finds_the_canaries(
    facts: Facts, installation: Installation, server: Server
) -> None:
    token = token_of(installation, "admin", "dashboards:view")
    answer = ask(Client(server.port), token, {"measures": ["revenue"], "dimensions": ["country"], "period": ALL})
    assert {"United Kingdom", "Spain", "GBR"} <= set(foreign(answer, facts))


@pytest.mark.parametrize("first", ["admin", "manager"])
def test_answers_kept_for_one_are_not_given_to_another(
    installation: Installation, server: Server, manager: str, first: str
) -> None:
    tokens = {"admin": token_of(installation, "admin", "dashboards:view"), "manager": manager}
    period = {"first": "2011-05-03", "last": f"2011-05-{'20' if first == 'admin' else '21'}"}
    order = [first, *(name for name in tokens if name != first)]
    found: dict[str, set[float]] = {name: set() for name in tokens}
    for name in order * 2:
        rows = ask(Client(server.port), tokens[name], {"measures": ["revenue"], "period": period}).json()["rows"]
        found[name].add(rows[0]["revenue"])
    assert len(found["admin"]) == len(found["manager"]) == 1
    assert found["admin"] != found["manager"]


def test_start_is_refused_for_an_endpoint_of_programs_without_a_permission(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(API, "api_query", None)
    with pytest.raises(UnguardedError, match="'api_query'"):
        create_app(installation.settings())


def test_open_page_alone_does_not_make_a_session_last(installation: Installation, server: Server) -> None:
    accounts = installation.accounts()
    accounts.add("idle@example.com", "", "executive", password="a password made for this test")
    client = Client(server.port)
    assert client.sign_in("idle@example.com", "a password made for this test").status == 302
    engine = open_database(installation.settings().database_url)

    def seen(back: int) -> dt.datetime:
        with Session(engine) as session:
            row = session.scalars(sa.select(SignedIn).order_by(SignedIn.created_at.desc())).first()
            assert row is not None
            if back:
                row.seen_at = utc_now() - dt.timedelta(minutes=back)
                session.commit()
            return row.seen_at

    before = seen(10)
    assert client.get("/data/version").status == 200
    assert seen(0) == before
    assert client.page("/").status == 200
    assert seen(0) > before
    seen(31)
    assert client.get("/data/version").status == 401
    engine.dispose()
