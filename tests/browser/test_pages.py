"""Every page as every role: no error, no foreign host, no accessibility fault, readable on a phone and in the dark."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from salescope.pages import PAGES
from services.access import ROLES
from tests.browser.conftest import PHONE, Visitor
from tests.serving import Server

SEEN = [(role, page.key) for role in ROLES for page in PAGES if page.permission in ROLES[role].permissions]
PATHS = {page.key: page.path for page in PAGES}
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


def accessibility_faults(page: Page) -> list[str]:
    found = Axe().run(page, options={"runOnly": TAGS})
    return [
        f"{fault['id']}: {fault['help']} {[node['target'] for node in fault['nodes']][:3]}"
        for fault in found.response["violations"]
    ]


@pytest.mark.parametrize(("role", "key"), SEEN)
def test_page_works_for_role(visit: Visitor, role: str, key: str) -> None:
    tab = visit(role)
    page = tab.open(PATHS[key])
    tab.picture(f"{key}-{role}")
    assert tab.problems == []
    assert accessibility_faults(page) == []


@pytest.mark.parametrize("key", list(PATHS))
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_page_on_a_phone(visit: Visitor, key: str, *, dark: bool) -> None:
    tab = visit("admin", size=PHONE, dark=dark)
    page = tab.open(PATHS[key])
    tab.picture(f"{key}-phone-{'dark' if dark else 'light'}")
    width, shown = page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
    assert width <= shown
    assert tab.problems == []
    assert accessibility_faults(page) == []


@pytest.mark.parametrize("key", list(PATHS))
def test_page_in_the_dark(visit: Visitor, key: str) -> None:
    tab = visit("admin", dark=True)
    page = tab.open(PATHS[key])
    tab.picture(f"{key}-dark")
    assert page.evaluate("document.documentElement.dataset.bsTheme") == "dark"
    assert tab.problems == []
    assert accessibility_faults(page) == []


def test_sign_in_page_is_accessible(browser: Browser, server: Server) -> None:
    page = browser.new_page()
    page.goto(f"{server.url}/lines?country=Spain")
    assert page.url.endswith("/signin?next=/lines?country%3DSpain")
    page.fill("#email", "nobody@example.com")
    page.fill("#password", "not the password")
    page.keyboard.press("Enter")
    page.wait_for_selector("[role=alert]")
    assert "do not match" in page.inner_text("[role=alert]")
    assert page.input_value("#email") == "nobody@example.com"
    assert accessibility_faults(page) == []
    page.close()


def test_page_of_another_role_is_refused(visit: Visitor) -> None:
    tab = visit("executive")
    assert tab.page.locator("nav[aria-label=Pages] a").all_inner_texts() == ["Overview"]
    page = tab.open("/lines")
    assert "Not for your role" in page.inner_text("main")
    assert accessibility_faults(page) == []


def test_unknown_page_is_said(visit: Visitor) -> None:
    page = visit("analyst").open("/no-such-page")
    assert "There is no such page" in page.inner_text("main")
    page.click("text=Go to the Overview")
    page.wait_for_selector(".kpi")
