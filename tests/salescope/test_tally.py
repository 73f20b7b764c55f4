"""The counts that `salescope doctor` shows."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from salescope import tally
from salescope.tally import Tally, totals
from services.flights import Outcome
from services.query import SalesQuery
from services.sales import Sales
from tests.factories import House, MemoryCache, viewer_of


def test_processes_are_added_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tally, "WRITE_EVERY", 0.0)
    for pid, outcomes in ((11, [Outcome.COMPUTED, Outcome.KEPT, Outcome.KEPT]), (12, [Outcome.SHARED, Outcome.KEPT])):
        monkeypatch.setattr(os, "getpid", lambda pid=pid: pid)
        count = Tally(tmp_path)
        for outcome in outcomes:
            count(outcome)
    assert totals(tmp_path) == {Outcome.KEPT: 3, Outcome.COMPUTED: 1, Outcome.SHARED: 1}


def test_disk_is_written_now_and_then(tmp_path: Path) -> None:
    count = Tally(tmp_path)
    for _ in range(100):
        count(Outcome.KEPT)
    assert totals(tmp_path) == {Outcome.KEPT: 1}


@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b'{"kept": "x"}', b'{"other": 1}', b"\xff"])
def test_damaged_counts_are_left_out(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "1.json").write_bytes(content)
    (tmp_path / "2.json").write_bytes(b'{"kept": 2}')
    assert totals(tmp_path) == {Outcome.KEPT: 2}


def test_counts_of_yesterday_are_removed(tmp_path: Path) -> None:
    (tmp_path / "1.json").write_bytes(b'{"kept": 2}')
    os.utime(tmp_path / "1.json", (1, 1))
    Tally(tmp_path)(Outcome.COMPUTED)
    assert totals(tmp_path) == {Outcome.COMPUTED: 1}


def test_folder_that_cannot_be_written_costs_the_count_only(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    Tally(tmp_path / "file" / "below")(Outcome.KEPT)
    assert not totals(tmp_path / "file" / "below")


def test_answers_are_counted(small_shop: House) -> None:
    told: list[Outcome] = []
    sales = Sales(small_shop.model, small_shop.warehouse, MemoryCache(), tell=told.append)
    for _ in range(3):
        sales.answer(SalesQuery(measures=("revenue",)), viewer_of("analyst"))
    assert told == [Outcome.COMPUTED, Outcome.KEPT, Outcome.KEPT]
