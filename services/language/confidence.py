"""How sure a reading is: a probability that the whole of it is what was meant.

Features per part of the reading go through a logistic regression whose weights `python -m tests.benchmarks.calibrate`
fits; confidence.json holds them with the version and figures of the fit. What tells most is how a question is built:
familiar.json counts which kinds of words stood side by side, and what became of them, in questions that were read
rightly; a reading that needs a pair never seen there is doubted.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

import orjson

from services.language.draft import Draft
from services.language.forms import Form
from services.language.items import Item

FILE = Path(__file__).parent / "confidence.json"
FAMILIAR = Path(__file__).parent / "familiar.json"
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
    "course",
    "repaired",
    "bare_date",
    "which_unit",
    "when",
    "grain",
    "unranked",
    "skipped",
    "judged",
    "unjoined",
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
    "novel",
    "rare",
    "unsaid",
    "lengthy",
    "mixed",
)
#: Words of a question above which it counts as long.
LONG = 8
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
        "unsaid": min(2.0, _unsaid(draft, form)),
        "lengthy": max(0.0, math.log(words / LONG)),
        "mixed": float(form.calculation is not None and form.comparison is not None),
    }
    return found | strangeness(kinds(draft), familiar())


def kinds(draft: Draft) -> tuple[str, ...]:
    """Return what each item of a question was and which part of the form took it, such as "date>time"."""
    return tuple(f"{_kind(row)}>{row.used}" for row in draft.items.rows)


def _kind(row: Item) -> str:
    if row.kind != "noun":
        return row.kind
    noun = row.noun
    return "noun:e" if noun.measure and noun.dimension else "noun:m" if noun.measure else "noun:d"


def pairs(said: Sequence[str]) -> list[str]:
    """Return the pairs of neighbours, the beginning and the end among them."""
    return [" ".join(pair) for pair in itertools.pairwise(("^", *said, "$"))]


def strangeness(said: Sequence[str], known: Mapping[str, int]) -> dict[str, float]:
    """Return how many pairs of neighbours were never read rightly before, and how rare all of them are."""
    counts = [known.get(pair, 0) for pair in pairs(said)]
    return {
        "novel": float(min(3, sum(count == 0 for count in counts))),
        "rare": min(3.0, sum(1 / (1 + count) for count in counts)),
    }


@cache
def familiar() -> Mapping[str, int]:
    """Return how many questions that were read rightly hold each pair of neighbours."""
    stored: dict[str, int] = orjson.loads(FAMILIAR.read_bytes())
    return stored


#: Uses of a noun that leave nothing of it in the form.
_AIDING = ("verb", "condition", "helper", "calculation")


def _unsaid(draft: Draft, form: Form) -> float:
    """Return how many measures and dimensions were named that the form does not hold."""
    order = (form.order[0],) if form.order else ()
    measures = {*form.measures, *order, *(each.measure for each in form.thresholds)}
    names = {*form.dimensions, form.limit_per, *(each.dimension for each in form.conditions)}
    names |= {each.per for each in form.thresholds}
    model = draft.lexicon.model
    columns = {model.dimension(name).column for name in names if name in model.dimensions}
    nouns = (row.noun for row in draft.items.rows if row.kind == "noun" and row.used not in _AIDING)
    return float(
        sum(
            noun.measure not in measures
            and not (noun.dimension is not None and model.dimension(noun.dimension).column in columns)
            for noun in nouns
        )
    )


@cache
def _stored() -> dict[str, dict[str, float]]:
    stored: dict[str, dict[str, float]] = orjson.loads(FILE.read_bytes())
    return stored


def weights() -> Weights:
    """Return the fitted weights."""
    return _stored()["weights"]


def closest(faults: Sequence[tuple[str, str]], found: Mapping[str, float]) -> float:
    """Return the chance that a reading is right but for a word that says nothing; 0.0 where more is missing."""
    reasons = {reason for reason, _ in faults}
    if len(faults) != 1 or found.get("default_measure") or found.get("no_anchor"):
        return 0.0
    stored: dict[str, dict[str, float]] = _stored()
    return stored["closest"].get(reasons.pop(), 0.0)


def probability(found: Mapping[str, float], fitted: Weights | None = None) -> float:
    """Return the probability that the reading is right, 0 to 1."""
    fitted = weights() if fitted is None else fitted
    total = fitted.get("intercept", 0.0) + sum(fitted.get(name, 0.0) * value for name, value in found.items())
    return 1 / (1 + math.exp(-max(-30.0, min(30.0, total))))
