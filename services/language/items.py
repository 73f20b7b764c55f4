"""The words of a question after cutting, with what has been used of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property

from services.language.dates import DateFound
from services.language.lexicon import Noun
from services.language.stretches import Edge
from services.language.values import Named

#: Items between two that belong together, at most; it keeps the time linear in the length of a text.
REACH = 24
_NO_NOUN = Noun()


@dataclass
class Item:
    """A stretch that means something: its kind, meaning and place; `used` says which part of the form took it."""

    kind: str
    value: object
    edge: Edge
    used: str = ""

    @property
    def noun(self) -> Noun:
        """The noun it is; an empty one for other kinds."""
        return self.value if isinstance(self.value, Noun) else _NO_NOUN

    @property
    def named(self) -> tuple[Named, ...]:
        """The values it may name."""
        return self.value if isinstance(self.value, tuple) and self.kind == "value" else ()

    @property
    def date(self) -> DateFound | None:
        """The date it is."""
        return self.value if isinstance(self.value, DateFound) else None

    @property
    def number(self) -> float:
        """The number it is."""
        return float(self.value) if isinstance(self.value, float) else 0.0


@dataclass
class Items:
    """The items in order, signs and fillers left out, and the questions assembly asks about them."""

    rows: list[Item] = field(default_factory=list)

    def free(self, kind: str, meaning: object = None) -> Iterator[int]:
        """Yield the places of unused items of a kind."""
        for place, item in enumerate(self.rows) if kind in self._kinds else ():
            if item.kind == kind and not item.used and (meaning is None or item.value == meaning):
                yield place

    def has(self, *kinds: str) -> bool:
        """Tell whether an item of these kinds is there, used or not."""
        return not self._kinds.isdisjoint(kinds)

    @cached_property
    def _kinds(self) -> set[str]:
        return {item.kind for item in self.rows}

    def turn(self, place: int, kind: str) -> None:
        """Make an item one of another kind."""
        self.rows[place].kind = kind
        self._kinds.add(kind)

    def at(self, place: int) -> Item | None:
        """Return the item at a place, None outside."""
        return self.rows[place] if 0 <= place < len(self.rows) else None

    def kind(self, place: int) -> str:
        """Return the kind of the item at a place, empty outside."""
        item = self.at(place)
        return item.kind if item else ""

    def step(self, place: int, by: int, *over: str) -> int:
        """Return the next place in a direction, items of kinds `over` stepped over."""
        place += by
        while 0 <= place < len(self.rows) and self.rows[place].kind in over:
            place += by
        return place

    def use(self, place: int, part: str) -> Item:
        """Mark an item as used."""
        self.rows[place].used = part
        return self.rows[place]

    def before(self, place: int, wanted: Callable[[Item], bool]) -> int:
        """Return the nearest place to the left, within REACH, for which `wanted` holds, -1 for none."""
        return next((each for each in range(place - 1, max(-1, place - 1 - REACH), -1) if wanted(self.rows[each])), -1)

    def after(self, place: int, wanted: Callable[[Item], bool]) -> int:
        """Return the nearest place to the right, within REACH, for which `wanted` holds, -1 for none."""
        past = min(len(self.rows), place + 1 + REACH)
        return next((each for each in range(place + 1, past) if wanted(self.rows[each])), -1)
