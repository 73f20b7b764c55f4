"""How sure a reading is: a probability that the whole of it is what was meant.

Features per part of the reading go through a logistic regression whose weights `python -m tests.benchmarks.calibrate`
fits on questions made from other models; confidence.json holds them with the version and figures of the fit.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import orjson

from services.language.draft import Draft
from services.language.forms import Form

FILE = Path(__file__).parent / "confidence.json"
#: What a reading is described by. A doubt is counted as assembly noted it.
DOUBTS = (
    "threshold",
    "several",
    "contains",
    "odd_place",
    "part",
    "slight",
    "grains",
    "joined",
    "hinge",
    "dangling",
    "subject",
    "lost",
    "average",
    "either",
    "loose_dimension",
    "count",
    "against",
    "implied_now",
    "dates",
    "repaired",
    "bare_date",
    "which_unit",
    "when",
    "grain",
    "unranked",
    "unused",
    "unused_number",
    "unused_unit",
    "unused_new",
    "unused_not",
    "unused_than",
    "unused_versus",
    "unused_growth",
    "unused_rest",
    "unused_noun",
    "unused_by",
    "unused_follow",
    "unused_route",
)
FEATURES = (
    *DOUBTS,
    "faults",
    "mended",
    "default_measure",
    "verb_measure",
    "filler_share",
    "close_rival",
    "parts",
    "no_anchor",
    "calculated",
    "compared",
    "bounded",
    "ranked",
)
#: What a doubt costs a way to cut a question, in the units of its edges; 1 unless given.
WEIGHT = {"repaired": 0.0, "bare_date": 0.3, "either": 0.3, "part": 0.2, "contains": 0.3, "several": 0.3}
Weights = Mapping[str, float]


def features(draft: Draft, form: Form, mended: int) -> dict[str, float]:
    """Return the features of a reading; "close_rival", 0 to 1, is for the caller to set."""
    found = {name: min(draft.doubts.get(name, 0.0), 3.0) for name in DOUBTS}
    words = max(1, sum(text[0].isalnum() for text in draft.texts))
    held = sum(row.edge.past - row.edge.first for row in draft.items.rows if row.kind != "unknown")
    named = bool(draft.measures)
    found |= {
        "faults": float(min(len(draft.faults), 2)),
        "mended": float(min(mended, 3)),
        "default_measure": float(not named and draft.verb is None),
        "verb_measure": float(not named and draft.verb is not None),
        "filler_share": max(0.0, 1 - held / words),
        "close_rival": 0.0,
        "parts": math.log1p(
            len(form.measures) + len(form.dimensions) + len(form.conditions) + len(form.thresholds) + bool(form.time)
        ),
        "no_anchor": float(not named and draft.verb is None and not form.dimensions and form.order is None),
        "calculated": float(form.calculation is not None),
        "compared": float(form.comparison is not None),
        "bounded": float(bool(form.thresholds)),
        "ranked": float(form.order is not None),
    }
    return found


@cache
def weights() -> Weights:
    """Return the fitted weights."""
    stored: dict[str, dict[str, float]] = orjson.loads(FILE.read_bytes())
    return stored["weights"]


def probability(found: Mapping[str, float], fitted: Weights | None = None) -> float:
    """Return the probability that the reading is right, 0 to 1."""
    fitted = weights() if fitted is None else fitted
    total = fitted.get("intercept", 0.0) + sum(fitted.get(name, 0.0) * value for name, value in found.items())
    return 1 / (1 + math.exp(-max(-30.0, min(30.0, total))))
