"""Somebody brings own data: from an empty installation to dashboards, a broken file, and back."""

from __future__ import annotations

import csv
import io
import random
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest
from playwright.sync_api import Page

from salescope import installation as house
from services import formats
from services.model import EMPTY, Format
from tests.browser.conftest import PHONE, Visit, Visitor
from tests.browser.test_pages import accessibility_faults
from tests.serving import Installation, Server, add_people, running_server

HEAD = ("Bestellnr", "Datum", "Kunde", "Land", "Artikel", "Menge", "Einzelpreis", "Umsatz")
LANDS = ("Deutschland", "Österreich", "Schweiz")
LONG = 60_000


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """Return an installation with people and without data."""
    made = Installation(tmp_path_factory.mktemp("data") / "instance")
    add_people(house.init(made.settings()))
    return made


@pytest.fixture(scope="module")
def server(empty: Installation, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running_server(empty, tmp_path_factory.mktemp("data-log") / "server.log", SALESCOPE_UPLOAD_MB="3") as running:
        yield running


def german(number: Decimal) -> str:
    return f"{number:,.2f}".replace(",", " ").replace(".", ",").replace(" ", ".")


class Export:
    """A file as a German shop system writes it: semicolons, decimal commas, dd.mm.yyyy; and what it sums to."""

    def __init__(self, seed: int, rows: int, months: tuple[int, ...]) -> None:
        dice = random.Random(seed)
        self.lines: list[list[str]] = []
        self.revenue, self.units = Decimal(0), 0
        for number in range(rows):
            units, price = dice.randint(1, 9), Decimal(dice.randint(100, 150_000)) / 100
            day = f"{dice.randint(1, 28):02d}.{dice.choice(months):02d}.2024"
            order, customer = f"R{seed}-{number // 2:05d}", f"Kunde {dice.randint(1, 40)}"
            article = f"Artikel {dice.randint(1, 20)}"
            self.lines.append(
                [order, day, customer, dice.choice(LANDS), article, str(units), german(price), german(units * price)]
            )
            self.revenue += units * price
            self.units += units

    def write(self, path: Path) -> Path:
        path.write_text("\r\n".join(";".join(line) for line in [HEAD, *self.lines]) + "\r\n", encoding="cp1252")
        return path


def choose(tab: Visit, *paths: Path) -> None:
    """Choose files on the start of the page and wait until they were looked at."""
    page = tab.open("/data")
    with page.expect_file_chooser() as chooser:
        page.click("[data-do=choose]")
    chooser.value.set_files(paths)
    page.wait_for_selector(".check, .failure", timeout=LONG)
    tab.settled()


def load(tab: Visit, ends: str = ".totals") -> Page:
    tab.page.click("[data-do=load]")
    tab.page.wait_for_selector(ends, timeout=LONG)
    return tab.settled()


def written(number: Decimal) -> str:
    """Return a sum as the page writes it."""
    return f"{number:,.0f}" if number == number.to_integral_value() else f"{number:,.2f}"


def totals(page: Page) -> dict[str, str]:
    names, values = (page.locator(f".totals {tag}").all_inner_texts() for tag in ("dt", "dd"))
    return dict(zip(names, values, strict=True))


def sound(tab: Visit, name: str) -> None:
    tab.picture(f"data-{name}")
    assert accessibility_faults(tab.page) == []
    width, shown = tab.page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
    assert width <= shown
    assert tab.problems == []


def revenue_on_show(tab: Visit, wanted: Decimal) -> None:
    tab.open("/?period=all")
    tab.expect_kpi(formats.short(float(wanted), Format.CURRENCY, EMPTY.model_copy(update={"currency": "EUR"})))


def test_from_nothing_to_dashboards_and_back(visit: Visitor, tmp_path: Path) -> None:
    first, second, third = Export(1, 300, (1, 2)), Export(2, 100, (3,)), Export(3, 40, (4,))
    tab = visit("analyst")
    assert "There are no data yet" in tab.page.inner_text("main")
    tab.page.click("text=Bring your data")
    tab.page.wait_for_selector("#data-drop")
    assert "Nothing was loaded yet" in tab.page.inner_text("main")
    sound(tab, "empty")
    change_what_was_found(tab, first.write(tmp_path / "umsatz_anfang.csv"))
    load_the_first(tab, first)
    add_a_second(tab, second, tmp_path / "umsatz_maerz.csv", first.revenue)
    good = add_the_good_rows(tab, third, tmp_path / "umsatz_april.csv")
    revenue_on_show(tab, first.revenue + second.revenue + good)
    take_back(tab)
    revenue_on_show(tab, first.revenue + second.revenue)
    tab.open("/data")
    assert "Taken back by analyst@example.com" in tab.page.inner_text(".loads")


def change_what_was_found(tab: Visit, path: Path) -> None:
    page = tab.page
    choose(tab, path)
    sound(tab, "check")
    looked_at = page.url
    article = page.locator("[data-field=role][data-column=Artikel] select")
    assert article.input_value() == "product"
    assert page.locator("[data-field=role][data-column=Umsatz] select").input_value() == "revenue"
    assert page.locator("[data-field=formats][data-column=Datum] select").input_value() == "%d.%m.%Y"
    article.select_option("category")
    page.fill("[data-field=currency] input", "eur")
    assert page.is_disabled("[data-do=load]")
    sound(tab, "changed")
    page.click("[data-edits]")
    page.wait_for_selector("#data-progress")
    page.wait_for_selector(".check", timeout=LONG)
    assert article.input_value() == "category"
    assert page.input_value("[data-field=currency] input") == "EUR"
    page.reload()
    tab.settled()
    assert article.input_value() == "category"
    assert page.url != looked_at


def load_the_first(tab: Visit, first: Export) -> None:
    page = load(tab)
    found = totals(page)
    assert (found["Rows read"], found["Kept"], found["Left out"], found["Rejected"]) == ("300", "300", "0", "0")
    assert (found["Sum of Umsatz"], found["Sum of Menge"]) == (written(first.revenue), f"{first.units:,}")
    sound(tab, "loaded")
    page.click("main >> text=Go to the Overview")
    page.wait_for_selector(".kpi")
    revenue_on_show(tab, first.revenue)


def add_a_second(tab: Visit, second: Export, path: Path, before: Decimal) -> None:
    choose(tab, second.write(path))
    assert "the columns are those of the data in use" in tab.page.inner_text("main")
    sound(tab, "fits")
    load(tab)
    assert totals(tab.page)["Sum of Umsatz"] == written(second.revenue)
    revenue_on_show(tab, before + second.revenue)


def add_the_good_rows(tab: Visit, third: Export, path: Path) -> Decimal:
    """Load a file with two bad rows and return the revenue of the others."""
    page = tab.page
    bad = sum(Decimal(third.lines[place][7].replace(".", "").replace(",", ".")) for place in (4, 9))
    third.lines[4][1], third.lines[9][7] = "32.13.2024", "viel"
    choose(tab, third.write(path))
    load(tab, "[data-keep-good]")
    assert "2 of 40 rows cannot be taken" in page.inner_text("main")
    sound(tab, "rejects")
    with page.expect_download() as download:
        page.click("text=The whole reject report")
    text = Path(download.value.path()).read_text(encoding="utf-8")
    rejected = [tuple(row.values())[:4] for row in csv.DictReader(io.StringIO(text))]
    assert rejected == [
        ("umsatz_april.csv", "6", "Datum", "32.13.2024"),
        ("umsatz_april.csv", "11", "Umsatz", "viel"),
    ]
    page.click("[data-keep-good]")
    page.wait_for_selector(".totals", timeout=LONG)
    tab.settled()
    found = totals(page)
    assert (found["Rows read"], found["Kept"], found["Rejected"].split()[0]) == ("40", "38", "2")
    assert found["Sum of Umsatz"] == written(third.revenue - bad)
    return third.revenue - bad


def take_back(tab: Visit) -> None:
    page = tab.page
    tab.open("/data")
    sound(tab, "loads")
    assert page.locator(".loads tbody tr").count() == 3
    page.click("[data-do=undo] >> nth=0")
    assert "Take load 2 back?" in page.inner_text("#data-confirm")
    page.keyboard.press("Escape")
    page.click("[data-do=undo] >> nth=0")
    page.click("#data-confirm-yes")
    page.wait_for_selector("text=Load 2 was taken back", timeout=LONG)
    tab.settled()
    sound(tab, "undone")


def test_other_data_start_over_on_a_phone_in_the_dark(visit: Visitor, tmp_path: Path) -> None:
    tab = visit("admin", size=PHONE, dark=True)
    path = tmp_path / "orders.csv"
    rows = [f"{2000 + number},2023-0{number % 9 + 1}-15,{number % 7}.5,Shop {number % 3}" for number in range(90)]
    path.write_text("\n".join(["order_id,order_date,amount,store", *rows]) + "\n", encoding="utf-8")
    amount = sum((Decimal(row.split(",")[2]) for row in rows), Decimal(0))
    choose(tab, path)
    if tab.page.locator(".failure").count():
        tab.page.click("[data-afresh]")
        tab.page.wait_for_selector(".check", timeout=LONG)
    sound(tab, "phone-check")
    load(tab)
    assert totals(tab.page)["Sum of Amount"] == written(amount)
    sound(tab, "phone-loaded")
    tab.open("/data")
    sound(tab, "phone-loads")
    tab.page.click("text=Model: what")
    text = tab.page.input_value(".model textarea")
    tab.page.fill(".model textarea", text.replace("title: ", "titel: ", 1))
    tab.page.click("[data-do=model]")
    tab.page.wait_for_selector("#data-said >> text=Did you mean 'title'?")
    assert "titel: " in tab.page.input_value(".model textarea")
    tab.page.fill(".model textarea", text.replace("title: ", "title: My ", 1))
    tab.page.click("[data-do=model]")
    tab.page.wait_for_selector("text=Saved. Every page uses it now.", timeout=LONG)
    tab.settled()
    assert "title: My " in tab.page.input_value(".model textarea")
    sound(tab, "phone-model")


HOSTILE = "<img src=x onerror=window.__pwn=1>"


def test_hostile_names_and_values_are_only_shown(visit: Visitor, tmp_path: Path) -> None:
    tab = visit("analyst")
    path = tmp_path / "<svg onload=window.__pwn=1>.csv"
    head = ["order date", HOSTILE, '""><script>window.__pwn=1</script>"', "=cmd|'/c calc'!A0", "__proto__"]
    rows = [
        [f"2024-01-{number % 28 + 1:02d}", HOSTILE, "javascript:window.__pwn=1", "1", "{{7*7}}"] for number in range(50)
    ]
    with path.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows([head, *rows])
    choose(tab, path)
    if tab.page.locator(".failure").count():
        tab.page.click("[data-afresh]")
        tab.page.wait_for_selector(".check", timeout=LONG)
    assert HOSTILE in tab.page.inner_text(".columns")
    for control in tab.page.locator(".columns summary").all():
        control.click()
    tab.page.fill("[data-field=title] input", HOSTILE)
    tab.page.click("[data-edits]")
    tab.page.wait_for_selector("#data-progress")
    tab.page.wait_for_selector(".check", timeout=LONG)
    assert tab.page.evaluate("window.__pwn") is None
    tab.page.click("[data-do=discard]")
    tab.page.click("#data-confirm-yes")
    tab.page.wait_for_selector("#data-drop")
    assert tab.page.evaluate("window.__pwn") is None
    assert tab.problems == []


def test_a_file_that_is_too_large_is_said(visit: Visitor, tmp_path: Path) -> None:
    tab = visit("analyst")
    path = tmp_path / "large.csv"
    path.write_bytes(b"a,b\n" + b"1,2\n" * 1_200_000)
    page = tab.open("/data")
    with page.expect_file_chooser() as chooser:
        page.click("[data-do=choose]")
    chooser.value.set_files(path)
    page.wait_for_selector(".files li.failed", timeout=LONG)
    assert "larger than this site takes" in page.inner_text(".files")


def test_a_job_is_cancelled_and_somebody_elses_work_is_not_told_of(visit: Visitor, tmp_path: Path) -> None:
    tab = visit("analyst", "/data")
    page = tab.page
    path = Export(9, 15_000, (5,)).write(tmp_path / "long.csv")
    with page.expect_file_chooser() as chooser:
        page.click("[data-do=choose]")
    chooser.value.set_files(path)
    page.click("[data-do=cancel]", timeout=LONG)
    page.wait_for_selector("text=Cancelled; nothing was changed.", timeout=LONG)
    sound(tab, "cancelled")
    work = page.get_attribute("[data-do=look]", "data-work")
    other = visit("admin")
    told = [other.open(f"/data?work={each}").inner_text("main") for each in (work, "0" * 32)]
    assert told[0] == told[1]
    assert "no longer there" in told[0]


@pytest.mark.parametrize("role", ["executive", "manager"])
def test_other_roles_are_not_offered_it(visit: Visitor, role: str) -> None:
    tab = visit(role, "/")
    assert "Data" not in tab.page.locator("nav[aria-label=Pages] a").all_text_contents()
    assert "Not for your role" in tab.open("/data").inner_text("main")
