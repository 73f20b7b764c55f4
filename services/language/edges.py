"""What each stretch of a question may be: words of the model, values of the data, dates, numbers, plain English."""

from __future__ import annotations

from collections.abc import Iterator, Set
from dataclasses import replace

from services.language import date_words
from services.language.asides import aside
from services.language.date_reader import UNITS_SHORT
from services.language.dates import DateText
from services.language.fillers import FILLERS
from services.language.function_words import said
from services.language.lexicon import MEANS, Lexicon, Noun
from services.language.moving import AVERAGES, moving_at
from services.language.naming import Naming
from services.language.spans import Clock
from services.language.spelling import Spelling
from services.language.stems import stem
from services.language.stretches import SUBJECTS, Edge
from services.language.tokens import Token, listed, tokenize
from services.language.values import Named, ValueIndex
from services.language.weekdays import days_at

LONGEST_PHRASE = 8
#: What a word of an aside is worth: less than one that means something, more than a filler.
ASIDE = 2.0
#: What a verb is called that no list has: it is skipped, and the reading doubted.
SKIPPED = "skipped"


class Edges(Naming):
    """All edges of one question."""

    def __init__(self, text: str, lexicon: Lexicon, index: ValueIndex, clock: Clock) -> None:
        self.lexicon, self.index = lexicon, index
        self.text = text
        self.written = tokenize(text)
        self.mended: dict[int, str] = {}
        self.narrowed: dict[tuple[str, tuple[str, ...]], Set[int]] = {}
        self.spelling = Spelling(lexicon, index)
        self.tokens = [self._spelled(place, token) for place, token in enumerate(self.written)]
        self.texts = [token.text for token in self.tokens]
        self.averages = any(text in AVERAGES for text in self.texts)
        self.dates = DateText(self.tokens, clock, lambda word: True)

    def all(self) -> list[list[Edge]]:
        """Return the edges by the place they begin at."""
        found: list[list[Edge]] = [[] for _ in self.tokens]
        makers = (
            self._plain,
            self._functions,
            self._nouns,
            self._none_of,
            self._values,
            self._parts,
            self._kinds,
            self._numbers,
            self._moving,
            self._weekdays,
            self._asides,
        )
        for place in range(len(self.tokens)):
            for make in makers:
                found[place] += make(place)
        for edge in self._dates():
            found[edge.first].append(edge)
        return found

    def _spelled(self, place: int, token: Token) -> Token:
        if token.text in UNITS_SHORT and token.text not in self.lexicon.spoken:
            return replace(token, text=UNITS_SHORT[token.text])
        better = self.spelling.mended(self.written, place)
        if better is None:
            return token
        self.mended[place] = token.text
        return replace(token, text=better)

    def _plain(self, place: int) -> Iterator[Edge]:
        text = self.texts[place]
        if text in FILLERS or text == "'s" or self._trade(place):
            yield self._edge("filler", text, place, place + 1, "filler")
        elif self._parted(place):
            yield self._edge("filler", text, place, place + 1, "function")
        elif not text[0].isalnum():
            yield self._edge("sign", text, place, place + 1, "sign")
        elif self._ordered(place):
            yield self._edge("filler", "order", place, place + 1, "noun", 0.1)
        elif text.endswith("ly") and len(text) > 5 and not self.spelling.known(text):
            yield self._edge("filler", text, place, place + 1, "filler", -0.5)
        elif self._done(place):
            yield self._edge("filler", "verb", place, place + 1, "function")
        elif self._verb(place):
            yield self._edge("filler", SKIPPED, place, place + 1, "filler", -0.9)
        yield self._edge("unknown", text, place, place + 1, "unknown")

    def _functions(self, place: int) -> Iterator[Edge]:
        for size in range(1, min(LONGEST_PHRASE, len(self.texts) - place) + 1):
            for kind, meaning in said().get(tuple(self.texts[place : place + size]), ()):
                if kind == "growth" and place and self.texts[place - 1] in SUBJECTS and size > 1:
                    continue
                if kind == "filler" and self.texts[place + size - 1] == "us" and self._capitals(place + size - 1):
                    continue
                worth = "route" if kind == "route" else "function"
                low = -1.0 if kind in ("to", "contribute") else float(kind == "filler")
                yield self._edge(kind, meaning, place, place + size, worth, low)

        if self.texts[place] == "/" and 0 < place < len(self.texts) - 1:
            yield self._edge("by", "", place, place + 1, "function")
        if "-" in self.texts[place : place + LONGEST_PHRASE]:
            yield from self._hyphened(place)

    def _hyphened(self, place: int) -> Iterator[Edge]:
        """Read phrases written with hyphens: `year-on-year change`."""
        words: list[str] = []
        for past in range(place, min(place + 12, len(self.texts))):
            if self.texts[past] == "-" and words:
                continue
            words.append(self.texts[past])
            if past + 1 - place > len(words) > 1:
                for kind, meaning in said().get(tuple(words), ()):
                    yield self._edge(kind, meaning, place, past + 1, "route" if kind == "route" else "function")

    def _none_of(self, place: int) -> Iterator[Edge]:
        """Read "no orders" and "zero sales": what is not there is no query."""
        if self.texts[place] in ("no", "zero") and place + 1 < len(self.texts):
            for words, past in self._runs(place + 1, 2):
                if self.lexicon.find(words) is not None:
                    yield self._edge("route", "model", place, past, "noun")

    def _nouns(self, place: int) -> Iterator[Edge]:
        for words, past in self._runs(place, self.lexicon.longest):
            noun = self.lexicon.find(words)
            if noun is not None and (noun.measure or noun.dimension) and not self._mean_of_buckets(noun, place, past):
                yield self._edge("noun", noun, place, past, "noun")
            if past < len(self.texts) and self.texts[past] in ("%", "pct", "percentage"):
                rate = self.lexicon.find((*words, "percent"))
                if rate is not None and rate.measure:
                    yield self._edge("noun", rate, place, past + 1, "noun")
        yield from self._turned(place)

    def _mean_of_buckets(self, noun: Noun, place: int, past: int) -> bool:
        """Tell whether a mean is one over time, of many: "average orders per week" is not the average order."""
        after = self.texts[past : past + 2]
        bucket = len(after) > 1 and after[0] in ("per", "a", "each", "every") and after[1] in date_words.UNIT_WORDS
        return self.texts[place] in MEANS and noun.plural and past - place > 1 and bucket

    def _turned(self, place: int) -> Iterator[Edge]:
        """Read a name of two words turned round: "invoices that were cancelled"."""
        past = place + 1
        while past < len(self.texts) and self.texts[past] in _LINKING:
            past += 1
        if past >= len(self.texts) or not self.texts[past].isalpha():
            return
        if past == place + 1 and not self.texts[past].endswith("ed"):
            return
        noun = self.lexicon.find((self.texts[past], self.texts[place]))
        if noun is not None and noun.measure:
            yield self._edge("noun", Noun(noun.measure), place, past + 1, "noun")

    def _asides(self, place: int) -> Iterator[Edge]:
        past = aside(self.texts, place, self._says)
        if past > place:
            yield Edge("filler", "aside", place, past, ASIDE * (past - place))

    def _says(self, word: str) -> bool:
        """Tell whether a word may be part of a question: of the model, a date, or the whole name of a value."""
        spoken = stem(word) in self.lexicon.spoken or word in self.lexicon.spoken
        return spoken or word in date_words.MONTH_WORDS or bool(self.index.exact((word,)))

    def _weekdays(self, place: int) -> Iterator[Edge]:
        found = days_at(self.texts, place)
        past = found[1] if found is not None else 0
        sold = self.lexicon.find(tuple(self.texts[past : past + 1] or ("",)))
        if found is not None and (self.texts[place] != "weekend" or (sold is not None and sold.measure)):
            yield self._edge("days", found[0], place, found[1], "noun", 1.5)

    def _moving(self, place: int) -> Iterator[Edge]:
        found = moving_at(self.texts, place) if self.averages else None
        if found is not None:
            number, unit, past = found
            yield self._edge("moving", (number, unit), place, past, "noun")


_LINKING = frozenset(listed("that which were was are have has had been being got get is did who they we"))


def settled(edge: Edge, index: ValueIndex, known: dict[Named, Named]) -> Edge:
    """Return an edge of values named in part with the values it names; others as they are.

    `known` keeps what was looked up for a question: a text may say the same words a hundred times.
    """
    if edge.kind != "value" or not isinstance(edge.value, tuple):
        return edge
    for named in edge.value:
        if not named.entries and named not in known:
            known[named] = index.settled(named)
    return replace(edge, value=tuple(named if named.entries else known[named] for named in edge.value))
