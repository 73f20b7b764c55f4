"""What files hold is told by their content; archives unpack within limits; damage is a message."""

from __future__ import annotations

import gzip
import io
import json
import random
import time
import zipfile
from pathlib import Path

import duckdb
import pytest

from services.errors import LoadError
from services.intake.files import AS_FOUND, find, stage
from services.intake.limits import LIMITS, Limits
from services.intake.staged import Staged
from services.model import ColumnType
from services.recipe import Reading
from tests.factories import write_parquet

SHARED = Path(__file__).parents[4] / "shared" / "data"
CSV = b"id,name\n1,Ann\n2,Bob\n"


def put(folder: Path, name: str, content: bytes) -> Path:
    folder.mkdir(exist_ok=True)
    file = folder / name
    file.write_bytes(content)
    return file


def zipped(members: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return out.getvalue()


def only(file: Path, reading: Reading = AS_FOUND, limits: Limits = LIMITS) -> Staged:
    (part,) = find(file, limits)
    return stage(part, file.parent / "staged", reading, limits)


def rows(table: Staged) -> list[tuple[object, ...]]:
    with duckdb.connect() as connection:
        return connection.execute(f"SELECT * FROM ({table.relation()}) ORDER BY 1").fetchall()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("orders.csv", CSV),
        ("orders.xlsx", CSV),
        ("orders.csv", gzip.compress(CSV)),
        ("orders.csv.gz", gzip.compress(CSV)),
        (
            "orders.csv",
            zipped({"orders.csv": CSV, "__MACOSX/._orders.csv": b"\0\5", ".DS_Store": b"\0", "readme.txt": b"x"}),
        ),
    ],
)
def test_content_decides_not_the_name(tmp_path: Path, name: str, content: bytes) -> None:
    table = only(put(tmp_path, name, content))
    assert [row[1:] for row in rows(table)] == [("1", "Ann"), ("2", "Bob")]
    assert table.digest == only(put(tmp_path / "plain", "orders.csv", CSV)).digest
    assert [path for path in table.path.parent.iterdir() if path != table.path] == []


def test_each_member_of_an_archive_is_a_table(tmp_path: Path) -> None:
    parquet = write_parquet(tmp_path / "x.parquet", "SELECT 1 AS a").read_bytes()
    file = put(tmp_path, "all.zip", zipped({"a.csv": CSV, "sub/b.csv": CSV * 2, "c.parquet": parquet, "sub/": b""}))
    parts = find(file)
    assert [part.name for part in parts] == ["a.csv", "sub/b.csv", "c.parquet"]
    tables = [stage(part, tmp_path / "staged") for part in parts]
    assert [table.rows for table in tables] == [2, 5, 1]
    assert len({table.path for table in tables}) == 3
    assert not (tmp_path / "staged" / ".unpacked").exists()
    assert rows(tables[2]) == [(1, 1)]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"%PDF-1.7\n", "a PDF document"),
        (b"\x89PNG\r\n\x1a\n", "an image"),
        (b"<!DOCTYPE html><table><tr><td>1</td></tr></table>", "a web page or XML"),
        (b"MZ\x90\0\3", "a program"),
        (b"SQLite format 3\0", "sqlite:///"),
        (bytes(range(1, 9)) * 100, "no text"),
        (zipped({}), "holds no files with data"),
        (zipped({"__MACOSX/x": b"1", "manual.pdf": b"%PDF-"}), "holds no files with data"),
        (zipped({"inner.zip": zipped({"a.csv": CSV})}), "an archive. Unpack"),
        (zipped({"inner.csv.gz": gzip.compress(CSV)}), "an archive. Unpack"),
        (gzip.compress(zipped({"a.csv": CSV})), "an archive. Unpack"),
        (gzip.compress(gzip.compress(CSV)), "an archive. Unpack"),
        (zipped({"[Content_Types].xml": b"<x/>", "word/document.xml": b"<x/>"}), "no .xlsx workbook"),
        (gzip.compress(CSV)[:-9], "is damaged"),
        (b"\x1f\x8b garbage", "is damaged"),
        (zipped({"a.csv": CSV * 100})[:-30], "is damaged"),
        (zipped({"a.csv": b"<html>"}), "a web page or XML"),
        (b"PAR1" + b"\0" * 60 + b"PAR1", "no readable Parquet"),
        (b'{"a": 1', "no JSON objects"),
        (b'[{"a": 1}, {"a"', "breaks off or is damaged after 1 records"),
    ],
)
def test_what_is_not_read_says_so(tmp_path: Path, content: bytes, message: str) -> None:
    with pytest.raises(LoadError, match=message):
        only(put(tmp_path, "orders.csv", content))


