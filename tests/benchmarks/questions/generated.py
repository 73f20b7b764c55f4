"""Questions made from templates over a model: what they must be read as is known because it was written first."""

from __future__ import annotations

import calendar
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from services.language.asking import Vocabulary
from services.language.stems import plural
from services.model import Role
from tests.benchmarks.questions.expected import Case

DATES = Path(__file__).parents[2] / "services" / "language" / "dates.csv"
#: Nouns that no model here has.
FOREIGN_MEASURES = (
    "ebitda",
    "headcount",
    "page views",
    "churn",
    "carbon footprint",
    "warranty claims",
    "overtime hours",
)
FOREIGN_DIMENSIONS = ("planet", "mood", "supplier", "zip code", "blood type", "altitude", "employee", "warehouse")
FOREIGN_VALUES = ("Atlantis", "Gotham", "Quuxville", "Zorblax", "Mordor", "Xanadu", "Wonderwall", "Blorptown")
IDLE = (
    "why did {m} fall in {v}",
    "what will {m} be next year",
    "should we sell more in {v}",
    "how can we increase {m}",
    "what is the weather in {v}",
    "tell me about {v}",
    "is {v} any good",
    "and in {v}?",
    "thank you",
    "which of these is nicer",
    "what caused the drop in {m}",
    "who invented {v}",
    "predict {m} by {d}",
    "print my calendar",
    "{m} and {fm}",
    "{fm} by {d}",
    "{m} by {fd}",
    "{m} in {fv}",
    "{m} of {fv} by {d}",
    "average {fm} per {fd}",
    "top 5 {ds} by {fm}",
    "top 3 {fd} by {m}",
    "{m} for {v} and {fv}",
    "{fd} with the most {m}",
)
LEADS = (
    "",
    "",
    "",
    "show me ",
    "show ",
    "what is the ",
    "give me ",
    "please show ",
    "I want to see ",
    "can you list ",
    "display ",
)
TAILS = ("", "", "", "", "?", " please")


@dataclass
class Slots:
    """What the templates of one question are filled with; drawn once per name."""

    vocabulary: Vocabulary
    dice: random.Random
    drawn: dict[str, str] = field(default_factory=dict)
    wanted: dict[str, str] = field(default_factory=dict)

    def draw(self, name: str) -> str:
        """Return the words for a slot and note what they mean."""
        if name not in self.drawn:
            self.drawn[name] = _SLOTS[name.rstrip("0123456789")](self, name)
        return self.drawn[name]


def _measure(slots: Slots, name: str) -> str:
    measures = slots.vocabulary.model.measures
    taken = {value for key, value in slots.wanted.items() if key.startswith("m:")}
    key = slots.dice.choice([each for each in measures if each not in taken])
    measure = measures[key]
    slots.wanted[f"m:{name}"] = key
    return slots.dice.choice([measure.label.lower(), *measure.synonyms]).lower()


def _dimension(slots: Slots, name: str) -> str:
    lexicon, dimensions = slots.vocabulary.lexicon, slots.vocabulary.model.dimensions
    taken = {value for key, value in slots.wanted.items() if key.startswith("d:")}
    key = slots.dice.choice([each for each in dimensions if each not in taken and each not in lexicon.numeric])
    slots.wanted[f"d:{name}"] = key
    dimension = dimensions[key]
    many = name.startswith("ds")
    return (dimension.plural if many else slots.dice.choice([dimension.label, *dimension.synonyms])).lower()


def _value(slots: Slots, name: str) -> str:
    model, index = slots.vocabulary.model, slots.vocabulary.index
    drawn = {value.split(":")[0] for key, value in slots.wanted.items() if key.startswith("f:")}
    taken = drawn | {value for key, value in slots.wanted.items() if key.startswith("d:")}
    names = [each for each in index.names if each not in taken and model.dimension(each).role is not Role.ORDER]
    dimension = slots.dice.choice(names)
    _, entries = slots.dice.choice(index.names[dimension])
    labels = sorted({entry.label for entry in entries})
    slots.wanted[f"f:{name}"] = f"{dimension}:in:{','.join(labels)}"
    return slots.dice.choice([labels[0], labels[0].lower()])


_PERIODS = [line.split("|") for line in DATES.read_text().splitlines()[1:]] if DATES.exists() else []


