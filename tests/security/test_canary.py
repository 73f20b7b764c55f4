"""Row scope over HTTP: a manager of two countries never sees a byte of the others, whatever is asked, in any order."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, quote_plus

import pytest
import sqlalchemy as sa

from salescope.installation import warehouse
from salescope.pages import PAGES
from services.access import NOTHING, Permission, RowScope
from services.warehouse import rows_of
from tests.client import Answer, Client
from tests.serving import ALLOWED, MANAGER_SCOPE, Installation, Server

OPEN_PAGE = "..content.children...navigation.children...title.data.."
GRID, ASKED = "lines-grid.getRowsResponse", "lines-grid.getRowsRequest"
PASSWORD = "a password made for this test"
#: The Account page offers ways to write numbers, named by countries of a library's list.
WRITTEN_AS = re.compile(r'"label":"[^"]*234[^"]* 2011[^"]*","value":"\w*"')


@dataclass(frozen=True)
class Facts:
    """What plain SQL says about the data; `foreign` values belong to other countries only."""

    installation: Installation
    countries: tuple[str, ...]
    codes: tuple[str, ...]
    uk_order: str
    foreign_product: str
    foreign_label: str

    def one(self, what: str, where: str, **bound: object) -> Any:
        statement = sa.text(f"SELECT {what} AS found FROM facts WHERE {where}").bindparams(**bound)
        return rows_of(warehouse(self.installation.settings()).current(), statement)[0]["found"]


def in_countries(countries: Iterable[str]) -> str:
    return f"country IN ({', '.join(repr(each) for each in countries)})"


@pytest.fixture(scope="module")
def facts(installation: Installation) -> Facts:
    snapshot = warehouse(installation.settings()).current()

    def column(statement: str) -> tuple[str, ...]:
        return tuple(row["found"] for row in rows_of(snapshot, sa.text(statement)))

    mine = in_countries(ALLOWED)
    elsewhere = f"""SELECT product_id AS found FROM facts WHERE product_id SIMILAR TO '[0-9]{{5}}[A-Z]'
        GROUP BY product_id HAVING count(*) FILTER (WHERE {mine}) = 0 AND max(product_name) <> product_id
        AND count(DISTINCT product_name) = 1 ORDER BY count(*) DESC LIMIT 1"""
    (product,) = column(elsewhere)
    (label,) = column(f"SELECT max(product_name) AS found FROM facts WHERE product_id = '{product}'")
    return Facts(
        installation,
        column(f"SELECT DISTINCT country AS found FROM facts WHERE NOT {mine}"),
        column(f"SELECT DISTINCT country_code AS found FROM facts WHERE NOT {mine} AND country_code IS NOT NULL"),
        column("SELECT max(order_id) AS found FROM facts WHERE country = 'United Kingdom' AND line_kind = 'sale'")[0],
        product,
        label,
    )


@pytest.fixture(scope="module")
def manager(people: dict[str, Client]) -> Client:
    return people["manager"]


def foreign(answer: Answer, facts: Facts, asked: str = "") -> list[str]:
    """Return what the answer holds of other countries and was not in the question itself."""
    text = WRITTEN_AS.sub("", answer.body.decode("utf-8"))
    given = str([value for _, value in parse_qsl(asked.removeprefix("?"))]) + asked
    names = [name for name in facts.countries if name in text and name not in given]
    codes = [code for code in facts.codes if f'"{code}"' in text and code not in given]
    texts = [facts.foreign_label, f'"{facts.uk_order}"', f'"{facts.foreign_product}"']
    return names + codes + [each for each in texts if each in text and each.strip('"') not in given]


def test_the_canaries_are_real(facts: Facts, people: dict[str, Client]) -> None:
    """The same look at an admin's answer finds them, so that an empty finding means something."""
    assert len(facts.countries) > 30
    assert len(facts.codes) > 25
    answer = people["admin"].callback(OPEN_PAGE, {"route.data": {"pathname": "/", "search": "?period=all"}})
    assert {"United Kingdom", "Spain", "GBR", "ESP"} <= set(foreign(answer, facts))
    found = people["admin"].callback(
        "overview-by-product.options", {"overview-by-product.search_value": facts.foreign_product}
    )
    assert facts.foreign_label in found.text
    lines = people["admin"].callback(
        GRID, {ASKED: request(order_id={"type": "equals", "filter": facts.uk_order}), "url.search": "?period=all"}
    )
    assert f'"{facts.uk_order}"' in lines.text


SEARCHES = [
    "",
    "?period=all",
    "?period=all&compare=prior",
    "?country=Spain",
    "?country=United+Kingdom&period=all",
    "?country=Spain&country=Germany&period=all",
    "?country.not=Germany&period=all",
    "?country.not=Germany&country.not=France&period=all",
    "?country.contains=i&period=all",
    "?country.starts=S&period=all",
    "?country.ge=A&period=all",
    "?country.blank=1&period=all",
    "?product={product}&period=all",
    "?product.contains={label}&period=all",
    "?order={order}&period=all",
    "?order_id={order}&period=all",
    "?customer.contains=1&period=all",
    "?line_kind=return&period=all",
    "?line_kind=bad+debt&period=all",
    "?from=2009-12-01&to=2010-11-30",
    "?from=2011-01-01&to=2011-01-31&compare=year",
    "?scope=ALL&everything=1&role=admin&viewer=admin%40example.com&limits=",
    "?country=Germany')+OR+1%3D1+--&period=all",
    "?country=Germany%00Spain&period=all",
]


