"""What tests make for themselves: viewers, caches and a small shop with its own model and files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import duckdb

from salescope.cache import NoCache
from services.access import EVERYTHING, RowScope, Viewer, role
from services.addresses import read_address
from services.duck_warehouse import DuckWarehouse
from services.flights import ResultCache
from services.loading import Loaded, load
from services.model import SalesModel, read_model
from services.postgres_warehouse import PostgresWarehouse
from services.recipe import Recipe, read_recipe
from services.sales import Sales
from services.warehouse import Warehouse


class MemoryCache:
    """A result cache that keeps everything; `kept` is there to be looked at."""

    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}

    def get(self, key: str) -> bytes | None:
        return self.kept.get(key)

    def set(self, key: str, value: bytes) -> None:
        self.kept[key] = value


def viewer_of(role_name: str, scope: RowScope = EVERYTHING) -> Viewer:
    """Return a viewer with the permissions of a built-in role and the given row scope."""
    return Viewer(
        user_id=1,
        email=f"{role_name}@example.com",
        role=role_name,
        permissions=role(role_name).permissions,
        scope=scope,
    )


SHOP_MODEL = """\
model: 1
name: shop
title: Shop
currency: EUR
today: data
facts:
  time: sold_at
  columns:
    line_id: {type: integer, label: Line}
    sold_at: {type: time, label: Time}
    order_id: {type: text, label: Order}
    country: {type: text, label: Country}
    product_id: {type: text, label: Code}
    product_name: {type: text, label: Product}
    quantity: {type: integer, label: Quantity}
    revenue: {type: money, label: Amount}
segments:
  big: {label: Big, condition: quantity >= 6}
dimensions:
  country: {label: Country, plural: Countries, column: country, role: country}
  product: {label: Product, plural: Products, column: product_id, label_column: product_name, role: product}
  order: {label: Order, plural: Orders, column: order_id, role: order}
measures:
  revenue: {label: Revenue, expression: sum(revenue), format: currency}
  units: {label: Units, expression: sum(quantity), format: integer}
  lines: {label: Lines, expression: count(), format: integer}
  orders: {label: Orders, expression: count_distinct(order_id), format: integer}
  largest: {label: Largest, expression: max(revenue), format: currency}
  big_revenue: {label: Big, expression: sum(revenue), where: big, format: currency}
  average: {label: Average, expression: revenue / orders, format: currency}
lines: [line_id, sold_at, order_id, country, product_id, product_name, quantity, revenue]
overview: {measures: [revenue, orders]}
"""

SHOP_RECIPE = """\
recipe: 1
name: shop
model: model.yaml
sources: [{file: sales.parquet}]
columns:
  sold_at: sold_at
  order_id: order_id
  country: country
  product_id: product_id
  product_name: product_name
  quantity: quantity
  revenue: revenue
"""

#: 3,000 lines over 500 days, spread by a digest: 8 countries (one blank), 40 products, both signs.
SHOP_ROWS = """
WITH lines AS (
    SELECT i, [(md5_number_lower(i || part) % 1_000_000_000)::BIGINT FOR part IN ['a', 'b', 'c', 'd', 'e']] AS dice
    FROM range(3000) AS t(i)
)
SELECT
    TIMESTAMP '2023-03-01' + INTERVAL (dice[1] % (500 * 86400)) SECOND AS sold_at,
    'O' || (i // 3) AS order_id,
    [NULL, 'Austria', 'Belgium', 'Chile', 'Denmark', 'Egypt', 'France', 'Greece'][dice[2] % 8 + 1] AS country,
    'P' || (dice[3] % 40) AS product_id,
    'Product ' || (dice[3] % 40) AS product_name,
    (dice[4] % 12)::INTEGER - 2 AS quantity,
    ((dice[5] % 20000)::DECIMAL(18, 4) / 100 - 20)::DECIMAL(18, 4) AS revenue
FROM lines
"""


def write_parquet(path: Path, select: str) -> Path:
    """Write the rows of a DuckDB select into a Parquet file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with duckdb.connect() as connection:
        connection.execute(f"COPY ({select}) TO '{path}' (FORMAT parquet)")
    return path


@dataclass(frozen=True)
class House:
    """A data set on disk and the warehouse it is loaded into."""

    folder: Path
    model: SalesModel
    recipe: Recipe
    warehouse: Warehouse

    def load(self) -> Loaded:
        """Load the files as they are now."""
        return load(self.warehouse, self.model, self.recipe, self.folder, by="tests")

    def sales(self, cache: ResultCache | None = None, *, seconds: float = 30.0) -> Sales:
        """Return the sales service on this warehouse."""
        return Sales(self.model, self.warehouse, cache or NoCache(), seconds=seconds)


def warehouse_of(folder: Path, url: str | None = None) -> Warehouse:
    """Return the warehouse in a folder, or in the PostgreSQL database of a URL."""
    if url is None:
        return DuckWarehouse(folder, threads=1)
    return PostgresWarehouse(read_address(url), folder, threads=1)


def house_of(folder: Path, model: str, recipe: str, files: dict[str, str], url: str | None = None) -> House:
    """Write a model, a recipe and Parquet files (name -> select); nothing is loaded yet."""
    source = folder / "source"
    for name, select in files.items():
        write_parquet(source / name, select)
    (source / "model.yaml").write_text(model, encoding="utf-8")
    (source / "recipe.yaml").write_text(recipe, encoding="utf-8")
    return House(
        source,
        read_model(source / "model.yaml"),
        read_recipe(source / "recipe.yaml"),
        warehouse_of(folder / "warehouse", url),
    )


def shop(
    folder: Path,
    rows: str = SHOP_ROWS,
    model: str = SHOP_MODEL,
    recipe: str = SHOP_RECIPE,
    url: str | None = None,
) -> House:
    """Return the small shop with the given rows; nothing is loaded yet. Its data go to `url` where one is given."""
    return house_of(folder, model, recipe, {"sales.parquet": rows}, url)


def load_again(root: Path, folder: Path, url: str | None = None) -> None:
    """Load `folder` into the warehouse at `root`: what a process does that a test kills."""
    load(
        warehouse_of(root, url),
        read_model(folder / "model.yaml"),
        read_recipe(folder / "recipe.yaml"),
        folder,
        by="tests",
    )
