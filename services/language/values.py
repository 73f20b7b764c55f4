"""The index of the data's own values: what a person may name, found whole, in part, in another order or by code."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from functools import cached_property

from services.language.demonyms import country_of
from services.language.stems import stem
from services.language.tokens import words_of
from services.model import Role, SalesModel

#: A dimension with more values than this is found by whole names and codes only.
MOST_IN_PART = 20_000


@dataclass(frozen=True)
class Entry:
    """A value of a dimension: its key and what it is called."""

    dimension: str
    key: str
    label: str


@dataclass(frozen=True)
class Named:
    """Values of one dimension that a phrase names; `tier` is whole, code, people, part or contains.

    For `contains` the values are those with all `terms` in their name.
    """

    dimension: str
    entries: tuple[Entry, ...]
    tier: str
    terms: tuple[str, ...] = ()


class ValueIndex:
    """Values by their words. Built from (dimension, key, label) of what the viewer may see, and from nothing else."""

    def __init__(self, model: SalesModel, entries: Iterable[Entry]) -> None:
        self.model = model
        self.whole: dict[tuple[str, ...], list[Entry]] = defaultdict(list)
        self.codes: dict[str, list[Entry]] = defaultdict(list)
        self.countries: dict[str, list[Entry]] = defaultdict(list)
        self.holding: dict[tuple[str, str], set[int]] = defaultdict(set)
        self.names: dict[str, list[tuple[tuple[str, ...], list[Entry]]]] = defaultdict(list)
        self.vocabulary: dict[str, int] = {}
        self.sizes: dict[str, int] = {}
        self._fill(entries)

    def _fill(self, entries: Iterable[Entry]) -> None:
        grouped: dict[str, dict[tuple[str, ...], list[Entry]]] = defaultdict(lambda: defaultdict(list))
        for entry in entries:
            label = entry.label
            if entry.key == label and label.isdecimal() and label.isascii():
                # Numbers of orders and customers are most of all values: they are their own words and codes.
                grouped[entry.dimension][(label,)].append(entry)
                self.codes[label].append(entry)
                continue
            words = words_of(label)
            grouped[entry.dimension][tuple(map(stem, words))].append(entry)
            for code in {"".join(words) if entry.key == label else "".join(words_of(entry.key)), "".join(words)}:
                if any(letter.isdecimal() for letter in code):
                    self.codes[code].append(entry)
        for dimension, names in grouped.items():
            self.sizes[dimension] = len(names)
            country = self.model.dimension(dimension).role is Role.COUNTRY
            for words, found in names.items():
                self.whole[words] += found
                found_code = country_of(found[0].label.lower(), capitals=True) if country else None
                if found_code:
                    self.countries[found_code] += found
            if len(names) <= MOST_IN_PART:
                self._fill_parts(dimension, names)

    def _fill_parts(self, dimension: str, names: Mapping[tuple[str, ...], list[Entry]]) -> None:
        for words, found in names.items():
            number = len(self.names[dimension])
            self.names[dimension].append((words, found))
            for word in words:
                self.holding[dimension, word].add(number)
                if word.isalpha() and len(word) > 3:
                    self.vocabulary[word] = self.vocabulary.get(word, 0) + 1

    @cached_property
    def longest(self) -> int:
        """Words in the longest name, bounded so that a question of many words stays cheap."""
        return min(14, max(map(len, self.whole), default=1))

    @cached_property
    def dimensions(self) -> tuple[str, ...]:
        """Dimensions that can be searched in part."""
        return tuple(self.names)

    def exact(self, words: tuple[str, ...], *, capitals: bool = False) -> list[Named]:
        """Return the values a phrase names in full: by name, code, country or people; dimensions of few names first."""
        stems = tuple(map(stem, words))
        whole = _by_dimension(self.whole.get(stems, ()), "whole")
        found = sorted(whole, key=lambda named: self.sizes[named.dimension]) if len(whole) > 1 else whole
        joined = "".join(words)
        if joined in self.codes and (len(words) == 1 or any(word.isdecimal() for word in words)):
            known = {each.dimension for each in found}
            found += [each for each in _by_dimension(self.codes[joined], "code") if each.dimension not in known]
        if not found and len(words) <= 4 and self.countries:
            code = country_of(" ".join(words), capitals=capitals)
            found += _by_dimension(self.countries.get(code or "", ()), "people")
        return found

    def knows(self, word: str) -> bool:
        """Tell whether some name holds this word."""
        singular = stem(word)
        return any((dimension, singular) in self.holding for dimension in self.dimensions)

    def narrowed(self, dimension: str, word: str, among: Set[int] | None) -> Set[int]:
        """Return which of the names (all for None) hold a word."""
        holding: Set[int] = self.holding.get((dimension, stem(word)), frozenset())
        return holding if among is None else holding & among

    def in_part(self, dimension: str, words: Sequence[str]) -> Named | None:
        """Return the values whose names hold all the words: one value, or `contains` for several; None for none."""
        numbers: Set[int] | None = None
        for word in words:
            numbers = self.narrowed(dimension, word, numbers)
        return self.settled(Named(dimension, (), "contains", tuple(map(stem, words)))) if numbers else None

    def settled(self, named: Named) -> Named:
        """Return a value named in part with its entries; what is named otherwise as it is."""
        if named.entries or not named.terms:
            return named
        numbers: Set[int] | None = None
        for word in named.terms:
            numbers = self.narrowed(named.dimension, word, numbers)
        names = [self.names[named.dimension][number] for number in sorted(numbers or ())]
        if len(names) == 1:
            return Named(named.dimension, tuple(names[0][1]), "part", named.terms)
        entries = tuple(entry for _, found in names for entry in found)
        phrase = _together([words_of(entry.label) for entry in entries], named.terms)
        return Named(named.dimension, entries, "contains", (phrase,) if phrase else named.terms)


def _together(labels: Sequence[tuple[str, ...]], terms: Sequence[str]) -> str | None:
    """Return the terms as one phrase, spelled as most names that hold them side by side spell it; None without one."""
    size, found = len(terms), Counter[str]()
    for words in labels:
        for first in range(len(words) - size + 1):
            if all(stem(word) == term for word, term in zip(words[first : first + size], terms, strict=True)):
                found[" ".join(words[first : first + size])] += 1
    plain = " ".join(terms)
    return plain if plain in found else min(found, key=lambda each: (-found[each], each), default=None)


def _by_dimension(entries: Iterable[Entry], tier: str) -> list[Named]:
    grouped: dict[str, list[Entry]] = defaultdict(list)
    for entry in entries:
        grouped[entry.dimension].append(entry)
    return [Named(dimension, tuple(dict.fromkeys(found)), tier) for dimension, found in grouped.items()]
