"""What people do, with the mouse and with the keyboard."""

from __future__ import annotations

import datetime as dt
import re

import duckdb
import pytest

from services import formats
from services.model import Format, SalesModel
from services.warehouse import Warehouse
from tests.browser.conftest import PHONE, Visitor

GROSS = "left(Invoice, 1) NOT IN ('C', 'A') AND Quantity > 0 AND Price > 0"


@pytest.fixture(scope="session")
def plain(sample_folder: object) -> duckdb.DuckDBPyConnection:
    """Return a bare connection with table L, made from the two files without any code of ours."""
    connection = duckdb.connect()
    connection.execute(
        f"""CREATE TABLE l AS
        SELECT * FROM read_parquet('{sample_folder}/year_2009_2010.parquet') WHERE InvoiceDate < '2010-12-01'
        UNION ALL SELECT * FROM read_parquet('{sample_folder}/year_2010_2011.parquet')"""
    )
    return connection


def revenue(plain: duckdb.DuckDBPyConnection, start: str, end: str, more: str = "true") -> float:
    sql = f"SELECT sum(Quantity * Price) FROM l WHERE {GROSS} AND InvoiceDate >= '{start}' AND InvoiceDate < '{end}'"
    ((value,),) = plain.execute(f"{sql} AND {more}").fetchall()
    return float(value)


def money(value: float, model: SalesModel) -> str:
    return formats.short(value, Format.CURRENCY, model)


def test_numbers_on_screen_are_those_of_plain_sql(
    visit: Visitor, plain: duckdb.DuckDBPyConnection, sample_model: SalesModel
) -> None:
    tab = visit("executive")
    assert tab.first_kpi() == money(revenue(plain, "2011-01-01", "2012-01-01"), sample_model)
    before = revenue(plain, "2010-01-01", "2010-12-09 12:50:01")
    assert f"was {money(before, sample_model)}" in tab.page.inner_text(".kpi .change >> nth=0")
    tab.page.click(".chart-trend .as-table summary")
    march = tab.page.inner_text(".chart-trend tr:has-text('Mar 2011') td >> nth=0")
    assert march == formats.exact(revenue(plain, "2011-03-01", "2011-04-01"), Format.CURRENCY, sample_model)
    tab.page.click(".chart-places .as-table summary")
    ireland = tab.page.inner_text(".chart-places tr:has-text('Ireland') td >> nth=0")
    eire = revenue(plain, "2011-01-01", "2012-01-01", "Country = 'EIRE'")
    assert ireland == formats.exact(eire, Format.CURRENCY, sample_model)


def test_filters_are_in_the_url_and_back_undoes_them(
    visit: Visitor, plain: duckdb.DuckDBPyConnection, sample_model: SalesModel
) -> None:
    tab = visit("analyst")
    page, year = tab.page, tab.first_kpi()
    page.select_option("#overview-period", "last_month")
    november = money(revenue(plain, "2011-11-01", "2011-12-01"), sample_model)
    tab.expect_kpi(november)
    assert page.url.endswith("/?period=last_month")
    page.select_option("#overview-compare", "none")
    page.wait_for_function("() => document.querySelector('.kpi .change').textContent === ''")
    assert page.url.endswith("/?period=last_month&compare=none")
    page.go_back()
    page.wait_for_function("() => document.querySelector('.kpi .change').textContent !== ''")
    assert page.input_value("#overview-compare") == "year"
    page.go_back()
    tab.expect_kpi(year)
    assert page.input_value("#overview-period") == "ytd"
    page.go_forward()
    tab.expect_kpi(november)
    page.reload()
    tab.settled()
    assert tab.first_kpi() == november
    assert tab.problems == []


def test_own_dates_start_from_those_on_show(
    visit: Visitor, plain: duckdb.DuckDBPyConnection, sample_model: SalesModel
) -> None:
    tab = visit("analyst", "/?period=last_month")
    page = tab.page
    assert not page.is_visible("#overview-from")
    page.select_option("#overview-period", "custom")
    page.wait_for_url("**/?from=2011-11-01&to=2011-11-30")
    page.fill("#overview-from", "2011-11-14")
    tab.expect_kpi(money(revenue(plain, "2011-11-14", "2011-12-01"), sample_model))
    page.fill("#overview-to", "2011-11-01")
    page.wait_for_selector("text=swap the two dates")
    assert tab.problems == []


def test_country_and_product_are_chosen_by_typing(
    visit: Visitor, plain: duckdb.DuckDBPyConnection, sample_model: SalesModel
) -> None:
    tab = visit("analyst")
    page = tab.page
    page.click("#overview-by-country")
    page.keyboard.type("Germ")
    page.get_by_text("Germany", exact=True).first.click()
    germany = "Country = 'Germany'"
    tab.expect_kpi(money(revenue(plain, "2011-01-01", "2012-01-01", germany), sample_model))
    page.keyboard.press("Escape")
    page.click("#overview-by-product")
    page.keyboard.type("cakestand 3")
    page.get_by_text("REGENCY CAKESTAND 3 TIER · 22423").first.click()
    both = f"{germany} AND upper(trim(StockCode)) = '22423'"
    tab.expect_kpi(money(revenue(plain, "2011-01-01", "2012-01-01", both), sample_model))
    assert page.url.endswith("/?country=Germany&product=22423")
    assert tab.problems == []


