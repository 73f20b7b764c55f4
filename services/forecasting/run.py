"""How a panel is forecast."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from services.forecasting.shelf import Shelf


@dataclass(frozen=True)
class Run:
    """How a panel is forecast: the seed, the threads, the moment to be done (seconds of `time.monotonic`).

    `expected` asks for the mean of what may come, which adds up over series and suits stock and money; otherwise the
    forecast is the typical value, which has the smallest absolute error and for rare sales may be 0. `shelf` keeps
    trained models for the next time the same is asked. `search` spends time that is left on better settings.
    """

    seed: int = 7
    threads: int = 1
    rows: int = 60_000
    until: float = field(default=float("inf"))
    expected: bool = False
    shelf: Shelf | None = None
    search: bool = False

    @property
    def left(self) -> float:
        """Seconds left."""
        return self.until - time.monotonic()
