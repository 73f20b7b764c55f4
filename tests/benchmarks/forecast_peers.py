"""Other forecasting tools on some series of a panel: writes what each forecasts, a file per data set and tool.

They are no part of the product and live in an environment of their own:

    python -m venv peers && peers/bin/pip install statsforecast mlforecast lightgbm prophet
    peers/bin/python tests/benchmarks/forecast_peers.py PANEL OUT [data set …]
    python -m tests.benchmarks.forecast_beside OUT

The last command scores them and keeps the scores, for `make bench-forecast`. Tools of single series forecast `SAMPLED`
series and see the last `LONGEST` periods; LightGBM learns from all series and whole histories. A week's season is too
long for ARIMA and ETS: they get weeks as they are, and with the season taken off by STL (MSTL). Days take AutoARIMA
too long.
"""

from __future__ import annotations

import hashlib
import json
import logging
import sys
import time
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
import pandas as pd
from mlforecast import MLForecast
from mlforecast.lag_transforms import ExpandingMean, RollingMean
from mlforecast.target_transforms import Differences, LocalStandardScaler
from mlforecast.utils import PredictionIntervals
from prophet import Prophet
from statsforecast import StatsForecast
from statsforecast import models as tools
from statsforecast.utils import ConformalIntervals

SAMPLED, LONGEST = 40, 520
COLUMNS = ["series_id", "step", "mean", "lo80", "hi80", "lo95", "hi95"]
QUANTILES = {"lo80": 0.1, "hi80": 0.9, "lo95": 0.025, "hi95": 0.975}


def sampled(ids: Sequence[str]) -> list[str]:
    """Return the series the tools are compared on: the first by the digests of their names."""
    return sorted(sorted(set(ids)), key=lambda each: hashlib.sha256(each.encode()).hexdigest())[:SAMPLED]


def _named(found: pd.DataFrame, name: str, begins: pd.Series[int]) -> pd.DataFrame:
    renamed = found.rename(
        columns={
            "unique_id": "series_id",
            name: "mean",
            **{f"{name}-{side}-{level}": f"{side}{level}" for side in ("lo", "hi") for level in (80, 95)},
        }
    )
    renamed["step"] = renamed["ds"] - renamed["series_id"].map(begins)
    return renamed.reindex(columns=COLUMNS)


def single(train: pd.DataFrame, said: dict[str, Any]) -> Iterator[tuple[str, pd.DataFrame]]:
    """Yield what each tool of single series forecasts."""
    season, horizon = said["season_length"], said["horizon"]
    short = season if season <= 24 else 1
    conformal = ConformalIntervals(n_windows=2, h=horizon)
    offered = {
        "seasonal naive": tools.SeasonalNaive(season, alias="x"),
        "AutoTheta": tools.AutoTheta(season, alias="x"),
        "CES": tools.AutoCES(short, alias="x"),
        "AutoETS": tools.AutoETS(short, alias="x"),
    }
    if (train["value"] == 0).mean() > 0.3:
        offered["Croston optimised"] = tools.CrostonOptimized(alias="x", prediction_intervals=conformal)
    if season > 24:
        offered["AutoETS, MSTL"] = tools.MSTL(season, tools.AutoETS(1, model="ZZN"), alias="x")
        offered["AutoARIMA, MSTL"] = tools.MSTL(season, tools.AutoARIMA(season_length=1), alias="x")
    if said["frequency"] != "daily":
        offered["AutoARIMA"] = tools.AutoARIMA(season_length=short, alias="x")
    rows = train.groupby("series_id").tail(LONGEST)
    frame = pd.DataFrame({"unique_id": rows["series_id"], "y": rows["value"].astype("float64")})
    frame["ds"] = frame.groupby("unique_id").cumcount() + 1
    begins = frame.groupby("unique_id")["ds"].max()
    for name, tool in offered.items():
        try:
            fitted = StatsForecast([tool], freq=1, fallback_model=tools.SeasonalNaive(short, alias="x"))
            yield name, _named(fitted.forecast(df=frame, h=horizon, level=[80, 95]), "x", begins)
        except Exception as error:
            print(f"  {name} failed: {type(error).__name__} {error}", flush=True)


