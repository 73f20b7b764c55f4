"""How many answers came from the result cache: counted by each process, added up by `salescope doctor`."""

from __future__ import annotations

import os
import threading
import time
from collections import Counter
from pathlib import Path

import orjson

from services.flights import Outcome

WRITE_EVERY = 5.0
KEEP_SECONDS = 24 * 3600


class Tally:
    """Counts outcomes and writes them, every few seconds at most, into a file of this process."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / f"{os.getpid()}.json"
        self._lock = threading.Lock()
        self._counts: Counter[Outcome] = Counter()
        self._due = 0.0

    def __call__(self, outcome: Outcome) -> None:
        """Count one; a disk that cannot be written costs the count, not the answer."""
        with self._lock:
            self._counts[outcome] += 1
            if time.monotonic() < self._due:
                return
            self._due = time.monotonic() + WRITE_EVERY
            try:
                self._write()
            except OSError:
                return

    def _write(self) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        for path in self._path.parent.glob("*.json"):
            if path.stat().st_mtime < time.time() - KEEP_SECONDS:
                path.unlink(missing_ok=True)
        fresh = self._path.with_suffix(".new")
        fresh.write_bytes(orjson.dumps({outcome.value: count for outcome, count in self._counts.items()}))
        fresh.replace(self._path)


def totals(folder: Path) -> Counter[Outcome]:
    """Return the counts of all processes of the last day; those of the last seconds may be missing."""
    found: Counter[Outcome] = Counter()
    for path in folder.glob("*.json"):
        try:
            found.update({Outcome(name): int(count) for name, count in orjson.loads(path.read_bytes()).items()})
        except (OSError, ValueError, AttributeError, TypeError):
            continue
    return found
