from __future__ import annotations

import contextlib
import datetime as dt
import io
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.errors import LoadError
from services.model import SalesModel, read_model
from services.orders import MAX_FAULTS, MAX_TEXT, Fault, OrderForm, RefusedOrdersError, arrow, ndjson
from tests.factories import SHOP_MODEL

ORDER = {
    "sold_at": "2024-01-31T12:50:00",
    "order_id": "O1",
    "country": "France",
    "product_id": "P1",
    "product_name": "Red box",
    "quantity": 2,
    "revenue": 12.5,
}
LIMIT = 1_000_000


@pytest.fixture(scope="module")
def form(tmp_path_factory: pytest.TempPathFactory) -> OrderForm:
    path = tmp_path_factory.mktemp("model") / "model.yaml"
    path.write_text(SHOP_MODEL, "utf-8")
    model: SalesModel = read_model(path)
    return OrderForm(model)


def lines(*records: object) -> io.BytesIO:
    return io.BytesIO(b"".join(json.dumps(record).encode() + b"\n" for record in records))


def read(form: OrderForm, stream: io.BytesIO) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {name: [] for name in form.columns}
    for columns in form.batches(ndjson(stream)):
        for name, values in columns.items():
            found[name] += values
    return found


def faults(form: OrderForm, stream: io.BytesIO) -> tuple[Fault, ...]:
    with pytest.raises(RefusedOrdersError) as refused:
        read(form, stream)
    return refused.value.faults


def test_order_becomes_the_columns_of_the_model(form: OrderForm) -> None:
    assert read(form, lines(ORDER)) == {
        "sold_at": [dt.datetime(2024, 1, 31, 12, 50)],
        "order_id": ["O1"],
        "country": ["France"],
        "product_id": ["P1"],
        "product_name": ["Red box"],
        "quantity": [2],
        "revenue": [Decimal("12.5000")],
    }


@pytest.mark.parametrize(
    ("column", "sent", "kept"),
    [
        ("sold_at", "2024-01-31", dt.datetime(2024, 1, 31)),
        ("sold_at", "2024-01-31 12:50", dt.datetime(2024, 1, 31, 12, 50)),
        ("sold_at", "2024-01-31T12:50:01.25", dt.datetime(2024, 1, 31, 12, 50, 1, 250000)),
        ("country", None, None),
        ("country", "", None),
        ("country", " Réunion \U0001f600", " Réunion \U0001f600"),
        ("country", "x" * MAX_TEXT, "x" * MAX_TEXT),
        ("quantity", None, None),
        ("quantity", -(2**63), -(2**63)),
        ("quantity", 3.0, 3),
        ("revenue", "12.50", Decimal("12.5")),
        ("revenue", -0.0001, Decimal("-0.0001")),
        ("revenue", 99999999999999, Decimal(99999999999999)),
        ("revenue", 0.1, Decimal("0.1")),
    ],
)
def test_values_that_are_taken(form: OrderForm, column: str, sent: object, kept: object) -> None:
    assert read(form, lines(ORDER | {column: sent}))[column] == [kept]


@pytest.mark.parametrize(
    ("column", "sent", "said"),
    [
        ("sold_at", None, "is missing"),
        ("sold_at", "31/01/2024", "must be a local time without a zone"),
        ("sold_at", "2024-01-31T12:50:00Z", "without a zone"),
        ("sold_at", "2024-01-31T12:50:00+01:00", "without a zone"),
        ("sold_at", "2024-02-30", "day is out of range"),
        ("sold_at", 1706705400, "must be a local time"),
        ("country", 7, "must be a text; received 7"),
        ("country", ["France"], "must be a text"),
        ("country", "x" * (MAX_TEXT + 1), f"at most {MAX_TEXT} characters"),
        ("quantity", "2", "must be a whole number; received '2'"),
        ("quantity", 2.5, "must be a whole number"),
        ("quantity", True, "must be a whole number"),
        ("quantity", 2**63, "whole number of 64 bits"),
        ("revenue", "12,50", "must be an amount"),
        ("revenue", "1_000", "must be an amount"),
        ("revenue", "NaN", "must be an amount"),
        ("revenue", "", "must be an amount"),
        ("revenue", "1e3", "must be an amount"),
        ("revenue", True, "must be an amount"),
        ("revenue", {}, "must be an amount"),
        ("revenue", 0.1 + 0.2, "at most 4 decimal places; round it"),
        ("revenue", 1e14, "must be an amount below 100,000,000,000,000"),
        ("revenue", 1e300, "must be an amount below"),
        ("line_id", 1, "is given by Salescope; leave it out"),
        ("colour", "red", "there is no such column; allowed: sold_at, order_id, country"),
    ],
)
def test_values_that_are_refused(form: OrderForm, column: str, sent: object, said: str) -> None:
    (fault,) = faults(form, lines(ORDER, ORDER | {column: sent}, ORDER))
    assert (fault.row, fault.column) == (2, column)
    assert said in fault.reason


