"""How the texts of a column could be read: a few typings, to be verified over all rows."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from services.intake import currencies, dates, texts
from services.intake.vocabulary import MISSING
from services.intake.words import fold
from services.model import ColumnType
from services.recipe import Typing

#: Marks of a missing value that are rarely a value of a text column too, as "None" or "NA" may be.
PLAIN_MISSING = frozenset({"null", "nan", "#n/a", "n/a", "?", "(null)", "<null>", "\\n", "#null!", "#ref!", "#value!"})
#: Share of a sample's distinct texts that must fit before a kind is tried on all rows.
FITTING = 0.8
MAX_FORMATS = 8
PAIRS = ((".", ""), (".", ","), (".", " "), (".", "'"), (",", ""), (",", "."), (",", " "), (",", "'"))
SEPARATED = re.compile(r"(?<=\d)[., '’\u00a0\u2009\u202f](?=\d)")


@dataclass(frozen=True)
class Candidate:
    """A typing that may be right, and what it assumes ("day first")."""

    typing: Typing
    order: str = dates.ANY


@dataclass(frozen=True)
class Sampled:
    """The distinct texts of a column's sample with how often each stands there, and marks of missing values."""

    values: Sequence[tuple[str, int]]

    @property
    def marks(self) -> tuple[str, ...]:
        """The marks of missing values among the texts, as they stand there."""
        return tuple(sorted(text for text, _ in self.values if fold(text) in MISSING))

    @property
    def texts(self) -> list[str]:
        """The distinct texts that are no such marks."""
        return [text for text, _ in self.values if fold(text) not in MISSING]


def candidates(sampled: Sampled) -> tuple[Candidate, ...]:
    """Return the typings the texts of a sample fit; text comes last and always fits."""
    found: list[Candidate] = []
    if sampled.texts:
        found = [*_dates(sampled), *_clocks(sampled)] or list(_numbers(sampled))
    return (*found, Candidate(Typing(missing=_text_marks(sampled))))


def _text_marks(sampled: Sampled) -> tuple[str, ...]:
    """Return marks of missing values for a text column: "na" only beside words longer than a code."""
    wordy = [text for text in sampled.texts if len(text) > 3]
    codes = len(wordy) < len(sampled.texts) / 2
    plain = PLAIN_MISSING if codes else PLAIN_MISSING | {"na"}
    return tuple(mark for mark in sampled.marks if fold(mark) in plain) if sampled.texts else ()


def _dates(sampled: Sampled) -> Iterator[Candidate]:
    """Yield one candidate per order of day and month that some text has; each takes all formats of its order."""
    fitting = {text: dates.dated(text) for text in sampled.texts}
    if sum(map(bool, fitting.values())) < FITTING * len(fitting):
        return
    formats: dict[str, Counter[str]] = defaultdict(Counter)
    for each in fitting.values():
        for order, form in each:
            formats[order][form] += 1
    orders = [order for order in (dates.DAY_FIRST, dates.MONTH_FIRST, dates.YEAR_FIRST) if order in formats]
    if dates.YEAR_FIRST in orders:
        orders = _likely(orders, [text for text, each in fitting.items() if each])
    for order in orders or [dates.ANY]:
        counted = formats[order] + (formats[dates.ANY] if order != dates.ANY else Counter())
        wanted = tuple(form for form, _ in counted.most_common(MAX_FORMATS))
        yield Candidate(Typing(type=ColumnType.TIME, formats=wanted, missing=sampled.marks), order)


def _likely(orders: Sequence[str], sample: Iterable[str]) -> list[str]:
    """Drop the orders that take days for years: dates have as many different days as years, or more."""
    parts = [re.split(r"[-/. T]", text) for text in sample]
    first, third = (len({part[place] for part in parts if len(part) > 2}) for place in (0, 2))
    if first == third:
        return list(orders)
    return [order for order in orders if (order == dates.YEAR_FIRST) == (first < third)]


def _clocks(sampled: Sampled) -> Iterator[Candidate]:
    """Yield a candidate for times of day, such as 9:05."""
    found = [dates.clock(text) for text in sampled.texts]
    formats = tuple(sorted({form for form in found if form}))
    if formats and sum(map(bool, found)) >= FITTING * len(found):
        yield Candidate(Typing(type=ColumnType.TIME, formats=formats, missing=sampled.marks))


def _numbers(sampled: Sampled) -> Iterator[Candidate]:
    """Yield the ways of reading separators under which the most texts are numbers."""
    sample = sampled.texts
    if sum(any(c.isdigit() for c in text) for text in sample) < FITTING * len(sample):
        return
    percent = sum("%" in text for text in sample) > len(sample) / 2
    money = _has_signs(sample)
    kind = ColumnType.MONEY if money and not percent else ColumnType.NUMBER
    tried = [
        Typing(type=kind, decimal=decimal, thousands=thousands, percent=percent, missing=sampled.marks)
        for decimal, thousands in _pairs(sample)
    ]
    fits = {typing: sum(texts.looks_like(text, typing) for text in sample) for typing in tried}
    best = max(fits.values())
    if best >= FITTING * len(sample):
        yield from (Candidate(typing) for typing, fit in fits.items() if fit >= 0.95 * best)


def _pairs(sample: Iterable[str]) -> list[tuple[str, str]]:
    """Return pairs of decimal and thousands separator whose marks all occur, the plainest first."""
    seen = {mark for text in sample for mark in SEPARATED.findall(text)}
    seen |= {text[0] for text in sample if re.match(r"[.,]\d", text)}
    plain = {"’": "'", "\u00a0": " ", "\u2009": " ", "\u202f": " "}
    marks = {plain.get(mark, mark) for mark in seen}
    return [
        (decimal, thousands)
        for decimal, thousands in PAIRS
        if (not thousands or thousands in marks) and (decimal == "." or "," in marks or thousands == ".")
    ]


def _has_signs(sample: Sequence[str]) -> bool:
    """Tell whether currency signs stand beside numbers; letters need a blank or cents, for R123 is a code."""
    signed = [(text, sign) for text in sample if (sign := currencies.beside(text))]
    sure = [text for text, sign in signed if not sign.isascii() or "$" in sign or re.search(r"\s|[.,]\d\d\b", text)]
    return len(sure) > len(signed) / 2


def sign_of(sample: Iterable[str]) -> str | None:
    """Return the currency sign or code that stands beside most of the numbers."""
    found = Counter(sign for text in sample if (sign := currencies.beside(text)))
    return found.most_common(1)[0][0] if found else None
