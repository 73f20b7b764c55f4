"""Panels in folders: `manifest.json` and per data set `train`, `future`, `static` as CSV, gzipped CSV or Parquet."""

from __future__ import annotations

import logging
import multiprocessing
import os
import time
from collections.abc import Mapping
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pandas as pd

from services.errors import SalescopeError, UserError
from services.forecasting import feasts
from services.forecasting.engine import Progress, forecast
from services.forecasting.frequency import dates_of, named, ordinals
from services.forecasting.intervals import BANDS
from services.forecasting.panel import KEYS, Panel, Shape, read
from services.forecasting.run import Run
from services.forecasting.shelf import Shelf

log = logging.getLogger("salescope")
SUFFIXES = (".csv.gz", ".csv", ".parquet")
COLUMNS = ("dataset", "series_id", "date", "mean", "lo80", "hi80", "lo95", "hi95")
#: Seconds per 1,000 series allowed when no budget is given: several times what an idle machine of two cores needs.
USUAL_BUDGET = 600.0
#: Share of a budget that is planned with, and seconds it takes to start and to write.
KEPT, START_SECONDS = 0.85, 3.0


@dataclass(frozen=True)
class Folder:
    """A data set of a panel: its folder, its name and what the manifest says of it."""

    path: Path
    name: str
    said: Mapping[str, Any]

    def frame(self, part: str) -> pd.DataFrame | None:
        """Return one of its tables, None when there is none; UserError when it cannot be read."""
        for suffix in SUFFIXES:
            file = self.path / f"{part}{suffix}"
            if not file.is_file():
                continue
            try:
                if suffix == ".parquet":
                    return pd.read_parquet(file)
                return pd.read_csv(file, dtype={"series_id": "str"}, low_memory=False)
            except (OSError, EOFError, ValueError) as error:
                raise UserError(f"{file} cannot be read as {suffix[1:]}: {error}") from error
        return None

    def number(self, name: str, usual: float) -> float:
        """Return a number the manifest states, `usual` where it states none."""
        said = self.said.get(name)
        return float(said) if isinstance(said, int | float) and 0 < said < np.inf else usual

    @property
    def size(self) -> float:
        """Roughly how much work it is."""
        return self.number("n_train_rows", 10_000) * 0.2 + 300.0 * self.number("n_series", 100) + 20_000


def folders(panel: Path) -> list[Folder]:
    """Return the data sets of a panel, the largest first; UserError when the folder is no panel."""
    manifest = panel / "manifest.json"
    try:
        said = orjson.loads(manifest.read_bytes())["datasets"]
        found = [Folder(panel / name, name, {**facts}) for name, facts in said.items() if (panel / name).is_dir()]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(
            f"{panel} is no panel: manifest.json with an object `datasets` is needed ({type(error).__name__})."
        ) from error
    if not found:
        raise UserError(f"{panel} has no folder for any data set named in manifest.json.")
    return sorted(found, key=lambda each: -each.size)


def open_panel(folder: Folder) -> tuple[Panel, pd.DataFrame | None]:
    """Return a data set as a panel, and the rows of its horizon; UserError when it cannot be read."""
    train, future = folder.frame("train"), folder.frame("future")
    if train is None:
        raise UserError(f"{folder.path} has no train{SUFFIXES[0]}.")
    alias = folder.said.get("pandas_freq") or folder.said.get("frequency")
    longest = int(future.groupby("series_id").size().max()) if future is not None and len(future) else 0
    horizon = int(folder.number("horizon", longest))
    if horizon < 1:
        raise UserError(f"{folder.name}: the manifest states no horizon and there are no future rows.")
    shape = Shape(
        horizon,
        named(str(alias)) if alias else None,
        folder.said.get("nonnegative"),
        bool(folder.said.get("dates_real", True)),
    )
    if future is not None:
        _check_future(future, folder)
    static = folder.frame("static")
    panel = read(train, shape, future, static)
    return feasts.with_feasts(panel, feasts.shares_of(static, panel.ids)), future


def _check_future(future: pd.DataFrame, folder: Folder) -> None:
    if missing := [name for name in KEYS[:2] if name not in future]:
        raise UserError(f"The future rows of {folder.name} lack the columns {', '.join(missing)}.")
    unread = future.loc[pd.to_datetime(future["date"], errors="coerce").isna(), "date"]
    if len(unread):
        raise UserError(f"The future rows of {folder.name} have dates that are none, such as {str(unread.iloc[0])!r}.")


