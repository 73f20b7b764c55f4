from __future__ import annotations

import datetime as dt
import logging
import os
import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from decimal import Decimal
from multiprocessing.context import ForkServerContext
from pathlib import Path
from typing import Any

import duckdb
import psycopg
import pytest
import sqlalchemy as sa

from salescope import installation
from salescope.settings import Settings
from services import loading, postgres_tables, surveying
from services.addresses import read_address
from services.errors import AwayError, NotReadyError, QueryError, SalescopeError, UserError
from services.ledger import loads
from services.loading import load, undo
from services.postgres_warehouse import LOOK_EVERY, PostgresWarehouse
from services.query import SalesQuery
from services.warehouse import KEEP, Pointer, Warehouse, rows_of
from tests.factories import load_again, shop, viewer_of, warehouse_of, write_parquet
from tests.postgres import PASSWORD, Cluster, running_cluster
from tests.services.loaders import folder_of, lines_of, month
from tests.services.test_planner import MODEL, RECIPE
from tests.services.test_renewing import FIRST, THEN, refuse

ROUNDS = int(os.environ.get("CRASH_ROUNDS", "20"))


@pytest.fixture
def url(cluster: Cluster) -> str:
    return cluster.new_url()


@pytest.fixture
def warehouse(tmp_path: Path, url: str) -> Iterator[PostgresWarehouse]:
    made = PostgresWarehouse(read_address(url), tmp_path / "warehouse", threads=1)
    yield made
    dispose(made)


def dispose(warehouse: PostgresWarehouse) -> None:
    warehouse._control.dispose()
    if warehouse._open is not None:
        warehouse._open.engine.dispose()


def table_of(value: int) -> Callable[[duckdb.DuckDBPyConnection], None]:
    def build(connection: duckdb.DuckDBPyConnection) -> None:
        connection.execute(f"CREATE TABLE facts AS SELECT {value} AS value")

    return build


def publish(warehouse: Warehouse, value: int) -> Pointer:
    with warehouse.writing():
        return warehouse.publish(table_of(value), f"2024-01-01T00:00:{value:02d}")


def value_in(warehouse: Warehouse) -> int:
    return int(rows_of(warehouse.current(), sa.text("SELECT value FROM facts"))[0]["value"])


def plain(url: str) -> str:
    return url.replace("+psycopg", "")


def schemas(url: str) -> list[str]:
    with psycopg.connect(plain(url)) as connection:
        rows = connection.execute("SELECT nspname FROM pg_namespace WHERE nspname ~ '^salescope' ORDER BY 1").fetchall()
    return [row[0] for row in rows]


# Versions


def test_before_the_first_load(warehouse: PostgresWarehouse) -> None:
    assert warehouse.pointer() is None
    assert warehouse.verify() is None
    for ask in (warehouse.live, warehouse.current):
        with pytest.raises(NotReadyError, match="salescope load --sample"):
            ask()


def test_publish(warehouse: PostgresWarehouse, url: str) -> None:
    pointer = publish(warehouse, 1)
    assert (pointer.version, pointer.file) == (1, "salescope_v0001")
    assert warehouse.verify() == warehouse.live() == pointer
    assert value_in(warehouse) == 1
    assert schemas(url) == ["salescope", "salescope_v0001"]
    assert {path.name for path in warehouse.root.iterdir()} == {"LOCK", "kept.duckdb", "kept.json"}


def test_only_the_last_versions_are_kept(warehouse: PostgresWarehouse, url: str) -> None:
    for value in range(1, KEEP + 4):
        publish(warehouse, value)
    assert schemas(url) == ["salescope", *(f"salescope_v{number:04d}" for number in range(4, KEEP + 4))]


def test_version_that_is_read_is_dropped_later(warehouse: PostgresWarehouse, url: str) -> None:
    publish(warehouse, 1)
    with psycopg.connect(plain(url)) as reader:
        reader.execute("SELECT * FROM salescope_v0001.facts")
        for value in range(2, KEEP + 2):
            publish(warehouse, value)
        assert "salescope_v0001" in schemas(url)
    publish(warehouse, KEEP + 2)
    assert "salescope_v0001" not in schemas(url)