def filled(search: str, facts: Facts) -> str:
    return search.format(product=facts.foreign_product, label=quote_plus(facts.foreign_label), order=facts.uk_order)


#: What pages are opened with: all addresses for those that show data, a few for the others.
SHOWING = {Permission.DASHBOARDS_VIEW, Permission.LINES_VIEW}
OPENED = [(page, search) for page in PAGES for search in SEARCHES[: None if page.permission in SHOWING else 4]]


@pytest.mark.parametrize(("page", "search"), OPENED, ids=lambda value: getattr(value, "key", value))
def test_no_page_holds_a_byte_of_another_country(facts: Facts, manager: Client, page: Any, search: str) -> None:
    asked = filled(search, facts)
    answer = manager.callback(OPEN_PAGE, {"route.data": {"pathname": page.path, "search": asked}})
    assert answer.status == 200
    assert foreign(answer, facts, asked) == []


@pytest.mark.parametrize("search", SEARCHES[::3])
def test_no_update_holds_a_byte_of_another_country(facts: Facts, manager: Client, search: str) -> None:
    asked = filled(search, facts)
    updates = [
        (output, f"{item['id']}.{item['property']}")
        for output, row in manager.callbacks().items()
        for item in row["inputs"]
        if item["id"].endswith("-search") and item["property"] == "data"
    ]
    assert len(updates) >= 2
    for output, name in updates:
        answer = manager.callback(output, {name: {"search": asked, "from": "address"}})
        assert answer.status in {200, 204}
        assert foreign(answer, facts, asked) == [], output


@pytest.mark.parametrize("text", ["{product}", "{label}", "Spain", "United", "a", "e", "%", "_", "S%", "'", "\\", "1"])
def test_no_menu_finds_a_value_of_another_country(facts: Facts, manager: Client, text: str) -> None:
    asked = text.format(product=facts.foreign_product, label=facts.foreign_label)
    menus = [output for output in manager.callbacks() if output.endswith(".options") and not output.startswith("..")]
    assert len(menus) >= 6
    for output in menus:
        menu = output.removesuffix(".options")
        answer = manager.callback(output, {f"{menu}.search_value": asked, f"{menu}.value": [facts.foreign_product]})
        assert answer.status == 200
        assert foreign(answer, facts, f"{asked} {facts.foreign_product}") == [], output


def test_name_of_a_product_sold_elsewhere_is_not_told(facts: Facts, manager: Client) -> None:
    for page in PAGES:
        route = {"pathname": page.path, "search": f"?period=all&product={facts.foreign_product}"}
        assert facts.foreign_label not in manager.callback(OPEN_PAGE, {"route.data": route}).text


def request(start: int = 0, end: int = 100, **filters: dict[str, str]) -> dict[str, object]:
    return {"startRow": start, "endRow": end, "filterModel": filters, "sortModel": []}


FILTERS = [
    {},
    {"country": {"type": "equals", "filter": "Spain"}},
    {"country": {"type": "notEqual", "filter": "Germany"}},
    {"country": {"type": "contains", "filter": "n"}},
    {"country": {"type": "contains", "filter": ""}},
    {"country": {"type": "startsWith", "filter": "U"}},
    {"country": {"type": "blank"}},
    {"country": {"type": "greaterThan", "filter": "A"}},
    {"country_code": {"type": "notEqual", "filter": "DEU"}},
    {"order_id": {"type": "equals", "filter": "{order}"}},
    {"order_id": {"type": "contains", "filter": "5"}},
    {"product_id": {"type": "equals", "filter": "{product}"}},
    {"line_kind": {"type": "equals", "filter": "bad debt"}},
    {"quantity": {"type": "lessThan", "filter": "0"}},
    {"revenue": {"type": "greaterThan", "filter": "-100000"}},
    {"line_id": {"type": "greaterThan", "filter": "0"}},
]


@pytest.mark.parametrize("filters", FILTERS, ids=str)
def test_no_row_of_the_grid_is_of_another_country(
    facts: Facts, manager: Client, filters: dict[str, dict[str, str]]
) -> None:
    asked = json.loads(
        json.dumps(filters).replace("{order}", facts.uk_order).replace("{product}", facts.foreign_product)
    )
    for narrowed, order in (("", "asc"), ("", "desc"), ("&country=Spain&country=France", "asc")):
        search, sort = f"?period=all{narrowed}", [{"colId": "country", "sort": order}]
        answer = manager.callback(GRID, {ASKED: request(**asked) | {"sortModel": sort}, "url.search": search})
        assert answer.status == 200
        assert foreign(answer, facts, f"{search} {asked}") == []
        rows = re.findall(r'"country":"([^"]*)"', answer.text)
        assert set(rows) <= set(ALLOWED)


