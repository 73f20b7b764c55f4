"""Days of the week that a question is held to: "on weekends", "orders on Mondays", "average Saturday revenue"."""

from __future__ import annotations

import calendar
import itertools
from collections.abc import Mapping, Sequence

from services.language.date_words import WEEKDAY_WORDS
from services.language.draft import Draft
from services.language.forms import Condition
from services.language.tokens import listed

#: The part of the time that holds the day of the week, 1 for Monday, in queries.
WEEKDAY = "weekday"
_WORKING, _WEEKEND = (1, 2, 3, 4, 5), (6, 7)
_GROUPS: Mapping[tuple[str, ...], tuple[int, ...]] = {
    ("weekends",): _WEEKEND,
    ("weekends", "only"): _WEEKEND,
    **{(lead, "weekends"): _WEEKEND for lead in ("on", "at", "during", "only", "just")},
    **{(lead, "the", "weekends"): _WEEKEND for lead in ("on", "at", "over", "during")},
    **{
        (lead, *words): _WORKING
        for lead in ("on", "during", "only", "just")
        for words in (("weekdays",), ("working", "days"), ("business", "days"), ("workdays",), ("week", "days"))
    },
    ("weekdays", "only"): _WORKING,
}
_LEADS = frozenset(listed("on every each all only just any"))
_MEANS = frozenset(listed("average typical mean avg usual normal"))
#: What "weekend revenue" may follow; "last weekend" is a date.
_BEFORE_WEEKEND = frozenset(listed("our total average typical mean of is was and show give me compare show what"))


def days_at(texts: Sequence[str], place: int) -> tuple[tuple[int, ...], int] | None:
    """Return the days of the week named at a place and the place after them: "on Mondays", "every Friday"."""
    for size in (3, 2, 1):
        words = tuple(texts[place : place + size])
        if words in _GROUPS:
            return _GROUPS[words], place + len(words)
    if texts[place] == "weekend" and (not place or texts[place - 1] in _BEFORE_WEEKEND):
        return _WEEKEND, place + 1
    first = place + 1 if texts[place] in _LEADS else place
    if texts[first : first + 1] == []:
        return None
    if texts[first].endswith("days") and (many := WEEKDAY_WORDS.get(texts[first][:-1])) is not None:
        return (many + 1,), first + 1
    one = WEEKDAY_WORDS.get(texts[first])
    again = texts[place] in ("every", "each") and first > place
    meant = place > 0 and texts[place - 1] in _MEANS
    if one is None or not (again or meant):
        return None
    days, past = [one + 1], first + 1
    while texts[past : past + 1] in (["and"], ["or"], [","]) and (more := _singular(texts, past + 1)) is not None:
        days, past = [*days, more + 1], past + 2
    return tuple(days), past


def _singular(texts: Sequence[str], place: int) -> int | None:
    return WEEKDAY_WORDS.get(texts[place]) if place < len(texts) else None


def read(draft: Draft) -> None:
    """Turn days into a condition; several named apart are set side by side, a mean of them is one per day."""
    items = draft.items
    places = list(items.free("days"))
    if not places:
        return
    named = [day for place in places for day in items.rows[place].value if isinstance(day, int)]  # type: ignore[attr-defined]
    against = items.has("versus", "compare") and len(places) > 1
    if against and len(named) > len(places):
        draft.faults.append(("unsupported_analysis", "weekday"))
    for place in places:
        items.use(place, "condition")
    left_out = [place for place in places if items.kind(items.step(place, -1, "to")) == "not"]
    for place in left_out:
        items.use(items.step(place, -1, "to"), "condition")
    joints = (items.kind(items.step(left, 1, "to")) for left, _ in itertools.pairwise(places))
    joined = all(joint in ("and", "or", "versus") for joint in joints)
    if not joined or (left_out and places[0] not in left_out):
        draft.doubt("lost")
    days = sorted(dict.fromkeys(named))
    labels = tuple(calendar.day_name[day - 1] for day in days)
    draft.conditions.append(Condition(WEEKDAY, "not_in" if left_out else "in", tuple(map(str, days)), labels))
    if against:
        for row in items.rows:
            row.used = row.used or ("comparison" if row.kind in ("versus", "compare") else "")
        draft.grain = "day_of_week"
    elif items.has("average") and not items.has("grain", "unit"):
        draft.grain = "day"
