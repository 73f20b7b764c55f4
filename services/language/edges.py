"""What each stretch of a question may be: words of the model, values of the data, dates, numbers, plain English."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from functools import cache

from rapidfuzz import process
from rapidfuzz.distance import OSA

from services.language import date_words
from services.language.asides import OCCASIONS, aside
from services.language.date_reader import SHORTHAND, UNITS_SHORT, VOCABULARY
from services.language.dates import DateText
from services.language.demonyms import country_of
from services.language.function_words import CURRENCY_WORDS, FILLERS, NUMBER_SCALES, ROUTES, phrases
from services.language.lexicon import Lexicon, Noun
from services.language.spans import Clock
from services.language.stems import plural, stem
from services.language.tokens import Token, listed, tokenize
from services.language.values import Named, ValueIndex

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
#: Nouns of business that a model may lack: never taken for a misspelling of another word.
FOREIGN = frozenset(
    listed(
        """profit profits margin margins cost costs stock stocks inventory store stores shop shops brand brands city
        cities region regions state states supplier suppliers vendor vendors salesperson salesman rep reps employee
        employees staff manager managers warehouse warehouses department departments category categories segment
        segments channel channels campaign campaigns discount discounts tax taxes vat shipping delivery freight weather
        competitor competitors market weight color colour size gender age email phone address budget target targets
        forecast visit visits session sessions click clicks conversion conversions rating ratings review reviews
        satisfaction complaint complaints returns refund refunds payment payments lead leads pipeline quota
        population gdp inflation salary salaries headcount expense expenses
        ebitda cash debt traffic impressions website web mobile
        model models series type types class classes group groups team teams person source sources medium material
        height colour stores' barcode supplier lifetime loyalty coupon coupons voucher vouchers promotion promotions
        river mountain dog cat football president capital temperature rain music movie recipe joke poem news story
        founder founded ceo owner founder subscription password account invoice' ticket tickets"""
    )
)
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


@cache
def _phrases() -> Mapping[tuple[str, ...], tuple[tuple[str, str], ...]]:
    found: dict[tuple[str, ...], tuple[tuple[str, str], ...]] = {}
    for phrase, rows in phrases().items():
        found[tuple(token.text for token in tokenize(phrase))] = tuple(rows)
    for route, said in ROUTES.items():
        for phrase in said:
            key = tuple(token.text for token in tokenize(phrase))
            found[key] = (*found.get(key, ()), ("route", route))
    return found


def meanings(phrase: str) -> tuple[tuple[str, str], ...]:
    """Return what a phrase of English around a query may mean, as (kind, meaning)."""
    return _phrases().get(tuple(phrase.split()), ())


@cache
def function_vocabulary() -> frozenset[str]:
    """Every word that some phrase of English around a query consists of."""
    return frozenset(word for phrase in _phrases() for word in phrase) | FILLERS


@cache
def function_words() -> frozenset[str]:
    """Words that mean something in English by themselves: never the beginning of a product's name."""
    return frozenset(phrase[0] for phrase in _phrases() if len(phrase) == 1) | FILLERS


LONGEST_PHRASE = 8
#: What a word of an aside is worth: less than one that means something, more than a filler.
ASIDE = 2.0


@cache
def _second_words() -> Mapping[str, frozenset[str]]:
    """What may follow a word in phrases of English around a query: "many" after "how"."""
    found: dict[str, set[str]] = {}
    for phrase in _phrases():
        for first, second in zip(phrase, phrase[1:], strict=False):
            if len(second) > 3 and second.isalpha():
                found.setdefault(first, set()).add(second)
    return {first: frozenset(seconds) for first, seconds in found.items()}


