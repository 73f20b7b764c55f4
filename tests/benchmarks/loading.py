"""Load speed: files to a published snapshot, beside bare COPY into DuckDB in the same run. `make bench` prints it."""

from __future__ import annotations

import atexit
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import duckdb
from rich.console import Console
from rich.table import Table

from salescope.cli import close_stderr
from services.binding import bind
from services.duck_warehouse import DuckWarehouse
from services.intake.files import find, stage
from services.loading import publish
from services.model import read_model
from services.preparing import prepare
from services.recipe import read_recipe
from tests.benchmarks.measuring import peak_mb

ROOT = Path(__file__).parents[2]
SAMPLE = ROOT / "data" / "online_retail_ii"
RECIPE = """\
recipe: 1
name: online_retail_ii
model: model.yaml
sources: [{file: lines.csv}]
fields:
  Invoice: {type: text}
  StockCode: {type: text}
  Description: {type: text}
  Quantity: {type: integer}
  InvoiceDate: {type: time, formats: ["%Y-%m-%d %H:%M:%S"]}
  Price: {type: money}
  Customer ID: {type: text}
  Country: {type: text}
columns:
  order_id: Invoice
  order_time: InvoiceDate
  line_kind: "'return' if starts_with(Invoice, 'C') else 'sale'"
  customer_id: column('Customer ID')
  product_id: upper(StockCode)
  product_name: Description
  product_type: "'Merchandise' if matches(product_id, '^[0-9]{5}[A-Z]*$') else 'Service and other'"
  country: Country
  quantity: Quantity
  unit_price: Price
  revenue: Quantity * Price
country_codes: {country_code: country}
"""


def write_source(folder: Path, name: str, copies: int) -> Path:
    """Write the sample `copies` times as one file."""
    path = folder / name
    form = "csv, header" if path.suffix == ".csv" else "parquet"
    with duckdb.connect() as connection:
        connection.execute(
            f"COPY (SELECT * REPLACE (InvoiceDate + INTERVAL (copy * 800) DAY AS InvoiceDate) FROM "
            f"read_parquet('{SAMPLE}/*.parquet'), range({copies}) AS t(copy)) TO '{path}' (FORMAT {form})".replace(
                "SELECT * REPLACE", "SELECT * EXCLUDE (copy) REPLACE"
            )
        )
    return path


def bare(source: Path, folder: Path) -> int:
    """Copy the file into DuckDB with the columns as they are; return the rows."""
    with duckdb.connect(str(folder / "bare.duckdb"), config={"threads": "2"}) as connection:
        kinds = "VARCHAR, StockCode VARCHAR, Description VARCHAR, Quantity BIGINT, InvoiceDate TIMESTAMP"
        connection.execute(
            f'CREATE TABLE facts (Invoice {kinds}, Price DECIMAL(18, 4), "Customer ID" VARCHAR, Country VARCHAR)'
        )
        options = "FORMAT csv, HEADER" if source.suffix == ".csv" else "FORMAT parquet"
        connection.execute(f"COPY facts FROM '{source}' ({options})")
        connection.execute("CHECKPOINT")
        ((rows,),) = connection.execute("SELECT count(*) FROM facts").fetchall()
        return int(rows)


def ours(source: Path, folder: Path) -> int:
    """Load and publish the file as the product does; return the rows."""
    (folder / "recipe.yaml").write_text(RECIPE, encoding="utf-8")
    recipe, model = read_recipe(folder / "recipe.yaml"), read_model(SAMPLE / "model.yaml")
    store = DuckWarehouse(folder / "warehouse")
    marks = [("start", time.perf_counter())]
    staged = [stage(part, folder / "staged") for part in find(source)]
    marks.append(("stage", time.perf_counter()))
    made = prepare(store.root, model, recipe, bind(recipe, staged))
    marks.append(("prepare", time.perf_counter()))
    loaded = publish(store, model, made, by="bench")
    marks.append(("publish", time.perf_counter()))
    steps = [f"{name} {at - before:.2f} s" for (_, before), (name, at) in pairwise(marks)]
    print("; ".join(steps), file=sys.stderr)
    return loaded.load.rows_kept


WAYS: dict[str, Callable[[Path, Path], int]] = {"bare": bare, "ours": ours}


def measured(way: str, source: Path, folder: Path) -> tuple[int, float, float]:
    """Run one way in a process of its own; return rows, seconds and peak memory in MB."""
    place = folder / f"{way}-{source.stem}{source.suffix}"
    place.mkdir()
    done = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.loading", way, str(source), str(place)],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )
    rows, seconds, memory = done.stdout.split()
    print(f"{way} {source.name}: {done.stderr.strip()}", file=sys.stderr)
    return int(rows), float(seconds), float(memory)


def main() -> None:
    """Print both ways side by side."""
    if len(sys.argv) == 4:
        way, source, folder = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
        started = time.perf_counter()
        rows = WAYS[way](source, folder)
        seconds = time.perf_counter() - started
        sys.stderr.flush()
        atexit.register(close_stderr)
        print(rows, seconds, peak_mb())
        return
    listed = Table("File", "Rows", "Size", "COPY into DuckDB", "Load and publish", "Ratio", "Peak memory")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for file, copies in (("1M.csv", 1), ("10M.parquet", 10)):
            source = write_source(folder, file, copies)
            rows, plain, _ = measured("bare", source, folder)
            _, full, memory = measured("ours", source, folder)
            listed.add_row(
                file, f"{rows:,}", f"{source.stat().st_size / 1e6:.0f} MB", f"{plain:.2f} s", f"{full:.2f} s",
                f"{full / plain:.2f}", f"{memory:.0f} MB",
            )  # fmt: skip
            source.unlink()
    Console().print(listed)


if __name__ == "__main__":
    main()
