"""Numbers and dates of a question as stretches of it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from services.language import date_words
from services.language.dates import DateText
from services.language.fillers import CURRENCY_WORDS, NUMBER_SCALES
from services.language.stretches import WORTH, Edge, Stretches
from services.language.tokens import Token, listed

_NUMBER = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?")
TIMES = {"once": 1.0, "twice": 2.0, "thrice": 3.0}
#: Words after which a number counts something and is no year or code.
BEFORE_NUMBERS = frozenset(listed("than above below least most top bottom exceeding £ $ € > < = under"))
_EACH = frozenset(listed("per by each every"))
_RANGES = frozenset(listed("from between since in during over until till through throughout"))


class Counted(Stretches):
    """A question with its numbers and dates."""

    tokens: list[Token]
    dates: DateText

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
            if (self._counts(first, past) and bare) or self._bounds(first, past) or begins or self._buckets(first):
                continue
            more = -0.4 if word in ("for", "from", "over") else 0.0
            if bare and word.isdecimal() and len(word) == 4:
                yield self._edge("date", found, first, past, "date", -0.2)
            else:
                yield self._edge("date", found, first, past, "bare" if bare else "date", more)

    def _counts(self, first: int, past: int) -> bool:
        """Tell whether a lone number is counted rather than a year: "over 2000", "top 2000"."""
        before = self.texts[first - 1] if first else ""
        return before in BEFORE_NUMBERS or (past < len(self.texts) and self.texts[past] in CURRENCY_WORDS)

    def _buckets(self, first: int) -> bool:
        """Tell whether a unit is a breakdown that a range follows: "per quarter from 2010 till 2011"."""
        before, after = self.texts[first - 1 : first], self.texts[first + 1 : first + 2]
        bucket = self.texts[first] in date_words.UNIT_WORDS and before != [] and before[0] in _EACH
        return bucket and after != [] and after[0] in _RANGES

    def _bounds(self, first: int, past: int) -> bool:
        """Tell whether a date would take the second of two numbers that are no years: "between 500 and 2000"."""
        for place in range(max(first, 3), past):
            second = self.texts[place]
            number, lead = self.texts[place - 2], self.texts[place - 3]
            amounts = second.isdecimal() and number.isdecimal() and self.texts[place - 1] == "and" and lead == "between"
            if amounts and not (1900 <= int(number) < 2100 or int(number) <= 31):
                return True
        return False
