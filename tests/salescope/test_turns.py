"""Worker processes compute the same answer once: locks on bytes of a file, leases in Redis."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from salescope.cache import TIMEOUT_SECONDS, FileTurns, RedisTurns, make_turns
from salescope.settings import Settings
from services.flights import AlwaysOurTurn
from tests.serving import ROOT, outside, until

#: A worker: asks for `key` and says what it got; computing takes a while and leaves a line in a file.
WORKER = """
import sys, time
from pathlib import Path
from salescope.cache import make_cache, make_turns
from salescope.settings import Settings
from services.flights import Flights, Form

folder, seconds = Path(sys.argv[1]), float(sys.argv[2])
settings = Settings.from_env({"SALESCOPE_INSTANCE": str(folder / "instance")})
flights = Flights(make_cache(settings), make_turns(settings), Form(str.encode, bytes.decode), 20, lambda outcome: None)

def compute():
    with (folder / "runs").open("a") as runs:
        runs.write("run\\n")
    time.sleep(seconds)
    return "answer"

print(*flights.value("key", compute))
"""


def worker(folder: Path, seconds: float) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", WORKER, str(folder), str(seconds)],
        cwd=ROOT,
        env=outside(PYTHONPATH=f"{ROOT / 'src'}:{ROOT}"),
        stdout=subprocess.PIPE,
        text=True,
    )


def runs(folder: Path) -> int:
    path = folder / "runs"
    return len(path.read_text().splitlines()) if path.exists() else 0


def test_processes_compute_once(tmp_path: Path) -> None:
    workers = [worker(tmp_path, 2.0) for _ in range(3)]
    said = sorted(each.communicate(timeout=60)[0].strip() for each in workers)
    assert runs(tmp_path) == 1
    assert said[0] == "answer computed"
    assert {line.split()[0] for line in said} == {"answer"}
    assert set(said[1:]) <= {"answer shared", "answer kept"}


def test_killed_process_leaves_its_turn_to_the_next(tmp_path: Path) -> None:
    first = worker(tmp_path, 60)
    assert until(lambda: runs(tmp_path) == 1, 30)
    second = worker(tmp_path, 0.1)
    time.sleep(1.5)
    assert runs(tmp_path) == 1
    first.send_signal(signal.SIGKILL)
    killed = time.monotonic()
    assert second.communicate(timeout=30)[0].strip() == "answer computed"
    assert time.monotonic() - killed < 5
    first.communicate(timeout=10)
    assert runs(tmp_path) == 2


def test_turn_is_free_again_when_given_back(tmp_path: Path) -> None:
    turns = FileTurns(tmp_path / "turns")
    for _ in range(3):
        give_back = turns.take("key")
        assert give_back is not None
        give_back()
    assert (tmp_path / "turns").stat().st_size == 0


def test_lost_file_gives_every_turn(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    turns = FileTurns(tmp_path / "turns")
    turns._file = 1_000_000
    for _ in range(3):
        give_back = turns.take("key")
        assert give_back is not None
        give_back()
    assert len(caplog.records) == 1


def test_lost_redis_gives_every_turn(tmp_path: Path, closed_port: int, caplog: pytest.LogCaptureFixture) -> None:
    settings = Settings.from_env(
        {"SALESCOPE_INSTANCE": str(tmp_path), "SALESCOPE_CACHE_URL": f"redis://:pa55word@127.0.0.1:{closed_port}/0"}
    )
    turns = make_turns(settings)
    assert isinstance(turns, RedisTurns)
    started = time.perf_counter()
    for _ in range(50):
        give_back = turns.take("key")
        assert give_back is not None
        give_back()
    assert time.perf_counter() - started < TIMEOUT_SECONDS + 0.5
    assert len(caplog.records) == 1
    assert "pa55word" not in caplog.text


def test_without_a_cache_processes_do_not_wait_for_each_other(tmp_path: Path) -> None:
    settings = Settings.from_env({"SALESCOPE_INSTANCE": str(tmp_path), "SALESCOPE_CACHE_ENTRIES": "0"})
    assert isinstance(make_turns(settings), AlwaysOurTurn)
