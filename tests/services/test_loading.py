from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from salescope.cache import NoCache
from services.duck_warehouse import DuckWarehouse
from services.errors import ExpressionError, LoadError, NotReadyError, UserError
from services.loading import LOAD_STRIDE, Load, load, loads
from services.model import SalesModel
from services.recipe import Recipe, read_recipe
from services.sales import Sales
from services.warehouse import Warehouse, rows_of
from tests.factories import SHOP_MODEL, SHOP_RECIPE, House, house_of, shop, write_parquet

THREE = """SELECT * FROM (VALUES
    (TIMESTAMP '2024-01-01 10:00:00', 'O1', 'Austria', 'P1', 'One', 1, 10.5::DECIMAL(18, 4)),
    (TIMESTAMP '2024-01-02 11:00:00', 'O2', 'Belgium', 'P2', 'Two', 2, 20.25::DECIMAL(18, 4)),
    (TIMESTAMP '2024-01-03 12:00:00', 'O3', NULL, 'P2', 'Deux', -1, -10.125::DECIMAL(18, 4))
) AS t(sold_at, order_id, country, product_id, product_name, quantity, revenue)"""


@pytest.fixture
def house(tmp_path: Path) -> House:
    return shop(tmp_path, THREE)


def rows(house: House, sql: str = "SELECT * FROM facts ORDER BY line_id") -> list[dict[str, Any]]:
    return rows_of(house.warehouse.current(), sa.text(sql))


def recipe_of(house: House, text: str) -> Recipe:
    path = house.folder / "other.yaml"
    path.write_text(text, encoding="utf-8")
    return read_recipe(path)


def changed(old: str, new: str) -> str:
    assert old in SHOP_RECIPE
    return SHOP_RECIPE.replace(old, new, 1)


def loaded(tmp_path: Path, recipe: str, files: dict[str, str] | None = None, model: str = SHOP_MODEL) -> House:
    made = house_of(tmp_path, model, recipe, files or {"sales.parquet": THREE})
    made.load()
    return made


def test_first_load(house: House) -> None:
    done = house.load()
    assert (done.changed, done.version) == (True, 1)
    assert (done.load.rows_read, done.load.rows_kept, done.load.rows_left_out) == (3, 3, 0)
    assert (done.load.first_time, done.load.last_time) == (dt.datetime(2024, 1, 1, 10), dt.datetime(2024, 1, 3, 12))
    assert (done.load.name, done.load.loaded_by) == ("shop", "tests")
    assert loads(house.warehouse) == [done.load]
    assert [row["line_id"] for row in rows(house)] == [1, 2, 3]


def test_same_content_twice_changes_nothing(house: House) -> None:
    first = house.load()
    before = house.warehouse.verify()
    again = house.load()
    assert (again.changed, again.load, again.version) == (False, first.load, 1)
    assert house.warehouse.verify() == before
    assert len(rows(house)) == 3


def test_same_content_under_another_name_changes_nothing(house: House, tmp_path: Path) -> None:
    house.load()
    copy = House(tmp_path / "copy", house.model, house.recipe, house.warehouse)
    write_parquet(copy.folder / "sales.parquet", THREE)
    (copy.folder / "sales.parquet").write_bytes((house.folder / "sales.parquet").read_bytes())
    assert not copy.load().changed


def test_other_content_is_added(house: House) -> None:
    house.load()
    write_parquet(house.folder / "sales.parquet", THREE.replace("2024", "2025"))
    second = house.load()
    assert (second.changed, second.version) == (True, 2)
    assert [row["line_id"] for row in rows(house)] == [1, 2, 3, *(LOAD_STRIDE + number for number in (1, 2, 3))]
    assert [entry.rows_kept for entry in loads(house.warehouse)] == [3, 3]
    assert house.sales().coverage().end == dt.datetime(2025, 1, 3, 12, 0, 1)


def test_rows_read_are_kept_or_left_out(house: House) -> None:
    recipe = recipe_of(
        house, changed("[{file: sales.parquet}]", "[{file: sales.parquet, where: quantity > 0}, {file: more.parquet}]")
    )
    write_parquet(house.folder / "more.parquet", THREE)
    entry = load(house.warehouse, house.model, recipe, house.folder, by="tests").load
    assert (entry.rows_read, entry.rows_kept, entry.rows_left_out) == (6, 5, 1)
    found = [row["line_id"] for row in rows(house)]
    assert found == [1, 2, 4, 5, 6]


def test_ledger_of_the_sample(sample_warehouse: Warehouse) -> None:
    (entry,) = loads(sample_warehouse)
    assert (entry.rows_read, entry.rows_kept, entry.rows_left_out) == (1_067_371, 1_044_848, 22_523)
    assert entry.rows_read == entry.rows_kept + entry.rows_left_out


