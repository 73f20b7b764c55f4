"""The words dates are said with: one row each."""

from __future__ import annotations

import calendar
import datetime as dt
from collections.abc import Callable, Mapping

from services.language.spans import DAY, Span, day_of, easter, weekday_in
from services.language.tokens import listed

MONTH_WORDS: Mapping[str, int] = {
    **{name.lower(): number for number, name in enumerate(calendar.month_name) if name},
    **{name.lower(): number for number, name in enumerate(calendar.month_abbr) if name},
    "sept": 9,
}
WEEKDAY_WORDS: Mapping[str, int] = {
    **{name.lower(): number for number, name in enumerate(calendar.day_name)},
    **{name.lower(): number for number, name in enumerate(calendar.day_abbr)},
    "tues": 1,
    "weds": 2,
    "thur": 3,
    "thurs": 3,
}
UNIT_WORDS: Mapping[str, str] = {
    word: unit
    for unit, words in {
        "day": "day days",
        "week": "week weeks wk wks",
        "fortnight": "fortnight fortnights",
        "weekend": "weekend weekends",
        "month": "month months mth mths mnth mnths",
        "quarter": "quarter quarters qtr qtrs",
        "half": "half halves",
        "year": "year years yr yrs",
        "decade": "decade decades",
    }.items()
    for word in words.split()
}
PLURAL_UNITS = frozenset(word for word in UNIT_WORDS if word.endswith("s"))
NUMBER_WORDS: Mapping[str, int] = {
    word: number
    for number, word in enumerate(
        listed(
            """zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen
        fifteen sixteen seventeen eighteen nineteen twenty"""
        )
    )
} | {"thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "ninety": 90, "hundred": 100, "dozen": 12}
TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "ninety")
ORDINAL_WORDS: Mapping[str, int] = {
    word: number
    for number, word in enumerate(
        listed(
            """first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth
        fourteenth fifteenth sixteenth seventeenth eighteenth nineteenth twentieth"""
        ),
        start=1,
    )
} | {"opening": 1, "initial": 1, "final": -1, "closing": -1, "penultimate": -2}
ORDINAL_ENDS = ("st", "nd", "rd", "th")
BACK = ("last", "past", "previous", "prior", "prev", "preceding")
HERE = ("this", "current", "present", "ongoing")
AHEAD = ("next", "coming", "upcoming", "following", "forthcoming")
FISCAL = ("fiscal", "financial", "fy")
WHOLE = ("full", "whole", "entire", "complete", "completed", "calendar", "cal")
ROLLING = ("rolling", "trailing", "moving")
TO_DATE: Mapping[str, tuple[str, bool]] = {
    "ytd": ("year", False),
    "mtd": ("month", False),
    "qtd": ("quarter", False),
    "wtd": ("week", False),
    "htd": ("half", False),
    "fytd": ("year", True),
}
TRAILING_YEAR = ("ttm", "ltm")
THROUGH = ("to", "-", "through", "thru", "until", "till", "til", "and")
SEASON_WORDS: Mapping[str, int] = {"spring": 3, "summer": 6, "autumn": 9, "fall": 9, "winter": 12}
PART_WORDS: Mapping[str, int] = {
    word: part
    for part, words in enumerate(("early beginning start begin", "mid middle", "late end"))
    for word in words.split()
}
ALL_TIME = (
    "ever",
    "all time",
    "of all time",
    "all - time",
    "since the beginning",
    "since the start",
    "from the beginning",
    "entire period",
    "whole period",
    "the whole period",
    "the entire period",
    "the full period",
    "since records began",
    "since inception",
    "for all time",
    "all years",
    "all dates",
    "all the data",
    "in all years",
    "over all time",
    "all history",
    "entire history",
    "lifetime to date",
    "since we started",
    "since we opened",
    "since launch",
    "since day one",
    "from day one",
    "since the outset",
    "since we began",
    "since opening",
    "since the very beginning",
)


def _fixed(month: int, day: int) -> Callable[[int], Span]:
    return lambda year: day_of(dt.date(year, month, day))


def _after_easter(days: int, length: int = 1) -> Callable[[int], Span]:
    def find(year: int) -> Span:
        start = easter(year) + days * DAY
        return Span(start, start + length * DAY, "day" if length == 1 else "")

    return find


def _nth_weekday(month: int, weekday: int, number: int, after: int = 0, length: int = 1) -> Callable[[int], Span]:
    def find(year: int) -> Span:
        start = weekday_in(year, month, weekday, number) + after * DAY
        return Span(start, start + length * DAY, "day" if length == 1 else "")

    return find


def _festive(year: int) -> Span:
    return Span(dt.date(year, 11, 1), dt.date(year + 1, 1, 1))


