"""Stored models: the same again without training, and nothing that was tampered with is ever loaded."""

from __future__ import annotations

import json
import logging
from dataclasses import replace
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
import pytest

from services.forecasting.boosting import OBJECTIVES, fit_boosting
from services.forecasting.run import Run
from services.forecasting.shelf import KEEP_SECONDS, Shelf
from tests.services.forecasting.test_engine import flagged


@pytest.fixture
def trained(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return a list that grows with every training; training itself is the real one."""
    times: list[int] = []
    train = lightgbm.train

    def counted(*given: Any, **more: Any) -> lightgbm.Booster:
        times.append(1)
        return train(*given, **more)

    monkeypatch.setattr(lightgbm, "train", counted)
    return times


def test_the_same_is_not_trained_twice(tmp_path: Path, trained: list[int]) -> None:
    panel, how = flagged(), Run(rows=2_000, shelf=Shelf(tmp_path / "models"))
    first = fit_boosting(panel, OBJECTIVES[0], how)(panel)
    np.testing.assert_array_equal(fit_boosting(panel, OBJECTIVES[0], replace(how, threads=2))(panel), first)
    assert len(trained) == 1
    values = panel.values.copy()
    values[0, 5] += 1
    others = (
        (panel, OBJECTIVES[1], how),
        (panel, OBJECTIVES[0], replace(how, seed=8)),
        (panel, OBJECTIVES[0], replace(how, rows=1_000)),
        (panel.of(np.arange(19)), OBJECTIVES[0], how),
        (panel.before(1), OBJECTIVES[0], how),
        (replace(panel, values=values), OBJECTIVES[0], how),
    )
    for number, other in enumerate(others, 2):
        fit_boosting(*other)
        assert len(trained) == number


def test_a_damaged_model_is_refused_and_trained_anew(
    tmp_path: Path, trained: list[int], caplog: pytest.LogCaptureFixture
) -> None:
    panel, how = flagged(), Run(rows=2_000, shelf=Shelf(tmp_path))
    first = fit_boosting(panel, OBJECTIVES[0], how)(panel)
    (text,), (facts,) = tmp_path.glob("*.txt"), tmp_path.glob("*.json")
    whole, digest = text.read_bytes(), facts.read_bytes()
    damages = (
        (text, whole[:-10]),
        (text, whole.replace(b"leaf_value=", b"leaf_value=9", 1)),
        (text, b""),
        (facts, b"{"),
        (facts, json.dumps({"sha256": "0" * 64}).encode()),
    )
    for number, (path, content) in enumerate(damages, 2):
        path.write_bytes(content)
        caplog.clear()
        with caplog.at_level(logging.WARNING):
            np.testing.assert_array_equal(fit_boosting(panel, OBJECTIVES[0], how)(panel), first)
        assert "is damaged: its SHA-256 is" in caplog.text
        assert "It is not loaded but trained anew." in caplog.text
        assert len(trained) == number
        assert (text.read_bytes(), facts.read_bytes()) == (whole, digest)
    # What a process left that died between the two files is no model.
    facts.unlink()
    assert how.shelf is not None
    assert how.shelf.find(text.stem) is None


def test_a_model_that_ran_out_of_time_is_not_kept(tmp_path: Path) -> None:
    fit_boosting(flagged(), OBJECTIVES[0], Run(rows=2_000, until=0.0, shelf=Shelf(tmp_path)))
    assert list(tmp_path.iterdir()) == []


def test_what_nobody_asks_for_is_forgotten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shelf = Shelf(tmp_path)
    shelf.keep("old", "tree")
    assert shelf.find("old") == "tree"
    now = (tmp_path / "old.txt").stat().st_mtime + KEEP_SECONDS + 5
    monkeypatch.setattr("time.time", lambda: now)
    shelf.keep("new", "tree")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["new.json", "new.txt"]