def test_progress_goes_from_start_to_end(house: House) -> None:
    seen: list[tuple[str, float]] = []
    load(
        house.warehouse,
        house.model,
        house.recipe,
        house.folder,
        by="tests",
        progress=lambda stage, share: seen.append((stage, share)),
    )
    shares = [share for _, share in seen]
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    assert any("sales.parquet" in stage for stage, _ in seen)


def test_facts_are_sorted_by_time(small_shop: House) -> None:
    found = rows_of(small_shop.warehouse.current(), sa.text("SELECT sold_at FROM facts"))
    times = [row["sold_at"] for row in found]
    assert times == sorted(times)


def test_columns_get_the_types_of_the_model(house: House) -> None:
    house.load()
    found = {row["column_name"]: row["column_type"] for row in rows(house, "DESCRIBE facts")}
    assert found == {
        "line_id": "BIGINT",
        "sold_at": "TIMESTAMP",
        "order_id": "VARCHAR",
        "country": "VARCHAR",
        "product_id": "VARCHAR",
        "product_name": "VARCHAR",
        "quantity": "BIGINT",
        "revenue": "DECIMAL(18,4)",
    }


def test_replaced_values(tmp_path: Path) -> None:
    made = loaded(
        tmp_path, changed("country: country", 'country: {value: country, replace: {Austria: "Öster\'reich"}}')
    )
    assert [row["country"] for row in rows(made)] == ["Öster'reich", "Belgium", None]


def test_helper_and_columns_above_are_names(tmp_path: Path) -> None:
    recipe = changed("  quantity: quantity\n  revenue: revenue\n", "  quantity: twice\n  revenue: quantity * 10\n")
    made = loaded(tmp_path, recipe + "let: {twice: whole(quantity) * 2}\n")
    assert [(row["quantity"], float(row["revenue"])) for row in rows(made)] == [(2, 20), (4, 40), (-2, -20)]


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        pytest.param([("P1", "b"), ("P1", "b"), ("P1", "a")], {"P1": "b"}, id="most frequent"),
        pytest.param([("P1", "b"), ("P1", "a")], {"P1": "a"}, id="tie goes to the alphabet"),
        pytest.param([("P1", None), ("P1", ""), ("P1", "a")], {"P1": "a"}, id="blanks do not count"),
        pytest.param([("P1", None)], {"P1": "P1"}, id="nothing to take"),
        pytest.param([("P1", "a"), ("P2", "b")], {"P1": "a", "P2": "b"}, id="per key"),
    ],
)
def test_most_frequent(tmp_path: Path, names: list[tuple[str, str | None]], expected: dict[str, str]) -> None:
    values = ", ".join(f"('{key}', {'NULL' if name is None else repr(name)})" for key, name in names)
    source = f"""SELECT TIMESTAMP '2024-01-01 10:00:00' AS sold_at, 'O' AS order_id, 'Austria' AS country, product_id,
                 description, 1 AS quantity, 1 AS revenue FROM (VALUES {values}) AS t(product_id, description)"""
    recipe = changed("  product_name: product_name\n", "") + (
        "let: {given: trim(description)}\n"
        "most_frequent: {product_name: {value: given, per: product_id, where: quantity > 0, otherwise: product_id}}\n"
    )
    made = loaded(tmp_path, recipe, {"sales.parquet": source})
    assert {row["product_id"]: row["product_name"] for row in rows(made)} == expected


def test_country_codes(tmp_path: Path) -> None:
    model = SHOP_MODEL.replace(
        "    product_id: {type", "    country_code: {type: text, label: Code}\n    product_id: {type", 1
    )
    made = loaded(tmp_path, SHOP_RECIPE + "country_codes: {country_code: country}\n", model=model)
    assert [row["country_code"] for row in rows(made)] == ["AUT", "BEL", None]


def test_days_without_times(tmp_path: Path) -> None:
    made = loaded(
        tmp_path,
        SHOP_RECIPE,
        {"sales.parquet": THREE.replace("10:", "00:").replace("11:", "00:").replace("12:", "00:")},
    )
    coverage = made.sales().coverage()
    assert not coverage.has_hours
    assert coverage.end == dt.datetime(2024, 1, 4)