def test_build_that_fails_leaves_the_live_version(warehouse: PostgresWarehouse, url: str) -> None:
    before = publish(warehouse, 1)

    def build(connection: duckdb.DuckDBPyConnection) -> None:
        connection.execute("CREATE TABLE facts AS SELECT 2 AS value")
        raise RuntimeError("half way")

    with warehouse.writing(), pytest.raises(RuntimeError, match="half way"):
        warehouse.publish(build, "2024-01-01T00:00:02")
    assert warehouse.pointer() == before
    assert schemas(url) == ["salescope", "salescope_v0001"]
    assert {path.name for path in warehouse.root.iterdir()} == {"LOCK", "kept.duckdb", "kept.json"}


def test_copy_that_fails_leaves_the_live_version(warehouse: PostgresWarehouse, url: str) -> None:
    before = publish(warehouse, 1)

    def build(connection: duckdb.DuckDBPyConnection) -> None:
        connection.execute("CREATE TABLE facts AS SELECT 2 AS value")
        connection.execute("CREATE TABLE odd AS SELECT [1, 2] AS numbers")

    with warehouse.writing(), pytest.raises(SalescopeError, match=r"DuckDB type INTEGER\[\] has no place"):
        warehouse.publish(build, "2024-01-01T00:00:02")
    assert warehouse.pointer() == before
    assert schemas(url) == ["salescope", "salescope_v0001"]


def test_publishing_needs_the_lock(warehouse: PostgresWarehouse) -> None:
    with pytest.raises(SalescopeError, match="writer's lock"):
        warehouse.publish(table_of(1), "2024-01-01T00:00:00")


def test_reader_moves_on_by_itself(warehouse: PostgresWarehouse, url: str) -> None:
    publish(warehouse, 1)
    reader = PostgresWarehouse(read_address(url), warehouse.root, threads=1)
    old = reader.current()
    publish(warehouse, 2)
    time.sleep(LOOK_EVERY)
    assert value_in(reader) == 2
    assert rows_of(old, sa.text("SELECT value FROM facts"))[0]["value"] == 1
    old.engine.dispose()
    dispose(reader)


def test_snapshot_is_opened_once(warehouse: PostgresWarehouse) -> None:
    publish(warehouse, 1)
    assert warehouse.current() is warehouse.current()


def test_connections_of_old_versions_are_closed(warehouse: PostgresWarehouse, url: str) -> None:
    for value in range(1, 6):
        publish(warehouse, value)
        assert value_in(warehouse) == value
    with psycopg.connect(plain(url)) as connection:
        (count,) = connection.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        ).fetchall()[0]
    assert count <= 2


def test_writers_of_several_machines_wait_for_one_another(url: str, tmp_path: Path) -> None:
    """Folders of their own stand for machines: only the server's lock is left between them."""
    first, second = (PostgresWarehouse(read_address(url), tmp_path / name, threads=1) for name in "ab")
    order: list[str] = []

    def write() -> None:
        publish(second, 2)
        order.append("second")

    with first.writing():
        thread = threading.Thread(target=write)
        thread.start()
        time.sleep(0.5)
        first.publish(table_of(1), "2024-01-01T00:00:01")
        order.append("first")
    thread.join()
    assert order == ["first", "second"]
    assert first.live().version == 2
    for each in (first, second):
        dispose(each)


@pytest.mark.parametrize(
    "damage",
    ["DELETE FROM salescope_v0001.facts", "DROP TABLE salescope_v0001.facts", "CREATE TABLE salescope_v0001.x (a int)"],
)
def test_changed_version_is_noticed(warehouse: PostgresWarehouse, url: str, damage: str) -> None:
    publish(warehouse, 1)
    with psycopg.connect(plain(url)) as connection:
        connection.execute(damage.encode())
    with pytest.raises(SalescopeError, match="salescope_v0001 is not as it was published"):
        warehouse.verify()


