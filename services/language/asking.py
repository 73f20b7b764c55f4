"""Text -> a reading with its confidence, or what is missing."""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace

from services.errors import UserError
from services.language import confidence, verbs
from services.language.assembly import assemble
from services.language.draft import Draft, form_of
from services.language.edges import Edges, settled
from services.language.foreign import FOREIGN
from services.language.forms import Form
from services.language.lexicon import Lexicon
from services.language.paths import best_paths
from services.language.spans import Clock, Span
from services.language.tokens import tokenize
from services.language.values import Named, ValueIndex
from services.model import SalesModel
from services.query import MAX_TEXT

#: Readings at least this sure are answered; below `ASK` the person is asked instead.
SURE, ASK = 0.85, 0.5
#: Words and signs of a text that is read at all: 500 characters of codes with commas between have fewer.
MOST_TOKENS = 200


@dataclass(frozen=True)
class Part:
    """Which words gave which part of the reading; `first` and `past` are their place in the text."""

    words: str
    part: str
    first: int
    past: int


@dataclass(frozen=True)
class Reading:
    """What a question was taken to mean.

    `faults` are (reason, words) that keep it from being answered, such as ("unknown_value", "argentina");
    `others` are different readings of the same words, best first. `features` are what the confidence was made from.
    `kinds` are what its words were taken for, in order.
    `reworded` is what an endpoint made of the text before it was read, empty where none was asked.
    """

    text: str
    form: Form
    confidence: float
    parts: tuple[Part, ...]
    faults: tuple[tuple[str, str], ...]
    others: tuple[Form, ...]
    features: dict[str, float]
    kinds: tuple[str, ...] = ()
    reworded: str = ""

    @property
    def closest(self) -> Form | None:
        """The reading without the one stretch of words that was not understood; None where more is missing."""
        return self.form if confidence.closest(self.faults, self.features) else None

    @property
    def answerable(self) -> bool:
        """True when the reading is sure enough to be answered."""
        return not self.faults and self.confidence >= ASK


@dataclass(frozen=True)
class Vocabulary:
    """The words of a model and of its data in one viewer's scope."""

    model: SalesModel
    lexicon: Lexicon
    index: ValueIndex
    covered: tuple[dt.date, dt.date]


def check(text: str) -> str:
    """Return the text; raises UserError for an empty or overlong one."""
    if not text.strip() or len(text) > MAX_TEXT:
        raise UserError(
            f"Ask something of 1 to {MAX_TEXT} characters, such as: revenue by country last month. "
            f"Received: {len(text)} characters."
        )
    return text


def read(text: str, vocabulary: Vocabulary, clock: Clock) -> Reading:
    """Return the best reading of a question; see Reading. Takes time linear in the length of the text."""
    if not 0 < len(tokenize(check(text))) <= MOST_TOKENS:
        return Reading(text, Form(), 0.0, (), (("ambiguous", text.strip()),), (), {})
    edges = Edges(text, vocabulary.lexicon, vocabulary.index, clock)
    known: dict[Named, Named] = {}
    paths = [
        (score, [settled(edge, vocabulary.index, known) for edge in path]) for score, path in best_paths(edges.all())
    ]
    drafts = [(score, assemble(path, vocabulary.lexicon, clock, edges.texts, edges.dates)) for score, path in paths]
    rated = sorted((_rated(score, draft, len(edges.mended)) for score, draft in drafts), key=lambda each: -each[0])
    score, draft, form, found = rated[0]
    others = [(each, other) for each, _, other, _ in rated[1:]]
    margin = next((score - each for each, other in others if other != form), 5.0)
    found["close_rival"] = 1 / (1 + max(margin, 0.0))
    faults = (*_routed(draft), *_faults(draft), *_outside(form.time, vocabulary.covered))
    distinct = tuple(dict.fromkeys(other for _, other in others if other != form))
    chance = confidence.closest(faults, found) if faults else confidence.probability(found)
    return Reading(text, form, chance, _parts(draft, edges), faults, distinct, found, confidence.kinds(draft))


def _rated(score: float, draft: Draft, mended: int) -> tuple[float, Draft, Form, dict[str, float]]:
    """Weigh a way to cut the question by how well what it makes hangs together."""
    form = form_of(draft)
    found = confidence.features(draft, form, mended)
    doubts = sum(confidence.WEIGHT.get(name, 1.0) * much for name, much in draft.doubts.items()) + 3 * len(draft.faults)
    return score - doubts, draft, form, found