class Edges:
    """All edges of one question."""

    def __init__(self, text: str, lexicon: Lexicon, index: ValueIndex, clock: Clock) -> None:
        self.lexicon, self.index = lexicon, index
        self.text = text
        self.written = tokenize(text)
        self.mended: dict[int, str] = {}
        self.narrowed: dict[tuple[str, tuple[str, ...]], Set[int]] = {}
        self.tokens = [self._spelled(place, token) for place, token in enumerate(self.written)]
        self.texts = [token.text for token in self.tokens]
        self.averages = any(text in _AVERAGES for text in self.texts)
        self.dates = DateText(self.tokens, clock, lambda word: True)

    def all(self) -> list[list[Edge]]:
        """Return the edges by the place they begin at."""
        found: list[list[Edge]] = [[] for _ in self.tokens]
        makers = (
            self._plain,
            self._functions,
            self._nouns,
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

    # Spelling

    def _spelled(self, place: int, token: Token) -> Token:
        text = token.text
        if text in UNITS_SHORT and text not in self.lexicon.spoken:
            return replace(token, text=UNITS_SHORT[text])
        if text in SHORTHAND and not self._known(text):
            self.mended[place] = text
            return replace(token, text=SHORTHAND[text])
        if (
            len(text) < 3
            or not token.is_word
            or self._known(text)
            or (token.glued and place and self.written[place - 1].is_number)
        ):
            return token
        better = self._after(place, text) or self._shortened(text) or self._adjective(text) or self._nearest(text)
        if better is None:
            return token
        self.mended[place] = text
        return replace(token, text=better)

    def _known(self, word: str) -> bool:
        return (
            word in self.lexicon.spoken
            or stem(word) in self.lexicon.spoken
            or word in function_vocabulary()
            or word in VOCABULARY
            or word in FOREIGN
            or word in OCCASIONS
            or (word.endswith("s") and word[:-1] in VOCABULARY)
            or self.index.knows(word)
            or word in CURRENCY_WORDS
            or word in NUMBER_SCALES
            or (len(word) > 3 and country_of(word) is not None)
        )

    def _after(self, place: int, word: str) -> str | None:
        """Return the word of a phrase that was begun and this is short for: "how mny"."""
        seconds = _second_words().get(self.written[place - 1].text, ()) if place else ()
        close = [each for each in seconds if each[0] == word[0] and len(each) - len(word) == 1 and _inside(word, each)]
        return min(close, default=None)

    def _nearest(self, word: str) -> str | None:
        """Return the word of the vocabulary this is most likely a misspelling of.

        Swapped, lost and doubled letters come before others, words of the model before words of English, and words
        of long lists of values last.
        """
        most = 1 if len(word) < 8 else 2
        own, english = self._close_words()
        named = [(own, most, word), (english, most, word)]
        if len(word) >= 6:
            singular = stem(word)
            named += [(tuple(self.index.vocabulary), 1, each) for each in dict.fromkeys((word, singular))]
        found: list[tuple[int, bool, int, bool, int, str]] = []
        for rank, (pool, limit, said) in enumerate(named):
            for near, distance, _ in process.extract(said, pool, scorer=OSA.distance, score_cutoff=limit, limit=8):
                swapped = sorted(near) == sorted(said)
                if (near[0] != said[0] and not swapped) or (len(said) == 3 and not swapped):
                    continue
                slip = swapped or _inside(said, near) or _inside(near, said)
                if not slip and (len(said) < 6 or _derived(said, near)):
                    continue
                found.append((int(distance), not slip, rank, len(near) < len(said), abs(len(near) - len(said)), near))
        return min(found)[-1] if found else None

    def _shortened(self, word: str) -> str | None:
        """Return the one noun of a single word that this begins, or is the consonants of: "rev", "custs", "mkt"."""
        root = stem(word)
        if len(root) < 3:
            return None
        bare = _VOWELS.isdisjoint(root.removesuffix("y"))
        found: dict[Noun, str] = {}
        for phrase, noun in self.lexicon.phrases.items():
            begins = len(phrase) == 1 and phrase[0].startswith(root)
            if begins or (bare and len(phrase) == 1 and phrase[0][0] == root[0] and _inside(root, phrase[0])):
                found.setdefault(noun, phrase[0])
        if len(found) != 1:
            return None
        full = next(iter(found.values()))
        return plural(full) if word != root else full

    def _adjective(self, word: str) -> str | None:
        """Return the measure an adjective is made of: "profitable"."""
        root = word.removesuffix("able")
        noun = self.lexicon.find((root,)) if root != word else None
        return root if noun is not None and noun.measure else None

    def _close_words(self) -> tuple[Sequence[str], Sequence[str]]:
        if not self.lexicon.close_words:
            english = {word for word in function_vocabulary() if len(word) > 3 and word.isalpha()}
            small = {
                word for names in self.index.names.values() if len(names) <= 500 for name, _ in names for word in name
            }
            own = {*self.lexicon.spoken, *small, *(plural(word) for word in small if word.isalpha())}
            english = {*english, *date_words.SPELLABLE, "top", "month", "week"}
            self.lexicon.close_words = tuple(
                tuple(sorted(word for word in words if not _VOWELS.isdisjoint(word))) for words in (own, english)
            )
        return self.lexicon.close_words[0], self.lexicon.close_words[1]

    # Edges

    def _mends(self, first: int, past: int) -> int:
        return sum(place in self.mended for place in range(first, past))

    def _edge(self, kind: str, value: object, first: int, past: int, worth: str, more: float = 0.0) -> Edge:
        size, mends = past - first, self._mends(first, past)
        score = WORTH[worth] * size + LONGER * (size - 1) + more - 0.9 * mends
        return Edge(kind, value, first, past, score, mends)

    def _plain(self, place: int) -> Iterator[Edge]:
        text = self.texts[place]
        if text in FILLERS or text == "'s":
            yield self._edge("filler", text, place, place + 1, "filler")
        elif not text[0].isalnum():
            yield self._edge("sign", text, place, place + 1, "sign")
        elif not place and self._ordered():
            yield self._edge("filler", "order", place, place + 1, "noun", 0.1)
        elif text.endswith("ly") and len(text) > 5 and not self._known(text):
            yield self._edge("filler", text, place, place + 1, "filler", -0.5)
        elif self._verb(place):
            yield self._edge("filler", "verb", place, place + 1, "filler", -0.9)
        yield self._edge("unknown", text, place, place + 1, "unknown")

    def _ordered(self) -> bool:
        """Tell whether the first word is an order to the reader that no list has: "State the total turnover"."""
        word = self.texts[0]
        known = stem(word) in self.lexicon.spoken or word in function_words() or word in COMMANDS
        return not known and not self.index.exact((word,)) and self.texts[1:2] != [] and self.texts[1] in _AFTER_ORDERS

    def _verb(self, place: int) -> bool:
        """Tell whether a word looks like a verb that only links others: after a noun, before no noun of the model."""
        word = self.texts[place]
        if len(word) < 5 or not word.endswith(("ed", "ing")) or word in MEANT or self._known(word):
            return False
        following = self.texts[place + 1 : place + 2]
        links = not following or following[0] in function_words() or following[0] in VOCABULARY
        return bool(place) and links and self.text[self.written[place].start].islower()

    def _functions(self, place: int) -> Iterator[Edge]:
        for size in range(1, min(LONGEST_PHRASE, len(self.texts) - place) + 1):
            for kind, meaning in _phrases().get(tuple(self.texts[place : place + size]), ()):
                if kind == "growth" and place and self.texts[place - 1] in _SUBJECTS and size > 1:
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
                for kind, meaning in _phrases().get(tuple(words), ()):
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
        if past == place + 1 or past >= len(self.texts) or not self.texts[past].isalpha():
            return
        noun = self.lexicon.find((self.texts[past], self.texts[place]))
        if noun is not None and noun.measure:
            yield self._edge("noun", Noun(noun.measure), place, past + 1, "noun")

    def _values(self, place: int) -> Iterator[Edge]:
        for words, past in self._runs(place, self.index.longest):
            token = self.written[place]
            capitals = self.text[token.start : token.end].isupper()
            if len(words) == 1 and words[0] in function_words() and not capitals:
                continue
            found = self.index.exact(words, capitals=capitals)
            counted = words[0].isdecimal() and (
                "," in self.texts[place:past] or (place > 0 and self.texts[place - 1] in _BEFORE_NUMBERS)
            )
            if found and not counted:
                plain = len(words) == 1 and (words[0] in VOCABULARY or words[0] in self.lexicon.spoken)
                named = past < len(self.texts) and self.index.knows(self.texts[past])
                led = (
                    not named
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
                if not self._content(past - 1):
                    continue
                worth = "part" if len(numbers) == 1 else "contains"
                less = (-1.0 if words[0].isdecimal() else 0.0) + TOGETHER * (len(words) - 1)
                weak = all(word in VOCABULARY or word in self.lexicon.spoken or word in FOREIGN for word in words)
                named = Named(dimension, (), worth, tuple(map(stem, words)))
                yield self._edge("value", (named,), place, past, worth, less - (0.8 if weak else 0.0))

    def _kinds(self, place: int) -> Iterator[Edge]:
        """Read a word of time that is part of names: "annual plans" where plans are called Team Annual."""
        word = self.texts[place]
        if not any(kind == "grain" for kind, _ in _phrases().get((word,), ())):
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
        if token.text in TIMES:
            yield self._edge("number", TIMES[token.text], place, place + 1, "number", 1.0)
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
        if not self.averages:
            return
        yield from self._moving_at(place)

    def _moving_at(self, place: int) -> Iterator[Edge]:
        """Read `3 month moving average`, `rolling 7-day average`, `moving average over 4 weeks`."""
        words = self.texts[place : place + 10]
        places = [
            place + step for step, text in enumerate(words) if text not in ("-", "the", "a", "of", "period", "window")
        ]
        said = [self.texts[each] for each in places]
        for pattern in _MOVING:
            found = _matched(pattern, said)
            if found is not None:
                number, unit, used = found
                yield self._edge("moving", (number, unit), place, places[used - 1] + 1, "noun")

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
            if (self._counts(first, past) and bare) or self._bounds(first, past):
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
_AFTER_ORDERS = frozenset(
    listed("the our my me us all every each total what which how these those both")
)
#: What nobody may ask of a parser: to change something.
COMMANDS = frozenset(
    listed(
        """delete remove update insert drop edit create add set cancel refund erase change rename alter truncate
        write overwrite reset approve pay invite email call book buy order hire fire invent make increase decrease"""
    )
)
#: Verbs that say something of sales which models may lack: never skipped.
MEANT = frozenset(
    listed(
        """refunded refunding returned returning discounted discounting abandoned abandoning delayed delaying damaged
        reviewed reviewing rated rating complained complaining clicked clicking visited visiting viewed viewing churned
        churning forecasted budgeted budgeting planned planning targeted targeting promised restocked stocked stocking
        taxed insured recalled replaced exchanged advertised advertising promoted promoting marketed marketing emailed
        converted converting wasted stolen expired backordered reordered reordering subscribed unsubscribed renewed
        upgraded downgraded trialled hired fired staffed trained manufactured produced sourced outsourced imported
        contacted called lapsed lapsing defaulted overdue unpaid outstanding owed owing shipped late pending processing
        """
    )
)
_SUBJECTS = frozenset(listed("we they i you"))
_LINKING = frozenset(listed("that which were was are have has had been being got get is did who they we"))


def _derived(word: str, near: str) -> bool:
    """Tell whether two words differ in their endings only: a pharmacist is no misspelt pharmacy."""
    same = next((place for place, pair in enumerate(zip(word, near, strict=False)) if pair[0] != pair[1]), len(word))
    return same >= 5 and same >= len(word) - 3


def _inside(short: str, long: str) -> bool:
    """Tell whether a word is another less some letters."""
    letters = iter(long)
    return len(short) < len(long) and all(letter in letters for letter in short)


TIMES = {"once": 1.0, "twice": 2.0, "thrice": 3.0}
_BEFORE_NUMBERS = frozenset(listed("than above below least most top bottom exceeding £ $ € > < = under"))
_AVERAGES = ("average", "avg", "mean")
_MOVING = (
    ("n", "u", ("moving", "rolling", "trailing"), _AVERAGES),
    (("moving", "rolling", "trailing"), "n", "u", _AVERAGES),
    (("moving", "rolling", "trailing"), _AVERAGES, ("over", "with", "using", "across", "for"), "n", "u"),
    (("moving", "rolling", "trailing"), _AVERAGES, "n", "u"),
    (("moving", "rolling", "trailing"), _AVERAGES, ("(",), "n", "u", (")",)),
)


def _matched(pattern: Sequence[object], said: Sequence[str]) -> tuple[int, str, int] | None:
    """Return the number, the unit and how many words a pattern takes."""
    if len(said) < len(pattern):
        return None
    number, unit = 0, ""
    for part, word in zip(pattern, said, strict=False):
        if part == "n":
            number = int(word) if word.isdecimal() and len(word) < 4 else date_words.NUMBER_WORDS.get(word, 0)
            if not number:
                return None
        elif part == "u":
            unit = date_words.UNIT_WORDS.get(word, "")
            if not unit:
                return None
        elif word not in part:  # type: ignore[operator]
            return None
    return number, unit, len(pattern)


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
