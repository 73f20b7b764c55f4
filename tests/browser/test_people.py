"""Admins in a real browser: inviting, previewing, looking as somebody, the second factor; and data that attack it."""

from __future__ import annotations

import csv
import datetime as dt
import io
import re
import time
from collections.abc import Iterator
from urllib.parse import quote, urlencode

import pytest
from playwright.sync_api import Browser, Dialog, Page

from layouts.ask import QUESTION
from salescope import installation as product
from salescope.pages import PAGES
from services import totp
from services.access import EVERYTHING
from services.database import open_database
from services.forecasting.scenarios import Scenarios
from services.language.questions import SYNONYM, Questions
from services.periods import Grain
from services.planning import COLUMNS, Planning
from services.query import SalesQuery
from services.views import SavedViews
from tests.browser.conftest import Visitor
from tests.factories import SHOP_MODEL, SHOP_RECIPE, SHOP_ROWS, house_of
from tests.serving import Installation, Server, running_server

PASSWORD = "four unexpected garden words"


def signed_in(page: Page, server: Server, email: str, password: str) -> None:
    page.goto(f"{server.url}/signin")
    page.fill("#email", email)
    page.fill("#password", password)
    page.click("button[type=submit]")


def said(page: Page) -> str:
    page.wait_for_selector(".desk-said .alert")
    return page.inner_text(".desk-said")


