"""The grammar of dates: text -> a half-open range of days, or nothing when it is not understood.

Conventions: weeks are ISO weeks, "last 3 months" are the three whole months before this one, "May to July" ends with
July, a bare "August" is the latest one that has begun; a range without a year is the latest one wholly in the past.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache

from services.language import date_words as words
from services.language.date_ranges import ranges
from services.language.date_reader import VOCABULARY, Reader, joined, repaired, rule
from services.language.date_rules import FILLERS, period, with_opening
from services.language.date_written import settled
from services.language.spans import Clock, Span
from services.language.tokens import Token, tokenize

SINCE = (
    "since",
    "starting",
    "starting from",
    "starting in",
    "starting on",
    "beginning in",
    "from",
    "not before",
    "as from",
)
AFTER = ("after", "later than", "following", "post")
BEFORE = ("before", "prior to", "earlier than", "pre", "ahead of")
UNTIL = (
    "until",
    "till",
    "til",
    "up to",
    "up until",
    "up till",
    "through",
    "thru",
    "no later than",
    "up to and including",
    "through to",
    "up through",
    "not after",
    "no later than the end of",
    "ending",
    "up to the end of",
    "to the end of",
)
ONWARDS = (
    "onwards",
    "onward",
    "on",
    "and later",
    "or later",
    "and after",
    "and onwards",
    "forward",
    "forwards",
    "and on",
)
#: Words that mean a date was said which the match beside them does not hold.
WEAK = frozenset(
    {*words.BACK, *words.HERE, *words.AHEAD, *words.PART_WORDS, *words.ORDINAL_WORDS, *words.ROLLING, *words.FISCAL}
    | {"before", "after", "between", "since", "until", "till", "ago", "back", "onwards", "onward", "half", "few"}
)
SHORT_NAMES = frozenset(["may", "march", "mar", "sun", "sat", "mon", "dec", "jan", "second", "fall", "spring"])
STRONG = (
    frozenset(
        {word for table in (words.MONTH_WORDS, words.WEEKDAY_WORDS, words.UNIT_WORDS) for word in table}
        | {"ago", "yesterday", "today", "tomorrow", "fortnight", *words.TO_DATE, *words.TRAILING_YEAR}
    )
    - SHORT_NAMES
)
_NAMES = frozenset({*words.MONTH_WORDS, *words.WEEKDAY_WORDS} - {"mar", "jan", "dec"})
PER = ("per", "by", "each", "every", "a", "of", "which", "best", "worst", "what", "than", "and")


@dataclass(frozen=True)
class DateFound:
    """A date in a text: its range, the places of its first token and after its last, and how it was said.

    `form` is `open`, `range` or `single`; `bare` tells a single word that may as well be something else; `repaired`
    counts misspelt words.
    """

    span: Span
    first: int
    past: int
    form: str
    bare: bool = False
    repaired: int = 0


@rule
def opened(reader: Reader, place: int) -> Iterator[tuple[Span, int]]:
    """Read periods with an open side, and all time."""
    for name in _beginning(tuple(words.ALL_TIME)).get(reader.word(place), ()):
        if (end := reader.phrase(place, name)) > 0:
            yield Span(None, None), end
    for heads, build in _OPEN:
        for head in _beginning(heads).get(reader.word(place), ()):
            start = reader.phrase(place, head)
            if start < 0:
                continue
            for value, end in period(reader, start):
                span = settled(reader, value)
                if span is None or (head == "from" and _complete(reader, place + 1)):
                    continue
                yield build(span), _onwards(reader, end) if heads is SINCE else end
                if heads in (AFTER, SINCE):
                    yield from _bounded(reader, build(span), end)
    yield from _trailed(reader, place)


@cache
def _beginning(phrases: tuple[str, ...]) -> dict[str, list[str]]:
    """Return phrases by their first word: most words of a text begin none."""
    found: dict[str, list[str]] = {}
    for phrase in phrases:
        found.setdefault(phrase.split()[0], []).append(phrase)
    return found


def _trailed(reader: Reader, place: int) -> Iterator[tuple[Span, int]]:
    """Read `March 2011 onwards`, `2010 or earlier`."""
    for value, after in period(reader, place):
        span = settled(reader, value)
        if span is None or span.start is None:
            continue
        if (end := _onwards(reader, after, strict=True)) > after:
            yield Span(span.start, None), end
        for tail in ("and earlier", "or earlier", "and before", "or before"):
            if (end := reader.phrase(after, tail)) > 0:
                yield Span(None, span.end), end


def _bounded(reader: Reader, begun: Span, place: int) -> Iterator[tuple[Span, int]]:
    """Read the other side of `after May 2010 and before March 2011`, `since May until August 2011`."""
    start = reader.skip(place, "and", "but", ",")
    for heads, build in _OPEN[2:]:
        for head in _beginning(heads).get(reader.word(start), ()):
            after = reader.phrase(start, head)
            for value, end in period(reader, after) if after > 0 else ():
                span = settled(reader, value)
                if span is not None and begun.start and (last := build(span).end) and begun.start < last:
                    yield Span(begun.start, last), end


def _complete(reader: Reader, place: int) -> bool:
    """Tell whether a relative period follows, as in "orders from last month": that is the period, not its start."""
    place = reader.skip(place, "the")
    return reader.word(place) in (*words.BACK, *words.HERE, "yesterday", "today")


def _onwards(reader: Reader, place: int, *, strict: bool = False) -> int:
    for tail in _beginning(ONWARDS).get(reader.word(place), ()):
        end = reader.phrase(place, tail)
        if end > 0 and not (strict and tail == "on"):
            return end
    return place


_OPEN: tuple[tuple[tuple[str, ...], Callable[[Span], Span]], ...] = (
    (SINCE, lambda span: Span(with_opening(span).start, None)),
    (AFTER, lambda span: Span(span.end, None)),
    (BEFORE, lambda span: Span(None, span.start)),
    (UNTIL, lambda span: Span(None, span.end)),
)


class DateText:
    """The dates of one text."""

    def __init__(
        self, tokens: Sequence[Token], clock: Clock, known: Callable[[str], bool] = lambda word: False
    ) -> None:
        self.original = tokens
        self.tokens = [repaired(token, known) for token in joined(tokens)]
        self.places = {token.start: place for place, token in enumerate(tokens)}
        self.reader = Reader(self.tokens, clock)
        written = {token.start: token.text for token in tokens}
        self.mended = [token.text != written[token.start] for token in self.tokens]

    def at(self, place: int) -> DateFound | None:
        """Return the longest date that begins at a token of the joined text."""
        best: tuple[int, int, Span, str] | None = None
        if not _may_begin(self.reader.word(place)):
            return None
        choices = (("open", opened), ("single", period), ("range", ranges))
        for rank, (form, read) in enumerate(choices):
            for value, end in read(self.reader, place):
                span = settled(self.reader, value)
                if span is None or (span.start and span.end and span.start >= span.end):
                    continue
                if best is None or (end, -rank) > best[:2]:
                    best = (end, -rank, span, form)
        if best is None:
            return None
        end, _, span, form = best
        texts = self.reader.texts[place:end]
        bare = form == "single" and len(texts) == 1 and (texts[0].isdecimal() or texts[0] in SHORT_NAMES)
        return DateFound(span, place, end, form, bare, sum(self.mended[place:end]))

    def all(self) -> tuple[DateFound, ...]:
        """Return the dates of the text from left to right, none over another."""
        found, place = [], 0
        while place < len(self.tokens):
            date = self.at(place)
            if date is None or date.past <= place:
                place += 1
            else:
                found.append(date)
                place = date.past
        return tuple(found)

    def original_place(self, place: int) -> int:
        """Return the place of a joined token among the tokens of the text."""
        if place >= len(self.tokens):
            return len(self.original)
        return self.places[self.tokens[place].start]

    def unread(self, found: Sequence[DateFound]) -> tuple[str, ...]:
        """Return words that speak of a time no date of `found` holds."""
        texts = self.reader.texts
        taken = {place for date in found for place in range(date.first, date.past)}
        left = []
        for place, text in enumerate(texts):
            if place in taken:
                continue
            unit = text in words.UNIT_WORDS and place and texts[place - 1] in PER
            strong = text in STRONG or (text.endswith("s") and text[:-1] in _NAMES)
            if (strong and not unit) or _a_year(self.reader, place):
                left.append(text)
        for date in found:
            left += [texts[place] for place in self._beside(date) if place not in taken and texts[place] in WEAK]
            left += self._torn(date)
        return tuple(left)

    def _torn(self, date: DateFound) -> Iterator[str]:
        """Yield what the date was cut from: the 31 of `31 February`, the Q5 of `Q5 2011`, a dangling `to`."""
        texts, reader, place = self.reader.texts, self.reader, date.first - 1
        while place > 0 and texts[place] in (*words.ORDINAL_ENDS, "of", "the", ","):
            place -= 1
        if place >= 0 and reader.number(place, (1, 2)) is not None:
            letter = texts[place - 1] if place and reader.glued(place) else ""
            if letter in ("q", "h", "w", "wk") or texts[date.first] in words.MONTH_WORDS:
                yield texts[place]
        if date.past == len(texts) - 1 and texts[date.past] in ("to", "and", "-", "until", "till", "through"):
            yield texts[date.past]

    def _beside(self, date: DateFound) -> Iterator[int]:
        texts = self.reader.texts
        before, after = date.first - 1, date.past
        while before >= 0 and texts[before] in (*FILLERS, "the", "of", ","):
            before -= 1
        while after < len(texts) and texts[after] in ("the", "of", ","):
            after += 1
        yield from (place for place in (before, after) if 0 <= place < len(texts))


def _may_begin(text: str) -> bool:
    return bool(text) and (text in VOCABULARY or text[0].isdigit() or text in _STARTS)


_STARTS = frozenset(
    {name.split()[0] for heads, _ in _OPEN for name in heads}
    | {"from", "between", "since", "all", "whole", "same", "this", "so", "most", "r", "l", "t", "'", "a", "an", "very"}
    | {"not", "our", "weeks", "wks", "iso"}
)


def _a_year(reader: Reader, place: int) -> bool:
    number = reader.number(place, (4,))
    return number is not None and 1990 <= number < 2100 and reader.word(place - 1) in ("in", "of", "for", "to", "and")


def read_date(text: str, clock: Clock) -> Span | None:
    """Return the one period a text speaks of, or None when there is none, several, or something is not understood."""
    dates = DateText(tokenize(text), clock)
    found = dates.all()
    if len({each.span for each in found}) != 1 or dates.unread(found):
        return None
    return found[0].span