BROKEN = [
    pytest.param(
        changed("sales.parquet", "nothing.parquet"),
        LoadError,
        r"nothing\.parquet named by .* does not exist",
        id="no file",
    ),
    pytest.param(
        changed("quantity: quantity", "quantity: quantitty"),
        ExpressionError,
        "There is no column 'quantitty'. Did you mean 'quantity'",
        id="unknown column",
    ),
    pytest.param(
        changed("{file: sales.parquet}", "{file: sales.parquet, where: amount > 1}"),
        ExpressionError,
        "There is no column 'amount'",
        id="unknown column in where",
    ),
    pytest.param(
        changed("  revenue: revenue\n", ""),
        LoadError,
        "does not fill revenue, which the model 'shop' has",
        id="column not filled",
    ),
    pytest.param(
        changed("  revenue: revenue\n", "  revenue: revenue\n  turnover: revenue\n"),
        LoadError,
        "fills a column 'turnover' that the model 'shop' does not have",
        id="column too many",
    ),
    pytest.param(
        changed("quantity: quantity", "quantity: country"),
        LoadError,
        "2 of 3 rows cannot be taken",
        id="text for a number",
    ),
    pytest.param(
        changed("sold_at: sold_at", "sold_at: country"), LoadError, "3 of 3 rows cannot", id="text for a time"
    ),
    pytest.param(
        changed("{file: sales.parquet}", "{file: sales.parquet, where: quantity > 99}"),
        LoadError,
        "leaves no row of the 3 it read",
        id="no row",
    ),
    pytest.param(
        changed("sales.parquet", "recipe.yaml"),
        ExpressionError,
        "no column 'sold_at'",
        id="file that is no table of it",
    ),
    pytest.param(
        SHOP_RECIPE.replace("  product_name: product_name\n", "")
        + "most_frequent: {product_name: {value: product_id, per: product_id, where: x > 1, otherwise: product_id}}\n",
        ExpressionError,
        "There is no column 'x'",
        id="unknown column of the most frequent",
    ),
]


@pytest.mark.parametrize(("text", "kind", "said"), BROKEN)
def test_broken_recipe_leaves_the_live_version(house: House, text: str, kind: type[UserError], said: str) -> None:
    house.load()
    before = house.warehouse.verify()
    recipe = recipe_of(house, text)
    with pytest.raises(kind, match=said):
        load(house.warehouse, house.model, recipe, house.folder, by="tests")
    assert house.warehouse.verify() == before
    assert len(loads(house.warehouse)) == 1
    assert not list(house.warehouse.root.glob(".build-*"))


@pytest.mark.parametrize(("text", "kind", "said"), BROKEN)
def test_broken_recipe_on_an_empty_warehouse(house: House, text: str, kind: type[UserError], said: str) -> None:
    with pytest.raises(kind, match=said):
        load(house.warehouse, house.model, recipe_of(house, text), house.folder, by="tests")
    assert house.warehouse.pointer() is None


@pytest.mark.parametrize(
    "section",
    [
        "most_frequent: {product_name: {value: nope, per: product_id, where: quantity > 0, otherwise: product_id}}\n",
        "most_frequent: {product_name: {value: product_id, per: nope, where: quantity > 0, otherwise: product_id}}\n",
    ],
    ids=["value", "per"],
)
def test_most_frequent_of_an_unknown_column(house: House, section: str) -> None:
    recipe = recipe_of(house, changed("  product_name: product_name\n", "") + section)
    with pytest.raises(UserError):
        load(house.warehouse, house.model, recipe, house.folder, by="tests")


def test_percent_sign_in_a_recipe(tmp_path: Path) -> None:
    made = loaded(tmp_path, changed("country: country", "country: \"'100%'\""))
    assert rows(made)[0]["country"] == "100%"


def test_backslash_and_quote_in_a_recipe(tmp_path: Path) -> None:
    made = loaded(tmp_path, changed("country: country", 'country: |-\n    "it\'s \\\\ :x ? $1"'))
    assert rows(made)[0]["country"] == "it's \\ :x ? $1"


WORDS = ("order", "group", "at", "select", "from_", "key", "value", "table")


@pytest.mark.parametrize("name", WORDS)
def test_column_named_by_a_word_of_sql(tmp_path: Path, name: str) -> None:
    made = loaded(
        tmp_path, changed("order_id: order_id", f"{name}: order_id"), model=SHOP_MODEL.replace("order_id", name)
    )
    assert rows(made)[0][name] == "O1"


@pytest.mark.parametrize("name", ["order", "group", "select"])
def test_time_named_by_a_word_of_sql(tmp_path: Path, name: str) -> None:
    made = loaded(tmp_path, changed("sold_at: sold_at", f"{name}: sold_at"), model=SHOP_MODEL.replace("sold_at", name))
    assert made.sales().coverage().start == dt.datetime(2024, 1, 1, 10)


def test_path_with_a_quote(tmp_path: Path) -> None:
    made = shop(tmp_path, THREE)
    moved = House(made.folder, made.model, made.recipe, DuckWarehouse(tmp_path / "it's a warehouse", threads=1))
    assert moved.load().changed
    assert len(rows(moved)) == 3


def test_snapshot_of_another_model_is_refused(house: House, sample_model: SalesModel) -> None:
    house.load()
    with pytest.raises(NotReadyError, match="loaded for the model 'shop', the model in use is 'online_retail_ii'"):
        Sales(sample_model, house.warehouse, NoCache()).coverage()


def test_ledger_before_the_first_load(house: House) -> None:
    found: list[Load] = loads(house.warehouse)
    assert found == []
