"""Rules for periods that count from today: `last month`, `past 3 weeks`, `4 months ago`, `year to date`."""

from __future__ import annotations

from collections.abc import Iterator

from services.language import date_words as words
from services.language.date_atoms import month, numbered
from services.language.date_numbers import Unit, count, unit, year
from services.language.date_reader import Reader, rule
from services.language.date_written import cycle, occurrence
from services.language.spans import DAY, MONTHS, Span, add, back_from, day_of, shifted
from services.periods import add_months


@rule
def near(reader: Reader, place: int) -> Iterator[tuple[Span, int]]:
    """Read days by their distance from today, and what has happened so far."""
    today, start = reader.clock.today, reader.skip(place, "the")
    for name, days in (("today", 0), ("now", 0), ("yesterday", -1), ("tomorrow", 1)):
        if reader.word(place) == name:
            yield day_of(today + days * DAY), place + 1
    for name, days in (("day before yesterday", -2), ("day after tomorrow", 2)):
        if (end := reader.phrase(start, name)) > 0:
            yield day_of(today + days * DAY), end
    yield from _same(reader, start)
    if (end := reader.phrase(place, "this time last year")) > 0:
        yield shifted(day_of(today), -1), end


_YEAR_BACK = (
    *("last year", "previous year", "year before", "a year ago", "one year ago"),
    *("a year earlier", "one year earlier", "year earlier", "a year before", "one year before"),
)


def _same(reader: Reader, place: int) -> Iterator[tuple[Span, int]]:
    """Read `same day last year`, `same month a year ago`."""
    if reader.word(place) != "same":
        return
    for found, after in unit(reader, place + 1):
        start = reader.skip(after, "of", "in", "the")
        ends = [reader.phrase(start, tail) for tail in _YEAR_BACK]
        end = max(ends)
        if end < 0 or found.plural or found.name not in ("day", "week", "month", "quarter", "half"):
            continue
        today = reader.clock.today
        if found.name == "week":
            iso = today.isocalendar()
            if (span := reader.clock.week(iso.year - 1, iso.week)) is not None:
                yield span, end
        else:
            yield reader.clock.holding(found.name, add_months(today, -12), fiscal=found.fiscal), end


@rule
def relative(reader: Reader, place: int) -> Iterator[tuple[Span, int]]:
    """Read periods that count from today: `last month`, `past 3 weeks`, `this year`, `next quarter`, `4 months ago`."""
    start = reader.skip(place, "the", "our", "most", "recent") if reader.word(place) != "most" else place
    start = reader.skip(start, "very")
    first = reader.word(start)
    if first == "this" and reader.word(start + 1) == "past":
        start, first = start + 1, "past"
    if first in words.BACK:
        yield from _back(reader, start + 1)
    if first in words.HERE:
        yield from _here(reader, start + 1)
    if first in words.AHEAD:
        yield from _ahead(reader, start + 1)
    yield from _rolling(reader, start)
    yield from _ago(reader, start)
    yield from _tailed(reader, start, first)


def _tailed(reader: Reader, start: int, first: str) -> Iterator[tuple[Span, int]]:
    """Read a unit with words behind it: `the month before last`, `the quarter just gone`, `the week we are in`."""
    for found, after in unit(reader, start):
        if found.plural:
            continue
        for tail in ("before last", "before the last", "but one", "prior to last"):
            if (end := reader.phrase(after, tail)) > 0 and (tail != "but one" or first == "last"):
                yield _unit_back(reader, found, 2), end
        for tail in _GONE:
            if (end := reader.phrase(after, tail)) > 0:
                yield _unit_back(reader, found, 1), end
        for tail in ("before this one", "before this", "before the current one", "before the present one"):
            if (end := reader.phrase(after, tail)) > 0:
                yield _unit_back(reader, found, 1), end
        for tail in ("we are in now", "we are in", "we ' re in now", "we ' re in", "we are now in", "in progress"):
            if (end := reader.phrase(after, tail)) > 0:
                yield reader.clock.holding(found.name, reader.clock.today, fiscal=found.fiscal), end
        if (
            reader.word(start - 1) == "the"
            and reader.word(after) in ("before", "prior")
            and (after == _last_place(reader) or not reader.word(after + 1)[:1].isalnum())
        ):
            yield _unit_back(reader, found, 1), after + 1


