"""How benchmarks measure: two ways in turns, users beside one another, memory, and what others took of the CPU."""

from __future__ import annotations

import contextlib
import os
import resource
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from tests.benchmarks.reference import ROOT, bench_module

#: A run that takes longer is repeated less often.
SLOW, FEW = 2.0, 3
Action = Callable[[], object]


def seconds_of(action: Action) -> float:
    """Return how long an action takes."""
    started = time.perf_counter()
    action()
    return time.perf_counter() - started


def percentile(values: list[float], share: float) -> float:
    """Return the nearest-rank percentile."""
    return float(bench_module("workload").pct(values, share))


def median(values: list[float]) -> float:
    """Return the median."""
    return float(bench_module("workload").median(values))


def geometric_mean(values: list[float]) -> float:
    """Return the geometric mean."""
    return float(bench_module("workload").geomean(values))


@dataclass(frozen=True)
class Times:
    """Milliseconds of the product, of bare DuckDB and of a third way for the same thing, run in turns."""

    ours: list[float]
    raw: list[float]
    by_hand: list[float] = field(default_factory=list)

    @property
    def faster(self) -> float:
        """How many times faster the product is, by the medians."""
        return median(self.raw) / median(self.ours)

    @property
    def figures(self) -> dict[str, float]:
        """What is printed and kept."""
        return {
            "ours_ms": median(self.ours),
            "ours_p95_ms": percentile(self.ours, 95),
            "raw_ms": median(self.raw),
            "raw_p95_ms": percentile(self.raw, 95),
            "times_faster": self.faster,
        } | ({"by_hand_ms": median(self.by_hand)} if self.by_hand else {})


def in_turns(ours: Action, raw: Action, runs: int, by_hand: Action | None = None) -> Times:
    """Run the ways in turns, after one run of each that is not counted."""
    ways = [ours, raw, *([by_hand] if by_hand else [])]
    slowest = max(seconds_of(each) for each in ways)
    rounds = [[seconds_of(each) * 1000 for each in ways] for _ in range(FEW if slowest > SLOW else runs)]
    return Times(*(list(times) for times in zip(*rounds, strict=True)))


def beside_one_another(users: int, seconds: float, refreshes: Callable[[int], Iterator[Action]]) -> dict[str, float]:
    """Let users work without a pause for some seconds, each through `refreshes(user)`; return rate and times."""
    times: list[float] = []
    faults: list[BaseException] = []
    until = time.perf_counter() + seconds

    def work(actions: Iterator[Action]) -> None:
        try:
            while time.perf_counter() < until:
                times.append(seconds_of(next(actions)) * 1000)
        except BaseException as error:
            faults.append(error)

    threads = [threading.Thread(target=work, args=(refreshes(user),)) for user in range(users)]

    def all_of_them() -> None:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    took = seconds_of(all_of_them)
    if faults:
        raise faults[0]
    return {
        "per_second": len(times) / took,
        "refreshes": len(times),
        "p50_ms": median(times),
        "p95_ms": percentile(times, 95),
    }


def peak_mb() -> float:
    """Return the most memory this process has held."""
    try:
        # Not getrusage: a child starts with the peak of the process that made it.
        lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def in_process(*arguments: str) -> dict[str, Any]:
    """Run a module of the benchmarks in a process of its own; return the JSON object it prints last."""
    done = subprocess.run([sys.executable, "-m", *arguments], stdout=subprocess.PIPE, check=False, cwd=ROOT)
    if done.returncode:
        sys.exit(f"{' '.join(arguments)} ended with code {done.returncode}; see above.")
    found: dict[str, Any] = orjson.loads(done.stdout.splitlines()[-1])
    return found


def cpu_of_family(process: int) -> float:
    """Return the seconds of CPU that a process and its children have used."""
    found = 0.0
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            fields = path.read_text().rpartition(")")[2].split()
            if process in (int(path.parent.name), int(fields[1])):
                found += (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return found


class CpuOfOthers:
    """Tells which share of the machine's CPU time other processes took since it was made."""

    def __init__(self) -> None:
        self._before = _cpu_times()

    @property
    def share(self) -> float:
        """The share, from 0 to 1; NaN where the system does not tell."""
        if self._before is None or (now := _cpu_times()) is None:
            return float("nan")
        total, busy, own = (after - before for after, before in zip(now, self._before, strict=True))
        return max(0.0, busy - own) / total if total else 0.0


def _cpu_times() -> tuple[float, float, float] | None:
    """Return seconds of all CPUs: in all, at work, at work for this process and its children that have ended."""
    try:
        line = Path("/proc/stat").read_text(encoding="ascii").splitlines()[0]
    except OSError:
        return None
    # user, nice, system, idle, iowait, irq, softirq, steal; guest times are part of user's.
    ticks = [int(field) / os.sysconf("SC_CLK_TCK") for field in line.split()[1:9]]
    own = os.times()
    return sum(ticks), sum(ticks) - ticks[3] - ticks[4], sum(own[:4])
