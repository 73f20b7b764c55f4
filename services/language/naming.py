"""Stretches of a question that name values of the data: whole, in part, by number, or by a word that is a verb too."""

from __future__ import annotations

from collections.abc import Iterator, Set

from services.language import date_words
from services.language.counted import BEFORE_NUMBERS, Counted
from services.language.date_reader import VOCABULARY
from services.language.foreign import FOREIGN
from services.language.function_words import function_words, said
from services.language.items import REACH
from services.language.stems import stem
from services.language.stretches import Edge
from services.language.tokens import listed
from services.language.values import Named
from services.language.verbs import VERBAL
from services.model import Role

#: What words that stand together in a name are worth beside the same words taken one by one.
TOGETHER = 0.9
#: Digits of a number that is a year or counts something, unless a noun says what it is the number of.
SHORT_NUMBER = 4
_BEFORE_NAMES = frozenset(listed("number no id code nr # . and or , &"))
#: Times of the year that products are made for.
_FEASTS = frozenset(listed("christmas xmas easter halloween valentine valentines summer winter spring autumn"))
_COUNTING = {*date_words.NUMBER_WORDS, *date_words.ORDINAL_WORDS}


class Naming(Counted):
    """A question with the values it names. `narrowed` keeps which names hold the words of a stretch."""

    narrowed: dict[tuple[str, tuple[str, ...]], Set[int]]

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

    def _values(self, place: int) -> Iterator[Edge]:
        for words, past in self._runs(place, self.index.longest):
            capitals = self._capitals(place)
            if len(words) == 1 and words[0] in function_words() and not capitals and not self._meant(place):
                continue
            found = self.index.exact(words, capitals=capitals)
            if found and len(words) == 1 and words[0].isdecimal() and len(words[0]) <= SHORT_NUMBER:
                found = self._numbered(place, found)
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

    def _meant(self, place: int) -> bool:
        """Tell whether a verb is meant as the name it also is: "share of Produce", "produce revenue"."""
        word, before, after = self.texts[place], self.texts[place - 1 : place], self.texts[place + 1 : place + 2]
        if self._listed(place) or word not in VERBAL:
            return self._listed(place)
        noun = self.lexicon.find((after[0],)) if after else None
        named = bool(place) and self.text[self.written[place].start].isupper()
        beside = before != [] and before[0] in ("of", "in", "within", "for", "and") and noun is None
        return named or beside or (noun is not None and noun.measure is not None and before != ["we"])

    def _numbered(self, place: int, found: list[Named]) -> list[Named]:
        """Return which values a short number may be: those of the dimension said before it, as in "store 8 and 12"."""
        before = place - 1
        while place - REACH < before >= 0 and (self.texts[before] in _BEFORE_NAMES or self.texts[before].isdecimal()):
            before -= 1
        noun = self.lexicon.find((self.texts[before],)) if before >= 0 else None
        if noun is None or noun.dimension is None:
            return []
        column = self.lexicon.model.dimension(noun.dimension).column
        return [each for each in found if self.lexicon.model.dimension(each.dimension).column == column]

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
