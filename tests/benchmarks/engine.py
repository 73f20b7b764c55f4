"""The reference workload of ../shared/bench through `Sales.answer`, beside bare DuckDB: `make bench-engine`.

Beside it the workload's own SQL runs over the facts, and over rollups made by hand (by_hand.py).

Every answer is verified row by row first; nothing is timed when one differs. No result cache. The ratios are the
result, the times belong to the machine: run it alone, `nice -n -10` if you may.

    make bench-engine BENCH_ARGS="--rows 10m --cache /tmp/bench --json figures.json"
"""

from __future__ import annotations

import argparse
import atexit
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import duckdb
import orjson
from rich.console import Console
from rich.table import Table

from salescope.cache import NoCache
from salescope.cli import close_stderr
from services.duck_warehouse import DuckWarehouse
from services.query import SalesQuery
from services.sales import Sales
from tests.benchmarks import by_hand, reference
from tests.benchmarks.by_hand import ByHand
from tests.benchmarks.engine_goals import CUBES_MS, RAW_MS, print_goals
from tests.benchmarks.engine_steps import REFRESHED, refresh, viewer_of
from tests.benchmarks.measuring import (
    Action,
    CpuOfOthers,
    Times,
    beside_one_another,
    geometric_mean,
    in_process,
    in_turns,
    median,
    percentile,
    seconds_of,
)
from tests.benchmarks.reference import State
from tests.benchmarks.reference_queries import DASHBOARD, DEEP, Reference, page_of_lines, sql_of

VERIFIED, USERS = 12, 8
DRILLED = ("s1_all_4_years", "s2_year")
STEPS = "tests.benchmarks.engine_steps"
CONSOLE = Console(width=None if sys.stdout.isatty() else 140)


def raw_refresh(raw: duckdb.DuckDBPyConnection, state: State) -> None:
    """Run the whole dashboard as bare SQL."""
    for name in DASHBOARD:
        raw.execute(sql_of(name, state, 0)).fetchall()


def hand_refresh(made: ByHand, connection: duckdb.DuckDBPyConnection, state: State) -> None:
    """Run the whole dashboard over the tables made by hand."""
    for name in DASHBOARD:
        connection.execute(made.sql_of(name, state)).fetchall()


def verify(asked: Reference, made: ByHand) -> int:
    """Compare every answer of all scenarios and some random states; exit 1 at the first that differs."""
    count = 0
    for title, state in reference.checked_states(VERIFIED).items():
        found = {name: asked.both(name, state) for name in (*DASHBOARD, *asked.drill)}
        found |= {"q1_kpis, as many days before": asked.same_length(state)}
        found |= {f"{name}, by hand": asked.by_hand(name, state, made) for name in DASHBOARD}
        for name, both in found.items():
            if both.difference:
                sys.exit(f"{title}, {name}: {both.difference}")
        count += len(found)
    for offset in (0, DEEP):
        if difference := asked.page(offset).difference:
            sys.exit(f"Order lines from {offset}: {difference}")
    return count + 2


def time_query(
    asked: Reference, query: SalesQuery, text: str, runs: int, hand: Action | None = None
) -> tuple[Times, str]:
    """Time one query every way; return also which table served it, where the product says so."""
    served = str(getattr(asked.sales.answer(query, asked.viewer).trust, "served", ""))
    ours = partial(asked.sales.answer, query, asked.viewer)
    return in_turns(ours, lambda: asked.raw.execute(text).fetchall(), runs, hand), served


def place_of(served: str) -> str:
    """Return where the tables lie that served a query."""
    places = {"memory": "in memory" in served, "facts": "facts" in served}
    named = [name for name, there in places.items() if there]
    return ", ".join(named) or "rollups"


def time_queries(
    asked: Reference, state: State, names: Iterable[str], runs: int, made: ByHand | None = None
) -> dict[str, dict[str, Any]]:
    """Time queries of the workload under a filter state."""
    found = {}
    for name in names:
        query = (DASHBOARD | asked.drill)[name].of(state)
        if query is not None:
            hand = partial(_ask, made, made.sql_of(name, state)) if made else None
            times, served = time_query(asked, query, sql_of(name, state, asked.product), runs, hand)
            found[name] = times.figures | {"served": place_of(served)}
    return found