# Values


def test_values_arrive_as_they_are(warehouse: PostgresWarehouse) -> None:
    texts = ["", "a\tb", "a\nb\r\n", "\\", "\\N", "\\.", "\\t", '"', "'", "é\U0001f4a3", "NULL", " "]

    def build(connection: duckdb.DuckDBPyConnection) -> None:
        connection.execute('CREATE TABLE facts (n INTEGER, text VARCHAR, "odd ""name" DOUBLE)')
        connection.executemany("INSERT INTO facts VALUES (?, ?, ?)", [(n, text, 0.1) for n, text in enumerate(texts)])
        connection.execute("INSERT INTO facts VALUES (99, NULL, 'nan'), (100, 'a' || chr(0), '-inf')")
        connection.execute(
            "CREATE TABLE kinds AS SELECT true AS yes, 12.3456::DECIMAL(18, 4) AS money, "
            "170141183460469231731687303715884105727 AS huge, "
            "TIMESTAMP '2024-02-29 12:34:56.789012' AS moment, DATE '0001-01-01' AS day, 1e-300 AS small, "
            "-9223372036854775808 AS low, 1.5::FLOAT AS single"
        )

    with warehouse.writing():
        warehouse.publish(build, "2024-01-01T00:00:00")
    found = rows_of(warehouse.current(), sa.text("SELECT * FROM facts ORDER BY n"))
    assert [row["text"] for row in found] == [*texts, None, "a\N{REPLACEMENT CHARACTER}"]
    assert {row['odd "name'] for row in found[:-2]} == {0.1}
    assert [str(row['odd "name']) for row in found[-2:]] == ["nan", "-inf"]
    assert rows_of(warehouse.current(), sa.text("SELECT * FROM kinds")) == [
        {
            "yes": True,
            "money": Decimal("12.3456"),
            "huge": Decimal(2**127 - 1),
            "moment": dt.datetime(2024, 2, 29, 12, 34, 56, 789012),
            "day": dt.date(1, 1, 1),
            "small": 1e-300,
            "low": -(2**63),
            "single": 1.5,
        }
    ]


# Reading only


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE mine (a INT)",
        "INSERT INTO facts VALUES (2)",
        "UPDATE facts SET value = 2",
        "DELETE FROM facts",
        "DROP TABLE facts",
        "DROP SCHEMA salescope CASCADE",
        "UPDATE salescope.current SET version = 9",
        "SELECT nextval('x')",
    ],
)
def test_reader_cannot_change_anything(warehouse: PostgresWarehouse, statement: str) -> None:
    publish(warehouse, 1)
    with warehouse.current().engine.connect() as connection, pytest.raises(sa.exc.DBAPIError):
        connection.exec_driver_sql(statement)
    assert value_in(warehouse) == 1


def test_statement_that_takes_too_long_is_stopped(warehouse: PostgresWarehouse) -> None:
    publish(warehouse, 1)
    started = time.monotonic()
    with pytest.raises(QueryError, match=r"took longer than 0\.2 seconds"):
        rows_of(warehouse.current(), sa.text("SELECT pg_sleep(20)"), 0.2)
    assert time.monotonic() - started < 10
    assert value_in(warehouse) == 1


# A server that is not there


@pytest.fixture
def own_cluster() -> Iterator[Cluster]:
    with running_cluster() as running:
        yield running


