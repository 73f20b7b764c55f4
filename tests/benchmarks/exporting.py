"""100,000 order lines of the sample as XLSX, once and three at once: seconds, megabytes beside the engine's own."""

from __future__ import annotations

import resource
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path

from salescope import installation
from salescope.cache import NoCache
from services import sheets, xlsx
from services.access import Viewer
from services.duck_warehouse import DuckWarehouse
from services.loading import load
from services.model import read_model
from services.query import MAX_LIMIT, SalesQuery
from services.recipe import read_recipe
from services.sales import Sales
from tests.factories import viewer_of


def megabytes() -> float:
    """Return the most memory this process has had so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    """Print the figures."""
    with tempfile.TemporaryDirectory() as folder:
        home = installation.SAMPLE.parent
        model = read_model(home / "model.yaml")
        # In a process of its own: what loading takes is not to hide what writing takes.
        loading = get_context("spawn").Process(target=prepare, args=(Path(folder) / "warehouse",))
        loading.start()
        loading.join()
        warehouse = DuckWarehouse(Path(folder) / "warehouse")
        sales, viewer = Sales(model, warehouse, NoCache()), viewer_of("analyst")
        query = SalesQuery(columns=model.lines)
        for start in range(0, MAX_LIMIT, sheets.CHUNK):  # what the engine itself takes, once before
            sales.answer(replace(query, offset=start, limit=sheets.CHUNK), viewer)
        for count in (1, 3):
            before, started, spent = megabytes(), time.perf_counter(), time.process_time()
            with ThreadPoolExecutor(count) as pool:
                files = [Path(folder) / f"lines {number}.xlsx" for number in range(count)]
                list(pool.map(lambda path: write(path, sales, viewer), files))
            seconds, spent = time.perf_counter() - started, time.process_time() - spent
            size = files[0].stat().st_size / 1e6
            print(
                f"{count} at once, {MAX_LIMIT:,} lines each, {size:.1f} MB: {seconds:.1f} s (CPU {spent:.1f} s), "
                f"{megabytes() - before:.0f} MB more"
            )


def prepare(folder: Path) -> None:
    """Load the sample into a warehouse."""
    home = installation.SAMPLE.parent
    recipe = read_recipe(installation.SAMPLE)
    load(DuckWarehouse(folder), read_model(home / "model.yaml"), recipe, home, by="benchmark")


def write(path: Path, sales: Sales, viewer: Viewer) -> None:
    """Write the first lines of the sample to a workbook."""
    with path.open("wb") as stream:
        lines = sheets.lines(sales, SalesQuery(columns=sales.model.lines), viewer, "Order lines")
        xlsx.write_xlsx([lines], [], sales.model, stream)


if __name__ == "__main__":
    main()