def test_a_member_that_is_locked_or_damaged_says_so(tmp_path: Path) -> None:
    content = bytearray(zipped({"a.csv": CSV * 100}))
    locked = bytearray(content)
    for mark, place in ((b"PK\1\2", 8), (b"PK\3\4", 6)):
        locked[locked.index(mark) + place] |= 1
    with pytest.raises(LoadError, match="locked with a password"):
        only(put(tmp_path, "a.zip", bytes(locked)))
    content[60] ^= 0xFF
    with pytest.raises(LoadError, match="is damaged"):
        only(put(tmp_path, "a.zip", bytes(content)))


@pytest.mark.parametrize(
    ("content", "limits", "message"),
    [
        (CSV * 1_000, Limits(source_bytes=1_000), "limit source_bytes"),
        (
            gzip.compress(bytes(random.Random(1).choices(b"0123456789,\n", k=500_000))),
            Limits(unpacked_bytes=100_000),
            "limit unpacked_bytes",
        ),
        (gzip.compress(b"0,0\n" * 30_000_000), LIMITS, "limit ratio"),
        (zipped({"a.csv": b"0,0\n" * 30_000_000}), LIMITS, "limit ratio"),
        (zipped({"[Content_Types].xml": b"<x/>", "xl/workbook.xml": b" " * 100_000_000}), LIMITS, "limit ratio"),
    ],
    ids=["source", "unpacked", "gzip bomb", "zip bomb", "workbook bomb"],
)
def test_floods_are_stopped(tmp_path: Path, content: bytes, limits: Limits, message: str) -> None:
    file = put(tmp_path, "orders.csv", content)
    begin = time.monotonic()
    with pytest.raises(LoadError, match=message):
        only(file, limits=limits)
    assert time.monotonic() - begin < 5
    assert list((tmp_path / "staged").glob("**/unpacked")) == []


def test_a_zip_that_lies_about_its_sizes_is_stopped(tmp_path: Path) -> None:
    content = bytearray(zipped({"a.csv": b"0,0\n" * 30_000_000}))
    for mark, place in ((b"PK\1\2", 24), (b"PK\3\4", 22)):
        start = content.index(mark) + place
        content[start : start + 4] = (100).to_bytes(4, "little")
    with pytest.raises(LoadError):
        only(put(tmp_path, "a.zip", bytes(content)))


def test_json_lines(tmp_path: Path) -> None:
    lines = [
        '{"id": 1, "who": {"name": "Ann", "tags": [1]}, "n": 1.5, "ok": true}',
        "",
        '{"id": 2, "n": 3, "=x": ""}',
        "{",
    ]
    table = only(put(tmp_path, "orders.json", "\n".join(lines).encode()))
    assert table.columns == {
        "id": ColumnType.INTEGER,
        "who.name": ColumnType.TEXT,
        "who.tags": ColumnType.TEXT,
        "n": ColumnType.NUMBER,
        "ok": ColumnType.TEXT,
    }
    assert rows(table) == [(1, 1, "Ann", "[1]", 1.5, "true"), (3, 2, None, None, 3.0, None)]
    assert (table.rows, table.refused_rows, table.reading.format) == (3, 1, "jsonl")


def test_an_array_of_objects_is_streamed(tmp_path: Path) -> None:
    content = json.dumps([{"id": number, "text": "x" * (number % 50)} for number in range(50_000)], indent=1)
    table = only(put(tmp_path, "orders.json", content.encode("utf-16")))
    assert (table.rows, table.refused_rows, table.reading.encoding) == (50_000, 0, "utf-16")
    assert rows(table)[-1] == (50_000, 49_999, "x" * 49)


def test_parquet_is_taken_as_it_is(tmp_path: Path) -> None:
    select = "SELECT i, i::DOUBLE AS d, i::DECIMAL(9, 2) AS m, DATE '2024-01-01' AS t, 'x' AS s FROM range(3) AS t(i)"
    file = write_parquet(tmp_path / "orders.parquet", select)
    table = only(file)
    assert (table.path, table.first_row, table.rows) == (file, 1, 3)
    assert "".join(kind.value[0] for kind in table.columns.values()) == "inmtt"
    assert [row[0] for row in rows(table)] == [1, 2, 3]


