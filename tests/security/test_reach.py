"""Every callback, export, first page and API answer, attacked with values of countries a manager may not see.

The program finds the callbacks by itself and fills their inputs by what kind of property they are, so that what is
added later is attacked as well.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator, Mapping
from urllib.parse import urlencode

import pytest

from layouts.ask import QUESTION
from salescope import installation as product
from salescope.gate import Gate
from salescope.pages import PAGES
from services.access import Permission
from tests.client import Answer, Client
from tests.security import test_canary
from tests.security.leaks import leaked
from tests.security.test_canary import Facts, foreign, signed_in_with
from tests.serving import MANAGER_SCOPE, Installation, Server

#: The fixture of the canaries.
facts = test_canary.facts
ROWS = {"startRow": 0, "endRow": 100, "sortModel": [{"colId": "country", "sort": "desc"}]}
MANAGER = "reach@scopes.example"
BLUNT = "?period=all&country.ge=A&by=country"


def queries(facts: Facts) -> list[str]:
    """Return queries as the browser keeps them with a tile."""
    every = {"measures": ["revenue"], "dimensions": ["country"], "period": {"preset": "all"}}
    one = {"field": "country", "operator": "is", "values": ["Spain", "United Kingdom"]}
    goods = {"field": "product", "operator": "is", "values": [facts.foreign_product]}
    lines = {"columns": ["order_id", "country", "product_name"], "period": {"preset": "all"}, "limit": 500}
    by_product = every | {"dimensions": ["product"], "limit": 100_000}
    asked = (every, every | {"filters": [one]}, by_product, by_product | {"filters": [goods]}, lines)
    return [json.dumps(each) for each in asked]


def searches(facts: Facts) -> list[str]:
    """Return addresses: of filters, of single things, and of questions."""
    return [
        BLUNT,
        "?period=all&country=Spain&country=United+Kingdom&by=product",
        f"?period=all&product={facts.foreign_product}&kind=product&show=record",
        f"?order={facts.uk_order}&order_id={facts.uk_order}&kind=order&key={facts.uk_order}",
        f"?{urlencode({QUESTION: f'revenue of {facts.foreign_label} in Spain by country'})}",
    ]


def values(facts: Facts) -> dict[str, list[object]]:
    """Return what a browser could send, by the property it is sent for; other properties get one of each kind."""
    texts = [facts.foreign_label, facts.foreign_product, "Span", "revenue in spa", "uni", facts.uk_order]
    mark = {"measure": "revenue", "at": [["country", "Spain"], ["product", facts.foreign_product]], "label": "x"}
    tile = {"mark": mark, "path": "/", "search": BLUNT, "title": "x"}
    panels = [tile | {"kind": "about", "query": query} for query in queries(facts)]
    panels += [tile | {"kind": kind, "query": queries(facts)[1]} for kind in ("menu", "filter", "views")]
    pages = [{"search": search, "from": "address", "at": 1, "pathname": "/"} for search in searches(facts)]
    rows = [ROWS | {"filterModel": {"country": {"type": "notEqual", "filter": "Germany"}}}]
    return {
        "data": [*pages, *panels],
        "search": [*searches(facts)],
        "search_value": [*texts],
        "value": [*texts],
        "getRowsRequest": [*rows],
        "": [1, texts[0], panels[0], [{"country": "Germany", "order_id": facts.uk_order}]],
    }


@pytest.fixture(scope="module")
def manager(server: Server, installation: Installation) -> Client:
    """Somebody of these tests' own with a manager's rows who may export lines and load data besides."""
    return signed_in_with(server, installation, MANAGER, MANAGER_SCOPE, "analyst")


def test_no_callback_tells_of_another_country(facts: Facts, gate: Gate, manager: Client) -> None:
    pool, sent = values(facts), 0
    assert set(manager.callbacks()) < set(gate.policy)
    for output, row in manager.callbacks().items():
        given = [
            (f"{item['id']}.{item['property']}", pool.get(item["property"], pool[""]))
            for item in (*row["inputs"], *row["state"])
        ]
        rounds = max(len(values) for _, values in given)
        # Forecasts take their time, and what they answer of is asked of the same service as all else.
        for number in range(rounds if gate.policy[output] != Permission.FORECAST_RUN else 2):
            sending = {name: values[number % len(values)] for name, values in given}
            answer = manager.callback(output, sending)
            assert answer.status in {200, 204}, (output, sending, answer.text)
            assert "Something went wrong" not in answer.text, (output, sending)
            assert foreign(answer, facts, f"{json.dumps(sending)} {searches(facts)}") == [], (output, sending)
            sent += 1
    assert sent > 200


def text_of(answer: Answer) -> Answer:
    """Return an answer whose body is the text of all files within, where it is a workbook."""
    if not answer.body.startswith(b"PK"):
        return answer
    with zipfile.ZipFile(io.BytesIO(answer.body)) as book:
        text = b"\n".join(book.read(name) for name in book.namelist())
    return Answer(answer.status, answer.headers, text, answer.cookies, answer.seconds)


def exports(facts: Facts) -> Iterator[tuple[str, Mapping[str, str]]]:
    for query in queries(facts):
        for kind in ("csv", "xlsx"):
            yield f"answer.{kind}", {"query": query, "title": "x"}
    for search in searches(facts):
        for page in PAGES:
            yield "page.xlsx", {"path": page.path, "search": search}
        yield "lines.csv", {"search": search}


def test_no_file_tells_of_another_country(facts: Facts, people: dict[str, Client], manager: Client) -> None:
    whole = 0
    for what, asked in exports(facts):
        answer = manager.get(f"/exports/{what}?{urlencode(asked)}")
        assert answer.status in {200, 400, 403}, (what, asked)
        whole += answer.status == 200
        assert foreign(text_of(answer), facts, json.dumps(asked)) == [], (what, asked)
    assert whole > 10
    seen = people["admin"].get(f"/exports/answer.xlsx?{urlencode({'query': queries(facts)[0], 'title': 'x'})}")
    assert {"United Kingdom", "Spain"} <= set(foreign(text_of(seen), facts))


def test_loads_are_for_those_who_see_all_rows(manager: Client) -> None:
    """Totals, rejected lines and taking back reach beyond a row scope."""
    for path in ("/data/recipe.yaml", "/data/loads/1/rejects.csv", "/data/rejects/a1.csv"):
        answer = manager.get(path)
        assert (answer.status, "yours are country: France, Germany" in answer.text) == (403, True), path
    assert manager.post("/data/uploads", {}).status == 403


def test_no_first_page_tells_of_another_country(facts: Facts, people: dict[str, Client], manager: Client) -> None:
    for page in PAGES:
        showing = page.permission in test_canary.SHOWING
        for search in ("?scope=ALL&viewer=admin@example.com", *(searches(facts) if showing else ())):
            answer = manager.get(f"/_dash-layout?{urlencode({'at': page.path + search})}")
            assert answer.status == 200
            assert foreign(answer, facts, f"{search} {searches(facts)}") == [], (page.path, search)
    for at in (
        "//evil.example",
        "/\ud800".encode("utf-8", "replace").decode(),
        "?",
        "/" + "a" * 5_000,
        "/lines?" * 300,
    ):
        answer = people["executive"].get(f"/_dash-layout?{urlencode({'at': at})}")
        assert answer.status == 200
        assert leaked(answer) == []
    assert "lines-grid" not in people["executive"].get("/_dash-layout?at=/lines").text


@pytest.mark.usefixtures("manager")
def test_no_forecast_tells_of_another_country(facts: Facts, installation: Installation, server: Server) -> None:
    tokens = product.tokens(installation.settings())
    token = tokens.create(MANAGER, "reach", ["dashboards:view", "forecast:run"], 1, by="tests")
    client, headers = Client(server.port), {"Authorization": f"Bearer {token}"}
    query = {"measures": ["revenue"], "grain": "month", "period": {"preset": "all"}}
    spain = {"filters": [{"field": "country", "operator": "is", "values": ["Spain"]}]}
    answer = client.post("/api/v1/forecast", {"query": query | spain, "horizon": 1}, headers)
    assert answer.status in {200, 400, 422}
    assert foreign(answer, facts, "Spain") == []
    of_nobody = client.get("/api/v1/forecast/00000000-0000-0000-0000-000000000000", headers)
    assert (of_nobody.status, leaked(of_nobody)) == (404, [])
