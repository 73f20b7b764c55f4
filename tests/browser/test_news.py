"""An open page shows orders that came in over the API, by itself, and says so."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from http.client import HTTPConnection

import pytest
from playwright.sync_api import Page

from salescope import installation as product
from tests.browser.conftest import Visitor
from tests.browser.test_pages import accessibility_faults
from tests.serving import Installation, Server, email_of, running_server

ORDER = {
    "order_id": "LIVE1",
    "order_time": "2011-12-09T12:50:00",
    "line_kind": "sale",
    "product_id": "85123A",
    "country": "United Kingdom",
    "country_code": "GBR",
    "quantity": 1,
    "unit_price": 1000000,
    "revenue": 1000000,
}
NEWS = "#news-box.on [role=status]"

HEIGHTS = "[...document.querySelectorAll('.graph')].map(graph => graph.offsetHeight)"


@pytest.fixture(scope="module")
def own(installation: Installation, tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """An installation to publish into."""
    return installation.copied_to(tmp_path_factory.mktemp("news") / "instance")


@pytest.fixture(scope="module")
def server(own: Installation, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running_server(own, tmp_path_factory.mktemp("news-log") / "server.log") as running:
        yield running


@pytest.fixture(scope="module")
def token(own: Installation) -> str:
    return product.tokens(own.settings()).create(email_of("analyst"), "shop", ["data:load"], 1, by="tests")


def send(server: Server, token: str, key: str, **changed: object) -> None:
    connection = HTTPConnection("127.0.0.1", server.port, timeout=90)
    headers = {
        "Authorization": f"Bearer {token}",
        "Content-Type": "application/x-ndjson",
        "Idempotency-Key": key,
    }
    connection.request("POST", "/api/v1/orders", json.dumps(ORDER | changed).encode(), headers)
    answer = connection.getresponse()
    assert answer.status == 202, answer.read()
    connection.close()


def revenue(page: Page) -> float:
    return float(page.inner_text(".kpi .value >> nth=0").lstrip("£").rstrip("Mk"))


def test_open_overview_shows_new_orders_and_says_so(visit: Visitor, server: Server, token: str) -> None:
    tab = visit("analyst", "/?period=all&country=United+Kingdom&compare=none")
    page = tab.page
    before, address, heights = revenue(page), page.url, page.evaluate(HEIGHTS)
    page.evaluate("window.stayed = true; window.scrollTo(0, 300)")
    page.wait_for_timeout(500)
    scrolled = page.evaluate("window.scrollY")
    assert scrolled > 100
    sent = time.monotonic()
    send(server, token, "one")
    page.wait_for_selector(NEWS, timeout=60_000)
    page.wait_for_function(
        "before => parseFloat(document.querySelector('.kpi .value').innerText.slice(1)) > before", arg=before
    )
    assert time.monotonic() - sent < 60
    assert revenue(page) == pytest.approx(before + 1, abs=0.06)
    assert page.inner_text(NEWS).startswith("New data. The page shows them since ")
    assert page.url == address
    assert page.evaluate(HEIGHTS) == heights
    assert page.evaluate("[window.stayed, window.scrollY]") == [True, scrolled]
    assert accessibility_faults(page) == []
    page.click("#news-box button[aria-label=Dismiss]")
    page.wait_for_selector("#news-box:not(.on)", state="attached")
    assert page.inner_text("#news") == ""
    time.sleep(6)
    assert page.inner_text("#news") == "", "it comes again without new data"
    assert tab.problems == []


def test_open_lines_show_new_orders(visit: Visitor, server: Server, token: str) -> None:
    tab = visit("analyst", "/lines?from=2011-12-09&to=2011-12-09&order=LIVE2")
    page = tab.page
    page.wait_for_function("() => document.querySelector('#lines-count').innerText.startsWith('0 ')")
    send(server, token, "two", order_id="LIVE2")
    page.wait_for_selector(NEWS, timeout=60_000)
    page.wait_for_function("() => document.querySelector('#lines-count').innerText.startsWith('1 ')")
    page.wait_for_selector(".ag-row >> text=LIVE2")
    assert tab.problems == []


def test_page_is_not_asked_for_in_the_background_nor_after_sign_out(visit: Visitor, own: Installation) -> None:
    tab = visit("executive")
    asked: list[float] = []
    tab.page.on("request", lambda request: asked.append(0) if "/data/version" in request.url else None)
    page = tab.open("/")
    page.evaluate(
        "Object.defineProperty(document, 'visibilityState', {value: 'hidden', configurable: true});"
        "document.dispatchEvent(new Event('visibilitychange'))"
    )
    seen = len(asked)
    time.sleep(6)
    assert len(asked) == seen
    page.evaluate("delete document.visibilityState; document.dispatchEvent(new Event('visibilitychange'))")
    page.wait_for_timeout(300)
    assert len(asked) == seen + 1
    own.accounts().set_active(email_of("executive"), active=False)
    page.wait_for_timeout(6_000)
    refused = len(asked)
    assert refused == seen + 2
    page.wait_for_timeout(6_000)
    assert len(asked) == refused