def forecast_folder(folder: Folder, how: Run) -> pd.DataFrame:
    """Return the forecasts of a data set as a long frame with `COLUMNS`, a row per series and period asked for.

    Series without any number in their history are reported and left out.
    """
    panel, future = open_panel(folder)
    unknown = set() if future is None else {*future["series_id"].astype("str")} - {*panel.ids}
    if unknown:
        told = ", ".join(sorted(unknown)[:5])
        log.warning("%s: %d series have no history and are left out: %s", folder.name, len(unknown), told)
    found = forecast(panel, how)
    steps = np.arange(1, panel.horizon + 1)
    frame = pd.DataFrame(
        {"series_id": np.repeat(panel.ids, panel.horizon), "tick": (panel.last[:, None] + steps).ravel()}
    )
    for band in BANDS:
        frame[band] = found.bands[band].ravel()
    dates = dates_of(frame["tick"].to_numpy("int64"), panel.frequency)
    frame["date"] = dates.strftime("%Y-%m-%d %H:%M" if panel.frequency.name == "hour" else "%Y-%m-%d")
    if future is not None:
        frame = _as_asked(frame, future, panel)
    return frame.assign(dataset=folder.name)[list(COLUMNS)]


def _as_asked(frame: pd.DataFrame, future: pd.DataFrame, panel: Panel) -> pd.DataFrame:
    """Return the forecasts under the dates the panel itself uses."""
    asked = future[["series_id", "date"]].astype("str")
    asked["tick"] = ordinals(pd.DatetimeIndex(pd.to_datetime(asked["date"])), panel.frequency)
    return asked.merge(frame.drop(columns="date"), on=["series_id", "tick"], how="inner")


def forecast_panel(
    panel: Path, budget: float | None, progress: Progress, *, seed: int = 7, shelf: Shelf | None = None
) -> pd.DataFrame:
    """Return the forecasts of every data set of a panel, on all cores, done within `budget` seconds.

    Without a budget, 600 s per 1,000 series are allowed; of one that is given, time that is left goes into a search
    for better settings. `shelf` keeps trained models for the next time. A data set that cannot be read
    is reported and left out; UserError when none can be.
    """
    waiting = folders(panel)
    series = sum(each.number("n_series", 100) for each in waiting)
    allowed = budget or max(60.0, USUAL_BUDGET * series / 1000)
    end = time.monotonic() + max(0.3 * allowed, KEPT * allowed - START_SECONDS)
    cores = len(os.sched_getaffinity(0))
    workers = min(cores, len(waiting))
    whole = sum(each.size for each in waiting)
    frames: list[pd.DataFrame] = []
    running: dict[Future[pd.DataFrame], Folder] = {}
    # Workers are copies of one process that has imported everything once; copies of this one might hold locks.
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    with ProcessPoolExecutor(workers, context) as pool:
        while waiting or running:
            while waiting and len(running) < workers:
                folder = waiting.pop(0)
                left = sum(each.size for each in (*waiting, folder)) + 0.5 * sum(each.size for each in running.values())
                share = min(1.0, workers * folder.size / left)
                until = time.monotonic() + 0.8 * share * (end - time.monotonic())
                how = Run(seed, max(1, cores // workers), until=until, shelf=shelf, search=budget is not None)
                running[pool.submit(forecast_folder, folder, how)] = folder
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                folder = running.pop(future)
                frames += _result(future, folder)
                done = whole - sum(each.size for each in (*waiting, *running.values()))
                progress(f"Forecast {folder.name}", done / whole)
    if not frames:
        raise UserError(f"No data set of {panel} could be forecast; the messages above say why.")
    return pd.concat(frames, ignore_index=True)


def _result(future: Future[pd.DataFrame], folder: Folder) -> list[pd.DataFrame]:
    try:
        return [future.result()]
    except SalescopeError as error:
        log.warning("%s is left out: %s", folder.name, error)
    except BrokenExecutor:
        raise
    except Exception:
        log.exception("%s is left out: it could not be forecast", folder.name)
    return []
