"""The goals of `make bench-engine`, and what was measured of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.table import Table

#: Milliseconds of a refresh per scenario, as others were timed (shared/anchors/performance.md).
RAW_MS = {
    "1m": (140, 71, 39, 42, 23, 73, 26, 17),
    "10m": (1597, 781, 301, 262, 80, 414, 103, 29),
    "100m": (22927, 8942, 2985, 2310, 773, 3681, 863, 126),
}
CUBES_MS = {"10m": (2, 1.4, 1, 2, 1, 19, 6, 1), "100m": (5, 4, 4, 6, 1, 141, 49, 4)}

Figures = Mapping[str, Any]


@dataclass(frozen=True)
class Goal:
    """A goal: what is asked, how it is measured, the figure it must not exceed; None where a run has no figure."""

    name: str
    measured: Callable[[Figures], float]
    limit: float
    unit: str = ""


def _mean(figures: Figures, kind: str) -> float:
    return float(figures["scenarios"]["geometric_mean"][kind])


GOALS = (
    Goal("refresh, geometric mean, beside rollups by hand", lambda f: _mean(f, "ours_ms") / _mean(f, "by_hand_ms"), 1),
    Goal("refresh, geometric mean, beside raw DuckDB", lambda f: _mean(f, "ours_ms") / _mean(f, "raw_ms"), 1 / 8),
    Goal("refresh, geometric mean, beside cubes (stretch)", lambda f: _mean(f, "ours_ms") / _mean(f, "cubes_ms"), 5),
    Goal("order lines, first page", lambda f: f["pages"]["first page of lines"]["ours_ms"], 20, "ms"),
    Goal("order lines, page 1,000", lambda f: f["pages"]["page 1,000 of lines"]["ours_ms"], 80, "ms"),
    Goal(
        "load and publish, beside a bare load", lambda f: f["load"]["ours"]["seconds"] / f["load"]["bare"]["seconds"], 4
    ),
    Goal("adding a day", lambda f: f["load"]["day"]["seconds"], 30, "s"),
    Goal("growth of the cold refresh from a tenth of the lines", lambda f: f["growth"]["ours"], 1.5),
    Goal("memory of a load", lambda f: f["load"]["ours"]["memory_mb"], 4000, "MB"),
)
WORKER_MB = {"10m": 600, "100m": 1500}


def print_goals(console: Console, figures: Figures) -> list[dict[str, Any]]:
    """Print which goals were met; return them."""
    memory = Goal("memory of a worker", lambda f: f["worker"]["memory_mb"], WORKER_MB.get(figures["rows"], 600), "MB")
    found = [row for goal in (*GOALS, memory) if (row := _row(goal, figures)) is not None]
    table = Table("Goal", "at most", "measured", "met", title="Goals")
    for row in found:
        unit = f" {row['unit']}" if row["unit"] else "x"
        table.add_row(
            row["goal"], f"{row['limit']:.3g}{unit}", f"{row['measured']:.3g}{unit}", "yes" if row["met"] else "NO"
        )
    console.print(table)
    return found


def _row(goal: Goal, figures: Figures) -> dict[str, Any] | None:
    try:
        measured = goal.measured(figures)
    except KeyError:
        return None
    met = measured <= goal.limit
    return {"goal": goal.name, "limit": goal.limit, "measured": measured, "unit": goal.unit, "met": met}
