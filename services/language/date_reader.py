"""The reader of dates: tokens, the clock and what each rule found where.

A rule is a function `(reader, place) -> pairs of what was read and the place after it`. All readings are kept, each
rule runs once per place, so the work is bounded by rules times tokens.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache, wraps
from typing import TypeVar

from rapidfuzz import process
from rapidfuzz.distance import OSA

from services.language import date_words as words
from services.language.spans import Clock, Cycle, Span
from services.language.tokens import Token, listed

T = TypeVar("T")
Value = Span | Cycle
Found = tuple[tuple[T, int], ...]
Rule = Callable[["Reader", int], Found[T]]
SHORTHAND = {
    "lst": "last",
    "nxt": "next",
    "yday": "yesterday",
    "tmrw": "tomorrow",
    "prv": "previous",
    "curr": "current",
    "frm": "from",
    "btw": "between",
    "btwn": "between",
    "hw": "how",
    "hwo": "how",
    "wht": "what",
    "whch": "which",
    "wich": "which",
    "teh": "the",
    "pls": "please",
}
#: Short spellings of units, read as the unit everywhere.
_SHORT = {"wk": "week", "mth": "month", "mnth": "month", "yr": "year", "qtr": "quarter", "hr": "hour"}
UNITS_SHORT = {short + ending: unit + ending for short, unit in _SHORT.items() for ending in ("", "s")}
#: Every single word that some rule of the grammar begins with or consists of.
VOCABULARY = frozenset(
    {
        *words.MONTH_WORDS,
        *words.WEEKDAY_WORDS,
        *words.UNIT_WORDS,
        *words.NUMBER_WORDS,
        *words.ORDINAL_WORDS,
        *words.BACK,
        *words.HERE,
        *words.AHEAD,
        *words.FISCAL,
        *words.WHOLE,
        *words.ROLLING,
        *words.TO_DATE,
        *words.TRAILING_YEAR,
        *words.THROUGH,
        *words.SEASON_WORDS,
        *words.PART_WORDS,
        *words.VAGUE,
        *(word for name in (*words.HOLIDAYS, *words.ALL_TIME) for word in name.split()),
        *listed(
            """today yesterday tomorrow now since from after before ago back q h w wk cw fy cy mid couple
        of the"""
        ),
    }
)


@dataclass
class Reader:
    """Tokens read against a clock; `memo` holds what the rules found."""

    tokens: Sequence[Token]
    clock: Clock

    def __post_init__(self) -> None:
        self.memo: dict[tuple[str, int], Found[object]] = {}
        self.texts = [token.text for token in self.tokens]

    def word(self, place: int) -> str:
        """Return the token's text, empty past the end."""
        return self.texts[place] if place < len(self.texts) else ""

    def number(self, place: int, digits: Sequence[int] = (1, 2, 3)) -> int | None:
        """Return the plain number at a place if it has so many digits."""
        text = self.word(place)
        return int(text) if text.isascii() and text.isdecimal() and len(text) in digits else None

    def glued(self, place: int) -> bool:
        """Tell whether nothing stands between the token and the one before it."""
        return place < len(self.tokens) and self.tokens[place].glued

    def skip(self, place: int, *allowed: str) -> int:
        """Return the place after any of these words."""
        while self.word(place) in allowed and self.word(place):
            place += 1
        return place

    def phrase(self, place: int, text: str) -> int:
        """Return the place after these words, -1 when they do not stand there."""
        parts = _parts(text)
        if place >= len(self.texts) or self.texts[place] != parts[0]:
            return -1
        return place + len(parts) if self.texts[place : place + len(parts)] == parts else -1


@cache
def _parts(phrase: str) -> list[str]:
    return phrase.split()


def rule(read: Callable[[Reader, int], Iterator[tuple[T, int]]]) -> Rule[T]:
    """Make a rule that runs once per place."""
    name = read.__name__

    @wraps(read)
    def once(reader: Reader, place: int) -> Found[T]:
        key = (name, place)
        known = reader.memo.get(key)
        if known is None:
            reader.memo[key] = ()
            known = reader.memo[key] = tuple(_possible(read(reader, place)))
        return known  # type: ignore[return-value]

    return once


def _possible(found: Iterator[tuple[T, int]]) -> Iterator[tuple[T, int]]:
    """Yield what is found up to the first date outside the calendar."""
    try:
        yield from found
    except (OverflowError, ValueError):
        return


def joined(tokens: Sequence[Token]) -> list[Token]:
    """Return the tokens less hyphens and underscores inside words: `year-to-date`, `12-month`, `last_month`."""
    kept: list[Token] = []
    for place, token in enumerate(tokens):
        after = tokens[place + 1] if place + 1 < len(tokens) else None
        inside = token.text in "-_" and token.glued and after is not None and after.glued and kept
        if inside and after is not None and _one_word(kept[-1].text, after.text):
            continue
        kept.append(token)
    return kept


def _one_word(left: str, right: str) -> bool:
    named = (words.MONTH_WORDS, words.WEEKDAY_WORDS, words.SEASON_WORDS)
    if any(side in table for side in (left, right) for table in named):
        return False
    return right.isalpha() and (left.isalpha() or right in words.UNIT_WORDS)


def repaired(token: Token, known: Callable[[str], bool]) -> Token:
    """Return the token with a misspelt word of the vocabulary put right; `known` words stay as they are."""
    text = token.text
    if text in SHORTHAND and not known(text):
        return replace(token, text=SHORTHAND[text])
    if len(text) < 4 or not token.is_word or text in VOCABULARY or text in words.NEVER_MISSPELT or known(text):
        return token
    if text.endswith("s") and text[:-1] in VOCABULARY:
        return token
    best = process.extract(text, words.SPELLABLE, scorer=OSA.distance, score_cutoff=2 if len(text) > 7 else 1, limit=4)
    nearest = [word for word, distance, _ in best if distance == best[0][1] and word[0] == text[0]]
    swapped = [word for word in nearest if sorted(word) == sorted(text)]
    chosen = swapped or nearest
    return replace(token, text=chosen[0]) if len(chosen) == 1 else token
