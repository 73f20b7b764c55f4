"""Moving averages: how many buckets of which unit they go over."""

from __future__ import annotations

from collections.abc import Sequence

from services.language import date_words

AVERAGES = ("average", "avg", "mean")
_MOVING = (
    ("n", "u", ("moving", "rolling", "trailing"), AVERAGES),
    (("moving", "rolling", "trailing"), "n", "u", AVERAGES),
    (("moving", "rolling", "trailing"), AVERAGES, ("over", "with", "using", "across", "for"), "n", "u"),
    (("moving", "rolling", "trailing"), AVERAGES, "n", "u"),
    (("moving", "rolling", "trailing"), AVERAGES, ("(",), "n", "u", (")",)),
)


def _matched(pattern: Sequence[object], said: Sequence[str]) -> tuple[int, str, int] | None:
    """Return the number, the unit and how many words a pattern takes."""
    if len(said) < len(pattern):
        return None
    number, unit = 0, ""
    for part, word in zip(pattern, said, strict=False):
        if part == "n":
            number = int(word) if word.isdecimal() and len(word) < 4 else date_words.NUMBER_WORDS.get(word, 0)
            if not number:
                return None
        elif part == "u":
            unit = date_words.UNIT_WORDS.get(word, "")
            if not unit:
                return None
        elif word not in part:  # type: ignore[operator]
            return None
    return number, unit, len(pattern)


def moving_at(texts: Sequence[str], place: int) -> tuple[int, str, int] | None:
    """Return (number, unit, place after it) of `3 month moving average`, `moving average over 4 weeks` at a place."""
    words = texts[place : place + 10]
    places = [place + step for step, text in enumerate(words) if text not in _BETWEEN]
    said = [texts[each] for each in places]
    for pattern in _MOVING:
        found = _matched(pattern, said)
        if found is not None:
            number, unit, used = found
            return number, unit, places[used - 1] + 1
    return None


_BETWEEN = ("-", "the", "a", "of", "period", "window")
