"""The real sales sets, proposed and prepared without a word of help; totals are counted here in another way."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from services.errors import LoadError
from services.intake.models import model_of
from services.intake.proposal import Changes, Proposal
from services.intake.propose import propose
from services.intake.recipes import recipe_of
from services.intake.staged import DeclaredKey, Staged
from services.model import Role, SalesModel
from services.prepared import Prepared
from services.preparing import prepare
from tests.services.intake.sets import northwind, paths, staged_set


def loaded(
    folder: Path, tables: list[Staged], answers: Mapping[str, str] | None = None, keys: list[DeclaredKey] | None = None
) -> tuple[Proposal, SalesModel, Prepared]:
    """Return the proposal, its model, and what its recipe makes of the tables."""
    proposal = propose(tables, name="set", keys=keys or (), changes=Changes(answers=dict(answers or {})))
    by_name = {each.name: each for each in tables}
    used = [each for each in proposal.tables if each.use != "unused"]
    bound = {"" if each.use == "facts" else each.name: [by_name[name] for name in each.sources] for each in used}
    model = model_of(proposal)
    return proposal, model, prepare(folder / "warehouse", model, recipe_of(proposal), bound)


def counted(sql: str) -> tuple[object, ...]:
    with duckdb.connect() as connection:
        return tuple(connection.execute(sql).fetchall()[0])


def roles(proposal: Proposal, table: str | None = None) -> dict[str, str]:
    return {c.source: c.role.value for c in proposal.columns if table in {None, c.table}}


def test_bmw(tmp_path: Path) -> None:
    proposal, model, prepared = loaded(tmp_path, staged_set(tmp_path, "bmw_sales_kaggle/*.csv"))
    (path,) = paths("bmw_sales_kaggle/*.csv")
    rows, volume, worth = counted(f"SELECT count(*), sum(Sales_Volume), sum(Sales_Volume * Price_USD) FROM '{path}'")
    assert (prepared.rows_kept, prepared.totals["quantity"], prepared.totals["revenue"]) == (rows, volume, worth)
    assert model.currency == "USD"
    assert {"fuel_type", "transmission", "color", "region"} <= set(model.dimensions)
    assert model.measures["mileage_km"].expression == "sum(mileage_km) / count(mileage_km)"
    assert roles(proposal)["Year"] == "year"


def test_the_sheets_of_online_retail_overlap(tmp_path: Path) -> None:
    tables = staged_set(tmp_path, "online_retail_ii/*.parquet")
    (question,) = propose(tables, name="set").open_questions
    assert (question.key, "22,523 rows of year_2009_2010.parquet from 2010-12-01" in question.words) == (
        "overlap",
        True,
    )
    proposal, model, prepared = loaded(tmp_path, tables, {"overlap": "later"})
    assert (prepared.rows_read, prepared.rows_kept) == (1_067_371, 1_067_371 - 22_523)
    first, second = paths("online_retail_ii/*.parquet")
    (worth,) = counted(
        f"SELECT sum(Quantity * CAST(Price AS DECIMAL(18, 4))) FROM (SELECT * FROM '{first}' WHERE InvoiceDate < "
        f"'2010-12-01' UNION ALL SELECT * FROM '{second}')"
    )
    assert prepared.totals["revenue"] == worth
    assert roles(proposal) == {
        "Invoice": "order",
        "StockCode": "product",
        "Description": "product_name",
        "Quantity": "quantity",
        "InvoiceDate": "time",
        "Price": "unit_price",
        "Customer ID": "customer",
        "Country": "country",
    }
    assert any("34,335 of 1,067,371 rows repeat" in notice.words for notice in proposal.notices)
    assert "starts_with(order_id, 'C')" in next(d.expression for d in proposal.derived if d.target == "line_kind")
    assert model.today == "data"


@pytest.mark.parametrize(
    ("file", "units", "year"),
    [
        ("norway_new_car_sales_by_make.csv", "Quantity", "Year"),
        ("norway_new_car_sales_by_model.csv", "Quantity", "Year"),
        ("new_cars_by_brand_month.parquet", "units", "left(period, 4)"),
        ("new_bev_by_model_month.parquet", "units", "left(period, 4)"),
    ],
)
def test_registrations(tmp_path: Path, file: str, units: str, year: str) -> None:
    pattern = f"car_registrations/{file}"
    _, model, prepared = loaded(tmp_path, staged_set(tmp_path, pattern))
    (path,) = paths(pattern)
    source = f"read_csv('{path}', encoding = 'latin-1')" if path.suffix == ".csv" else f"'{path}'"
    rows, total, first, last = counted(f"SELECT count(*), sum({units}), min({year}), max({year}) FROM {source}")
    assert (prepared.rows_kept, prepared.rows_rejected, prepared.totals["quantity"]) == (rows, 0, total)
    assert (str(prepared.first_time)[:4], str(prepared.last_time)[:4]) == (str(first), str(last))
    assert model.by_role(Role.PRODUCT) == "product"


def test_malaysian_registrations_are_counted_by_line(tmp_path: Path) -> None:
    _, model, prepared = loaded(tmp_path, staged_set(tmp_path, "car_registrations/malaysia*"))
    assert (prepared.rows_kept, next(iter(model.measures))) == (198_378, "lines")
    assert {"product", "maker", "colour", "fuel", "state"} <= set(model.dimensions)


def test_complete_journey_is_a_star(tmp_path: Path) -> None:
    proposal, model, prepared = loaded(tmp_path, staged_set(tmp_path, "complete_journey/*.parquet"))
    uses = {each.name: each.use for each in proposal.tables}
    assert {name for name, use in uses.items() if use != "unused"} == {
        "transactions_sample",
        "products",
        "demographics",
    }
    (path,) = paths("complete_journey/transactions*")
    rows, sales = counted(f"SELECT count(*), sum(sales_value) FROM '{path}'")
    assert prepared.rows_kept == rows
    assert abs(prepared.totals["revenue"] - Decimal(str(sales))) < 1
    assert {"department", "demographic_income"} <= set(model.dimensions)
    assert all(each.reason for each in proposal.tables)


def test_member_purchases(tmp_path: Path) -> None:
    proposal, model, prepared = loaded(tmp_path, staged_set(tmp_path, "baskets/groceries_member_purchases.csv"))
    assert roles(proposal) == {"Member_number": "customer", "Date": "time", "itemDescription": "product"}
    assert (prepared.rows_kept, str(prepared.first_time)[:10]) == (38_765, "2014-01-01")
    assert any("759 of 38,765 rows repeat" in notice.words for notice in proposal.notices)
    assert list(model.measures) == ["customers", "lines"]


@pytest.mark.parametrize("typed", [True, False], ids=["declared keys", "keys found"])
def test_northwind(tmp_path: Path, typed: bool) -> None:
    tables, keys = northwind(tmp_path, typed=typed)
    proposal, model, prepared = loaded(tmp_path, tables, keys=keys if typed else None)
    details = next(table for table in tables if table.name == "order_details")
    net = "CAST(quantity AS DOUBLE) * CAST(unit_price AS DOUBLE) * (1 - CAST(discount AS DOUBLE))"
    rows, worth = counted(f"SELECT count(*), sum({net}) FROM '{details.path}'")
    assert prepared.rows_kept == rows == 2155
    assert abs(prepared.totals["revenue"] - Decimal(str(worth))) < Decimal("0.1")
    assert {each.role for each in model.dimensions.values() if each.role} >= {
        Role.CUSTOMER,
        Role.PRODUCT,
        Role.COUNTRY,
        Role.ORDER,
        Role.PRODUCT_TYPE,
    }
    customers = roles(proposal, "customers")
    assert (customers["company_name"], customers["phone"]) == ("customer_name", "ignore")
    assert counted(f"SELECT count(DISTINCT customer_id), count(DISTINCT category_name) FROM '{prepared.facts}'") == (
        89,
        8,
    )


@pytest.mark.parametrize(
    ("file", "measure", "total"),
    [
        ("robyn_simulated_weekly.csv", "revenue", "revenue"),
        ("meridian_simulated_geo_weekly.csv", "channel0_spend", "Channel0_spend"),
        ("retailer_mmm_weekly.csv", "mdsp_dm", "mdsp_dm"),
    ],
)
def test_marketing_mix_as_a_spend_table(tmp_path: Path, file: str, measure: str, total: str) -> None:
    _, model, prepared = loaded(tmp_path, staged_set(tmp_path, f"marketing_mix/{file}"))
    (path,) = paths(f"marketing_mix/{file}")
    rows, value = counted(f"SELECT count(*), sum({total}) FROM '{path}'")
    assert (prepared.rows_kept, prepared.rows_rejected) == (rows, 0)
    assert abs(prepared.totals[measure] - Decimal(str(value))) < Decimal("0.1")
    assert model.measures[measure].expression == f"sum({measure})"


@pytest.mark.parametrize(
    "file",
    [
        "customer_service/call_center.csv",
        "inventory/ga_store_sales_report.csv",
        "inventory/ga_store_products_stock.csv",
        "marketing_mix/facebook_ads_kag.csv",
        "baskets/groceries_transactions.csv",
        "web_traffic/online_shoppers_intention.csv",
        "ab_tests/cookie_cats.csv",
    ],
)
def test_data_without_dates_are_refused_kindly(tmp_path: Path, file: str) -> None:
    with pytest.raises(LoadError, match="no column that says when") as caught:
        propose(staged_set(tmp_path, file), name="set")
    assert "Add such a column" in str(caught.value)


@pytest.mark.parametrize(
    "file",
    [
        "web_traffic/daily_website_visitors.csv",
        "web_traffic/ga_store_all_sessions.csv",
        "web_traffic/ga_store_visits_2017_05_08.parquet",
        "customer_service/helpdesk_events.csv",
        "customer_service/incident_events.csv",
        "customer_campaigns/marketing_campaign.csv",
        "forecast/walmart_weekly/train.csv.gz",
        "forecast/oj_weekly/train.csv.gz",
    ],
)
def test_dated_data_of_other_kinds_load_whole(tmp_path: Path, file: str) -> None:
    tables = staged_set(tmp_path, file)
    _, model, prepared = loaded(tmp_path, tables)
    assert (prepared.rows_kept, prepared.rows_rejected) == (sum(table.rows for table in tables), 0)
    assert model.overview.measures


def test_totals_of_some_kinds_are_asked_about(tmp_path: Path) -> None:
    tables = staged_set(tmp_path, "car_registrations/totals_other_countries.parquet")
    (question,) = propose(tables, name="set").open_questions
    assert question.key == "total:kind=AllCarsTotal"
    _, _, prepared = loaded(tmp_path, tables, {question.key: "leave_out"})
    (left,) = counted(f"SELECT count(*) FROM '{tables[0].path}' WHERE kind <> 'AllCarsTotal'")
    assert prepared.rows_kept == left
