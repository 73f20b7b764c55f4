"""100,000 order lines of the sample as XLSX: seconds, and megabytes on top of the query engine's own."""

from __future__ import annotations

import resource
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from salescope import installation
from salescope.cache import NoCache
from services import sheets
from services.loading import load
from services.model import read_model
from services.query import MAX_LIMIT, SalesQuery
from services.recipe import read_recipe
from services.sales import Sales
from services.warehouse import DuckWarehouse
from tests.factories import viewer_of


def megabytes() -> float:
    """Return the most memory this process has had so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    """Print the figures."""
    with tempfile.TemporaryDirectory() as folder:
        home = installation.SAMPLE.parent
        model = read_model(home / "model.yaml")
        warehouse = DuckWarehouse(Path(folder) / "warehouse")
        load(warehouse, model, read_recipe(installation.SAMPLE), home, by="benchmark")
        sales, viewer = Sales(model, warehouse, NoCache()), viewer_of("analyst")
        query = SalesQuery(columns=model.lines)
        for start in range(0, MAX_LIMIT, sheets.CHUNK):  # what the engine itself takes, once before
            sales.answer(replace(query, offset=start, limit=sheets.CHUNK), viewer)
        before, started, spent = megabytes(), time.perf_counter(), time.process_time()
        with (Path(folder) / "lines.xlsx").open("wb") as stream:
            sheets.write_xlsx([sheets.lines(sales, query, viewer, "Order lines")], [], model, stream)
        seconds, spent = time.perf_counter() - started, time.process_time() - spent
        size = (Path(folder) / "lines.xlsx").stat().st_size / 1e6
        print(f"{MAX_LIMIT:,} lines, {size:.1f} MB: {seconds:.1f} s (CPU {spent:.1f} s), {megabytes() - before:.0f} MB")


if __name__ == "__main__":
    main()
