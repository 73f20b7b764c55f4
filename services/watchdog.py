"""Deadlines and cancellations of many pieces of work, watched by one thread.

Starting a thread for each takes longer than most queries.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import threading
import time
from collections.abc import Callable, Iterator

#: How late a deadline may be noticed, in seconds.
TICK = 0.05


class Watchdog:
    """Calls an action when the block it belongs to takes too long."""

    def __init__(self) -> None:
        self._numbers = itertools.count()
        self._due: dict[int, tuple[float, Callable[[], object]]] = {}
        self._asked: dict[int, tuple[Callable[[], bool], Callable[[], object]]] = {}
        self._changed = threading.Condition()
        self._process = 0

    @contextlib.contextmanager
    def listen(self, asked: Callable[[], bool], action: Callable[[], object]) -> Iterator[None]:
        """Call `action` from another thread, now and then until the block is over, once `asked()` is true.

        One call may come before there is anything to stop.
        """
        number = next(self._numbers)
        with self._changed:
            self._asked[number] = (asked, action)
            self._start()
            self._changed.notify()
        try:
            yield
        finally:
            with self._changed:
                self._asked.pop(number, None)

    @contextlib.contextmanager
    def watch(self, seconds: float, action: Callable[[], object]) -> Iterator[None]:
        """Call `action` from another thread when the block is not over after so many seconds."""
        number = next(self._numbers)
        with self._changed:
            self._due[number] = (time.monotonic() + seconds, action)
            self._start()
            self._changed.notify()
        try:
            yield
        finally:
            # Under the lock: the action of this block must not meet whoever uses its connection next.
            with self._changed:
                self._due.pop(number, None)

    def _start(self) -> None:
        # A forked process has the object but not the thread.
        if self._process != os.getpid():
            self._process = os.getpid()
            threading.Thread(target=self._run, name="watchdog", daemon=True).start()

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._due and not self._asked:
                    self._changed.wait()
                now = time.monotonic()
                late = [number for number, (deadline, _) in self._due.items() if deadline <= now]
                called = [self._due.pop(number)[1] for number in late]
                called += [action for asked, action in self._asked.values() if asked()]
                for action in called:
                    with contextlib.suppress(Exception):
                        action()
            time.sleep(TICK)
