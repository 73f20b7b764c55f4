"""Countries against pandas: the average of the others, the mix, who moved, concentration."""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import replace

import duckdb
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.countries import (
    MOST,
    CountryQuery,
    against,
    concentration,
    dimension_of,
    listing,
    mix,
    movers,
    only,
    read,
    side_by_side,
    total,
)
from services.errors import QueryError
from services.model import Role
from services.periods import Compare, Period, Range
from services.query import Filter, SalesQuery
from services.sales import Sales
from tests.factories import SHOP_ROWS, House, MemoryCache, viewer_of

ANALYST = viewer_of("analyst")
HALF = Period(first=dt.date(2024, 1, 1), last=dt.date(2024, 6, 30))
ASKED = CountryQuery(SalesQuery(measures=("revenue",), period=HALF, compare=Compare.PRIOR), ("Chile",))


@pytest.fixture(scope="module")
def facts() -> pd.DataFrame:
    with duckdb.connect() as connection:
        lines: pd.DataFrame = connection.execute(SHOP_ROWS).df()
    return lines.assign(revenue=lines["revenue"].astype(float))


@pytest.fixture(scope="module")
def asked(small_shop: House) -> Sales:
    return small_shop.sales(MemoryCache())


def within(facts: pd.DataFrame, covered: Range) -> pd.DataFrame:
    return facts[(facts["sold_at"] >= covered.start) & (facts["sold_at"] < covered.end)]


def test_others_are_all_but_the_country(asked: Sales, facts: pd.DataFrame) -> None:
    model = asked.model.model_copy(
        update={"overview": asked.model.overview.model_copy(update={"measures": ("orders", "average")})}
    )
    found, answer = against(Sales(model, asked._warehouse, MemoryCache()), ASKED, "Chile", ANALYST)
    here = within(facts, answer.window.now)
    chile, rest = here[here["country"] == "Chile"], here[here["country"] != "Chile"]
    by = rest.groupby("country")
    by_name = {each.measure: each for each in found}
    assert list(by_name) == ["revenue", "orders", "average"]
    assert by_name["revenue"].now == pytest.approx(chile["revenue"].sum())
    assert by_name["revenue"].rest == pytest.approx(by["revenue"].sum().mean())
    assert by_name["orders"].rest == pytest.approx(by["order_id"].nunique().mean())
    assert by_name["average"].rest == pytest.approx(rest["revenue"].sum() / rest["order_id"].nunique())
    assert by_name["revenue"].others == 6


def test_mix_is_set_beside_that_of_the_others(asked: Sales, facts: pd.DataFrame) -> None:
    found = mix(asked, ASKED, "Chile", ANALYST)
    assert found is not None
    by, parts, answer = found
    here = within(facts, answer.window.now)
    chile, rest = here[here["country"] == "Chile"], here[here["country"] != "Chile"]
    mine, theirs = (each.groupby("product_id")["revenue"].sum() / each["revenue"].sum() for each in (chile, rest))
    assert by == "product"
    for part in parts:
        assert part.share == pytest.approx(mine[str(part.key)])
        assert part.elsewhere == pytest.approx(theirs[str(part.key)])
        assert part.ratio == pytest.approx(part.share / part.elsewhere)
    averages = replace(ASKED, query=replace(ASKED.query, measures=("average",)))
    assert mix(asked, averages, "Chile", ANALYST) is None


def test_movers_are_those_that_changed_most(asked: Sales, facts: pd.DataFrame) -> None:
    found = movers(asked, ASKED, "Chile", ANALYST)
    assert found is not None
    window = found[0].window
    assert window.before is not None
    chile = facts[facts["country"] == "Chile"]
    now, then = (within(chile, each).groupby("product_id")["revenue"].sum() for each in (window.now, window.before))
    change = now.sub(then, fill_value=0).sort_values(ascending=False)
    for answer, wanted in zip(found, (change.head(8), change.tail(8)[::-1]), strict=True):
        frame = answer.frame.fillna({"revenue": 0.0, "revenue__before": 0.0})
        assert list(frame["revenue"] - frame["revenue__before"]) == pytest.approx(list(wanted))
    assert movers(asked, replace(ASKED, query=replace(ASKED.query, compare=Compare.NONE)), "Chile", ANALYST) is None


def test_side_by_side_keeps_the_order_chosen(asked: Sales) -> None:
    chosen = ("Greece", "Austria", "Nowhere")
    answer = side_by_side(asked, replace(ASKED, chosen=chosen), ANALYST)
    assert list(answer.frame["country"]) == ["Greece", "Austria"]
    each = asked.answer(only(ASKED, asked.model, "Greece"), ANALYST)
    assert answer.frame["revenue"].iloc[0] == pytest.approx(each.value("revenue"))


def test_ranking_and_total_agree(asked: Sales) -> None:
    ranked = asked.answer(listing(ASKED, asked.model), ANALYST)
    assert ranked.frame["revenue"].sum() == pytest.approx(asked.answer(total(ASKED), ANALYST).value("revenue"))


@given(st.lists(st.floats(-1e6, 1e6), max_size=40))
def test_concentration_lies_between_equal_and_alone(values: list[float]) -> None:
    found = concentration(values)
    above = [value for value in values if value > 0]
    if not above or math.fsum(above) <= 0:
        assert found is None
        return
    assert found is not None
    assert 1 / len(above) - 1e-9 <= found.index <= 1 + 1e-9
    assert found.largest <= found.three + 1e-9 <= found.five + 2e-9
    assert found.like == pytest.approx(1 / found.index)


def test_concentration_of_known_shares() -> None:
    # Rhoades 1993: shares of 40, 30, 15 and 15 per cent have an index of 2,950.
    found = concentration([30.0, 15.0, 40.0, 15.0])
    assert found is not None
    assert found.index == pytest.approx(0.295)
    assert (found.largest, found.three, found.five) == pytest.approx((0.4, 0.85, 1.0))


def test_address_is_read_and_mistakes_are_said(small_shop: House) -> None:
    chosen = [("countries-item", name) for name in ("Chile", "Egypt", "Chile", "France", "Greece", "Austria")]
    found, (notice,) = read([*chosen, ("country", "Chile")], small_shop.model)
    assert found.chosen == ("Chile", "Egypt", "France", "Greece")
    assert f"At most {MOST}" in notice
    assert "Austria" in notice
    assert found.query.filters == (Filter("country", "is", ("Chile",)),)
    assert read([("country", "Chile"), ("country", "Egypt")], small_shop.model)[0].chosen == ("Chile", "Egypt")
    everybody = [("country", name) for name in ("Austria", "Belgium", "Chile", "Denmark", "Egypt")]
    assert read(everybody, small_shop.model)[0].chosen == ()
    assert "There is no setting of this page" in read([("countries-x", "1")], small_shop.model)[1][0]


def test_data_without_countries_say_so(small_shop: House) -> None:
    dimensions = {n: each for n, each in small_shop.model.dimensions.items() if each.role is not Role.COUNTRY}
    with pytest.raises(QueryError, match="These data have no countries"):
        dimension_of(small_shop.model.model_copy(update={"dimensions": dimensions}))
