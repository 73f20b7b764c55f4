"""Misspelt and shortened words -> the word of the vocabulary they most likely stand for."""

from __future__ import annotations

from collections.abc import Sequence

from rapidfuzz import process
from rapidfuzz.distance import OSA

from services.language import date_words
from services.language.asides import OCCASIONS
from services.language.date_reader import SHORTHAND, VOCABULARY
from services.language.demonyms import country_of
from services.language.fillers import CURRENCY_WORDS, NUMBER_SCALES
from services.language.foreign import FOREIGN
from services.language.function_words import function_vocabulary, second_words
from services.language.lexicon import Lexicon, Noun
from services.language.stems import plural, stem
from services.language.tokens import Token
from services.language.values import ValueIndex

_VOWELS = frozenset("aeiouy")


class Spelling:
    """The spelling of the words of one model and its data."""

    def __init__(self, lexicon: Lexicon, index: ValueIndex) -> None:
        self.lexicon, self.index = lexicon, index

    def mended(self, written: Sequence[Token], place: int) -> str | None:
        """Return what the token at a place is taken for, None where it is right or nobody knows."""
        token = written[place]
        text, before = token.text, written[place - 1] if place else None
        if text in SHORTHAND and not self.known(text):
            return SHORTHAND[text]
        measured = token.glued and before is not None and before.is_number
        if len(text) < 3 or not token.is_word or self.known(text) or measured:
            return None
        begun = self._after(before.text, text) if before else None
        return begun or self._shortened(text) or self._adjective(text) or self._nearest(text)

    def known(self, word: str) -> bool:
        """Tell whether a word is of the model, the data, or the English around a query."""
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

    def _after(self, before: str, word: str) -> str | None:
        """Return the word of a phrase that was begun and this is short for: "how mny"."""
        seconds = second_words().get(before, ())
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
        if bare and (meant := [each for each in _CLIPPED if _consonants(each) == word]):
            return meant[0] if len(meant) == 1 else None
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


#: Words of ranking that people write without vowels, and those they must not be taken for.
_CLIPPED = ("best", "most", "worst", "highest", "lowest", "largest", "biggest", "bottom", "least", "last", "list")


def _consonants(word: str) -> str:
    return "".join(letter for letter in word if letter not in _VOWELS)


def _derived(word: str, near: str) -> bool:
    """Tell whether two words differ in their endings only: a pharmacist is no misspelt pharmacy."""
    same = next((place for place, pair in enumerate(zip(word, near, strict=False)) if pair[0] != pair[1]), len(word))
    return same >= 5 and same >= len(word) - 3


def _inside(short: str, long: str) -> bool:
    """Tell whether a word is another less some letters."""
    letters = iter(long)
    return len(short) < len(long) and all(letter in letters for letter in short)
