"""Delimited texts: how they are written is found, what does not fit is refused by row, nothing is lost."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from services.errors import LoadError
from services.intake.files import AS_FOUND, find, stage
from services.intake.staged import Staged
from services.recipe import Reading


def staged(folder: Path, content: bytes, reading: Reading = AS_FOUND) -> Staged:
    file = folder / "orders.csv"
    file.write_bytes(content)
    (part,) = find(file)
    return stage(part, folder / "staged", reading)


def rows(table: Staged) -> list[tuple[object, ...]]:
    with duckdb.connect() as connection:
        return connection.execute(f"SELECT * FROM ({table.relation()}) ORDER BY ALL").fetchall()


def refused(table: Staged) -> list[tuple[int, str]]:
    with duckdb.connect() as connection:
        found = connection.execute(f"SELECT row, reason FROM '{table.refused}' ORDER BY row").fetchall()
    assert len(found) == table.refused_rows
    return found


PLAIN = [(2, "1", "Ann"), (3, "2", "Bob")]


@pytest.mark.parametrize(
    ("content", "delimiter"),
    [
        (b"id,name\n1,Ann\n2,Bob\n", ","),
        (b"id;name\n1;Ann\n2;Bob\n", ";"),
        (b"id\tname\n1\tAnn\n2\tBob\n", "\t"),
        (b"id|name\n1|Ann\n2|Bob", "|"),
        (b"id^name\r\n1^Ann\r\n2^Bob\r\n", "^"),
        (b"id\x01name\r1\x01Ann\r2\x01Bob\r", "\x01"),
        ("id§name\n1§Ann\n2§Bob\n".encode(), "§"),
        (b"id,name\n1,Ann\r\n2,Bob\r", ","),
        (b"id,name,\n1,Ann,\n2,Bob,\n", ","),
        (b"'id','name'\n'1','Ann'\n'2','Bob'\n", ","),
        (b'"id" ; "name"\n"1" ; "Ann"\n"2";"Bob"\n', ";"),
    ],
)
def test_delimiters_and_line_ends(tmp_path: Path, content: bytes, delimiter: str) -> None:
    table = staged(tmp_path, content)
    assert (list(table.columns), rows(table)) == (["id", "name"], PLAIN)
    assert (table.reading.delimiter, table.reading.header, table.rows) == (delimiter, 1, 2)


@pytest.mark.parametrize(
    ("encoding", "found"),
    [
        ("utf-8", "utf-8"),
        ("utf-8-sig", "utf-8"),
        ("utf-16", "utf-16"),
        ("utf-16-le", "utf-16-le"),
        ("utf-16-be", "utf-16-be"),
        ("utf-32", "utf-32"),
        ("cp1252", "cp1252"),
        ("latin-1", "cp1252"),
    ],
)
def test_encodings(tmp_path: Path, encoding: str, found: str) -> None:
    table = staged(tmp_path, "id,Größe\n1,Müller & Søn\n2,Café\n".encode(encoding))
    assert list(table.columns) == ["id", "Größe"]
    assert rows(table) == [(2, "1", "Müller & Søn"), (3, "2", "Café")]
    assert table.reading.encoding == found


def test_a_header_tells_the_delimiter_from_the_decimal_mark(tmp_path: Path) -> None:
    lines = [f"A{number};{number},50;{number},25" for number in range(300)]
    table = staged(tmp_path, "\n".join(["Nummer;Preis;Umsatz", *lines]).encode())
    assert (table.reading.delimiter, list(table.columns)) == (";", ["Nummer", "Preis", "Umsatz"])


def test_bytes_that_cp1252_lacks_are_latin_1(tmp_path: Path) -> None:
    table = staged(tmp_path, b"id,name\n1,\x81\xe9\n")
    assert (table.reading.encoding, rows(table)) == ("latin-1", [(2, "1", "\x81é")])


def test_a_stated_encoding_is_taken(tmp_path: Path) -> None:
    table = staged(tmp_path, "id,name\n1,Привет\n".encode("cp1251"), Reading(encoding="windows-1251"))
    assert (table.reading.encoding, rows(table)) == ("cp1251", [(2, "1", "Привет")])


def test_late_letters_beyond_ascii_decide_the_encoding(tmp_path: Path) -> None:
    table = staged(tmp_path, b"id,name\n" + b"1,abc\n" * 200_000 + b"2,Caf\xe9\n")
    assert (table.rows, table.refused_rows, table.reading.encoding) == (200_001, 0, "cp1252")


def test_a_little_damage_within_utf8_is_refused_by_row(tmp_path: Path) -> None:
    table = staged(tmp_path, b"id,name\n" + "1,Größe\n".encode() * 200 + b"2,Caf\xe9\n3,x\n")
    assert (table.rows, table.refused_rows, table.reading.encoding) == (202, 1, "utf-8")
    assert refused(table) == [(202, "it holds bytes that are not UTF-8")]


@pytest.mark.parametrize(
    ("content", "header", "names", "found"),
    [
        (b"Sales 2024\n\nid;name\n1;Ann\n", 3, ["id", "name"], [(4, "1", "Ann")]),
        (b"Sales 2024;;\nAll shops;;\nid;name;n\n1;Ann;5\n", 3, ["id", "name", "n"], [(4, "1", "Ann", "5")]),
        (b"sep=;\nid;name\n1;Ann\n", 2, ["id", "name"], [(3, "1", "Ann")]),
        (b"1,2,2024-01-01\n3,4,2024-01-02\n", 0, ["column_1", "column_2", "column_3"], None),
        (b"Region,2019,2020,2021\nNorth,1,2,3\nSouth,4,5,6\n", 1, ["Region", "2019", "2020", "2021"], None),
        (b"name,name,,NAME\na,b,c,d\n", 1, ["name", "name (2)", "column 3", "NAME (3)"], [(2, "a", "b", "c", "d")]),
        (b"city\nParis\nSt. Ives\n", 1, ["city"], [(2, "Paris"), (3, "St. Ives")]),
        (b'a,"b\nc"\n1,2\n', 1, ["a", "b c"], [(3, "1", "2")]),
        (b"__row,x\n1,2\n", 1, ["__row (2)", "x"], [(2, "1", "2")]),
    ],
)
def test_headers(
    tmp_path: Path, content: bytes, header: int, names: list[str], found: list[tuple[object, ...]] | None
) -> None:
    table = staged(tmp_path, content)
    assert (table.reading.header, list(table.columns)) == (header, names)
    assert found is None or rows(table) == found
    again = stage(find(tmp_path / "orders.csv")[0], tmp_path / "again", table.reading)
    assert (again.columns, again.reading, rows(again)) == (table.columns, table.reading, rows(table))


def test_a_stated_header_row_is_taken(tmp_path: Path) -> None:
    table = staged(tmp_path, b"a,b\nc,d\n1,2\n", Reading(header=2))
    assert (list(table.columns), rows(table)) == (["c", "d"], [(3, "1", "2")])
    assert rows(staged(tmp_path, b"a,b\nc,d\n", Reading(header=0))) == [(1, "a", "b"), (2, "c", "d")]
    with pytest.raises(LoadError, match="no record in row 9"):
        staged(tmp_path, b"a,b\nc,d\n", Reading(header=9))


def test_what_does_not_fit_is_refused_by_row_and_reason(tmp_path: Path) -> None:
    content = b'id,name,n\n1,Ann,5\n2,Bob\n\n3,Cy,6,7\n4,"Di,8\n5,"Ed" x,9\n6,F\0,1\n,,\n7,"G\nH",2\n8,"I",3,\n'
    table = staged(tmp_path, content)
    assert rows(table) == [(2, "1", "Ann", "5"), (10, "7", "G\nH", "2"), (12, "8", "I", "3")]
    quotes = "a quote is opened and not closed, or closed within a cell"
    assert refused(table) == [
        (3, "2 cells instead of 3"),
        (5, "4 cells instead of 3"),
        (6, quotes),
        (7, quotes),
        (8, "it holds a NUL byte"),
    ]
    assert table.rows == 8


def test_an_empty_cell_is_missing_quoted_or_not(tmp_path: Path) -> None:
    for times, first_row in ((1, None), (100_000, 2)):
        table = staged(tmp_path, b"a,b,c\n" + b'1,"",\n' * times)
        assert {row[1:] for row in rows(table)} == {("1", None, None)}
        assert (table.first_row, table.rows) == (first_row, times)


def test_texts_stay_as_they_are(tmp_path: Path) -> None:
    cells = ["=cmd|' /C calc'!A0", "+1", "-2", "@x", "NULL", "\\N", "nan", "1e400", " lead", "007", "a\\b", '5" pipe']
    content = "id,text\n" + "".join(f"{number},{cell}\n" for number, cell in enumerate(cells))
    assert [row[2] for row in rows(staged(tmp_path, content.encode()))] == cells


def test_the_fast_way_is_taken_and_agrees_with_the_careful_one(tmp_path: Path) -> None:
    header, lines = 'id;name;"n"\r\n', "".join(f'{n};"Ä ""{n}""; x";{n / 7}\r\n' for n in range(9_000))
    fast = staged(tmp_path, f"{header}{lines}\r\n\r\n".encode())
    assert (fast.first_row, fast.rows) == (2, 9_000)
    found = rows(fast)
    careful = staged(tmp_path, f"{header}\r\n{lines}".encode())
    assert (careful.first_row, careful.rows) == (None, 9_000)
    assert [row[1:] for row in rows(careful)] == [row[1:] for row in found]


def test_long_records_are_refused_and_the_rest_is_read(tmp_path: Path) -> None:
    content = b"id,name\n1,Ann\n2," + b"x" * 5_000_000 + b"\n3,Cy\n"
    table = staged(tmp_path, content)
    assert rows(table) == [(2, "1", "Ann"), (4, "3", "Cy")]
    ((number, reason),) = refused(table)
    assert number == 3
    assert "limit record_bytes" in reason


def test_a_quote_that_never_closes_costs_its_own_line_only(tmp_path: Path) -> None:
    content = b'id,name\n1,"Ann\n' + b"2,Bob\n" * 400_000
    table = staged(tmp_path, content)
    assert (table.rows, table.refused_rows) == (400_001, 1)
    assert refused(table)[0][0] == 2


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\n \n\t\n", "is empty"),
        (b"\xef\xbb\xbf", "is empty"),
        (b"id,name\n", "header .id, name. and no records"),
        (b"id,name\n\n,\n", "header .id, name. and no records"),
        (b"id,name\n1\n2\n3\n", "None of the 3 records"),
        (b"x" * 5_000_000, "The first line of orders.csv has more than"),
        (",".join(f"c{n}" for n in range(1_001)).encode() + b"\n" + b"1," * 1_000 + b"1\n", "limit columns"),
    ],
)
def test_files_without_a_table_say_so(tmp_path: Path, content: bytes, message: str) -> None:
    with pytest.raises(LoadError, match=message):
        staged(tmp_path, content)


@pytest.mark.parametrize(
    ("reading", "message"),
    [
        (Reading(encoding="klingon"), "no text encoding 'klingon'"),
        (Reading(encoding="hex"), "no text encoding 'hex'"),
        (Reading(encoding="utf-16"), "not text in utf-16"),
        (Reading(format="parquet"), "cannot be read as parquet"),
    ],
)
def test_a_reading_that_is_wrong_is_refused(tmp_path: Path, reading: Reading, message: str) -> None:
    with pytest.raises(LoadError, match=message):
        staged(tmp_path, b"id,name\n1,Anna\n2,B\n", reading)


def test_hostile_headers_become_names_on_one_line(tmp_path: Path) -> None:
    hostile = ['=cmd|"x"', "'; DROP TABLE facts; --", "a\nb\tc", "x" * 5_000, "\x1b[31mred\x7f", "a\u202eb", '"']
    line = ",".join('"' + name.replace('"', '""') + '"' for name in hostile)
    table = staged(tmp_path, (line + "\n" + ",".join("1234567") + "\n").encode())
    names = list(table.columns)
    assert names[1] == "'; DROP TABLE facts; --"
    assert all(name.isprintable() and 0 < len(name) <= 100 for name in names)
    assert rows(table) == [(3, *"1234567")]


def test_equal_content_has_an_equal_digest_and_nothing_is_left_behind(tmp_path: Path) -> None:
    first = staged(tmp_path, "a,b\n1,é\n".encode("utf-16"))
    second = staged(tmp_path, "a,b\n1,é\n".encode("utf-16"))
    assert first.digest == second.digest
    assert [path.name for path in (tmp_path / "staged").iterdir()] == [first.path.name]
