"""Orders and customers: their lines, totals and rows, only those a person may see."""

from __future__ import annotations

from dataclasses import replace

import duckdb
import pandas as pd
import pytest

from services.access import RowScope
from services.details import DetailQuery, customer_of, default, lines, of, orders, products, read, totals
from services.errors import QueryError
from services.model import SalesModel
from services.sales import Sales
from tests.factories import SHOP_ROWS, House, MemoryCache, viewer_of

ANALYST = viewer_of("analyst")


@pytest.fixture(scope="module")
def facts() -> pd.DataFrame:
    with duckdb.connect() as connection:
        lines: pd.DataFrame = connection.execute(SHOP_ROWS).df()
    return lines.assign(revenue=lines["revenue"].astype(float))


@pytest.fixture(scope="module")
def asked(small_shop: House) -> Sales:
    return small_shop.sales(MemoryCache())


def order(key: str, model: SalesModel) -> DetailQuery:
    return DetailQuery(default(model), "order", key)


def test_an_order_has_all_its_lines_and_their_totals(asked: Sales, facts: pd.DataFrame) -> None:
    wanted = facts[facts["order_id"] == "O7"]
    answer, count = lines(asked, order("O7", asked.model), ANALYST)
    assert count == len(answer.frame) == len(wanted) == 3
    assert sorted(answer.frame["revenue"]) == pytest.approx(sorted(wanted["revenue"]))
    found = totals(asked, order("O7", asked.model), ANALYST)
    assert found.value("revenue") == pytest.approx(wanted["revenue"].sum())
    assert found.trust.rows == 3


@pytest.mark.parametrize("role", ["manager", "analyst"])
def test_an_order_of_others_is_not_there(asked: Sales, facts: pd.DataFrame, role: str) -> None:
    """Three words for one thing: not there, not seen, not in this period."""
    countries = facts[facts["order_id"] == "O7"]["country"]
    scope = RowScope.of({"country": sorted(set(facts["country"].dropna()) - set(countries.dropna()))})
    with pytest.raises(QueryError, match="There is no order 'O7' among the rows you may see"):
        totals(asked, order("O7", asked.model), viewer_of(role, scope))
    with pytest.raises(QueryError, match="There is no order 'no-such'"):
        totals(asked, order("no-such", asked.model), ANALYST)


def test_latest_orders_stand_first(asked: Sales, facts: pd.DataFrame) -> None:
    answer = orders(asked, DetailQuery(default(asked.model)), ANALYST)
    assert answer is not None
    last = facts["sold_at"].max().normalize()
    assert answer.frame["time"].iloc[0] == last
    assert answer.frame["time"].is_monotonic_decreasing
    assert "orders" not in answer.query.measures  # of one order that is 1


def test_a_customer_of_the_sample(sales: Sales) -> None:
    asked = DetailQuery(default(sales.model), "customer", "17850")
    everything = totals(sales, asked, ANALYST)
    found = orders(sales, asked, ANALYST)
    assert found is not None
    sold = found.frame["revenue"].dropna()
    assert len(sold) == everything.value("orders")
    assert sold.sum() == pytest.approx(everything.value("revenue"))
    bought = products(sales, asked, ANALYST)
    assert bought is not None
    assert bought.frame["revenue"].is_monotonic_decreasing
    first = str(found.frame["order"].iloc[0])
    assert customer_of(sales, replace(asked, kind="order", key=first), ANALYST) == ["17850"]
    assert of(asked, sales.model).chosen("customer") == ("17850",)


def test_address_is_read_and_mistakes_are_said(small_shop: House) -> None:
    found, notices = read([("details-order", "O7"), ("details-customer", "C1"), ("details-x", "1")], small_shop.model)
    assert (found.kind, found.key) == ("order", "O7")
    assert len(notices) == 1
    assert "There is no setting of this page 'details-x'" in notices[0]
    assert read([], small_shop.model)[0].kind == ""
    with pytest.raises(QueryError, match="These data have no customers"):
        of(DetailQuery(default(small_shop.model), "customer", "C1"), small_shop.model)
