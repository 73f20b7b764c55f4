from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.context import ForkServerContext
from pathlib import Path

import duckdb
import orjson
import pandas as pd
import pytest
import sqlalchemy as sa

from salescope.cache import NoCache
from services.duck_warehouse import DuckWarehouse
from services.errors import NotReadyError, SalescopeError
from services.loading import load
from services.query import SalesQuery
from services.sales import Sales
from services.warehouse import KEEP, Pointer, Warehouse, rows_of
from tests.factories import House, shop, viewer_of, write_parquet
from tests.services.loaders import folder_of, month, start


def table_of(value: int) -> Callable[[duckdb.DuckDBPyConnection], None]:
    def build(connection: duckdb.DuckDBPyConnection) -> None:
        connection.execute(f"CREATE TABLE facts AS SELECT {value} AS value")

    return build


def publish(warehouse: Warehouse, value: int) -> Pointer:
    with warehouse.writing():
        return warehouse.publish(table_of(value), "2024-01-01T00:00:00")


def value_in(warehouse: Warehouse) -> int:
    return int(rows_of(warehouse.current(), sa.text("SELECT value FROM facts"))[0]["value"])


def names(root: Path) -> set[str]:
    return {path.name for path in root.iterdir()}


@pytest.fixture
def warehouse(tmp_path: Path) -> Iterator[Warehouse]:
    made = DuckWarehouse(tmp_path / "warehouse", threads=1)
    yield made
    if made.pointer():
        made.current().engine.dispose()


def test_before_the_first_load(warehouse: Warehouse) -> None:
    assert warehouse.pointer() is None
    assert warehouse.verify() is None
    for ask in (warehouse.live, warehouse.current):
        with pytest.raises(NotReadyError, match="salescope load --sample"):
            ask()


def test_publish(warehouse: Warehouse) -> None:
    pointer = publish(warehouse, 1)
    assert (pointer.version, pointer.file) == (1, "0001.duckdb")
    assert warehouse.verify() == pointer
    assert value_in(warehouse) == 1
    assert names(warehouse.root) == {"0001.duckdb", "CURRENT", "LOCK"}


def test_only_the_last_versions_are_kept(warehouse: Warehouse) -> None:
    for value in range(1, 7):
        publish(warehouse, value)
    assert names(warehouse.root) == {"CURRENT", "LOCK", *(f"{number:04d}.duckdb" for number in range(7 - KEEP, 7))}
    assert value_in(warehouse) == 6


def test_build_that_fails_leaves_the_live_version(warehouse: Warehouse) -> None:
    before = publish(warehouse, 1)

    def build(connection: duckdb.DuckDBPyConnection) -> None:
        table_of(2)(connection)
        raise RuntimeError("half way")

    with warehouse.writing(), pytest.raises(RuntimeError, match="half way"):
        warehouse.publish(build, "2024-01-01T00:00:00")
    assert warehouse.pointer() == before
    assert names(warehouse.root) == {"0001.duckdb", "CURRENT", "LOCK"}


def test_leftovers_of_a_crash_go_with_the_next_publish(warehouse: Warehouse) -> None:
    publish(warehouse, 1)
    for name in (".build-0002-77.duckdb", ".build-0002-77.duckdb.wal", "0002.duckdb", "0009.duckdb"):
        (warehouse.root / name).write_bytes(b"rubbish")
    spill = warehouse.root / ".build-0002-77.duckdb.tmp"
    spill.mkdir()
    (spill / "block").write_bytes(b"rubbish")
    publish(warehouse, 2)
    assert names(warehouse.root) == {"0001.duckdb", "0002.duckdb", "CURRENT", "LOCK"}
    assert value_in(warehouse) == 2


def test_snapshot_is_opened_once(warehouse: Warehouse) -> None:
    publish(warehouse, 1)
    assert warehouse.current() is warehouse.current()


