"""Panels in folders: every series comes out, the budget is kept, and time that is left is used with care."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import orjson
import pandas as pd
import pytest

from services.errors import UserError
from services.forecasting import backtest as backtesting
from services.forecasting import panelfiles
from services.forecasting.feasts import NAME
from services.forecasting.registry import MODELS, VARIANTS, Model
from services.forecasting.run import Run
from services.forecasting.search import searched
from tests.services.forecasting.test_engine import flagged, waves

SHARED = tuple(model for model in MODELS if model.shared)
HORIZON = 8


def write(folder: Path, name: str, count: int, periods: int) -> None:
    """Write a data set of weekly series; half of them are sold in Germany."""
    values = waves(count, periods, 52)
    dates = pd.date_range("2019-01-07", periods=periods + HORIZON, freq="W-MON").strftime("%Y-%m-%d")
    ids = [f"{name}{row}" for row in range(count)]
    frames = {
        "train": {"series_id": np.repeat(ids, periods), "date": [*dates[:periods]] * count, "value": values.ravel()},
        "future": {"series_id": np.repeat(ids, HORIZON), "date": [*dates[periods:]] * count},
        "static": {"series_id": ids, "country": np.where(np.arange(count) % 2, "Germany", "")},
    }
    (folder / name).mkdir(parents=True)
    for part, columns in frames.items():
        pd.DataFrame(columns).to_csv(folder / name / f"{part}.csv.gz", index=False)


def manifest(folder: Path, **counts: int) -> None:
    said = {name: {"frequency": "W-MON", "horizon": HORIZON, "n_series": count} for name, count in counts.items()}
    (folder / "manifest.json").write_bytes(orjson.dumps({"datasets": said}))


def test_the_time_given_is_kept(tmp_path: Path) -> None:
    write(tmp_path, "a", 120, 110)
    manifest(tmp_path, a=120)
    (folder,) = panelfiles.folders(tmp_path)
    begun = time.monotonic()
    whole = panelfiles.forecast_folder(folder, Run(rows=20_000))
    free = time.monotonic() - begun
    begun = time.monotonic()
    found = panelfiles.forecast_folder(folder, Run(rows=20_000, until=begun + free / 4, search=True))
    assert time.monotonic() - begun < 0.75 * free
    assert found[["series_id", "date"]].equals(whole[["series_id", "date"]])
    assert np.isfinite(found["mean"]).all()


def test_a_folder_is_read_with_its_countries_or_refused(tmp_path: Path) -> None:
    write(tmp_path, "a", 4, 60)
    manifest(tmp_path, a=4)
    (folder,) = panelfiles.folders(tmp_path)
    panel, _ = panelfiles.open_panel(folder)
    assert panel.names == (NAME,)
    assert panel.known[..., 0].any(axis=1).tolist() == [False, True, False, True]
    with pytest.raises(UserError, match="is no panel"):
        panelfiles.folders(tmp_path / "a")
    (tmp_path / "a" / "train.csv.gz").unlink()
    with pytest.raises(UserError, match="has no train"):
        panelfiles.open_panel(folder)


def test_settings_are_taken_only_when_better_by_a_margin() -> None:
    panel, how = flagged(), Run(rows=1_500, search=True)
    tested = backtesting.run(panel, how, SHARED[:1])
    name = SHARED[0].name
    came = dict(zip((panel.periods - offset for offset in tested.offsets), tested.truth, strict=True))
    errors = dict(zip(came, tested.forecasts[name] - tested.truth, strict=True))

    def wrong_by(share: float) -> Model:
        return Model(name, lambda panel, how: lambda view: came[view.periods] + share * errors[view.periods])

    worse, hardly, better, best = (wrong_by(share) for share in (1.5, 0.99, 0.8, 0.7))
    for variants, taken in (
        ((worse, hardly), SHARED[0]),
        ((better, worse), better),
        ((better, hardly, best), best),
        ((), SHARED[0]),
    ):
        (found,), after = searched(panel, how, SHARED[:1], tested, {name: variants})
        assert found is taken
        assert (after is tested) == (taken is SHARED[0])
    np.testing.assert_allclose(after.forecasts[name], tested.forecasts[name])
    for idle in (replace(how, search=False), replace(how, until=0.0)):
        assert searched(panel, idle, SHARED[:1], tested, {name: (best,)}) == (SHARED[:1], tested)
    # The settings themselves can be learned, and are not all the same.
    views = [panel.before(offset) for offset in tested.offsets]
    learned = [backtesting.looking_back(variant, views, how) for variant in VARIANTS[name]]
    assert not any(np.array_equal(each, tested.forecasts[name]) for each in learned)


def test_what_is_wrong_with_a_data_set_costs_no_other(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    for name in ("zeros", "short", "garbled", "late", "good"):
        write(tmp_path, name, 2, 60)
    manifest(tmp_path, zeros=2, short=2, garbled=2, late=2, good=2, gone=7)
    said = orjson.loads((tmp_path / "manifest.json").read_bytes())
    said["datasets"]["good"] |= {"horizon": "eight", "n_series": "many", "n_train_rows": -1}
    (tmp_path / "manifest.json").write_bytes(orjson.dumps(said))
    train = pd.read_csv(tmp_path / "zeros" / "train.csv.gz")
    train.assign(value=0.0).to_csv(tmp_path / "zeros" / "train.csv.gz", index=False)
    train = pd.read_csv(tmp_path / "short" / "train.csv.gz")
    train[train["date"] >= train["date"].max()].to_csv(tmp_path / "short" / "train.csv.gz", index=False)
    (tmp_path / "garbled" / "train.csv.gz").write_bytes(b"no gzip")
    pd.DataFrame({"series_id": ["late0"], "date": ["someday"]}).to_csv(tmp_path / "late" / "future.csv.gz", index=False)
    found = panelfiles.forecast_panel(tmp_path, 20.0, lambda stage, share: None).set_index("dataset")
    assert found.groupby(["dataset", "series_id"]).size().tolist() == [HORIZON] * 6
    assert (found.index.name, *found) == panelfiles.COLUMNS
    assert set(found.index) == {"zeros", "short", "good"}
    assert (found["mean"][found.index == "zeros"] == 0).all()
    assert found["lo95"][found.index == "short"].isna().all()
    assert np.isfinite(found.loc[found.index == "good", ["mean", "lo95"]]).all(axis=None)
    assert "garbled" in caplog.text
    assert "dates that are none, such as 'someday'" in caplog.text