@pytest.mark.parametrize("column", ["sold_at", "quantity", "revenue"])
def test_number_or_time_left_out_is_refused_and_a_text_is_not(form: OrderForm, column: str) -> None:
    left = {name: value for name, value in ORDER.items() if name != column}
    assert faults(form, lines(left)) == (Fault(1, column, "is missing"),)
    few = {name: ORDER[name] for name in ("sold_at", "quantity", "revenue")}
    assert read(form, lines(few))["country"] == [None]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b"{", "is not JSON"),
        (b"nonsense", "is not JSON"),
        (b'{"quantity": NaN}', "is not JSON"),
        (b'{"country": "\xff"}', "is not JSON"),
        (b'{"country": "\\ud800"}', "is not JSON"),
        (b"[" * 100_000, "is not JSON"),
        (b"[]", "is not a JSON object"),
        (b"null", "is not a JSON object"),
        (b'"text"', "is not a JSON object"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_lines_that_are_no_orders(form: OrderForm, line: bytes, said: str) -> None:
    stream = io.BytesIO(json.dumps(ORDER).encode() + b"\n\n" + line + b"\n")
    (fault,) = faults(form, stream)
    assert (fault.row, fault.column) == (3, None)
    assert said in fault.reason


def test_all_faults_of_all_rows_are_told_up_to_a_limit(form: OrderForm) -> None:
    found = faults(form, lines(ORDER, ORDER | {"quantity": "2", "revenue": "x"}, [], ORDER))
    assert [(fault.row, fault.column) for fault in found] == [(2, "quantity"), (2, "revenue"), (3, None)]
    assert len(faults(form, io.BytesIO(b"1\n" * 1_000_000))) == MAX_FAULTS


def test_fault_after_many_good_rows_is_found(form: OrderForm) -> None:
    """Rows are read in chunks; what is wrong in the last one refuses all."""
    (fault,) = faults(form, lines(*[ORDER] * 25_000, [1]))
    assert fault.row == 25_001


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(form: OrderForm, content: bytes) -> None:
    with contextlib.suppress(RefusedOrdersError):
        assert len(read(form, io.BytesIO(content))["sold_at"]) <= content.count(b"\n") + 1


def stream_of(path: Path, table: pa.Table, **options: Any) -> Path:
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_stream(sink, table.schema, **options) as writer:
        writer.write_table(table)
    return path


def arrow_table(rows: int = 3, **changed: pa.Array) -> pa.Table:
    columns = {
        "sold_at": pa.array([dt.datetime(2024, 1, 31, 12, 50)] * rows, pa.timestamp("ns")),
        "order_id": pa.array(["O1"] * rows),
        "country": pa.array(["France"] * rows).dictionary_encode(),
        "quantity": pa.array([2] * rows, pa.int16()),
        "revenue": pa.array([Decimal("12.5")] * rows, pa.decimal128(10, 2)),
    }
    return pa.table(columns | changed)


def read_arrow(form: OrderForm, path: Path, limit: int = LIMIT) -> dict[str, list[Any]]:
    (found,) = form.batches(arrow(path, limit))
    return found


@pytest.mark.parametrize("compression", [None, "zstd", "lz4"])
def test_arrow_stream_says_the_same_as_ndjson(form: OrderForm, tmp_path: Path, compression: str | None) -> None:
    path = stream_of(tmp_path / "in", arrow_table(), options=pa.ipc.IpcWriteOptions(compression=compression))
    said = {name: ORDER[name] for name in ("sold_at", "order_id", "country", "quantity", "revenue")}
    assert read_arrow(form, path) == read(form, lines(said, said, said))
    assert [each.name for each in tmp_path.iterdir()] == ["in"]


def test_arrow_faults_name_the_row(form: OrderForm, tmp_path: Path) -> None:
    path = stream_of(tmp_path / "in", arrow_table(revenue=pa.array([1.5, float("nan"), None])))
    with pytest.raises(RefusedOrdersError) as refused:
        read_arrow(form, path)
    assert [(fault.row, fault.column) for fault in refused.value.faults] == [(2, "revenue")]


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        pytest.param({"country": pa.array([["France"]] * 3)}, "'country' has the type list", id="list"),
        pytest.param({"country": pa.nulls(3)}, "'country' has the type null", id="null"),
        pytest.param(
            {"country": pa.RunEndEncodedArray.from_arrays(pa.array([3]), pa.array(["France"]))},
            "'country' has the type run_end",
            id="run ends",
        ),
        pytest.param(
            {"sold_at": pa.array([1, 2, 3], pa.timestamp("ns"))}, "would lose data", id="finer than microseconds"
        ),
    ],
)
def test_arrow_types_that_are_refused(form: OrderForm, tmp_path: Path, columns: dict[str, pa.Array], said: str) -> None:
    with pytest.raises(LoadError, match="This is no Arrow stream of orders") as refused:
        read_arrow(form, stream_of(tmp_path / "in", arrow_table(**columns)))
    assert said in str(refused.value)


def test_arrow_stream_that_unpacks_to_too_much_is_refused(form: OrderForm, tmp_path: Path) -> None:
    table = pa.table({"country": pa.array(["x" * 1000]).take(pa.array([0] * 100_000))})
    path = stream_of(tmp_path / "in", table, options=pa.ipc.IpcWriteOptions(compression="zstd"))
    assert path.stat().st_size < LIMIT / 2
    with pytest.raises(LoadError):
        read_arrow(form, path)


def test_damaged_arrow_streams_are_refused_or_read_whole(form: OrderForm, tmp_path: Path) -> None:
    """This process lives on whatever the bytes are, and no row is read that was not sent."""
    whole = stream_of(tmp_path / "whole", arrow_table()).read_bytes()
    outcomes = []
    for number in range(12):
        position = number * len(whole) // 12
        damaged = tmp_path / f"damaged-{number}"
        damaged.write_bytes(whole[:position] if number % 2 else whole[:position] + b"\xff" + whole[position + 1 :])
        try:
            outcomes.append(sum(len(columns["order_id"]) for columns in form.batches(arrow(damaged, LIMIT))))
        except LoadError:
            outcomes.append(-1)
    assert set(outcomes) <= {-1, 0, 3}
    assert -1 in outcomes
