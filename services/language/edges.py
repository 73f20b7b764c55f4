"""What each stretch of a question may be: words of the model, values of the data, dates, numbers, plain English."""

from __future__ import annotations

from collections.abc import Iterator, Set
from dataclasses import replace

from services.language import date_words
from services.language.asides import aside
from services.language.counted import BEFORE_NUMBERS, Counted
from services.language.date_reader import UNITS_SHORT, VOCABULARY
from services.language.dates import DateText
from services.language.fillers import FILLERS
from services.language.foreign import FOREIGN
from services.language.function_words import function_words, said
from services.language.lexicon import MEANS, Lexicon, Noun
from services.language.moving import AVERAGES, moving_at
from services.language.spans import Clock
from services.language.spelling import Spelling
from services.language.stems import stem
from services.language.stretches import SUBJECTS, Edge
from services.language.tokens import Token, listed, tokenize
from services.language.values import Named, ValueIndex
from services.language.weekdays import days_at
from services.model import Role

#: What words that stand together in a name are worth beside the same words taken one by one.
TOGETHER = 0.9


LONGEST_PHRASE = 8
#: What a word of an aside is worth: less than one that means something, more than a filler.
ASIDE = 2.0
#: What a verb is called that no list has: it is skipped, and the reading doubted.
SKIPPED = "skipped"
#: Times of the year that products are made for.
_FEASTS = frozenset(listed("christmas xmas easter halloween valentine valentines summer winter spring autumn"))
_COUNTING = {*date_words.NUMBER_WORDS, *date_words.ORDINAL_WORDS}


class Edges(Counted):
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

    def _runs(self, place: int, longest: int) -> Iterator[tuple[tuple[str, ...], int]]:
        """Yield the words from a place on, signs inside left out, and the place after each run."""
        if not self.texts[place][0].isalnum():
            return
        words: list[str] = []
        for past in range(place, len(self.texts)):
            text = self.texts[past]
            if text[0].isalnum():
                words.append(text)
                if len(words) > longest:
                    return
                yield tuple(words), past + 1
            elif text not in ("-", "'s", "'", ".", "/", "&", ",", "+", "*"):
                return

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

    def _values(self, place: int) -> Iterator[Edge]:
        for words, past in self._runs(place, self.index.longest):
            capitals = self._capitals(place)
            if len(words) == 1 and words[0] in function_words() and not capitals and not self._listed(place):
                continue
            found = self.index.exact(words, capitals=capitals)
            counted = words[0].isdecimal() and (
                "," in self.texts[place:past] or (place > 0 and self.texts[place - 1] in BEFORE_NUMBERS)
            )
            if found and not counted:
                plain = len(words) == 1 and (words[0] in VOCABULARY or words[0] in self.lexicon.spoken)
                named = past < len(self.texts) and self.index.knows(self.texts[past])
                counts = (noun := self.lexicon.find(words)) is not None and noun.measure is not None
                led = (
                    not named
                    and not counts
                    and place > 0
                    and self.texts[place - 1]
                    in (
                        "for",
                        "in",
                        "from",
                        "at",
                        "vs",
                        "versus",
                        "excluding",
                        "without",
                    )
                )
                less = 0.0 if not plain else 0.3 if led else -1.5
                yield self._edge("value", tuple(found), place, past, "value", less)

    def _listed(self, place: int) -> bool:
        """Tell whether a word is named beside another value of its dimension: "seafood and produce"."""
        own = {named.dimension for named in self.index.exact((self.texts[place],))}
        for joint, other in ((place - 1, place - 2), (place + 1, place + 2)):
            if own and other >= 0 and self.texts[joint : joint + 1] in (["and"], ["or"], [","], ["&"], ["vs"]):
                beside = self.index.exact((self.texts[other],)) if other < len(self.texts) else ()
                if any(named.dimension in own for named in beside):
                    return True
        return False

    def _parts(self, place: int) -> Iterator[Edge]:
        if not self._content(place):
            return
        for dimension in self.index.dimensions:
            numbers: Set[int] | None = None
            for words, past in self._runs(place, 8):
                key = (dimension, words)
                if key not in self.narrowed:
                    self.narrowed[key] = self.index.narrowed(dimension, words[-1], numbers)
                numbers = self.narrowed[key]
                if not numbers:
                    break
                if not self._content(past - 1) or (len(words) == 1 and words[0] in _COUNTING):
                    continue
                worth = "part" if len(numbers) == 1 else "contains"
                less = (-1.0 if words[0].isdecimal() else 0.0) + TOGETHER * (len(words) - 1)
                weak = all(word in VOCABULARY or word in self.lexicon.spoken or word in FOREIGN for word in words)
                named = Named(dimension, (), worth, tuple(map(stem, words)))
                yield self._edge("value", (named,), place, past, worth, less - (0.8 if weak else 0.0))

    def _kinds(self, place: int) -> Iterator[Edge]:
        """Read a word of time that is part of names: "annual plans" where plans are called Team Annual."""
        word = self.texts[place]
        if word in _FEASTS and place + 1 < len(self.texts):
            thing = self.lexicon.find((self.texts[place + 1],))
            product = self.lexicon.model.by_role(Role.PRODUCT)
            if thing and product and thing.dimension == product and self.index.narrowed(product, word, None):
                yield self._edge("value", (Named(product, (), "contains", (stem(word),)),), place, place + 1, "value")
        if not any(kind == "grain" for kind, _ in said().get((word,), ())):
            return
        for past in range(place + 2, min(place + 4, len(self.texts)) + 1):
            noun = self.lexicon.find(tuple(self.texts[place + 1 : past]))
            if noun and noun.dimension and len(self.index.narrowed(noun.dimension, word, None)) > 1:
                named = Named(noun.dimension, (), "contains", (stem(word),))
                yield self._edge("value", (named,), place, past, "noun")

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
