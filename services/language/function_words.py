"""What English says around measures, dimensions and values: every phrase with its meanings."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping
from functools import cache

from services.language import verbs
from services.language.fillers import FILLERS, ROUTES
from services.language.tokens import tokenize
from services.language.words_asked import ASKED
from services.language.words_compared import COMPARED

#: Kind of word -> meaning -> the phrases that carry it.
ROWS: Mapping[str, Mapping[str, str]] = {**ASKED, **COMPARED}
#: (Kind of word, meaning) -> the verbs whose forms mean it.
VERBS = {
    ("sell", ""): "sell",
    ("spend", ""): "spend",
    ("growth", ""): "growth",
    ("passed", ">"): "over",
    ("passed", "<"): "under",
    ("filler", ""): "filler",
}
_EITHER = re.compile(r"\(([^()]*)\)")


def spelled_out(row: str) -> Iterator[str]:
    """Yield the phrases of a row, each family of `(a/b)` spelled out."""
    for phrase in row.split("|"):
        parts = [part.split("/") if odd else [part] for odd, part in _alternating(_EITHER.split(phrase))]
        yield from (" ".join("".join(words).split()) for words in itertools.product(*parts))


def _alternating(parts: list[str]) -> Iterator[tuple[bool, str]]:
    return ((number % 2 == 1, part) for number, part in enumerate(parts))


def phrases() -> dict[str, list[tuple[str, str]]]:
    """Return every phrase with its meanings as (kind, meaning)."""
    found: dict[str, list[tuple[str, str]]] = {}
    said = [(kind, meaning, list(spelled_out(row))) for kind, rows in ROWS.items() for meaning, row in rows.items()]
    for (kind, meaning), verb in VERBS.items():
        said.append((kind, meaning, [each for each in verbs.forms(verb) if kind != "filler" or " " in each]))
    for kind, meaning, each in said:
        for phrase in filter(None, each):
            row = (kind, meaning)
            if row not in found.setdefault(phrase, []):
                found[phrase].append(row)
    return found


@cache
def said() -> Mapping[tuple[str, ...], tuple[tuple[str, str], ...]]:
    """Return every phrase as its words, with its meanings and where it leads to."""
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
    return said().get(tuple(phrase.split()), ())


@cache
def function_vocabulary() -> frozenset[str]:
    """Every word that some phrase of English around a query consists of."""
    return frozenset(word for phrase in said() for word in phrase) | FILLERS


@cache
def function_words() -> frozenset[str]:
    """Words that mean something in English by themselves: never the beginning of a product's name."""
    return frozenset(phrase[0] for phrase in said() if len(phrase) == 1) | FILLERS


@cache
def second_words() -> Mapping[str, frozenset[str]]:
    """What may follow a word in phrases of English around a query: "many" after "how"."""
    found: dict[str, set[str]] = {}
    for phrase in said():
        for first, second in itertools.pairwise(phrase):
            if len(second) > 3 and second.isalpha():
                found.setdefault(first, set()).add(second)
    return {first: frozenset(seconds) for first, seconds in found.items()}
