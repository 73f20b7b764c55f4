"""Work that gives way: processes and threads to which the system gives what others leave.

Linux gives every thread a niceness of its own, which the threads it starts inherit; elsewhere a process has one only
and threads are left alone. A thread that was lowered stays so, hence threads of their own for what gives way.
"""

from __future__ import annotations

import contextvars
import os
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

#: Beside a thread of the first niceness one of 0 gets nine tenths of a core (sched(7): a step is a factor of 1.25).
#: Processes of our own have many threads, and nobody waits for them.
GIVES_WAY, GIVES_ALL_WAY = 10, 15
T = TypeVar("T")


def lower_process() -> None:
    """Have this process and what it starts give way to others."""
    os.nice(max(0, GIVES_ALL_WAY - os.nice(0)))


def lower_thread() -> None:
    """Have this thread, and those it starts, give way to others."""
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), max(GIVES_WAY, os.nice(0)))


class Aside:
    """Threads that give way; further work waits for one of them."""

    def __init__(self, threads: int) -> None:
        self._threads, self._process, self._pool = threads, 0, ThreadPoolExecutor(1)

    def run(self, action: Callable[[], T]) -> T:
        """Return what `action` returns there, in the context of the caller."""
        if self._process != os.getpid():  # a forked process has the object but not the threads
            self._process, self._pool = os.getpid(), ThreadPoolExecutor(self._threads, "aside", lower_thread)
        return self._pool.submit(contextvars.copy_context().run, action).result()