def test_server_away_is_said_and_forgotten(own_cluster: Cluster, tmp_path: Path) -> None:
    house = shop(tmp_path, month(3), url=own_cluster.new_url())
    house.load()
    sales, query, viewer = house.sales(), SalesQuery(measures=("lines",)), viewer_of("analyst")
    assert sales.answer(query, viewer).value("lines") == 4
    own_cluster.stop()
    time.sleep(LOOK_EVERY)
    for _ in range(3):
        started = time.monotonic()
        with pytest.raises(AwayError, match="does not answer"):
            sales.answer(query, viewer)
        assert time.monotonic() - started < 3
    with pytest.raises(AwayError, match=r"127\.0\.0\.1") as caught:
        house.load()
    assert PASSWORD not in str(caught.value)
    own_cluster.start()
    time.sleep(LOOK_EVERY)
    assert sales.answer(query, viewer).value("lines") == 4
    dispose_of(house.warehouse)


def test_server_that_hangs_does_not_hang_its_readers(own_cluster: Cluster, tmp_path: Path) -> None:
    house = shop(tmp_path, month(3), url=own_cluster.new_url())
    house.load()
    sales, query, viewer = house.sales(seconds=1), SalesQuery(measures=("lines",)), viewer_of("analyst")
    assert sales.answer(query, viewer).value("lines") == 4
    assert own_cluster.process is not None
    pids = [own_cluster.process.pid, *children(own_cluster.process.pid)]
    time.sleep(LOOK_EVERY)
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    started = time.monotonic()
    try:
        with pytest.raises(AwayError):
            sales.answer(query, viewer)
        assert time.monotonic() - started < 8
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)
    time.sleep(LOOK_EVERY)
    assert sales.answer(query, viewer).value("lines") == 4
    dispose_of(house.warehouse)


def children(pid: int) -> list[int]:
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()]


def dispose_of(warehouse: Warehouse) -> None:
    assert isinstance(warehouse, PostgresWarehouse)
    dispose(warehouse)


# Crashes


def require_whole(warehouse: Warehouse, numbers: range) -> None:
    """Check that each load is there with all of its lines or not at all, and that the ledger says which."""
    found = rows_of(
        warehouse.current(), sa.text("SELECT split_part(order_id, '-', 1) AS part, count(*) AS n FROM facts GROUP BY 1")
    )
    stored = {row["part"]: row["n"] for row in found}
    assert set(stored.values()) <= {lines_of(number) for number in numbers}
    assert stored == {part: lines_of(int(part.removeprefix("O"))) for part in stored}
    assert sum(entry.rows_kept for entry in loads(warehouse)) == sum(stored.values())


def test_killed_publishes_lose_and_double_nothing(url: str, tmp_path: Path, forks: ForkServerContext) -> None:
    root, rng = tmp_path / "warehouse", random.Random(4)
    numbers = range(ROUNDS)
    folders = {number: folder_of(tmp_path, number) for number in numbers}
    acknowledged: set[int] = set()
    for number in numbers:
        process = forks.Process(target=load_again, args=(root, folders[number], url))
        process.start()
        process.join(rng.uniform(0.02, 0.6))
        if process.is_alive():
            assert process.pid is not None
            os.kill(process.pid, signal.SIGKILL)
        process.join()
        if process.exitcode == 0:
            acknowledged.add(number)
    warehouse = warehouse_of(root, url)
    killed = len(numbers) - len(acknowledged)
    assert killed > 0
    for number in numbers:
        load_again(root, folders[number], url)
    require_whole(warehouse, numbers)
    assert (
        len(rows_of(warehouse.current(), sa.text("SELECT DISTINCT split_part(order_id, '-', 1) FROM facts"))) == ROUNDS
    )
    version = warehouse.live().version
    assert schemas(url) == ["salescope", *(f"salescope_v{each:04d}" for each in range(version - KEEP + 1, version + 1))]
    assert list(root.glob(".build-*")) == []
    dispose_of(warehouse)


def test_two_loads_at_once_are_both_there(url: str, tmp_path: Path, forks: ForkServerContext) -> None:
    processes = [
        forks.Process(target=load_again, args=(tmp_path / name, folder_of(tmp_path, number), url))
        for number, name in ((1, "a"), (2, "a"))
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0, 0]
    warehouse = warehouse_of(tmp_path / "a", url)
    assert warehouse.live().version == 2
    require_whole(warehouse, range(3))
    dispose_of(warehouse)


