"""What a person does with any tile, and what a first visit costs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Error
from pypdf import PdfReader
from python_calamine import CalamineWorkbook

from tests.benchmarks.browser import contexts, first_visit, sign_in
from tests.browser.conftest import MAX_ANSWER, PHONE, Visit, Visitor
from tests.browser.test_pages import accessibility_faults
from tests.serving import Server

MAX_REQUESTS, MAX_BYTES = 20, 900_000


def mark(tab: Visit, tile: str, row: str) -> None:
    """Open the drill menu of a row of a tile's table."""
    page = tab.page
    if not page.is_visible(f".chart-{tile} table"):
        page.click(f".chart-{tile} .as-table summary")
    page.click(f".chart-{tile} button[data-mark]:text-is('{row}')")
    page.wait_for_selector("#panel:not([hidden]) a")


def follow(tab: Visit, entry: str, asked: str) -> None:
    """Choose an entry of the menu, and wait until the tiles ask for what it says."""
    tab.page.click(f"#panel a:text-is('{entry}')")
    tab.page.wait_for_selector("#panel", state="hidden")
    shows(tab, asked)


def shows(tab: Visit, asked: str) -> None:
    """Wait until the query behind the trend has this in it."""
    tab.page.wait_for_selector(f".chart-trend [data-query*='{asked}']", state="attached")


def test_first_visit_is_light(browser: Browser, server: Server) -> None:
    with contexts(browser) as make:
        context = make()
        sign_in(context, server)
        _, _, traffic = first_visit(context, server)
    # What an open page asks again and again, it asks once in a first visit; on a busy machine the layout comes alone.
    asked = {url.partition("?at=")[0] for size, _, url in traffic.rows if size}
    assert len(asked) <= MAX_REQUESTS, asked
    assert traffic.bytes <= MAX_BYTES
    assert traffic.largest[0] <= MAX_ANSWER


def test_analyst_goes_from_the_year_to_the_order_line_and_sends_the_address(visit: Visitor) -> None:
    tab = visit("analyst")
    page = tab.page
    mark(tab, "trend", "Nov 2011")
    assert accessibility_faults(page) == []
    follow(tab, "Nov 2011 by week", '"grain":"week"')
    assert "from=2011-11-01&to=2011-11-30" in page.url
    mark(tab, "places", "France")
    follow(tab, "Only France", "France")
    assert page.inner_text(".trail [aria-label='Filters in force']").startswith("Country: France")
    mark(tab, "trend", "from 14 Nov 2011")
    page.click("#panel a:text-is('The order lines')")
    page.wait_for_selector(".ag-center-cols-container .ag-row")
    assert "14 Nov 2011 – 20 Nov 2011" in page.inner_text("#lines-count")
    cells = (
        "[...document.querySelectorAll('.ag-center-cols-container [col-id=country]')].map((cell) => cell.textContent)"
    )
    page.wait_for_function(f"() => {cells}.length && {cells}.every((text) => text === 'France')")
    count, address = page.inner_text("#lines-count"), page.url.removeprefix(tab.server.url)
    other = visit("analyst")
    other.open(address)
    other.page.wait_for_selector(".ag-center-cols-container .ag-row")
    assert other.page.inner_text("#lines-count") == count
    assert tab.problems == other.problems == []


def test_marks_are_dragged_over_and_undone_by_one_key(visit: Visitor) -> None:
    tab = visit("analyst", "/")
    page = tab.page
    area = page.locator("#overview-places .nsewdrag").bounding_box()
    assert area is not None
    page.mouse.move(area["x"] + 60, area["y"] + 4)
    page.mouse.down()
    page.mouse.move(area["x"] + 200, area["y"] + 0.19 * area["height"], steps=5)
    page.mouse.up()
    page.wait_for_selector(".chip >> text=Country: United Kingdom, Netherlands, Ireland")
    shows(tab, "Netherlands")
    page.keyboard.press("u")
    page.wait_for_selector(".chip", state="detached")
    markup = "(type) => window.salescope.Markup({tree: [{namespace: 'dash_html_components', type, props: {}}]}).props"
    assert page.evaluate(markup, "Em")
    for kind in ("Script", "Iframe", "svg", "my-element"):
        with pytest.raises(Error, match="Markup cannot hold"):
            page.evaluate(markup, kind)
    drawn = "(props) => Object.keys(window.salescope.Markup({tree: [], ...props}).props).sort()"
    kept = {"id": "a", "href": "/lines?a=1", "title": "javascript:x", "data-mark": "{}", "src": "https://a.example"}
    assert page.evaluate(drawn, kept) == sorted(kept)
    hostile: dict[str, object] = {
        "href": "javascript:x",
        "xlinkHref": "\x01javascript:x",
        "HREF": " javascript:x",
        "formAction": "data:x",
    }
    hostile |= {"onClick": "x", "ONERROR": "x", "srcDoc": "<b>", "src": {"toString": 1}, "dangerouslySetInnerHTML": {}}
    assert page.evaluate(drawn, hostile) == []
    assert tab.problems == []