def _parts(draft: Draft, edges: Edges) -> tuple[Part, ...]:
    tokens, text = edges.written, edges.text
    return tuple(
        Part(
            text[tokens[row.edge.first].start : tokens[row.edge.past - 1].end],
            row.used or row.kind,
            tokens[row.edge.first].start,
            tokens[row.edge.past - 1].end,
        )
        for row in draft.items.rows
        if row.used not in ("", "helper")
    )


def _routed(draft: Draft) -> Sequence[tuple[str, str]]:
    routes = [("unsupported_analysis", str(row.value)) for row in draft.items.rows if row.kind == "route"]
    new = any(row.kind == "new" and not row.used for row in draft.items.rows)
    return [*routes, *([("unsupported_analysis", "new")] if new else [])]


def _faults(draft: Draft) -> list[tuple[str, str]]:
    """Return what is missing, unknown words sorted by what they seem to be."""
    found = []
    rows = draft.items.rows
    for reason, words in draft.faults:
        if reason != "unknown":
            found.append((reason, words))
    for place, row in enumerate(rows):
        if row.kind == "unknown" and not row.used:
            found.append((_unknown(draft, place), draft.said(row)))
        elif row.kind == "vague" and draft.items.kind(place + 1) == "date":
            found.append(("ambiguous", draft.said(row)))
        elif not row.used and all(word in FOREIGN for word in draft.said(row).split()):
            found.append(("missing_measure", draft.said(row)))
        elif row.kind == "noun" and row.noun.dimension and not row.noun.plural:
            following = draft.items.at(place + 1)
            if following is not None and following.kind == "number" and not following.used:
                found.append(("unknown_value", draft.said(following)))
    if not found and _empty(draft):
        found.append(("ambiguous", ""))
    return found


def _unknown(draft: Draft, place: int) -> str:
    before = draft.items.kind(place - 1)
    if before == "by":
        return "missing_dimension"
    first = draft.items.rows[place].edge.first
    if first and draft.texts[first - 1] in ("in", "to", "for", "from", "of", "customer", "product", "at", "the", "by"):
        return "unknown_value"
    return "unknown_value" if draft.measures else "missing_measure"


def _empty(draft: Draft) -> bool:
    """Tell whether nothing was asked: no measure, breakdown, ranking or verb, and at most a filter."""
    ranked = draft.order and (draft.dimensions or draft.grain or draft.measures)
    if all(row.kind == "much" for row in draft.items.rows):
        return True
    done = draft.verb and not _ordered(draft)
    asked = draft.measures or draft.dimensions or ranked or done or draft.thresholds or draft.comparison
    follow = any(row.kind == "follow" and not row.used for row in draft.items.rows)
    begun = list(itertools.dropwhile(lambda text: text in ("now", "then", "ok", "okay", ","), draft.texts))
    first = begun[0] if begun else ""
    goes_on = len(begun) < len(draft.texts) and first in ("for", "in", "to", "only", "just", "without", "excluding")
    cut = first in ("by", "per") and begun[1:2] not in (["how"], ["what"], ["which"])
    leading = first in ("and", "or", "but", "also") or ((cut or goes_on) and not draft.measures)
    return bool(
        follow
        or leading
        or (
            not asked
            and not (draft.time and (draft.conditions or draft.grain))
            and not (draft.grain and draft.conditions)
        )
    )


def _ordered(draft: Draft) -> bool:
    """Tell whether the verb is an order to the reader: "send this to my boss", not what was sold."""
    first = draft.items.rows[0]
    return first.edge.first == 0 and first.kind in ("sell", "spend") and draft.said(first) in verbs.BASES


def _outside(time: Span | None, covered: tuple[dt.date, dt.date]) -> list[tuple[str, str]]:
    if time is None:
        return []
    if (time.start and time.start > covered[1]) or (time.end and time.end <= covered[0]):
        return [("no_data_period", f"{time.start or ''} to {time.end or ''}")]
    return []


def with_confidence(reading: Reading, value: float) -> Reading:
    """Return the reading with another confidence."""
    return replace(reading, confidence=value)
