"""The engine on a panel with known answers, beside the published figures of other tools: `make bench-forecast`.

The panel is a folder named by SALESCOPE_FORECAST_PANEL (default: the open one); the scorer lies beside it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.benchmarks.forecast_beside import PANEL, SCORER, beside
from tests.benchmarks.forecast_sample import report

HEADS = ("rMASE", "rWAPE", "rsQL", "ACE80", "ACE95")
#: Measured on the open panel, two cores; the last figure is seconds per 1,000 series.
PEERS = {
    "statistical ensemble + LightGBM blend": (0.696, 0.687, 0.593, 0.056, 0.031, 669),
    "LightGBM global (mlforecast)": (0.716, 0.696, 0.616, 0.038, 0.031, 67),
    "AutoARIMA, ETS, Theta, CES (statsforecast)": (0.793, 0.792, 0.687, 0.095, 0.036, 547),
    "AutoARIMA": (0.827, 0.823, 0.688, 0.084, 0.035, 379),
    "Prophet": (0.939, 0.899, 0.865, 0.154, 0.153, 143),
    "seasonal naive": (1.148, 1.060, 1.015, 0.087, 0.027, 2),
}


def main() -> None:
    """Forecast, score, print."""
    if not (PANEL / "manifest.json").is_file() or not SCORER.is_file():
        sys.exit(f"No panel at {PANEL} or no scorer at {SCORER}; set SALESCOPE_FORECAST_PANEL and _SCORER.")
    with tempfile.TemporaryDirectory() as folder:
        target, figures = Path(folder, "forecasts.csv"), Path(folder, "scores.json")
        begun, used = time.monotonic(), os.times()
        command = [sys.executable, "-m", "salescope", "forecast-panel", "--panel", str(PANEL), "--out", str(target)]
        subprocess.run([*command, *sys.argv[1:]], check=True)
        seconds, ended = time.monotonic() - begun, os.times()
        scorer = [sys.executable, str(SCORER), "--panel", str(PANEL), "--forecasts", str(target)]
        subprocess.run([*scorer, "--json", str(figures)], check=True)
        (found,) = json.loads(figures.read_text())["files"].values()
        by_set = beside(target)
    series = sum(each["n"] for each in found["datasets"].values())
    cpu = ended.children_user + ended.children_system - used.children_user - used.children_system
    listed = Table(
        "", *HEADS, "s per 1,000 series", title=f"{PANEL.name}: {len(found['datasets'])} data sets, {series} series"
    )
    ours = [f"{found['headline'][head]:.3f}" for head in HEADS]
    listed.add_row("Salescope", *ours, f"{seconds * 1000 / series:.0f}", style="bold")
    for name, (*values, each) in PEERS.items():
        listed.add_row(name, *(f"{value:.3f}" for value in values), f"{each:.0f}")
    console = Console()
    console.print(listed)
    console.print(
        f"{seconds:.0f} s by the clock, {cpu:.0f} s of processor time ({cpu * 1000 / series:.0f} per 1,000 series)."
    )
    console.print("The peers' figures are those of the open panel.")
    if by_set:
        console.print(by_set)
    for line in report():
        console.print(line)


if __name__ == "__main__":
    main()
