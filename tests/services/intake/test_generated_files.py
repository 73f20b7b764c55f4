"""Generated files: every record is accepted or refused, and what is well written comes back as it was.

100 of each sort on every run; `--hypothesis-profile=search` tries 1,000 new ones.
"""

from __future__ import annotations

import json
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from services.errors import UserError
from services.intake import delimited
from services.intake.files import AS_FOUND, find, stage
from services.intake.staged import ROW, Staged
from services.recipe import Reading

MANY = settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
SPECIAL = " ,;|\t\"'\r\n=-+@0123456789ab"
PUT = (b'"', b",", b"\n", b"\r", b"\0", b"\xff", b'""', b" ")
BLANK = re.compile(r"[,\s]*")


@dataclass(frozen=True)
class Written:
    """A table and how it is written down."""

    table: tuple[tuple[str, ...], ...]
    delimiter: str
    quote: str
    encoding: str
    end: str
    quote_all: bool
    closed: bool

    def content(self, after_header: str = "") -> bytes:
        header = self.delimiter.join(f"c{place}" for place in range(len(self.table[0])))
        lines = [self.delimiter.join(map(self._cell, row)) for row in self.table]
        text = header + self.end + after_header + self.end.join(lines) + (self.end if self.closed else "")
        return text.encode(self.encoding)

    def _cell(self, text: str) -> str:
        if not self.quote_all and not any(letter in text for letter in (self.delimiter, self.quote, "\r", "\n")):
            return text
        return self.quote + text.replace(self.quote, self.quote * 2) + self.quote

    @property
    def reading(self) -> Reading:
        return Reading(encoding=self.encoding, delimiter=self.delimiter, quote=self.quote, header=1)


@st.composite
def written(draw: st.DrawFn) -> Written:
    encoding = draw(st.sampled_from(("utf-8", "utf-8-sig", "utf-16", "utf-16-be", "cp1252", "latin-1")))
    letters = st.one_of(st.sampled_from(SPECIAL), st.characters(codec=encoding, exclude_categories=("Cs", "Cc")))
    width = draw(st.integers(1, 5))
    row = st.tuples(*[st.text(letters, max_size=10)] * width).filter(any)
    return Written(
        table=tuple(draw(st.lists(row, min_size=1, max_size=8))),
        delimiter=draw(st.sampled_from(",;\t|^")),
        quote=draw(st.sampled_from("\"'")),
        encoding=encoding,
        end=draw(st.sampled_from(("\n", "\r\n", "\r"))),
        quote_all=draw(st.booleans()),
        closed=draw(st.booleans()),
    )


def staged(folder: Path, content: bytes, reading: Reading = AS_FOUND) -> Staged:
    file = folder / "orders.csv"
    file.write_bytes(content)
    (part, *_) = find(file)
    return stage(part, folder / "staged", reading)


def outcome(content: bytes, reading: Reading = AS_FOUND) -> tuple[Staged | None, str]:
    """Stage a file and hold it against the law; returns what came of it, or the message."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            table = staged(Path(folder), content, reading)
        except UserError as error:
            return None, str(error)
        check_nothing_lost(table)
        return table, ""


def texts(table: Staged) -> list[tuple[str, ...]]:
    with duckdb.connect() as connection:
        found = connection.execute(f"SELECT * EXCLUDE ({ROW}) FROM ({table.relation()}) ORDER BY {ROW}").fetchall()
    return [tuple(cell or "" for cell in row) for row in found]


def check_nothing_lost(table: Staged) -> None:
    """The law: what the table and the report hold adds up to what there was."""
    with duckdb.connect() as connection:
        numbers = [row for (row,) in connection.execute(f"SELECT {ROW} FROM ({table.relation()})").fetchall()]
        if table.refused:
            refused = connection.execute(f"SELECT row, reason FROM read_parquet('{table.refused}')").fetchall()
            assert all(reason for _, reason in refused)
            assert len(refused) == table.refused_rows
            numbers += [row for row, _ in refused]
    assert len(numbers) == len(set(numbers)) == table.rows


@MANY
@given(written())
def test_what_is_well_written_comes_back(case: Written) -> None:
    with tempfile.TemporaryDirectory() as folder:
        table = staged(Path(folder), case.content(), case.reading)
        assert texts(table) == list(case.table)
        assert (table.rows, table.refused_rows) == (len(case.table), 0)
        check_nothing_lost(table)


@given(written())
def test_both_ways_read_the_same(case: Written) -> None:
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(delimited, "AT_ONCE_BYTES", 0)
        table = staged(Path(folder), case.content(), case.reading)
        assert texts(table) == list(case.table)
        check_nothing_lost(table)


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    content = draw(written()).content()
    for _ in range(draw(st.integers(1, 6))):
        place = draw(st.integers(0, len(content)))
        cut = draw(st.integers(0, 3))
        put = draw(
            st.one_of(st.sampled_from((b'"', b",", b"\n", b"\r", b"\0", b"\xff", b'""', b" ")), st.binary(max_size=3))
        )
        content = content[:place] + put + content[place + cut :]
    return content


@MANY
@given(st.one_of(damaged(), st.binary(max_size=200), st.text(SPECIAL, max_size=80).map(str.encode)))
@example(b'a,b\n1,"x\n2,y\n')
@example(b'a,"b"\n1,"x" ,y\n')
@example(b"[{")
@example(b'{"a":')
def test_any_bytes_are_staged_whole_or_refused_with_a_message(content: bytes) -> None:
    table, message = outcome(content)
    assert table or "orders.csv" in message


@MANY
@given(st.lists(st.text("abc019,.é=-", max_size=12), min_size=1, max_size=30), st.sampled_from(("\n", "\r\n", "\r")))
def test_without_quotes_each_line_is_a_record(lines: list[str], end: str) -> None:
    records = [line for line in lines if not BLANK.fullmatch(line)]
    assume(records)
    table, message = outcome(end.join(["name,n,x", *lines]).encode(), Reading(delimiter=",", header=1))
    assert table.rows == len(records) if table else f"None of the {len(records)} records" in message


VALUES = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5), st.lists(st.integers()))


@MANY
@given(
    st.lists(
        st.one_of(
            st.dictionaries(st.text(max_size=4), st.one_of(VALUES, st.dictionaries(st.text(max_size=3), VALUES))),
            st.text(max_size=9),
        ),
        max_size=6,
    ),
    st.booleans(),
)
def test_json_lines(values: list[object], array: bool) -> None:
    written = [json.dumps(value) if isinstance(value, dict) else str(value) for value in values]
    content = "[" + ",\n".join(written) + "]" if array else "\n".join(written)
    table, message = outcome(("" if array else '{"first": 1}\n').encode() + content.encode("utf-8", "replace"))
    assert table or "orders.csv" in message
