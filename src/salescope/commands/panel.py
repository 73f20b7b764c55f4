"""`salescope forecast-panel`: the engine's automatic path on a folder of series."""

from __future__ import annotations

import logging
from pathlib import Path

import click

from salescope.terminal import escape, explained, out, progress
from services.forecasting import panelfiles
from services.forecasting.shelf import Shelf


@click.command()
@click.option("--panel", type=click.Path(exists=True, file_okay=False, path_type=Path), required=True)
@click.option("--out", "target", type=click.Path(dir_okay=False, path_type=Path), required=True)
@click.option(
    "--budget-seconds",
    type=click.FloatRange(1),
    default=None,
    help="Be done by then; 600 s per 1,000 series unless given.",
)
@click.option("--seed", type=int, default=7, show_default=True)
@click.option(
    "--models",
    type=click.Path(file_okay=False, path_type=Path),
    default=None,
    help="Keep trained models in this folder, and use those of the same series and settings.",
)
@explained
def forecast_panel(panel: Path, target: Path, budget_seconds: float | None, seed: int, models: Path | None) -> None:
    """Forecast every series of a folder of data sets and write them as CSV or Parquet.

    The folder holds manifest.json and per data set train, future and static tables.
    """
    logging.basicConfig(format="%(message)s")
    with progress() as bar:
        found = panelfiles.forecast_panel(
            panel, budget_seconds, bar, seed=seed, shelf=Shelf(models) if models else None
        )
    if target.suffix == ".parquet":
        found.to_parquet(target, index=False)
    else:
        found.to_csv(target, index=False, float_format="%.6g")
    series = found.groupby(["dataset", "series_id"]).ngroups
    out.print(f"{series:,} series, {len(found):,} rows in {escape(str(target))}")