def test_somebody_is_invited_and_sets_up_a_second_factor(visit: Visitor, browser: Browser, server: Server) -> None:
    admin = visit("admin", "/people")
    page = admin.page
    invite = page.locator("form[data-act=invite]")
    invite.locator("input[name=email]").fill("nora@example.com")
    invite.get_by_text("Values that are not listed").click()
    invite.locator("textarea").fill("country=Span")
    invite.get_by_role("button", name="Invite").click()
    assert "Did you mean 'Spain'" in said(page)
    invite.locator("textarea").fill("")
    invite.locator("summary", has_text="Country").click()
    invite.get_by_label("Find in Country").press_sequentially("spa")
    assert invite.locator(".form-check:visible").all_inner_texts() == ["Spain"]
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    assert invite.locator("summary", has_text="Country").inner_text() == "Country 1 ticked"
    invite.get_by_role("button", name="Invite").click()
    page.wait_for_selector(".desk-said input.secret")
    link = page.input_value(".desk-said input.secret")
    context = browser.new_context()
    nora = context.new_page()
    nora.goto(link)
    for name in ("password", "again"):
        nora.fill(f"#{name}", PASSWORD)
    nora.click("button[type=submit]")
    signed_in(nora, server, "nora@example.com", PASSWORD)
    nora.wait_for_selector(".kpi")
    nora.goto(f"{server.url}/account")
    nora.click("text=Set one up")
    nora.wait_for_selector("input.secret")
    secret = nora.input_value("input.secret")
    assert nora.evaluate("document.querySelector('img.qr').naturalWidth") > 40
    nora.fill("input[name=code]", totp.code(secret, int(time.time()) // totp.SECONDS - 1))
    nora.click("text=Turn it on")
    nora.wait_for_selector(".desk-said code")
    recovery = nora.locator(".desk-said code").all_inner_texts()
    assert len(recovery) == 10
    nora.click("text=Sign out >> nth=0")
    signed_in(nora, server, "nora@example.com", PASSWORD)
    nora.fill("#code", recovery[0])
    nora.click("button[type=submit]")
    nora.wait_for_selector(".kpi")
    context.close()
    assert admin.problems == []


def test_rows_of_a_scope_are_previewed_and_seen_with_the_persons_eyes(visit: Visitor) -> None:
    admin = visit("admin", "/people?person=manager%40example.com")
    page = admin.page
    page.locator("form[data-act=scope]").get_by_role("button", name="Preview").click()
    assert re.search(r"country: France, Germany: 2 of 4\d values of Country, \d\.\d% of Revenue", said(page))
    assert page.locator(".desk-said tbody tr").count() == 5
    page.click("text=View the site as this person")
    page.wait_for_selector(".looking")
    page.wait_for_selector(".kpi")
    admin.picture("looking-as-manager")
    assert "you see the site as manager@example.com does" in page.inner_text(".looking")
    assert "Admin" not in (page.locator("nav[aria-label=Pages]").text_content() or "")
    page.click("text=Back to your own eyes")
    page.wait_for_selector(".desk")
    assert page.locator(".looking").count() == 0
    # Uses count under the page they were made on, for whoever made them: the admin was on People, nobody looked on.
    page.goto(page.url.split("/people")[0] + "/usage")
    used = page.locator("table", has=page.get_by_text("Pages", exact=True)).locator("tbody tr", has_text="People")
    assert "admin@example.com" in used.inner_text()
    assert "Revenue by " in page.locator("table", has=page.get_by_text("Queries", exact=True)).inner_text()
    admin.picture("usage")
    assert admin.problems == []


def test_role_of_ones_own_is_made_and_removed(visit: Visitor) -> None:
    admin = visit("admin", "/roles")
    page = admin.page
    page.fill("input[name=label]", "Night shift")
    page.get_by_label("See order lines").first.check()
    busy = {"status": 503, "headers": {"Retry-After": "0.1"}, "json": {"error": "busy"}}
    page.route("**/_dash-update-component", lambda route: route.fulfill(**busy), times=2)
    page.click("text=Make the role")
    assert "night-shift is saved" in said(page)
    assert [each for each in admin.problems if "503" in each] == admin.problems
    admin.problems.clear()
    page.locator("tr", has_text="Night shift").get_by_role("button", name="Remove").click()
    page.wait_for_function("() => !document.querySelector('.desk-body').textContent.includes('Night shift')")
    assert admin.problems == []


# What data and names can hold to run in somebody's browser.
PAYLOADS = (
    "<script>window.__pwn=1</script>",
    "<img src=x onerror=window.__pwn=1>",
    '"><svg onload=window.__pwn=1>',
    '<a href="javascript:window.__pwn=1">x</a>',
    "javascript:window.__pwn=1",
    "[x](javascript:window.__pwn=1)",
    "{{constructor.constructor(`window.__pwn=1`)()}}",
    "</title></textarea><script>window.__pwn=1</script>",
    "<b onmouseover=window.__pwn=1>hover</b>",
    "<iframe srcdoc='<script>parent.__pwn=1</script>'>",
    "<br><i>%{fullData.name}</i><extra></extra>",
    "__proto__",
)


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server whose products, orders and people are named by an attacker."""
    folder = tmp_path_factory.mktemp("hostile")
    names = ", ".join("'" + each.replace("'", "''") + "'" for each in PAYLOADS)
    named = f"[{names}][line % {len(PAYLOADS)} + 1]"
    rows = f"""SELECT * REPLACE ({named} AS product_name, {named} || order_id AS order_id)
        FROM (SELECT *, row_number() OVER () AS line FROM ({SHOP_ROWS}))"""
    house_of(folder, SHOP_MODEL, SHOP_RECIPE, {"sales.parquet": rows})
    made = Installation(folder / "instance")
    accounts = product.init(made.settings())
    product.load_recipe(made.settings(), folder / "source" / "recipe.yaml", by="x", progress=lambda stage, share: None)
    accounts.add("admin@example.com", PAYLOADS[0], "admin", password=PASSWORD, scope=EVERYTHING)
    for number, payload in enumerate(PAYLOADS[:4]):
        accounts.add(f"p{number}@example.com", payload, "manager", password=PASSWORD)
        accounts.record(payload, payload, payload, payload)
        accounts.save_role(f"role {number} {payload}", [])
    _written_by_people(made)
    with running_server(made, folder / "output") as server:
        yield server


def _written_by_people(made: Installation) -> None:
    """Fill what people write for others with the same: notes, targets, views, taught words, scenarios, questions."""
    settings = made.settings()
    engine, sales = open_database(settings.database_url), product.make_sales(settings)
    who, model = made.accounts().as_viewer("admin@example.com"), sales.model
    planning, views, questions = Planning(engine, model), SavedViews(engine, model), Questions(engine, sales)
    scenarios, total = Scenarios(engine, model), SalesQuery(measures=("revenue",), grain=Grain.WEEK)
    targets = io.StringIO(newline="")
    rows = csv.writer(targets)
    rows.writerow(COLUMNS)
    for number, payload in enumerate(PAYLOADS):
        day = sales.today() - dt.timedelta(days=20 * number)
        planning.add_note(day, day, payload, who)
        views.save(payload[:80], f"/?period=all&product={quote(payload)}", who, shared=True)
        questions.teach(SYNONYM, payload, "revenue", who)
        questions.record(questions.read(f"revenue of {payload}", who), who)
        scenarios.keep(payload[:80], total, 4, {"own": 0.1}, who)
        rows.writerow(["revenue", "2024-01-01", "2024-12-31", 100 + number, "product", payload])
    planning.replace_targets(targets.getvalue(), who)
    engine.dispose()


#: Addresses of single things, and of what shows names outside tables.
DEEP = (
    "/?period=all&compare=prior&by=product",
    "/?period=all&product=P1&product=P2&product.contains=%3Cimg",
    "/products?period=all&products-item=P1",
    "/countries?countries-item=Austria&period=all",
    "/trends?period=all&by=product",
    "/explore?by=product&period=all&explore-columns=country",
    f"/details?details-order={quote(PAYLOADS[1] + 'O1')}",
    "/forecast?forecast-show=scenarios",
    f"/ask?{urlencode({QUESTION: 'revenue of ' + PAYLOADS[1]})}",
    f"/ask?{urlencode({QUESTION: 'top products by revenue'})}",
)


def test_names_in_the_data_run_on_no_page(browser: Browser, hostile: Server) -> None:
    context = browser.new_context(viewport={"width": 1400, "height": 1000})
    page = context.new_page()
    problems: list[str] = []

    def noted(dialog: Dialog) -> None:
        problems.append(dialog.message)
        dialog.dismiss()

    page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("dialog", noted)
    signed_in(page, hostile, "admin@example.com", PASSWORD)
    page.wait_for_selector(".page")
    paths = [
        *(each.path for each in PAGES),
        *DEEP,
        "/people?person=p0%40example.com",
        "/people?find=%3Cimg%20src%3Dx%20onerror%3Dalert(1)%3E",
    ]
    for path in paths:
        page.goto(hostile.url + path)
        page.wait_for_selector("main#content .page, main#content .message")
        page.wait_for_load_state("networkidle")
        for mark in page.locator(".js-plotly-plot:visible").all()[:3]:
            mark.hover(force=True)
        for opener in page.locator(".tile [data-mark]:visible").all()[:1]:
            opener.click()
            page.wait_for_selector("#panel:visible")
        found = page.evaluate(
            "[window.__pwn, ({}).polluted, document.querySelectorAll('main script, main iframe').length]"
        )
        assert found == [None, None, 0], path
        assert "Something went wrong" not in page.inner_text("body"), path
    assert problems == []
    # The names do arrive, so that all this means something.
    page.goto(f"{hostile.url}/people")
    page.wait_for_selector(".desk table")
    assert PAYLOADS[1] in page.inner_text(".desk table")
    page.goto(f"{hostile.url}/lines")
    page.wait_for_function("() => document.querySelector('.ag-root')?.innerText.includes('window.__pwn')")
    context.close()