def test_file_that_was_read_often_is_opened_anew_when_nobody_reads(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.duck_warehouse.RENEW_AFTER", 5)
    publish(warehouse, 1)
    snapshot = warehouse.current()

    def read(_number: int) -> int:
        return int(rows_of(snapshot, sa.text("SELECT value FROM facts"))[0]["value"])

    with ThreadPoolExecutor(4) as several:
        assert set(several.map(read, range(60))) == {1}
    with snapshot.engine.connect():  # somebody reads
        before = snapshot.engine.pool
        assert [read(number) for number in range(10)] == [1] * 10
        assert snapshot.engine.pool is before
    assert [read(number) for number in range(6)] == [1] * 6
    assert snapshot.engine.pool is not before
    assert warehouse.current() is snapshot


def test_reader_moves_on_by_itself(warehouse: Warehouse) -> None:
    publish(warehouse, 1)
    reader = DuckWarehouse(warehouse.root, threads=1)
    old = reader.current()
    publish(warehouse, 2)
    assert value_in(reader) == 2
    assert rows_of(old, sa.text("SELECT value FROM facts"))[0]["value"] == 1


def test_readers_work_while_versions_are_published(warehouse: Warehouse) -> None:
    publish(warehouse, 1)
    reader, stop = DuckWarehouse(warehouse.root, threads=1), threading.Event()
    seen, failed = list[int](), list[Exception]()

    def read() -> None:
        while not stop.is_set():
            try:
                seen.append(value_in(reader))
            except Exception as error:
                failed.append(error)

    threads = [threading.Thread(target=read) for _ in range(3)]
    for thread in threads:
        thread.start()
    for value in range(2, 12):
        publish(warehouse, value)
        time.sleep(0.02)
    stop.set()
    for thread in threads:
        thread.join()
    assert failed == []
    assert value_in(reader) == 11
    assert len(set(seen)) > 3


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda content: content[:-1], id="cut"),
        pytest.param(lambda content: content[:9000] + bytes([content[9000] ^ 1]) + content[9001:], id="one bit"),
        pytest.param(lambda content: b"", id="empty"),
        pytest.param(lambda content: content + b"\0", id="longer"),
    ],
)
def test_damaged_snapshot_is_noticed(warehouse: Warehouse, damage: Callable[[bytes], bytes]) -> None:
    pointer = publish(warehouse, 1)
    path = warehouse.root / pointer.file
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(SalescopeError, match=r"0001\.duckdb is damaged: its checksum differs"):
        warehouse.verify()
    path.write_bytes(b"")
    (warehouse.root / "CURRENT").unlink()


def test_missing_snapshot_is_said(warehouse: Warehouse) -> None:
    pointer = publish(warehouse, 1)
    (warehouse.root / pointer.file).unlink()
    with pytest.raises(SalescopeError, match="named by CURRENT is missing"):
        DuckWarehouse(warehouse.root).current()
    (warehouse.root / "CURRENT").unlink()


def test_missing_snapshot_is_noticed_by_verify(tmp_path: Path) -> None:
    warehouse = DuckWarehouse(tmp_path, threads=1)
    pointer = publish(warehouse, 1)
    (warehouse.root / pointer.file).unlink()
    with pytest.raises(SalescopeError):
        warehouse.verify()


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"version": 1}', b'{"version": "x"}'], ids=str)
def test_damaged_pointer_is_said(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "CURRENT").write_bytes(content)
    with pytest.raises(SalescopeError):
        DuckWarehouse(tmp_path).current()


def test_pointer_is_plain_json(warehouse: Warehouse) -> None:
    pointer = publish(warehouse, 1)
    assert orjson.loads((warehouse.root / "CURRENT").read_bytes()) == vars(pointer)


