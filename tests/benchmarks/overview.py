"""The Overview's queries through the service, beside the same SQL in bare DuckDB: `make bench`.

Answers are compared first. Each figure is the median of RUNS; the ratio is what counts.
"""

from __future__ import annotations

import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import duckdb
from duckdb_engine import Dialect
from rich.console import Console
from rich.table import Table

from salescope.cache import NoCache
from services import sql
from services.access import EVERYTHING, ROLES, Viewer
from services.duck_warehouse import DuckWarehouse
from services.loading import load
from services.model import read_model
from services.overview import TILES, answers, default_query, grain_of, offered
from services.periods import Period
from services.query import Filter, SalesQuery
from services.recipe import read_recipe
from services.sales import Sales

RUNS = 15
SAMPLE = Path(__file__).parents[2] / "data" / "online_retail_ii"
VIEWER = Viewer(0, "bench@example.com", "analyst", ROLES["analyst"].permissions, EVERYTHING)


def median_ms(action: Callable[[], object]) -> float:
    """Return the median time of RUNS runs after one warm-up."""
    action()
    times = []
    for _ in range(RUNS):
        started = time.perf_counter()
        action()
        times.append((time.perf_counter() - started) * 1000)
    return statistics.median(times)


def literal(sales: Sales, query: SalesQuery) -> str:
    """Return the statement of a query as SQL text without parameters."""
    statement = sql.build(sales.model, query, sales.window(query), VIEWER.scope)
    return str(statement.compile(dialect=Dialect(), compile_kwargs={"literal_binds": True}))


def main() -> None:
    """Print the table; exit 1 when an answer differs."""
    model = read_model(SAMPLE / "model.yaml")
    with tempfile.TemporaryDirectory() as folder:
        warehouse = DuckWarehouse(Path(folder))
        started = time.perf_counter()
        loaded = load(warehouse, model, read_recipe(SAMPLE / "recipe.yaml"), SAMPLE, by="bench")
        seconds = time.perf_counter() - started
        sales = Sales(model, warehouse, NoCache())
        # A copy: DuckDB opens a file once per process, with one configuration.
        copy = shutil.copy(warehouse.root / warehouse.live().file, Path(folder) / "bare.db")
        bare = duckdb.connect(str(copy), read_only=True, config={"threads": "2"})
        Console().print(f"Loaded and published {loaded.load.rows_kept:,} lines in {seconds:.1f} s.")
        base = default_query(model)
        states = {
            "this year": base,
            "all data": replace(base, period=Period("all")),
            "Germany, last 90 days": replace(
                base, period=Period("last_90_days"), filters=(Filter("country", "is", ("Germany",)),)
            ),
        }
        for name, state in states.items():
            _print_state(sales, bare, name, state)


def _print_state(sales: Sales, bare: duckdb.DuckDBPyConnection, name: str, state: SalesQuery) -> None:
    table = Table("Tile", "Service ms", "Bare DuckDB ms", "Ratio", title=f"Overview, {name}")
    total = 0.0
    for tile in TILES:
        query = tile.query(state, sales.model, grain_of(sales.window(state)))
        text = literal(sales, query)
        frame, rows = sales.answer(query, VIEWER).frame, bare.execute(text).fetchall()
        if len(frame) != len(rows):
            sys.exit(f"{tile.key}: the service answers {len(frame)} rows, bare DuckDB {len(rows)}.")
        ours = median_ms(lambda query=query: sales.answer(query, VIEWER))  # type: ignore[misc]
        theirs = median_ms(lambda text=text: bare.execute(text).fetchall())  # type: ignore[misc]
        total += theirs
        table.add_row(tile.key, f"{ours:.1f}", f"{theirs:.1f}", f"{ours / theirs:.2f}")
    page = median_ms(lambda: answers(sales, offered(sales.model), state, VIEWER))
    table.add_row("all tiles", f"{page:.1f}", f"{total:.1f}", f"{page / total:.2f}", style="bold")
    Console().print(table)


if __name__ == "__main__":
    main()
