"""An analyst composes a pivot, looks at a trend, a country, a product; a manager goes from a line to its buyer."""

from __future__ import annotations

import re

from playwright.sync_api import Page

from tests.browser.conftest import Visitor

WAIT = 30_000


def choose(page: Page, label: str, value: str) -> None:
    page.locator(".settings").get_by_label(label, exact=True).select_option(value)


def expect_title(page: Page, text: str) -> None:
    page.wait_for_function(
        "text => [...document.querySelectorAll('.tile h2')].some((each) => each.textContent.includes(text))",
        arg=text,
        timeout=WAIT,
    )


def test_analyst_composes_a_pivot_and_asks_a_cell(visit: Visitor) -> None:
    tab = visit("analyst", "/explore")
    page = tab.page
    expect_title(page, "Revenue by country")
    choose(page, "Time step", "quarter")
    expect_title(page, "Revenue by country and quarter")
    assert "grain=quarter" in page.url
    assert "by=country" in page.url
    choose(page, "Measure 2", "customers")
    expect_title(page, "Revenue, Customers by country and quarter")
    total = page.locator("table.pivot tbody tr:last-child td").all_inner_texts()
    assert len(total) == 10  # four quarters and all of them, two measures each
    customers = [int(text.replace(",", "")) for text in total[1::2]]
    assert max(customers[:4]) <= customers[4] < sum(customers[:4])  # distinct: not the sum of the quarters
    page.click("table.pivot tbody tr:first-child td button >> nth=0")
    page.wait_for_selector("#panel:not([hidden]) a[data-go]", timeout=WAIT)
    assert page.locator("#panel a[data-go]").count() >= 5
    page.keyboard.press("Escape")
    choose(page, "Show as", "bars")
    page.wait_for_selector(".chart-pivot .js-plotly-plot .bars", timeout=WAIT)
    page.go_back()
    page.wait_for_selector("table.pivot tbody", state="visible", timeout=WAIT)
    assert page.locator(".settings").get_by_label("Show as", exact=True).input_value() == "table"
    url = page.url
    page.goto("about:blank")
    page.goto(url)
    tab.settled()
    expect_title(page, "Revenue, Customers by country and quarter")
    assert page.locator("table.pivot tbody tr:last-child td").all_inner_texts() == total
    assert tab.problems == []


def test_analyst_follows_a_trend_a_country_and_a_product(visit: Visitor) -> None:
    tab = visit("analyst", "/trends?period=last_12_months")
    page = tab.page
    choose(page, "Compare also", "yes")
    page.wait_for_function("() => document.querySelectorAll('#trends-trend .legendtext').length === 3", timeout=WAIT)
    assert "14 of the 57 leading products" in page.inner_text(".chart-seasonal-product")
    page.click("nav[aria-label=Pages] a:has-text('Countries')")
    expect_title(page, "Concentration of revenue")
    choose(page, "Country", "France")
    expect_title(page, "France against the others")
    choose(page, "Compare", "Germany")
    expect_title(page, "France and Germany")
    tab.open("/products?period=last_year")
    expect_title(page, "ABC of products by revenue")
    page.locator(".settings").get_by_label("Class A up to %").fill("50")
    page.keyboard.press("Enter")
    page.wait_for_function(
        "() => document.querySelector('.chart-abc .summary').textContent.includes('make 50%')", timeout=WAIT
    )
    page.click(".chart-list tbody button >> nth=0")
    page.click("#panel a:has-text('The product')", timeout=WAIT)
    expect_title(page, "Price history")
    assert tab.problems == []


def test_manager_goes_from_a_line_to_its_order_and_its_buyer(visit: Visitor) -> None:
    tab = visit("manager", "/lines")
    page = tab.page
    written = page.locator("#lines-grid .ag-row[row-index='0'] .ag-cell", has_text=re.compile(r"\S"))
    written.nth(3).click(timeout=WAIT)  # a row still being fetched stands there with empty cells
    order = page.locator("#lines-chosen a[href*='details-order']")
    order.wait_for(timeout=WAIT)
    order.click()
    expect_title(page, "Its lines")
    lines = page.locator(".chart-order-lines tbody tr").count()
    assert f"{lines:,} order lines" in page.inner_text(".chart-order-lines .summary")
    page.click(".chart-head a[href*='details-customer']")
    expect_title(page, "Products bought most")
    page.locator(".settings").get_by_label("Invoice").fill("no such order")
    page.keyboard.press("Enter")
    page.wait_for_selector("text=There is no invoice 'no such order'", timeout=WAIT)
    assert tab.problems == []
