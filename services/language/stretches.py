"""Stretches of a question and what they are worth, and what a word is by those around it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from services.language.date_reader import VOCABULARY
from services.language.foreign import COMMANDS, FOREIGN, MEANT
from services.language.function_words import function_vocabulary, function_words
from services.language.lexicon import Lexicon
from services.language.spelling import Spelling
from services.language.stems import stem
from services.language.tokens import Token, listed
from services.language.values import ValueIndex

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


@dataclass(frozen=True)
class Edge:
    """Tokens `first` to before `past` as a word of some kind; `score` is what the stretch adds to a reading."""

    kind: str
    value: object
    first: int
    past: int
    score: float
    mended: int = 0


#: Words of politeness before an order, at most.
MOST_POLITE = 5
#: Verbs of leaving out and what stands behind that which they leave out: "strip the UK out", "leave postage aside".
LEAVING = frozenset(
    listed(
        """take takes taking took leave leaves leaving left strip stripping keep keeping filter filtering cut cutting
        knock knocking throw throwing put putting set setting screen screening weed net netting pull pulling factor"""
    )
)
PARTICLES = frozenset(("out", "aside", "off", "away"))
_BEFORE_ADJECTIVES = frozenset(listed("how so too very more most the a"))
_POLITE = frozenset(
    listed(
        """please pls kindly could can you would i we d want need like to hello hi hey just may might someone somebody
        anyone me us for ' , and then now quickly morning good dear team s let ll be able so ok okay"""
    )
)
_AFTER_ORDERS = frozenset(listed("the our my me us all every each total what which how these those both"))
_WHOSE = frozenset(listed("the our my their your most more much least less biggest largest total overall all"))
_DUTY = frozenset(listed("have had has need needed got get able manage managed"))
_DID = frozenset(listed("did do does have had could can would"))
SUBJECTS = frozenset(listed("we they i you"))


class Stretches:
    """The words of a question: as written, put right, and told apart by what stands beside them."""

    text: str
    written: Sequence[Token]
    texts: list[str]
    mended: dict[int, str]
    lexicon: Lexicon
    index: ValueIndex
    spelling: Spelling

    def _mends(self, first: int, past: int) -> int:
        return sum(place in self.mended for place in range(first, past))

    def _edge(self, kind: str, value: object, first: int, past: int, worth: str, more: float = 0.0) -> Edge:
        size, mends = past - first, self._mends(first, past)
        score = WORTH[worth] * size + LONGER * (size - 1) + more - 0.9 * mends
        return Edge(kind, value, first, past, score, mends)

    def _capitals(self, place: int) -> bool:
        """Tell whether a word is written in capitals: sales to the US, not to us."""
        token = self.written[place]
        return self.text[token.start : token.end].isupper()

    def _trade(self, place: int) -> bool:
        """Tell whether "business" is what is sold at large, as in "our Norwegian business", not a kind of customer."""
        if self.texts[place] not in ("business", "trade", "trading"):
            return False
        following = self.texts[place + 1] if place + 1 < len(self.texts) else ""
        named = self.lexicon.find((following,)) is not None
        english = following in function_vocabulary() or following in VOCABULARY
        ends = not following or not following[0].isalnum() or (english and not named)
        before = self.texts[place - 1] if place else ""
        return ends and (before in _WHOSE or bool(before and self.index.exact((before,))))

    def _parted(self, place: int) -> bool:
        """Tell whether a word is a verb of leaving out whose particle comes later: "strip the UK out"."""
        return self.texts[place] in LEAVING and not PARTICLES.isdisjoint(self.texts[place + 1 : place + 9])

    def _ordered(self, place: int) -> bool:
        """Tell whether the first word is an order to the reader that no list has: "Kindly state the turnover"."""
        if place > MOST_POLITE or not all(text in _POLITE for text in self.texts[:place]):
            return False
        word, following = self.texts[place], self.texts[place + 1 : place + 2]
        known = stem(word) in self.lexicon.spoken or word in function_words() or word in COMMANDS
        return not known and not self.index.exact((word,)) and following != [] and following[0] in _AFTER_ORDERS

    def _done(self, place: int) -> bool:
        """Tell whether a word is what somebody did, whatever else it may be: "did we book"."""
        before = self.texts[max(0, place - 2) : place]
        asked = len(before) == 2 and before[1] in SUBJECTS and before[0] in _DID
        asked |= len(before) == 2 and before[1] == "to" and before[0] in _DUTY and place > 2
        return asked and self._content(place) and self.texts[place] not in (MEANT | FOREIGN)

    def _verb(self, place: int) -> bool:
        """Tell whether a word looks like a verb that only links others: after a noun, before no noun of the model."""
        word = self.texts[place]
        if len(word) < 5 or not word.endswith(("ed", "ing")) or word in MEANT or self.spelling.known(word):
            return False
        following = self.texts[place + 1 : place + 2]
        links = not following or following[0] in function_words() or following[0] in VOCABULARY
        asked = place > 0 and self.texts[place - 1] in _BEFORE_ADJECTIVES
        return bool(place) and links and not asked and self.text[self.written[place].start].islower()

    def _content(self, place: int) -> bool:
        text = self.texts[place]
        return text[0].isalnum() and text not in function_words() and (len(text) > 1 or text.isdecimal())
