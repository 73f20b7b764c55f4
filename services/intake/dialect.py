"""How a delimited text is written: delimiter, quote, and the row that names the columns."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from services.errors import LoadError

if TYPE_CHECKING:
    from _csv import Reader

#: Delimiters in use, the likelier first.
DELIMITERS = (",", ";", "\t", "|", "\x1f", "\x01", "^", "~", "¦", "§", ":", "#", "!", "*", "/")
#: How many of them are usual.
USUAL = 4
#: Records that are looked at.
RECORDS = 200
#: Texts that stand for "no value" and therefore say nothing about a column.
ABSENT = frozenset({"", "-", "--", "?", ".", "na", "n/a", "#n/a", "nan", "null", "none", "nil", "\\n"})
MONTHS = r"jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|january|february|march|april|june|july|august|september"
VALUE = re.compile(
    r"[^A-Za-z]*\d[^A-Za-z]*|[^A-Za-z]*\d[\d.,]*e[+-]?\d+"
    rf"|\d{{1,4}}[-/ .]?(?:{MONTHS})[-/ .,]*\d{{0,4}}|(?:{MONTHS}|october|november|december)[-/ .,]*\d{{1,4}}"
    rf"|\d{{4}}-\d{{2}}-\d{{2}}T\S+|true|false",
    re.IGNORECASE,
)
PERIOD = re.compile(r"(19|20)\d\d([-/ ]?(Q[1-4]|\d{1,2}))?|Q[1-4][-/ ]?(19|20)\d\d", re.IGNORECASE)
SEPARATOR_LINE = re.compile(r"sep=(.)\s*", re.IGNORECASE)


@dataclass(frozen=True)
class Dialect:
    """How records are written. An empty `quote` means that quotes are ordinary letters."""

    delimiter: str
    quote: str


@dataclass(frozen=True)
class Record:
    """The cells of a record and the lines it begins and ends on, counted from 1."""

    begin: int
    end: int
    cells: list[str]


def parse(lines: Iterable[str], dialect: Dialect) -> Reader:
    """Return a reader of the records in some lines that raises csv.Error for broken quotes."""
    return csv.reader(
        lines,
        delimiter=dialect.delimiter,
        quotechar=dialect.quote or None,
        quoting=csv.QUOTE_MINIMAL if dialect.quote else csv.QUOTE_NONE,
        strict=True,
    )


def find_dialect(lines: Sequence[str], delimiter: str | None = None, quote: str | None = None) -> Dialect:
    """Return the dialect that gives most lines the same number of cells; what is given stays.

    Lines in which nothing separates cells are of one column.
    """
    stated = SEPARATOR_LINE.fullmatch(lines[0]) if lines else None
    if delimiter is None and stated:
        delimiter = stated[1]
    candidates = [
        Dialect(mark, _quote(lines, mark) if quote is None else quote)
        for mark in ([delimiter] if delimiter else DELIMITERS)
        if mark != quote
    ]
    return max(candidates, key=lambda dialect: _score(lines, dialect))


def _quote(lines: Sequence[str], delimiter: str) -> str:
    """Return the quote that begins and ends cells; the double one unless single ones do so more often."""
    mark = re.escape(delimiter)
    single = sum(bool(re.search(rf"(?:^|{mark})'(?:[^']|'')*'(?:{mark}|\s*$)", line)) for line in lines)
    double = sum(bool(re.search(rf'(?:^|{mark})"(?:[^"]|"")*"(?:{mark}|\s*$)', line)) for line in lines)
    return "'" if single > 2 * double and 3 * single > len(lines) else '"'


def _score(lines: Sequence[str], dialect: Dialect) -> float:
    widths = [len(record.cells) for record in sample(lines, dialect)]
    ((width, times),) = Counter(widths).most_common(1) or [(1, 1)]
    if width < 2 or 2 * times < len(widths):
        return 0.01 if dialect.delimiter == "," else 0.0
    if dialect.delimiter not in DELIMITERS:
        return 1.0
    place = DELIMITERS.index(dialect.delimiter)
    # Among the usual four a single line decides: a header shows which of ; and , are decimal marks in all others.
    return times / len(widths) - (place / 1000 if place < USUAL else place / 50)


def sample(lines: Sequence[str], dialect: Dialect) -> list[Record]:
    """Return the first records, blank and broken ones apart."""
    records: list[Record] = []
    base = end = 0
    reader = parse(lines, dialect)
    while len(records) < RECORDS:
        begin = end
        try:
            cells = next(reader)
            end = base + reader.line_num
        except StopIteration:
            break
        except csv.Error:
            base = end = begin + 1
            cells, reader = [], parse(lines[base:], dialect)
        cells = mended(cells, lines[begin:end], dialect) or cells
        if filled(cells):
            records.append(Record(begin + 1, end, cells))
    return records


def mended(cells: list[str], lines: Sequence[str], dialect: Dialect) -> list[str]:
    """Return the cells of a line that has blanks around its quotes, which csv does not expect; else none."""
    if len(lines) == 0 or not dialect.quote or (cells and (len(lines) > 1 or f" {dialect.quote}" not in lines[0])):
        return []
    return _spaced(lines[0], dialect)


def _spaced(line: str, dialect: Dialect) -> list[str]:
    quote, delimiter = re.escape(dialect.quote), re.escape(dialect.delimiter)
    cell = re.compile(rf" *{quote}((?:[^{quote}]|{quote}{quote})*){quote} *(?={delimiter}|$)|([^{delimiter}]*)")
    line = line.rstrip("\r\n")
    cells: list[str] = []
    place = 0
    while place <= len(line):
        found = cell.match(line, place)
        if found is None or (found[2] or "").lstrip().startswith(dialect.quote):
            return []
        cells.append(found[2] if found[1] is None else found[1].replace(dialect.quote * 2, dialect.quote))
        place = found.end() + 1
    return cells


def filled(record: Sequence[str]) -> int:
    """Return the number of cells up to the last one that is not blank."""
    return max((place for place, cell in enumerate(record, 1) if cell.strip()), default=0)


def table_start(records: Sequence[Record]) -> int:
    """Return the place of the first record that is not a title."""
    widths = Counter(len(record.cells) for record in records)
    ((width, _),) = widths.most_common(1)
    used = max(filled(record.cells) for record in records if len(record.cells) == width)
    return next(place for place, record in enumerate(records) if 2 * filled(record.cells) > used)


def _names(first: Sequence[str], body: Sequence[Sequence[str]]) -> bool:
    texts = values = 0
    for place, cell in enumerate(first):
        below = [
            record[place] for record in body if place < len(record) and record[place].strip().lower() not in ABSENT
        ]
        if cell.strip().lower() in ABSENT or sum(map(is_value, below)) < 0.8 * len(below):
            continue
        if is_value(cell):
            values += 1
        else:
            texts += bool(below)
    if texts or not values:
        return True
    named = [cell.strip() for cell in first if is_value(cell)]
    return len(named) > 1 and len(set(named)) == len(named) and all(map(PERIOD.fullmatch, named))


def _absent(text: str) -> bool:
    return text.strip().lower() in ABSENT


def is_value(text: str) -> bool:
    """Return whether a text reads like a number or a date."""
    return VALUE.fullmatch(text.strip()) is not None


@dataclass(frozen=True)
class Header:
    """Where a table's columns are named: `row` (0: nowhere), the cells there, the row the first record may be on."""

    row: int
    cells: list[str]
    start: int


def find_header(name: str, records: Sequence[Record], stated: int | None) -> Header:
    """Return the stated header, or the one found; raises LoadError for a stated row without a record.

    Above it may stand titles: records that fill at most half of the columns.
    """
    place = table_start(records)
    if stated:
        place = next((place for place, record in enumerate(records) if record.begin <= stated <= record.end), -1)
        if place < 0:
            raise LoadError(f"{name} has no record in row {stated}, where its header should be. Give another row.")
    first, body = records[place], [record.cells for record in records[place + 1 :]]
    if stated == 0 or (stated is None and not _names(first.cells, body)):
        return Header(0, [], first.begin)
    return Header(first.begin, first.cells, first.end + 1)