def _time(slots: Slots, _name: str) -> str:
    rows = [row for row in _PERIODS if row[1] != "REFUSE" and len(row[0].split()) < 6 and (row[1] or row[2])]
    text, start, end = slots.dice.choice(
        [row for row in rows if (row[1] or "2010") < "2011-12-10" and row[2] != "2012-03-01"]
    )
    slots.wanted["t:"] = f"{start}..{end}"
    lead = text.split()[0]
    free = lead in (
        "since",
        "from",
        "before",
        "after",
        "until",
        "up",
        "between",
        "prior",
        "through",
        "till",
        "no",
        "in",
        "over",
    )
    return text if free or slots.dice.random() < 0.3 or text[0] in "lyYptTRrL" else f"in {text}"


def _people(slots: Slots, name: str) -> str:
    """Return customers, counted; the parts of the model they need must be there."""
    model, lexicon = slots.vocabulary.model, slots.vocabulary.lexicon
    people = model.by_role(Role.CUSTOMER) or ""
    slots.wanted[f"m:{name}"] = lexicon.counted_by[people]
    return model.dimension(people).plural.lower()


def _weekday(slots: Slots, _name: str) -> str:
    day = slots.dice.choice(calendar.day_name)
    slots.wanted["f:day"] = f"weekday:in:{day}"
    return f"{day}s"


def _count(slots: Slots, _name: str) -> str:
    number = slots.dice.choice([3, 5, 7, 10, 12, 20])
    slots.wanted["n:"] = str(number)
    return str(number)


def _bound(slots: Slots, _name: str) -> str:
    number = slots.dice.choice([5, 20, 100, 2500, 40000])
    slots.wanted["x:"] = str(number)
    return slots.dice.choice([str(number), f"{number:,}"])


def _foreign(words: Sequence[str]) -> Callable[[Slots, str], str]:
    return lambda slots, name: slots.dice.choice(words)


_SLOTS: dict[str, Callable[[Slots, str], str]] = {
    "m": _measure,
    "d": _dimension,
    "ds": _dimension,
    "v": _value,
    "t": _time,
    "n": _count,
    "wd": _weekday,
    "people": _people,
    "x": _bound,
    "fm": _foreign(FOREIGN_MEASURES),
    "fd": _foreign(FOREIGN_DIMENSIONS),
    "fv": _foreign(FOREIGN_VALUES),
}
#: Template -> the keys it sets beside its slots.
TEMPLATES: tuple[tuple[str, dict[str, str]], ...] = (
    ("{m}", {}),
    ("{m} {t}", {}),
    ("{m} for {v}", {}),
    ("{m} of {v} {t}", {}),
    ("{v} {m} {t}", {}),
    ("{v1} {m} for {v2}", {}),
    ("{m} by {d}", {}),
    ("{m} by {d} {t}", {}),
    ("{m} per {d} for {v}", {}),
    ("{m1} and {m2} by {d} {t}", {}),
    ("{m} by {d1} and {d2}", {}),
    ("top {n} {ds} by {m}", {"s": "{m}:desc"}),
    ("top {n} {ds} by {m} {t}", {"s": "{m}:desc"}),
    ("bottom {n} {ds} by {m} for {v}", {"s": "{m}:asc"}),
    ("the {n} {ds} with the highest {m}", {"s": "{m}:desc"}),
    ("which {d} has the highest {m} {t}", {"s": "{m}:desc", "n": "1"}),
    ("which {d} had the lowest {m} for {v}", {"s": "{m}:asc", "n": "1"}),
    ("{m} by {d}, lowest first", {"s": "{m}:asc"}),
    ("top {n} {ds1} by {m} per {d2}", {"s": "{m}:desc", "per": "{d2}"}),
    ("monthly {m} {t}", {"g": "month"}),
    ("{m} by week for {v}", {"g": "week"}),
    ("{m} per quarter {t}", {"g": "quarter"}),
    ("daily {m} {t}", {"g": "day"}),
    ("{m} by weekday", {"g": "day_of_week"}),
    ("{m} over time for {v}", {"g": "any"}),
    ("cumulative {m} by month {t}", {"g": "month", "k": "cumulative"}),
    ("running total of {m} by week for {v}", {"g": "week", "k": "cumulative"}),
    ("{ds} with {m} above {x}", {"h": "{m}:>:{x}"}),
    ("{ds} with {m} of at least {x} {t}", {"h": "{m}:>=:{x}"}),
    ("{ds} with {m} below {x} for {v}", {"h": "{m}:<:{x}"}),
    ("share of {m} by {d} {t}", {"k": "share"}),
    ("what percentage of {m} comes from {v}", {"k": "share"}),
    ("{m} without {v} {t}", {"not": "1"}),
    ("{m} by {d} excluding {v}", {"not": "1"}),
    ("{m} in 2011 vs 2010 by {d}", {"t": "2011-01-01..2012-01-01", "c": "prior_year:2010-01-01..2011-01-01:values"}),
    (
        "growth of {m} in 2011 compared with 2010",
        {"t": "2011-01-01..2012-01-01", "c": "prior_year:2010-01-01..2011-01-01:growth"},
    ),
    ("3 month moving average of {m} for {v}", {"g": "month", "k": "moving_avg", "w": "3"}),
    ("how did {m} for {v} develop {t}", {"g": "any"}),
    ("{m} on {wd}", {}),
    ("new {people} {t}", {"k": "new"}),
    ("returning {people} for {v} {t}", {"k": "returning"}),
    ("new vs returning {people} by month {t}", {"k": "new_vs_returning", "g": "month"}),
    ("{m} by {d} on {wd} {t}", {}),
    ("{m} for {v} on {wd}", {}),
    ("best month for {m} {t}", {"g": "month", "s": "{m}:desc", "n": "1"}),
)


