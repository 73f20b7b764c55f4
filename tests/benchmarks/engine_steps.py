"""What `make bench-engine` runs in processes of their own, whose memory is their own."""

from __future__ import annotations

import atexit
import os
import shutil
import sys
import time
from pathlib import Path

import duckdb
import orjson

from salescope.cache import NoCache
from salescope.cli import close_stderr
from services.access import EVERYTHING, ROLES, Viewer
from services.duck_warehouse import DuckWarehouse
from services.imagefiles import images_of
from services.ledger import Mode
from services.loading import publish
from services.query import SalesQuery
from services.sales import Sales
from tests.benchmarks import by_hand, reference
from tests.benchmarks.measuring import peak_mb, seconds_of
from tests.benchmarks.reference import State
from tests.benchmarks.reference_queries import DASHBOARD, DEEP, page_of_lines

REFRESHED = 30


def viewer_of(number: int) -> Viewer:
    """Return one of the users, who may see everything."""
    return Viewer(number, f"bench-{number}@example.com", "analyst", ROLES["analyst"].permissions, EVERYTHING)


def queries_of(state: State) -> list[SalesQuery]:
    """Return the dashboard under a filter state."""
    return [query for tile in DASHBOARD.values() if (query := tile.of(state)) is not None]


def refresh(sales: Sales, viewer: Viewer, state: State) -> None:
    """Answer the whole dashboard under a filter state."""
    sales.answer_many(queries_of(state), viewer)


def step_bare(folder: Path, tag: str) -> dict[str, float]:
    """Load the files into a bare DuckDB."""
    (folder / "bare.duckdb").unlink(missing_ok=True)
    seconds = seconds_of(lambda: reference.load_bare(folder, tag, folder / "bare.duckdb").close())
    size = (folder / "bare.duckdb").stat().st_size / 1e6
    return {"seconds": seconds, "cpu_seconds": time.process_time(), "file_mb": size, "memory_mb": peak_mb()}


def step_hand(folder: Path, tag: str) -> dict[str, float]:
    """Make the tables that somebody makes by hand, of what `step_bare` loaded."""
    seconds = seconds_of(lambda: by_hand.make(folder))
    found = {"seconds": seconds, "cpu_seconds": time.process_time(), "file_mb": by_hand.size_mb(folder)}
    return found | {"memory_mb": peak_mb()}


def step_ours(folder: Path, tag: str) -> dict[str, float]:
    """Load and publish the files as the product does."""
    shutil.rmtree(folder / "warehouse", ignore_errors=True)
    warehouse = DuckWarehouse(folder / "warehouse")
    started = time.perf_counter()
    prepared = reference.prepare_in(folder, warehouse)
    prepared_at = time.perf_counter()
    loaded = publish(warehouse, reference.model_in(folder), prepared, by="bench")
    done = time.perf_counter()
    size = sum(path.stat().st_size for path in (folder / "warehouse").glob("*.duckdb")) / 1e6
    images = images_of(warehouse.current(), warehouse.root)
    return {
        "images_mb": sum(each.nbytes for each in images.images.values()) / 1e6,
        "images_allowed_mb": images.basis.budget / 1e6 if images.basis else 0.0,
        "seconds": done - started,
        "prepare_seconds": prepared_at - started,
        "publish_seconds": done - prepared_at,
        "cpu_seconds": time.process_time(),
        "lines": loaded.load.rows_kept,
        "snapshot_mb": size,
        "memory_mb": peak_mb(),
    }


def step_day(folder: Path, tag: str) -> dict[str, float]:
    """Add a day to what was published: the lines of the last day once more, a day later, in a copy."""
    shutil.rmtree(folder / "day", ignore_errors=True)
    # Versions never change: links to their files are copies.
    shutil.copytree(folder / "warehouse", folder / "day" / "warehouse", copy_function=os.link)
    for name in (f"customers_{tag}.parquet", "model.yaml", "recipe.yaml"):
        os.link(folder / name, folder / "day" / name)
    source, target = (str(place / f"sales_{tag}.parquet") for place in (folder, folder / "day"))
    moved = "order_ts + INTERVAL 1 DAY AS order_ts, order_id + 1_000_000_000 AS order_id"
    last = f"(SELECT max(order_ts)::DATE FROM read_parquet('{source}'))"
    with duckdb.connect() as connection:
        connection.execute(
            f"COPY (SELECT * REPLACE ({moved}) FROM read_parquet('{source}') WHERE order_ts >= {last}) TO '{target}'"
        )
    warehouse = DuckWarehouse(folder / "day" / "warehouse")
    started, used = time.perf_counter(), time.process_time()
    loaded = publish(
        warehouse,
        reference.model_in(folder),
        reference.prepare_in(folder / "day", warehouse),
        by="bench",
        mode=Mode.APPEND,
    )
    found = {"seconds": time.perf_counter() - started, "cpu_seconds": time.process_time() - used}
    shutil.rmtree(folder / "day")
    return found | {"lines": loaded.load.rows_kept, "memory_mb": peak_mb()}


def step_worker(folder: Path, tag: str) -> dict[str, float]:
    """Answer all scenarios, the random states and pages of lines, as a worker does."""
    sales = Sales(reference.model_in(folder), DuckWarehouse(folder / "warehouse"), NoCache())
    viewer = viewer_of(0)
    idle = peak_mb()
    for state in reference.checked_states(REFRESHED).values():
        refresh(sales, viewer, state)
    answered = peak_mb()
    for offset in (0, DEEP):
        sales.answer(page_of_lines(offset)[0], viewer)
    return {"imported_mb": idle, "answered_mb": answered, "memory_mb": peak_mb()}


STEPS = {"bare": step_bare, "hand": step_hand, "ours": step_ours, "day": step_day, "worker": step_worker}


def main() -> None:
    """Run the step of the command line and print its figures as JSON."""
    atexit.register(close_stderr)
    step, folder, tag = sys.argv[1:]
    sys.stdout.write(orjson.dumps(STEPS[step](Path(folder), tag)).decode() + "\n")


if __name__ == "__main__":
    main()
