"""Products against pandas: classes, quadrants, stages of life, prices."""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import replace

import duckdb
import pandas as pd
import pytest

from services.errors import QueryError
from services.lifecycles import Stage, life, prices
from services.model import SalesModel
from services.periods import Compare, Period, add_months
from services.products import (
    ProductQuery,
    Quadrant,
    assortment,
    dimension_of,
    elsewhere_of,
    names_of,
    one,
    price_parts,
    read,
)
from services.query import Filter, SalesQuery
from services.sales import Sales
from tests.factories import SHOP_ROWS, House, MemoryCache, viewer_of

ANALYST = viewer_of("analyst")
HALF = Period(first=dt.date(2024, 1, 1), last=dt.date(2024, 6, 30))
BEFORE = Period(first=dt.date(2023, 7, 3), last=dt.date(2023, 12, 31))
ASKED = ProductQuery(SalesQuery(measures=("revenue",), period=HALF, compare=Compare.PRIOR))


@pytest.fixture(scope="module")
def facts() -> pd.DataFrame:
    with duckdb.connect() as connection:
        lines: pd.DataFrame = connection.execute(SHOP_ROWS).df()
    return lines.assign(revenue=lines["revenue"].astype(float))


@pytest.fixture(scope="module")
def asked(small_shop: House) -> Sales:
    return small_shop.sales(MemoryCache())


def sums(facts: pd.DataFrame, start: dt.datetime, end: dt.datetime) -> pd.Series:
    lines = facts[(facts["sold_at"] >= start) & (facts["sold_at"] < end)]
    return lines.groupby("product_id")["revenue"].sum()


def test_classes_and_quadrants_follow_their_definition(asked: Sales, facts: pd.DataFrame) -> None:
    made = assortment(asked, ASKED, ANALYST)
    window = made.answer.window
    assert window.before is not None
    now = sums(facts, window.now.start, window.now.end).sort_values(ascending=False)
    then = sums(facts, window.before.start, window.before.end)
    assert [each.key for each in made.products] == list(now.index)
    assert [each.now for each in made.products] == pytest.approx(list(now))
    reached = now.cumsum() / now.sum()
    passed = reached.shift(fill_value=0)
    wanted = ["A" if share < 0.8 else "B" if share < 0.95 else "C" for share in passed]
    assert [each.abc for each in made.products] == wanted
    growth = (now - then.reindex(now.index)) / then.reindex(now.index)
    total = (now.sum() - then.sum()) / then.sum()
    assert (made.value, made.growth) == pytest.approx((now.mean(), total))
    for each in made.products:
        high, grows = each.now >= now.mean(), growth[str(each.key)] >= total
        expected = {
            (True, True): Quadrant.STAR,
            (True, False): Quadrant.MILK,
            (False, True): Quadrant.PUSH,
            (False, False): Quadrant.PHASE_OUT,
        }[bool(high), bool(grows)]
        assert each.quadrant is expected, each
    assert sum(len(made.of_class(abc)) for abc in "ABC") == len(now)
    assert made.lost == len(set(then[then > 0].index) - set(now[now != 0].index))


def test_thresholds_move(asked: Sales) -> None:
    made = assortment(asked, replace(ASKED, a=0.5, b=0.5, value=1e9, growth=-1.0), ANALYST)
    assert made.of_class("B") == []
    assert {each.quadrant for each in made.products} == {Quadrant.PUSH}
    assert made.products[len(made.of_class("A")) - 1].reached >= 0.5


def test_measure_that_does_not_add_up_has_no_classes(asked: Sales) -> None:
    made = assortment(asked, replace(ASKED, query=replace(ASKED.query, measures=("average",))), ANALYST)
    assert not made.classified
    assert {each.abc for each in made.products} == {""}
    assert all(math.isnan(each.share) for each in made.products)


def test_without_comparison_nothing_grows(asked: Sales) -> None:
    made = assortment(asked, replace(ASKED, query=replace(ASKED.query, compare=Compare.NONE)), ANALYST)
    assert {each.quadrant for each in made.products} == {Quadrant.NEW}
    assert made.lost == 0