def generated(vocabulary: Vocabulary, count: int, seed: int) -> Iterator[Case]:
    """Yield questions, some misspelt, about one in four of them not to be answered."""
    dice, model = random.Random(seed), vocabulary.model
    counted = model.by_role(Role.CUSTOMER) in vocabulary.lexicon.counted_by
    templates = [each for each in TEMPLATES if counted or "{people}" not in each[0]]
    for _ in range(count):
        slots = Slots(vocabulary, dice)
        if dice.random() < 0.25:
            text = _filled(dice.choice(IDLE), slots)
            yield Case(_noisy(text, dice, 0.1), None)
            continue
        template, extra = dice.choice(templates)
        lead = "" if template.split()[0] in ("which", "what", "how", "growth") else dice.choice(LEADS)
        text = lead + _filled(template, slots) + dice.choice(TAILS)
        yield Case(_noisy(text, dice, 0.25), _wanted(slots, extra))


def _filled(template: str, slots: Slots) -> str:
    parts = template.replace("}", "{").split("{")
    return "".join(slots.draw(part) if place % 2 else part for place, part in enumerate(parts))


def _wanted(slots: Slots, extra: dict[str, str]) -> dict[str, tuple[str, ...]]:
    names = {key.split(":")[1]: value for key, value in slots.wanted.items()}
    filled = {key: _named(value, names | {"x": slots.wanted.get("x:", "")}) for key, value in extra.items()}
    found: dict[str, tuple[str, ...]] = {}
    measures = [value for key, value in slots.wanted.items() if key.startswith("m:")]
    dimensions = [value for key, value in slots.wanted.items() if key.startswith("d:")]
    found["m"] = (",".join(measures),)
    if dimensions:
        found["d"] = (",".join(dimensions),)
    filters = sorted(value for key, value in slots.wanted.items() if key.startswith("f:"))
    if filters:
        found["f"] = (";".join(each.replace(":in:", ":not_in:") if "not" in filled else each for each in filters),)
    for key in ("t", "n"):
        if f"{key}:" in slots.wanted:
            found[key] = (slots.wanted[f"{key}:"],)
    for key, value in filled.items():
        if key != "not":
            found[key] = (value,)
    return found


def _named(text: str, names: dict[str, str]) -> str:
    for name, value in names.items():
        text = text.replace("{" + name + "}", value)
    return text


def _noisy(text: str, dice: random.Random, chance: float) -> str:
    """Return the text with one letter swapped, lost or doubled in some word of five letters or more."""
    words = text.split(" ")
    long = [place for place, word in enumerate(words) if len(word) >= 5 and word.isalpha()]
    if not long or dice.random() > chance:
        return text
    place = dice.choice(long)
    word, spot = words[place], dice.randrange(1, len(words[place]) - 2)
    kind = dice.randrange(3)
    swapped = word[:spot] + word[spot + 1] + word[spot] + word[spot + 2 :]
    words[place] = (swapped, word[:spot] + word[spot + 1 :], word[:spot] + word[spot] + word[spot:])[kind]
    return " ".join(words)


__all__ = ["Slots", "generated", "plural"]
