"""Folders to work in: many at once, left behind by a killed process, moved away on purpose."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from services.processes import is_held
from services.scratch import scratch


def test_many_come_and_go_at_once(tmp_path: Path) -> None:
    def work(number: int) -> str:
        with scratch(tmp_path) as folder:
            (folder / "rows").write_text(str(number), encoding="utf-8")
            return (folder / "rows").read_text(encoding="utf-8")

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(work, range(400))) == [str(number) for number in range(400)]
    with scratch(tmp_path) as last:
        assert [folder for folder in tmp_path.iterdir() if folder.is_dir()] == [last]


def test_what_a_killed_process_left_goes_and_what_was_moved_away_stays(tmp_path: Path) -> None:
    left = tmp_path / "work" / "left"
    left.mkdir(parents=True)
    (left / "rows").touch()
    with scratch(tmp_path / "work") as folder:
        assert not left.exists()
        (folder / "rows").touch()
        folder.rename(tmp_path / "kept")
    assert (tmp_path / "kept" / "rows").exists()


def test_looking_at_a_lock_makes_nothing(tmp_path: Path) -> None:
    assert not is_held(tmp_path / "gone" / "lock")
    assert list(tmp_path.iterdir()) == []
