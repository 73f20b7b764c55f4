"""How much of a worker one person may take, so that heavy queries of one leave room for everybody else."""

from __future__ import annotations

import threading
import time
from collections import Counter, deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from services.errors import BusyError

UNLIMITED = 1_000_000
#: A person whose requests fill all but one thread of a worker gets a refusal this soon, so that one stays free.
CROWDED_SECONDS = 0.25


@dataclass
class Turnstile:
    """Lets `limit` requests of each person in at once; others wait up to `patience` seconds."""

    limit: int
    patience: float
    _inside: Counter[int] = field(default_factory=Counter)
    _changed: threading.Condition = field(default_factory=threading.Condition)

    @contextmanager
    def entered(self, user_id: int) -> Iterator[None]:
        """Be inside; raises BusyError when no place gets free in time."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._inside[user_id] < self.limit, self.patience):
                raise BusyError(
                    f"You have {self._inside[user_id]} queries running already. "
                    "Wait for one to end, or choose a shorter period or fewer values."
                )
            self._inside[user_id] += 1
        try:
            yield
        finally:
            with self._changed:
                self._inside[user_id] -= 1
                if not self._inside[user_id]:
                    del self._inside[user_id]
                self._changed.notify_all()


class InOrder:
    """Threads of a process one after another, in the order they came: beside one another all would end late.

    A turn lasts `seconds` at most; who takes longer goes on beside the next.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds, self._since = seconds, 0.0
        self._line: deque[object] = deque()
        self._changed = threading.Condition()

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Wait for one's turn and have it."""
        mine = object()
        with self._changed:
            self._line.append(mine)
            if self._line[0] is mine:
                self._since = time.monotonic()
            while self._line[0] is not mine:
                left = self._since + self._seconds - time.monotonic()
                if left > 0:
                    self._changed.wait(left)
                else:
                    self._next()
        try:
            yield
        finally:
            with self._changed:
                if self._line and self._line[0] is mine:
                    self._next()

    def _next(self) -> None:
        self._line.popleft()
        self._since = time.monotonic()
        self._changed.notify_all()


class Fairness:
    """At most `running` queries of one person at once in this process, and `present` with those that wait.

    Who waits for a running one to end waits up to `seconds`; who finds `present` there already is refused at once.
    """

    def __init__(self, running: int = UNLIMITED, present: int = UNLIMITED, seconds: float = 10.0) -> None:
        self._present, self._running = Turnstile(present, CROWDED_SECONDS), Turnstile(running, seconds)

    @contextmanager
    def turn(self, user_id: int) -> Iterator[None]:
        """Hold one of the person's turns; raises BusyError when none gets free in time."""
        with self._present.entered(user_id), self._running.entered(user_id):
            yield