# Settings


def test_settings_choose_the_warehouse(url: str, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    settings = Settings.from_env({"SALESCOPE_INSTANCE": str(tmp_path), "SALESCOPE_WAREHOUSE_URL": url})
    store = installation.warehouse(settings)
    assert isinstance(store, PostgresWarehouse)
    publish(store, 1)
    assert value_in(store) == 1
    assert PASSWORD not in caplog.text + repr(settings) + repr(store.current().engine)
    dispose(store)


@pytest.mark.parametrize("text", ["mysql://a:hunter2@h/d", "hunter2", "sqlite:////tmp/hunter2"])
def test_other_urls_are_refused(tmp_path: Path, text: str) -> None:
    settings = Settings.from_env({"SALESCOPE_INSTANCE": str(tmp_path), "SALESCOPE_WAREHOUSE_URL": text})
    with pytest.raises(UserError, match="postgresql://user:password@host:5432/database") as caught:
        installation.warehouse(settings)
    assert "hunter2" not in str(caught.value)


def test_role_without_the_right_to_make_schemas(cluster: Cluster, url: str, tmp_path: Path) -> None:
    with psycopg.connect(plain(url), autocommit=True) as connection:
        connection.execute("DROP ROLE IF EXISTS humble")
        connection.execute("CREATE ROLE humble LOGIN PASSWORD 'humble'")
    address = read_address(url).set(username="humble", password="humble")
    store = PostgresWarehouse(address, tmp_path, threads=1)
    with pytest.raises(SalescopeError, match="GRANT CREATE ON DATABASE"):
        publish(store, 1)
    dispose(store)


def test_days_that_did_not_change_come_from_the_version_before(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(surveying, "WORTHWHILE", 0)
    monkeypatch.setattr(surveying, "FEW", 10)
    house = shop(tmp_path, FIRST, MODEL, RECIPE, url)
    house.load()
    monkeypatch.setattr(loading, "build", refuse)
    copied, copy = Counter[str](), postgres_tables._copy

    def counted(built: duckdb.DuckDBPyConnection, writer: Any, table: psycopg.sql.Identifier, select: str) -> int:
        rows = copy(built, writer, table, select)
        copied[table.as_string()] += rows
        return rows

    monkeypatch.setattr(postgres_tables, "_copy", counted)
    for mode, rows in (THEN[0], THEN[-1]):
        write_parquet(house.folder / "sales.parquet", rows)
        load(house.warehouse, house.model, house.recipe, house.folder, by="tests", mode=mode)
    assert 0 < sum(count for table, count in copied.items() if "facts" in table) < 1_000
    with duckdb.connect(str(house.warehouse.root / "kept.duckdb"), read_only=True) as kept:
        names = [name for (name,) in kept.execute("SELECT table_name FROM duckdb_tables()").fetchall()]
        for name in names:
            there = rows_of(house.warehouse.current(), sa.text(f"SELECT * FROM {name}"))
            found = [tuple(map(str, row.values())) for row in there]
            assert sorted(found) == sorted(
                tuple(map(str, row)) for row in kept.execute(f"SELECT * FROM {name}").fetchall()
            )
    assert {"facts", "rollup_0", "loads"} <= {*names}
    dispose_of(house.warehouse)


def test_undo_and_load_again(url: str, tmp_path: Path) -> None:
    house = shop(tmp_path, month(3), url=url)
    house.load()
    write_parquet(house.folder / "sales.parquet", month(4))
    assert load(house.warehouse, house.model, house.recipe, house.folder, by="tests").version == 2
    time.sleep(LOOK_EVERY)
    assert undo(house.warehouse, lambda name: house.model, 1, by="tests").version == 3
    time.sleep(LOOK_EVERY)
    assert rows_of(house.warehouse.current(), sa.text("SELECT count(*) AS n FROM facts")) == [{"n": 4}]
    dispose_of(house.warehouse)