def boosted(folder: Path, train: pd.DataFrame, said: dict[str, Any]) -> pd.DataFrame:
    """Return what one LightGBM model of all series forecasts, with everything known in advance."""
    season, horizon = said["season_length"], said["horizon"]
    future = pd.read_csv(folder / "future.csv.gz", dtype={"series_id": "str"}).sort_values(["series_id", "date"])
    long = train.groupby("series_id")["date"].transform("size") >= 2 * horizon + 8
    train = train[long]
    future = future[future["series_id"].isin(set(train["series_id"]))]
    past, ahead = train.copy(), future.copy()
    past["ds"] = past.groupby("series_id").cumcount() + 1
    begins = past.groupby("series_id")["ds"].max()
    ahead["ds"] = ahead.groupby("series_id").cumcount() + 1 + ahead["series_id"].map(begins)
    both = pd.concat([past, ahead])
    dates = pd.to_datetime(both["date"]).dt
    if said.get("dates_real", True):
        both = both.assign(month=dates.month, day=dates.day, weekday=dates.weekday, yearday=dates.dayofyear)
    known = [each for each in both if each not in ("series_id", "date", "value", "ds")]
    for name in known:
        if not pd.api.types.is_numeric_dtype(both[name]):
            both[name] = pd.factorize(both[name])[0]
    both = both.rename(columns={"series_id": "unique_id", "value": "y"})[["unique_id", "ds", "y", *known]]
    least = int(past.groupby("series_id").size().min())
    lags = [each for each in (*range(1, 7), season, 2 * season) if each <= max(6, least - 2 * horizon - 2)]
    positive = bool((train["value"] > 0).all())
    tool = MLForecast(
        {"x": lightgbm.LGBMRegressor(objective="l1", n_estimators=300, learning_rate=0.05, verbosity=-1, n_jobs=1)},
        freq=1,
        lags=sorted(set(lags)),
        lag_transforms={
            1: [ExpandingMean(), RollingMean(4, min_samples=1), RollingMean(min(season, 28), min_samples=1)]
        },
        target_transforms=[*([Differences([1])] if positive else []), LocalStandardScaler()],
    )
    here = both[both["y"].notna()]
    tool.fit(here, static_features=[], dropna=False, prediction_intervals=PredictionIntervals(n_windows=2, h=horizon))
    then = both[both["y"].isna()].drop(columns="y")
    found = tool.predict(horizon, level=[80, 95], X_df=then if known else None)
    return _named(found, "x", begins)


def prophesied(folder: Path, train: pd.DataFrame, said: dict[str, Any]) -> pd.DataFrame:
    """Return what Prophet forecasts, with the known columns that are numbers."""
    for noisy in ("cmdstanpy", "prophet"):
        logging.getLogger(noisy).disabled = True
    future = pd.read_csv(folder / "future.csv.gz", dtype={"series_id": "str"}).sort_values(["series_id", "date"])
    made = []
    for name, rows in train.groupby("series_id"):
        past = rows.tail(3 * 365).rename(columns={"date": "ds", "value": "y"}).fillna(0.0)
        then = future[future["series_id"] == name].rename(columns={"date": "ds"}).fillna(0.0)
        known = [each for each in said["known_in_advance"] if pd.api.types.is_numeric_dtype(past[each])]
        known = [each for each in known if past[each].nunique() > 1]
        np.random.seed(7)
        tool = Prophet()
        for each in known:
            tool.add_regressor(each)
        tool.fit(past)
        drawn = tool.predictive_samples(then)["yhat"]
        frame = pd.DataFrame({side: np.quantile(drawn, share, axis=1) for side, share in QUANTILES.items()})
        frame = frame.assign(series_id=name, step=np.arange(1, len(frame) + 1), mean=drawn.mean(1))
        made.append(frame[COLUMNS])
    return pd.concat(made)


def main() -> None:
    """Forecast the data sets named, or all."""
    panel, out = Path(sys.argv[1]), Path(sys.argv[2])
    out.mkdir(exist_ok=True)
    versions = ", ".join(f"{each} {version(each)}" for each in ("statsforecast", "mlforecast", "lightgbm", "prophet"))
    (out / "versions.txt").write_text(versions)
    for name, said in json.loads((panel / "manifest.json").read_text())["datasets"].items():
        if sys.argv[3:] and name not in sys.argv[3:]:
            continue
        train = pd.read_csv(panel / name / "train.csv.gz", dtype={"series_id": "str"}, low_memory=False)
        train = train.sort_values(["series_id", "date"])
        ids = set(sampled(train["series_id"].tolist()))
        own = train[train["series_id"].isin(ids)]
        begun = time.monotonic()

        def keep(tool: str, found: pd.DataFrame, name: str = name, ids: set[str] = ids) -> None:
            nonlocal begun
            found = found[found["series_id"].isin(ids)].assign(dataset=name, tool=tool)
            found.to_csv(out / f"{name}-{tool.replace(' ', '_')}.csv", index=False)
            print(f"{name}: {tool}, {time.monotonic() - begun:.0f} s", flush=True)
            begun = time.monotonic()

        keep("LightGBM global (mlforecast)", boosted(panel / name, train, said))
        keep("Prophet", prophesied(panel / name, own, said))
        for tool, found in single(own, said):
            keep(tool, found)


if __name__ == "__main__":
    main()
