"""Fit the weights of the confidence; `--write` puts them into services/language/confidence.json.

Run: python -m tests.benchmarks.calibrate [--write]. Two kinds of questions teach it. Templates over the models of
tests/benchmarks/questions show what single doubts mean, but are read right far too often. `first_sight.jsonl` holds
what sets of questions, written from the specification for several models, looked like when the parser met them for the
first time: features and truth of each, before anything was mended. They say how often a reading without doubts is
right, so the intercept is fitted to them and to nothing else. Wording of the open set is not used.
"""

from __future__ import annotations

import datetime as dt
import sys
from collections.abc import Sequence

import numpy as np
import orjson
from numpy.typing import NDArray

from services.language.asking import Vocabulary, read
from services.language.confidence import FEATURES, FILE, probability
from services.language.spans import Clock
from tests.benchmarks.ask import HERE, calibration_error, coverage, measure
from tests.benchmarks.questions import bikes, cafe
from tests.benchmarks.questions.expected import Case, cases, wrong
from tests.benchmarks.questions.generated import generated

Matrix = NDArray[np.float64]
Rows = tuple[list[dict[str, float]], list[bool]]
TODAY = dt.date(2011, 12, 9)
#: Features that may only speak for a reading, or be of no matter.
EITHER_WAY = ("parts", "compared", "bounded", "ranked", "calculated")
PENALTY, ROUNDS = 0.004, 8000
#: How much more readily, in log odds, templates are read right than what people write.
TEMPLATES_EASIER = 2.0
#: What the questions of first sight count together beside the generated ones, which count 1.
FIRST_SIGHT = 3.0
#: What weights are drawn to where neither kind of question shows a doubt.
PRIOR = {
    "threshold": -1.0,
    "several": -1.0,
    "contains": -0.8,
    "odd_place": -2.0,
    "part": -0.8,
    "slight": -2.0,
    "grains": -2.0,
    "joined": -1.5,
    "hinge": -1.0,
    "dangling": -1.5,
    "subject": -1.5,
    "lost": -4.0,
    "average": -2.5,
    "either": -0.6,
    "loose_dimension": -1.0,
    "count": -2.0,
    "against": -2.0,
    "implied_now": -1.0,
    "dates": -2.5,
    "repaired": -0.5,
    "bare_date": -0.7,
    "which_unit": -1.0,
    "when": -2.0,
    "grain": -0.5,
    "unranked": -2.5,
    "unused": -2.5,
    "unused_number": -4.0,
    "unused_unit": -3.0,
    "unused_new": -5.0,
    "unused_not": -4.0,
    "unused_than": -2.5,
    "unused_versus": -3.0,
    "unused_growth": -3.0,
    "unused_rest": -4.0,
    "unused_noun": -3.0,
    "unused_by": -3.0,
    "unused_follow": -6.0,
    "unused_route": -8.0,
    "faults": -6.0,
    "mended": -0.7,
    "default_measure": -0.6,
    "verb_measure": -0.4,
    "close_rival": -1.0,
    "no_anchor": -1.5,
    "filler_share": -0.5,
}


def rows_of(found: Sequence[Case], vocabulary: Vocabulary) -> tuple[list[dict[str, float]], list[bool]]:
    """Return features and truth of the questions that no fault refuses."""
    inputs, truths = [], []
    for case in found:
        reading = read(case.text, vocabulary, Clock(TODAY))
        if not reading.faults:
            inputs.append(reading.features)
            truths.append(case.wanted is not None and not wrong(reading.form, case.wanted))
    return inputs, truths


def first_sight(left_out: str = "") -> tuple[list[dict[str, float]], list[bool]]:
    """Return features and truth of the questions met for the first time, less those of one set."""
    lines = (HERE / "first_sight.jsonl").read_bytes().splitlines()
    rows = [row for row in map(orjson.loads, lines) if row["set"] != left_out]
    return [row["features"] for row in rows], [row["right"] for row in rows]


def first_sight_of(name: str) -> Rows:
    """Return features and truth of one set of questions met for the first time."""
    lines = (HERE / "first_sight.jsonl").read_bytes().splitlines()
    rows = [row for row in map(orjson.loads, lines) if row["set"] == name]
    return [row["features"] for row in rows], [row["right"] for row in rows]


def fit(generated_rows: Rows, seen_first: Rows) -> dict[str, float]:
    """Return logistic regression weights by projected gradient descent with an L2 penalty; doubts never help."""
    inputs, truths = [*generated_rows[0], *seen_first[0]], [*generated_rows[1], *seen_first[1]]
    first = np.array([False] * len(generated_rows[0]) + [True] * len(seen_first[0]))
    share = np.where(first, FIRST_SIGHT / max(1, first.sum()), 1 / max(1, (~first).sum())) / (1 + FIRST_SIGHT)
    offset = np.where(first, 0.0, TEMPLATES_EASIER)
    table: Matrix = np.array([[1.0, *(row.get(name, 0.0) for name in FEATURES)] for row in inputs])
    wanted: Matrix = np.array(truths, dtype=np.float64)
    held = np.array([False, *(name not in EITHER_WAY for name in FEATURES)])
    start: Matrix = np.array([PRIOR.get(name, 0.0) for name in ("intercept", *FEATURES)])
    weights = start.copy()
    drawn = np.where(held, PENALTY, PENALTY / 5)
    drawn[0] = 0.0
    for _ in range(ROUNDS):
        chance = 1 / (1 + np.exp(-table @ weights - offset))
        slope = table.T @ (share * (chance - wanted)) + drawn * (weights - start)
        weights -= 0.5 * slope
        weights[held] = np.minimum(weights[held], 0.0)
    return dict(zip(("intercept", *FEATURES), (round(float(each), 4) for each in weights), strict=True))


def main() -> None:
    """Fit, report on questions not fitted on, and write with `--write`."""
    vocabularies = [bikes.vocabulary(), cafe.vocabulary()]
    made: Rows = ([], [])
    for number, vocabulary in enumerate(vocabularies):
        some = rows_of(list(generated(vocabulary, 3000, seed=number)), vocabulary)
        made = (made[0] + some[0], made[1] + some[1])
    weights = fit(made, first_sight())
    known = first_sight()
    held_out: list[tuple[float, bool]] = []
    for name in sorted(
        {row["set"] for row in map(orjson.loads, (HERE / "first_sight.jsonl").read_bytes().splitlines())}
    ):
        without = fit(made, first_sight(name))
        held_out += [(probability(row, without), truth) for row, truth in zip(*first_sight_of(name), strict=True)]
    right = sum(truth for _, truth in held_out)
    figures = {
        "fitted_on": len(made[1]) + len(known[1]),
        "held_out": len(held_out),
        "right": round(right / len(held_out), 4),
        "ece": round(calibration_error(held_out), 4),
        "coverage_at_99": round(coverage(held_out, 0.99, right), 4),
    }
    print("questions of first sight, each set by a fit without it:", figures)
    if "--write" in sys.argv:
        version = orjson.loads(FILE.read_bytes())["version"] + 1
        stored = {"version": version, "figures": figures, "weights": weights}
        FILE.write_bytes(orjson.dumps(stored, option=orjson.OPT_INDENT_2) + b"\n")
        print(f"Wrote version {version}.")
    else:
        show = "--show" in sys.argv
        fresh = measure(list(cases(HERE / "bikes.txt")), vocabularies[0], Clock(bikes.TODAY), show=show)
        print("bikes (fresh):", fresh)


if __name__ == "__main__":
    main()