# Hardened connections


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM read_text('/etc/passwd')",
        "SELECT * FROM read_blob('/etc/passwd')",
        "SELECT * FROM '/etc/passwd'",
        "SELECT * FROM glob('/etc/*')",
        "SELECT * FROM read_parquet('/tmp/x.parquet')",
        "COPY facts TO '/tmp/stolen.csv'",
        "COPY facts FROM '/etc/passwd'",
        "EXPORT DATABASE '/tmp/stolen'",
        "ATTACH '/tmp/other.duckdb'",
        "ATTACH ':memory:' AS other",
        "INSTALL httpfs",
        "LOAD httpfs",
        "LOAD '/tmp/evil.duckdb_extension'",
        "SET enable_external_access = true",
        "SET memory_limit = '100GB'",
        "SET python_enable_replacements = true",
        "RESET lock_configuration",
        "PRAGMA enable_profiling",
        "PRAGMA memory_limit='100GB'",
        "CALL enable_logging()",
        "SELECT * FROM local_frame",
        "SELECT getenv('HOME')",
        "CREATE TABLE mine (a INT)",
        "CREATE SECRET s (TYPE s3)",
        "INSERT INTO facts VALUES (2)",
        "UPDATE facts SET value = 2",
        "DELETE FROM facts",
        "DROP TABLE facts",
    ],
)
def test_hardened_connection_refuses(warehouse: Warehouse, statement: str) -> None:
    publish(warehouse, 1)
    local_frame = pd.DataFrame({"secret": [1]})
    assert len(local_frame) == 1
    with warehouse.current().engine.connect() as connection, pytest.raises(sa.exc.DBAPIError):
        connection.exec_driver_sql(statement).fetchall()
    assert value_in(warehouse) == 1


@pytest.mark.parametrize(("setting", "value"), [("memory_limit", "95.3 MiB"), ("threads", "1")])
def test_limits_reach_the_engine(tmp_path: Path, setting: str, value: str) -> None:
    warehouse = DuckWarehouse(tmp_path, memory="100MB", threads=1)
    publish(warehouse, 1)
    statement = sa.text("SELECT current_setting(:name)::VARCHAR AS value").bindparams(name=setting)
    assert rows_of(warehouse.current(), statement)[0]["value"] == value
    warehouse.current().engine.dispose()


# Loading beside a reader, beside another loader, and killed


def test_writer_waits_for_the_writer(warehouse: Warehouse) -> None:
    order: list[str] = []

    def second() -> None:
        with DuckWarehouse(warehouse.root).writing():
            order.append("second")

    with warehouse.writing():
        thread = threading.Thread(target=second)
        thread.start()
        time.sleep(0.1)
        order.append("first")
    thread.join()
    assert order == ["first", "second"]


def test_server_answers_while_another_process_loads(tmp_path: Path, forks: ForkServerContext) -> None:
    house = shop(tmp_path, month(3))
    house.load()
    sales = Sales(house.model, DuckWarehouse(house.warehouse.root, threads=1), NoCache())
    query, viewer = SalesQuery(measures=("lines",)), viewer_of("analyst")
    assert sales.answer(query, viewer).value("lines") == 4
    process, seen = start(forks, house.warehouse.root, folder_of(tmp_path, 5)), set[tuple[int, float]]()
    while process.is_alive():
        answer = sales.answer(query, viewer)
        seen.add((answer.trust.version, answer.value("lines")))
    process.join()
    answer = sales.answer(query, viewer)
    assert process.exitcode == 0
    assert (answer.trust.version, answer.value("lines")) == (2, 10)
    assert seen <= {(1, 4), (2, 10)}


def test_loading_in_the_process_that_reads(tmp_path: Path) -> None:
    house = shop(tmp_path, month(3))
    house.load()
    house.warehouse.current()
    assert house.sales().coverage()
    try:
        write_parquet(house.folder / "sales.parquet", month(4))
        assert load(house.warehouse, house.model, house.recipe, house.folder, by="tests").changed
    finally:
        house.warehouse.current().engine.dispose()


def test_half_a_load_goes_with_the_next_one(tmp_path: Path) -> None:
    house: House = shop(tmp_path, month(3))
    left = house.warehouse.root / "loads" / "deadbeef.part"
    left.parent.mkdir(parents=True)
    left.write_bytes(b"rubbish")
    house.load()
    assert not left.exists()
