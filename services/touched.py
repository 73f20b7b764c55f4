"""The days that a load changes: what else a version holds is as it was in the one before."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from services.buckets import ceiling, floor
from services.periods import Grain
from services.sqltext import name_of


@dataclass(frozen=True)
class Touched:
    """The whole days, from `first` to before `after`, in which lines came or went.

    `table` has the lines, `time` is the column of their times.
    """

    table: str
    time: str
    first: dt.datetime
    after: dt.datetime

    def reach(self, grain: Grain) -> tuple[dt.datetime, dt.datetime]:
        """Return the start of the first bucket they lie in, and the end of the last."""
        return floor(self.first, grain), ceiling(self.after, grain)

    def within(self, grain: Grain) -> str:
        """Return the condition of the rows in those buckets."""
        start, end = self.reach(grain)
        return f"({name_of(self.time)} >= TIMESTAMP '{start}' AND {name_of(self.time)} < TIMESTAMP '{end}')"