def test_what_is_slow_or_does_not_come_is_said(visit: Visitor) -> None:
    """A slow answer says what it is about and can be given up; one that fails never passes for what was asked for."""
    tab = visit("executive")
    page, asked = tab.page, "**/_dash-update-component*"
    year = tab.first_kpi()
    page.route(asked, lambda _never_answered: None, times=1)
    page.select_option("#overview-period", "last_month")
    page.wait_for_selector("#slow >> text=Asking the data for Overview")
    page.click("#slow button")
    page.wait_for_selector("#problems >> text=Cancelled. The page shows what it showed before.")
    page.wait_for_function("() => document.querySelector('#overview-period').value === 'ytd'")
    assert tab.first_kpi() == year
    for act, words in (
        (lambda route: route.fulfill(status=500, json={"error": "The disk is full."}), "The disk is full."),
        (lambda route: route.fulfill(status=401, json={"error": "Sign in."}), "Reload to sign in"),
        (lambda route: route.abort(), "The server does not answer"),
    ):
        page.route(asked, act, times=1)
        page.select_option("#overview-period", "mtd")
        page.wait_for_selector(f".stale #broken >> text={words}")
        page.select_option("#overview-period", "ytd")
        page.wait_for_selector("#broken", state="detached")
        tab.expect_kpi(year)
    page.route("**/_dash-layout*", lambda route: route.abort())
    page.goto(tab.server.url)
    page.wait_for_selector("#broken >> text=The page could not be loaded")


def test_two_managers_open_the_same_address_and_see_their_own_rows(visit: Visitor) -> None:
    manager, analyst = visit("manager"), visit("analyst")
    address = "/?from=2011-11-01&to=2011-11-30&compare=prior"
    rows = []
    for tab in (manager, analyst):
        page = tab.open(address)
        page.click(".chart-places .as-table summary")
        rows.append(page.locator(".chart-places tbody th").all_inner_texts())
    assert set(rows[0]) == {"Germany", "France"}
    assert len(rows[1]) > 20
    assert manager.first_kpi() != analyst.first_kpi()


def test_executive_on_a_phone_finds_what_fell_and_where(visit: Visitor) -> None:
    tab = visit("executive", "/?from=2011-04-01&to=2011-04-30", size=PHONE)
    page = tab.page
    assert "▼" in page.inner_text(".kpi:has(a:text-is('Orders'))")
    page.click(".kpi:has(.tone-bad) h2 a:text-is('Orders')")
    page.wait_for_url(re.compile("measure=orders"))
    page.wait_for_selector(".chart-places h2:text-is('Orders by country')")
    mark(tab, "places", "Germany")
    width, shown = page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
    assert width <= shown
    assert page.locator("#panel a").count() >= 5
    tab.picture("drill-phone")
    follow(tab, "Only Germany", "Germany")
    page.wait_for_selector(".chip")
    page.keyboard.press("u")
    page.wait_for_selector(".chip", state="detached")
    mark(tab, "places", "Germany")
    follow(tab, "Germany with the rest", "Germany")
    page.wait_for_selector("#overview-rest >> text=The rest")
    assert tab.problems == []


def test_files_match_the_screen(visit: Visitor, tmp_path: Path) -> None:
    tab = visit("manager", "/?period=last_month")
    page = tab.page
    shown = page.inner_text(".kpi .value >> nth=0")
    page.click(".chart-places .as-table summary")
    rows = page.locator(".chart-places tbody tr").all_inner_texts()
    files = {}
    for kind in ("xlsx", "pdf"):
        page.click(".view-menu summary")
        with page.expect_download(timeout=90_000) as download:
            page.click(f"[data-page-export={kind}]")
        files[kind] = tmp_path / f"page.{kind}"
        download.value.save_as(files[kind])
    book = CalamineWorkbook.from_path(files["xlsx"])
    assert book.get_sheet_by_name("Key figures").to_python()[1][:2] == ["Revenue", shown]
    sheet = book.get_sheet_by_name("Revenue by country").to_python()
    assert [row.split("\t")[0] for row in rows] == [str(row[0]) for row in sheet[1:-1]]
    for row, texts in zip(sheet[1:-1], rows, strict=True):
        assert f"£{row[1]:,.2f}" == texts.split("\t")[1]
    about = {str(name): str(text) for name, text, *_ in book.get_sheet_by_name("About this file").to_python()}
    assert about["Period"] == "1 Nov 2011 – 30 Nov 2011"
    assert about["Rows of"].startswith("manager@example.com")
    told = " ".join(" ".join(each.extract_text() for each in PdfReader(files["pdf"]).pages).split())
    measures = page.locator(".kpi h2").all_inner_texts()
    for name, value in zip(measures, page.locator(".kpi .value").all_inner_texts(), strict=True):
        assert f"{name} {value}" in told
    for texts in rows:
        assert " ".join(texts.split()) in told
    for text in (*page.locator(".chart h2").all_inner_texts(), about["Period"], about["Rows of"]):
        assert text in told
    assert tab.problems == []


def test_view_is_kept_and_comes_back(visit: Visitor) -> None:
    tab = visit("analyst", "/?period=last_year")
    page = tab.page
    page.click(".view-menu summary")
    page.click("[data-page-export=views]")
    page.fill("#view-name", "Last year")
    page.click("[data-view=save]")
    page.wait_for_selector("#panel a:text-is('Last year')")
    page.keyboard.press("Escape")
    tab.open("/?period=mtd")
    page.click(".view-menu summary")
    page.click("[data-page-export=views]")
    page.click("#panel a:text-is('Last year')")
    page.wait_for_url("**/?period=last_year")
    page.click(".view-menu summary")
    page.click("[data-page-export=views]")
    page.click("#panel button[data-view=remove]")
    page.wait_for_selector("#panel >> text=There are no saved views yet")
    assert tab.problems == []
