"""Every page as every role: no error, no foreign host, no accessibility fault, readable on a phone and in the dark."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from salescope.pages import PAGES
from services.access import ROLES
from tests.browser.conftest import PHONE, Visit, Visitor
from tests.serving import Server

TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


def accessibility_faults(page: Page) -> list[str]:
    found = Axe().run(page, options={"runOnly": TAGS})
    return [
        f"{fault['id']}: {fault['help']} {[node['target'] for node in fault['nodes']][:3]}"
        for fault in found.response["violations"]
    ]


def faults_of_pages(tab: Visit, role: str, name: str, *, axe: bool) -> list[str]:
    """Open every page of a role, take its picture, and return what is wrong with any of them."""
    faults = []
    for each in PAGES:
        if each.permission in ROLES[role].permissions:
            page = tab.open(each.path)
            tab.picture(f"{each.key}-{name}")
            wide, shown = page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
            found = (
                (accessibility_faults(page) if axe else [])
                + tab.problems
                + (["wider than the screen"] if wide > shown else [])
            )
            faults += [f"{each.path}: {fault}" for fault in found]
            tab.problems.clear()
    return faults


# An admin sees every page an analyst does.
@pytest.mark.parametrize("role", sorted({*ROLES} - {"analyst"}))
def test_pages_work_for_role(visit: Visitor, role: str) -> None:
    assert faults_of_pages(visit(role), role, role, axe=role == "admin") == []


def test_pages_on_a_phone_in_the_dark(visit: Visitor) -> None:
    tab = visit("admin", size=PHONE, dark=True)
    assert tab.page.evaluate("document.documentElement.dataset.bsTheme") == "dark"
    assert faults_of_pages(tab, "admin", "phone-dark", axe=True) == []


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
    may = [each for each in PAGES if each.permission in ROLES["executive"].permissions and each.section is not None]
    menu = tab.page.locator("nav[aria-label=Pages] a").all_text_contents()
    assert menu == list(dict.fromkeys(each.section or each.title for each in may))
    page = tab.open("/lines")
    assert "Not for your role" in page.inner_text("main")
    assert accessibility_faults(page) == []


def test_unknown_page_is_said(visit: Visitor) -> None:
    page = visit("analyst", "/no-such-page").page
    assert "There is no such page" in page.inner_text("main")
    page.click("text=Go to the Overview")
    page.wait_for_selector(".kpi")
