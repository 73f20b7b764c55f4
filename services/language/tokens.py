"""Text -> tokens: words, numbers and signs with their places in the text."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import cached_property

_PIECE = re.compile(r"'s\b|[^\W\d_]+|\d+|[^\w\s]|_")
#: Written signs taken for plain ones before reading.
_PLAIN = str.maketrans({"’": "'", "‘": "'", "`": "'", "“": '"', "”": '"', "–": "-", "—": "-", "−": "-", "\u00a0": " "})


@dataclass(frozen=True)
class Token:
    """A word, a number or a sign: case folded, without accents; `start` and `end` are its place in the text."""

    text: str
    start: int
    end: int
    glued: bool

    @cached_property
    def is_number(self) -> bool:
        """True for a run of plain digits."""
        return self.text.isdecimal() and self.text.isascii()

    @cached_property
    def is_word(self) -> bool:
        """True for a run of letters."""
        return self.text.isalpha()


def fold(text: str) -> str:
    """Return the text in lower case and without accents, of the same length where letters allow it."""
    plain = text.translate(_PLAIN)
    if plain.isascii():
        return plain.lower()
    letters = (unicodedata.normalize("NFD", letter)[:1] or letter for letter in plain)
    return "".join(letter if len(lowered := letter.lower()) != 1 else lowered for letter in letters)


def tokenize(text: str) -> tuple[Token, ...]:
    """Return the tokens of a text; time and memory are linear in its length."""
    found, last = [], -1
    for match in _PIECE.finditer(fold(text)):
        found.append(Token(match[0], match.start(), match.end(), match.start() == last))
        last = match.end()
    return tuple(found)


def words_of(text: str) -> tuple[str, ...]:
    """Return the words and numbers of a text, signs left out."""
    return tuple(piece for piece in _PIECE.findall(fold(text)) if piece[0].isalnum())


def listed(words: str) -> tuple[str, ...]:
    """Return the words of a table row that is written as running text."""
    return tuple(words.split())
