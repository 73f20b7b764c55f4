"""Counts that each process keeps in a file of its own, for others to add up."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson


class CountFiles:
    """Files of counts in a folder: one is written every `every` seconds at most, and goes when `keep` seconds old.

    `lock` is for what is counted.
    """

    def __init__(self, folder: Path, *, every: float, keep: float) -> None:
        self.folder, self.lock = folder, threading.Lock()
        self._every, self._keep, self._due = every, keep, 0.0

    @property
    def due(self) -> bool:
        """Whether it is time to write again; it is not right after that was asked. The caller holds the lock."""
        if time.monotonic() < self._due:
            return False
        self._due = time.monotonic() + self._every
        return True

    def write(self, name: str, counts: object) -> None:
        """Write a file whole or not at all, and remove old ones; a disk that cannot be written costs the counts."""
        path = self.folder / f"{name}.json"
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            for old in self.folder.glob("*.json"):
                if old.stat().st_mtime < time.time() - self._keep:
                    old.unlink(missing_ok=True)
            fresh = path.with_suffix(".new")
            fresh.write_bytes(orjson.dumps(counts))
            fresh.replace(path)
        except OSError:
            return


def read(path: Path) -> Any:
    """Return what a file holds; None for one that is gone or damaged."""
    try:
        return orjson.loads(path.read_bytes())
    except (OSError, ValueError):
        return None


def contents(folder: Path) -> Iterator[Any]:
    """Yield what the files of all processes hold, the oldest name first; those of the last seconds may lack some."""
    yield from (read(path) for path in sorted(folder.glob("*.json")))