def test_stages_of_life_follow_the_rule(asked: Sales, facts: pd.DataFrame) -> None:
    made = life(asked, ASKED, ANALYST)
    end = asked.coverage().last_day + dt.timedelta(days=1)

    def sold(first: dt.date, until: dt.date) -> pd.Series:
        found = sums(facts, dt.datetime.combine(first, dt.time()), dt.datetime.combine(until, dt.time()))
        return found[found > 0]

    earlier, now = sold(dt.date(2023, 1, 1), add_months(end, -12)), sold(add_months(end, -3), end)
    then = sold(add_months(end, -15), add_months(end, -12))
    for key in sorted(facts["product_id"].unique()):
        ratio = now.get(key, 0.0) / then.get(key, math.nan)
        if key not in earlier:
            wanted = Stage.NEW
        elif key not in now:
            wanted = Stage.FADING
        elif key not in then or ratio >= 1.2:
            wanted = Stage.GROWING
        else:
            wanted = Stage.FADING if ratio < 0.7 else Stage.MATURE
        assert made.stage(key) is wanted, key
    assert {stage for stage, keys in made.stages.items() if keys} >= {Stage.GROWING, Stage.MATURE, Stage.FADING}
    assert "120%" in made.rule
    averages = replace(ASKED, query=replace(ASKED.query, measures=("average",)))
    assert life(asked, averages, ANALYST).stages == {}


def test_one_product_its_prices_and_where_it_sells(asked: Sales, facts: pd.DataFrame) -> None:
    only = one(replace(ASKED, item="P7"), asked.model)
    lines = facts[facts["product_id"] == "P7"]
    found = prices(asked, only, ANALYST)
    assert found is not None
    months = lines.groupby(lines["sold_at"].dt.to_period("M"))[["revenue", "quantity"]].sum()
    assert [each.pieces for each in found[0]] == list(months["quantity"])
    wanted = (months["revenue"] / months["quantity"]).where(months["quantity"] > 0)
    assert [each.price for each in found[0]] == pytest.approx(list(wanted), nan_ok=True)
    assert elsewhere_of(asked.model) == ["country"]
    listed = assortment(asked, ASKED, ANALYST).products
    assert [each.key for each in names_of(listed, ["P7"])] == ["P7"]


def test_prices_need_money_and_pieces(small_shop: House, sample_model: SalesModel) -> None:
    assert price_parts(small_shop.model) == ("revenue", "units")
    assert price_parts(sample_model) == ("revenue", "units")
    measures = {name: each for name, each in small_shop.model.measures.items() if name != "units"}
    without = small_shop.model.model_copy(update={"measures": measures})
    assert price_parts(without) is None
    assert prices(Sales(without, small_shop.warehouse, MemoryCache()), ASKED, ANALYST) is None


def test_data_without_products_say_so(small_shop: House) -> None:
    dimensions = {name: each for name, each in small_shop.model.dimensions.items() if name != "product"}
    with pytest.raises(QueryError, match="These data have no products"):
        dimension_of(small_shop.model.model_copy(update={"dimensions": dimensions}))


def test_address_is_read_and_mistakes_are_said(small_shop: House) -> None:
    found, notices = read(
        [("products-a", "70"), ("products-b", "90"), ("products-value", "1000"), ("products-growth", "-5"),
         ("products-item", "P7"), ("country", "Chile")],
        small_shop.model,
    )  # fmt: skip
    assert (found.a, found.b, found.value, found.growth, found.item) == (0.7, 0.9, 1000, -0.05, "P7")
    assert found.query.filters == (Filter("country", "is", ("Chile",)),)
    assert notices == ()
    _, notices = read([("products-a", "many"), ("products-b", "200"), ("products-x", "1")], small_shop.model)
    assert ["from 1 to 99" in notices[0], "from 1 to 100" in notices[1], "no setting" in notices[2]] == [True] * 3
    assert read([("product", "P7")], small_shop.model)[0].item == "P7"
    assert read([("product", "P7"), ("product", "P8")], small_shop.model)[0].item == ""
    crossed, (notice,) = read([("products-a", "90"), ("products-b", "50")], small_shop.model)
    assert (crossed.a, crossed.b) == (0.8, 0.95)
    assert "Class A ends at 90%" in notice
