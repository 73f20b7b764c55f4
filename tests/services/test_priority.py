"""Work that gives way."""

from __future__ import annotations

import contextlib
import contextvars
import os
import sys
import threading
from pathlib import Path

import pytest

from services.duck_warehouse import DuckWarehouse
from services.priority import GIVES_WAY, Aside
from tests.serving import Installation

WHO = contextvars.ContextVar("WHO", default="nobody")
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="threads have a niceness of their own on Linux only")


def niceness(thread: int = 0) -> int:
    return os.getpriority(os.PRIO_PROCESS, thread)


def test_work_aside_gives_way_and_whoever_waits_for_it_does_not() -> None:
    aside, before = Aside(1), niceness()
    WHO.set("somebody")
    assert aside.run(niceness) == max(GIVES_WAY, before)
    assert aside.run(WHO.get) == "somebody"
    assert aside.run(threading.get_native_id) != threading.get_native_id()
    with pytest.raises(ZeroDivisionError):
        aside.run(lambda: 1 // 0)
    assert niceness() == before


def test_threads_of_the_data_file_give_way(prepared: Installation, tmp_path: Path) -> None:
    tasks, store = Path("/proc/self/task"), DuckWarehouse(prepared.copied_to(tmp_path / "copy").folder / "warehouse")
    before = {each.name for each in tasks.iterdir()}
    snapshot = store.current()
    started, found = {each.name for each in tasks.iterdir()} - before, []
    for each in started:  # some thread of another library may begin or end meanwhile
        with contextlib.suppress(ProcessLookupError):
            found.append(niceness(int(each)))
    assert max(GIVES_WAY, niceness()) in found
    snapshot.engine.dispose()
