from __future__ import annotations

import threading
import time

from services.watchdog import Watchdog


def test_work_in_time_is_left_alone() -> None:
    called: list[int] = []
    dog = Watchdog()
    for _ in range(50):
        with dog.watch(0.2, lambda: called.append(1)):
            pass
    time.sleep(0.4)
    assert called == []
    assert sum(thread.name == "watchdog" for thread in threading.enumerate()) >= 1


def test_each_deadline_is_called_once_and_on_its_own() -> None:
    called: list[str] = []
    dog = Watchdog()
    with dog.watch(0.1, lambda: called.append("short")), dog.watch(30, lambda: called.append("long")):
        time.sleep(0.5)
    assert called == ["short"]


def test_an_action_that_fails_stops_nobody_else() -> None:
    called = threading.Event()
    dog = Watchdog()
    with dog.watch(0.05, lambda: 1 / 0), dog.watch(0.1, called.set):
        assert called.wait(5)
