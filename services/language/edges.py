"""What each stretch of a question may be: words of the model, values of the data, dates, numbers, plain English."""

from __future__ import annotations

import re
from collections.abc import Iterator, Set
from dataclasses import dataclass, replace

from services.language import date_words
from services.language.asides import aside
from services.language.date_reader import UNITS_SHORT, VOCABULARY
from services.language.dates import DateText
from services.language.fillers import CURRENCY_WORDS, FILLERS, NUMBER_SCALES
from services.language.foreign import COMMANDS, FOREIGN, MEANT
from services.language.function_words import function_vocabulary, function_words, said
from services.language.lexicon import Lexicon, Noun
from services.language.moving import AVERAGES, moving_at
from services.language.spans import Clock
from services.language.spelling import Spelling
from services.language.stems import stem
from services.language.tokens import Token, listed, tokenize
from services.language.values import Named, ValueIndex
from services.model import Role

#: What a token of each kind is worth; the reading with the highest sum wins.
WORTH = {
    "noun": 3.0,
    "value": 2.9,
    "part": 2.2,
    "contains": 1.9,
    "date": 2.5,
    "route": 2.7,
    "function": 2.3,
    "number": 1.6,
    "bare": 1.5,
    "filler": 1.0,
    "sign": 0.3,
    "unknown": -4.0,
}
LONGER = 0.4
#: What words that stand together in a name are worth beside the same words taken one by one.
TOGETHER = 0.9
_NUMBER = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?")


@dataclass(frozen=True)
class Edge:
    """Tokens `first` to before `past` as a word of some kind; `score` is what the stretch adds to a reading."""

    kind: str
    value: object
    first: int
    past: int
    score: float
    mended: int = 0


LONGEST_PHRASE = 8
#: What a word of an aside is worth: less than one that means something, more than a filler.
ASIDE = 2.0
#: What a verb is called that no list has: it is skipped, and the reading doubted.
SKIPPED = "skipped"
#: Words of politeness before an order, at most.
MOST_POLITE = 5
#: Verbs of leaving out and what stands behind that which they leave out: "strip the UK out", "leave postage aside".
LEAVING = frozenset(
    listed(
        """take takes taking took leave leaves leaving left strip stripping keep keeping filter filtering cut cutting
        knock knocking throw throwing put putting set setting screen screening weed net netting pull pulling factor"""
    )
)
PARTICLES = frozenset(("out", "aside", "off", "away"))
#: Times of the year that products are made for.
_FEASTS = frozenset(listed("christmas xmas easter halloween valentine valentines summer winter spring autumn"))
_COUNTING = {*date_words.NUMBER_WORDS, *date_words.ORDINAL_WORDS}
_BEFORE_ADJECTIVES = frozenset(listed("how so too very more most the a"))