def test_parquet_of_other_types_becomes_text(tmp_path: Path) -> None:
    select = (
        "SELECT true AS b, {'x': [1]} AS n, 'Ä'::BLOB AS bytes, 18446744073709551615::UBIGINT AS u, "
        "TIMESTAMPTZ '2024-01-01 00:00:00+00' AS z, 1 AS file_row_number, 2 AS \"a\nb\""
    ).replace("'Ä'::BLOB", "encode('Ä')")
    table = only(write_parquet(tmp_path / "orders.parquet", select))
    assert table.path != tmp_path / "orders.parquet"
    ((number, *values),) = rows(table)
    assert [number, *map(str, values)] == [
        1,
        "true",
        '{"x":[1]}',
        "Ä",
        "18446744073709551615",
        "2024-01-01 00:00:00",
        "1",
        "2",
    ]
    assert list(table.columns)[-2:] == ["file_row_number (1)", "a b"]


def test_parquet_with_bytes_that_are_no_text_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LoadError, match="no readable Parquet"):
        only(write_parquet(tmp_path / "orders.parquet", "SELECT '\\xFF'::BLOB AS picture"))


def test_damaged_parquet_never_crashes(tmp_path: Path) -> None:
    good = write_parquet(
        tmp_path / "good.parquet", "SELECT i, 'text ' || i % 97 AS s, i / 7 AS d FROM range(5000) AS t(i)"
    ).read_bytes()
    chance = random.Random(7)
    messages = 0
    for number in range(10):
        content = bytearray(good)
        for _ in range(4):
            content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
        try:
            only(put(tmp_path, f"bad{number}.parquet", bytes(content)))
        except LoadError:
            messages += 1
    assert messages >= 5


def test_a_file_that_is_missing_or_read_as_another_format_says_so(tmp_path: Path) -> None:
    with pytest.raises(LoadError, match="There is no file"):
        find(tmp_path / "none.csv")
    with pytest.raises(LoadError, match="cannot be read as excel"):
        only(put(tmp_path, "orders.csv", CSV), Reading(format="excel"))


#: Records of each delimited file in the shared data, as its README states them.
STATED = {
    "customer_campaigns/marketing_campaign.csv": 2_240,
    "customer_service/helpdesk_events.csv": 13_710,
    "customer_service/call_center.csv": 1_251,
    "customer_service/incident_events.csv": 5_998,
    "baskets/groceries_member_purchases.csv": 38_765,
    "baskets/groceries_transactions.csv": 9_835,
    "inventory/ga_store_sales_report.csv": 454,
    "inventory/ga_store_products_stock.csv": 1_092,
    "web_traffic/online_shoppers_intention.csv": 12_330,
    "web_traffic/ga_store_all_sessions.csv": 15_134,
    "web_traffic/daily_website_visitors.csv": 2_167,
    "bmw_sales_kaggle/bmw_sales_2010_2024.csv": 50_000,
    "car_registrations/norway_new_car_sales_by_make.csv": 4_377,
    "car_registrations/norway_new_car_sales_by_model.csv": 2_694,
    "marketing_mix/robyn_simulated_weekly.csv": 208,
    "marketing_mix/meridian_simulated_geo_weekly.csv": 6_240,
    "marketing_mix/retailer_mmm_weekly.csv": 209,
    "marketing_mix/facebook_ads_kag.csv": 1_143,
    "ab_tests/cookie_cats.csv": 90_189,
    "ab_tests/ab_data.csv.zip": 294_478,
    "online_retail_ii/daily_csv": 110_236,
}


@pytest.mark.parametrize("name", STATED)
def test_real_files_have_the_stated_number_of_records(tmp_path: Path, name: str) -> None:
    place = SHARED / name
    if not place.exists():
        pytest.skip("the shared data are not here")
    files = sorted(place.iterdir()) if place.is_dir() else [place]
    tables = [stage(part, tmp_path) for file in files for part in find(file)]
    assert sum(table.rows for table in tables) == STATED[name]
    assert sum(table.refused_rows for table in tables) == 0
