"""Answers at several sizes, each verified against one run of bare DuckDB, and how a cold refresh grows: one round.

`make bench-growth` is the short way to look at 100 million lines: bare DuckDB reads them once per answer, which is
both what the answer is compared with and the time to beat. No state begins after `--minutes`.

    make bench-growth BENCH_ARGS="--rows 1m 10m 100m --cache /tmp/bench"
"""

from __future__ import annotations

import argparse
import atexit
import sys
import time
from collections.abc import Callable
from functools import partial
from itertools import pairwise
from pathlib import Path

import duckdb
import orjson
from rich.console import Console
from rich.table import Table

from salescope.cache import NoCache
from salescope.cli import close_stderr
from services.duck_warehouse import DuckWarehouse
from services.sales import Sales
from tests.benchmarks import by_hand, reference
from tests.benchmarks.by_hand import ByHand
from tests.benchmarks.engine import load
from tests.benchmarks.engine_steps import refresh, viewer_of
from tests.benchmarks.measuring import Action, CpuOfOthers, geometric_mean, median
from tests.benchmarks.reference import State
from tests.benchmarks.reference_queries import DASHBOARD, Reference, Row

KINDS = ("ours_ms", "page_ms", "raw_ms", "by_hand_ms")
HEADS = ("8 answers, ms", "as one page", "raw ms", "by hand ms")
Clock = Callable[[], float]
CONSOLE = Console(width=None if sys.stdout.isatty() else 140)


#: Seconds that pass, and those that all threads of this process work: of these a busy machine changes little.
CLOCKS: dict[str, Clock] = {"wall": time.perf_counter, "cpu": time.process_time}


class Noted(Reference):
    """A reference that notes how long bare DuckDB took last, by a clock."""

    raw_ms = 0.0
    clock: Clock = staticmethod(time.perf_counter)

    def _ask(self, text: str) -> list[Row]:
        started = self.clock()
        found = super()._ask(text)
        self.raw_ms = (self.clock() - started) * 1000
        return found

    def median_ms(self, action: Action, runs: int) -> float:
        """Return the median of some runs."""
        times = []
        for _ in range(runs):
            started = self.clock()
            action()
            times.append((self.clock() - started) * 1000)
        return median(times)


def answered(asked: Noted, made: ByHand, title: str, state: State, runs: int) -> dict[str, float]:
    """Return the milliseconds of a refresh each way; exit 1 at the first answer that differs."""
    found = dict.fromkeys(KINDS, 0.0)
    for name, tile in DASHBOARD.items():
        both = asked.same_length(state) if name == "q1_kpis" else asked.both(name, state)
        found["raw_ms"] += asked.raw_ms
        for difference in (both.difference, asked.by_hand(name, state, made).difference):
            if difference:
                sys.exit(f"{title}, {name}: {difference}")
        query, text = tile.of(state), made.sql_of(name, state)
        if query is not None:
            found["ours_ms"] += asked.median_ms(partial(asked.sales.answer, query, asked.viewer), runs)
            found["by_hand_ms"] += asked.median_ms(partial(_fetch, made, text), runs)
    return found | {"page_ms": asked.median_ms(partial(refresh, asked.sales, asked.viewer, state), runs)}


def _fetch(made: ByHand, text: str) -> None:
    made.connection.execute(text).fetchall()


def measure(folder: Path, rows: str, asked_for: argparse.Namespace, until: float) -> dict[str, dict[str, float]]:
    """Return the refreshes at a size by their state; states for which the time is over are left out."""
    load(folder, reference.generate(rows, folder), reuse=True)
    warehouse, others = DuckWarehouse(folder / "warehouse"), CpuOfOthers()
    sales = Sales(reference.model_in(folder), warehouse, NoCache(), seconds=600)
    bare = duckdb.connect(str(folder / "bare.duckdb"), read_only=True, config={"threads": "2"})
    found: dict[str, dict[str, float]] = {}
    with bare as raw, by_hand.connect(folder) as hand:
        asked, made = Noted(sales, viewer_of(0), raw), ByHand(hand)
        asked.clock = CLOCKS[asked_for.clock]
        # Short periods first: bare DuckDB reads fewer lines, so that most states fit into the time.
        for title, state in sorted(reference.scenarios().items(), key=lambda each: each[1].end - each[1].start):
            if not found or time.monotonic() < until:
                found[title] = answered(asked, made, title, state, asked_for.runs)
    warehouse.current().engine.dispose()
    _print(f"{rows} lines, ms of {asked_for.clock}", found)
    CONSOLE.print(
        f"{len(found) * len(DASHBOARD)} answers are those of bare DuckDB and of rollups by hand, row by row. "
        f"Other processes took {others.share:.0%} of the CPU."
    )
    return found


def _print(what: str, found: dict[str, dict[str, float]]) -> None:
    table = Table("State", *HEADS, "times faster", "by hand / ours", title=f"Refresh of 8 queries, {what}")
    means = {kind: geometric_mean([each[kind] for each in found.values()]) for kind in KINDS}
    for title, each in {**found, "geometric mean": means}.items():
        ratios = (each["raw_ms"] / each["ours_ms"], each["by_hand_ms"] / each["ours_ms"])
        table.add_row(title, *(f"{each[kind]:.1f}" for kind in KINDS), *(f"{ratio:.2f}" for ratio in ratios))
    CONSOLE.print(table)


def print_growth(found: dict[str, dict[str, dict[str, float]]]) -> dict[str, dict[str, float]]:
    """Print how many times as long each way takes per step of size, geometric means over the states both have."""
    table, steps = Table("Step", *HEADS, "states", title="Times as long"), {}
    for (less, before), (more, now) in pairwise(found.items()):
        shared = [title for title in before if title in now]
        grown = {kind: geometric_mean([now[each][kind] / before[each][kind] for each in shared]) for kind in KINDS}
        steps[f"{less} -> {more}"] = grown
        table.add_row(f"{less} -> {more}", *(f"{grown[kind]:.2f}" for kind in KINDS), str(len(shared)))
    CONSOLE.print(table)
    return steps


def main() -> None:
    """Run the benchmark."""
    atexit.register(close_stderr)
    parser = argparse.ArgumentParser(prog="make bench-growth", description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--rows", nargs="+", default=["1m", "10m"], help="sizes, the smallest first: 1m 10m 100m")
    parser.add_argument("--cache", type=Path, required=True, help="folder that keeps the data for the next run")
    parser.add_argument("--runs", type=int, default=5, help="runs of the product and of rollups by hand")
    parser.add_argument("--clock", choices=[*CLOCKS], default="wall", help="what times are by")
    parser.add_argument("--minutes", type=float, default=8, help="no state begins after this time")
    parser.add_argument("--json", type=Path, help="file that all figures are written to")
    asked = parser.parse_args()
    if not reference.available():
        sys.exit(reference.MISSING)
    until = time.monotonic() + 60 * asked.minutes
    found = {rows: measure(asked.cache.resolve() / rows.lower(), rows, asked, until) for rows in asked.rows}
    figures = {"refreshes": found, "growth": print_growth(found)}
    if asked.json:
        asked.json.write_bytes(orjson.dumps(figures, option=orjson.OPT_INDENT_2))


if __name__ == "__main__":
    main()