def test_everything_by_keyboard(visit: Visitor) -> None:
    tab = visit("analyst")
    page = tab.page
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "overview-period"
    year = tab.first_kpi()
    page.keyboard.press("ArrowDown")
    page.wait_for_function("text => document.querySelector('.kpi .value').textContent !== text", arg=year)
    assert page.url.endswith("/?period=last_year#content")
    page.focus(".chart-trend .as-table summary")
    page.keyboard.press("Enter")
    assert page.is_visible(".chart-trend table")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "scroll"


def test_theme_is_kept(visit: Visitor) -> None:
    tab = visit("analyst")
    tab.page.click("#theme")
    assert tab.page.evaluate("document.documentElement.dataset.bsTheme") == "dark"
    tab.page.reload()
    tab.settled()
    assert tab.page.evaluate("document.documentElement.dataset.bsTheme") == "dark"


def test_malformed_address_gives_the_page_and_a_notice(visit: Visitor) -> None:
    tab = visit("analyst")
    year = tab.first_kpi()
    page = tab.open("/?period=yesteryear&from=31.12.2011&compare=%00&nonsense=1&country.like=x&sort=no")
    assert tab.first_kpi() == year
    for part in ("The period", "The comparison", "nonsense=1", "country.like=x", "The order"):
        assert part in page.inner_text("#overview-notices")
    assert tab.problems == []


def test_nothing_to_show_is_said(visit: Visitor) -> None:
    tab = visit("analyst", "/?from=2015-01-01&to=2015-12-31")
    page = tab.page
    assert "Widen the period" in page.inner_text("#overview-notices")
    assert tab.first_kpi() == "–"
    assert tab.problems == []


def test_manager_sees_only_own_countries(visit: Visitor) -> None:
    tab = visit("manager", "/?period=all")
    page = tab.page
    page.click(".chart-places .as-table summary")
    assert page.locator(".chart-places tbody th").all_inner_texts() == ["Germany", "France"]
    page.click("#overview-by-country")
    page.wait_for_selector("text=France")
    assert "United Kingdom" not in page.content()
    assert "Spain" not in page.content()
    tab.open("/?country=Spain")
    assert "There are no order lines" in page.inner_text("#overview-notices")
    assert tab.problems == []


def test_order_lines_page_by_page(visit: Visitor, plain: duckdb.DuckDBPyConnection) -> None:
    tab = visit("analyst")
    page = tab.page
    page.click("nav summary:text-is('Orders')")
    page.click("nav >> text=Order lines")
    page.wait_for_selector(".ag-center-cols-container .ag-row >> nth=5")
    ((lines,),) = plain.execute(
        "SELECT count(*) FROM l WHERE InvoiceDate >= '2011-01-01' AND left(Invoice, 1) <> 'A'"
    ).fetchall()
    assert f"{lines:,} order lines" in page.inner_text("#lines-count")
    assert page.title() == "Order lines · Salescope"
    page.fill("[aria-label='Product Filter Input']", "cakestand")
    # AG Grid empties a filter that is still being typed when another one takes effect.
    page.wait_for_function(
        "count => !document.querySelector('#lines-count').textContent.startsWith(count)", arg=f"{lines:,} "
    )
    ((cakestands,),) = plain.execute(
        "SELECT count(*) FROM l WHERE InvoiceDate >= '2011-01-01' AND upper(trim(StockCode)) = '22423'"
    ).fetchall()
    page.fill("[aria-label='Code Filter Input']", "22423")
    page.wait_for_function(
        "count => document.querySelector('#lines-count').textContent.startsWith(count)", arg=f"{cakestands:,} "
    )
    page.click(".ag-header-cell[col-id=quantity] .ag-header-cell-label")
    page.wait_for_function(
        "() => document.querySelector('.ag-row[row-index=\"0\"] [col-id=quantity]')?.textContent.startsWith('-')"
    )
    tab.picture("lines-filtered")
    assert tab.problems == []


def test_filters_go_along_to_the_order_lines(visit: Visitor) -> None:
    tab = visit("analyst")
    page = tab.page
    page.select_option("#overview-period", "mtd")
    page.wait_for_url("**/?period=mtd")
    page.click("nav summary:text-is('Orders')")
    page.click("nav >> text=Order lines")
    page.wait_for_selector(".ag-center-cols-container .ag-row")
    assert page.url.endswith("/lines?period=mtd")
    assert "1 Dec 2011 – 9 Dec 2011" in page.inner_text("#lines-count")
    page.select_option("#lines-period", "last_month")
    page.wait_for_function("() => document.querySelector('#lines-count').textContent.includes('30 Nov 2011')")
    time = "document.querySelector('.ag-row[row-index=\"0\"] [col-id=order_time]').textContent"
    page.wait_for_function(f"() => {time}.startsWith('2011-11-30')")
    page.click("nav >> text=Overview")
    page.wait_for_selector(".kpi")
    assert page.url.endswith("/?period=last_month")
    assert tab.problems == []


def test_signing_out_ends_the_session(visit: Visitor) -> None:
    tab = visit("analyst", size=PHONE)
    tab.page.click("text=Sign out")
    tab.page.wait_for_url("**/signin")
    tab.page.goto(tab.server.url)
    assert "/signin" in tab.page.url


def test_strip_says_where_the_numbers_come_from(visit: Visitor, sample_warehouse: Warehouse) -> None:
    text = visit("executive").page.inner_text("#overview-trust")
    assert "9 Dec 2011, 12:50" in text
    assert "1 Jan 2011 – 9 Dec 2011" in text
    assert "499,426" in text
    assert re.search(rf"1 of {dt.datetime.now(dt.UTC):%Y}", text)
