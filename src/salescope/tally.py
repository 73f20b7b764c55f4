"""How many answers came from the result cache: counted by each process, added up by `salescope doctor`."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

from services.counts import CountFiles, contents
from services.flights import Outcome

WRITE_EVERY = 5.0
KEEP_SECONDS = 24 * 3600


class Tally:
    """Counts outcomes and writes them, every few seconds at most, into a file of this process."""

    def __init__(self, folder: Path) -> None:
        self._files = CountFiles(folder, every=WRITE_EVERY, keep=KEEP_SECONDS)
        self._counts: Counter[Outcome] = Counter()

    def __call__(self, outcome: Outcome) -> None:
        """Count one."""
        with self._files.lock:
            self._counts[outcome] += 1
            if self._files.due:
                self._files.write(str(os.getpid()), {each.value: count for each, count in self._counts.items()})


def totals(folder: Path) -> Counter[Outcome]:
    """Return the counts of all processes of the last day; those of the last seconds may be missing."""
    found: Counter[Outcome] = Counter()
    for counts in contents(folder):
        try:
            found.update({Outcome(name): int(count) for name, count in counts.items()})
        except (ValueError, AttributeError, TypeError):
            continue
    return found