#: What follows a unit that is over: "the month that has just closed", "the half we have just finished".
_GONE = tuple(
    f"{lead}just {done}"
    for lead in ("", "that ", "that has ", "which has ", "that ' s ", "we ", "we have ", "we ' ve ", "we had ")
    for done in ("gone", "ended", "finished", "closed", "completed", "passed", "past", "closed out", "wrapped up")
)


def _last_place(reader: Reader) -> int:
    """Return the place of the last word, signs left out."""
    end = len(reader.texts)
    while end and not reader.texts[end - 1].isalnum():
        end -= 1
    return end - 1


def _unit_back(reader: Reader, found: Unit, steps: int) -> Span:
    name, fiscal = found.name, found.fiscal
    clock = reader.clock
    if name == "weekend":
        spans = [clock.holding("weekend", clock.today, back=back) for back in range(-1, 6)]
        finished = [span for span in spans if span.past <= clock.today]
        return finished[steps - 1]
    return clock.holding(name, clock.today, fiscal=fiscal, back=steps)


def _back(reader: Reader, place: int) -> Iterator[tuple[Span, int]]:
    clock = reader.clock
    for found, end in unit(reader, place):
        if not found.plural and found.name != "fortnight":
            if reader.phrase(end, "but one") > 0:
                yield _unit_back(reader, found, 2), end + 2
            elif reader.phrase(end, "to date") < 0 and reader.word(end) != "ytd":
                yield _unit_back(reader, found, 1), end
            else:
                yield from _last_to_date(reader, found, end)
        if found.name == "fortnight" and not found.plural:
            yield _last_units(reader, "week", 2, fiscal=False), end
    for n, after in count(reader, reader.skip(place, *words.WHOLE)):
        for found, end in unit(reader, after):
            if found.name in ("weekend",):
                continue
            if reader.word(end) in ("rolling", "trailing") or reader.phrase(end, "on a rolling basis") > 0:
                tail = end + 1 if reader.word(end) != "on" else end + 4
                yield _trailing(reader, found.name, n), tail
            name, n_ = ("week", 2 * n) if found.name == "fortnight" else (found.name, n)
            yield _last_units(reader, name, n_, fiscal=found.fiscal), end
    for named, end in cycle(reader, place):
        span = named.latest(lambda s: s.past <= clock.today, clock.today)
        if span is not None:
            yield span, end


def _last_units(reader: Reader, name: str, n: int, *, fiscal: bool) -> Span:
    end = reader.clock.start_of(name, reader.clock.today, fiscal=fiscal)
    return Span(back_from(end, name, n), end, name if n == 1 else "", fiscal)


def _last_to_date(reader: Reader, found: Unit, place: int) -> Iterator[tuple[Span, int]]:
    end = place + 1 if reader.word(place) == "ytd" else place + 2
    whole = _unit_back(reader, found, 1)
    yield so_far(reader, whole), end


def so_far(reader: Reader, whole: Span) -> Span:
    """Return a period up to today, an earlier one up to the same point of it."""
    until = reader.clock.today + DAY
    if whole.past <= reader.clock.today:
        current = reader.clock.holding(whole.unit, reader.clock.today, fiscal=whole.fiscal)
        if whole.unit in MONTHS:
            back = (current.first.year - whole.first.year) * 12 + current.first.month - whole.first.month
            until = add_months(reader.clock.today, -back) + DAY
        else:
            until = whole.first + (until - current.first)
    return Span(whole.start, min(until, whole.past), "to_date")


def _here(reader: Reader, place: int) -> Iterator[tuple[Span, int]]:
    clock = reader.clock
    for found, end in unit(reader, place):
        if not found.plural:
            yield clock.holding(found.name, clock.today, fiscal=found.fiscal), end
    for named, end in cycle(reader, place):
        about = named.index(clock.today)
        if (span := occurrence(named, about)) is not None:
            yield span, end


def _ahead(reader: Reader, place: int) -> Iterator[tuple[Span, int]]:
    clock = reader.clock
    for found, end in unit(reader, place):
        if not found.plural:
            yield clock.holding(found.name, clock.today, fiscal=found.fiscal, back=-1), end
    for n, after in count(reader, reader.skip(place, *words.WHOLE)):
        for found, end in unit(reader, after):
            if found.name != "weekend":
                start = clock.holding(found.name, clock.today, fiscal=found.fiscal, back=-1).first
                yield Span(start, add(start, found.name, n)), end
    for named, end in cycle(reader, place):
        if (span := named.earliest(lambda s: s.first > clock.today, clock.today)) is not None:
            yield span, end


