"""Ask in a real browser: a question from any page, its answer, a chip that edits it, what is refused, teaching."""

from __future__ import annotations

import re

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.browser.conftest import PHONE, Visitor


def test_a_question_from_any_page(visit: Visitor) -> None:
    tab = visit("analyst", "/")
    page = tab.page
    page.keyboard.press("/")
    page.keyboard.type("top 5 products by units in Germany last quarter")
    page.keyboard.press("Enter")
    expect(page.locator(".ask-read")).to_contain_text("Top 5 products by units, country Germany", timeout=60_000)
    expect(page.locator(".chart-answer .js-plotly-plot")).to_be_visible()
    page.get_by_text("Show as table").click()
    expect(page.locator(".chart-answer tbody tr")).to_have_count(5)
    page.locator(".ask-chip", has_text="Measure").locator("summary").click()
    page.locator(".ask-chip[open]").get_by_role("link", name="Revenue", exact=True).click()
    expect(page.locator(".ask-read")).to_contain_text("Top 5 products by revenue", timeout=30_000)
    assert "ask-edit=measure" in page.url
    found = Axe().run(page)
    assert not found.response["violations"], found.generate_report()


def test_what_cannot_be_answered_says_why_and_can_be_taught(visit: Visitor) -> None:
    tab = visit("analyst", size=PHONE)
    for path in (f"/ask?ask-q={'moolah' * 60}", f"/teach?teach-phrase={'moolah' * 60}"):
        page = tab.open(path)
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), path
    page = tab.open("/ask?ask-q=moolah+by+country")
    expect(page.locator(".ask-why")).to_contain_text("moolah", timeout=30_000)
    page.get_by_role("link", name=re.compile("Teach")).click()
    expect(page.locator("#teach-phrase")).to_have_value("moolah", timeout=30_000)
    page.locator("#teach-name").select_option("revenue")
    page.locator("#teach-add").click()
    expect(page.locator("#teach-taught")).to_contain_text("moolah")
    page = tab.open("/ask?ask-q=moolah+by+country")
    expect(page.locator(".ask-read")).to_contain_text("Revenue by country", timeout=30_000)


def test_row_scope_holds_on_the_page(visit: Visitor) -> None:
    tab = visit("manager", "/ask?ask-q=revenue+by+country")
    page = tab.page
    expect(page.locator(".ask-read")).to_contain_text("Revenue by country", timeout=30_000)
    assert "United Kingdom" not in page.content()
    page = tab.open("/ask?ask-q=revenue+in+the+united+kingdom")
    expect(page.locator(".ask-why")).to_be_visible(timeout=30_000)
