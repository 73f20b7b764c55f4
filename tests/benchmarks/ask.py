"""Measure questions: the fresh set over the bikes model; with `--open FOLDER` an open set through the command line.

Run with `make bench-ask`.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from pathlib import Path

from services.language.asking import ASK, SURE, Reading, Vocabulary, read
from services.language.spans import Clock
from tests.benchmarks.questions import bikes
from tests.benchmarks.questions.expected import Case, cases, wrong

HERE = Path(__file__).parent / "questions"


def measure(found: Sequence[Case], vocabulary: Vocabulary, clock: Clock, *, show: bool = False) -> dict[str, float]:
    """Read every case and return the figures; `show` prints the misses."""
    rows, times = [], []
    for case in found:
        started = time.perf_counter()
        reading = read(case.text, vocabulary, clock)
        times.append((time.perf_counter() - started) * 1000)
        bad = ["rejected"] if reading.faults else [] if case.wanted is None else wrong(reading.form, case.wanted)
        right = case.wanted is not None and not bad
        rows.append((case, reading, right))
        if show and (right is not reading.answerable or (case.wanted is not None and not right)):
            print(
                f"{'MISS' if case.wanted else 'ANSWERED'} {reading.confidence:.2f} {case.text} | {bad} {reading.faults}"
            )
    return figures(rows, times)


def figures(rows: Sequence[tuple[Case, Reading, bool]], times: Sequence[float]) -> dict[str, float]:
    """Return shares: exact of the answerable, refused of the others, confidently wrong of all, calibration error."""
    known = [row for row in rows if row[0].wanted is not None]
    others = [row for row in rows if row[0].wanted is None]
    sure = [(0.0 if reading.faults else reading.confidence, right) for _, reading, right in rows]
    ordered = sorted(times)
    return {
        "n": len(rows),
        "exact": sum(right for *_, right in known) / max(1, len(known)),
        "refused": sum(not reading.answerable for _, reading, _ in others) / max(1, len(others)),
        "confident_wrong": sum(chance >= ASK and not right for chance, right in sure) / len(rows),
        "sure_wrong": sum(chance >= SURE and not right for chance, right in sure) / len(rows),
        "ece": calibration_error(sure),
        "coverage_at_99": coverage(sure, 0.99, len(known)),
        "p50_ms": ordered[len(ordered) // 2],
        "p95_ms": ordered[int(len(ordered) * 0.95)],
    }


def calibration_error(sure: Sequence[tuple[float, bool]], bins: int = 10) -> float:
    """Return the expected calibration error: mean distance of confidence and truth over equal bins."""
    total = 0.0
    for number in range(bins):
        inside = [each for each in sure if min(bins - 1, int(each[0] * bins)) == number]
        if inside:
            total += abs(sum(chance for chance, _ in inside) - sum(right for _, right in inside))
    return total / len(sure)


def coverage(sure: Sequence[tuple[float, bool]], precision: float, answerable: int) -> float:
    """Return the share of the answerable questions answered rightly while precision stays at least as given."""
    best = right = 0
    ordered = sorted(sure, key=lambda each: -each[0])
    for number, (chance, good) in enumerate(ordered, start=1):
        right += good
        last = number == len(ordered) or ordered[number][0] != chance
        if last and right / number >= precision:
            best = right
    return best / max(1, answerable)


def main() -> None:
    """Print the figures."""
    found = list(cases(HERE / "bikes.txt"))
    result = measure(found, bikes.vocabulary(), Clock(bikes.TODAY), show="--show" in sys.argv)
    print("bikes (fresh):", "  ".join(f"{name} {value:.3g}" for name, value in result.items()))


if __name__ == "__main__":
    main()
