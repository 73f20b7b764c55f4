"""The table of pages: its rows, and what each role gets of each page."""

from __future__ import annotations

import json
import re
from typing import Any

import flask
import pytest
from flask.testing import FlaskClient

from layouts.admin import SECTION
from salescope.gate import find_page
from salescope.pages import PAGES, Page
from services.access import ROLES, Permission
from tests.salescope.conftest import Visit
from tests.serving import ROOT, email_of

each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.key)
each_role = pytest.mark.parametrize("role", ROLES)


def allowed(role: str, page: Page) -> bool:
    return page.permission in ROLES[role].permissions


def test_keys_paths_and_titles_are_there_once() -> None:
    for name in ("key", "path", "title"):
        values = [getattr(page, name) for page in PAGES]
        assert len(set(values)) == len(values), name
    assert PAGES[0].path == "/"


@each_page
def test_row_is_complete(page: Page) -> None:
    assert re.fullmatch(r"/[a-z-]*", page.path)
    assert re.fullmatch(r"[a-z_]+", page.key)
    assert isinstance(page.permission, Permission)
    assert any(allowed(role, page) for role in ROLES)
    assert find_page(page.path) is page


@pytest.mark.parametrize("path", ["", "//", "/lines/", "/Lines", "lines", "/lines?x=1", "/nope"])
def test_only_the_exact_path_finds_a_page(path: str) -> None:
    assert find_page(path) is None


@each_page
def test_script_of_the_browser_knows_the_page(page: Page) -> None:
    """The browser maps paths to keys itself, to tell a page that the address changed."""
    script = (ROOT / "assets" / "salescope" / "app.js").read_text(encoding="utf-8")
    assert re.search(rf'"{re.escape(page.path)}":\s*"{page.key}"', script)


@each_page
@each_role
def test_address_gives_the_shell_or_403(signed_in: dict[str, FlaskClient], page: Page, role: str) -> None:
    answer = signed_in[role].get(page.path, headers={"Accept": "text/html"})
    assert answer.status_code == (200 if allowed(role, page) else 403)
    assert ("_dash-renderer" in answer.text) == allowed(role, page)


@each_page
@each_role
def test_content_is_the_page_or_says_why_not(app: flask.Flask, visit: Visit, page: Page, role: str) -> None:
    shown = visit(role, page.path, "")
    assert "Something went wrong" not in shown
    assert ("Not for your role" in shown) == (not allowed(role, page))
    assert (f'"{page.key}-' in shown) == allowed(role, page)
    title = page.title if allowed(role, page) else "Not allowed"
    assert f'"{title} · Salescope"' in shown or f"{title} \\u00b7 Salescope" in shown
    still = [each for tree in trees(json.loads(shown)) for each in components(tree)]
    assert {each["namespace"] for each in still} <= {"dash_html_components"}
    callbacks = " ".join(app.extensions["salescope"]["gate"].policy)
    assert not [each for each in still if f"{each['props'].get('id')}." in callbacks]


def links(found: object) -> list[str]:
    """Return the targets of all links in a component written as JSON."""
    if isinstance(found, list):
        return [target for each in found for target in links(each)]
    if not isinstance(found, dict):
        return []
    own = [found["props"]["href"]] if found.get("type") == "Link" else []
    return own + [target for each in found.values() for target in links(each)]


def components(found: object) -> list[dict[str, Any]]:
    """Return all components in one that is written as JSON."""
    if isinstance(found, list):
        return [each for part in found for each in components(part)]
    if not isinstance(found, dict):
        return []
    own = [found] if "namespace" in found else []
    return own + [each for part in found.values() for each in components(part)]


def trees(found: object) -> list[Any]:
    """Return what React alone draws of a page."""
    return [each["props"]["tree"] for each in components(found) if each["type"] == "Markup"]


def menu_of(role: str) -> list[str]:
    """Return the paths in the menu: pages of one section share an entry, some are not in it."""
    found: dict[str, str] = {}
    for page in PAGES:
        if allowed(role, page) and page.section is not None:
            found.setdefault(page.section or page.title, page.path)
    return list(found.values())


def test_section_of_admins_names_its_pages_and_their_permissions() -> None:
    rows = {page.path: (page.title, page.permission) for page in PAGES if page.section == "Admin"}
    assert rows == SECTION


@each_role
def test_menu_names_the_pages_of_the_role(signed_in: dict[str, FlaskClient], visit: Visit, role: str) -> None:
    wanted = menu_of(role)
    layout = json.loads(signed_in[role].get("/_dash-layout").text)
    menu = json.loads(visit(role, "/", ""))["response"]["navigation"]
    assert links(layout) == ["/", *wanted, "/account"]
    assert links(menu) == wanted


@each_role
def test_shell_names_the_person_and_nobody_else(signed_in: dict[str, FlaskClient], role: str) -> None:
    layout = signed_in[role].get("/_dash-layout").text
    assert email_of(role) in layout
    assert not [other for other in ROLES if other != role and email_of(other) in layout]


def test_navigation_takes_the_filters_along(visit: Visit) -> None:
    menu = json.loads(visit("analyst", "/", "?country=Germany"))["response"]["navigation"]
    assert links(menu) == [f"{path}?country=Germany" for path in menu_of("analyst")]


@each_page
def test_page_fills_itself_for_every_period(visit: Visit, page: Page) -> None:
    role = next(role for role in ROLES if allowed(role, page))
    for period in ("mtd", "last_month", "last_quarter", "last_year", "last_7_days", "all"):
        shown = visit(role, page.path, f"?period={period}")
        assert "Something went wrong" not in shown, period
        assert "was not used" not in shown, period


def test_every_page_registered_its_callbacks_under_its_permission(app: flask.Flask) -> None:
    policy = app.extensions["salescope"]["gate"].policy
    for page in PAGES:
        own = [permission for output, permission in policy.items() if f"{page.key}-" in output]
        assert own
        assert set(own) == {page.permission}