#: Days and seasons with a name: how the name is said -> its range in a year. Signs are tokens of their own.
HOLIDAYS: Mapping[str, Callable[[int], Span]] = {
    name: find
    for names, find in {
        "new year 's day|new years day|new year day": _fixed(1, 1),
        "new year 's eve|new years eve|new year eve|nye": _fixed(12, 31),
        "epiphany|twelfth night|three kings day": _fixed(1, 6),
        "burns night": _fixed(1, 25),
        "valentine 's day|valentines day|valentine day|valentine 's|valentines|st valentine 's day": _fixed(2, 14),
        "st patrick 's day|st patricks day|saint patrick 's day|st . patrick 's day": _fixed(3, 17),
        "april fools day|april fool 's day|april fools ' day": _fixed(4, 1),
        "st george 's day|st georges day": _fixed(4, 23),
        "independence day|fourth of july|4 th of july": _fixed(7, 4),
        "halloween|hallowe ' en": _fixed(10, 31),
        "bonfire night|guy fawkes night|guy fawkes day|guy fawkes": _fixed(11, 5),
        "singles day|singles ' day|single 's day": _fixed(11, 11),
        "veterans day|remembrance day|armistice day": _fixed(11, 11),
        "christmas eve|xmas eve": _fixed(12, 24),
        "christmas|christmas day|xmas|xmas day|x - mas": _fixed(12, 25),
        "boxing day": _fixed(12, 26),
        "shrove tuesday|pancake day|mardi gras": _after_easter(-47),
        "ash wednesday": _after_easter(-46),
        "mothering sunday|mother 's day|mothers day|mothers ' day": _after_easter(-21),
        "palm sunday": _after_easter(-7),
        "maundy thursday": _after_easter(-3),
        "good friday": _after_easter(-2),
        "easter saturday|holy saturday": _after_easter(-1),
        "easter|easter sunday|easter day": _after_easter(0),
        "easter monday": _after_easter(1),
        "easter weekend": _after_easter(-2, 4),
        "ascension day|ascension": _after_easter(39),
        "whit sunday|whitsun|pentecost": _after_easter(49),
        "whit monday|pentecost monday": _after_easter(50),
        "corpus christi": _after_easter(60),
        "martin luther king day|mlk day": _nth_weekday(1, 0, 3),
        "presidents day|presidents ' day|president 's day": _nth_weekday(2, 0, 3),
        "early may bank holiday|may day bank holiday": _nth_weekday(5, 0, 1),
        "spring bank holiday|late may bank holiday": _nth_weekday(5, 0, -1),
        "memorial day": _nth_weekday(5, 0, -1),
        "father 's day|fathers day|fathers ' day": _nth_weekday(6, 6, 3),
        "august bank holiday|summer bank holiday|late summer bank holiday": _nth_weekday(8, 0, -1),
        "labor day": _nth_weekday(9, 0, 1),
        "columbus day": _nth_weekday(10, 0, 2),
        "thanksgiving|thanksgiving day": _nth_weekday(11, 3, 4),
        "black friday": _nth_weekday(11, 3, 4, after=1),
        "black friday weekend": _nth_weekday(11, 3, 4, after=1, length=4),
        "cyber monday": _nth_weekday(11, 3, 4, after=4),
        "small business saturday": _nth_weekday(11, 3, 4, after=2),
        "christmas season|xmas season|holiday season|festive season|festive period|christmas period|holidays season"
        "|christmas holiday season|christmas trading season|xmas period|holiday shopping season": _festive,
    }.items()
    for name in names.split("|")
}
#: Words that are about time without saying which: a question with them is not read as if they were absent.
VAGUE = frozenset(
    listed(
        """recently lately soon few several some various earlier afterwards later nowadays formerly
        season seasons period periods date dates time times morning afternoon evening night noon
        midnight hour hours minute minutes second tonight ago half biweekly bimonthly semester
        semesters trimester century centuries eve"""
    )
)
#: Words of the vocabulary that a misspelt word may stand for.
SPELLABLE = tuple(
    sorted(
        {
            word
            for words in (MONTH_WORDS, WEEKDAY_WORDS, UNIT_WORDS, ORDINAL_WORDS, SEASON_WORDS, NUMBER_WORDS)
            for word in words
            if len(word) > 3
        }
        | {*BACK, "this", "current", "next", "following", "fiscal", "financial", "yesterday", "today", "tomorrow"}
        | {"christmas", "easter", "halloween", "thanksgiving", "since", "until", "before", "after", "between"}
        | {"rolling", "trailing", "year", "date", "through", "early", "late", "beginning", "friday", "valentines"}
    )
)
#: Common words that look like one of the vocabulary and are not.
NEVER_MISSPELT = frozenset(
    listed(
        """sales sale dates data day daily weekly monthly quarterly yearly annual march may made many
        mean means past part parts mark marks lost list lists least best rest west test cost most
        must just jury judge tune june july fast cast east vast near dear bear hear wear tear gear
        fear years years' that than then them they their there these those the thin think thing
        things thank what when where which while whit white with will well were went want wants over
        other others under order orders cover money honey many monkey weak seek peek geek leek reek
        wee work works world word words hold half hall calf help hour hours house tours yours four
        for form from fourth forth five fine fire file fix fit six sex sit set seven even ever every
        never eight right night light might sight tight weight height nine none nice mine line wine
        ten tin tan pen pot one once only ones own won two too top tow ton three tree free late rate
        rates gate date plate slate lately earlier earliest largest last latest later least less
        lest let less first fist firm sunny sundry second seconds third bird girl spring string
        sprint summer hummer winter printer winner autumn full fall call ball tall wall fell follow
        follows hollow next text net new news now not note customer customers country countries
        product products price prices quality quantity quarrel quart since sine science hence after
        alter afters before begin being between because start star stars part market markets made
        rolling ruling polling trading trailing training holding mother fathers father brother month
        mouth moth math maths north south teen team tea ream year ear early pearl yearly clearly
        nearly daisy dairy diary dais bays boys days pays ways says lays rays hays bars cars dots
        lots units until unit unite united anti germany end and any send bend fend mend lend tend
        ended late later daily dolly many friend friends fried sundays saturdays brown frame flame
        through though thought tough rough trough enough tray today toy party pretty easter eastern
        master faster poster costar taster holder tender render slender sender gender october
        december november september august april january february"""
    )
)