@pytest.mark.parametrize("start", [0, 5_000, 10_000, 20_000])
def test_paging_never_leaves_the_scope(facts: Facts, manager: Client, start: int) -> None:
    answer = manager.callback(GRID, {ASKED: request(start, start + 1_000), "url.search": "?period=all"})
    rows = answer.json()["response"]["lines-grid"]["getRowsResponse"]["rowData"]
    assert rows
    assert {row["country"] for row in rows} <= set(ALLOWED)


def shown(client: Client, search: str) -> tuple[str, int]:
    """Return the revenue and the number of order lines that the Overview says."""
    answer = client.callback(OPEN_PAGE, {"route.data": {"pathname": "/", "search": search}})
    revenue = re.search(r'"title":"(£[\d,.]+)"', answer.text)
    count = re.search(r'"children":"Order lines"}.{0,120}?"children":"([\d,]+)"', answer.text)
    assert revenue, answer.text[:500]
    assert count, answer.text[:500]
    return revenue[1], int(count[1].replace(",", ""))


def counted(client: Client, search: str) -> int:
    answer = client.callback(GRID, {ASKED: request(), "url.search": search})
    return int(answer.json()["response"]["lines-grid"]["getRowsResponse"]["rowCount"])


def true_totals(facts: Facts, countries: Iterable[str] | None, first: str, last: str) -> tuple[str, int]:
    where = f"{in_countries(countries) if countries else 'TRUE'} AND order_time >= :first AND order_time < :last"
    where += " AND (line_kind <> 'bad debt' OR line_kind IS NULL)"
    bound = {"first": first, "last": last}
    revenue = facts.one("coalesce(sum(revenue) FILTER (WHERE line_kind = 'sale'), 0)", where, **bound)
    return f"£{revenue:,.2f}", int(facts.one("count(*)", where, **bound))


def test_totals_are_those_of_the_two_countries(facts: Facts, manager: Client) -> None:
    truth = true_totals(facts, ALLOWED, "2009-01-01", "2012-01-01")
    assert shown(manager, "?period=all&compare=none") == truth
    assert counted(manager, "?period=all") == truth[1]
    only = true_totals(facts, ["France"], "2009-01-01", "2012-01-01")
    assert shown(manager, "?period=all&compare=none&country=France&country=Spain") == only


@pytest.mark.parametrize("month", range(1, 7))
def test_answers_kept_for_one_person_are_not_given_to_another(
    facts: Facts, people: dict[str, Client], month: int
) -> None:
    """Each month is asked for the first time here, by the admin first or by the manager first."""
    first, last, after = f"2010-{month:02d}-02", f"2010-{month:02d}-27", f"2010-{month:02d}-28"
    search = f"?from={first}&to={last}&compare=none"
    truth = {"admin": true_totals(facts, None, first, after), "manager": true_totals(facts, ALLOWED, first, after)}
    order = ["admin", "manager"] if month % 2 else ["manager", "admin"]
    for _ in range(2):
        for role in order:
            assert shown(people[role], search) == truth[role]
            assert counted(people[role], search) == truth[role][1]
    assert truth["admin"] != truth["manager"]


def signed_in_with(
    server: Server, installation: Installation, email: str, scope: RowScope, role: str = "manager"
) -> Client:
    installation.accounts().add(email, "", role, password=PASSWORD, scope=scope)
    client = Client(server.port)
    assert client.sign_in(email, PASSWORD).status == 302
    return client


def test_people_of_one_role_with_other_scopes_see_their_own_rows(
    facts: Facts, server: Server, installation: Installation, manager: Client
) -> None:
    scopes = {
        "same": MANAGER_SCOPE,
        "spain": RowScope.of({"country": ["Spain"]}),
        "merch": RowScope.of({"country": ["Germany", "France"], "product_type": ["Merchandise"]}),
        "glued": RowScope.of({"country": ["France,Germany"]}),
        "typo": RowScope.of({"country": ["germany", "FRANCE", "Fran"]}),
        "none": NOTHING,
    }
    clients = {
        name: signed_in_with(server, installation, f"{name}@scopes.example", scope) for name, scope in scopes.items()
    }
    search = "?from=2011-03-01&to=2011-03-20&compare=none"
    mine = shown(manager, search)
    assert shown(clients["same"], search) == mine
    assert shown(clients["spain"], search) == true_totals(facts, ["Spain"], "2011-03-01", "2011-03-21")
    assert shown(clients["merch"], search)[1] < mine[1]
    for name in ("glued", "typo", "none"):
        answer = clients[name].callback(OPEN_PAGE, {"route.data": {"pathname": "/", "search": search}})
        assert mine[0] not in answer.text
        assert foreign(answer, facts) == []


def test_person_without_rows_gets_empty_pages(server: Server, installation: Installation) -> None:
    client = signed_in_with(server, installation, "empty@scopes.example", NOTHING)
    for page in PAGES:
        answer = client.callback(OPEN_PAGE, {"route.data": {"pathname": page.path, "search": ""}})
        assert answer.status == 200, page.key
        assert "Something went wrong" not in answer.text, page.key