def _ask(made: ByHand, text: str) -> None:
    made.connection.execute(text).fetchall()


def time_pages(asked: Reference, runs: int) -> dict[str, dict[str, Any]]:
    """Time the first page of all order lines and a deep one, in the order of the Lines page."""
    found = {}
    for name, offset in (("first page of lines", 0), (f"page {DEEP // 100:,} of lines", DEEP)):
        times, served = time_query(asked, *page_of_lines(offset), runs)
        found[name] = times.figures | {"served": served}
    return found


def print_queries(title: str, found: dict[str, dict[str, Any]]) -> None:
    """Print medians and 95th percentiles of some queries."""
    table = Table("Query", "ms", "p95", "raw ms", "raw p95", "by hand ms", "times faster", "served from", title=title)
    for name, row in found.items():
        keys = ("ours_ms", "ours_p95_ms", "raw_ms", "raw_p95_ms", "by_hand_ms", "times_faster")
        table.add_row(name, *(f"{row[key]:.1f}" if key in row else "-" for key in keys), row["served"])
    CONSOLE.print(table)


def summed(found: dict[str, dict[str, Any]]) -> dict[str, float]:
    """Return a refresh as the sum of the medians."""
    sums = {key: sum(row[key] for row in found.values()) for key in ("ours_ms", "raw_ms", "by_hand_ms")}
    return sums | {"times_faster": sums["raw_ms"] / sums["ours_ms"]}


def time_scenarios(asked: Reference, made: ByHand, tag: str, runs: int) -> dict[str, Any]:
    """Time the dashboard under each scenario, print it, and the geometric mean of the refreshes."""
    queries = {}
    for title, state in reference.scenarios().items():
        queries[title] = time_queries(asked, state, DASHBOARD, runs, made)
        print_queries(title, queries[title])
    refreshes = {title: summed(found) for title, found in queries.items()}
    for place, row in enumerate(refreshes.values()):
        if tag in CUBES_MS:
            # Cubes were timed elsewhere: brought to this machine by what raw DuckDB takes on both.
            row["cubes_ms"] = CUBES_MS[tag][place] * row["raw_ms"] / RAW_MS[tag][place]
    kinds = ("ours_ms", "raw_ms", "by_hand_ms", "cubes_ms", "times_faster")
    table = Table(
        "Refresh of 8 queries", "ms", "raw ms", "by hand ms", "cubes ms", "times faster", title="Sums of medians"
    )
    for title, row in refreshes.items():
        table.add_row(title, *(f"{row[kind]:.1f}" if kind in row else "-" for kind in kinds))
    first = next(iter(refreshes.values()))
    means = {kind: geometric_mean([row[kind] for row in refreshes.values()]) for kind in kinds if kind in first}
    table.add_row("geometric mean", *(f"{means[kind]:.1f}" if kind in means else "-" for kind in kinds), style="bold")
    CONSOLE.print(table)
    CONSOLE.print(f"Rollups by hand take {means['by_hand_ms'] / means['ours_ms']:.2f} times as long as the product.")
    if "cubes_ms" in means:
        CONSOLE.print("Cubes: numpy, by hand; timed elsewhere, scaled by raw DuckDB.", style="dim")
    return {"queries": queries, "refreshes": refreshes, "geometric_mean": means}


def time_stream(asked: Reference, made: ByHand) -> dict[str, dict[str, float]]:
    """Time refreshes under random filters, one user."""
    states = list(islice(reference.random_states(reference.STREAM_SEED + 1), REFRESHED + 1))
    times: dict[str, list[float]] = defaultdict(list)
    for state in states:
        times["ours"].append(seconds_of(partial(refresh, asked.sales, asked.viewer, state)) * 1000)
        times["raw"].append(seconds_of(partial(raw_refresh, asked.raw, state)) * 1000)
        times["by_hand"].append(seconds_of(partial(hand_refresh, made, made.connection, state)) * 1000)
    # The first is the warm-up.
    return {
        way: {"per_second": 1000 * REFRESHED / sum(found[1:]), "p50_ms": median(found[1:])}
        | {"p95_ms": percentile(found[1:], 95)}
        for way, found in times.items()
    }


