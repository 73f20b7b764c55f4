"""The reference workload of ../shared/bench as an ordinary data set: generated files, model, recipe, load."""

from __future__ import annotations

import datetime as dt
import importlib
import sys
import warnings
from collections.abc import Iterator
from functools import cache
from itertools import islice
from pathlib import Path
from types import ModuleType
from typing import Protocol

import duckdb

from services.binding import staged_sources
from services.loading import publish
from services.model import SalesModel, read_model
from services.prepared import Prepared
from services.preparing import prepare
from services.recipe import read_recipe
from services.warehouse import Warehouse

ROOT = Path(__file__).parents[2]
BENCH = ROOT.parent / "shared" / "bench"
MISSING = (
    f"The reference workload is not there: {BENCH.name}/make_sales.py and workload.py are looked for in a folder "
    "shared/bench beside the checkout."
)
SEED, STREAM_SEED = 7, 11
MODEL = """\
model: 1
name: reference_sales
title: Reference sales
currency: USD
today: data
facts:
  time: order_ts
  key: line_id
  columns:
    line_id: {type: integer, label: Line}
    order_id: {type: integer, label: Order}
    line_no: {type: integer, label: Number in order}
    order_ts: {type: time, label: Time}
    customer_id: {type: integer, label: Customer}
    customer_kind: {type: text, label: New or returning}
    product_id: {type: integer, label: Code}
    product_name: {type: text, label: Product}
    category: {type: text, label: Category}
    country: {type: text, label: Country}
    channel: {type: text, label: Channel}
    quantity: {type: integer, label: Quantity}
    unit_price: {type: money, label: Unit price}
    discount: {type: money, label: Discount}
    cost: {type: money, label: Cost}
    revenue: {type: money, label: Revenue}
dimensions:
  country: {label: Country, plural: Countries, column: country, role: country}
  category: {label: Category, plural: Categories, column: category, role: product_type}
  channel: {label: Channel, plural: Channels, column: channel, role: channel}
  product: {label: Product, plural: Products, column: product_id, label_column: product_name, role: product}
  customer_kind: {label: New or returning, plural: New or returning, column: customer_kind}
  customer: {label: Customer, plural: Customers, column: customer_id, role: customer}
  order: {label: Order, plural: Orders, column: order_id, role: order}
measures:
  revenue: {label: Revenue, expression: sum(revenue), format: currency}
  margin: {label: Margin, expression: sum(revenue - cost), format: currency}
  units: {label: Units, expression: sum(quantity), format: integer}
  orders: {label: Orders, expression: count_distinct(order_id), format: integer}
  customers: {label: Customers, expression: count_distinct(customer_id), format: integer}
  lines: {label: Lines, expression: count(), format: integer}
filters: [country, category]
lines: [order_ts, order_id, line_no, customer_id, product_name, channel, quantity, unit_price, discount, revenue]
overview: {measures: [revenue, margin, units, orders, customers], period: last_year, compare: prior}
"""
RECIPE = """\
recipe: 1
name: reference_sales
model: model.yaml
sources: [{{file: sales_{tag}.parquet}}]
lookups:
  customers:
    sources: [{{file: customers_{tag}.parquet}}]
    by: {{customer_id: customer_id}}
columns:
  order_id: order_id
  line_no: line_no
  order_ts: order_ts
  customer_id: customer_id
  customer_kind: >-
    'new' if month_start(customers.first_order_date) == month_start(order_ts) else 'returning'
  product_id: product_id
  product_name: product_name
  category: category
  country: country
  channel: channel
  quantity: quantity
  unit_price: unit_price
  discount: discount
  cost: cost
  revenue: revenue
"""


class State(Protocol):
    """A filter state of the workload; `end` is exclusive."""

    @property
    def start(self) -> dt.date: ...
    @property
    def end(self) -> dt.date: ...
    @property
    def prev_start(self) -> dt.date: ...
    @property
    def countries(self) -> tuple[str, ...]: ...
    @property
    def categories(self) -> tuple[str, ...]: ...
    def where(self, start: dt.date | None = None) -> str: ...


def available() -> bool:
    """Tell whether the workload's files are beside the checkout."""
    return all((BENCH / name).exists() for name in ("make_sales.py", "workload.py", "workload.sql"))


@cache
def bench_module(name: str) -> ModuleType:
    """Return `make_sales` or `workload`."""
    if str(BENCH) not in sys.path:
        sys.path.append(str(BENCH))
    with warnings.catch_warnings():
        # workload.py leaves the file of its queries to the garbage collector.
        warnings.simplefilter("ignore", ResourceWarning)
        return importlib.import_module(name)


def scenarios() -> dict[str, State]:
    """Return the named filter states."""
    return dict(bench_module("workload").SCENARIOS)


def random_states(seed: int = STREAM_SEED) -> Iterator[State]:
    """Return the endless stream of filter states of one user."""
    states: Iterator[State] = bench_module("workload").random_filters(seed)
    return states


def checked_states(random: int) -> dict[str, State]:
    """Return the states whose answers are verified: all scenarios and some of a stream."""
    return scenarios() | {f"random {number}": each for number, each in enumerate(islice(random_states(), random), 1)}


def generate(rows: str, folder: Path) -> str:
    """Write data, model and recipe into `folder`, unless the data are there already; return their tag."""
    maker = bench_module("make_sales")
    count, tag = maker.parse_rows(rows)
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / f"customers_{tag}.parquet").exists():
        maker.generate(count, tag, str(folder), SEED)
    (folder / "model.yaml").write_text(MODEL, encoding="utf-8")
    (folder / "recipe.yaml").write_text(RECIPE.format(tag=tag), encoding="utf-8")
    return str(tag)


def model_in(folder: Path) -> SalesModel:
    """Return the model of the workload."""
    return read_model(folder / "model.yaml")


def prepare_in(folder: Path, warehouse: Warehouse) -> Prepared:
    """Prepare the load of the workload's files."""
    recipe = read_recipe(folder / "recipe.yaml")
    with staged_sources(warehouse.root, recipe, folder, lambda stage, share: None) as bound:
        return prepare(warehouse.root, model_in(folder), recipe, bound)


def load_in(folder: Path, warehouse: Warehouse) -> int:
    """Load and publish the workload's files as the product does; return the lines."""
    return publish(warehouse, model_in(folder), prepare_in(folder, warehouse), by="bench").load.rows_kept


def load_bare(folder: Path, tag: str, target: Path | str) -> duckdb.DuckDBPyConnection:
    """Copy the files into a bare DuckDB, rows in the order of the file; return a connection to it."""
    connection = duckdb.connect(str(target), config={"threads": "2"})
    for table in ("sales", "customers"):
        connection.execute(f"CREATE TABLE {table} AS SELECT * FROM read_parquet('{folder}/{table}_{tag}.parquet')")
    connection.execute("CHECKPOINT")
    return connection
