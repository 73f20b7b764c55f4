"""Our forecasts beside those of other tools, data set by data set, on the same series.

`python -m tests.benchmarks.forecast_beside OUT` scores the files forecast_peers.py wrote and keeps the scores.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from rich.table import Table

SHARED = Path(__file__).parents[2].parent / "shared"
PANEL = Path(os.environ.get("SALESCOPE_FORECAST_PANEL", SHARED / "data" / "forecast"))
SCORER = Path(os.environ.get("SALESCOPE_FORECAST_SCORER", SHARED / "bench" / "forecast_score.py"))
KEPT = Path(__file__).with_name("forecast_peers.json")
METRICS = ("MASE", "WAPE", "sQL")
#: A data set is worse than its best tool when an error is larger by more.
MARGIN = 1.05

Scores = Mapping[str, Mapping[str, float]]


def scored(forecasts: Path, series: Mapping[str, Sequence[str]]) -> Scores:
    """Return the scores of a file of forecasts per data set, on the series named only."""
    manifest = json.loads((PANEL / "manifest.json").read_text())
    with tempfile.TemporaryDirectory() as folder:
        for name, ids in series.items():
            Path(folder, name).mkdir()
            for part in ("train", "test", "static"):
                table = pd.read_csv(PANEL / name / f"{part}.csv.gz", dtype={"series_id": "str"}, low_memory=False)
                table[table["series_id"].isin(ids)].to_csv(Path(folder, name, f"{part}.csv.gz"), index=False)
        some = {name: _without_hierarchy(manifest["datasets"][name]) for name in series}
        Path(folder, "manifest.json").write_text(json.dumps({**manifest, "datasets": some}))
        figures = Path(folder, "scores.json")
        command = [
            sys.executable,
            str(SCORER),
            "--panel",
            folder,
            "--forecasts",
            str(forecasts),
            "--json",
            str(figures),
        ]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        (found,) = json.loads(figures.read_text())["files"].values()
    return {
        name: {metric: each[metric] for metric in METRICS if metric in each} for name, each in found["datasets"].items()
    }


def _without_hierarchy(said: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in said.items() if name not in ("hierarchy", "wrmsse")}


def beside(forecasts: Path) -> Table | None:
    """Return the table of our errors by those of the best tool per data set; None for a panel without scores."""
    kept = json.loads(KEPT.read_text())
    names = json.loads((PANEL / "manifest.json").read_text())["datasets"]
    series = {name: each["series"].split() for name, each in kept["datasets"].items() if name in names}
    if not series:
        return None
    ours = scored(forecasts, series)
    listed = Table("", *METRICS, title=f"Ours by the best single tool of each data set ({kept['tools']})")
    for name in series:
        cells = []
        for metric in METRICS:
            tools = {tool: found[metric] for tool, found in kept["datasets"][name]["tools"].items() if metric in found}
            best = min(tools, key=tools.__getitem__)
            ratio = ours[name][metric] / tools[best]
            cells.append(f"[{'red' if ratio > MARGIN else 'green'}]{ratio:.2f}[/] {best}")
        listed.add_row(name, *cells)
    return listed


def main() -> None:
    """Score what forecast_peers.py wrote and keep it."""
    found: dict[str, dict[str, Any]] = {}
    for file in sorted(Path(sys.argv[1]).glob("*.csv")):
        said = pd.read_csv(file, dtype={"series_id": "str"})
        name, tool = str(said["dataset"].iloc[0]), str(said["tool"].iloc[0])
        each = found.setdefault(name, {"series": [], "tools": {}})
        each["series"] = sorted({*each["series"], *said["series_id"]})
        each["tools"][tool] = file
    for name, each in found.items():
        for tool, file in each["tools"].items():
            of_it = scored(file, {name: each["series"]})[name]
            each["tools"][tool] = {metric: round(value, 4) for metric, value in of_it.items()}
        each["series"] = " ".join(each["series"])
    tools = Path(sys.argv[1], "versions.txt").read_text().strip()
    KEPT.write_text(json.dumps({"tools": tools, "datasets": found}, indent=1) + "\n")


if __name__ == "__main__":
    main()