def time_users(asked: Reference, made: ByHand, seconds: float) -> dict[str, dict[str, float]]:
    """Time refreshes under random filters, all users at once, each with a stream of its own."""

    def ours(user: int) -> Iterator[Action]:
        for state in reference.random_states(100 + user):
            yield partial(refresh, asked.sales, viewer_of(user), state)

    def raw(user: int) -> Iterator[Action]:
        connection = asked.raw.cursor()
        for state in reference.random_states(100 + user):
            yield partial(raw_refresh, connection, state)

    def hand(user: int) -> Iterator[Action]:
        connection = made.connection.cursor()
        for state in reference.random_states(100 + user):
            yield partial(hand_refresh, made, connection, state)

    ways = {"ours": ours, "raw": raw, "by_hand": hand}
    return {way: beside_one_another(USERS, seconds, each) for way, each in ways.items()}


def print_rates(title: str, found: dict[str, dict[str, float]]) -> None:
    """Print refreshes per second of each way."""
    table = Table("Way", "refreshes/s", "p50 ms", "p95 ms", title=title)
    for way, row in found.items():
        table.add_row(way.replace("_", " "), f"{row['per_second']:.1f}", f"{row['p50_ms']:.1f}", f"{row['p95_ms']:.1f}")
    for way in ("raw", "by_hand"):
        ratio = found["ours"]["per_second"] / found[way]["per_second"]
        table.add_row(f"times {way.replace('_', ' ')}", f"{ratio:.1f}", style="bold")
    CONSOLE.print(table)


def load(folder: Path, tag: str, *, reuse: bool) -> dict[str, Any]:
    """Load both ways, each in a process of its own; return what it took."""
    there = {"bare": "bare.duckdb", "ours": "warehouse/CURRENT", "hand": by_hand.FILE}
    steps = [step for step, file in there.items() if not (reuse and (folder / file).exists())]
    found = {step: in_process(STEPS, step, str(folder), tag) for step in steps}
    if not {"bare", "ours"} <= {*found}:
        return found
    bare, ours = found["bare"], found["ours"]
    table = Table("Load", "seconds", "ratio", "of the CPU", "ratio", "peak MB", title=f"{ours['lines']:,} lines")
    for name, key in (("prepare", "prepare_seconds"), ("publish", "publish_seconds")):
        table.add_row(f"Salescope, {name}", f"{ours[key]:.1f}", f"{ours[key] / bare['seconds']:.1f}")
    for name, row in {"Salescope, both": ours, "bare DuckDB": bare, "rollups by hand": found.get("hand")}.items():
        if row is not None:
            pairs = ((row[key], row[key] / bare[key]) for key in ("seconds", "cpu_seconds"))
            cells = (f"{figure:.1f}" for pair in pairs for figure in pair)
            table.add_row(name, *cells, f"{row['memory_mb']:.0f}")
    CONSOLE.print(table)
    CONSOLE.print(
        f"Snapshot {ours['snapshot_mb']:.0f} MB, bare {(folder / 'bare.duckdb').stat().st_size / 1e6:.0f} MB; images "
        f"{ours['images_mb']:.0f} MB of {ours['images_allowed_mb']:.0f} MB allowed."
    )
    return found


def measure(asked: Reference, made: ByHand, tag: str, asked_for: argparse.Namespace) -> dict[str, Any]:
    """Time everything and print it; return the figures."""
    others = CpuOfOthers()
    figures: dict[str, Any] = {"scenarios": time_scenarios(asked, made, tag, asked_for.runs), "drill": {}}
    for title in DRILLED:
        figures["drill"][title] = time_queries(asked, reference.scenarios()[title], asked.drill, asked_for.runs)
        print_queries(f"Drill, {title}", figures["drill"][title])
    figures["pages"] = time_pages(asked, asked_for.runs)
    print_queries("Order lines, newest first", figures["pages"])
    figures["stream"] = time_stream(asked, made)
    print_rates(f"{REFRESHED} random states, one user", figures["stream"])
    figures["users"] = time_users(asked, made, asked_for.seconds)
    print_rates(f"{USERS} users, random states", figures["users"])
    figures["cpu_of_others"] = others.share
    CONSOLE.print(f"Other processes took {others.share:.0%} of the CPU meanwhile.")
    return figures