class Edges:
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

    def _mends(self, first: int, past: int) -> int:
        return sum(place in self.mended for place in range(first, past))

    def _edge(self, kind: str, value: object, first: int, past: int, worth: str, more: float = 0.0) -> Edge:
        size, mends = past - first, self._mends(first, past)
        score = WORTH[worth] * size + LONGER * (size - 1) + more - 0.9 * mends
        return Edge(kind, value, first, past, score, mends)

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

    def _capitals(self, place: int) -> bool:
        """Tell whether a word is written in capitals: sales to the US, not to us."""
        token = self.written[place]
        return self.text[token.start : token.end].isupper()

    def _trade(self, place: int) -> bool:
        """Tell whether "business" is what is sold at large, as in "our Norwegian business", not a kind of customer."""
        if self.texts[place] not in ("business", "trade", "trading"):
            return False
        following = self.texts[place + 1] if place + 1 < len(self.texts) else ""
        named = self.lexicon.find((following,)) is not None
        english = following in function_vocabulary() or following in VOCABULARY
        ends = not following or not following[0].isalnum() or (english and not named)
        before = self.texts[place - 1] if place else ""
        return ends and (before in _WHOSE or bool(before and self.index.exact((before,))))

    def _parted(self, place: int) -> bool:
        """Tell whether a word is a verb of leaving out whose particle comes later: "strip the UK out"."""
        return self.texts[place] in LEAVING and not PARTICLES.isdisjoint(self.texts[place + 1 : place + 9])

    def _ordered(self, place: int) -> bool:
        """Tell whether the first word is an order to the reader that no list has: "Kindly state the turnover"."""
        if place > MOST_POLITE or not all(text in _POLITE for text in self.texts[:place]):
            return False
        word, following = self.texts[place], self.texts[place + 1 : place + 2]
        known = stem(word) in self.lexicon.spoken or word in function_words() or word in COMMANDS
        return not known and not self.index.exact((word,)) and following != [] and following[0] in _AFTER_ORDERS

    def _done(self, place: int) -> bool:
        """Tell whether a word is what somebody did, whatever else it may be: "did we book"."""
        before = self.texts[max(0, place - 2) : place]
        asked = len(before) == 2 and before[1] in _SUBJECTS and before[0] in _DID
        asked |= len(before) == 2 and before[1] == "to" and before[0] in _DUTY and place > 2
        return asked and self._content(place) and self.texts[place] not in (MEANT | FOREIGN)

    def _verb(self, place: int) -> bool:
        """Tell whether a word looks like a verb that only links others: after a noun, before no noun of the model."""
        word = self.texts[place]
        if len(word) < 5 or not word.endswith(("ed", "ing")) or word in MEANT or self.spelling.known(word):
            return False
        following = self.texts[place + 1 : place + 2]
        links = not following or following[0] in function_words() or following[0] in VOCABULARY
        asked = place > 0 and self.texts[place - 1] in _BEFORE_ADJECTIVES
        return bool(place) and links and not asked and self.text[self.written[place].start].islower()

    def _functions(self, place: int) -> Iterator[Edge]:
        for size in range(1, min(LONGEST_PHRASE, len(self.texts) - place) + 1):
            for kind, meaning in said().get(tuple(self.texts[place : place + size]), ()):
                if kind == "growth" and place and self.texts[place - 1] in _SUBJECTS and size > 1:
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
            if noun is not None and (noun.measure or noun.dimension):
                yield self._edge("noun", noun, place, past, "noun")
            if past < len(self.texts) and self.texts[past] in ("%", "pct", "percentage"):
                rate = self.lexicon.find((*words, "percent"))
                if rate is not None and rate.measure:
                    yield self._edge("noun", rate, place, past + 1, "noun")
        yield from self._turned(place)

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
            if len(words) == 1 and words[0] in function_words() and not capitals:
                continue
            found = self.index.exact(words, capitals=capitals)
            counted = words[0].isdecimal() and (
                "," in self.texts[place:past] or (place > 0 and self.texts[place - 1] in _BEFORE_NUMBERS)
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

    def _content(self, place: int) -> bool:
        text = self.texts[place]
        return text[0].isalnum() and text not in function_words() and (len(text) > 1 or text.isdecimal())

    def _numbers(self, place: int) -> Iterator[Edge]:
        token = self.tokens[place]
        alone = token.text == "single" and self.texts[place - 1 : place] in (["a"], ["one"], ["only"], ["just"])
        if token.text in TIMES or alone:
            yield self._edge("number", TIMES.get(token.text, 1.0), place, place + 1, "number", 1.0)
        if date_words.NUMBER_WORDS.get(token.text):
            value, past = float(date_words.NUMBER_WORDS[token.text]), place + 1
            while past < len(self.texts) and self.texts[past] in ("hundred", "thousand", "million"):
                value *= 100 if self.texts[past] == "hundred" else NUMBER_SCALES[self.texts[past]]
                past += 1
            yield self._edge("number", value, place, past, "number")
        if not token.is_number or (place and token.glued and self.tokens[place - 1].text in ".,"):
            return
        match = _NUMBER.match(self.text, token.start)
        if match is None:
            return
        value, past = float(match[0].replace(",", "")), place
        while past < len(self.tokens) and self.tokens[past].end <= match.end():
            past += 1
        if self.texts[past : past + 1] == ["p"] and self.tokens[past].glued:
            value, past = value / 100, past + 1
        if past < len(self.texts) and self.texts[past] in NUMBER_SCALES:
            value, past = value * NUMBER_SCALES[self.texts[past]], past + 1
        size = past - place
        yield Edge("number", value, place, past, WORTH["number"] + 0.6 * (size - 1))

    def _asides(self, place: int) -> Iterator[Edge]:
        past = aside(self.texts, place, self._says)
        if past > place:
            yield Edge("filler", "aside", place, past, ASIDE * (past - place))

    def _says(self, word: str) -> bool:
        """Tell whether a word may be part of a question: of the model, a date, or the whole name of a value."""
        spoken = stem(word) in self.lexicon.spoken or word in self.lexicon.spoken
        return spoken or word in date_words.MONTH_WORDS or bool(self.index.exact((word,)))

    def _moving(self, place: int) -> Iterator[Edge]:
        found = moving_at(self.texts, place) if self.averages else None
        if found is not None:
            number, unit, past = found
            yield self._edge("moving", (number, unit), place, past, "noun")

    def _dates(self) -> Iterator[Edge]:
        for place in range(len(self.dates.tokens)):
            found = self.dates.at(place)
            if found is None:
                continue
            first, past = self.dates.original_place(place), self.dates.original_place(found.past)
            single = found.form == "single" and found.past - found.first == 1
            word = self.dates.reader.texts[place]
            named = word in date_words.SEASON_WORDS or word in date_words.HOLIDAYS
            bare = found.bare or (single and named)
            begins = word == "now" and first == 0 and past < len(self.texts)
            if (self._counts(first, past) and bare) or self._bounds(first, past) or begins:
                continue
            more = -0.4 if word in ("for", "from", "over") else 0.0
            if bare and word.isdecimal() and len(word) == 4:
                yield self._edge("date", found, first, past, "date", -0.2)
            else:
                yield self._edge("date", found, first, past, "bare" if bare else "date", more)

    def _counts(self, first: int, past: int) -> bool:
        """Tell whether a lone number is counted rather than a year: "over 2000", "top 2000"."""
        before = self.texts[first - 1] if first else ""
        return before in _BEFORE_NUMBERS or (past < len(self.texts) and self.texts[past] in CURRENCY_WORDS)

    def _bounds(self, first: int, past: int) -> bool:
        """Tell whether a date would take the second of two numbers that are no years: "between 500 and 2000"."""
        for place in range(max(first, 3), past):
            second = self.texts[place]
            number, lead = self.texts[place - 2], self.texts[place - 3]
            amounts = second.isdecimal() and number.isdecimal() and self.texts[place - 1] == "and" and lead == "between"
            if amounts and not (1900 <= int(number) < 2100 or int(number) <= 31):
                return True
        return False


_VOWELS = frozenset("aeiouy")
_POLITE = frozenset(
    listed(
        """please pls kindly could can you would i we d want need like to hello hi hey just may might someone somebody
        anyone me us for ' , and then now quickly morning good dear team s let ll be able so ok okay"""
    )
)
_AFTER_ORDERS = frozenset(listed("the our my me us all every each total what which how these those both"))
_WHOSE = frozenset(listed("the our my their your most more much least less biggest largest total overall all"))
_DUTY = frozenset(listed("have had has need needed got get able manage managed"))
_DID = frozenset(listed("did do does have had could can would"))
_SUBJECTS = frozenset(listed("we they i you"))
_LINKING = frozenset(listed("that which were was are have has had been being got get is did who they we"))


TIMES = {"once": 1.0, "twice": 2.0, "thrice": 3.0}
_BEFORE_NUMBERS = frozenset(listed("than above below least most top bottom exceeding £ $ € > < = under"))


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