def _trailing(reader: Reader, name: str, n: int) -> Span:
    end = reader.clock.today + DAY
    return Span(back_from(end, name, n), end, "trailing")


def _rolling(reader: Reader, place: int) -> Iterator[tuple[Span, int]]:
    """Read `rolling 12 months`, `trailing year`, `12 month rolling`, `TTM`, `L3M`."""
    if reader.word(place) in words.TRAILING_YEAR:
        yield _trailing(reader, "month", 12), place + 1
    if reader.word(place) in ("l", "r", "t") and (n := reader.number(place + 1, (1, 2))) and reader.glued(place + 1):
        names = {"m": "month", "w": "week", "d": "day", "q": "quarter"}
        if reader.word(place + 2) in names and reader.glued(place + 2):
            yield _trailing(reader, names[reader.word(place + 2)], n), place + 3
    if reader.word(place) in words.ROLLING:
        start = reader.skip(place + 1, *words.BACK)
        for n, after in count(reader, start):
            for found, end in unit(reader, after):
                yield _trailing(reader, found.name, n), end
        for found, end in unit(reader, start):
            if not found.plural:
                yield _trailing(reader, found.name, 1), end
    for n, after in count(reader, place):
        for found, end in unit(reader, after):
            if reader.word(end) in ("rolling", "trailing"):
                yield _trailing(reader, found.name, n), end + 1


def _ago(reader: Reader, place: int) -> Iterator[tuple[Span, int]]:
    """Read `4 months ago`, `two quarters back`, `a year ago`."""
    numbers = list(count(reader, place))
    single = reader.word(place) in ("a", "an", "one")
    if reader.word(place) in ("a", "an"):
        numbers.append((1, place + 1))
    for n, after in numbers:
        for found, end in unit(reader, after):
            if reader.word(end) not in ("ago", "back") or found.name == "weekend":
                continue
            tail = reader.skip(end + 1, "today") if found.name == "year" else end + 1
            if found.name == "year" and (single or tail > end + 1):
                yield shifted(day_of(reader.clock.today), -n), tail
            else:
                name, steps = ("week", 2 * n) if found.name == "fortnight" else (found.name, n)
                yield reader.clock.holding(name, reader.clock.today, fiscal=found.fiscal, back=steps), end + 1


@rule
def to_date(reader: Reader, place: int) -> Iterator[tuple[Span, int]]:
    """Read `YTD`, `quarter to date`, `this year so far`, `so far this month`, `2011 to date`, `YTD 2010`."""
    clock, start = reader.clock, reader.skip(place, "the")
    if (abbreviated := words.TO_DATE.get(reader.word(start))) is not None:
        name, fiscal = abbreviated
        yield so_far(reader, clock.holding(name, clock.today, fiscal=fiscal)), start + 1
        for whole, end in (*year(reader, start + 1), *relative(reader, start + 1)):
            if whole.unit == name:
                yield so_far(reader, whole), end
    if (after := reader.phrase(start, "so far")) > 0:
        place_in = reader.skip(after, "in", "during", "for", "of")
        for whole, end in (*relative(reader, place_in), *year(reader, place_in)):
            if whole.first <= clock.today < whole.past:
                yield so_far(reader, whole), end
    for whole, after in _begun(reader, place):
        for tail in ("to date", "so far", "ytd", "year to date"):
            end = reader.phrase(after, tail)
            if end > 0 and whole.unit in ("week", "month", "quarter", "half", "year") and whole.first <= clock.today:
                yield so_far(reader, whole), end


def _begun(reader: Reader, place: int) -> Iterator[tuple[Span, int]]:
    """Read what may be followed by "to date"."""
    clock = reader.clock
    yield from relative(reader, place)
    yield from year(reader, place)
    for found, after in unit(reader, reader.skip(place, "the")):
        if not found.plural and found.name not in ("day", "weekend"):
            yield clock.holding(found.name, clock.today, fiscal=found.fiscal), after
    for named, after in (*month(reader, place), *numbered(reader, place)):
        if (span := named.begun(clock.today)) is not None and clock.today < span.past:
            yield span, after
