"""Texts to values: DuckDB SQL that types a column by a recipe's `Typing`, strictly.

A text either gives exactly one value or is unparseable; nothing is guessed row by row. The SQL holds its constants
as literals, `%` and `:` among them: run it as it is, not as a statement with parameters in those styles.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from services.errors import LoadError
from services.intake import currencies
from services.model import ColumnType
from services.recipe import Typing
from services.sqltext import text_of

#: What may stand around a text without belonging to it: all of Unicode's blanks, zero-width ones and the BOM.
BLANKS = (
    "".join(
        chr(code)
        for code in (*range(9, 14), *range(28, 33), 0x85, 0xA0, 0x1680, *range(0x2000, 0x200C), 0x2028, 0x2029)
    )
    + "\u202f\u205f\u2060\u3000\ufeff"
)
#: Texts that neither begin nor end with a blank, as most are; others are looked at closely.
UNTOUCHED = "'^[!-~](.*[!-~])?$'"
#: Other forms of minus, blank and apostrophe in numbers, and their plain ones.
VARIANTS, PLAINLY = "\u2212\u2013\ufe63\uff0d\u00a0\u2009\u202f\u2019", "----   '"
THOUSANDS = {"": "", ",": ",", ".": r"\.", " ": " ", "'": "'"}
DECIMALS = {".": r"\.", ",": ","}
SQL_NAMES = {
    ColumnType.TEXT: "VARCHAR",
    ColumnType.TIME: "TIMESTAMP",
    ColumnType.INTEGER: "BIGINT",
    ColumnType.NUMBER: "DOUBLE",
    ColumnType.MONEY: "DECIMAL(18, 4)",
}
#: Directives a date format may use and the texts they take. DuckDB alone takes "2011013" for %Y%m%d.
DIRECTIVES = {
    "%Y": "[0-9]{4}",
    "%y": "[0-9]{2}",
    "%m": "[0-9]{1,2}",
    "%d": "[0-9]{1,2}",
    "%b": "[A-Za-z]{3}",
    "%B": "[A-Za-z]{3,9}",
    "%a": "[A-Za-z]{3}",
    "%A": "[A-Za-z]{6,9}",
    "%j": "[0-9]{3}",
    "%H": "[0-9]{1,2}",
    "%I": "[0-9]{1,2}",
    "%M": "[0-9]{2}",
    "%S": "[0-9]{2}",
    "%f": "[0-9]{1,6}",
    "%n": "[0-9]{1,9}",
    "%p": "[AaPp][Mm]",
}
ZONE = r"\s?(?:Z|UTC|GMT|[+-][0-9]{2}(?::?[0-9]{2})?)$"


def value_sql(column: str, typing: Typing, source: ColumnType = ColumnType.TEXT) -> str:
    """Return SQL of the value of `column` (SQL, such as a quoted name) as `typing` says; NULL for none.

    `source` is the type the staged column already has. One that is typed as wanted is taken as it is; another is
    written out as text and read by the same rules (20110131 as a date, 17850.0 as a whole number).
    """
    if source is typing.type and source is not ColumnType.TEXT:
        return _taken(column, source)
    return _value(column, typing, source)


def unparseable_sql(column: str, typing: Typing, source: ColumnType = ColumnType.TEXT) -> str:
    """Return an SQL condition, never NULL: something was given, it is no mark of a missing value, and gave none."""
    value = value_sql(column, typing, source)
    return f"({given_sql(column, typing, source)} IS NOT NULL AND {value} IS NULL)"


def given_sql(column: str, typing: Typing, source: ColumnType = ColumnType.TEXT) -> str:
    """Return SQL of the trimmed text of a column; NULL when it is blank or a mark of a missing value."""
    return _given(_trimmed(column, source), typing)


EXPECTED = {
    ColumnType.TEXT: "a text",
    ColumnType.TIME: "a date",
    ColumnType.INTEGER: "a whole number",
    ColumnType.NUMBER: "a number",
    ColumnType.MONEY: "an amount",
}


def expected(typing: Typing) -> str:
    """Return words for what a text must be, such as "a date (%d/%m/%Y)" or "a number (1.234,5)"."""
    words = EXPECTED[typing.type]
    if typing.type is ColumnType.TIME:
        return f"{words} ({' or '.join(typing.formats)})" if typing.formats else words
    if typing.type is ColumnType.TEXT or (typing.decimal == "." and not typing.thousands and not typing.percent):
        return words
    example = f"1{typing.thousands}234" + ("" if typing.type is ColumnType.INTEGER else f"{typing.decimal}5")
    return f"{words} ({example}{'%' if typing.percent else ''})"


def check(typing: Typing) -> None:
    """Raise LoadError when a format of `typing` has a part that is not known, or one mark means two things."""
    if typing.decimal == typing.thousands:
        raise LoadError(f"{typing.decimal!r} cannot be both the decimal and the thousands separator.")
    for text in typing.formats:
        if text not in NAMED:
            _shape(text)


def _quoted(text: str) -> str:
    return f"'{text_of(text)}'"


def _taken(column: str, source: ColumnType) -> str:
    value = f"try_cast({column} AS {SQL_NAMES[source]})"
    return f"(CASE WHEN isfinite({column}) THEN {value} END)" if source is ColumnType.NUMBER else value


def _trimmed(column: str, source: ColumnType) -> str:
    """Return SQL of the text without blanks around it; NULL when nothing is left, or for a float that is none."""
    if source is ColumnType.TEXT:
        # To trim many kinds of blanks takes DuckDB twenty times as long as to see that there is none.
        return f"(CASE WHEN regexp_matches({column}, {UNTOUCHED}) THEN {column} ELSE {_without_blanks(column)} END)"
    text = f"CAST({column} AS VARCHAR)"
    return f"nullif({text}, 'nan')" if source is ColumnType.NUMBER else text


def _without_blanks(column: str) -> str:
    return f"nullif(trim({column}, {_quoted(BLANKS)}), '')"


def _given(text: str, typing: Typing) -> str:
    if not typing.missing:
        return text
    marks = ", ".join(_quoted(mark) for mark in typing.missing)
    return f"(CASE WHEN {text} NOT IN ({marks}) THEN {text} END)"


def _value(column: str, typing: Typing, source: ColumnType) -> str:
    text = _given(_trimmed(column, source), typing)
    if typing.type is ColumnType.TEXT:
        return text
    if typing.type is ColumnType.TIME:
        return _time(text, typing)
    marked = any(mark.strip("-.0123456789") == "" for mark in typing.missing)
    return _number(text if marked or source is not ColumnType.TEXT else column, text, typing)


def _time(text: str, typing: Typing) -> str:
    """Return the first format's value that gives one, with years from 1000 on."""
    formats = typing.formats or ("%Y-%m-%d", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S")
    tried = [NAMED[name](text) if name in NAMED else _strptime(text, name) for name in formats]
    return tried[0] if len(tried) == 1 else f"coalesce({', '.join(tried)})"


def _strptime(text: str, wanted: str) -> str:
    """Return SQL of a time by a strptime format; a zone at its end is read over: times are those of the shop."""
    zoned = wanted.endswith("%z")
    shape = f"^{_shape(wanted.removesuffix('%z').rstrip())}{ZONE if zoned else '$'}"
    bare = f"regexp_replace({text}, {_quoted(ZONE)}, '')" if zoned else text
    plain = wanted.removesuffix("%z").rstrip()
    return (
        f"CASE WHEN regexp_matches({text}, {_quoted(shape)}) "
        f"THEN CAST(try_strptime({bare}, {_quoted(plain)}) AS TIMESTAMP) END"
    )


def _shape(wanted: str) -> str:
    """Return the regular expression of the texts a format takes; digits side by side must be complete."""
    parts = re.findall(r"%-?.|[^%]+|%$", wanted)
    shape = []
    for number, part in enumerate(parts):
        if not part.startswith("%"):
            shape.append(re.escape(part))
            continue
        if part.replace("-", "") not in DIRECTIVES:
            raise LoadError(
                f"The date format {wanted!r} has the part {part!r}, which is not known. Allowed: "
                f"{', '.join(DIRECTIVES)}, %z at the end, or one of the names {', '.join(NAMED)}."
            )
        found = DIRECTIVES[part.replace("-", "")]
        neighbours = parts[max(number - 1, 0) : number] + parts[number + 1 : number + 2]
        crowded = any(each.startswith("%") for each in neighbours)
        shape.append(found.replace("{1,2}", "{2}") if crowded else found)
    return "".join(shape)


def _part(text: str, pattern: str, group: int) -> str:
    return f"try_cast(regexp_extract({text}, {_quoted(pattern)}, {group}) AS INTEGER)"


def _date(year: str, month: str, day: str = "1") -> str:
    return f"CASE WHEN {year} >= 1000 THEN make_timestamp({year}, {month}, {day}, 0, 0, 0) END"


def _year(text: str) -> str:
    return _date(_part(text, r"^([0-9]{4})(?:\.0+)?$", 1), "1")


QUARTER_LAST = r"^([0-9]{4})[-/. ]?[QqTt]([1-4])$"
QUARTER_FIRST = r"^(?:[QqTt]([1-4])|([1-4])[QqTt])[-/. ]?([0-9]{4})$"


def _quarter(text: str) -> str:
    """Return the first day of "2018-Q1", "2018Q1", "Q1 2018", "1Q2018" (T in Romance languages)."""
    year = f"coalesce({_part(text, QUARTER_LAST, 1)}, {_part(text, QUARTER_FIRST, 3)})"
    found = (_part(text, QUARTER_LAST, 2), _part(text, QUARTER_FIRST, 1), _part(text, QUARTER_FIRST, 2))
    return f"CASE WHEN {year} >= 1000 THEN make_timestamp({year}, coalesce({', '.join(found)}) * 3 - 2, 1, 0, 0, 0) END"


WEEK_LAST = r"^([0-9]{4})[-/. ]?(?:[Ww]|KW|[Ww]eek) ?([0-9]{1,2})$"
WEEK_FIRST = r"^(?:[Ww]|KW|[Ww]eek) ?([0-9]{1,2})[-/. ]([0-9]{4})$"


def _week(text: str) -> str:
    """Return the Monday of the ISO week "2018-W05", "2018W5", "W05 2018", "KW 5/2018"."""
    year = f"coalesce({_part(text, WEEK_LAST, 1)}, {_part(text, WEEK_FIRST, 2)})"
    week = f"coalesce({_part(text, WEEK_LAST, 2)}, {_part(text, WEEK_FIRST, 1)})"
    monday = f"(date_trunc('week', make_date({year}, 1, 4)) + to_days(7 * ({week} - 1)))"
    sound = f"{year} >= 1000 AND {week} BETWEEN 1 AND 53 AND isoyear({monday}) = {year}"
    return f"CASE WHEN {sound} THEN CAST({monday} AS TIMESTAMP) END"


def _excel(text: str) -> str:
    """Return the time of a spreadsheet's day number, to the millisecond."""
    number = f"try_cast(replace({text}, ',', '.') AS DOUBLE)"
    days = f"(CASE WHEN regexp_matches({text}, '^[0-9]{{1,7}}([.,][0-9]+)?$') THEN {number} END)"
    stamp = f"TIMESTAMP '1899-12-30' + to_milliseconds(CAST(round({days} * 86400000) AS BIGINT))"
    return f"CASE WHEN {days} >= 1 AND {days} < 2958466 THEN {stamp} END"


#: Formats that strptime cannot say.
NAMED: dict[str, Callable[[str], str]] = {"year": _year, "quarter": _quarter, "week": _week, "excel": _excel}
PLAIN = {ColumnType.INTEGER: "^-?[0-9]{1,18}$", ColumnType.NUMBER: r"^-?[0-9]{1,15}(\.[0-9]+)?$"}


def _number(quick: str, text: str, typing: Typing) -> str:
    """Return SQL of a number; the many plain ones go a short way, by the text `quick`."""
    name = SQL_NAMES[ColumnType.NUMBER if typing.percent else typing.type]
    slow = _finite(f"try_cast({_digits(text, typing)} AS {name})", name)
    plain = PLAIN.get(typing.type, PLAIN[ColumnType.NUMBER])
    if typing.decimal == "," and typing.type is not ColumnType.INTEGER:
        plain = PLAIN[ColumnType.INTEGER]
    value = f"CASE WHEN regexp_matches({quick}, {_quoted(plain)}) THEN try_cast({quick} AS {name}) ELSE {slow} END"
    return f"(({value}) / 100)" if typing.percent else f"({value})"


def _finite(value: str, name: str) -> str:
    return f"(CASE WHEN isfinite({value}) THEN {value} END)" if name == "DOUBLE" else value


def _digits(text: str, typing: Typing) -> str:
    """Return SQL of the number as SQL writes it, such as -1234.5; NULL when the text is no number."""
    bare = f"translate({text}, {_quoted(VARIANTS)}, {_quoted(PLAINLY)})"
    for pattern in _beside(typing):
        bare = f"regexp_replace({bare}, {_quoted(pattern)}, '\\1', 'i')"
    marks = r"^[-+(]\s*|\s*[-)]$" + (f"|{THOUSANDS[typing.thousands]}" if typing.thousands else "")
    if typing.type is ColumnType.INTEGER:
        marks += f"|{DECIMALS[typing.decimal]}0*$"
    number = f"replace(regexp_replace({bare}, {_quoted(marks)}, '', 'g'), ',', '.')"
    sign = f"CASE WHEN regexp_matches({bare}, '^[-(]|-$') THEN '-' ELSE '' END"
    return f"CASE WHEN regexp_matches({bare}, {_quoted(_shape_of_number(typing))}) THEN {sign} || {number} END"


def _shape_of_number(typing: Typing) -> str:
    body = _body(typing)
    return rf"^(?:[-+]?\s?{body}|\(\s*{body}\s*\)|{body}\s?-)$"


def looks_like(text: str, typing: Typing) -> bool:
    """Tell, without a database, whether a text is written as a number of this kind (it may yet be too large)."""
    bare = text.translate(str.maketrans(VARIANTS, PLAINLY))
    for pattern in _beside(typing):
        bare = re.sub(pattern, r"\1", bare, count=1, flags=re.IGNORECASE)
    return re.search(_shape_of_number(typing), bare) is not None


def _beside(typing: Typing) -> tuple[str, ...]:
    """Return patterns of what may stand before and after the number; their group stays."""
    if typing.percent:
        return (r"\s*[%％٪]([-)]?)$",)
    if typing.type is ColumnType.MONEY:
        sign = currencies.pattern()
        return rf"^([-+(]?)\s*{sign}\s*", rf"\s*{sign}\s*([-)]?)$"
    return ()


def _body(typing: Typing) -> str:
    """Return the regular expression of an unsigned number; groups are of three digits, or two as in India."""
    group, point = THOUSANDS[typing.thousands], DECIMALS[typing.decimal]
    whole = rf"(?:[0-9]+|[0-9]{{1,3}}(?:{group}[0-9]{{2,3}})*{group}[0-9]{{3}})" if group else "[0-9]+"
    if typing.type is ColumnType.INTEGER:
        return rf"(?:{whole}(?:{point}0*)?)"
    return rf"(?:(?:{whole}(?:{point}[0-9]*)?|{point}[0-9]+)(?:[eE][-+]?[0-9]{{1,3}})?)"