def growth(smaller: dict[str, Any], found: dict[str, Any]) -> dict[str, float]:
    """Return how much longer a cold refresh takes than with the fewer lines of an earlier run; print each state."""
    before, now = (each["scenarios"]["refreshes"] for each in (smaller, found))
    table = Table("Refresh of 8 queries", "ours", "raw", title=f"Times as long as with {smaller['rows']} lines")
    rows = {title: [now[title][kind] / before[title][kind] for kind in ("ours_ms", "raw_ms")] for title in now}
    means = [geometric_mean(list(column)) for column in zip(*rows.values(), strict=True)]
    for title, ratios in {**rows, "geometric mean": means}.items():
        table.add_row(title, *(f"{ratio:.2f}" for ratio in ratios))
    CONSOLE.print(table)
    return dict(zip(("ours", "raw"), means, strict=True))


def run(folder: Path, asked_for: argparse.Namespace) -> dict[str, Any]:
    """Generate, load, verify and measure in a folder; return the figures."""
    tag = reference.generate(asked_for.rows, folder)
    loaded = load(folder, tag, reuse=asked_for.reuse)
    loaded["day"] = day = in_process(STEPS, "day", str(folder), tag)
    CONSOLE.print(
        f"Adding a day of {day['lines']:,.0f} lines: {day['seconds']:.1f} s, {day['cpu_seconds']:.1f} s of the CPU, "
        f"{day['memory_mb']:.0f} MB."
    )
    worker = in_process(STEPS, "worker", str(folder), tag)
    CONSOLE.print(
        f"A worker holds {worker['imported_mb']:.0f} MB at the start, {worker['answered_mb']:.0f} MB at most while it "
        f"answers the states, {worker['memory_mb']:.0f} MB with deep pages of order lines."
    )
    warehouse = DuckWarehouse(folder / "warehouse")
    sales = Sales(reference.model_in(folder), warehouse, NoCache(), seconds=600)
    bare = duckdb.connect(str(folder / "bare.duckdb"), read_only=True, config={"threads": "2"})
    with bare as raw, by_hand.connect(folder) as hand:
        asked, made = Reference(sales, viewer_of(0), raw), ByHand(hand)
        CONSOLE.print(f"{verify(asked, made)} answers are those of bare DuckDB, and of rollups by hand, row by row.")
        figures = measure(asked, made, tag, asked_for)
    warehouse.current().engine.dispose()
    found = {"rows": tag, "load": loaded, "worker": worker, **figures}
    if asked_for.smaller:
        found["growth"] = growth(orjson.loads(asked_for.smaller.read_bytes()), found)
    found["goals"] = print_goals(CONSOLE, found)
    return found


def arguments() -> argparse.Namespace:
    """Return what was asked for on the command line."""
    parser = argparse.ArgumentParser(prog="make bench-engine", description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--rows", default="1m", help="lines to generate: 1m (default), 10m, 100m")
    parser.add_argument("--cache", type=Path, help="folder that keeps the data for the next run; default: none is kept")
    parser.add_argument("--reuse", action="store_true", help="measure what an earlier run published into --cache")
    parser.add_argument("--runs", type=int, default=7, help="runs of each query")
    parser.add_argument("--seconds", type=float, default=20, help=f"how long {USERS} users work beside one another")
    parser.add_argument("--json", type=Path, help="file that all figures are written to")
    parser.add_argument("--smaller", type=Path, help="figures of a run with a tenth of the lines: prints the growth")
    return parser.parse_args()


def main() -> None:
    """Run the benchmark; exit 1 when an answer differs from that of bare DuckDB."""
    atexit.register(close_stderr)
    asked_for = arguments()
    if not reference.available():
        sys.exit(reference.MISSING)
    with tempfile.TemporaryDirectory() as temporary:
        folder = (asked_for.cache.resolve() / asked_for.rows.lower()) if asked_for.cache else Path(temporary)
        figures = run(folder, asked_for)
    if asked_for.json:
        asked_for.json.write_bytes(orjson.dumps(figures, option=orjson.OPT_INDENT_2))


if __name__ == "__main__":
    main()
